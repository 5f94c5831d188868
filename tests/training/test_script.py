"""Scripts of every kind of run, as text: tidy, free of ST Studio, no longer than they must be."""

import ast
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers.sentence_transformer import losses

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.errors import StudioError
from ststudio.training.losses import LOSSES
from ststudio.training.script import PACKAGES, exported, train_script
from tests.training.built import KINDS, LENT
from tests.training.samples import examples_of
from tests.training.test_script_text import HOSTILE
from tests.training.told import LOOKS, remade, told

LORA = {"r": 8, "alpha": 16, "dropout": 0.0}
BENT = {"plans": ((0, 200), (3, 41), (5, 44)), "looks": ((0, 0.5), (6, 0.6), (44, 0.7))}
METADATA = r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(?:^#(?:| .*)$\s)+)^# ///$"
ALLOWED = {
    "accelerate", "collections", "datasets", "hashlib", "json", "math", "pathlib", "peft",
    "sentence_transformers", "string", "tempfile", "tokenizers", "torch", "transformers",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> Callable[[str], Examples]:
    """Return the examples of a case, prepared once; two that the sample lacks are made."""
    known: dict[str, Examples] = {}

    def of(case: str) -> Examples:
        if case not in known:
            known[case] = remade(case) if case in ("pair-class", "nli") else examples_of(case)
        return known[case]

    return of


EUCLIDEAN = {"loss": "TripletLoss", "loss_settings": {"distance": "euclidean"}}
GUIDED = {"loss": "GISTEmbedLoss", "loss_settings": {"guide": "run:" + "b" * 32}}
# What a run may be: a case, and what else its recipe and its course say.
KINDS_OF_RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    **{
        f"{case.key} {loss}": (case.key, {"loss": loss})
        for case in CASES.values()
        for loss in case.losses
    },
    "euclidean": ("triplet", EUCLIDEAN),
    "bent": ("triplet", BENT),
    "stopped": ("triplet", {"plans": ((0, 200), (7, 7)), "looks": ((0, 0.5), (7, 0.6))}),
    "without dev": ("triplet", {"looks": (), "plans": ((0, 200), (9, 90))}),
    "matryoshka": ("pair", {"matryoshka_dims": [384, 64, 32]}),
    "lora": ("pair", {"lora": LORA}),
    "lora with dropout": ("pair", {"lora": {**LORA, "dropout": 0.1}}),
    "prompts": ("pair", {"prompts": {"query": 'say "so": ', "document": "it's a\npassage: "}}),
    "length": ("pair", {"max_seq_length": 64}),
    "earlier run": ("pair", {"base_model": "run:" + "a" * 32}),
    "guided by an earlier run": ("pair", GUIDED),
    "decay": ("text-class", {"weight_decay": 0.01, "lr_scheduler_type": "constant"}),
    "bfloat16": ("triplet", {"trained_in": "bfloat16"}),
    **{f"built {name}": ("pair", {"modules": m}) for name, m in (KINDS | LENT).items()},
}


def ruff(folder: Path, *ignored: str) -> None:
    """Check scripts as their readers would."""
    found = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert found
    how = ["--isolated", "--no-cache", "--line-length", "100", "--target-version", "py311"]
    rules = ["--select", "E,F,I,UP,B,C90", *(f"--ignore={rule}" for rule in ignored)]
    for asked in (["check", *rules], ["format", "--diff"]):
        line = [found, *asked, *how, str(folder)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def imports(script: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


@pytest.fixture(scope="module")
def scripts(rows: Callable[[str], Examples], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the script of a run of every kind."""
    runs, folder = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("scripts")
    for name, (case, how) in KINDS_OF_RUNS.items():
        examples = rows(case)
        if how.get("looks") == ():
            examples = replace(examples, dev=examples.dev.slice(0, 0))
        run = told(runs, examples, **how)
        (folder / f"{name.replace(' ', '_')}.py").write_text(train_script(run), encoding="utf-8")
        shutil.rmtree(run.path)
    return folder


def test_scripts_are_tidy(scripts: Path) -> None:
    ruff(scripts)


@pytest.mark.parametrize("name", KINDS_OF_RUNS)
def test_a_script_needs_nothing_of_st_studio_and_is_no_longer_than_a_page_or_two(
    name: str, scripts: Path
) -> None:
    script = (scripts / f"{name.replace(' ', '_')}.py").read_text(encoding="utf-8")
    compile(script, "train.py", "exec")
    assert imports(script) <= ALLOWED
    assert len(script.splitlines()) < 200


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_data_or_a_visitor_says_becomes_code(
    text: str, rows: Callable[[str], Examples], tmp_path: Path
) -> None:
    text = text.replace("\ud800", "")  # no run can hold half a character
    said = f"{text}\nimport os\n# ///"
    fixes = [
        {"code": "drop_columns", "args": {"columns": [said]}},
        {"code": "map_labels", "args": {"map": {said: 1}}},
        {"code": "set_prompts", "args": {"prompts": {"query": said}}},
    ]
    facts = {"title": said, "notes": [said, '"""', "'''"]}
    prompts = {"query": text[:200] or "x", "document": said[:400]}
    plain = train_script(
        told(tmp_path / "plain", rows("pair"), prompts={"query": "a", "document": "b"})
    )
    script = train_script(
        told(tmp_path / "hostile", rows("pair"), prompts=prompts, facts=facts, fixes=fixes)
    )
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "train.py").write_text(script, encoding="utf-8")
    ruff(tmp_path / "scripts", "E501")  # a long text has no end before its own
    assert shape(script) == shape(plain)
    assert script.count("# /// script\n") == 1 and script.count("# ///\n") == 1
    assert all(line.isprintable() for line in script.split("\n"))
    values = {node.value for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Constant)}
    assert {text for text in prompts.values() if text} <= values


def shape(script: str) -> list[type]:
    """Return the kinds of a script's parts in order, whatever its strings and names hold."""
    return [type(node) for node in ast.walk(ast.parse(script))]


def test_the_rows_may_lie_on_the_hub_and_the_model_may_go_there(
    rows: Callable[[str], Examples], tmp_path: Path
) -> None:
    run = told(tmp_path, rows("pair"))
    script = train_script(run, push_to="alice/tickets", data="alice/rows")
    assert 'DATA = "hf://datasets/alice/rows"\n' in script and "pathlib" not in script
    assert 'PUSH_TO = "alice/tickets"\n' in script
    assert "    model.push_to_hub(PUSH_TO, private=True, exist_ok=True)\n" in script
    assert set(exported(run, data="alice/rows")[1]) == {
        "train",
        "dev",
        "test",
        "corpus",
        "queries",
        "relevant",
    }


@pytest.mark.parametrize("name", ["../x", 'a/b"\nimport os', "a/b/c", "a b"])
def test_a_name_that_is_none_on_the_hub_is_refused(
    name: str, rows: Callable[[str], Examples], tmp_path: Path
) -> None:
    run = told(tmp_path, rows("pair"))
    with pytest.raises(StudioError):
        train_script(run, push_to=name)
    with pytest.raises(StudioError):
        train_script(run, data=name)


def test_no_script_names_what_opens_an_upload_or_another_run(
    rows: Callable[[str], Examples], tmp_path: Path
) -> None:
    how = {"loss": "GISTEmbedLoss", "loss_settings": {"guide": "run:" + "b" * 32}}
    run = told(tmp_path, rows("pair"), base_model="run:" + "a" * 32, **how)
    script = train_script(run)
    assert not {"a" * 32, "b" * 32, "f" * 32, run.id} & set(script.replace('"', " ").split())
    assert "a" * 32 not in script and "b" * 32 not in script and "f" * 32 not in script
    assert script.count("An earlier run's model") == 2


def test_only_what_a_run_needs_stands_in_its_script(
    rows: Callable[[str], Examples], tmp_path: Path
) -> None:
    plain = train_script(told(tmp_path / "plain", rows("triplet")))
    assert "AsTheRunDid" not in plain and "eval_steps=4," in plain and "prompts" not in plain
    bent = train_script(told(tmp_path / "bent", rows("triplet"), **BENT))
    assert "PLANNED = {3: 41, 5: 44}" in bent and "MEASURED = [6, 44]" in bent
    uneven = train_script(told(tmp_path / "uneven", rows("triplet"), looks=(*LOOKS, (9, 0.7))))
    assert "MEASURED = [4, 8, 9, 12]" in uneven and "PLANNED" not in uneven
    few = replace(rows("triplet"), dev=rows("triplet").dev.slice(0, 20))
    assert "KeepBest" not in train_script(told(tmp_path / "few", few))


def test_a_race_is_told_as_its_winner_went(rows: Callable[[str], Examples], tmp_path: Path) -> None:
    run = told(tmp_path, rows("triplet"), plans=(), looks=())
    for racer, steps in enumerate((50, 30)):
        run.append_log({"step": 0, "steps": 200, "racer": racer})
        run.append_log({"step": 3, "steps": steps, "racer": racer})
        run.append_log({"step": steps, "metric": 0.5, "racer": racer})
    run.update_facts(race={"racers": [{"won": False}, {"won": True}]})
    script = train_script(run)
    assert "PLANNED = {3: 30}" in script and "MEASURED = [30]" in script


def test_a_run_that_is_not_over_or_has_lost_its_rows_is_explained(
    rows: Callable[[str], Examples], tmp_path: Path
) -> None:
    run = told(tmp_path, rows("triplet"))
    shutil.rmtree(run.examples_dir)
    with pytest.raises(StudioError, match="rows of this run are gone"):
        train_script(run)
    run.update(state="running")
    with pytest.raises(StudioError, match="ended with a model"):
        train_script(run)


def test_uv_reads_what_the_script_needs(scripts: Path) -> None:
    text = (scripts / "lora.py").read_text(encoding="utf-8")
    found = re.findall(METADATA, text)  # as PEP 723 has it
    assert [kind for kind, _ in found] == ["script"]
    lines = found[0][1].splitlines(keepends=True)
    needed = tomllib.loads("".join(line.removeprefix("#").removeprefix(" ") for line in lines))
    pins = dict(pin.split("==") for pin in needed["dependencies"])
    assert set(pins) == {*PACKAGES, "peft"}
    assert all(version(name).partition("+")[0] == pin for name, pin in pins.items())
    assert needed["requires-python"] == ">=3.11"


def test_what_nobody_can_repeat_is_said(scripts: Path) -> None:
    drawn = "Dropout that was asked for draws its masks anew"
    assert drawn in (scripts / "lora_with_dropout.py").read_text(encoding="utf-8")
    assert drawn not in (scripts / "lora.py").read_text(encoding="utf-8")
    said = (scripts / "bfloat16.py").read_text(encoding="utf-8")
    assert (
        "expect numbers close to its own, not the same" in said and "    bf16=torch.cuda." in said
    )


def test_every_loss_that_can_gather_is_known_to() -> None:
    for name, loss in LOSSES.items():
        takes = "gather_across_devices" in inspect.signature(getattr(losses, name)).parameters
        assert loss.gathers == takes, name
