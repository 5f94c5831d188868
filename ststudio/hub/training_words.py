"""How a model was trained, as Markdown: rows, loss, recipe, hyperparameters, log, versions."""

import json
from collections.abc import Mapping
from typing import Any

from ststudio.hub.markdown import fenced, plain, table
from ststudio.hub.origins import TITLE_CHARACTERS, case_of, data_words, shared_recipe
from ststudio.hub.results import is_number, metric_name
from ststudio.runs.run import Run
from ststudio.training.losses import LOSSES
from ststudio.training.racers import shown_log

NOT_IN_TABLE = frozenset({"source", "case", "loss", "loss_settings", "fixes", "base_model"})
LOSSES_PAGE = "https://sbert.net/docs/package_reference/sentence_transformer/losses.html"
LOG_ROWS = 40
VERSIONS = {  # as sentence-transformers' own cards name them
    "python": "Python",
    "sentence_transformers": "Sentence Transformers",
    "transformers": "Transformers",
    "torch": "PyTorch",
    "accelerate": "Accelerate",
    "datasets": "Datasets",
    "tokenizers": "Tokenizers",
}


def training_words(run: Run) -> str:
    """Tell how a run's model was trained."""
    made = run.facts.get("made") or {}
    recipe = json.dumps(shared_recipe(run), indent=1)
    parts = [
        _facts(run),
        _columns(run.facts.get("lengths")),
        _settings(run),
        folded("The whole recipe", fenced(recipe.replace("<", "\\u003c"), "json")),
        _arguments(made),
        _log(run),
        _versions(made),
    ]
    return "\n\n".join(filter(None, parts))


def folded(summary: str, content: str) -> str:
    """Return Markdown that is folded away below one line."""
    return f"<details>\n<summary>{summary}</summary>\n\n{content}\n\n</details>"


def _facts(run: Run) -> str:
    facts, report, case = run.facts, run.report or {}, case_of(run)
    counts = ", ".join(f"{plain(part)} {n:,}" for part, n in (facts.get("counts") or {}).items())
    dropped = ", ".join(
        f"{plain(why)} {n:,}" for why, n in (facts.get("dropped") or {}).items() if n
    )
    seconds = report.get("train_seconds")
    precision = run.state.get("trained_in")
    lines = [
        f"- Dataset: {data_words(run)}",
        f"- Data: {case.title}. {case.explanation}" if case else "",
        f"- Rows: {counts}{_used(run)}" if counts else "",
        f"- Left out: {dropped}" if dropped else "",
        _loss(run),
        _race(facts),
        f"- Precision: {plain(precision)}; both models were measured in float32"
        if precision
        else "",
        f"- Time: {seconds:.0f} s" if seconds else "",
    ]
    return "\n".join(filter(None, lines))


def _used(run: Run) -> str:
    """Say how many of the training rows were learned from, and whether time cut them short."""
    used = (run.report or {}).get("rows_used")
    if not isinstance(used, int):
        return ""
    cut = "; the time limit cut training short" if run.state.get("reason") == "time_limit" else ""
    return f" ({used:,} of the training rows were learned from{cut})"


def _loss(run: Run) -> str:
    """Name the loss with its parameters, with what is known about it."""
    name = run.facts.get("loss")
    if not name:
        return ""
    words = plain(name, 80)
    if name in LOSSES:
        words = f"[{name}]({LOSSES_PAGE}#{name.lower()})"
    recipe = shared_recipe(run)
    settings = dict(recipe.get("loss_settings") or {})
    if recipe.get("matryoshka_dims"):
        settings["matryoshka_dims"] = recipe["matryoshka_dims"]
    told = ", ".join(f"{plain(key)} = {plain(_value(value))}" for key, value in settings.items())
    return f"- Loss: {words}" + (f" with {told}" if told else "")


def _race(facts: Mapping[str, Any]) -> str:
    """Say among what this model was chosen: the choice flatters its dev metric, not the test's."""
    rows = [
        f"{plain(row['title'], TITLE_CHARACTERS)} {row['dev_best']:.3f}"
        for row in (facts.get("race") or {}).get("racers", ())
        if isinstance(row.get("dev_best"), float)
    ]
    return f"- Chosen by a race on held-out dev rows: {', '.join(rows)}" if rows else ""


def _columns(lengths: Mapping[str, Any] | None) -> str:
    """Say how long each column's texts are, in the base model's tokens."""
    rows = [
        (role, *(found["quantiles"][share] for share in ("50", "90", "100")), f"{found['cut']:.1%}")
        for role, found in ((lengths or {}).get("roles") or {}).items()
    ]
    head = ("Column", "Tokens of half", "of 90 %", "of the longest", "Cut at the model's limit")
    return table(head, rows) if rows else ""


def _settings(run: Run) -> str:
    recipe = shared_recipe(run)
    shown = {key: recipe[key] for key in recipe if key not in NOT_IN_TABLE}
    rows = [(key, _value(value)) for key, value in shown.items() if value not in (None, {}, [])]
    return table(("Setting", "Value"), rows) if rows else ""


def _arguments(made: Mapping[str, Any]) -> str:
    """Return all of the trainer's arguments, for who wants to know exactly."""
    rows = [(name, _value(value)) for name, value in (made.get("arguments") or {}).items()]
    return folded("All hyperparameters", table(("Argument", "Value"), rows)) if rows else ""


def _log(run: Run) -> str:
    """Return the training log, thinned out where it is long."""
    steps: dict[int, dict[str, Any]] = {}
    for entry in shown_log(run.log(), run.facts.get("race")):
        if isinstance(entry.get("step"), int) and {"loss", "metric"} & set(entry):
            steps.setdefault(entry["step"], {}).update(entry)
    rows = [steps[step] for step in sorted(steps)]
    looks = sum("metric" in row for row in rows)
    every = max(1, -(-(len(rows) - looks) // max(1, LOG_ROWS - looks)))
    rows = [row for place, row in enumerate(rows) if "metric" in row or place % every == 0]
    cells = [(row["step"], *(_digits(row.get(key)) for key in ("loss", "metric"))) for row in rows]
    head = ("Step", "Training loss", f"{metric_name(run)} on dev")
    return folded("Training log", table(head, cells)) if cells else ""


def _digits(value: object) -> str:
    return f"{value:.4f}" if is_number(value) else ""


def _versions(made: Mapping[str, Any]) -> str:
    found = made.get("versions") or {}
    named = [f"{name} {plain(found[key])}" for key, name in VERSIONS.items() if key in found]
    return f"Trained with {', '.join(named)}." if named else ""


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
