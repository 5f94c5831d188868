"""From a recipe to a waiting run: every refusal happens here, before any GPU time is spent."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ststudio.data.builtin import enrich
from ststudio.data.cases import CASES
from ststudio.data.catalog import licence_of, title_of
from ststudio.data.doctor import Diagnosis, Fix, diagnose
from ststudio.data.examples import Examples, make_examples
from ststudio.data.findings import Finding
from ststudio.data.model_checks import ModelReport, check_model, unread
from ststudio.data.sources import open_source, pin_source
from ststudio.data.tables import Table
from ststudio.errors import StudioError
from ststudio.model_input import ModelInput
from ststudio.runs import built
from ststudio.runs.forecast import forecast_run
from ststudio.runs.lineup import (
    Base,
    admissible,
    base_facts,
    derive,
    fetch_models,
    guided,
    line_up,
    race_facts,
    resolve_bases,
)
from ststudio.runs.model_facts import base_input, with_report
from ststudio.runs.queue import get_queue
from ststudio.runs.run import Run
from ststudio.shelf import DEFAULT_MODEL
from ststudio.training.recipe import Recipe


def start_run(value: Any, token: str | None = None) -> tuple[Run, str, int]:  # noqa: ANN401
    """Admit a recipe; return its run, the owner's key and the position in the queue."""
    queue = get_queue()
    queue.check()
    recipe = line_up(admissible(value))
    bases = resolve_bases(recipe, queue.store, token)
    recipe = replace(recipe, source=pin_source(recipe.source, token))
    table = open_source(recipe.source, token, recipe.fixes)
    recipe, diagnosis = diagnosed(recipe, table)
    models = {base: _input(recipe, base, token) for base in bases}
    reports = {base: _checked(recipe, diagnosis, model) for base, model in models.items()}
    for report in reports.values():
        diagnosis = with_report(diagnosis, report)
    examples = make_examples(table, diagnosis, recipe.seed, recipe.max_train_rows)
    if recipe.source["kind"] == "builtin":
        examples = enrich(examples)
    recipe = replace(
        derive(recipe, bases, models, examples),
        columns=diagnosis.columns,
        label=asdict(diagnosis.label) if diagnosis.label else None,
    )
    recipe, guide = guided(recipe, queue.store, token)
    lengths = reports[bases[0]].lengths
    counted = lengths.to_json() if lengths else None
    facts = {
        **_facts(recipe, examples, bases[0], diagnosis),
        "lengths": counted,
        "estimate": forecast_run(queue.machine(), examples, counted, recipe),
        "race": race_facts(recipe, bases, reports, examples),
    }
    run, key = queue.store.create(recipe.to_json(), facts)
    examples.save(run.examples_dir)

    def fetch(run: Run) -> Path:
        return fetch_models(bases, guide, recipe, run, token)

    return run, key, queue.submit(run, fetch)


def _input(recipe: Recipe, base: Base, token: str | None) -> ModelInput | Finding:
    """Find out what the recipe's model takes in, or say that it is not known."""
    try:
        model = base_input(base, get_queue().store, token)
    except StudioError as error:  # the run itself will say it, if it stays so
        if recipe.modules or recipe.lora:
            raise  # what is built on it cannot be checked
        return unread(base if isinstance(base, str) else base.id, error)
    return built.checked_input(recipe, model)


def _checked(recipe: Recipe, diagnosis: Diagnosis, model: ModelInput | Finding) -> ModelReport:
    """Check the rows against the base model; raise StudioError for what would end the run."""
    assert diagnosis.prepared is not None
    if isinstance(model, Finding):
        return ModelReport((model,), None)
    report = check_model(diagnosis.prepared, model, recipe.prompts, recipe.max_seq_length)
    for finding in report.findings:
        if finding.level == "error":
            raise StudioError(finding.message)
    return report


def diagnosed(recipe: Recipe, table: Table) -> tuple[Recipe, Diagnosis]:
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


def _facts(recipe: Recipe, examples: Examples, base: Base, diagnosis: Diagnosis) -> dict[str, Any]:
    """Return what page and card say about a run before it has a result."""
    model = base_facts(base)
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
