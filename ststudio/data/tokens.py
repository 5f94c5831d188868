"""Tokens, counted by a model's own tokenizer; runs in the reader process."""

import os
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.normalizers import Lowercase, Sequence

from ststudio.data.memory import limit_memory
from ststudio.errors import StudioError

AT_ONCE = 256  # texts: an encoding weighs a hundred times its text
os.environ["RAYON_NUM_THREADS"] = "2"  # each thread reserves address space, which is limited


def count_job(message: dict[str, Any]) -> dict[str, list[int]]:
    """Count the tokens of texts by role, special ones included; runs in the reader process."""
    limit_memory(message["decoded_bytes"])
    tokenizer = load_tokenizer(Path(message["folder"]), message["lowercase"])
    return {role: count_tokens(tokenizer, texts) for role, texts in message["texts"].items()}


def count_tokens(tokenizer: Tokenizer, texts: list[str]) -> list[int]:
    """Return how many tokens each text becomes."""
    counts: list[int] = []
    for start in range(0, len(texts), AT_ONCE):
        found = tokenizer.encode_batch_fast(texts[start : start + AT_ONCE])
        counts += [len(encoding) for encoding in found]
    return counts


def load_tokenizer(folder: Path, lowercase: bool = False) -> Tokenizer:
    """Load a tokenizer from a folder of checked files; raise StudioError where none is known."""
    whole = folder / "tokenizer.json"
    if not whole.is_file():
        raise StudioError("It has no tokenizer.json.")
    tokenizer = Tokenizer.from_file(str(whole))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if lowercase:
        before = [tokenizer.normalizer] if tokenizer.normalizer else []
        tokenizer.normalizer = Sequence([Lowercase(), *before])
    return tokenizer
