"""What the doctor says: findings, fixes, and the diagnosis they add up to."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ststudio.data.cases import LabelKind

if TYPE_CHECKING:
    from ststudio.data.rows import Rows
    from ststudio.data.tables import Retrieval

Level = Literal["error", "warning", "info"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Fix:
    """One step that mends or reshapes the rows: a key of FIXES and its arguments."""

    code: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FixKind:
    """One kind of fix: what it is called on the page, what it takes, what it does."""

    title: str  # filled in with the arguments
    step: Callable[..., Any]  # (Reading | Table | Wish | Rows | recipe, **args) → the same, changed
    stage: Literal["reading", "table", "wish", "rows", "recipe"] = "rows"
    args: Mapping[str, type | tuple[type, ...]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    of: str | None = None  # the case that it makes another of; None where it mends
    corpus: "Callable[[Retrieval], Retrieval] | None" = None  # what it does to a set's own corpus
    retold: Callable[..., Any] | None = None  # (frames, **args) → the same, in a train.py


@dataclass(frozen=True)
class Finding:
    """One thing the doctor saw. An error blocks the run, a warning and an info do not."""

    level: Level
    code: str
    message: str
    fix: Fix | None = None


@dataclass(frozen=True)
class Label:
    """The column that holds the score or the class."""

    column: str
    kind: LabelKind


@dataclass(frozen=True)
class Diagnosis:
    """What a table is, how it is read, and what is wrong with it."""

    case: str | None
    confidence: float
    runner_up: str | None
    columns: dict[str, str]  # role: source column
    label: Label | None
    rows: dict[str, Any]  # read, kept, left_out, left_out_lines
    splits: dict[str, int]  # rows kept of each split that the source names
    findings: tuple[Finding, ...]
    preview: list[dict[str, Any]]
    fixes: tuple[Fix, ...] = ()  # the chain that was applied
    parts: dict[str, dict[str, int]] = field(default_factory=dict)  # rows and units of each
    dropped: dict[str, int] = field(default_factory=dict)  # rows that no part has, by reason
    prepared: "Rows | None" = field(default=None, repr=False, compare=False)  # after all fixes

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Return the findings that block a run."""
        return tuple(finding for finding in self.findings if finding.level == "error")

    def to_json(self) -> dict[str, Any]:
        """Return the shape of the /diagnose endpoint."""
        return {
            "case": self.case,
            "confidence": self.confidence,
            "runner_up": self.runner_up,
            "columns": dict(self.columns),
            "label": asdict(self.label) if self.label else None,
            "rows": self.rows,
            "splits": self.splits,
            "findings": [asdict(finding) for finding in self.findings],
            "preview": self.preview,
            "parts": self.parts,
            "dropped": self.dropped,
        }


def count(number: int, one: str, many: str = "") -> str:
    """Say a number of things: 1 row, 1,200 rows."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def quoted(names: list[str] | tuple[str, ...], most: int = 5) -> str:
    """Name a few things, and say how many more there are."""
    said = ", ".join(f'"{name}"' for name in names[:most])
    return said if len(names) <= most else f"{said} and {len(names) - most} more"


def per_cent(share: float) -> str:
    """Say a share in whole per cent, and that there is one where it is less: 12%, under 1%."""
    return "under 1%" if 0 < share < 0.01 else f"{share:.0%}"
