"""Train, dev and test: parted by unit, so that nothing that is tested was learned."""

from dataclasses import dataclass

import numpy as np

from ststudio.data.cases import CASES
from ststudio.data.rows import Rows

DEV_UNITS, TEST_UNITS = 200, 500  # at most
DEV_SHARE, TEST_SHARE = 0.1, 0.2  # of the units, where they are cut from train …
DEV_WANTED, TEST_WANTED = 50, 100  # … or, in small sets, a little more than a verdict needs …
AIM = 1.15  # … as some are lost to texts that another part has, too …
MOST_SHARE = 1 / 3  # … but never more than this of what there is to learn from
TRAIN_UNITS = 8  # fewer teach nothing
NEIGHBOURS = 2  # texts of a class that a part needs: one is found by the other

PARTS = {"train": "train", "validation": "dev", "test": "test"}


def planned(units: int) -> tuple[int, int]:
    """Return how many dev and test units are cut from this many."""
    test = min(TEST_UNITS, max(TEST_SHARE * units, min(AIM * TEST_WANTED, MOST_SHARE * units)))
    dev = min(DEV_UNITS, max(DEV_SHARE * units, min(AIM * DEV_WANTED, MOST_SHARE * units / 2)))
    return round(dev), round(test)


@dataclass
class Parts:
    """The places of rows in each part: (split, row places), and what was dropped on the way."""

    places: dict[str, tuple[str, np.ndarray]]
    dropped: dict[str, int]
    cut: tuple[str, ...]  # the parts that had to be cut from train


def part(rows: Rows, seed: int) -> Parts:
    """Part rows into train, dev and test: the source's own splits, or cut from train by unit."""
    rng = np.random.default_rng(seed)
    dropped = {"leak": 0, "over_limit": 0, "rare_class": 0}
    train = np.arange(rows.splits["train"].num_rows)
    places: dict[str, tuple[str, np.ndarray]] = {}
    for split, limit in (("test", TEST_UNITS), ("validation", DEV_UNITS)):
        if split in rows.splits:
            taken = _own(rows, split, limit, rng, dropped, places)
            if len(taken):
                places[PARTS[split]] = (split, taken)
    cut = tuple(name for name in ("test", "dev") if name not in places)
    if cut:
        train = _cut(rows, cut, train, rng, places)
    places["train"] = ("train", train)
    _drop_leaks(rows, places, dropped)
    for name in ("dev", "test"):
        _drop_lonely(rows, name, places, dropped)
    return Parts(places, {reason: many for reason, many in dropped.items() if many}, cut)


def _own(
    rows: Rows,
    split: str,
    limit: int,
    rng: np.random.Generator,
    dropped: dict[str, int],
    places: dict[str, tuple[str, np.ndarray]],
) -> np.ndarray:
    """Take the source's own split: without what train (or test) holds, cut to its limit."""
    codes = rows.codes[split]
    seen = [rows.codes["train"], *(rows.codes[s][p] for s, p in places.values())]
    leaking = np.isin(codes, np.concatenate([np.unique(part) for part in seen])).any(axis=1)
    dropped["leak"] += int(leaking.sum())
    clean = np.flatnonzero(~leaking)
    units = unit_numbers(rows, split)[clean]
    chosen = _some(np.unique(units), limit, rng)
    taken = clean[np.isin(units, chosen)]
    dropped["over_limit"] += len(clean) - len(taken)
    return taken


def _some(values: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return values if len(values) <= most else rng.permutation(values)[:most]


def unit_numbers(rows: Rows, split: str) -> np.ndarray:
    """Return one number for each row, equal for the rows of a unit."""
    units = rows.splits[split]["unit"]
    if units.equals(rows.splits[split][CASES[rows.case].unit]):
        return rows.codes[split][:, 0]
    return np.unique(units.to_numpy().astype(str), return_inverse=True)[1]


def sizes(rows: Rows, split: str, places: np.ndarray) -> dict[str, int]:
    """Count the rows and the units of a part."""
    units = np.unique(unit_numbers(rows, split)[places])
    return {"rows": len(places), "units": len(units)}


def _cut(
    rows: Rows,
    cut: tuple[str, ...],
    train: np.ndarray,
    rng: np.random.Generator,
    places: dict[str, tuple[str, np.ndarray]],
) -> np.ndarray:
    """Cut the parts that are lacking from train, and return what is left of it."""
    units = unit_numbers(rows, "train")
    many = len(np.unique(units))
    sizes = dict(zip(("dev", "test"), planned(many), strict=True))
    labels = rows.labels("train") if CASES[rows.case].columns == ("text",) else None
    if labels is not None:
        order = _by_class(units, labels, rng)
        groups = np.arange(len(order))
    else:
        order, groups = _by_group(rows, units, rng)
    for name in cut:
        end = _whole(groups, sizes[name])
        taken = np.isin(units[train], order[:end])
        order, groups = order[end:], groups[end:]
        places[name] = ("train", train[taken])
        train = train[~taken]
    return train


def _whole(groups: np.ndarray, size: int) -> int:
    """Return where to cut so that the last group is not parted, unless it is the giant."""
    end = size
    while 0 < end < len(groups) and groups[end - 1] == groups[end]:
        end -= 1
    return end if end > size / 2 else size


def _by_group(
    rows: Rows, units: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return units in random order, those of small groups first, and the groups.

    Units that share a text, however far around, are a group. Whole small groups leave no text
    behind in train, so that hardly a row is lost to leaks; a giant group stays in train.
    """
    from scipy.sparse import coo_matrix  # a third of a second that the page need not wait for
    from scipy.sparse.csgraph import connected_components

    codes = rows.codes["train"]
    numbers, places = np.unique(units, return_inverse=True)
    texts = codes.max(initial=0) + 1
    left = np.repeat(places, codes.shape[1]) + texts
    graph = coo_matrix(
        (np.ones(codes.size), (left, codes.ravel())),
        shape=(texts + len(numbers),) * 2,
    )
    groups = connected_components(graph, directed=False)[1][texts:]
    sizes = np.bincount(groups)[groups]
    # Random within the small; anything above a twentieth of all units comes last.
    big = sizes > max(4, len(numbers) // 20)
    shuffled = rng.permutation(groups.max(initial=0) + 1)[groups]
    within = rng.permutation(len(numbers))
    order = np.lexsort((within, shuffled, big))
    return numbers[order], groups[order]


def _by_class(units: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return units in an order whose every stretch holds the classes in proportion, in twos."""
    numbers, first = np.unique(units, return_index=True)
    classes = labels[first]
    shuffled = rng.permutation(len(numbers))
    shuffled = shuffled[np.argsort(classes[shuffled], kind="stable")]
    ordered = classes[shuffled]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered, "left")
    size = np.bincount(ordered)[ordered]
    # A class of one or two texts is learned from, not tested: it cannot lose a couple.
    place = (rank // NEIGHBOURS + rng.random(ordered.max(initial=0) + 1)[ordered]) / size
    return numbers[shuffled[np.lexsort((rank, ordered, place, size < 2 * NEIGHBOURS))]]


def _drop_leaks(
    rows: Rows, places: dict[str, tuple[str, np.ndarray]], dropped: dict[str, int]
) -> None:
    """Drop from dev and test the rows any of whose texts is in train, from dev also test's."""
    seen = np.unique(_codes(rows, places["train"]))
    for name in ("test", "dev"):
        if name not in places:
            continue
        split, taken = places[name]
        codes = rows.codes[split][taken]
        leaking = np.isin(codes, seen).any(axis=1)
        dropped["leak"] += int(leaking.sum())
        places[name] = (split, taken[~leaking])
        seen = np.union1d(seen, codes[~leaking])


def _codes(rows: Rows, place: tuple[str, np.ndarray]) -> np.ndarray:
    codes: np.ndarray = rows.codes[place[0]][place[1]]
    return codes


def _drop_lonely(
    rows: Rows, name: str, places: dict[str, tuple[str, np.ndarray]], dropped: dict[str, int]
) -> None:
    """Drop texts that are alone in their class: their nearest neighbour cannot be right."""
    if CASES[rows.case].columns != ("text",) or name not in places:
        return
    split, taken = places[name]
    labels = rows.labels(split)
    assert labels is not None
    kept = np.bincount(labels[taken])[labels[taken]] >= NEIGHBOURS if len(taken) else taken > -1
    dropped["rare_class"] += int((~kept).sum())
    places[name] = (split, taken[kept])
