"""Bare arrays of a text and its class: ["lost my badge", "access"] becomes two columns."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

NAME = "set"  # of the column that bare arrays are gathered in
LABEL_CHARACTERS = 40  # of a class's name, on average at most
RETURNS, RETURN = 4, 2  # times that a class is met, on average at least; where it is one word
WORDLESS = r"^[!-~]+$"
LEAST_ROWS = 8


def part_classes(splits: Mapping[str, pa.Table]) -> tuple[dict[str, pa.Table], str]:
    """Return splits of arrays of two as texts and labels, where one of the two is a class.

    Says also how they were read, "" where they stay as they are.
    """
    train = splits["train"]
    if not all(map(_all_two, splits.values())) or train.num_rows < LEAST_ROWS:
        return dict(splits), ""
    classes = [place for place in (0, 1) if _is_class(pc.list_element(train[NAME], place))]
    if len(classes) != 1:
        return dict(splits), ""
    label = classes[0]
    parted = {
        name: pa.table(
            {
                "text": pc.list_element(split[NAME], 1 - label),
                "label": pc.list_element(split[NAME], label),
            }
        )
        for name, split in splits.items()
    }
    which = ("first", "second")[label]
    said = f"The {which} text of each array returns so often that it was taken as a class."
    return parted, f"{said} If it is what people search for, call it query."


def _all_two(split: pa.Table) -> bool:
    if split.schema.names != [NAME] or not pa.types.is_list(split[NAME].type):
        return False
    lengths: Sequence[int | None] = pc.unique(pc.list_value_length(split[NAME])).to_pylist()
    return list(lengths) == [2]


def _is_class(values: pa.ChunkedArray) -> bool:
    distinct = pc.count_distinct(values).as_py()
    characters = pc.mean(pc.utf8_length(values)).as_py() or 0
    coded = pc.all(pc.match_substring_regex(values, WORDLESS), min_count=0).as_py()
    returns = distinct * (RETURN if coded else RETURNS) <= len(values)
    return distinct > 1 and returns and characters <= LABEL_CHARACTERS
