"""Admission: what a recipe's fixes decide, and what is refused before any time is spent."""

import pytest

from ststudio.errors import StudioError
from ststudio.runs.admission import start_run

SOURCE = {"kind": "builtin", "id": "sample-pair"}


def test_a_fix_decides_the_base_model_where_the_recipe_names_none() -> None:
    fix = {"code": "use_base_model", "args": {"id": f"run:{'0' * 32}"}}
    with pytest.raises(StudioError, match="run"):
        start_run({"source": SOURCE, "fixes": [fix]})
    with pytest.raises(StudioError, match="not the id of a model"):
        start_run({"source": SOURCE, "fixes": [fix], "base_model": "../elsewhere"})
