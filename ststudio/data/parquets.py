"""Rows in Parquet, a few at a time: a small file can hold far more than memory."""

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from ststudio.data.gather import Gathering
from ststudio.data.partial import Hole, HoledFile
from ststudio.data.row_groups import Choice
from ststudio.data.tables import Part
from ststudio.errors import StudioError

BATCH_ROWS = 256
BUFFER = 16 << 10  # bytes read at once of a file that is not whole
FOOTER_BYTES = 16 << 20  # of one string in the file's own description
FOOTER_ITEMS = 100_000


class ParquetFile:
    """One file: what it says of itself, and the rows of its groups."""

    def __init__(self, content: Part | bytes) -> None:
        self.name = content.name if isinstance(content, Part) else "What is packed in it"
        self.holed: HoledFile | None = None
        if isinstance(content, bytes):
            self.source: Any = pa.BufferReader(content)
        elif content.whole:
            self.source = content.path
        else:
            self.source = self.holed = HoledFile(content)
        self.columns: list[str] = []

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Word what goes wrong; go on where bytes were missing, which are noted."""
        try:
            yield
        except MemoryError:
            raise
        except (Hole, pa.ArrowException, OSError, ValueError) as error:
            if self.holed and self.holed.missed:
                return
            reason = str(error).partition("\n")[0][:120]
            raise StudioError(
                f"{self.name} is not a Parquet file that can be read ({reason}). Save it again."
            ) from None

    def open(self, gathering: Gathering) -> None:
        """Read the description; note the columns that hold no text, and the names of classes."""
        with self.explaining():
            self.file = parquet.ParquetFile(
                self.source,
                thrift_string_size_limit=FOOTER_BYTES,
                thrift_container_size_limit=FOOTER_ITEMS,
            )
            schema = self.file.schema_arrow
            readable = [field.name for field in schema if _is_readable(field.type)]
            gathering.unsupported.update(set(schema.names) - set(readable))
            most = gathering.columns_most
            self.columns = readable[:most]
            gathering.too_many.update(readable[most : 2 * most])
            gathering.class_names.update(_class_names(schema))
            # Dictionaries stay as they are: thirty gigabytes of one repeated text remain one text.
            self.file = parquet.ParquetFile(
                self.source,
                metadata=self.file.metadata,
                read_dictionary=[field.name for field in schema if _is_text(field.type)],
                buffer_size=BUFFER if self.holed else 0,
                pre_buffer=False,
            )

    def rows(
        self, choice: Choice, characters: int, places: Sequence[int] = ()
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give the first rows of a group, or those at `places`, with their number in the file."""
        taken = places or range(choice.rows)
        start = 0
        with self.explaining():
            for batch in self.file.iter_batches(
                min(BATCH_ROWS, choice.rows), [choice.group], self.columns, use_threads=False
            ):
                stop = start + batch.num_rows
                here = taken[bisect_left(taken, start) : bisect_left(taken, stop)]
                if len(here) < batch.num_rows:
                    batch = batch.take(pa.array([place - start for place in here], pa.int64()))
                cells = [_values(column, characters) for column in batch.columns]
                for place, row in zip(here, zip(*cells, strict=True), strict=False):  # or no cell
                    yield choice.first + place + 1, dict(zip(batch.schema.names, row, strict=True))
                if stop > taken[-1]:
                    return
                start = stop


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_readable(kind: pa.DataType) -> bool:
    """Tell whether a column can hold texts or labels; pictures, sounds and vectors cannot."""
    if pa.types.is_struct(kind):
        return any(_is_readable(field.type) for field in kind) and not _is_media(kind)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = kind.value_type
        inner = inner.value_type if pa.types.is_dictionary(inner) else inner
        return _is_text(inner) or (pa.types.is_struct(inner) and not _is_media(inner))
    if pa.types.is_dictionary(kind):
        return _is_readable(kind.value_type)
    return bool(
        _is_text(kind)
        or pa.types.is_binary(kind)  # Spark writes texts so
        or pa.types.is_large_binary(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_temporal(kind)
        or pa.types.is_null(kind)
    )


def _is_media(kind: pa.StructType) -> bool:
    return {field.name for field in kind} == {"bytes", "path"}


def _values(column: pa.Array, characters: int) -> list[Any]:
    """Return Python values, texts cut to one character more than allowed."""
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [_decoded(value) for value in column.to_pylist()]
    if pa.types.is_duration(column.type):
        return [None if value is None else str(value) for value in column.to_pylist()]
    if not pa.types.is_dictionary(column.type):
        return list(column.to_pylist())
    used = pc.unique(column.indices.drop_null())
    texts = column.dictionary.take(used)
    if _is_text(texts.type):
        texts = pc.utf8_slice_codeunits(texts, 0, characters + 1)
    value_of = dict(zip(used.to_pylist(), texts.to_pylist(), strict=True))
    return [value_of.get(index) for index in column.indices.to_pylist()]


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _class_names(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """Read the names of classes that the datasets library keeps in the schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return dict(named_classes(features, ""))
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def named_classes(features: dict[str, Any], prefix: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give the names of classes of each column that has them, nested ones dotted."""
    for name, feature in features.items():
        if not isinstance(feature, dict):
            continue
        if feature.get("_type") == "ClassLabel":
            yield prefix + name, tuple(map(str, feature["names"]))
        elif "_type" not in feature:
            yield from named_classes(feature, f"{prefix}{name}.")
