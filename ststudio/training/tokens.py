"""A model's tokens of texts that come again each epoch: every text is tokenized once."""

from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

# Beyond this, rows are too many to come again in a short run, and to be kept.
MOST_CHARACTERS = 4_000_000
BATCH = 256

Features = dict[str, Any]
Row = tuple[Tensor, ...]  # of one text, by the order of the features' names


class Tokens:
    """A model's `preprocess` that remembers: the same features, padded to the batch at hand."""

    def __init__(self, model: SentenceTransformer, most: int = MOST_CHARACTERS) -> None:
        self.model, self.preprocess, self.most = model, model.preprocess, most
        self.padding = _padding(model)  # empty: nothing can be kept
        self.rows: dict[tuple[str, str], Row] = {}
        self.facts: dict[str, Features] = {}  # by prompt: what is no tensor
        self.names: tuple[str, ...] = ()
        self.characters = 0

    def __call__(
        self, texts: list[str], prompt: str | None = None, task: str | None = None, **options: Any
    ) -> Features:
        """Return what the model reads of some texts, tensors of the shape [texts, width]."""
        if task is not None or options or not self.know(texts, prompt):
            return self.preprocess(texts, prompt=prompt, task=task, **options)
        rows = [self.rows[prompt or "", text] for text in texts]
        columns = zip(self.names, zip(*rows, strict=True), strict=True)
        padded = {name: pad_sequence(list(of), True, self.padding[name]) for name, of in columns}
        return padded | self.facts[prompt or ""]

    def know(self, texts: Sequence[str], prompt: str | None = None) -> bool:
        """Tokenize the texts that are new; tell whether all are kept."""
        if not self.padding:
            return False
        before = prompt or ""
        new = [text for text in dict.fromkeys(texts) if (before, text) not in self.rows]
        self.characters += sum(map(len, new))
        if self.characters > self.most:
            return not new
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            if not self._keep(before, batch, self.preprocess(batch, prompt=prompt)):
                self.padding = {}
                return False
        return True

    def _keep(self, prompt: str, texts: Sequence[str], features: Features) -> bool:
        """Keep each text's own part; False where a text's features are more than its tokens."""
        tensors = {key: told for key, told in features.items() if isinstance(told, Tensor)}
        mask = tensors.get("attention_mask")
        names = tuple(tensors)
        alike = all(mask is not None and told.shape == mask.shape for told in tensors.values())
        if mask is None or not alike or (self.names or names) != names:
            return False
        if not self.padding.keys() >= tensors.keys() or bool((mask[:, 1:] > mask[:, :-1]).any()):
            return False
        self.names = names
        self.facts[prompt] = {key: told for key, told in features.items() if key not in tensors}
        lengths = mask.sum(1).tolist()
        for place, (text, length) in enumerate(zip(texts, lengths, strict=True)):
            row = tuple(told[place, :length].clone() for told in tensors.values())
            self.rows[prompt, text] = row
        return True

    def ids(self) -> Tensor:
        """Return the distinct ids of all tokens kept and the special ones, in ascending order."""
        place = self.names.index("input_ids")
        special = torch.tensor(self.model.tokenizer.all_special_ids)
        return torch.cat([special, *(row[place] for row in self.rows.values())]).unique()


def _padding(model: SentenceTransformer) -> dict[str, int]:
    """Return what stands for no token in each of a text's features, where it stands at the end."""
    first = model[0]
    if not isinstance(first, Transformer) or len(first.modality_config) != 1:
        return {}
    told = model.tokenizer
    if told.padding_side != "right" or told.pad_token_id is None:
        return {}
    types = told.pad_token_type_id
    return {"input_ids": told.pad_token_id, "token_type_ids": types, "attention_mask": 0}
