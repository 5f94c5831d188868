"""Scripts that take rows from where they were published: told only where they are the run's."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ststudio.data.examples import Examples, make_examples
from ststudio.data.sources import open_source, pin_source
from ststudio.runs.admission import diagnosed
from ststudio.runs.run import Run
from ststudio.training.recipe import Recipe
from ststudio.training.script import exported
from tests.hub.server import Hub
from tests.training.test_script import ruff
from tests.training.told import told

WORDS = "lamp desk badge door key printer screen cable chair router".split()


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def pairs(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "question": f"where is the {WORDS[number % 10]} of room {number % 307}",
            "answer": f"in cupboard {number} beside the {WORDS[number // 10 % 10]}",
        }
        for number in range(start, start + count)
    ]


def classed(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"text": f"the {WORDS[n % 10]} of room {n} is broken again", "kind": f"b{n % 7}"}
        for n in range(start, start + count)
    ]


def scored(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "sentence1": f"where is the {WORDS[n % 10]} of room {n}",
            "sentence2": f"room {n + n % 3} has lost its {WORDS[(n + n % 2) % 10]}",
            "score": n % 6,
        }
        for n in range(start, start + count)
    ]


Publish = Callable[..., tuple[Run, Examples]]


@pytest.fixture
def published(own_hub: Hub, tmp_path: Path) -> Publish:
    """Return what publishes files as a dataset, and lays out a run on it."""

    def publish(files: dict[str, bytes], **asked: Any) -> tuple[Run, Examples]:
        own_hub.add_repo("dataset", "alice/rows", files)
        source = pin_source({"kind": "hub", "id": "alice/rows"})
        recipe = Recipe.from_json({"source": source, **asked})
        table = open_source(recipe.source, None, recipe.fixes)
        recipe, found = diagnosed(recipe, table)
        examples = make_examples(table, found, recipe.seed, recipe.max_train_rows)
        label = asdict(found.label) if found.label else None
        asked |= {"source": source, "fixes": recipe.fixes, "columns": found.columns}
        return told(tmp_path / "runs", examples, label=label, **asked), examples

    return publish


SCALE = {"code": "scale_score", "args": {"low": 0, "high": 5}}
TOLD: dict[str, tuple[dict[str, bytes], dict[str, Any]]] = {
    "pairs cut from train": ({"train.jsonl": lines(pairs(900))}, {}),
    "pairs of any file": ({"all.jsonl": lines(pairs(900))}, {"max_train_rows": 200}),
    "pairs without repeats": (
        {"train.jsonl": lines(pairs(600) + pairs(50)), "test.jsonl": lines(pairs(200, 600))},
        {"fixes": [{"code": "drop_duplicates"}, {"code": "swap"}]},
    ),
    "hostile names": (
        {
            "train.jsonl": lines(
                [{'"""\'\\': row["question"], "{DATA} #": row["answer"]} for row in pairs(600)]
            )
        },
        {},
    ),
    "classes": ({"train.jsonl": lines(classed(400))}, {}),
    "classes with a test": (
        {"train.jsonl": lines(classed(400)), "test.jsonl": lines(classed(200, 400))},
        {},
    ),
    "scores": (
        {"train.jsonl": lines(scored(400)), "dev.jsonl": lines(scored(200, 1_000))},
        {"fixes": [SCALE]},
    ),
    "pairs of scores": (
        {"train.jsonl": lines(scored(900))},
        {"fixes": [SCALE, {"code": "score_to_pairs", "args": {"at_least": 0.8}}]},
    ),
}


FAST = ("pairs cut from train", "classes with a test")  # the others take as long


def slow_but(names: Iterable[str], *fast: str) -> list[Any]:
    return [n if n in fast else pytest.param(n, marks=pytest.mark.slow) for n in names]


@pytest.mark.parametrize("name", slow_but(TOLD, *FAST))
def test_rows_of_the_hub_are_told_in_lines(name: str, published: Publish, tmp_path: Path) -> None:
    files, asked = TOLD[name]
    run, _ = published(files, **asked)
    script, tables = exported(run)
    assert not tables
    assert 'DATA = "alice/rows"' in script and "Path(" not in script
    assert f'DATA_REVISION = "{run.recipe["source"]["revision"]}"' in script
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "train.py").write_text(script, encoding="utf-8")
    ruff(tmp_path / "scripts")
    compile(script, "train.py", "exec")


ELSEWHERE: dict[str, tuple[dict[str, bytes], dict[str, Any]]] = {
    "a fix that takes more than a few lines": (
        {"train.jsonl": lines(pairs(600))},
        {"fixes": [{"code": "strip_markup"}]},
    ),
    "a table that was cut": ({"train.jsonl": lines(pairs(600) * 40)}, {}),
    "lists": (
        {"train.jsonl": lines([{"set": [r["question"], r["answer"]]} for r in pairs(600)])},
        {},
    ),
}


@pytest.mark.parametrize("name", slow_but(ELSEWHERE, "lists"))
def test_what_takes_more_lies_in_files_and_that_is_said(name: str, published: Publish) -> None:
    files, asked = ELSEWHERE[name]
    run, examples = published(files, **asked)
    script, tables = exported(run)
    assert tables["train"].equals(examples.train)
    said = script.replace("\n# ", " ")
    assert "They are of the dataset alice/rows at " in said and "so they lie in files" in said


def test_rows_that_are_not_the_runs_are_never_told(published: Publish) -> None:
    run, examples = published({"train.jsonl": lines(pairs(900))})
    examples.train.slice(1)
    Examples(**{**vars(examples), "train": examples.train.slice(1)}).save(run.examples_dir)
    assert exported(run)[1]


def test_rows_that_a_dataset_is_named_for_are_read_there(published: Publish) -> None:
    run, _ = published({"train.jsonl": lines(pairs(900))})
    script, tables = exported(run, data="alice/copy")
    assert tables and 'DATA = "hf://datasets/alice/copy"' in script
