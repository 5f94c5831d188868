"""What a base model and a loss make of rows: findings, token lengths, each column's part."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ststudio.data.cases import CASES
from ststudio.data.findings import LEVELS, Diagnosis, Finding
from ststudio.data.model_checks import ModelReport, check_model, unread
from ststudio.data.reshape import fix_recipe
from ststudio.data.rows import Rows
from ststudio.errors import StudioError
from ststudio.fetch import ModelRef, resolve_model
from ststudio.model_input import ModelInput, input_of, read_input
from ststudio.remote import HubAway
from ststudio.runs.store import RunStore, get_store
from ststudio.shelf import DEFAULT_MODEL
from ststudio.training.losses import LOSSES

EARLIER_RUN = "run:"  # a base model that is an earlier run's result

KNOWN_SECONDS = 60  # that what the Hub said of a public model holds

BaseModel = str | Mapping[str, str]


class Refused(StudioError):
    """A base model that cannot be trained, whatever the rows are."""


def resolve_base(base_model: BaseModel, store: RunStore, token: str | None) -> ModelRef | str:
    """Find the base model, or the earlier run whose result is to be the base."""
    name = base_model if isinstance(base_model, str) else str(base_model.get("id"))
    if not name.startswith(EARLIER_RUN):
        return resolve_model(base_model, token)
    if not store.open(name.removeprefix(EARLIER_RUN)).has_model:
        raise StudioError("That run has no model to go on from. Wait for its end, or pick another.")
    return name


def base_input(base: ModelRef | str, store: RunStore, token: str | None) -> ModelInput:
    """Find out what a resolved base model takes in."""
    if isinstance(base, ModelRef):
        return input_of(base, token)
    return read_input(store.open(base.removeprefix(EARLIER_RUN)).model_dir, base)


def with_report(found: Diagnosis, report: ModelReport) -> Diagnosis:
    """Add what a model makes of the rows to the findings, in order of harm."""
    both = (*found.findings, *(f for f in report.findings if f not in found.findings))
    return replace(found, findings=tuple(sorted(both, key=lambda f: LEVELS.index(f.level))))


def diagnosis_json(
    found: Diagnosis, base_model: BaseModel | None = None, token: str | None = None
) -> dict[str, Any]:
    """Return the shape of the /diagnose endpoint, with what a base model makes of the rows.

    Never fails where the model cannot be read: then a finding says what was not checked.
    """
    if found.prepared is None:
        return {**found.to_json(), "lengths": None, "loss": None}
    report = _report(found.prepared, fix_recipe(found.fixes), base_model, token)
    return {
        **with_report(found, report).to_json(),
        "lengths": report.lengths.to_json() if report.lengths else None,
        "loss": loss_facts(found.prepared),
    }


def _report(
    rows: Rows, decided: Mapping[str, Any], base_model: BaseModel | None, token: str | None
) -> ModelReport:
    wanted = base_model or decided.get("base_model") or DEFAULT_MODEL
    try:
        model = named_base(wanted, token)[1]
        return check_model(rows, model, decided.get("prompts"), decided.get("max_seq_length"))
    except Refused as error:
        return ModelReport((Finding("error", "model_unread", str(error)),), None)
    except StudioError as error:
        name = wanted if isinstance(wanted, str) else wanted.get("id")
        return ModelReport((unread(str(name)[:80], error),), None)


def named_input(base_model: BaseModel, token: str | None = None) -> ModelInput:
    """Find out what a base model takes in; raise as named_base does."""
    return named_base(base_model, token)[1]


def named_base(
    base_model: BaseModel, token: str | None = None
) -> tuple[ModelRef | str, ModelInput]:
    """Find a base model and what it takes in; the page asks at each click, the Hub is asked less.

    Raises Refused for a model that cannot be trained, HubAway where nobody can tell.
    """
    try:
        return _public_base(json.dumps(base_model), int(time.monotonic() / KNOWN_SECONDS))
    except (Refused, HubAway):  # it may be this person's own, or too many ask from here
        if token is None:
            raise
    return _base(base_model, token)


@lru_cache(maxsize=64)
def _public_base(base_model: str, period: int) -> tuple[ModelRef | str, ModelInput]:
    return _base(json.loads(base_model), None)


def _base(base_model: BaseModel, token: str | None) -> tuple[ModelRef | str, ModelInput]:
    store = get_store()
    try:
        base = resolve_base(base_model, store, token)
    except HubAway:
        raise
    except StudioError as error:
        raise Refused(str(error)) from None
    return base, base_input(base, store, token)


def loss_facts(rows: Rows, loss: str | None = None) -> dict[str, Any]:
    """Return a loss, by default the one the rows' case is trained with, and what it reads."""
    case = CASES[rows.case]
    # What is trained as another case (NLI as triplets) is read by that case's loss.
    usual = (CASES["triplet"] if case.reshape else case).losses[0]
    chosen = LOSSES[loss or usual]
    roles = (*case.columns, *([rows.label_name] if rows.label_name else []))
    reads = {role: chosen.reads[role] for role in roles if role in chosen.reads}
    return {"name": chosen.name, "why": chosen.why, "reads": reads}
