"""Packed forward: the texts of a batch end to end, so that nothing but attention meets padding."""

from collections.abc import Sequence
from dataclasses import dataclass
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


class _Spread(torch.autograd.Function):
    """Lay tokens out with padding, from which attention lets no gradient come back."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, places: Tensor, kept: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(kept)
        return values.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        (kept,) = ctx.saved_tensors
        return gradient.index_select(0, kept), None, None


class _Pack(torch.autograd.Function):
    """Leave the padding out again; no token is taken twice, so nothing is to be summed up."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, kept: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(kept)
        ctx.rows = len(values)
        return values.index_select(0, kept)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (kept,) = ctx.saved_tensors
        padded = gradient.new_zeros(ctx.rows, *gradient.shape[1:])
        return padded.index_copy_(0, kept, gradient), None


@dataclass(frozen=True)
class Group:
    """Texts that attend together: so many tokens of the batch, `width` to a text."""

    tokens: int
    width: int
    padding: tuple[Tensor, Tensor, Tensor] | None = None
    """None where all have the same length; else places [texts * width] among the tokens, what is
    real [texts, 1, 1, width], and kept [tokens], the places of the real ones among texts * width.
    """

    def attend(self, query: Tensor, key: Tensor, value: Tensor, **settings: Any) -> Tensor:  # noqa: ANN401
        """Attend within each text of this group; all have the shape [tokens, heads, dim]."""
        told, mask = (query, key, value), None
        if self.padding is not None:
            places, mask, kept = self.padding
            told = tuple(_Spread.apply(values, places, kept) for values in told)
        q, k, v = (values.unflatten(0, (-1, self.width)).transpose(1, 2) for values in told)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, **settings)
        flat = attended.transpose(1, 2).flatten(0, 1)
        return flat if self.padding is None else _Pack.apply(flat, kept)


@dataclass(frozen=True)
class Layout:
    """Where the texts of a packed batch lie, and in which groups they attend."""

    groups: tuple[Group, ...]

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device) -> "Layout":
        """Lay texts end to end, their lengths in descending order."""
        squares = chunks(lengths, GROUP_SQUARES[device.type], power=2)
        return cls(tuple(_group(lengths[a:b], device) for a, b in squares))

    def attend(self, query: Tensor, key: Tensor, value: Tensor, **settings: Any) -> Tensor:  # noqa: ANN401
        """Attend within each text; all have the shape [tokens, heads, dim]."""
        sizes = [group.tokens for group in self.groups]
        with torch.autocast(query.device.type, enabled=False):
            # On the CPU its backward in bfloat16 takes ten times as long as in float32.
            dtype = torch.float32 if query.device.type == "cpu" else query.dtype
            told = [values.to(dtype) for values in (query, key, value)]
            # Split at once: the gradient of each slice would be as large as the whole batch.
            parts = zip(*(values.split(sizes) for values in told), strict=True)
            found = [
                group.attend(*part, **settings)
                for group, part in zip(self.groups, parts, strict=True)
            ]
        return torch.cat(found).to(query.dtype)


def _group(lengths: Sequence[int], device: torch.device) -> Group:
    width, tokens = lengths[0], sum(lengths)
    if lengths[-1] == width:
        return Group(tokens, width)
    places, real = padded_places(lengths, device)
    kept = real.flatten().nonzero().flatten()
    return Group(tokens, width, (places, real[:, None, None], kept))


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
