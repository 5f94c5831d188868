"""How a train.py names and loads the models that a run started from: pinned, and no run's id."""

from collections.abc import Mapping
from typing import Any

from ststudio.training.script_text import literal

LOADED = 'model_kwargs={"dtype": "float32"}'
EARLIER = "earlier-run"  # a folder: who has the id of a run may open it, so no script names one


def pinned(model: str | Mapping[str, Any], constant: str) -> tuple[str, str]:
    """Return the constants that name a model, and the arguments that load it."""
    if isinstance(model, str) and model.startswith("run:"):
        lines = (
            "# An earlier run's model: download it there, and unpack it into this folder.\n"
            f"{constant} = {literal(f'{EARLIER}-{constant.lower()}')}\n"
        )
        return lines, constant
    known = {"id": model} if isinstance(model, str) else model
    lines = f"{constant} = {literal(known['id'])}\n"
    if not known.get("revision"):
        return lines, constant
    lines += f"{constant}_REVISION = {literal(known['revision'])}\n"
    return lines, f"{constant}, revision={constant}_REVISION"
