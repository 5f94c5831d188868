"""Train only the rows of the word embedding that the data uses: the same result, fewer numbers.

AdamW leaves a weight alone that never had a gradient (without weight decay its step is 0/ε), yet
reads and writes its moments at every step. Most of a small model's weights are such rows: of the
22.7 million of all-MiniLM-L6-v2, 11.7 million are word embeddings.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from torch import Tensor, nn

# Beyond this, looking up the tokens takes longer than a short run gains by it.
MOST_CHARACTERS = 4_000_000
BATCH = 256

Texts = Mapping[str, Sequence[str]]  # by the prompt that stands before them


class UsedRows(nn.Module):
    """An embedding whose rows in use are trained, while the others stay what they are."""

    def __init__(self, whole: nn.Embedding, used: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(whole.weight.detach()[used].clone())
        place = torch.full((whole.num_embeddings,), -1, device=used.device)
        place[used] = torch.arange(len(used), device=used.device)
        padding = -1 if whole.padding_idx is None else int(place[whole.padding_idx])
        self.padding_idx = padding if padding >= 0 else None  # its row gets no gradient
        # In tuples, where neither optimizer nor state_dict looks for them.
        self._whole, self._used, self._place = (whole,), (used,), (place,)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors of token ids, shape [*ids, width]."""
        rows = self._place[0][ids]
        vectors = F.embedding(rows.clamp(min=0), self.weight, self.padding_idx)
        unused = rows < 0  # only in what is measured: training's texts were looked up
        if unused.any():
            fixed = self._whole[0].weight.detach()[ids]
            vectors = torch.where(unused[..., None], fixed, vectors)
        return vectors

    def restored(self) -> nn.Embedding:
        """Return the whole embedding with the trained rows in their places."""
        whole, used = self._whole[0], self._used[0]
        with torch.no_grad():
            whole.weight[used] = self.weight
        return whole


def token_ids(model: SentenceTransformer, texts: Texts) -> Tensor:
    """Return the distinct ids of the tokens that the model reads, in ascending order."""
    seen = set(model.tokenizer.all_special_ids)
    for prompt, lines in texts.items():
        for start in range(0, len(lines), BATCH):
            batch = model.preprocess(list(lines[start : start + BATCH]), prompt=prompt or None)
            seen.update(batch["input_ids"].unique().tolist())
    return torch.tensor(sorted(seen), device=model.device)


def _word_embedding(inner: Any) -> nn.Embedding | None:  # noqa: ANN401
    """Return a model's word embedding where it is the plain kind that UsedRows can stand in for."""
    if inner is None:
        return None
    try:
        found = inner.get_input_embeddings()
    except NotImplementedError:  # transformers' answer where a model names none
        return None
    return found if type(found) is nn.Embedding else None


@contextmanager
def used_vocabulary(model: SentenceTransformer, texts: Texts) -> Iterator[None]:
    """Train no row of the word embedding but those of these texts, as long as the block lasts."""
    inner = model[0].model if isinstance(model[0], Transformer) else None
    whole = _word_embedding(inner)
    characters = sum(sum(map(len, lines)) for lines in texts.values())
    frozen = whole is not None and not whole.weight.requires_grad  # LoRA trains no word
    if inner is None or whole is None or frozen or characters > MOST_CHARACTERS:
        yield
        return
    rows = UsedRows(whole, token_ids(model, texts))
    inner.set_input_embeddings(rows)
    try:
        yield
    finally:
        inner.set_input_embeddings(rows.restored())
