"""From a recipe's modules to a checked plan of layers: their order, dimensions and weights."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ststudio.errors import StudioError
from ststudio.model_files import check_parameters
from ststudio.model_input import ModelInput
from ststudio.model_shape import described, width_of
from ststudio.settings import MB, get_settings
from ststudio.training.layers import FIRST, LAYERS, LENT, SAID, Layer
from ststudio.training.rules import short
from ststudio.training.sizes import Flow, Lender, Settings

Entry = dict[str, Any]

NAMES_A_MODEL = ("id", "revision")  # keys of the first layer that say whose Transformer it is
LENGTH = 256  # tokens that a Transformer with random weights reads, where nothing is asked for
FLOAT_BYTES = 4
OWN_NAME = "The model built here"


@dataclass(frozen=True)
class Step:
    """One layer in its place: its settings, what it hands on, and its weights."""

    layer: Layer
    settings: Settings
    flow: Flow
    parameters: int


@dataclass(frozen=True)
class Blueprint:
    """A model's layers in order, each of them sized."""

    steps: tuple[Step, ...]
    lender: Lender

    @property
    def parameters(self) -> int:
        """Return the weights of all layers; an estimate where a Transformer is taken over."""
        return sum(step.parameters for step in self.steps)

    @property
    def counts(self) -> str:
        """Return what stands before the count of weights."""
        return self.steps[0].layer.counts


def layer_of(entry: Mapping[str, Any]) -> Layer:
    """Find the layer that an entry of `modules` names; raise StudioError where there is none."""
    name = entry.get("type")
    for layer in LAYERS.values():
        if layer.type == name and layer.under and layer.under in entry:
            return layer
    if not isinstance(name, str) or name not in LAYERS:
        types = dict.fromkeys(layer.type for layer in LAYERS.values())
        raise StudioError(
            f"modules: there is no layer {short(name)} here. Allowed as `type`: {', '.join(types)}."
        )
    return LAYERS[name]


def checked_modules(value: Any) -> list[Entry] | None:
    """Return a recipe's modules with every setting filled in; raise StudioError to refuse them."""
    if value is None or value == []:
        return None
    most = get_settings().model_modules
    if not isinstance(value, list) or len(value) > most:
        raise StudioError(f"modules must be a list of 1 to {most} layers, or null.")
    if not all(isinstance(entry, Mapping) for entry in value):
        raise StudioError("modules: each layer is an object {type, and its settings}.")
    layers = [layer_of(entry) for entry in value]
    _check_order(layers)
    return [_filled(entry, layer) for entry, layer in zip(value, layers, strict=True)]


def _check_order(layers: list[Layer]) -> None:
    """Raise StudioError where a layer cannot read what the one before it gives."""
    if layers[0].reads != "texts":
        raise StudioError(
            f"modules: {layers[0].title} cannot come first, as it reads {SAID[layers[0].reads]}. "
            f"Start with one of: {', '.join(layer.title for layer in FIRST)}."
        )
    for before, layer in zip(layers, layers[1:], strict=False):
        if before.ends:
            raise StudioError(
                f"modules: {layer.title} stands behind {before.title}, and would undo it. "
                f"Put {before.title} last."
            )
        if layer.reads == before.gives or (before.gives == "words" and layer.type == "Dense"):
            continue
        raise StudioError(
            f"modules: {layer.title} reads {SAID[layer.reads]}, but {before.title} before it gives "
            f"{SAID[before.gives]}. {_advice(before, layer)}"
        )
    if layers[-1].gives != "sentence":
        last = layers[-1]
        raise StudioError(
            f"modules: the last layer must give {SAID['sentence']}, but {last.title} gives "
            f"{SAID[last.gives]}. {NEXT[last.gives]}"
        )


NEXT = {
    "tokens": "Put Pooling behind it.",
    "words": "Put Dense behind it.",
}


def _advice(before: Layer, layer: Layer) -> str:
    if layer.reads == "texts":
        return f"{layer.title} can only come first."
    if before.gives in NEXT:
        return NEXT[before.gives].replace("it", before.title)
    return f"Put {layer.title} before the layer that makes one vector of a text, or leave it out."


def _filled(entry: Mapping[str, Any], layer: Layer) -> Entry:
    """Return an entry with all of its layer's settings; raise StudioError for any other value."""
    inside = entry.get(layer.under) if layer.under else entry
    if layer.under and not isinstance(inside, Mapping):
        raise StudioError(f"modules: {layer.under} is an object of settings.")
    assert isinstance(inside, Mapping)
    named = NAMES_A_MODEL if layer is LENT else ()
    allowed = [setting.name for setting in layer.settings]
    outside = set(inside) - {*allowed, *named} - (set() if layer.under else {"type"})
    outside |= set(entry) - {"type", layer.under} if layer.under else set()
    if outside:
        where = f" under {layer.under}" if layer.under else ""
        raise StudioError(
            f"modules: {layer.title} has no setting {', '.join(sorted(map(str, outside)))}. "
            f"Allowed{where}: {', '.join([*allowed, *named]) or 'none'}."
        )
    values = {name: inside[name] for name in named if inside.get(name) is not None}
    for setting in layer.settings:
        given = inside.get(setting.name)
        values[setting.name] = setting.default if given is None else given
        if not setting.rule.holds(values[setting.name]):
            raise StudioError(
                f"modules: {setting.name} = {short(given)} of {layer.title} is not allowed. "
                f"Allowed: {setting.rule.says}."
            )
    _check_heads(values)
    return {"type": layer.type, **({layer.under: values} if layer.under else values)}


def check_loss(modules: list[Entry] | None, model: ModelInput | None, loss: str) -> None:
    """Raise StudioError where a loss cannot read what the first layer makes of a batch."""
    first = layer_of(modules[0]) if modules else LENT
    if not modules and model and model.modules:
        first = LAYERS.get(model.modules[0], LENT)
    why = next((why for name, why in first.no_losses.items() if loss.startswith(name)), None)
    if why:
        raise StudioError(
            f"{loss} {why}, which is not possible with a {first.title.lower()}. Choose another "
            "loss, such as MultipleNegativesRankingLoss."
        )


def _check_heads(values: Mapping[str, Any]) -> None:
    width, heads = values.get("hidden_size", 1), values.get("num_attention_heads", 1)
    if width % heads:
        raise StudioError(
            f"modules: hidden_size {width} cannot be shared by {heads} attention heads evenly. "
            f"Set it to a multiple of {heads}."
        )


def naming(modules: list[Entry] | None, base_model: Any) -> tuple[list[Entry] | None, Any]:
    """Return modules and base model, the latter by the first layer's word where that names one."""
    named = (
        {name: modules[0][name] for name in NAMES_A_MODEL if name in modules[0]} if modules else {}
    )
    if not modules or not named:
        return modules, base_model
    if base_model not in (None, named, named.get("id")) or "id" not in named:
        raise StudioError(
            f"modules: the first layer names {short(named)}, and base_model {short(base_model)}. "
            "Name the model in one of the two places."
        )
    return [{"type": modules[0]["type"]}, *modules[1:]], named


def settings_of(entry: Mapping[str, Any]) -> Settings:
    """Return the settings of a checked entry."""
    layer = layer_of(entry)
    return dict(entry[layer.under]) if layer.under else dict(entry)


def needs_weights(modules: Iterable[Mapping[str, Any]] | None) -> bool:
    """Tell whether a run reads the base model's weights, or its tokenizer at most."""
    return modules is None or layer_of(next(iter(modules))) is LENT


def lender_of(model: ModelInput) -> Lender:
    """Read what a base model could lend, from its configuration."""
    path = Path(model.folder) / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if not config.get("model_type") or not config.get("vocab_size"):
        return Lender(model.id)
    return Lender(model.id, config["vocab_size"], width_of(config), described(config))


def draw(
    modules: Iterable[Mapping[str, Any]], lender: Lender, max_seq_length: int | None
) -> Blueprint:
    """Size the layers of checked modules; raise StudioError where they are too large."""
    flow, steps = Flow("texts"), []
    for entry in modules:
        layer, settings = layer_of(entry), settings_of(entry)
        if layer.reads == "texts":
            _check_first(layer, lender, max_seq_length)
        size = layer.size(settings, flow, lender, max_seq_length or LENGTH)
        flow = Flow(layer.gives, size.width)
        steps.append(Step(layer, settings, flow, size.parameters))
    drawn = Blueprint(tuple(steps), lender)
    check_parameters(drawn.parameters, OWN_NAME)
    weight, most = FLOAT_BYTES * drawn.parameters, get_settings().model_bytes
    if weight > most:
        raise StudioError(
            f"{OWN_NAME} weighs {weight / MB:,.0f} MB; up to {most / MB:,.0f} MB can be trained "
            "here. Make its layers smaller."
        )
    return drawn


def _check_first(layer: Layer, lender: Lender, max_seq_length: int | None) -> None:
    if layer.type == "BoW":
        if max_seq_length:
            raise StudioError(
                "A bag of words counts all words of a text, so no max_seq_length can be set. "
                "Leave it empty."
            )
    elif lender.vocabulary is None:
        raise StudioError(
            f"{lender.id} has no Transformer whose parts could be used for {layer.title}. Choose "
            "another base model, such as sentence-transformers/all-MiniLM-L6-v2."
        )


def as_read(model: ModelInput, plan: Blueprint, max_seq_length: int | None) -> ModelInput:
    """Return what the model that is built will take in, where the base's own word is void."""
    first = plan.steps[0].layer
    layers = tuple(step.layer.type for step in plan.steps)
    built = replace(model, modules=layers, dimensions=plan.steps[-1].flow.width)
    if first is LENT:
        return built
    fresh = replace(built, id=OWN_NAME, prompts={}, default_prompt=None, limit=None, most=None)
    if first.type == "Transformer":
        most = max_seq_length or LENGTH
        return replace(fresh, limit=most, most=most)
    return fresh
