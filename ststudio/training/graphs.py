"""Packed texts on a GPU: their forward and backward are recorded once a size, then replayed.

A small model is held back there by launches, not by arithmetic: a step is some hundred kernels, and
the processor takes longer to ask for them than the GPU to run them. A CUDA graph asks once. It
wants shapes that do not depend on the texts: hence sizes, and fillers up to them.
"""

import gc
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn

from ststudio.training.packing import positions

logger = logging.getLogger(__name__)

MOST_RECORDED = 24  # sizes: each keeps its inputs, outputs and gradients
MOST_FAILURES = 3  # of recordings: a gradient that is still awaited spoils one, and is gone later
WARM_UPS = 2  # before a size is recorded: libraries choose their kernels in the first
TOKENS, WIDTH = (128, 16), (16, 4)  # least step of a size, and steps between two powers of two
FLASH = (8, 256)  # head dimensions of flash attention: multiples of the one, up to the other

Packed = dict[str, Tensor]


def step_of(count: int, least: int, parts: int) -> int:
    """Return how far apart the sizes lie around a count."""
    return max(least, (1 << (count - 1).bit_length()) // parts)


def pack(first: Any, columns: Sequence[Mapping[str, Any]]) -> Packed:  # noqa: ANN401
    """Lay the texts of all columns end to end, filled up to a size; on the CPU, where they are.

    ids, types and positions have the shape [1, tokens]; ends [texts + fillers + 1]; places and
    real [texts, width], where each token of a padded text lies and whether it is one; kept
    [tokens], the way back.
    """
    masks = [column["attention_mask"].bool() for column in columns]
    lengths = torch.cat([mask.sum(1) for mask in masks])
    total, texts, longest = int(lengths.sum()), len(lengths), int(lengths.max())
    step, across = step_of(total, *TOKENS), step_of(longest, *WIDTH)
    size, width = -(-total // step) * step, -(-longest // across) * across

    def filled(values: Sequence[Tensor]) -> Tensor:
        told = [value[mask] for value, mask in zip(values, masks, strict=True)]
        return F.pad(torch.cat(told), (0, size - total))[None]

    # Fillers are texts too: what no text covers would be no number.
    fillers = torch.arange(1, -(-step // width) + 1)
    reached = (total + width * fillers).clamp(max=size)
    ends = torch.cat([torch.zeros(1), lengths.cumsum(0), reached]).int()
    column = torch.arange(width)[None]
    real = column < lengths[:, None]
    kept = F.pad(real.flatten().nonzero().flatten(), (0, size - total))
    packed = {
        "ids": filled([column["input_ids"] for column in columns]),
        "positions": filled([positions(first, column["input_ids"]) for column in columns]),
        "ends": ends,
        "places": ends[:texts, None] + column * real,
        "real": real,
        "kept": kept,
    }
    if "token_type_ids" in columns[0]:
        packed["types"] = filled([column["token_type_ids"] for column in columns])
    return packed


@dataclass(frozen=True)
class Spans:
    """Where texts lie end to end, in tensors alone."""

    ends: Tensor
    places: Tensor
    real: Tensor
    kept: Tensor

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, dropout_p: float, scale: float | None
    ) -> Tensor:
        """Attend within each text, without padding where the GPU can; all [tokens, heads, dim]."""
        width = self.places.shape[1]
        if _flash(query) and not dropout_p:
            ends = self.ends
            return cast(
                Tensor, varlen_attn(query, key, value, ends, ends, width, width, scale=scale)
            )
        q, k, v = (
            values.index_select(0, self.places.flatten()).unflatten(0, (-1, width)).transpose(1, 2)
            for values in (query, key, value)
        )
        seen = self.real[:, None, None].expand(-1, 1, width, -1)
        found = F.scaled_dot_product_attention(q, k, v, seen, dropout_p, scale=scale)
        return found.transpose(1, 2).flatten(0, 1).index_select(0, self.kept)


def _flash(query: Tensor) -> bool:
    multiple, most = FLASH
    if query.device.type != "cuda" or query.dtype != torch.bfloat16:
        return False
    fits = query.shape[-1] % multiple == 0 and query.shape[-1] <= most
    return fits and torch.cuda.get_device_capability(query.device)[0] >= 8


class Forward(nn.Module):
    """From packed texts to their embeddings, [texts, dimensions], by tensors of fixed shapes."""

    def __init__(
        self, model: SentenceTransformer, bf16: bool, names: tuple[str, ...], facts: dict[str, Any]
    ) -> None:
        super().__init__()
        self.model, self.bf16, self.names, self.facts = model, bf16, names, facts

    def forward(self, *inputs: Tensor) -> Tensor:
        """Embed the texts; the inputs are those of `names`, in their order."""
        told = dict(zip(self.names, inputs, strict=True))
        first, *others = self.model
        run: dict[str, Any] = {"input_ids": told["ids"], "position_ids": told["positions"]}
        if "types" in told:
            run["token_type_ids"] = told["types"]
        run["layout"] = Spans(told["ends"], told["places"], told["real"], told["kept"])
        device = told["ids"].device.type
        # What is cast while a graph is recorded must be cast in it.
        with torch.autocast(device, torch.bfloat16, enabled=self.bf16, cache_enabled=False):
            tokens = first(run)["token_embeddings"][0]
            places = told["places"]
            texts: dict[str, Any] = {
                **self.facts,
                "attention_mask": told["real"].long(),
                "token_embeddings": tokens.index_select(0, places.flatten()).unflatten(
                    0, tuple(places.shape)
                ),
            }
            for module in others:
                texts = module(texts)
        return texts["sentence_embedding"].float()


class Graphs:
    """The forward of a model in training: run as it is, and replayed where a size comes again."""

    def __init__(self, model: SentenceTransformer, bf16: bool) -> None:
        self.model, self.bf16 = model, bf16
        self.records = model.device.type == "cuda"
        self.pool = torch.cuda.graph_pool_handle() if self.records else None
        self.forwards: dict[tuple[torch.Size, ...], Forward] = {}
        self.recorded: set[tuple[torch.Size, ...]] = set()
        self.facts: dict[str, Any] | None = None
        self.failures: list[str] = []  # why a size could not be recorded

    def pack(self, columns: Sequence[Mapping[str, Any]], facts: dict[str, Any]) -> Packed | None:
        """Lay a batch out; return None where other things are said of its texts than before.

        What is no tensor becomes part of what is recorded.
        """
        self.facts = facts if self.facts is None else self.facts
        return pack(self.model[0], columns) if facts == self.facts else None

    def embed(self, packed: Packed) -> Tensor:
        """Return the embeddings of packed texts, [texts, dimensions]."""
        inputs = tuple(packed.values())
        size = tuple(value.shape for value in inputs)
        forward = self.forwards.get(size)
        if forward is None:  # many a size comes but once
            forward = Forward(self.model, self.bf16, tuple(packed), self.facts or {})
            if len(self.forwards) < MOST_RECORDED:
                self.forwards[size] = forward
        elif self.records and size not in self.recorded and self._record(forward, inputs):
            self.recorded.add(size)
        embedded: Tensor = forward(*inputs)
        return embedded

    def _record(self, forward: Forward, inputs: tuple[Tensor, ...]) -> bool:
        samples = tuple(value.clone() for value in inputs)
        # Gradients were accumulated on another stream before, and will be again.
        torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)
        gc.collect()  # what is freed while a graph is recorded, a former one above all, spoils it
        gc.disable()
        try:  # to put the replay in the place of this forward's own
            torch.cuda.make_graphed_callables(
                forward, samples, WARM_UPS, allow_unused_input=True, pool=self.pool
            )
        except RuntimeError as error:  # a layer that waits for the GPU, or no memory left for it
            self.failures.append(str(error))
            self.records = len(self.failures) < MOST_FAILURES
            self.pool = torch.cuda.graph_pool_handle()
            logger.warning("A step is run without its CUDA graph: %s", error)
            return False
        finally:
            gc.enable()
        return True
