"""Models of a few thousand weights, one of each kind that can be built from zero."""

from typing import Any

TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}
SCRATCH = {"type": "Transformer", "from_scratch": TINY}
POOL, NORM = {"type": "Pooling"}, {"type": "Normalize"}
CNN = {"type": "CNN", "out_channels": 8, "kernel_sizes": [1, 3]}

KINDS: dict[str, list[dict[str, Any]]] = {
    "transformer": [SCRATCH, POOL, NORM],
    "cnn": [SCRATCH, CNN, POOL, {"type": "LayerNorm"}],
    "static": [{"type": "StaticEmbedding", "dimensions": 16}, NORM],
    "static + dense": [
        {"type": "StaticEmbedding", "dimensions": 16},
        {"type": "Dense", "out_features": 8, "activation": "GELU"},
        {"type": "Dropout", "dropout": 0.0},
    ],
    "words": [{"type": "BoW", "words": 300}, {"type": "Dense", "out_features": 16}, NORM],
}
# On the base model's own Transformer.
LENT: dict[str, list[dict[str, Any]]] = {
    "other pooling": [{"type": "Transformer"}, {"type": "Pooling", "mode": "max"}],
    "layers behind": [
        {"type": "Transformer"},
        CNN,
        {"type": "Pooling", "mode": "weightedmean"},
        {"type": "Dense", "out_features": 12, "activation": "Identity"},
        NORM,
    ],
}
