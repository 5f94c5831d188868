"""Tokenizers that come as pieces or word lists: a child process makes tokenizer.json of them."""

import threading
from collections.abc import Iterable
from pathlib import Path

from ststudio.child import ask_once
from ststudio.errors import StudioError
from ststudio.model_files import Module

SECONDS = 60.0  # to import transformers and to read the largest vocabulary
MEMORY = 64 << 20  # bytes of decoded text that a vocabulary may hold

_one_at_a_time = threading.Lock()  # a hostile vocabulary takes a gigabyte before it is refused


def complete_tokenizers(folder: Path, modules: Iterable[Module], model: str) -> None:
    """Make tokenizer.json where a model's Transformer has none, so that all read the same one."""
    for module in modules:
        inside = folder / module.folder
        if module.name == "Transformer" and not (inside / "tokenizer.json").is_file():
            try:
                _make(inside)
            except StudioError as error:
                raise StudioError(
                    f"{model} has no tokenizer.json, and none can be made here: {error} "
                    "Choose a model that has one."
                ) from None


def _make(folder: Path) -> None:
    with _one_at_a_time:
        ask_once(
            "tokenizer",
            {"folder": str(folder), "decoded_bytes": MEMORY},
            SECONDS,
            late=f"Its vocabulary took over {SECONDS:.0f} s to read.",
            broken="Its vocabulary cannot be read.",
        )
