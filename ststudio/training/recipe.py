"""Everything that decides a run, as one frozen record that goes through JSON both ways."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ststudio.data.cases import CASES, DEFAULT_BATCH_SIZE, Case
from ststudio.data.negatives import wanted
from ststudio.data.prompts import chosen_prompts
from ststudio.errors import StudioError
from ststudio.model_input import ModelInput
from ststudio.settings import get_settings
from ststudio.shelf import DEFAULT_MODEL
from ststudio.training.blueprint import check_loss, checked_modules, naming, needs_weights
from ststudio.training.lora import checked_lora
from ststudio.training.losses import LOSSES
from ststudio.training.rates import usual_rate
from ststudio.training.rules import MODEL, Rule, are_texts, number, one_of, short

DEFAULT_SECONDS = 40.0  # of training; with evaluation a default run then fits a minute
USUAL_STEPS = 200  # about where short fine-tuning of small models levels off
LEAST_RATE = 1e-8
SCHEDULERS = ("linear", "cosine", "constant", "constant_with_warmup")
SAMPLERS = ("batch_sampler", "no_duplicates", "group_by_label")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run; None means: derived from the data, the model and the time.

    Training arguments have the names of SentenceTransformerTrainingArguments, letter for letter.
    """

    source: dict[str, Any]
    case: str | None = None
    columns: dict[str, str] | None = None
    label: dict[str, str] | None = None
    fixes: list[dict[str, Any]] = field(default_factory=list)
    base_model: str | dict[str, str] = DEFAULT_MODEL
    modules: list[dict[str, Any]] | None = None
    lora: dict[str, Any] | None = None
    loss: str | None = None
    loss_settings: dict[str, Any] = field(default_factory=dict)
    matryoshka_dims: list[int] | None = None
    prompts: dict[str, str] | None = None
    max_seconds: float | None = None
    max_train_rows: int | None = None
    max_seq_length: int | None = None
    seed: int = 42
    num_train_epochs: float | None = None
    max_steps: int | None = None
    per_device_train_batch_size: int | None = None
    learning_rate: float | None = None
    warmup_steps: float = 0.1  # below 1: a share of all steps (transformers 5)
    weight_decay: float = 0.0
    lr_scheduler_type: str = "linear"
    bf16: bool | None = None
    batch_sampler: str | None = None
    eval_steps: int | None = None
    race: list[dict[str, Any]] | None = None  # 2 to 4 racers: what each has of its own

    @classmethod
    def from_json(cls, value: Any) -> "Recipe":  # noqa: ANN401
        """Read a recipe; raise StudioError for an unknown key or a value out of range."""
        if not isinstance(value, Mapping):
            raise StudioError("A recipe is an object of settings; only `source` is required.")
        names = [known.name for known in fields(cls)]
        if unknown := sorted(set(map(str, value)) - set(names)):
            raise StudioError(
                f"Unknown in a recipe: {', '.join(unknown)}. Allowed: {', '.join(names)}."
            )
        if not isinstance(value.get("source"), Mapping):
            raise StudioError(
                "A recipe needs a `source`: {kind: builtin | hub | upload, id: …}, "
                "as /catalog and /diagnose hand it out."
            )
        modules, base = naming(checked_modules(value.get("modules")), value.get("base_model"))
        lora = checked_lora(value.get("lora"), modules)
        given = _given({**value, "modules": modules, "base_model": base, "lora": lora})
        _check_values(given)
        if "race" in given:  # as everywhere, null is what is not given
            given["race"] = [_given(racer) for racer in given["race"]]
            if modules:
                raise StudioError(
                    "A race compares losses, or models that were trained before: leave `modules` "
                    "out, or train what is built here alone."
                )
        for place, racer in enumerate(given.get("race", ()), start=1):
            _check_values(racer, f"race: racer {place}: ")
        return cls(**{**given, "source": dict(value["source"])})

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as JSON values."""
        return asdict(self)

    @property
    def late_baseline(self) -> bool:
        """Tell whether the first step leaves the weights as they are: its learning rate is 0."""
        steps = self.max_steps or math.inf
        return self.warmup_steps > 0 and self.lr_scheduler_type != "constant" and steps > 1

    def derived(self, case: Case, model: ModelInput | None = None) -> "Recipe":
        """Fill in what the data's case and the base model decide; raise StudioError for a clash."""
        loss = self.loss or case.losses[0]
        if loss not in case.losses:
            raise StudioError(
                f"{loss} does not read {case.title}. Allowed here: {', '.join(case.losses)}."
            )
        check_loss(self.modules, model, loss)
        settings = LOSSES[loss].chosen(self.loss_settings, model is None or model.normalises)
        if extra := sorted(set(self.prompts or {}) - set(case.columns)):
            raise StudioError(
                f"No prompt can stand before {', '.join(extra)}. "
                f"The columns are {', '.join(case.columns)}."
            )
        if wanted(self.fixes) and not needs_weights(self.modules):
            raise StudioError(
                "Hard negatives are those that the base model takes for right, and random weights "
                "know none. Undo the mining, or start from a model that was trained before."
            )
        if wanted(self.fixes) and "negative" not in LOSSES[loss].reads:
            raise StudioError(
                f"{loss} reads no negatives, so none can be mined for it. "
                "Take that fix back, or make pairs or triplets of the rows first."
            )
        chosen_prompts(self.prompts or {})  # refuses what training and measuring cannot share
        batch = self.per_device_train_batch_size or DEFAULT_BATCH_SIZE
        sampler = self.batch_sampler or case.batch_sampler
        if sampler == "group_by_label" and (case.label != "class" or batch < 4 or batch % 2):
            raise StudioError(
                "group_by_label needs texts with classes, and an even batch size of 4 or more."
            )
        return replace(
            self,
            case=case.key,
            loss=loss,
            loss_settings=settings,
            matryoshka_dims=self._dims(loss, model.dimensions if model else None),
            batch_sampler=sampler,
            per_device_train_batch_size=batch,
            learning_rate=self.learning_rate or usual_rate(loss, self.modules, self.lora),
            max_seconds=self.max_seconds or DEFAULT_SECONDS,
        )

    def _dims(self, loss: str, most: int | None) -> list[int] | None:
        """Return the dimensions that Matryoshka trains, the whole vector's among them."""
        if not self.matryoshka_dims:
            return None
        if why := LOSSES[loss].whole_only:
            raise StudioError(
                f"{loss} cannot be trained with matryoshka_dims: {why}. Leave them out, or choose "
                "another loss."
            )
        if most and max(self.matryoshka_dims) > most:
            raise StudioError(
                f"matryoshka_dims has {max(self.matryoshka_dims):,}, but this model's vectors have "
                f"{most:,} dimensions. Name no more than that."
            )
        return sorted({*self.matryoshka_dims, *([most] if most else [])}, reverse=True)


def _is_fix(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, Mapping) and isinstance(value.get("code"), str)


def _are_dims(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, list) and all(type(dim) is int and 1 <= dim <= 4096 for dim in value)


FEWEST_RACERS, MOST_RACERS = 2, 4
RACER_KEYS = ("loss", "loss_settings", "matryoshka_dims", "learning_rate", "base_model")
RACE = f"null, or a list of 2 to 4 racers, each {{{', '.join(RACER_KEYS)}}} or some of these"


def _are_racers(value: Any) -> bool:  # noqa: ANN401
    if not isinstance(value, list) or not FEWEST_RACERS <= len(value) <= MOST_RACERS:
        return False
    return all(isinstance(racer, Mapping) and set(racer) <= set(RACER_KEYS) for racer in value)


def _given(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if item is not None}


def _check_values(given: Mapping[str, Any], whose: str = "") -> None:
    """Raise StudioError for a value that its rule does not allow."""
    for name, item in given.items():
        rule = RULES.get(name)
        if rule is not None and not rule.holds(item):
            said = f"{whose}{name} = {short(item)} is not allowed."
            raise StudioError(f"{said} Allowed: {rule.says}.")


RULES: dict[str, Rule] = {
    "case": one_of(*CASES),
    "columns": Rule(are_texts, "{role: source column}"),
    "label": Rule(
        lambda value: are_texts(value) and {"column"} <= set(value) <= {"column", "kind"},
        "{column, kind: score | class}",
    ),
    "fixes": Rule(
        lambda value: isinstance(value, list) and len(value) <= 50 and all(map(_is_fix, value)),
        "a list of at most 50 {code, args}, as /diagnose hands them out",
    ),
    "base_model": MODEL,
    "loss": one_of(*LOSSES),
    "loss_settings": Rule(
        lambda value: isinstance(value, Mapping) and all(isinstance(name, str) for name in value),
        "{setting: value}, the settings being the loss's own",
    ),
    "matryoshka_dims": Rule(_are_dims, "a list of dimensions from 1 to 4096"),
    "prompts": Rule(are_texts, "{column: text}, each text at most 500 characters"),
    "max_train_rows": number(8, 1_000_000, whole=True),
    "max_seq_length": number(8, 8192, whole=True),
    "seed": number(0, 2**31 - 1, whole=True),
    "num_train_epochs": number(0.01, 100),
    "max_steps": number(1, 100_000, whole=True),
    "per_device_train_batch_size": number(2, 1024, whole=True),
    "learning_rate": number(LEAST_RATE, 0.1),
    "warmup_steps": number(0, 100_000),
    "weight_decay": number(0, 1),
    "lr_scheduler_type": one_of(*SCHEDULERS),
    "bf16": Rule(lambda value: isinstance(value, bool), "true or false"),
    "batch_sampler": one_of(*SAMPLERS),
    "eval_steps": number(1, 100_000, whole=True),
    "race": Rule(_are_racers, RACE),
    # The upper end is the Space's own limit, read when it is asked for.
    "max_seconds": Rule(
        lambda value: number(1, get_settings().run_seconds).holds(value),
        "a number of seconds from 1 to this Space's limit per run (300 unless it says otherwise)",
    ),
}
