"""What is asked of the map: a query put into it, or one of its texts, and who is near it."""

import json
from typing import Any

import gradio as gr

from ststudio.compare.encoder import clean_query, get_encoder
from ststudio.compare.map_figure import Focus, map_figure, overlay
from ststudio.compare.maps import get_maps
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.tabs import explained
from ststudio.tabs.map_colours import COLOURINGS, Shown
from ststudio.tabs.map_methods import METHODS, Method
from ststudio.tabs.map_story import neighbours_html, quoted
from ststudio.tabs.session import Session, shown_run


def over_and_near(
    run: Run, method: Method, layout: dict[str, Any], asked: dict[str, Any] | None
) -> tuple[str, str]:
    """Return what lies over the plot, as JSON, and the neighbours of what is asked about."""
    if asked is None:
        return "", ""
    points = layout["points"]
    if "query" in asked:
        found = get_encoder().place(run, method.key, asked["query"])
        near = {side: found[side]["near"] for side in ("base", "tuned")}
        places = (found["base"]["place"], found["tuned"]["place"])
        symbol, about, note = "star", quoted(asked["query"]), method.place
    else:
        point = points[asked["row"]]
        found = get_encoder().neighbours(run, [asked["row"]])
        near = {side: found[side][0] for side in ("base", "tuned")}
        places = (point["base"], point["tuned"])
        symbol, about, note = "diamond", quoted(point["text"]), asked.get("note", "")
    rows = ([row for row, _ in near["base"]], [row for row, _ in near["tuned"]])
    over = overlay(layout, Focus(symbol, places, rows))
    return json.dumps(over), neighbours_html(about, near, points, note)


def drawn_map(session: Session, drawn: str | None) -> tuple[Run, Method, dict[str, Any]]:
    """Return what is shown on this page, raising StudioError where no map is drawn yet."""
    run = shown_run(session)
    if run is None or drawn is None:
        raise StudioError("The map is not drawn yet. Wait a moment, or draw it again.")
    return run, METHODS[drawn], get_maps().layout(run, METHODS[drawn].key)


@explained
def ask(session: Session, drawn: str | None, query: str) -> tuple[Any, ...]:
    """Put a query into the map, with its neighbours, and colour by its cosine."""
    run, method, layout = drawn_map(session, drawn)
    asked = {"query": clean_query(query)}
    over, near = over_and_near(run, method, layout, asked)
    colours = COLOURINGS["score"].find(Shown(run, layout, asked["query"]))
    return over, near, asked, map_figure(layout, colours), "score"


@explained
def find(session: Session, drawn: str | None, words: str) -> tuple[Any, ...]:
    """Look at the first text that holds all the words."""
    run, method, layout = drawn_map(session, drawn)
    wanted = words.casefold().split()
    texts = (point["text"].casefold() for point in layout["points"])
    rows = [row for row, text in enumerate(texts) if all(word in text for word in wanted)]
    if not wanted or not rows:
        raise StudioError(f"No text on this map holds “{words.strip()}”. Try fewer words.")
    more = f"The first of {len(rows):,} texts with these words." if len(rows) > 1 else ""
    asked = {"row": rows[0], "note": more}
    return *over_and_near(run, method, layout, asked), asked


@explained
def picked(session: Session, drawn: str | None, event: gr.EventData) -> tuple[Any, ...]:
    """Look at the text whose dot, or name in a list, was clicked."""
    run, method, layout = drawn_map(session, drawn)
    row = event._data.get("row") if isinstance(event._data, dict) else None
    if not isinstance(row, int) or not 0 <= row < len(layout["points"]):
        raise StudioError("There is no such dot on this map. Draw it again.")
    return *over_and_near(run, method, layout, {"row": row}), {"row": row}
