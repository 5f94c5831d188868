"""The layers a model is built of: what each reads, its settings, how many weights it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ststudio.training import sizes
from ststudio.training.rules import Rule, Setting, choice, number
from ststudio.training.sizes import Flow, Kind, Lender, Settings, Size

SAID: dict[str, str] = {
    "texts": "texts as they are",
    "tokens": "one vector for each token",
    "words": "word counts, which hold no weight to learn",
    "sentence": "one vector for each text",
}
# The pooling modes of sentence-transformers, with what each takes of a text.
POOLING = ("mean", "cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens")
ACTIVATIONS = ("Tanh", "Identity", "GELU", "ReLU")
MOST_KERNELS = 4
# Of a batch that is no table of token ids, a row a text.
NO_ROWS = {
    "Cached": "cuts a batch into pieces",
    "GISTEmbed": "lets a guide read the same token ids",
}


@dataclass(frozen=True)
class Layer:
    """One kind of layer, by its class name in sentence-transformers, resolved where torch lives."""

    key: str
    title: str
    why: str  # one line in plain words
    reads: Kind
    gives: Kind
    # Of its settings, what it reads, what the base lends, and the most tokens of a text.
    size: Callable[[Settings, Flow, Lender, int], Size]
    settings: tuple[Setting, ...] = ()
    under: str = ""  # the key that its settings stand under
    learning_rate: float | None = None  # suits a model that starts with it
    ends: bool = False  # nothing stands behind it
    # Why losses whose names begin so cannot read it.
    no_losses: Mapping[str, str] = field(default_factory=dict)
    counts: str = ""  # what stands before its size, where that is known only so well

    @property
    def type(self) -> str:
        """Return the class's name."""
        return self.key.partition(".")[0]


def _whole(name: str, default: int, low: int, high: int, label: str) -> Setting:
    return Setting(name, default, number(low, high, whole=True), label)


def _are_kernels(value: Any) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_KERNELS:
        return False
    return all(type(size) is int and 1 <= size <= 15 and size % 2 for size in value)


LENT = Layer(
    "Transformer",
    "Transformer",
    "The base model's own Transformer, as it was trained; what follows it is new.",
    "texts",
    "tokens",
    sizes.lent,
    counts="about",
)

_LAYERS = (
    LENT,
    Layer(
        "Transformer.from_scratch",
        "Transformer (random weights)",
        "Like BERT but small, with the base model's tokenizer; it has never read a sentence.",
        "texts",
        "tokens",
        sizes.scratch,
        (
            _whole("hidden_size", 128, 16, 1024, "width"),
            _whole("num_hidden_layers", 2, 1, 12, "layers"),
            _whole("num_attention_heads", 2, 1, 16, "attention heads"),
            _whole("intermediate_size", 512, 16, 4096, "width inside a layer"),
        ),
        under="from_scratch",
        learning_rate=5e-4,
    ),
    Layer(
        "StaticEmbedding",
        "Static embedding",
        "One vector a token, averaged: the order of words is lost, and hundreds of times as fast.",
        "texts",
        "sentence",
        sizes.static,
        (_whole("dimensions", 256, 16, 1024, "dimensions"),),
        learning_rate=3e-2,
        no_losses=NO_ROWS,
    ),
    Layer(
        "BoW",
        "Bag of words",
        "Counts the words of a text that are frequent in the training texts; needs a Dense layer.",
        "texts",
        "words",
        sizes.words,
        (
            _whole("words", 5_000, 50, 30_000, "words at most"),
            choice("weights", ("idf", "none"), "weight of a word"),
        ),
        learning_rate=5e-4,
        no_losses={"GISTEmbed": NO_ROWS["GISTEmbed"]},
        counts="up to",
    ),
    Layer(
        "CNN",
        "CNN",
        "Reads each token beside its neighbours. A text's vector may shift a little with the "
        "length of the texts beside it, as the library pads them.",
        "tokens",
        "tokens",
        sizes.convolutions,
        (
            _whole("out_channels", 128, 8, 1024, "channels per kernel"),
            Setting(
                "kernel_sizes",
                [1, 3, 5],
                Rule(_are_kernels, f"1 to {MOST_KERNELS} odd whole numbers from 1 to 15 in a list"),
                "kernel sizes, odd",
            ),
        ),
    ),
    Layer(
        "Pooling",
        "Pooling",
        "Makes one vector of a text's tokens.",
        "tokens",
        "sentence",
        sizes.same,
        (choice("mode", POOLING, "mode"),),
    ),
    Layer(
        "Dense",
        "Dense",
        "A linear layer with an activation, to other dimensions.",
        "sentence",
        "sentence",
        sizes.projection,
        (
            _whole("out_features", 256, 8, 4096, "dimensions"),
            choice("activation", ACTIVATIONS, "activation"),
        ),
    ),
    Layer(
        "LayerNorm",
        "LayerNorm",
        "Brings each vector to mean 0 and variance 1, with a learned scale.",
        "sentence",
        "sentence",
        sizes.norm,
    ),
    Layer(
        "Dropout",
        "Dropout",
        "Leaves out some dimensions at random while it trains, against learning rows by heart.",
        "sentence",
        "sentence",
        sizes.same,
        (Setting("dropout", 0.1, number(0, 0.9), "share left out"),),
    ),
    Layer(
        "Normalize",
        "Normalize",
        "Brings every vector to length 1, so that dot product and cosine are the same.",
        "sentence",
        "sentence",
        sizes.same,
        ends=True,
    ),
)

LAYERS = {layer.key: layer for layer in _LAYERS}
FIRST = tuple(layer for layer in _LAYERS if layer.reads == "texts")
