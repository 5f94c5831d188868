"""Rows on their way through the steps of a train.py, each taken here and written down there."""

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ststudio.data import retold
from ststudio.training.script_text import Code, call, literal

Step = Callable[..., Any]

STEPS: dict[str, Step] = {
    name: step
    for name, step in vars(retold).items()
    if inspect.isfunction(step) and step.__module__ == retold.__name__
}
# Other names for a split; datasets that name none have these three.
USUAL = {"dev": "validation", "val": "validation", "valid": "validation"}
FRAMES = "Frames = dict[str, pd.DataFrame]  # by split: columns of text, then score or label\n"
PLACES = "Places = dict[str, tuple[str, np.ndarray]]  # by part: a split, and places of its rows\n"


@dataclass
class Telling:
    """Rows as frames, and the lines of a script that bring them there."""

    frames: retold.Frames
    columns: dict[str, str]  # of the dataset: role, score or label
    lines: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def note(self, line: str, *used: Step) -> None:
        """Write a line down, and what it calls."""
        self.lines.append(line)
        self.used |= {step.__name__ for step in used}

    def apply(self, step: Step, **arguments: Any) -> None:  # noqa: ANN401
        """Take the rows through one step."""
        self.frames = step(self.frames, **arguments)
        given = ["frames", *(f"{name}={literal(value)}" for name, value in arguments.items())]
        self.note(call(f"frames = {step.__name__}", given), step)

    @property
    def classified(self) -> bool:
        """Tell whether the rows are single texts with a class."""
        return retold.texts_of(self.frames["train"]) == ["text"]

    def part(self, own: Sequence[tuple[str, str, int]], seed: int) -> retold.Places:
        """Part the rows by the seed: the dataset's own splits, or cut from train."""
        rng, codes = np.random.default_rng(seed), retold.numbered(self.frames)
        start = "codes, rng, places = numbered(frames), np.random.default_rng(SEED), {}\n"
        self.note(start, retold.numbered)
        places: retold.Places = {}
        for split, part, most in own:
            if split not in self.frames:
                continue
            taken = retold.own_part(codes, split, most, places, rng)
            if len(taken):
                places[part] = split, taken
                made = f"own_part(codes, {literal(split)}, {most}, places, rng)"
                line = f"places[{literal(part)}] = {literal(split)}, {made}\n"
                self.note(line, retold.own_part)
        lacking = [part for part in ("test", "dev") if part not in places]
        places["train"] = "train", np.arange(len(self.frames["train"]))
        self.note('places["train"] = "train", np.arange(len(frames["train"]))\n')
        if lacking:
            self._cut(codes["train"], lacking, places, rng)
        retold.drop_leaks(codes, places)
        self.note("drop_leaks(codes, places)\n", retold.drop_leaks)
        return places

    def _cut(
        self,
        codes: np.ndarray,
        lacking: Sequence[str],
        places: retold.Places,
        rng: np.random.Generator,
    ) -> None:
        """Cut the parts that the dataset lacks from train."""
        if self.classified:
            labels = self.frames["train"]["label"].to_numpy()
            order = retold.by_class(codes, labels, rng)
            labelled = 'frames["train"]["label"].to_numpy()'
            self.note(f'order = by_class(codes["train"], {labelled}, rng)\n', retold.by_class)
        else:
            order = retold.by_group(codes, rng)
            self.note('order = by_group(codes["train"], rng)\n', retold.by_group)
        retold.cut(codes[:, 0], lacking, order, places)
        self.note(f'cut(codes["train"][:, 0], {literal(lacking)}, order, places)\n', retold.cut)

    def search(
        self, places: retold.Places, seed: int, most: int, searched: tuple[Any, Any, Any]
    ) -> bool:
        """Search the test among other texts; tell whether the run did, by the same ids."""
        split, taken = places["test"]
        test = self.frames[split].iloc[taken]
        room = max(0, most - test["positive"].nunique())
        others = retold.other_texts(self.frames, places, room, seed)
        self.note(f"others = other_texts(frames, places, {room}, SEED)\n", retold.other_texts)
        queries = {text: f"q{n}" for n, text in enumerate(test["anchor"].unique())}
        corpus = dict.fromkeys([*test["positive"], *others])
        ids = {text: f"d{n}" for n, text in enumerate(corpus)}
        relevant: dict[str, set[str]] = {query: set() for query in queries.values()}
        for anchor, positive in zip(test["anchor"], test["positive"], strict=True):
            relevant[queries[anchor]].add(ids[positive])
        found = ({key: text for text, key in known.items()} for known in (queries, ids))
        return (*found, relevant) == searched

    def limit(self, places: retold.Places, seed: int, most: int) -> None:
        """Keep so many training rows, drawn by the seed."""
        drawn = np.random.default_rng([seed, 1]).permutation(places["train"][1])[:most]
        places["train"] = "train", np.sort(drawn)
        self.note(
            'drawn = np.random.default_rng([SEED, 1]).permutation(places["train"][1])\n'
            f'places["train"] = "train", np.sort(drawn[:{most}])\n'
        )

    def written(self, source: Mapping[str, Any]) -> Code:
        """Return the lines that load the dataset and take its rows through the steps."""
        subset = [literal(source["subset"])] if source.get("subset") else []
        arguments = ["DATA", *subset, "revision=DATA_REVISION"]
        if source.get("split"):
            arguments.append(f"split={literal(source['split'])}")
        lines = [call("own = load_dataset", arguments)]
        taken = "select_columns(list(COLUMNS)).to_pandas().rename(columns=COLUMNS)"
        splits = list(self.frames)
        if len(splits) == 1:
            if not source.get("split"):
                lines.append("own = next(iter(own.values()))\n")
            lines.append(f'frames = {{"train": own.{taken}}}\n')
        else:
            lines += [
                f"usual = {literal(USUAL)}\n",
                "own = {usual.get(name, name): rows for name, rows in own.items()}\n",
                "frames = {}\n",
                f"for split in {literal(splits)}:\n",
                f"    frames[split] = own[split].{taken}\n",
            ]
        lines += [
            *self.lines,
            "parts = {\n",
            "    part: Dataset.from_pandas(frames[split].iloc[rows], preserve_index=False)\n",
            "    for part, (split, rows) in places.items()\n",
            "}\n",
            'train, dev, test = parts["train"], parts["dev"], parts["test"]\n',
        ]
        imports = {"datasets:Dataset", "datasets:load_dataset", "numpy as np"}
        return Code("".join(lines), imports)

    def definitions(self) -> Code:
        """Return the source of the steps that are taken, and of those that they take."""
        needed: set[str] = set()
        while missing := self._called(needed | self.used) - needed:
            needed |= missing
        sources = [inspect.getsource(step) for name, step in STEPS.items() if name in needed]
        text = "\n\n".join(sources)
        aliases = FRAMES + (PLACES if "Places" in text else "")
        imports = {"numpy as np", "pandas as pd"}
        if "Sequence[" in text:
            imports.add("collections.abc:Sequence")
        for module, use in (("pyarrow as pa", "pa."), ("pyarrow.compute as pc", "pc.")):
            if use in text:
                imports.add(module)
        return Code(f"{aliases}\n\n{text}\n\n", imports)

    def _called(self, names: set[str]) -> set[str]:
        """Return the steps of these names, and those whose names stand in their source."""
        found = set(names)
        for name in names:
            tree = ast.parse(inspect.getsource(STEPS[name]))
            found |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        return found & STEPS.keys()
