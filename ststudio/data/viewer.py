"""Rows as the Hub's dataset viewer sends them, beside what the columns are."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ststudio.data.gather import Gathering
from ststudio.data.parquets import named_classes
from ststudio.errors import StudioError

MEDIA = frozenset(("Image", "Audio", "Video", "Pdf", "Nifti", "Array2D", "Array3D"))


def read_viewer(content: bytes, gathering: Gathering) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the rows of one answer, and note the names of classes; raise StudioError."""
    try:
        answer = json.loads(content)
        features = {feature["name"]: feature["type"] for feature in answer["features"]}
        rows = [(int(row["row_idx"]) + 1, dict(row["row"]), _cut(row)) for row in answer["rows"]]
        gathering.class_names.update(named_classes(features, ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise StudioError("The dataset viewer's answer could not be read.") from None
    shown = [name for name, feature in features.items() if not _is_media(feature)]
    gathering.unsupported.update(features.keys() - set(shown))
    texts = {name for name in shown if _is_text(features[name])}
    for number, row, cut in rows:
        if cut <= texts:  # what else was cut is no longer what it was
            yield number, {name: row.get(name) for name in shown}


def _cut(row: Mapping[str, Any]) -> set[str]:
    return set(row.get("truncated_cells", ()))


def _is_media(feature: object) -> bool:
    return isinstance(feature, dict) and feature.get("_type") in MEDIA


def _is_text(feature: object) -> bool:
    return isinstance(feature, dict) and feature.get("dtype") in ("string", "large_string")
