"""From a recipe to a waiting run: every refusal happens here, before any GPU time is spent."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ststudio.data.builtin import enrich
from ststudio.data.cases import CASES
from ststudio.data.catalog import licence_of, title_of
from ststudio.data.doctor import Diagnosis, Fix, diagnose
from ststudio.data.examples import Examples, make_examples
from ststudio.data.model_checks import ModelReport, check_model, unread
from ststudio.data.reshape import fix_recipe, parse_fixes
from ststudio.data.sources import open_source, pin_source
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from ststudio.fetch import ModelRef, download_model, download_tokenizer
from ststudio.runs import built
from ststudio.runs.model_facts import EARLIER_RUN, base_input, resolve_base, with_report
from ststudio.runs.queue import get_queue
from ststudio.runs.store import Run, RunStore
from ststudio.training.blueprint import needs_weights
from ststudio.training.recipe import DEFAULT_MODEL, Recipe


def start_run(value: Any, token: str | None = None) -> tuple[Run, str, int]:  # noqa: ANN401
    """Admit a recipe; return its run, the owner's key and the position in the queue."""
    queue = get_queue()
    queue.check()
    recipe = _fixed(Recipe.from_json(value))
    base = resolve_base(recipe.base_model, queue.store, token)
    recipe = replace(recipe, source=pin_source(recipe.source, token))
    table = open_source(recipe.source, token, recipe.fixes)
    recipe, diagnosis = _diagnosed(recipe, table)
    report = _checked(recipe, diagnosis, base, token)
    diagnosis = with_report(diagnosis, report)
    examples = make_examples(table, diagnosis, recipe.seed, recipe.max_train_rows)
    if recipe.source["kind"] == "builtin":
        examples = enrich(examples)
    recipe = replace(
        recipe.derived(CASES[examples.case]),
        columns=diagnosis.columns,
        label=asdict(diagnosis.label) if diagnosis.label else None,
        base_model=base if isinstance(base, str) else {"id": base.id, "revision": base.revision},
    )
    facts = {
        **_facts(recipe, examples, base, diagnosis),
        "lengths": report.lengths.to_json() if report.lengths else None,
    }
    run, key = queue.store.create(recipe.to_json(), facts)
    examples.save(run.examples_dir)

    def fetch_base(run: Run) -> Path:
        if isinstance(base, ModelRef) and not needs_weights(recipe.modules):
            return download_tokenizer(base, token)
        return _fetch(base, run, queue.store, token)

    return run, key, queue.submit(run, fetch_base)


def _fixed(recipe: Recipe) -> Recipe:
    """Take over what the chain of fixes decides about the recipe, checked as if it were given.

    A field that is given wins: it is what the visitor typed last.
    """
    decided = fix_recipe(parse_fixes(recipe.fixes))
    untouched = Recipe(recipe.source)
    given = {
        name: value
        for name, value in recipe.to_json().items()
        if name not in decided or value != getattr(untouched, name)
    }
    return Recipe.from_json({**decided, **given})


def _checked(
    recipe: Recipe, diagnosis: Diagnosis, base: ModelRef | str, token: str | None
) -> ModelReport:
    """Check the rows against the base model; raise StudioError for what would end the run."""
    assert diagnosis.prepared is not None
    try:
        model = base_input(base, get_queue().store, token)
    except StudioError as error:  # the run itself will say it, if it stays so
        if recipe.modules or recipe.lora:
            raise  # what is built on it cannot be checked
        return ModelReport((unread(base if isinstance(base, str) else base.id, error),), None)
    model = built.checked_input(recipe, model)
    report = check_model(diagnosis.prepared, model, recipe.prompts, recipe.max_seq_length)
    for finding in report.findings:
        if finding.level == "error":
            raise StudioError(finding.message)
    return report


def _diagnosed(recipe: Recipe, table: Table) -> tuple[Recipe, Diagnosis]:
    """Diagnose the table; reshape a case that is better trained as another one."""
    fixes = tuple(recipe.fixes)
    base = None if recipe.base_model == DEFAULT_MODEL else str(recipe.base_model)
    diagnosis = diagnose(table, fixes, recipe.case, recipe.columns, recipe.label, base)
    case = CASES.get(diagnosis.case or "")
    if case and case.reshape and recipe.loss not in case.losses:
        for code in case.reshape:
            attempt = diagnose(
                table, (*fixes, Fix(code)), recipe.case, recipe.columns, base_model=base
            )
            if not attempt.errors:
                recipe = replace(recipe, fixes=[*fixes, asdict(Fix(code))])
                diagnosis = attempt
                break
    if diagnosis.errors:
        raise StudioError(" ".join(finding.message for finding in diagnosis.errors))
    return recipe, diagnosis


def _fetch(base: ModelRef | str, run: Run, store: RunStore, token: str | None) -> Path:
    """Bring the base model to the disk; an earlier run's model is copied, as that run expires."""
    if isinstance(base, ModelRef):

        def progress(done: int, total: int) -> None:
            run.update(phase=f"downloading the base model, {done >> 20} of {total >> 20} MB")

        return download_model(base, progress, token)
    earlier = store.open(base.removeprefix(EARLIER_RUN))
    folder = run.path / "base"
    shutil.copytree(earlier.model_dir, folder)
    return folder


def _facts(
    recipe: Recipe, examples: Examples, base: ModelRef | str, diagnosis: Diagnosis
) -> dict[str, Any]:
    """Return what page and card say about a run before it has a result."""
    if isinstance(base, str):
        model = {"id": base, "revision": None, "origin": "run"}
    else:
        model = {"id": base.id, "revision": base.revision, "origin": base.origin}
    counts = {name: getattr(examples, name).num_rows for name in ("train", "dev", "test", "corpus")}
    return {
        "title": title_of(recipe.source),
        "licence": licence_of(recipe.source),
        "source": recipe.source,
        "case": examples.case,
        "loss": recipe.loss,
        "base_model": built.base_facts(recipe, model),
        "counts": counts,
        "dropped": examples.dropped,
        "notes": [*examples.notes, *built.notes(recipe, model)],
        "findings": [asdict(finding) for finding in diagnosis.findings],
        "preview": diagnosis.preview,
        "suggestions": _suggestions(examples),
    }


def _suggestions(examples: Examples) -> list[str]:
    """Return a few queries to start a search with: the last ones, which a sample writes itself."""
    queries = examples.queries.column("text").to_pylist()
    return list(dict.fromkeys(queries))[-40:][::5]
