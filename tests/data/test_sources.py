"""Sources opened: the sample, the Hub at the other end of a real connection, uploads."""

import gzip
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from ststudio.data.catalog import CATALOG
from ststudio.data.doctor import diagnose
from ststudio.data.sources import open_source, pin_source
from ststudio.data.tables import Table
from ststudio.data.uploads import accept_paste, accept_upload
from ststudio.errors import StudioError
from tests.hub.server import Hub

pytestmark = pytest.mark.usefixtures("folder")

ROWS = [{"anchor": f"question {n}", "positive": f"answer {n}"} for n in range(20)]
LINES = "\n".join(map(json.dumps, ROWS)).encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    """Write rows into the bytes of a Parquet file."""
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def card(**metadata: object) -> bytes:
    """Write a card; JSON is YAML too."""
    return f"---\n{json.dumps(metadata)}\n---\n# A dataset\n".encode()


def counted(table: Table) -> dict[str, int]:
    """Count the rows of each split."""
    return {split: rows.num_rows for split, rows in table.splits.items()}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Start a Hub with one person, and send the app there."""
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add_user("alice", "hf_alice")
        yield hub


def from_hub(repo_id: str = "alice/data", **more: object) -> dict[str, object]:
    """Name a dataset as the page does."""
    return {"kind": "hub", "id": repo_id, **more}


def downloads(hub: Hub) -> int:
    """Count the files that were fetched."""
    return sum("/resolve/" in request.path for request in hub.requests)


LAYOUTS: dict[str, tuple[dict[str, bytes], dict[str, int]]] = {
    "parquet in data": (
        {
            "data/train-00000-of-00002.parquet": as_parquet(ROWS),
            "data/train-00001-of-00002.parquet": as_parquet(ROWS),
            "data/validation-00000-of-00001.parquet": as_parquet(ROWS[:5]),
            "data/test-00000-of-00001.parquet": as_parquet(ROWS[:3]),
        },
        {"train": 40, "validation": 5, "test": 3},
    ),
    "one packed file": ({"data_compressed.jsonl.gz": gzip.compress(LINES)}, {"train": 20}),
    "files at the root": (
        {"train.csv": b"a,b\nx,1\ny,2\n", "dev.csv": b"a,b\nz,1\n", "dataset_infos.json": b"{}"},
        {"train": 2, "validation": 1},
    ),
    "the same rows in two formats": (
        {"train.csv": b"a,b\nx,1\n", "train.parquet": as_parquet(ROWS), "test.csv": b"a,b\nx,1\n"},
        {"train": 20},
    ),
    "folders named after splits": (
        {"training/a.jsonl": LINES, "training/b.jsonl": LINES, "testing/c.jsonl": LINES},
        {"train": 40, "test": 20},
    ),
    "one subset in a folder": (
        {"plain_text/train-00000-of-00001.parquet": as_parquet(ROWS), "README.md": card()},
        {"train": 20},
    ),
    "only a test split": ({"test.jsonl": LINES}, {"train": 20}),
    "a card with patterns": (
        {
            "README.md": card(
                configs=[
                    {
                        "config_name": "default",
                        "data_files": [
                            {"split": "train", "path": ["rows/a*.jsonl", "rows/b.jsonl"]},
                            {"split": "test", "path": "**/held.jsonl"},
                        ],
                    }
                ]
            ),
            "rows/a1.jsonl": LINES,
            "rows/b.jsonl": LINES,
            "rows/c.jsonl": LINES,
            "rows/deep/held.jsonl": LINES,
        },
        {"train": 40, "test": 20},
    ),
    "a card with one name": (
        {"README.md": card(configs=[{"data_files": "x.jsonl"}]), "x.jsonl": LINES, "y.csv": b"a"},
        {"train": 20},
    ),
    "a card with a folder": (
        {"README.md": card(configs=[{"data_dir": "rows"}]), "rows/x.jsonl": LINES, "y.csv": b"a"},
        {"train": 20},
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_repositories(layout: str, hub: Hub) -> None:
    files, expected = LAYOUTS[layout]
    hub.add_repo("dataset", "alice/data", files)

    assert counted(open_source(from_hub())) == expected


@pytest.mark.parametrize(
    "path", ["/etc/*", "../../*.jsonl", "https://example.org/x.jsonl", "hf://x/y.jsonl", "**/**/**"]
)
def test_a_card_cannot_point_outside_its_repository(path: str, hub: Hub) -> None:
    configs = [{"config_name": "default", "data_files": [{"split": "train", "path": path}]}]
    hub.add_repo("dataset", "alice/data", {"README.md": card(configs=configs), "x.jsonl": LINES})

    # Nothing matches, so the folders speak; and nothing else than the repository is asked.
    assert counted(open_source(from_hub())) == {"train": 20}
    assert all("alice/data" in request.path for request in hub.requests)


def test_subset_and_split_are_chosen_by_name(hub: Hub) -> None:
    configs = [
        {"config_name": name, "data_files": [{"split": s, "path": f"{name}/{s}.jsonl"}]}
        for name, s in (("pair", "train"), ("triplet", "train_sft"))
    ]
    files = {"README.md": card(configs=configs), "pair/train.jsonl": LINES}
    hub.add_repo("dataset", "alice/data", files | {"triplet/train_sft.jsonl": LINES})

    with pytest.raises(StudioError, match="Choose one: pair, triplet"):
        open_source(from_hub())
    with pytest.raises(StudioError, match="no subset 'no'. Its subsets: pair, triplet"):
        open_source(from_hub(subset="no"))
    with pytest.raises(StudioError, match=r"no split 'train\[:9\]'. Its splits: train_sft"):
        open_source(from_hub(subset="triplet", split="train[:9]"))
    table = open_source(from_hub(subset="triplet", split="train_sft"))
    assert counted(table) == {"train": 20}


def test_a_script_is_not_run_but_its_conversion_read(hub: Hub) -> None:
    hub.add_repo("dataset", "alice/data", {"data.py": b"raise SystemExit"})
    with pytest.raises(StudioError, match="loading script, which is not run here"):
        open_source(from_hub())

    converted = {f"default/{s}/0000.parquet": as_parquet(ROWS) for s in ("train", "test")}
    sha = hub.add_repo("dataset", "alice/data", converted, branch="refs/convert/parquet")
    assert counted(open_source(from_hub())) == {"train": 20, "test": 20}
    pinned = pin_source(from_hub())
    assert pinned["revision"] == sha
    assert counted(open_source(pinned)) == {"train": 20, "test": 20}


def test_a_dataset_is_read_once_per_commit(hub: Hub) -> None:
    hub.add_repo("dataset", "alice/data", {"train.jsonl": LINES})
    pinned = pin_source(from_hub())
    open_source(from_hub())
    assert downloads(hub) == 1
    open_source(from_hub())
    assert downloads(hub) == 1

    hub.add_repo("dataset", "alice/data", {"train.jsonl": LINES + b'\n{"anchor": "new"}'})
    assert open_source(from_hub()).rows == 21
    assert open_source(pinned).rows == 20

    hub.close()
    assert open_source(pinned).rows == 20
    assert pin_source(pinned) == pinned
    with pytest.raises(StudioError, match="cannot be reached"):
        open_source(from_hub())


def test_private_and_gated_rows_stay_with_those_who_may_read_them(hub: Hub, folder: Path) -> None:
    hub.add_user("bob", "hf_bob")
    hub.add_repo("dataset", "alice/data", {"train.jsonl": LINES}, private=True)
    hub.add_repo("dataset", "alice/gated", {"train.jsonl": LINES}, gated=True)

    assert open_source(from_hub(), "hf_alice").rows == 20
    assert not [path for path in folder.rglob("*") if path.is_file()]
    for token in (None, "hf_bob"):
        with pytest.raises(StudioError, match="Check the spelling"):
            open_source(from_hub(), token)
        with pytest.raises(StudioError, match="gated.+[Aa]ccept its terms"):
            open_source(from_hub("alice/gated"), token)
    assert open_source(from_hub("alice/gated"), "hf_alice").rows == 20


def test_retrieval_sets_are_joined(hub: Hub) -> None:
    configs = [
        {"config_name": name, "data_files": [{"split": name, "path": f"{name}/*"}]}
        for name in ("corpus", "queries")
    ]
    corpus = [{"_id": str(n), "title": f"T{n}", "text": f"document {n}"} for n in range(9)]
    queries = [{"_id": f"q{n}", "title": "", "text": f"claim {n}"} for n in range(4)]
    files = {"README.md": card(configs=configs), "corpus/c.parquet": as_parquet(corpus)}
    files["queries/q.parquet"] = as_parquet(queries)
    hub.add_repo("dataset", "alice/data", files)
    qrels = b"query-id\tcorpus-id\tscore\nq1\t3\t1\nq2\t4\t1\n"
    hub.add_repo("dataset", "alice/qrels", {"train.tsv": qrels, "test.tsv": qrels})

    table = open_source(from_hub(qrels={"id": "alice/qrels"}))

    assert table.retrieval is not None
    assert table.retrieval.corpus.to_pylist()[3] == {"id": "3", "text": "T3 document 3"}
    assert table.retrieval.queries.num_rows == 4
    assert table.retrieval.qrels["train"].to_pylist() == [
        {"query-id": "q1", "corpus-id": "3", "score": 1},
        {"query-id": "q2", "corpus-id": "4", "score": 1},
    ]
    assert counted(table) == {"train": 2, "test": 2}
    one = open_source(from_hub(qrels={"id": "alice/qrels", "split": "test"}))
    assert counted(one) == {"train": 2}

    # Asked for as a whole: the judgements are looked for where BEIR, or MTEB, keeps them.
    hub.add_repo("dataset", "alice/data-qrels", {"train.tsv": qrels})
    assert pin_source(from_hub())["qrels"]["id"] == "alice/data-qrels"
    assert counted(open_source(from_hub())) == {"train": 2}
    judged = {"config_name": "default", "data_files": [{"split": "test", "path": "qrels.tsv"}]}
    files["README.md"] = card(configs=[*configs, judged])
    hub.add_repo("dataset", "alice/data", files | {"qrels.tsv": qrels})
    pinned = pin_source(from_hub())
    assert pinned["qrels"]["id"] == "alice/data"
    assert counted(open_source(pinned)) == {"train": 2}
    hub.close()
    assert counted(open_source(pinned)) == {"train": 2}


@pytest.mark.parametrize(
    ("part", "column", "value", "words"),
    [
        ("qrels", "score", "high", 'column "score" .+ "high", which is no number'),
        ("qrels", "score", ["1"], 'column "score" .+ no number'),
        ("qrels", "corpus-id", ["3", "4"], 'column "corpus-id" holds list'),
        ("qrels", "query-id", ["q1"], 'column "query-id" holds list'),
        ("corpus", "_id", ["3"], 'column "_id" holds list'),
        ("corpus", "text", ["a", "b"], "corpus of alice/data has lists in its column text"),
    ],
)
def test_a_retrieval_set_of_other_values_is_explained(
    part: str, column: str, value: object, words: str, hub: Hub
) -> None:
    parts = {
        "corpus": [{"_id": str(n), "text": f"document {n}"} for n in range(9)],
        "queries": [{"_id": f"q{n}", "text": f"claim {n}"} for n in range(4)],
        "qrels": [{"query-id": f"q{n}", "corpus-id": str(n), "score": "1"} for n in range(4)],
    }
    for row in parts[part]:
        row[column] = value  # type: ignore[assignment]
    files = {f"{name}.parquet": as_parquet(rows) for name, rows in parts.items()}
    names = (("corpus", "corpus"), ("queries", "queries"), ("default", "qrels"))
    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{path}.parquet"}]}
        for name, path in names
    ]
    hub.add_repo("dataset", "alice/data", {"README.md": card(configs=configs), **files})
    with pytest.raises(StudioError, match=words):
        open_source(from_hub())


BAD_REPOSITORIES: dict[str, tuple[dict[str, bytes], str]] = {
    "empty": ({"README.md": card()}, "is empty"),
    "pictures": ({"a.png": b"x", "b.png": b"x"}, "holds no Parquet, CSV"),
    "empty files": ({"train.csv": b""}, "are empty"),
    "no rows": ({"train.csv": b"a,b\n"}, "no rows"),
    "noise": ({"train.parquet": b"PAR1" + bytes(100)}, "train.parquet is not a Parquet"),
}


@pytest.mark.parametrize("name", BAD_REPOSITORIES)
def test_unreadable_repositories_are_explained(name: str, hub: Hub) -> None:
    files, words = BAD_REPOSITORIES[name]
    hub.add_repo("dataset", "alice/data", files)
    started = time.monotonic()
    with pytest.raises(StudioError, match=words):
        open_source(from_hub())
    assert time.monotonic() - started < 5


def test_files_beyond_the_budget_are_not_fetched(hub: Hub, limits: Callable[..., None]) -> None:
    shards = {f"data/train-0000{n}-of-00005.jsonl": LINES for n in range(5)}
    hub.add_repo("dataset", "alice/data", shards)
    limits(DECODED_BYTES=1_300)  # of which a file holds 680
    open_source(from_hub())
    assert downloads(hub) == 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "needs a kind: builtin, hub, upload"),
        ({"kind": "url", "id": "x"}, "needs a kind"),
        ({"kind": []}, "needs a kind"),
        ({"kind": "hub"}, "needs an id"),
        ({"kind": "hub", "id": ["x"]}, "needs an id"),
        ({"kind": "hub", "id": "../../etc"}, "is not the id"),
        ({"kind": "hub", "id": "/etc/passwd"}, "is not the id"),
        ({"kind": "hub", "id": "a/b/c"}, "is not the id"),
        ({"kind": "hub", "id": "a/b", "data_files": "x"}, "has no 'data_files'. Allowed: kind, id"),
        ({"kind": "hub", "id": "a/b", "split": 3}, "split is a name"),
        ({"kind": "hub", "id": "a/b", "qrels": "x"}, "qrels are"),
        ({"kind": "hub", "id": "a/b", "qrels": {"id": "../x"}}, "is not the id"),
        ({"kind": "builtin", "id": "sample-none"}, "sample-triplet"),
        ({"kind": "upload", "id": "../../runs"}, "what /diagnose returned"),
        ({"kind": "upload", "id": "0" * 32}, "Upload the file again"),
        ({"kind": "hub", "id": "alice/missing"}, "Check the spelling"),
        ({"kind": "hub", "id": "alice/data", "revision": "nowhere"}, "no such revision"),
        ({"kind": "hub", "id": "alice/data", "revision": "x\ny"}, "A revision is"),
    ],
)
def test_wrong_sources_are_refused(source: object, words: str, hub: Hub) -> None:
    hub.add_repo("dataset", "alice/data", {"train.jsonl": LINES})
    with pytest.raises(StudioError, match=words):
        open_source(source)


def test_a_hub_in_trouble_is_explained(hub: Hub, limits: Callable[..., None]) -> None:
    hub.add_repo("dataset", "alice/data", {"train.jsonl": LINES})
    limits(HUB_SECONDS=1)
    for trouble, words in (
        ({"status": 500}, r"error \(500\)"),
        ({"status": 429, "retry_after": 300}, "asks to wait 300 s"),
        ({"reset": True}, "cannot be reached"),
        ({"truncate": True}, "cannot be reached|could not be read"),
        ({"hang_seconds": 5}, "within 1 s"),
    ):
        hub.faults.clear()
        hub.fail("/api/datasets", times=None, **trouble)
        started = time.monotonic()
        with pytest.raises(StudioError, match=words):
            open_source(from_hub())
        assert time.monotonic() - started < 5


def test_a_short_trouble_is_got_over(hub: Hub) -> None:
    hub.add_repo("dataset", "alice/data", {"train.jsonl": LINES})
    hub.fail("/api/datasets", status=503)
    hub.fail("/resolve/", truncate=True)
    assert open_source(from_hub()).rows == 20


# Uploads


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """Make Gradio's upload folder."""
    folder = tmp_path / "gradio"
    (folder / "abc").mkdir(parents=True)
    return folder


def test_an_upload_is_read_once_and_deleted(uploads: Path, folder: Path) -> None:
    path = uploads / "abc" / "my data.jsonl"
    path.write_bytes(LINES)

    upload = accept_upload(str(path), uploads)

    assert not path.exists()
    assert accept_upload(str(path), uploads) == upload  # a second call with the same file
    source = {"kind": "upload", "id": upload}
    assert open_source(source).splits["train"].to_pylist() == ROWS
    assert not list(folder.rglob("*.jsonl"))
    assert open_source(source).rows == 20
    assert pin_source(source) == source


LATIN = "frage;antwort\n" + "".join(f"wie öffne ich {n};drücke {n}\n" for n in range(30))


def test_text_between_delimiters_can_be_read_otherwise(uploads: Path, folder: Path) -> None:
    path = uploads / "abc" / "fragen.csv"
    path.write_bytes(LATIN.encode("cp1252"))
    source = {"kind": "upload", "id": accept_upload(path, uploads)}
    found = open_source(source)
    assert found.splits["train"].schema.names == ["frage", "antwort"]

    headless = open_source(source, fixes=[{"code": "first_row_is_data"}])
    assert headless.splits["train"]["column1"].to_pylist()[:2] == ["frage", "wie öffne ich 0"]
    assert "header_assumed" not in dict(headless.assumed)  # it was decided
    whole = open_source(source, fixes=[{"code": "read_delimiter", "args": {"delimiter": "\t"}}])
    assert whole.splits["train"].num_columns == 1
    cyrillic = open_source(
        source, fixes=[{"code": "read_encoding", "args": {"encoding": "cp1251"}}]
    )
    assert cyrillic.splits["train"]["antwort"][0].as_py() == "drьcke 0"
    assert open_source(source).splits["train"].equals(found.splits["train"])


def test_a_first_row_taken_as_data_becomes_the_header_by_one_fix(uploads: Path) -> None:
    path = uploads / "abc" / "pairs.csv"
    path.write_text("".join(f"how do I open {n} today,press the button {n}\n" for n in range(40)))
    source = {"kind": "upload", "id": accept_upload(path, uploads)}
    found = {finding.code: finding for finding in diagnose(open_source(source)).findings}
    fix = found["header_assumed"].fix
    assert fix is not None
    assert open_source(source, fixes=[fix]).rows == 39


@pytest.mark.parametrize(
    "fix",
    [
        {"code": "read_encoding", "args": {"encoding": "zip"}},
        {"code": "read_delimiter", "args": {"delimiter": "ab"}},
        {"code": "read_delimiter"},
    ],
)
def test_an_unknown_way_of_reading_is_refused(fix: dict[str, object], uploads: Path) -> None:
    path = uploads / "abc" / "fragen.csv"
    path.write_bytes(LATIN.encode("cp1252"))
    source = {"kind": "upload", "id": accept_upload(path, uploads)}
    with pytest.raises(StudioError, match="encodings are|delimiters are|takes delimiter"):
        open_source(source, fixes=[fix])


def test_what_is_no_delimited_text_is_not_read_otherwise(uploads: Path) -> None:
    path = uploads / "abc" / "my data.jsonl"
    path.write_bytes(LINES)
    source = {"kind": "upload", "id": accept_upload(path, uploads)}
    open_source(source)
    with pytest.raises(StudioError, match="Undo that fix"):
        open_source(source, fixes=[{"code": "first_row_is_data"}])


def test_pasted_rows_are_read_like_a_file(folder: Path) -> None:
    upload = accept_paste("anchor\tpositive\nlost badge\task the desk\n\ud800loud fan\tclean it")
    rows = open_source({"kind": "upload", "id": upload}).splits["train"].to_pylist()
    assert rows[1] == {"anchor": "loud fan", "positive": "clean it"}
    with pytest.raises(StudioError, match="Paste a few rows"):
        accept_paste("  \n")


def test_a_bad_upload_stays_explained(uploads: Path, folder: Path) -> None:
    path = uploads / "abc" / "x.csv"
    path.write_bytes(b"\x80\x04\x95 some pickle")
    source = {"kind": "upload", "id": accept_upload(path, uploads)}
    for _ in range(2):
        with pytest.raises(StudioError, match="x.csv is a pickle"):
            open_source(source)
    assert not list(folder.rglob("*.csv"))


def test_only_files_of_the_upload_folder_are_taken(uploads: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    (uploads / "link.csv").symlink_to(secret)
    os.mkfifo(uploads / "pipe.csv")
    (uploads / "folder.csv").mkdir()
    paths: list[object] = [secret, uploads / ".." / "secret.csv", uploads / "link.csv"]
    paths += ["/etc/hostname", "", None, {"path": str(secret)}, "a\x00b", "x" * 5_000]
    paths += [uploads / "pipe.csv", uploads / "folder.csv", uploads]
    for path in paths:
        with pytest.raises(StudioError, match="Upload it first"):
            accept_upload(path, uploads)
    assert secret.exists()
    with pytest.raises(StudioError, match="Upload the file again"):
        accept_upload(uploads / "never.csv", uploads)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.xlsx", b"PK", "Upload one of these: .csv"),
        ("x", b"a,b", "Upload one of these: .csv"),
        ("x.csv", b"", "is empty"),
        ("x.csv", b"a,b\n" * 100, "larger than 0 MB"),
    ],
)
def test_uploads_are_checked_before_they_are_read(
    name: str, content: bytes, words: str, uploads: Path, limits: Callable[..., None]
) -> None:
    limits(UPLOAD_BYTES=100)
    (uploads / name).write_bytes(content)
    with pytest.raises(StudioError, match=words):
        accept_upload(uploads / name, uploads)


# Real rows, laid out as on the Hub

REAL_SETS = {
    "stsb": ("sentence-transformers/stsb", [5_749, 1_500, 1_379], ["score"]),
    "QQP_triplets": ("embedding-data/QQP_triplets", [5_000, 1_000], ["set.pos", "set.neg"]),
    "trec": ("CogComp/trec", [5_452, 500], ["coarse_label", "fine_label"]),
    "snli": ("stanfordnlp/snli", [4_657, 2_059, 3_597], ["label"]),
    "sentence-compression": ("embedding-data/sentence-compression", [5_000, 1_000], ["set"]),
    "banking77": ("PolyAI/banking77", [10_003, 3_080], ["label"]),
    "scifact": ("BeIR/scifact", [919, 339], ["query-id"]),
}


@pytest.mark.parametrize("name", REAL_SETS)
def test_real_sets_are_read_whole(name: str, hub: Hub) -> None:
    real = os.environ.get("STSTUDIO_REAL_DATA")
    if not real:
        pytest.skip("STSTUDIO_REAL_DATA does not name the folder of the real sets")
    repo_id, rows, columns = REAL_SETS[name]
    hub.add_repo("dataset", repo_id, Path(real) / name)
    if name == "scifact":
        hub.add_repo("dataset", f"{repo_id}-qrels", Path(real) / "scifact-qrels")
    entry = next(e for e in CATALOG if e.source["id"] == repo_id)

    table = open_source(entry.source)

    assert list(counted(table).values()) == rows
    assert table.read == sum(rows) and table.left_out == ()
    assert set(columns) <= set(table.splits["train"].schema.names)
    if name == "snli":
        assert table.class_names["label"] == ("entailment", "neutral", "contradiction")
        assert -1 in table.splits["test"]["label"].to_pylist()
    if name == "scifact":
        assert table.retrieval is not None and table.retrieval.corpus.num_rows == 5_183
