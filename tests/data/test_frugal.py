"""First rows of Parquet that is hard to read in parts; bytes are counted at the loopback Hub."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from ststudio.data.first_rows import first_rows
from ststudio.data.frugal import NOT_SHOWN
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from tests.data.test_sources import from_hub
from tests.hub.server import Hub

pytestmark = pytest.mark.usefixtures("folder")

MB = 1_000_000
LETTERS = np.frombuffer(bytes(range(33, 127)), np.uint8)  # ninety: they hardly compress


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Start a Hub without a viewer, and send the app there."""
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def noise(rows: int, characters: int, seed: int = 0) -> list[str]:
    """Write texts that no codec makes smaller."""
    drawn = np.random.default_rng(seed).choice(LETTERS, (rows, characters)).tobytes().decode()
    return [drawn[n * characters : (n + 1) * characters] for n in range(rows)]


def written(table: pa.Table, **options: Any) -> bytes:  # noqa: ANN401
    """Write a table into the bytes of a Parquet file."""
    sink = io.BytesIO()
    parquet.write_table(table, sink, **options)
    return sink.getvalue()


def noisy(columns: int, rows: int = 20_000, characters: int = 300, **options: Any) -> bytes:  # noqa: ANN401
    """Write columns of noise beside a class."""
    texts = {f"text{n}": noise(rows, characters, n) for n in range(columns)}
    return written(pa.table({**texts, "label": [n % 3 for n in range(rows)]}), **options)


def chats(rows: int) -> bytes:
    """Write conversations beside their ids."""
    said = noise(rows * 2, 400)
    turns = [
        [
            {"role": "user", "content": said[2 * n]},
            {"role": "assistant", "content": said[2 * n + 1]},
        ]
        for n in range(rows)
    ]
    return written(pa.table({"id": list(range(rows)), "messages": turns}))


def first_groups_large() -> bytes:
    """Write two columns of noise whose last row group is a small rest."""
    return noisy(2, 6_500, 400, row_group_size=3_000)


HARD: dict[str, tuple[Callable[[], bytes], int, set[str], set[str]]] = {
    # rows that are shown at least, columns that are, columns that are said not to be
    "two columns": (lambda: noisy(2), 40, {"label", "text0"}, {"text1"}),
    "three columns, plain": (
        lambda: noisy(3, use_dictionary=False),
        40,
        {"label", "text0"},
        {"text1", "text2"},
    ),
    "six columns of small pages": (
        lambda: noisy(6, 10_000, use_dictionary=False, data_page_size=50_000, write_batch_size=64),
        40,
        {"label", *(f"text{n}" for n in range(6))},
        set(),
    ),
    "six columns": (
        lambda: noisy(6, 10_000),
        40,
        {"label", "text0"},
        {f"text{n}" for n in range(1, 6)},
    ),
    "a large dictionary": (
        lambda: written(
            pa.table({"text": noise(3_000, 3_000), "title": [f"title {n}" for n in range(3_000)]}),
            dictionary_pagesize_limit=20 * MB,
        ),
        40,
        {"title"},
        {"text"},
    ),
    "long texts": (
        lambda: written(
            pa.table({"text": noise(1_000, 50_000), "label": [n % 2 for n in range(1_000)]}),
            use_dictionary=False,
            write_batch_size=8,
        ),
        15,
        {"text", "label"},
        set(),
    ),
    "a small last group": (first_groups_large, 40, {"text0", "text1", "label"}, set()),
    "conversations": (lambda: chats(20_000), 40, {"id", "messages.content"}, set()),
    "wide": (
        lambda: noisy(
            60, 4_000, 60, data_page_size=4_000, write_batch_size=32, use_dictionary=False
        ),
        40,
        {f"text{n}" for n in range(60)},
        set(),
    ),
}


def not_shown(table: Table) -> str:
    """Return what is said of columns that are left out."""
    return dict(table.assumed).get(NOT_SHOWN, "")


@pytest.mark.parametrize("kind", HARD)
def test_first_rows_never_take_two_megabytes(kind: str, hub: Hub) -> None:
    write, rows, shown, hidden = HARD[kind]
    data = write()
    hub.add_repo("dataset", "alice/data", {"train.parquet": data})

    table = first_rows(from_hub())

    taken = sum(request.sent for request in hub.requests)
    assert taken < 2 * MB < len(data)
    assert table.rows >= rows
    assert shown <= set(table.splits["train"].schema.names)
    assert not hidden & set(table.splits["train"].schema.names)
    assert all(f'"{name}"' in not_shown(table) for name in hidden)
    assert bool(not_shown(table)) == bool(hidden)


def test_what_comes_in_one_large_piece_is_explained(hub: Hub) -> None:
    data = written(
        pa.table({"text": noise(1_000, 5_000)}), use_dictionary=False, data_page_size=50 * MB
    )
    hub.add_repo("dataset", "alice/data", {"train.parquet": data})
    with pytest.raises(StudioError, match="train.parquet keeps its rows in pieces too large"):
        first_rows(from_hub())
    assert sum(request.sent for request in hub.requests) < 2 * MB


def test_a_description_longer_than_the_budget_is_explained(hub: Hub) -> None:
    data = written(
        pa.table({f"column{n}": [f"a text {n}"] * 3_000 for n in range(40)}), row_group_size=1
    )
    hub.add_repo("dataset", "alice/data", {"train.parquet": data})
    with pytest.raises(StudioError, match="says of itself is too long for a first look"):
        first_rows(from_hub())
    assert sum(request.sent for request in hub.requests) < 2 * MB


def test_rows_of_what_is_shown_are_those_of_the_file(hub: Hub) -> None:
    texts = noise(20_000, 300)
    table = pa.table({"text": texts, "more": noise(20_000, 300, 1)})
    hub.add_repo("dataset", "alice/data", {"train.parquet": written(table)})
    found = first_rows(from_hub())
    assert found.splits["train"].to_pydict() == {"text": texts[:40]}
    assert '"more"' in not_shown(found)
