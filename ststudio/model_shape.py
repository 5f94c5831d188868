"""How large a model its configuration describes: no larger than the weights it comes with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ststudio.errors import StudioError

# Text encoders, and small decoders used as such. True: positions are learned, hence a weight.
MODEL_TYPES: dict[str, bool] = {
    "albert": True,
    "bert": True,
    "camembert": True,
    "convbert": True,
    "deberta": True,
    "deberta-v2": True,
    "distilbert": True,
    "electra": True,
    "ernie": True,
    "eurobert": False,
    "gemma": False,
    "gemma2": False,
    "gemma3_text": False,
    "gpt2": True,
    "gpt_neox": False,
    "llama": False,
    "mistral": False,
    "mobilebert": True,
    "modernbert": False,
    "mpnet": True,
    "mt5": False,
    "nomic_bert": False,
    "qwen2": False,
    "qwen3": False,
    "roberta": True,
    "t5": False,
    "xlm-roberta": True,
}
MOST_LAYERS = 128
WIDTHS = ("hidden_size", "d_model", "dim", "n_embd")  # names of one and the same number


# Their feed-forward layers multiply by a third matrix, the gate.
GATED = frozenset(
    "eurobert gemma gemma2 gemma3_text llama mistral modernbert nomic_bert qwen2 qwen3".split()
)


# Kinds in which every layer attends to the whole text and positions are looked up as told. Others
# look at how far two tokens are apart, or attend within a window: packed, they would read the
# texts beside their own.
PACKED_KINDS = ("bert", "roberta", "xlm-roberta", "camembert", "electra")


@dataclass(frozen=True)
class Shape:
    """What decides how much arithmetic a token takes."""

    layers: int
    hidden: int
    multiplied: int  # weights that every token is multiplied with
    words: int  # weights of the word embedding
    packed: bool = False  # its texts run end to end, without padding (training/packing.py)

    @property
    def trained(self) -> int:
        """Return about how many weights a step moves: few rows of the word embedding are in use."""
        return self.multiplied + self.words // 8


def shape_of(config: Mapping[str, Any]) -> Shape:
    """Read the shape of a Transformer from its configuration, before any weight is here."""
    sizes = {key: abs(value) for key, value in config.items() if isinstance(value, int)}
    hidden, inner, width = _widths(sizes)
    matrices = 3 if config.get("model_type") in GATED else 2
    layer = (
        4 * hidden * width + matrices * hidden * inner + sizes.get("conv_kernel_size", 0) * hidden
    )
    words = sizes.get("vocab_size", 0) * sizes.get("embedding_size", hidden)
    packed = config.get("model_type") in PACKED_KINDS
    return Shape(_layers(sizes), hidden, _layers(sizes) * layer, words, packed)


def check_shape(module: str, config: Mapping[str, Any], parameters: int, model: str) -> None:
    """Refuse a configuration that describes far more than the weights hold."""
    sizes = {key: abs(value) for key, value in config.items() if isinstance(value, int)}
    if module == "Transformer":
        described = _transformer_parameters(sizes, str(config.get("model_type")))
    else:
        described = _module_parameters(sizes, config)
    if described > 2 * parameters + 1_000_000 or _layers(sizes) > MOST_LAYERS:
        raise StudioError(
            f"{model}: its {module} configuration describes {described / 1e6:,.0f} million "
            f"parameters, but its weights hold {parameters / 1e6:,.0f} million. "
            "Choose another model."
        )


def described(config: Mapping[str, Any]) -> int:
    """Estimate the weights of the transformer that a configuration describes."""
    sizes = {key: abs(value) for key, value in config.items() if isinstance(value, int)}
    return _transformer_parameters(sizes, str(config.get("model_type")))


def width_of(config: Mapping[str, Any]) -> int:
    """Return the dimensions of the vectors that a transformer gives."""
    return _first(config, *WIDTHS)


def _first(sizes: Mapping[str, int], *names: str) -> int:
    return next((sizes[name] for name in names if name in sizes), 0)


def _layers(sizes: Mapping[str, int]) -> int:
    return _first(sizes, "num_hidden_layers", "num_layers", "n_layers", "n_layer")


def _widths(sizes: Mapping[str, int]) -> tuple[int, int, int]:
    """Return the widths of a layer's state, of its feed-forward part, of its heads together."""
    hidden = _first(sizes, *WIDTHS)
    inner = _first(sizes, "intermediate_size", "d_ff", "hidden_dim", "n_inner") or 4 * hidden
    inner *= max(sizes.get("num_feedforward_networks", 1), 1)
    heads = _first(sizes, "num_attention_heads", "num_heads", "n_heads", "n_head")
    width = max(hidden, heads * _first(sizes, "head_dim", "d_kv", "attention_head_size"))
    return hidden, inner, width


def _transformer_parameters(sizes: Mapping[str, int], model_type: str) -> int:
    """Estimate the weights that a configuration asks transformers to allocate."""
    hidden, inner, width = _widths(sizes)
    layers = sizes.get("num_hidden_groups") or _layers(sizes)
    layers *= max(sizes.get("inner_group_num", 1), 1)
    tables = ["vocab_size", "type_vocab_size", "task_type_vocab_size"]
    tables += ["position_buckets", "max_relative_positions", "relative_attention_num_buckets"]
    if MODEL_TYPES.get(model_type, True):
        tables += ["max_position_embeddings", "n_positions"]
    rows = sum(sizes.get(name, 0) for name in tables)
    kernels = sizes.get("conv_kernel_size", 0) * hidden
    table_width = sizes.get("embedding_size", hidden)
    return rows * table_width + layers * (4 * hidden * width + 2 * hidden * inner + kernels)


def _module_parameters(sizes: Mapping[str, int], config: Mapping[str, Any]) -> int:
    """Estimate the weights of a module behind the transformer."""
    dense = _first(sizes, "in_features") * _first(sizes, "out_features")
    width = _first(sizes, "in_embedding_dimension", "in_word_embedding_dimension")
    kernels = config.get("kernel_sizes")
    total = sum(k for k in kernels if isinstance(k, int)) if isinstance(kernels, list) else 0
    return dense + width * sizes.get("out_channels", 0) * total + sizes.get("dimension", 0)
