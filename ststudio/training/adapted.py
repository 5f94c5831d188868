"""LoRA while a model trains: small matrices learn beside frozen weights, and are merged in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from torch import nn
from transformers.pytorch_utils import Conv1D

from ststudio.errors import StudioError


def attention_projections(inner: nn.Module) -> list[str]:
    """Return the names of the linear layers inside a transformer's attention."""
    attention = [name for name, module in inner.named_modules() if _attends(module)]
    return [
        name
        for name, module in inner.named_modules()
        if isinstance(module, (nn.Linear, Conv1D))
        and any(name.startswith(f"{above}.") for above in attention)
    ]


def _attends(module: nn.Module) -> bool:
    return "Attention" in type(module).__name__


@contextmanager
def adapted(model: SentenceTransformer, lora: dict[str, Any] | None) -> Iterator[None]:
    """Train LoRA's matrices and no weight of the transformer, as long as the block lasts.

    Layers behind the transformer are trained as ever. Afterwards the matrices are part of the
    weights, and the model is of the kind it was.
    """
    if lora is None:
        yield
        return
    inner = model[0].model if isinstance(model[0], Transformer) else None
    names = attention_projections(inner) if inner is not None else []
    if inner is None or not names:
        raise StudioError(
            f"{type(model[0]).__name__} has no attention whose weights LoRA could adapt. "
            "Train it without lora, or choose another base model."
        )
    # Its import takes seconds, and few runs need it.
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=lora["r"],
        lora_alpha=lora["alpha"],
        lora_dropout=lora["dropout"],
        target_modules=names,
    )
    tuner = get_peft_model(inner, settings)  # changes `inner` itself
    try:
        yield
    finally:
        tuner.merge_and_unload()
        inner.requires_grad_(True)
