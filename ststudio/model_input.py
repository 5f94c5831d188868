"""What a model takes in, known without its weights: its tokenizer, its limit, its prompts."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ststudio.fetch import ModelRef, download_tokenizer
from ststudio.model_files import FAMILY, PLAIN, read_modules

ENDLESS = 1_000_000  # tokens: what a tokenizer says that knows no limit is far above
# Their first position is the one behind the padding's number, which is 1.
PADDED_POSITIONS = {"roberta", "xlm-roberta", "camembert", "mpnet"}

# Where configurations say how wide a token's vector is; a pooling's own name comes first.
WIDTHS = (
    "embedding_dimension",
    "word_embedding_dimension",
    "hidden_size",
    "d_model",
    "dim",
    "n_embd",
)


@dataclass(frozen=True)
class ModelInput:
    """What a model takes in, as its configuration says it."""

    id: str
    folder: Path  # of its tokenizer
    limit: int | None = None  # tokens that it reads of a text
    most: int | None = None  # tokens that it could read
    lowercase: bool = False  # sentence-transformers lowers the case before the tokenizer does
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None  # the name of the one before every text
    modules: tuple[str, ...] = ()  # the classes of its layers
    dimensions: int | None = None  # of a text's vector

    @property
    def normalises(self) -> bool:
        """Tell whether the model's vectors have length 1."""
        return "Normalize" in self.modules


def input_of(ref: ModelRef, token: str | None = None) -> ModelInput:
    """Find out what a base model takes in; raise StudioError where the Hub does not say."""
    return read_input(download_tokenizer(ref, token), ref.id)


def read_input(folder: Path, model_id: str) -> ModelInput:
    """Read what a model takes in from a folder of checked files."""
    listed = folder / "modules.json"
    modules = read_modules(listed.read_bytes(), model_id) if listed.is_file() else PLAIN
    inside = folder / modules[0].folder
    own = next(iter(sorted(inside.glob("sentence_*_config.json"))), inside / "none.json")
    sentence, family = _read(own), _read(folder / FAMILY)
    limit, most = limits(_read(inside / "config.json"), sentence, _read(tokenizer_config(inside)))
    return ModelInput(
        model_id,
        inside,
        limit,
        most,
        bool(sentence.get("do_lower_case")),
        {name: text for name, text in (family.get("prompts") or {}).items() if text},
        family.get("default_prompt_name"),
        tuple(module.name for module in modules),
        dimensions(
            [(module.name, _read(folder / module.folder / "config.json")) for module in modules]
        ),
    )


def dimensions(layers: Iterable[tuple[str, Mapping[str, Any]]]) -> int | None:
    """Return how many numbers a text's vector has, from the layers' classes and configurations.

    None where only the weights would tell (a static embedding by itself).
    """
    width: int | None = None
    for name, config in layers:
        if name in ("Transformer", "Pooling"):
            found = next((config[key] for key in WIDTHS if config.get(key)), width)
            width = found * _modes(config) if found and name == "Pooling" else found
        elif name == "Dense":
            width = config.get("out_features")
        elif name == "CNN":
            width = config.get("out_channels", 0) * len(config.get("kernel_sizes") or ())
    return width or None


def _modes(pooling: Mapping[str, Any]) -> int:
    """Count the ways of pooling whose vectors are put side by side."""
    modes = pooling.get("pooling_mode")
    if modes:
        return 1 if isinstance(modes, str) else len(modes)
    old = [value for key, value in pooling.items() if key.startswith("pooling_mode_")]
    return max(1, sum(map(bool, old)))


def tokenizer_config(folder: Path) -> Path:
    """Return where a tokenizer's settings stand."""
    return folder / "tokenizer_config.json"


def limits(
    config: Mapping[str, Any], sentence: Mapping[str, Any], tokenizer: Mapping[str, Any]
) -> tuple[int | None, int | None]:
    """Return how many tokens a model reads, and how many it could, as sentence-transformers does.

    The model's own max_seq_length stands above the tokenizer's and the positions, but no text can
    have more tokens than there are positions.
    """
    positions = config.get("max_position_embeddings") or config.get("n_positions")
    if config.get("model_type") == "t5":  # its positions are relative: the number binds nothing
        positions = None
    most = positions
    if positions and config.get("model_type") in PADDED_POSITIONS:
        most = positions - 2
    length = tokenizer.get("model_max_length")
    known = [most, length if length and length < ENDLESS else None]
    given = [sentence["max_seq_length"], most] if sentence.get("max_seq_length") else known
    found = [int(number) for number in given if number]
    return min(found, default=None), most


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}
