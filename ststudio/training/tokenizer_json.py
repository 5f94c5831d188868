"""A tokenizer.json out of pieces or word lists, as transformers reads them; runs in a worker."""

import json
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, TokenizersBackend

from ststudio.data.memory import limit_memory
from ststudio.errors import StudioError

WHOLE = "tokenizer.json"
# Read again from the new file, these must give the same numbers.
PROBES = (
    "Plain words, and a question?",
    "  naïve café\tİstanbul\n 🙂 日本語 ＡＢＣ ",
    "[CLS] <s> x [MASK] <mask> </s>",
)


def tokenizer_job(message: dict[str, Any]) -> dict[str, int]:
    """Write a folder's tokenizer.json; raise StudioError where its files are not understood."""
    limit_memory(message["decoded_bytes"])
    folder = Path(message["folder"])
    tokenizer = _load(folder)
    _check_source(tokenizer, folder)
    _check_size(tokenizer, folder)
    tokenizer.backend_tokenizer.save(str(folder / WHOLE))
    if _read(_load(folder)) != _read(tokenizer):
        raise StudioError(f"a {type(tokenizer).__name__} does not outlive being saved.")
    return {"tokens": len(tokenizer)}


def _load(folder: Path) -> TokenizersBackend:
    tokenizer = AutoTokenizer.from_pretrained(
        str(folder), trust_remote_code=False, local_files_only=True
    )
    if not isinstance(tokenizer, TokenizersBackend):
        raise StudioError(f"a {type(tokenizer).__name__} has no such form.")
    return tokenizer


def _check_source(tokenizer: TokenizersBackend, folder: Path) -> None:
    """Refuse a class that found no file of its own: it then knows special tokens only."""
    wanted = [name for key, name in tokenizer.vocab_files_names.items() if key != "tokenizer_file"]
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        raise StudioError(f"a {type(tokenizer).__name__} needs {' and '.join(missing)}.")


def _check_size(tokenizer: TokenizersBackend, folder: Path) -> None:
    """Refuse more tokens than the model has embeddings for."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    known = config.get("vocab_size")
    if isinstance(known, int) and len(tokenizer) > known:
        raise StudioError(f"its {len(tokenizer):,} tokens are more than the model's {known:,}.")


def _read(tokenizer: TokenizersBackend) -> list[list[int]]:
    return [tokenizer(text)["input_ids"] for text in PROBES]
