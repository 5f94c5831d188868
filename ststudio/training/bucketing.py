"""Texts without their padding: packed end to end, or in chunks beside others of their length."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling
from torch import Tensor

from ststudio.training.chunks import chunks
from ststudio.training.graphs import Graphs, Packed
from ststudio.training.packing import give_back, packed_tokens, take_over

# What one more chunk costs, in tokens: below it, padding is cheaper than another pass.
CHUNK_TOKENS = {"cpu": 48, "cuda": 2048}
# Modules that read each text through its attention mask only. A CNN looks past a text's last
# token, so its vectors change with the padding.
BLIND_TO_PADDING = (Transformer, Pooling, Dense, Normalize, LayerNorm, Dropout)

Features = dict[str, Any]


class Bucketed:
    """The forward of a model, packed or in chunks: the same vectors, far less arithmetic.

    While the model trains it runs under bfloat16 autocast where `bf16`, and its weights stay
    float32; what is measured is float32 always.
    """

    def __init__(
        self, model: SentenceTransformer, bf16: bool = False, takes_embedded: bool = True
    ) -> None:
        self.model, self.bf16, self.takes_embedded = model, bf16, takes_embedded
        self.whole = model.forward
        self.heard = frozenset(model.get_model_kwargs())
        self.overhead = CHUNK_TOKENS[model.device.type]
        self.packs = take_over(model)
        on_gpu = model.device.type == "cuda"
        self.graphs = Graphs(model, bf16) if self.packs and on_gpu else None
        self.possible = all(isinstance(module, BLIND_TO_PADDING) for module in model)
        # Prompts matter to nothing but a pooling that leaves them out.
        pooling = [module for module in model if isinstance(module, Pooling)]
        self.counts_prompts = all(module.include_prompt for module in pooling)

    def __call__(self, features: Features, **options: Any) -> Features:  # noqa: ANN401
        """Return the features with their sentence embeddings, shape [texts, dimensions]."""
        if "input_ids" in features and "sentence_embedding" in features:
            if self.takes_embedded:
                return dict(features)  # embedded with its whole batch already
            features = {key: features[key] for key in features if key != "sentence_embedding"}
        # encode_query and encode_document name a task, which no layer here listens to.
        if self.heard & options.keys() or not self._splits(features):
            return self._run(features, **options)
        return {**features, "sentence_embedding": self._embed(features)}

    def pack(self, columns: list[Features]) -> Packed | None:
        """Lay the texts of all columns out, on the CPU, where their forward is to be recorded."""
        if self.graphs is None or not self._alike(columns):
            return None
        if not all(bool(column["attention_mask"][:, 0].all()) for column in columns):
            return None  # a text without a token
        facts = {key: told for key, told in self._facts(columns[0]).items() if told is not None}
        return self.graphs.pack(columns, facts)

    def together(self, columns: list[Features], packed: Packed | None = None) -> list[Features]:
        """Embed the texts of all columns at once, where they can share their chunks."""
        if packed is not None and self.graphs is not None:
            return _embedded(columns, self.graphs.embed(packed))
        if not self._alike(columns):
            return columns
        width = max(column["attention_mask"].shape[1] for column in columns)
        merged = dict(columns[0])
        for key, value in columns[0].items():
            if isinstance(value, Tensor):
                merged[key] = torch.cat([_widened(column[key], width) for column in columns])
        return _embedded(columns, self._embed(merged))

    def _alike(self, columns: list[Features]) -> bool:
        """Tell whether the texts of all columns can be embedded as one batch."""
        facts = self._facts(columns[0])
        return all(self._splits(column) and self._facts(column) == facts for column in columns)

    def _cast(self) -> torch.autocast:
        # Inside of one another the outermost keeps the weights it has cast, for all its chunks.
        enabled = self.bf16 and self.model.training
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=enabled)

    def _run(self, features: Features, **options: Any) -> Features:  # noqa: ANN401
        with self._cast():
            output = self.whole(features, **options)
        output["sentence_embedding"] = output["sentence_embedding"].float()
        return output

    def _embed(self, features: Features) -> Tensor:
        lengths = features["attention_mask"].sum(1)
        order = lengths.argsort(descending=True, stable=True)
        lengths = lengths[order].clamp(min=1).tolist()
        if self.packs and bool(features["attention_mask"][:, 0].all()):  # no text without a token
            return self._packed(features, order, lengths)[order.argsort()]
        parts = []
        with self._cast():
            for begin, end in chunks(lengths, self.overhead):
                rows = order[begin:end]
                chunk = {
                    key: value[rows, : lengths[begin]] if isinstance(value, Tensor) else value
                    for key, value in features.items()
                }
                parts.append(self._run(chunk)["sentence_embedding"])
        return torch.cat(parts)[order.argsort()]

    def _packed(self, features: Features, order: Tensor, lengths: list[int]) -> Tensor:
        """Embed the texts end to end, the longest first."""
        texts = {
            key: value[order, : lengths[0]] if isinstance(value, Tensor) else value
            for key, value in features.items()
        }
        first, *others = self.model
        with self._cast():
            texts["token_embeddings"] = packed_tokens(first, texts, lengths)
            for module in others:
                texts = module(texts)
        return texts["sentence_embedding"].float()

    def _splits(self, features: Features) -> bool:
        """Tell whether every tensor has one row a text, padded on the right."""
        mask = features.get("attention_mask")
        if not self.possible or "input_ids" not in features or not isinstance(mask, Tensor):
            return False
        tensors = [value for value in features.values() if isinstance(value, Tensor)]
        if mask.ndim != 2 or any(value.shape != mask.shape for value in tensors):
            return False
        return bool((mask[:, 1:] <= mask[:, :-1]).all())

    def _facts(self, features: Features) -> Features:
        """Return what a batch says of all its texts."""
        ignored = {"prompt_length"} if self.counts_prompts else set()
        return {
            key: None if isinstance(value, Tensor) else value
            for key, value in features.items()
            if key not in ignored
        }


def _embedded(columns: list[Features], embeddings: Tensor) -> list[Features]:
    parts = embeddings.split([len(column["input_ids"]) for column in columns])
    return [
        {**column, "sentence_embedding": part} for column, part in zip(columns, parts, strict=True)
    ]


def _widened(values: Tensor, width: int) -> Tensor:
    """Pad token ids or a mask on the right; the mask's zeros hide whatever stands there."""
    return F.pad(values, (0, width - values.shape[1]))


@contextmanager
def bucketed(model: SentenceTransformer, bf16: bool = False) -> Iterator[Bucketed]:
    """Let a model run bucketed as long as the block lasts."""
    forward = Bucketed(model, bf16)
    model.forward = forward  # type: ignore[method-assign, assignment]
    try:
        yield forward
    finally:
        del model.forward
        if forward.packs:
            forward.packs = False
            give_back(model)
