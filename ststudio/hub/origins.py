"""What a run came from, safe to name: its base model, its data, its recipe without opening ids."""

import os
from collections.abc import Mapping
from typing import Any

from ststudio.data.cases import CASES, Case
from ststudio.errors import StudioError
from ststudio.hub.markdown import one_line, plain
from ststudio.remote import check_id, endpoint
from ststudio.runs.run import Run
from ststudio.training.loss_settings import GUIDE
from ststudio.training.racers import public_name

TITLE_CHARACTERS = 120
NO_NAME = "path/to/this/folder"  # what a downloaded model is loaded by


def shared_recipe(run: Run) -> dict[str, Any]:
    """Return the recipe without the ids by which uploads and other runs could be opened."""
    recipe = run.recipe
    source = recipe.get("source") or {}
    if source.get("kind") == "upload":
        recipe["source"] = {"kind": "upload"}
    if isinstance(recipe.get("base_model"), str):
        recipe["base_model"] = public_name(recipe["base_model"])
    settings = recipe.get("loss_settings") or {}
    if isinstance(settings.get(GUIDE), str):
        recipe["loss_settings"] = {**settings, GUIDE: public_name(settings[GUIDE])}
    return recipe


def title(run: Run) -> str:
    """Return the model's title in words: its base and its data."""
    data = run.facts.get("title")
    return f"{base_name(run)} fine-tuned" + (f" on {one_line(data, 80)}" if data else "")


def case_of(run: Run) -> Case | None:
    """Return the case of a run's data, if it is known."""
    return CASES.get(run.facts.get("case") or "")


def base(run: Run) -> Mapping[str, Any]:
    """Return what is known of the base model."""
    known: Mapping[str, Any] = run.facts.get("base_model") or {}
    return known


def base_id(run: Run) -> str | None:
    """Return the base model's id on the Hub, if it has one."""
    return None if base(run).get("origin") in ("run", "zero") else _on_hub(base(run).get("id"))


def base_name(run: Run) -> str:
    """Return the base model's name without its owner."""
    return (base_id(run) or "SentenceTransformer").rpartition("/")[2]


def base_words(run: Run) -> str:
    """Name the base model as Markdown, with its commit where it has one."""
    found, name = base(run), base_id(run)
    own = {"zero": f"a model {plain(found.get('id') or '', 200)}"}
    if not name:
        return own.get(str(found.get("origin")), "an earlier run's model")
    revision = plain(one_line(found.get("revision") or "")[:7])
    weights = plain(one_line(found.get("weights_revision") or "")[:7])
    converted = f", weights as the Hub converted them at {weights}" if weights else ""
    at = f" (revision {revision}{converted})" if revision else ""
    return f"[{plain(name)}]({endpoint()}/{name}){at}"


def dataset_id(run: Run) -> str | None:
    """Return the dataset's id on the Hub, if it has one."""
    source = run.facts.get("source") or run.recipe.get("source") or {}
    return _on_hub(source.get("id")) if source.get("kind") == "hub" else None


def data_words(run: Run) -> str:
    """Name the data as Markdown, with its licence where one is known."""
    name, licence = dataset_id(run), run.facts.get("licence")
    words = plain(run.facts.get("title") or "the owner's own data", TITLE_CHARACTERS)
    if name:
        words = f"[{plain(name)}]({endpoint()}/datasets/{name})"
    return words + (f" (licence of the data: {plain(licence)})" if licence else "")


def studio_words() -> str:
    """Name this app as Markdown, with its address where it is a Space."""
    space = _on_hub(os.environ.get("SPACE_ID"))
    return f"[ST Studio]({endpoint()}/spaces/{space})" if space else "ST Studio"


def _on_hub(name: object) -> str | None:
    try:
        return check_id(name, "model")
    except StudioError:
        return None
