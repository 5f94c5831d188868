"""Packed forward: the texts of a batch end to end, so that nothing but attention meets padding."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from ststudio.model_shape import PACKED_KINDS
from ststudio.training.chunks import chunks

NAME = "ststudio_packed"  # among transformers' ways to attend
# What one more group costs in attention, in squares of tokens: a pass is many small kernels.
GROUP_SQUARES = {"cpu": 4_000, "cuda": 200_000}


@dataclass(frozen=True)
class Group:
    """Texts that attend together: tokens [begin, end) of the batch, `width` to a text."""

    begin: int
    end: int
    width: int
    places: Tensor | None  # [texts * width], from `begin`; None where all have the same length
    real: Tensor | None  # [texts, 1, 1, width]: what is no padding
    kept: Tensor | None  # [tokens], the places of the real ones among texts * width

    def spread(self, values: Tensor) -> Tensor:
        """Return [tokens, heads, dim] of the batch as this group's [texts, heads, width, dim]."""
        own = values[self.begin : self.end]
        if self.places is not None:
            own = own.index_select(0, self.places)
        return own.unflatten(0, (-1, self.width)).transpose(1, 2)

    def packed(self, values: Tensor) -> Tensor:
        """Return this group's [texts, heads, width, dim] end to end, [tokens, heads, dim]."""
        flat = values.transpose(1, 2).flatten(0, 1)
        return flat if self.kept is None else flat.index_select(0, self.kept)


@dataclass(frozen=True)
class Layout:
    """Where the texts of a packed batch lie, and in which groups they attend."""

    groups: tuple[Group, ...]

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device) -> "Layout":
        """Lay texts end to end, their lengths in descending order."""
        ends = [0, *accumulate(lengths)]
        squares = chunks(lengths, GROUP_SQUARES[device.type], power=2)
        return cls(tuple(_group(lengths[a:b], ends[a], device) for a, b in squares))

    def attend(self, query: Tensor, key: Tensor, value: Tensor, **settings: Any) -> Tensor:  # noqa: ANN401
        """Attend within each text; all have the shape [tokens, heads, dim]."""
        found = []
        for group in self.groups:
            q, k, v = (group.spread(values) for values in (query, key, value))
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=group.real, **settings)
            found.append(group.packed(attended))
        return torch.cat(found)


def _group(lengths: Sequence[int], begin: int, device: torch.device) -> Group:
    width, end = lengths[0], begin + sum(lengths)
    if lengths[-1] == width:
        return Group(begin, end, width, None, None, None)
    places, real = padded_places(lengths, device)
    kept = real.flatten().nonzero().flatten()
    return Group(begin, end, width, places, real[:, None, None], kept)


def padded_places(lengths: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return where each token of padded texts lies end to end, and which are no padding.

    The first has the shape [texts * width], the second [texts, width]; padding repeats the text's
    first token.
    """
    counts = torch.tensor(lengths, device=device)[:, None]
    column = torch.arange(lengths[0], device=device)[None]
    real = column < counts
    starts = counts.cumsum(0) - counts
    return (starts + column * real).flatten(), real


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    layout: Layout | None = None,
    **options: Any,  # noqa: ANN401
) -> tuple[Tensor, None]:
    """Attend as transformers' own function does, [1, heads, tokens, dim], within each text."""
    if layout is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **options
        )
    tokens = (values[0].transpose(0, 1) for values in (query, key, value))
    return layout.attend(*tokens, dropout_p=dropout, scale=scaling)[None], None


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)


def take_over(model: SentenceTransformer) -> bool:
    """Let a model attend to packed texts where its kind can; tell whether it does."""
    first = model[0]
    if not isinstance(first, Transformer) or len(first.modality_config) != 1:
        return False
    config = first.model.config
    if config.model_type not in PACKED_KINDS or config._attn_implementation not in ("sdpa", NAME):
        return False
    first.model.set_attn_implementation(NAME)
    return True


def give_back(model: SentenceTransformer) -> None:
    """Let a model that was taken over attend as before."""
    first: Any = model[0]
    first.model.set_attn_implementation("sdpa")


def packed_tokens(first: Any, features: dict[str, Any], lengths: Sequence[int]) -> Tensor:
    """Return token embeddings [texts, width, dim] of texts, the longest first, run end to end."""
    # By any other way to attend each text would read all others, and nothing would say so.
    assert first.model.config._attn_implementation == NAME
    ids, real = features["input_ids"], features["attention_mask"].bool()
    names = [name for name in ("input_ids", "token_type_ids") if name in features]
    run: dict[str, Any] = {name: features[name][real][None] for name in names}
    run["position_ids"] = positions(first, ids)[real][None]
    run["layout"] = Layout.of(lengths, ids.device)
    tokens = first(run)["token_embeddings"][0]
    places, _ = padded_places(lengths, ids.device)
    return tokens.index_select(0, places).unflatten(0, (len(lengths), lengths[0]))


def positions(first: Transformer, ids: Tensor) -> Tensor:
    """Return the positions that the model itself would give padded texts."""
    embeddings: Any = first.model.embeddings
    if hasattr(embeddings, "create_position_ids_from_input_ids"):
        return embeddings.create_position_ids_from_input_ids(ids, embeddings.padding_idx)
    return torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
