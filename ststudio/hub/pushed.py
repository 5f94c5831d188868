"""What a model that was pushed from here says of itself, checked as all that comes from outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ststudio.data.cases import CASES, Case
from ststudio.data.catalog import licence_of, title_of
from ststudio.data.general import HAND_WRITTEN, STSB
from ststudio.data.reshape import parse_fixes
from ststudio.data.sources import check_source
from ststudio.errors import StudioError
from ststudio.hub.card import RECIPE_FILE, REPORT_FILE, TAG
from ststudio.listing import commit_of, files_of, is_private, model_info
from ststudio.model_files import read_json
from ststudio.remote import RemoteFile, check_id
from ststudio.settings import MB
from ststudio.training.metrics import shown_metrics
from ststudio.training.recipe import Recipe
from ststudio.training.rules import Rule, number, one_of
from ststudio.training.verdict import HEADS, verdict
from ststudio.transfer import read_small

FILE_BYTES = 1 * MB  # of recipe or report; they have a few thousand
MOST_UNITS = 10**9

SHARE = number(-1, 1)  # every metric here is a share or a correlation
COUNT = number(0, MOST_UNITS, whole=True)


def _is_interval(value: Any) -> bool:  # noqa: ANN401
    bounds = isinstance(value, list) and len(value) == 2 and all(map(number(-2, 2).holds, value))
    return bounds and value[0] <= value[1]


# What a report must say, and of what kind it must be; whatever else it holds is left out.
FIGURES: dict[str, Rule] = {
    "n": COUNT,
    "baseline": SHARE,
    "score": SHARE,
    "delta": number(-2, 2),
    "interval": Rule(_is_interval, "two numbers, the lower one first"),
    "verdict": one_of(*HEADS),
}
SPENT: dict[str, Rule] = {
    "rows_used": COUNT,
    "train_seconds": number(0, MOST_UNITS),
    "seconds": number(0, MOST_UNITS),
}
GENERAL: dict[str, Rule] = {"source": Rule(lambda value: isinstance(value, str), "a text")}


@dataclass(frozen=True)
class Pushed:
    """A model's repository at one commit, and what it says of itself."""

    id: str
    revision: str
    private: bool
    recipe: dict[str, Any]
    report: dict[str, Any]

    @property
    def facts(self) -> dict[str, Any]:
        """Return what the page says of the run that it came from, without its rows."""
        source = self.recipe["source"]
        upload = source.get("kind") == "upload"
        return {
            "title": "its author's own rows" if upload else title_of(source),
            "licence": licence_of(source),
            "source": source,
            "case": self.recipe["case"],
            "loss": self.recipe["loss"],
            "base_model": {},
            "counts": {},
            "notes": [],
        }


def look_up(repo_id: object, token: str | None = None) -> Pushed:
    """Read what a pushed model says of itself; raise StudioError where ST Studio did not make it.

    Nothing but two small files is fetched.
    """
    name = check_id(repo_id, "model")
    info = model_info(name, None, token)
    files, revision = files_of(info), commit_of(info)
    if TAG not in (info.tags or ()) or not {RECIPE_FILE, REPORT_FILE} <= set(files):
        raise StudioError(
            f"{name} was not pushed from ST Studio: there is no recipe and no report in it, so "
            "nothing to show. It can be compared with a run's models in the Compare tab, under "
            "'Other texts, other models'."
        )

    def small(path: str) -> Any:  # noqa: ANN401
        return _small(name, revision, files[path], token)

    recipe = checked_recipe(small(RECIPE_FILE), name)
    report = checked_report(small(REPORT_FILE), CASES[recipe["case"]], name)
    return Pushed(name, revision, is_private(info), recipe, report)


def _small(name: str, revision: str, file: RemoteFile, token: str | None) -> Any:  # noqa: ANN401
    if file.bytes > FILE_BYTES:
        raise _refused(name, f"{file.path} has {file.bytes / MB:.1f} MB")
    value = read_json(read_small("model", name, revision, file, token), file.path, name)
    if is_hostile(value):
        raise _refused(name, f"{file.path} holds text that is none")
    return value


def is_hostile(value: Any, depth: int = 0) -> bool:  # noqa: ANN401
    """Tell whether a JSON value nests too deep, or has halves of characters: no page bears it."""
    if depth > 20:
        return True
    if isinstance(value, str):
        return any("\ud800" <= mark <= "\udfff" for mark in value)
    if isinstance(value, Mapping):
        return any(is_hostile(part, depth + 1) for item in value.items() for part in item)
    return isinstance(value, list) and any(is_hostile(part, depth + 1) for part in value)


def checked_recipe(value: Any, name: str) -> dict[str, Any]:  # noqa: ANN401
    """Return a recipe from outside; raise StudioError where it is none that this app can show."""
    try:
        recipe = Recipe.from_json(value)
        parse_fixes(recipe.fixes)
        if recipe.source.get("kind") != "upload":
            check_source(recipe.source)
        elif set(recipe.source) > {"kind"}:
            raise StudioError("an upload of another app cannot be opened")
    except StudioError as error:
        raise _refused(name, f"{RECIPE_FILE} is no recipe ({error})") from None
    if recipe.case is None or recipe.loss is None:
        raise _refused(name, f"{RECIPE_FILE} names no case and loss")
    return recipe.to_json()


def checked_report(value: Any, case: Case, name: str) -> dict[str, Any]:  # noqa: ANN401
    """Return a report from outside: those of its figures that the page shows, each of its kind."""
    report = value if isinstance(value, Mapping) else {}
    if report.get("metric") != case.metric:
        raise _refused(name, f"{REPORT_FILE} has no {case.metric}, which {case.title} is judged by")
    found = {"metric": case.metric, **_figures(report, {**FIGURES, **SPENT}, name)}
    found["metrics"] = _metrics(report.get("metrics"), case)
    general = report.get("forgetting")
    if isinstance(general, Mapping):
        found["forgetting"] = _figures(general, {**FIGURES, **GENERAL}, name)
        if found["forgetting"]["source"] != HAND_WRITTEN:
            found["forgetting"]["source"] = STSB
        found["forgetting"]["metric"] = CASES["pair-score"].metric
    return found


def _figures(report: Mapping[str, Any], rules: Mapping[str, Rule], name: str) -> dict[str, Any]:
    for figure, rule in rules.items():
        if not rule.holds(report.get(figure)):
            raise _refused(name, f"the {figure} in {REPORT_FILE} is not {rule.says}")
    found = {figure: report[figure] for figure in rules}
    low, high = found["interval"]
    # What follows from others is worked out here: no headline may contradict its own figures.
    found["delta"] = found["score"] - found["baseline"]
    found["verdict"] = verdict((low, high), found["n"])
    return found


def _metrics(value: Any, case: Case) -> dict[str, list[float]]:  # noqa: ANN401
    """Return before and after of the metrics that the page shows; the others are left out."""
    given = value if isinstance(value, Mapping) else {}
    pairs = {metric: given.get(metric) for metric in shown_metrics(case)}
    return {
        metric: pair
        for metric, pair in pairs.items()
        if isinstance(pair, list) and len(pair) == 2 and all(map(SHARE.holds, pair))
    }


def _refused(name: str, why: str) -> StudioError:
    return StudioError(
        f"{name} says that it was pushed from ST Studio, but {why}. It is not opened here; it can "
        "be compared with a run's models in the Compare tab, under 'Other texts, other models'."
    )
