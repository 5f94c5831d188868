"""Tokens, counted by a model's own tokenizer; runs in the reader process."""

import json
import os
from pathlib import Path
from typing import Any

from tokenizers import BertWordPieceTokenizer, Tokenizer
from tokenizers.normalizers import Lowercase, Sequence

from ststudio.data.memory import limit_memory
from ststudio.errors import StudioError

AT_ONCE = 256  # texts: an encoding weighs a hundred times its text
# Those whose vocab.txt alone says how they part words; "" where no class is named.
WORD_PIECES = {
    f"{name}Tokenizer{fast}"
    for name in ("Bert", "DistilBert", "Electra", "MobileBert", "ConvBert")
    for fast in ("", "Fast")
} | {""}

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
    whole, words = folder / "tokenizer.json", folder / "vocab.txt"
    if whole.is_file():
        tokenizer = Tokenizer.from_file(str(whole))
    elif words.is_file():
        tokenizer = _word_pieces(words, folder / "tokenizer_config.json")
    else:
        raise StudioError("It has neither tokenizer.json nor vocab.txt.")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if lowercase:
        before = [tokenizer.normalizer] if tokenizer.normalizer else []
        tokenizer.normalizer = Sequence([Lowercase(), *before])
    return tokenizer


def _word_pieces(words: Path, settings: Path) -> Tokenizer:
    """Build BERT's tokenizer from its words, as transformers does without tokenizer.json."""
    told = json.loads(settings.read_text(encoding="utf-8")) if settings.is_file() else {}
    kind = told.get("tokenizer_class") or ""
    if kind not in WORD_PIECES:
        raise StudioError(f"It has no tokenizer.json, and {kind} needs more than vocab.txt.")
    built = BertWordPieceTokenizer(
        str(words),
        lowercase=told.get("do_lower_case", True),
        strip_accents=told.get("strip_accents"),
        handle_chinese_chars=told.get("tokenize_chinese_chars", True),
    )
    return Tokenizer.from_str(built.to_str())
