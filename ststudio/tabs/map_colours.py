"""What a map may be coloured by: one record for each, and how its colours are found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ststudio.compare.encoder import get_encoder
from ststudio.compare.map_figure import Colours
from ststudio.compare.maps import get_maps
from ststudio.compare.moved import telling
from ststudio.runs.run import Run


@dataclass(frozen=True)
class Shown:
    """A map that is shown: of which run, by which method, and what was asked of it."""

    run: Run
    layout: Mapping[str, Any]
    query: str | None = None


@dataclass(frozen=True)
class Colouring:
    """One thing to colour by; `words` is said where it has nothing to show."""

    key: str
    label: str
    find: Callable[[Shown], Colours]
    words: str = ""


def by_class(shown: Shown) -> Colours:
    """Colour by the classes of the data, or by the model where there are none."""
    groups = [point["group"] for point in shown.layout["points"]]
    return Colours(labels=groups) if telling(groups) else Colours()


def by_cluster(model: str) -> Callable[[Shown], Colours]:
    """Return what colours by the clusters of one model's vectors."""
    return lambda shown: Colours(labels=cluster_labels(shown.run, model))


def cluster_labels(run: Run, model: str) -> list[str]:
    """Return for each point the name of its cluster."""
    found = get_maps().clusters(run)[model]
    return [found["names"][number] for number in found["of"]]


def by_score(shown: Shown) -> Colours:
    """Colour by the cosine with the query, where one was asked."""
    if shown.query is None:
        return Colours()
    found = get_encoder().place(shown.run, shown.layout["method"], shown.query)
    return Colours(base=found["base"]["scores"], tuned=found["tuned"]["scores"])


COLOURINGS = {
    colouring.key: colouring
    for colouring in (
        Colouring("class", "Class", by_class),
        Colouring("base", "Clusters before", by_cluster("base")),
        Colouring("tuned", "Clusters after", by_cluster("tuned")),
        Colouring(
            "score", "Search score", by_score, "Put a query into the map to colour by its cosine."
        ),
    )
}


def choices(layout: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a run's map may be coloured by; without classes, first by the model alone."""
    groups = [point["group"] for point in layout["points"]]
    renamed = {} if telling(groups) else {"class": "Model"}
    return [(renamed.get(key, one.label), key) for key, one in COLOURINGS.items()]
