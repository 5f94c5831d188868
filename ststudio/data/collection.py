"""The rows of all splits as they are gathered, and what was assumed and left out on the way."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ststudio.data.bare_sets import part_classes
from ststudio.data.gather import Full, Gathering
from ststudio.data.jsons import BareArray
from ststudio.data.losses import losses, merged
from ststudio.data.own_splits import split_by_column
from ststudio.data.sampling import Scope
from ststudio.data.tables import LeftOut, Reading, Retrieval, Table
from ststudio.data.unfold import unfold
from ststudio.errors import StudioError

HELD_OUT_SHARE = 4  # a held-out split takes at most this part of the budget


class Collection:
    """The rows of all splits, and what was assumed on the way."""

    def __init__(
        self, limits: Mapping[str, int], reading: Reading, sought: Sequence[str] = ()
    ) -> None:
        self.limits, self.reading, self.sought = limits, reading, sought
        self.delimited = False
        self.bare = True  # every row was an array without a name
        self.splits: dict[str, Gathering] = {}
        self.full: set[str] = set()
        self.scopes: dict[str, Scope] = {}  # by split
        self.assumed: list[tuple[str, str]] = []
        self.retrieval: Retrieval | None = None
        self.unjudged: tuple[LeftOut, ...] = ()  # judgements that say nothing

    def gathering(self, split: str) -> Gathering:
        """Return the gathering of one split, made with its share of the budget."""
        if split not in self.splits:
            share = 1 if split == "train" else HELD_OUT_SHARE
            others = self.splits.values()
            rows, size = self.limits["rows"], self.limits["decoded_bytes"]
            self.splits[split] = Gathering(
                min(rows // share, rows - sum(other.rows for other in others)),
                min(size // share, size - sum(other.bytes for other in others)),
                self.limits["columns"],
                self.limits["cell_characters"],
                sought=dict.fromkeys(self.sought),
            )
        return self.splits[split]

    def take(self, split: str, rows: Iterable[tuple[int, Any]]) -> None:
        """Gather numbered rows until they end or the budget does."""
        gathering = self.gathering(split)
        try:
            for line, row in ((line, each) for line, found in rows for each in unfold(found)):
                if isinstance(row, Mapping):
                    self.bare = self.bare and isinstance(row, BareArray)
                    gathering.add(line, row)
                else:
                    gathering.leave_out(line, str(row))
        except Full:
            self.full.add(split)

    def table(self, names: str) -> Table:
        """Return everything as one table; raise StudioError where nothing was gathered."""
        if self.retrieval is not None:
            qrels = self.retrieval.qrels
            judged = sum(rows.num_rows for rows in qrels.values())
            read = judged + sum(left.count for left in self.unjudged)
            heard = (*self.assumed, *losses(self.unjudged))
            return Table(qrels, {}, read, self.unjudged, heard, self.retrieval)
        splits = {name: found for name, found in self.splits.items() if found.rows}
        if not splits:
            raise StudioError(f"{names} holds no rows{self._why()}. Choose a file with rows in it.")
        if "train" not in splits:  # somebody's only split is what there is to learn from
            first = next(iter(splits))
            splits = {"train": splits.pop(first), **splits}
        gathered = list(splits.values())
        tables = {name: splits[name].table() for name in sorted(splits, key=ORDER.index)}
        if self.bare:
            tables, said = part_classes(tables)
            self.assumed += [("class_in_arrays", said)] if said else []
        if list(tables) == ["train"]:
            tables, column = split_by_column(tables["train"])
            if column:
                said = ", ".join(f"{rows.num_rows:,} {name}" for name, rows in tables.items())
                self.assumed.append(("split_column", f'"{column}" tells the splits apart: {said}.'))
        left_out = merged(self.splits.values())
        assumed = [*self.assumed, *self._limits_met(), *losses(left_out), *_oddities(gathered)]
        return Table(
            splits=tables,
            class_names={k: v for found in gathered for k, v in found.class_names.items()},
            read=sum(found.read for found in self.splits.values()),
            left_out=left_out,
            assumed=tuple(dict.fromkeys(assumed)),
            delimited=self.delimited,
        )

    def _why(self) -> str:
        reasons = [reason for found in self.splits.values() for reason in found.left_out]
        return f" that can be used: of the first, {reasons[0]}" if reasons else ""

    def _limits_met(self) -> list[tuple[str, str]]:
        sentences = [
            self._cut_short(split)
            for split, found in sorted(self.splits.items())
            if split in self.full or found.passed_over
        ]
        if cut := sum(found.cut for found in self.splits.values()):
            most = self.limits["cell_characters"]
            sentences.append(f"{cut:,} cells were cut after {most:,} characters.")
        if more := {name for found in self.splits.values() for name in found.too_many}:
            most = self.limits["columns"]
            named = ", ".join(sorted(more)[:3])
            sentences.append(f"Columns beyond the first {most} were left out ({named}, …).")
        return [("truncated_by_limit", sentence) for sentence in sentences]

    def _cut_short(self, split: str) -> str:
        scope, rows = self.scopes.get(split, Scope()), self.splits[split].rows
        read = f"{rows:,} of {scope.there}" if scope.there else f"{rows:,}"
        if not (scope.there and scope.where) and not self.splits[split].passed_over:
            read = f"the first {read}"
        return (
            f"Only {read} rows of {split} were read{scope.where}: up to {self.limits['rows']:,} "
            f"rows and {self.limits['decoded_bytes'] / 1e6:,.0f} MB of text are taken in all."
        )


ORDER = ("train", "validation", "test")


def _oddities(gathered: Iterable[Gathering]) -> list[tuple[str, str]]:
    names = {name for found in gathered for name in found.unsupported if name not in found.columns}
    sentence = "Columns that hold no text, numbers or lists of texts were left out: {}."
    return [("nested", sentence.format(", ".join(sorted(names)[:10])))] if names else []
