"""What is wrong between rows and a base model: texts it cuts, prompts it misses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ststudio.data.cases import CASES, Case
from ststudio.data.findings import Finding, Fix, Level
from ststudio.data.lengths import Lengths, measure_lengths
from ststudio.data.prompts import (
    agreed_prompts,
    chosen_prompts,
    column_prompts,
    family_of,
    own_prompts,
    part_of,
)
from ststudio.data.rows import Rows
from ststudio.errors import StudioError
from ststudio.model_input import ModelInput

MANY_CUT = 0.03  # of a role's texts
LENGTH_STEP = 32  # tokens: lengths are rounded up to a multiple
IN_DATA = 0.5  # of a role's texts start with the prompt: the data has it
LOOKED_AT = 1_000  # rows, for that


@dataclass(frozen=True)
class ModelReport:
    """What a base model makes of the rows' texts."""

    findings: tuple[Finding, ...]
    lengths: Lengths | None  # None: not known


def check_model(
    rows: Rows,
    model: ModelInput,
    prompts: Mapping[str, str] | None = None,
    max_seq_length: int | None = None,
) -> ModelReport:
    """Check rows against what a base model takes in, with a recipe's prompts and length."""
    columns = _trained(rows).columns
    given = {role: text for role, text in (prompts or {}).items() if role in columns}
    found = [*_check_prompts(rows, model, given), *_check_asked(model, max_seq_length)]
    lengths = None
    if rows.kept:
        try:
            lengths = measure_lengths(rows, model, given, max_seq_length or model.limit)
        except StudioError as error:
            found.append(unread(model.id, error))
        else:
            found += _check_lengths(model, lengths)
    return ModelReport(tuple(found), lengths)


def unread(model_id: str, error: StudioError) -> Finding:
    """Say that it is not known what a model reads, and why."""
    said = f"How much of the texts {model_id} reads was not checked. {error}"
    return Finding("info", "model_unread", said)


def _trained(rows: Rows) -> Case:
    """Return the case whose columns get prompts: NLI becomes pairs, or triplets of the same."""
    case = CASES[rows.case]
    return CASES["pair"] if case.reshape else case


def _check_asked(model: ModelInput, asked: int | None) -> Iterator[Finding]:
    if asked and model.most and asked > model.most:
        yield Finding(
            "error",
            "too_long",
            f"{model.id} has places for {model.most:,} tokens of a text, not for {asked:,}. "
            f"Set max_seq_length to {model.most:,} or less.",
            Fix("set_max_seq_length", {"tokens": model.most}),
        )


def _check_lengths(model: ModelInput, lengths: Lengths) -> Iterator[Finding]:
    """Say which texts are longer than the model reads, and whether it could read more."""
    cut = {role: found.cut for role, found in lengths.roles.items() if found.cut}
    if lengths.limit is None or not cut:
        return
    shares = " and ".join(f"{_per_cent(share)} of the {role}s" for role, share in cut.items())
    looked = min(lengths.roles[role].texts for role in cut)
    said = f"{model.id} reads {lengths.limit:,} tokens of a text: {shares} are longer"
    said += f" (of {looked:,} looked at), and the rest of them is neither learned nor searched."
    level: Level = "warning" if max(cut.values()) > MANY_CUT else "info"
    tokens = _enough(lengths, model.most)
    if tokens is None:
        said += " It cannot read more: split long texts into passages, or choose another model."
        yield Finding(level, "too_long", said)
        return
    said += f" It can read {model.most:,}; longer texts take longer to train."
    yield Finding(level, "too_long", said, Fix("set_max_seq_length", {"tokens": tokens}))


def _enough(lengths: Lengths, most: int | None) -> int | None:
    """Return how many tokens nearly all texts fit into, None where the model reads no more."""
    if most is None or lengths.limit is None or most <= lengths.limit:
        return None
    wanted = max(found.quantiles["99"] for found in lengths.roles.values())
    wanted = max(wanted, lengths.limit + 1)
    return min(most, -(-wanted // LENGTH_STEP) * LENGTH_STEP)


def _per_cent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "under 1 %"


def _check_prompts(rows: Rows, model: ModelInput, given: Mapping[str, str]) -> Iterator[Finding]:
    """Say which prompts a model was trained with and would be used without, or twice."""
    case = _trained(rows)
    agreed = agreed_prompts(case, given, own_prompts(model.prompts, model.default_prompt))
    used = {role: text for role, text in column_prompts(case, agreed).items() if text}
    twice = [role for role, text in used.items() if _starts_with(rows, role, text)]
    if twice:
        said = f"The texts of {' and '.join(twice)} start with the prompt already, "
        said += "which would be put before them once more."
        fix = Fix("set_prompts", {"prompts": dict.fromkeys(twice, "")})
        yield Finding("warning", "prompt_twice", said, fix)
    yield from _missing(rows, model, given, used)
    if used and not given:
        said = f"As {model.id} says of itself, {_named(used)}: when it is trained, measured and "
        yield Finding("info", "model_prompts", said + "searched.")


def _missing(
    rows: Rows, model: ModelInput, given: Mapping[str, str], used: Mapping[str, str]
) -> Iterator[Finding]:
    """Offer a known family's prompts where neither recipe, configuration nor data has them."""
    family = family_of(model.id)
    if family is None:
        return
    decided = {*chosen_prompts(given)}
    wanted = {role: family.before(role) for role in _trained(rows).columns}
    lacks = {
        role: text
        for role, text in wanted.items()
        if text and role not in used and part_of(role) not in decided
    }
    lacks = {role: text for role, text in lacks.items() if not _starts_with(rows, role, text)}
    if not lacks:
        return
    if family.needed:
        said = f"{family.name} models were trained with a prompt before every text, and work worse "
        said += f"without: {_named(lacks)}. Neither the data nor {model.id}'s configuration has it."
    else:
        said = f"{family.name}'s authors advise a prompt for searches: {_named(lacks)}. "
        said += f"{model.id} works without it, too."
    level: Level = "warning" if family.needed else "info"
    yield Finding(level, "needs_prompt", said, Fix("set_prompts", {"prompts": lacks}))


def _named(prompts: Mapping[str, str]) -> str:
    return ", ".join(f'"{text}" before each {role}' for role, text in prompts.items())


def _starts_with(rows: Rows, role: str, prompt: str) -> bool:
    """Tell whether most of a role's texts start with a prompt."""
    if role not in rows.splits["train"].column_names:
        return False
    texts = rows.splits["train"][role].slice(0, LOOKED_AT)
    starts = pc.starts_with(texts, pattern=prompt.strip(), ignore_case=True)
    return bool(len(texts)) and pc.mean(starts.cast(pa.int8())).as_py() > IN_DATA
