"""Bare arrays of a text and its class: ["lost my badge", "access"] becomes two columns."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

NAME = "set"  # of the column that bare arrays are gathered in
LABEL_CHARACTERS = 40  # of a class's name, on average at most
RETURNS = 4  # times that a class is met, on average at least
LEAST_ROWS = 8


def part_classes(splits: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Return splits of arrays of two as texts and labels, where one of the two is a class."""
    train = splits["train"]
    if train.schema.names != [NAME] or not pa.types.is_list(train[NAME].type):
        return dict(splits)
    if any(not _all_two(split) for split in splits.values()) or train.num_rows < LEAST_ROWS:
        return dict(splits)
    classes = [place for place in (0, 1) if _is_class(pc.list_element(train[NAME], place))]
    if len(classes) != 1:
        return dict(splits)
    label = classes[0]
    return {
        name: pa.table(
            {
                "text": pc.list_element(split[NAME], 1 - label),
                "label": pc.list_element(split[NAME], label),
            }
        )
        for name, split in splits.items()
    }


def _all_two(split: pa.Table) -> bool:
    lengths: Sequence[int | None] = pc.unique(pc.list_value_length(split[NAME])).to_pylist()
    return list(lengths) == [2]


def _is_class(values: pa.ChunkedArray) -> bool:
    distinct = pc.count_distinct(values).as_py()
    characters = pc.mean(pc.utf8_length(values)).as_py() or 0
    return distinct > 1 and distinct * RETURNS <= len(values) and characters <= LABEL_CHARACTERS
