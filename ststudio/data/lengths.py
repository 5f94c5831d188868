"""Token lengths: how much of the rows' texts a model reads, from a sample of them."""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ststudio.child import ask_once
from ststudio.data.cases import CASES
from ststudio.data.prompts import agreed_prompts, column_prompts, own_prompts
from ststudio.data.rows import Rows
from ststudio.model_input import ModelInput
from ststudio.settings import get_settings

TEXTS = 2_000  # of a role, drawn by a seed: a share is then right within about two points
# Of a role: a hundred texts at least; the slowest tokenizers take seconds for a million.
CHARACTERS = 400_000
SECONDS = 10.0  # to count
BARS = 24  # of a histogram
SHOWN = 0.99  # of the texts stand in the histogram at their place, longer ones in its last bar
SHARES = (50, 90, 99, 100)  # per cent of the texts
REMEMBERED = 32  # counts of one dataset by one model, 8 kB a role

Tokens = npt.NDArray[np.int32]


@dataclass(frozen=True)
class RoleLengths:
    """How long a role's texts are, in tokens with special ones and the prompt."""

    cut: float  # share of the texts that are longer than the model reads, 0 to 1
    texts: int  # looked at
    quantiles: dict[str, int]  # tokens that 50, 90, 99 and 100 % of the texts do not exceed
    counts: tuple[int, ...]  # texts in each bar
    edges: tuple[int, ...]  # tokens, one more than there are bars; the last bar holds the rest


@dataclass(frozen=True)
class Lengths:
    """How long the texts are that a model is to read, by role."""

    model: str
    limit: int | None  # tokens that it reads; None: of any length, or not known
    roles: dict[str, RoleLengths]

    def to_json(self) -> dict[str, Any]:
        """Return the shape of the /diagnose endpoint."""
        return asdict(self)


def measure_lengths(
    rows: Rows, model: ModelInput, prompts: Mapping[str, str], limit: int | None
) -> Lengths:
    """Count the tokens of a sample of each role's texts; raise StudioError where none can."""
    case = CASES[rows.case]
    agreed = agreed_prompts(case, prompts, own_prompts(model.prompts, model.default_prompt))
    texts = {
        role: [prompt + text for text in sample(rows, role)]
        for role, prompt in column_prompts(case, agreed).items()
    }
    tokens = _counted(model, {role: known for role, known in texts.items() if known})
    edges = bars(tokens, limit)
    return Lengths(
        model.id, limit, {role: _role(found, edges, limit) for role, found in tokens.items()}
    )


def sample(rows: Rows, role: str) -> list[str]:
    """Draw up to 2,000 of a role's texts by a seed, fewer where they are long."""
    chunks = [chunk for split in rows.splits.values() for chunk in split[role].chunks]
    column = pa.chunked_array(chunks, pa.string())
    places = np.random.default_rng(0).permutation(len(column))[:TEXTS]
    texts = column.take(pa.array(places))
    within = np.cumsum(pc.utf8_length(texts).to_numpy()) <= CHARACTERS
    return list(texts.slice(0, max(int(within.sum()), 1)).to_pylist())


def bars(tokens: Mapping[str, Tokens], limit: int | None) -> Tokens:
    """Return the edges, in tokens, of the histogram that all roles share."""
    every = np.concatenate([*tokens.values(), np.ones(1, np.int32)])
    top = int(np.quantile(every, SHOWN, method="higher"))
    if limit is not None and top / 2 < limit <= 2 * top:
        top = max(top, limit)  # near enough to be seen
    width = -(-top // BARS)
    return np.arange(0, top + width, width, dtype=np.int32)


def _role(tokens: Tokens, edges: Tokens, limit: int | None) -> RoleLengths:
    ends = {str(share): int(np.quantile(tokens, share / 100, method="higher")) for share in SHARES}
    # A bar holds what lies above its left edge, up to its right one: the limit's own bar is read.
    bar = np.clip(np.searchsorted(edges, tokens, side="left") - 1, 0, len(edges) - 2)
    return RoleLengths(
        float((tokens > limit).mean()) if limit is not None else 0.0,
        len(tokens),
        ends,
        tuple(int(number) for number in np.bincount(bar, minlength=len(edges) - 1)),
        tuple(int(edge) for edge in edges),
    )


_lock = threading.Lock()
_known: OrderedDict[str, dict[str, Tokens]] = OrderedDict()


def _counted(model: ModelInput, texts: Mapping[str, list[str]]) -> dict[str, Tokens]:
    """Count in the reader process, once for the same texts and the same tokenizer."""
    job = {"folder": str(model.folder), "lowercase": model.lowercase, "texts": texts}
    key = hashlib.sha256(json.dumps(job).encode()).hexdigest()
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    found = {role: np.array(tokens, np.int32) for role, tokens in _ask(job).items()}
    with _lock:
        _known[key] = found
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)
    return found


def _ask(job: Mapping[str, Any]) -> dict[str, list[int]]:
    counted: dict[str, list[int]] = ask_once(
        "count",
        {**job, "decoded_bytes": get_settings().decoded_bytes},
        SECONDS,
        late=f"Its tokenizer took over {SECONDS:.0f} s.",
        broken="Its tokenizer could not be loaded.",
    )
    return counted
