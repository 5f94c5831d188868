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
from sentence_transformers.base.modules import Transformer
from torch import Tensor, nn

from ststudio.training.tokens import Tokens

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
        if unused.is_cuda or unused.any():  # a GPU had to be waited for to tell
            fixed = self._whole[0].weight.detach()[ids]
            vectors = torch.where(unused[..., None], fixed, vectors)
        return vectors

    def restored(self) -> nn.Embedding:
        """Return the whole embedding with the trained rows in their places."""
        whole, used = self._whole[0], self._used[0]
        with torch.no_grad():
            whole.weight[used] = self.weight
        return whole


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
def used_vocabulary(tokens: Tokens, texts: Texts) -> Iterator[None]:
    """Train no row of the word embedding but those of these texts, as long as the block lasts."""
    first = tokens.model[0]
    inner = first.model if isinstance(first, Transformer) else None
    whole = _word_embedding(inner)
    frozen = whole is not None and not whole.weight.requires_grad  # LoRA trains no word
    if inner is None or whole is None or frozen or not _known(tokens, texts):
        yield
        return
    rows = UsedRows(whole, tokens.ids().to(whole.weight.device))
    inner.set_input_embeddings(rows)
    try:
        yield
    finally:
        inner.set_input_embeddings(rows.restored())


def _known(tokens: Tokens, texts: Texts) -> bool:
    """Tell whether the tokens of all texts are kept; of more than that, a short run reads few."""
    return all(tokens.know(lines, prompt) for prompt, lines in texts.items())
