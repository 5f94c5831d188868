"""Modules as the widgets say them, and the widgets as modules say: both ways, and the same."""

from collections.abc import Sequence
from typing import Any

from ststudio.training.blueprint import checked_modules, layer_of, settings_of
from ststudio.training.layers import LAYERS, Layer
from ststudio.training.rules import Setting

AS_IT_IS = ""
STARTS = {
    "The base model as it is": AS_IT_IS,
    "The base model's Transformer, with other layers behind it": "Transformer",
    "From zero: a small Transformer": "Transformer.from_scratch",
    "From zero: static embedding": "StaticEmbedding",
    "From zero: bag of words": "BoW",
}
# The layers that stand behind each start when it is chosen.
USUAL = {
    "Transformer": ["Normalize"],
    "Transformer.from_scratch": ["Normalize"],
    "StaticEmbedding": ["Normalize"],
    "BoW": ["Dense", "Normalize"],
}
OPTIONAL = ("CNN", "Dense", "LayerNorm", "Dropout", "Normalize")
WITH_SETTINGS = tuple(layer for layer in LAYERS.values() if layer.settings)
KERNELS = "kernel_sizes"  # a list, typed as numbers with commas


def modules_of(
    start: str, more: Sequence[str], values: Sequence[Any]
) -> tuple[dict[str, Any], ...] | None:
    """Return what the widgets say as a recipe's modules, in the order in which layers stand."""
    if start not in LAYERS:
        return None
    left = list(values)
    given = {
        layer.key: {setting.name: _read(setting, left.pop(0)) for setting in layer.settings}
        for layer in WITH_SETTINGS
    }
    return tuple(_entry(LAYERS[key], given.get(key, {})) for key in keys_of(start, more))


def keys_of(start: str, more: Sequence[str]) -> list[str]:
    """Return the layers that are built, in order."""
    behind = [key for key in OPTIONAL if key in more]
    if LAYERS[start].gives != "tokens":
        return [start, *(key for key in behind if LAYERS[key].reads != "tokens")]
    before = [key for key in behind if LAYERS[key].reads == "tokens"]
    return [start, *before, "Pooling", *(key for key in behind if key not in before)]


def _entry(layer: Layer, settings: dict[str, Any]) -> dict[str, Any]:
    return {"type": layer.type, **({layer.under: settings} if layer.under else settings)}


def _read(setting: Setting, value: Any) -> Any:
    """Return a widget's value as the recipe's: whole numbers whole, kernel sizes as a list."""
    if setting.name == KERNELS and isinstance(value, str):
        parts = [part.strip() for part in value.split(",") if part.strip()]
        return [int(part) if part.isdigit() else part for part in parts]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def spread(modules: Sequence[dict[str, Any]]) -> tuple[str, list[str], list[Any]] | None:
    """Return the widgets' values that say these modules, None where none do."""
    keys = [layer_of(entry).key for entry in modules]
    start = keys[0] if keys else AS_IT_IS
    more = [key for key in keys[1:] if key in OPTIONAL]
    held = {key: settings_of(entry) for key, entry in zip(keys, modules, strict=True)}
    values = [
        _shown(setting, held.get(layer.key, {}).get(setting.name, setting.default))
        for layer in WITH_SETTINGS
        for setting in layer.settings
    ]
    said = modules_of(start, more, values) or ()
    same = checked_modules(list(said)) == checked_modules(list(modules))
    return (start, more, values) if same else None


def _shown(setting: Setting, value: Any) -> Any:
    return ", ".join(map(str, value)) if setting.name == KERNELS else value
