"""Weights on disk beside where they came from, for a GPU that may be taken away at any moment."""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def keep(file: Path, weights: dict[str, torch.Tensor], **reached: float) -> None:
    """Replace the weights kept so far by these, as a whole, and say what was reached."""
    file.parent.mkdir(exist_ok=True)
    half = file.with_suffix(".half")
    save_file(weights, half, {name: str(value) for name, value in reached.items()})
    half.replace(file)


def take(file: Path, model: torch.nn.Module) -> dict[str, float]:
    """Put the kept weights into the model they came from; return what was reached by then."""
    with safe_open(file, "pt") as kept:
        model.load_state_dict({name: kept.get_tensor(name) for name in kept.keys()})
        return {name: float(value) for name, value in kept.metadata().items()}
