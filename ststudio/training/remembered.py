"""A model that embeds each text once, however many evaluators ask for it."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from ststudio.training.vectors import KeptVectors, Vectors, key_of

# Texts that are embedded at once, and between two reports of progress: a GPU waits for neither.
BATCH_SIZE = {"cpu": 64, "cuda": 512}
CHUNK = {"cpu": 256, "cuda": 2048}


class Remembered:
    """Answer encode, encode_query and encode_document from vectors computed once, in float32.

    It has the face that sentence-transformers' evaluators use, so that the numbers are theirs.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        progress: Callable[[int], None] | None = None,
        kept: KeptVectors | None = None,
    ) -> None:
        self.model = model
        self.progress = progress or (lambda texts: None)
        self.model_card_data = model.model_card_data
        self.similarity_fn_name = "cosine"
        self._rows: dict[tuple[str, str], Vectors] = {}
        self._kept = kept
        self._fingerprint = fingerprint(model) if kept else ""

    def __len__(self) -> int:
        """Count the vectors that are known."""
        return len(self._rows)

    def encode(self, texts: Sequence[str], **options: Any) -> Any:  # noqa: ANN401
        """Return vectors of texts that play no part in retrieval, shape [texts, dimensions]."""
        return self._recall("", self.model.encode, texts, options)

    def encode_query(self, texts: Sequence[str], **options: Any) -> Any:  # noqa: ANN401
        """Return vectors of texts embedded as queries, shape [texts, dimensions]."""
        return self._recall("query", self.model.encode_query, texts, options)

    def encode_document(self, texts: Sequence[str], **options: Any) -> Any:  # noqa: ANN401
        """Return vectors of texts embedded as documents, shape [texts, dimensions]."""
        return self._recall("document", self.model.encode_document, texts, options)

    def _recall(
        self,
        role: str,
        encode: Callable[..., Any],
        texts: Sequence[str],
        options: dict[str, Any],
    ) -> Any:  # noqa: ANN401
        key = self._role(role)
        missing = [text for text in dict.fromkeys(texts) if (key, text) not in self._rows]
        missing = self._recalled(key, missing)
        # The longest first, as the library does inside one call: chunks share their padding.
        missing.sort(key=len, reverse=True)
        kind = self.model.device.type
        for start in range(0, len(missing), CHUNK[kind]):
            chunk = missing[start : start + CHUNK[kind]]
            vectors = encode(chunk, batch_size=BATCH_SIZE[kind], show_progress_bar=False)
            self._rows.update(zip([(key, text) for text in chunk], vectors, strict=True))
            if self._kept:
                self._kept.put(dict(zip(self._keys(key, chunk), vectors, strict=True)))
            self.progress(len(chunk))
        found = np.stack([self._rows[key, text] for text in texts])
        return torch.from_numpy(found) if options.get("convert_to_tensor") else found

    def _recalled(self, role: str, texts: list[str]) -> list[str]:
        """Take what an earlier run kept; return the texts that are still to be embedded."""
        if self._kept is None or not texts:
            return texts
        keys = self._keys(role, texts)
        known = self._kept.get(keys)
        of_text = dict(zip(texts, keys, strict=True))
        self._rows |= {(role, text): known[key] for text, key in of_text.items() if key in known}
        self.progress(len(known))
        return [text for text, key in of_text.items() if key not in known]

    def _keys(self, role: str, texts: Sequence[str]) -> list[bytes]:
        name = role or self.model.default_prompt_name or ""
        prompt = self.model.prompts.get(name) or ""
        return [key_of(self._fingerprint, prompt, text) for text in texts]

    def share_unknown(self, texts_by_role: Mapping[str, Sequence[str]]) -> float:
        """Return the share of the characters that are still to be embedded, 0 to 1."""
        total = missing = 0
        for role, texts in texts_by_role.items():
            key = self._role(role)
            distinct = [text for text in dict.fromkeys(texts) if (key, text) not in self._rows]
            total += sum(map(len, dict.fromkeys(texts)))
            missing += sum(map(len, self._recalled(key, distinct)))
        return missing / total if total else 0.0

    def _role(self, role: str) -> str:
        # Without prompts all roles are the same vectors (Router models never get past fetch).
        return role if any(self.model.prompts.values()) else ""


def fingerprint(model: SentenceTransformer) -> str:
    """Return what tells a model from every other: its layers, tokenizer, length and weights.

    From the weights themselves, because a base may be built, prepared or cut in many ways.
    """
    told = hashlib.blake2b(digest_size=32)
    layers = [[type(module).__name__, *_settings(module)] for module in model]
    told.update(json.dumps([layers, model.max_seq_length], default=str).encode())
    for name, weight in model.state_dict().items():
        told.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        told.update(weight.detach().cpu().contiguous().numpy().data)
    return told.hexdigest()


def _settings(module: Any) -> list[Any]:  # noqa: ANN401
    """Return what a layer does beside its weights: its configuration and its tokenizer."""
    config = getattr(getattr(module, "model", None), "config", None)
    found = [module.get_config_dict() if hasattr(module, "get_config_dict") else repr(module)]
    if config is not None:
        # Names that begin with _ say where it came from.
        found.append({k: v for k, v in config.to_dict().items() if not k.startswith("_")})
    tokenizer = getattr(module, "tokenizer", None)
    fast: Any = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if hasattr(fast, "to_str"):
        told = json.loads(fast.to_str())
        # A Transformer's tokenizer is told anew how to cut and pad at each call; a static
        # embedding's is cut where it says itself.
        passing = ("padding",) if isinstance(module, StaticEmbedding) else ("padding", "truncation")
        found.append({k: v for k, v in told.items() if k not in passing})
    return found
