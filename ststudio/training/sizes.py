"""How large a layer is: the width of its vectors, and its weights, from settings alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["texts", "tokens", "words", "sentence"]
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Flow:
    """What one layer hands to the next."""

    kind: Kind
    width: int = 0


@dataclass(frozen=True)
class Lender:
    """What a base model lends: its tokenizer, and its Transformer where that is taken over.

    The numbers are None where its configuration describes no Transformer.
    """

    id: str
    vocabulary: int | None = None
    width: int | None = None
    parameters: int | None = None  # an estimate


@dataclass(frozen=True)
class Size:
    """How large a layer is: the width of its vectors, and its weights."""

    width: int
    parameters: int = 0


def lent(settings: Settings, flow: Flow, lender: Lender, length: int) -> Size:
    """Take the size from what the base lends."""
    return Size(lender.width or 0, lender.parameters or 0)


def bert_parameters(settings: Settings, vocabulary: int, positions: int) -> int:
    """Count the weights of a BERT of these sizes, its pooler included."""
    hidden, inner = settings["hidden_size"], settings["intermediate_size"]
    square, norm = hidden * hidden + hidden, 2 * hidden
    embeddings = (vocabulary + positions + 2) * hidden + norm
    layer = 4 * square + norm + 2 * hidden * inner + inner + hidden + norm
    return int(embeddings + settings["num_hidden_layers"] * layer + square)


def scratch(settings: Settings, flow: Flow, lender: Lender, length: int) -> Size:
    """Size a BERT with random weights."""
    parameters = bert_parameters(settings, lender.vocabulary or 0, length)
    return Size(settings["hidden_size"], parameters)


def static(settings: Settings, flow: Flow, lender: Lender, length: int) -> Size:
    """Size a table of one vector a token."""
    width = settings["dimensions"]
    return Size(width, (lender.vocabulary or 0) * width)


def words(settings: Settings, flow: Flow, lender: Lender, length: int) -> Size:
    """Size a bag of words, which has no weight."""
    return Size(settings["words"])


def convolutions(settings: Settings, flow: Flow, lender: Lender, length: int) -> Size:
    """Size convolutions of several widths side by side."""
    channels, kernels = settings["out_channels"], settings["kernel_sizes"]
    weights = sum(flow.width * kernel * channels + channels for kernel in kernels)
    return Size(channels * len(kernels), weights)


def projection(settings: Settings, flow: Flow, lender: Lender, length: int) -> Size:
    """Size a linear layer."""
    width = settings["out_features"]
    return Size(width, flow.width * width + width)


def norm(settings: Settings, flow: Flow, lender: Lender, length: int) -> Size:
    """Size a normalisation with its learned scale."""
    return Size(flow.width, 2 * flow.width)


def same(settings: Settings, flow: Flow, lender: Lender, length: int) -> Size:
    """Size a layer that keeps the width and has no weight."""
    return Size(flow.width)
