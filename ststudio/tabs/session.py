"""What one open page knows: one frozen record in one gr.State."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ststudio.data.cases import CASES
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store


@dataclass(frozen=True)
class Session:
    """The dataset that was picked, how it is read, and the run that is shown."""

    source: dict[str, Any] | None = None
    diagnosis: dict[str, Any] | None = None  # as /diagnose gives it
    glance: tuple[dict[str, Any], ...] = ()  # first rows as they are, while all are being read
    glance_words: str = ""  # what is not shown of them
    fixes: tuple[dict[str, Any], ...] = ()
    base_model: str | None = None  # chosen by hand
    modules: tuple[dict[str, Any], ...] | None = None  # layers that a model is built of
    lora: dict[str, Any] | None = None
    run: str | None = None
    runs: tuple[dict[str, Any], ...] = field(default=())  # this browser's: run, key, title
    given: dict[str, Any] | None = None  # settings of a shared recipe, for the tab's own fields
    opening: str | None = None  # the job that fetches a pushed model to look at
    notice: str = ""  # what is said at the top of the page, as HTML

    def __hash__(self) -> int:
        # gr.State tells a change by the hash, and JSON values have none of their own.
        return hash(json.dumps(asdict(self), sort_keys=True, default=str))

    @property
    def key(self) -> str:
        """Return the owner's key of the run that is shown, or an empty text."""
        return next((known["key"] for known in self.runs if known["run"] == self.run), "")

    @property
    def owner(self) -> bool:
        """Tell whether this browser started the run that is shown."""
        return bool(self.key)

    @property
    def ready(self) -> bool:
        """Tell whether a dataset is picked that can be trained on."""
        if self.diagnosis is None or self.diagnosis["case"] is None:
            return False
        return all(finding["level"] != "error" for finding in self.diagnosis["findings"])

    @property
    def recipe_taken(self) -> str:
        """Return what changes when another shared recipe is taken."""
        return str((self.given or {}).get("of", ""))

    def recipe(self, **settings: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the recipe of what is on the screen; what is empty is left to be derived."""
        settings |= {"modules": list(self.modules) if self.modules else None, "lora": self.lora}
        chosen = {name: value for name, value in settings.items() if value not in (None, "")}
        return {
            "source": self.source,
            "fixes": list(self.fixes),
            **chosen,
        }

    def with_run(self, run: str, key: str, title: str) -> "Session":
        """Show a run that this browser has just started, and remember it."""
        known = {"run": run, "key": key, "title": title}
        return replace(self, run=run, runs=(known, *self.runs)[:20])

    def without_run(self, run: str) -> "Session":
        """Forget a run."""
        kept = tuple(known for known in self.runs if known["run"] != run)
        return replace(self, run=kept[0]["run"] if kept else None, runs=kept)


def losses_of(session: Session) -> tuple[str, ...]:
    """Return the losses that can read the session's data, the default first."""
    found = session.diagnosis
    if found is None or found["case"] is None:
        return ()
    case = CASES[found["case"]]
    if case.reshape:  # better trained as what it becomes
        return (*CASES["triplet"].losses, *case.losses)
    return case.losses


def whole(value: float | None) -> int | float | None:
    """Return a number field's value as an integer where it is one, None where it is empty."""
    return int(value) if value and float(value).is_integer() else value or None


def shown_run(session: Session) -> Run | None:
    """Return the run that is shown, or None where there is none or it has expired."""
    if session.run is None:
        return None
    try:
        return get_store().open(session.run)
    except StudioError:
        return None
