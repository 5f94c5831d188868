"""What a train.py does with a dataset of the Hub: its rows read, mended and parted, as frames.

The source of these functions stands in the script. They use nothing of ST Studio but each other.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Frames = dict[str, pd.DataFrame]  # by split: columns of text, then score or label
Places = dict[str, tuple[str, np.ndarray]]  # by part: a split, and places of its rows


def texts_of(frame: pd.DataFrame) -> list[str]:
    """Return the names of the columns that hold texts."""
    return [name for name in frame.columns if name not in ("score", "label")]


def classes(frames: Frames, numbers: dict[str | int, int]) -> Frames:
    """Read classes as numbers; a class that has none is no label."""
    return {
        split: frame.assign(label=frame["label"].map(numbers)) for split, frame in frames.items()
    }


def sorted_classes(frames: Frames) -> Frames:
    """Give the classes numbers in the order of their names."""
    names = pd.concat([frame["label"] for frame in frames.values()]).dropna().unique()
    return classes(frames, {name: number for number, name in enumerate(sorted(names))})


def complete(frames: Frames) -> Frames:
    """Leave out the rows that lack a text or a label."""

    def kept(frame: pd.DataFrame) -> pd.DataFrame:
        filled = frame[frame.notna().all(axis=1)]
        texts = filled[texts_of(filled)].apply(lambda texts: texts.str.strip())
        kinds = {"score": float, "label": int}
        kinds = {name: kind for name, kind in kinds.items() if name in filled}
        return filled[(texts != "").all(axis=1)].astype(kinds).reset_index(drop=True)

    return {split: kept(frame) for split, frame in frames.items()}


def alike(texts: pd.Series) -> pa.Array:
    """Return texts without case, punctuation and spacing: equal for those that read alike."""
    whole = pa.array(texts.tolist(), pa.string())
    plain = pc.replace_substring_regex(pc.utf8_lower(whole), r"[^\pL\pN\pM]+", " ")
    plain = pc.utf8_trim_whitespace(plain)
    return pc.if_else(pc.equal(plain, ""), whole, plain)


def numbered(frames: Frames) -> dict[str, np.ndarray]:
    """Return one number a text, equal for those that read alike: [rows, columns] by split."""
    keys = [alike(frame[name]) for frame in frames.values() for name in texts_of(frame)]
    found = iter(pd.factorize(pa.concat_arrays(keys).to_numpy(zero_copy_only=False))[0])
    codes = {}
    for split, frame in frames.items():
        shape = (len(texts_of(frame)), len(frame))
        codes[split] = np.fromiter(found, np.int64, count=shape[0] * shape[1]).reshape(shape).T
    return codes


def swap(frames: Frames) -> Frames:
    """Swap the first two columns."""

    def turned(frame: pd.DataFrame) -> pd.DataFrame:
        one, two = texts_of(frame)[:2]
        return frame.rename(columns={one: two, two: one})[frame.columns]

    return {split: turned(frame) for split, frame in frames.items()}


def drop_duplicates(frames: Frames) -> Frames:
    """Keep the first of equal rows."""
    codes = numbered(frames)
    for split, frame in frames.items():
        keys = pd.DataFrame(codes[split]).join(frame.drop(columns=texts_of(frame)))
        frames = {**frames, split: frame[~keys.duplicated()].reset_index(drop=True)}
    return frames


def drop_same_texts(frames: Frames) -> Frames:
    """Drop rows in which a text meets itself."""
    codes = numbered(frames)
    own = {split: (np.diff(np.sort(codes[split]), axis=1) != 0).all(axis=1) for split in frames}
    return {split: frame[own[split]].reset_index(drop=True) for split, frame in frames.items()}


def scale_score(frames: Frames, low: float, high: float) -> Frames:
    """Bring scores from low..high to 0..1."""
    return {
        split: frame.assign(score=(frame["score"] - low) / (high - low))
        for split, frame in frames.items()
    }


def keep_positives(frames: Frames) -> Frames:
    """Keep similar pairs as pairs of positives."""
    return as_pairs({split: frame[frame["label"] == 1] for split, frame in frames.items()})


def entailment_pairs(frames: Frames) -> Frames:
    """Keep entailed pairs as pairs of positives."""
    return as_pairs({split: frame[frame["label"] == 0] for split, frame in frames.items()})


def score_to_pairs(frames: Frames, at_least: float) -> Frames:
    """Keep pairs with a high score as pairs of positives."""
    high = {split: frame[frame["score"] >= at_least] for split, frame in frames.items()}
    return as_pairs(high)


def as_pairs(frames: Frames) -> Frames:
    """Call the first two texts anchor and positive, and leave what is beside them."""
    return {
        split: frame[texts_of(frame)[:2]]
        .set_axis(["anchor", "positive"], axis=1)
        .reset_index(drop=True)
        for split, frame in frames.items()
    }


def score_to_classes(frames: Frames, at_least: float) -> Frames:
    """Call pairs with a high score similar, the others not."""
    return {
        split: frame.assign(label=(frame["score"] >= at_least).astype(int)).drop(columns="score")
        for split, frame in frames.items()
    }


def triplets_to_pairs(frames: Frames) -> Frames:
    """Leave the negatives aside, and the pairs that repeat without them."""
    return drop_duplicates(as_pairs(frames))


def drop_rare_classes(frames: Frames, at_least: int) -> Frames:
    """Drop training rows of classes with too few of them."""
    train = frames["train"]
    many = train["label"].map(train["label"].value_counts()) >= at_least
    return {**frames, "train": train[many].reset_index(drop=True)}


def own_part(
    codes: dict[str, np.ndarray], split: str, most: int, places: Places, rng: np.random.Generator
) -> np.ndarray:
    """Take a split without what the others hold, and no more than so many different first texts."""
    others = [codes["train"], *(codes[other][taken] for other, taken in places.values())]
    seen = np.concatenate([part.ravel() for part in others])
    clean = np.flatnonzero(~np.isin(codes[split], seen).any(axis=1))
    units = np.unique(codes[split][clean, 0])
    chosen = units if len(units) <= most else rng.permutation(units)[:most]
    return clean[np.isin(codes[split][clean, 0], chosen)]


def by_group(codes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return first texts by chance, those that share texts with few others first; and groups."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    units, places = np.unique(codes[:, 0], return_inverse=True)
    texts = codes.max() + 1
    edges = np.repeat(places, codes.shape[1]) + texts, codes.ravel()
    graph = coo_matrix((np.ones(codes.size), edges), shape=(texts + len(units),) * 2)
    groups = connected_components(graph, directed=False)[1][texts:]
    big = np.bincount(groups)[groups] > max(4, len(units) // 20)
    shuffled = rng.permutation(groups.max() + 1)[groups]
    order = np.lexsort((rng.permutation(len(units)), shuffled, big))
    return units[order], groups[order]


def by_class(
    codes: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return texts by chance, the classes in proportion wherever the order is cut."""
    units, first = np.unique(codes[:, 0], return_index=True)
    shuffled = rng.permutation(len(units))
    shuffled = shuffled[np.argsort(labels[first][shuffled], kind="stable")]
    ordered = labels[first][shuffled]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered, "left")
    size = np.bincount(ordered)[ordered]
    place = (rank // 2 + rng.random(ordered.max() + 1)[ordered]) / size
    order = np.lexsort((rank, ordered, place, size < 4))
    return units[shuffled[order]], np.arange(len(units))


def cut(
    units: np.ndarray, parts: Sequence[str], order: tuple[np.ndarray, np.ndarray], places: Places
) -> None:
    """Cut the parts that are lacking from train, no group in two of them."""
    left, groups = order
    many, train = len(left), places["train"][1]
    share = 1 / 3 * many  # a third at most, and in small sets a little more than 100 and 50
    sizes = {
        "test": round(min(500, max(0.2 * many, min(1.15 * 100, share)))),
        "dev": round(min(200, max(0.1 * many, min(1.15 * 50, share / 2)))),
    }
    for part in parts:
        end = sizes[part]
        while 0 < end < len(groups) and groups[end - 1] == groups[end]:
            end -= 1
        end = end if end > sizes[part] / 2 else sizes[part]
        taken = np.isin(units[train], left[:end])
        left, groups = left[end:], groups[end:]
        places[part], train = ("train", train[taken]), train[~taken]
    places["train"] = ("train", train)


def drop_leaks(codes: dict[str, np.ndarray], places: Places) -> None:
    """Drop from test and dev the rows any of whose texts stands in a part before them."""
    seen = codes["train"][places["train"][1]]
    for part in ("test", "dev"):
        split, taken = places[part]
        clean = taken[~np.isin(codes[split][taken], seen).any(axis=1)]
        seen, places[part] = np.append(seen, codes[split][clean]), (split, clean)


def drop_lonely(frames: Frames, places: Places) -> None:
    """Drop texts that are alone in their class: their nearest neighbour cannot be right."""
    for part, (split, taken) in places.items():
        labels = frames[split]["label"].to_numpy()[taken]
        places[part] = split, taken[np.bincount(labels, minlength=1)[labels] >= 2]


def other_texts(frames: Frames, places: Places, most: int, seed: int) -> list[str]:
    """Return positives of dev and train by chance, to be searched beside those of the test."""
    rows = [frames[split].iloc[taken] for split, taken in (places["dev"], places["train"])]
    offered = pd.concat(rows)["positive"].unique()
    return offered[np.random.default_rng(seed).permutation(len(offered))[:most]].tolist()
