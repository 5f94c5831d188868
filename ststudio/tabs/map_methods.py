"""How a map may be laid out, and what its picture must not be read as."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """A way to lay out a map, and what its picture must not be read as."""

    key: str
    label: str
    caveat: str
    place: str  # where a query is drawn


_LOCAL = (
    "Read who is beside whom, and nothing else: how far groups are apart, how large and how dense "
    "they look means nothing here."
)
_MEAN = (
    "The amber star is no measurement: this map has no axes, so the query is drawn at the weighted "
    "mean of its ten nearest texts."
)
METHODS = {
    method.label: method
    for method in (
        Method(
            "pca",
            "PCA (at once)",
            "PCA shows the two directions in which the vectors differ most, and hides all others: "
            "dots that lie upon each other may be far apart, and distances between far groups mean "
            "little.",
            "The amber star is the query, placed by the same axes as the texts.",
        ),
        Method("tsne", "t-SNE", _LOCAL, _MEAN),
        Method("umap", "UMAP", _LOCAL, _MEAN),
    )
}
FIRST = next(iter(METHODS))
