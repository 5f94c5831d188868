"""A run's train.py with the rows that it reads beside it, packed into one file."""

import tempfile
import zipfile
from pathlib import Path

import pyarrow.parquet as pq

from ststudio.runs.run import Run
from ststudio.training.script import FOLDER, exported

NAME = "train.py"


def zip_script(run: Run) -> Path:
    """Pack script and rows; the file appears in the run's folder when it is whole."""
    script, tables = exported(run)
    with tempfile.TemporaryDirectory(prefix=".zip-", dir=run.path) as folder:
        half = Path(folder) / "train.zip"
        with zipfile.ZipFile(half, "w") as pack:
            pack.writestr(NAME, script)
            for name, table in tables.items():
                with pack.open(f"{FOLDER}/{name}.parquet", "w") as file:
                    pq.write_table(table, file, compression="zstd")
        return half.replace(run.path / half.name)
