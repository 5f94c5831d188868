"""A model that embeds each text once, however many evaluators ask for it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

BATCH_SIZE = 64
CHUNK = 256  # texts between two reports of progress

Vectors = NDArray[np.float32]


class Remembered:
    """Answer encode, encode_query and encode_document from vectors computed once, in float32.

    It has the face that sentence-transformers' evaluators use, so that the numbers are theirs.
    """

    def __init__(
        self, model: SentenceTransformer, progress: Callable[[int], None] | None = None
    ) -> None:
        self.model = model
        self.progress = progress or (lambda texts: None)
        self.model_card_data = model.model_card_data
        self.similarity_fn_name = "cosine"
        self._rows: dict[tuple[str, str], Vectors] = {}

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
        # Without prompts all roles are the same vectors (Router models never get past fetch).
        key = role if any(self.model.prompts.values()) else ""
        missing = [text for text in dict.fromkeys(texts) if (key, text) not in self._rows]
        # The longest first, as the library does inside one call: chunks share their padding.
        missing.sort(key=len, reverse=True)
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            vectors = encode(chunk, batch_size=BATCH_SIZE, show_progress_bar=False)
            self._rows.update(zip([(key, text) for text in chunk], vectors, strict=True))
            self.progress(len(chunk))
        found = np.stack([self._rows[key, text] for text in texts])
        return torch.from_numpy(found) if options.get("convert_to_tensor") else found
