"""Files of which only some bytes are here: what of them is missing, said before anything breaks."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from ststudio.data.tables import Missing, Part, Span

BLOCK = 64 << 10  # bytes asked for at least: a smaller answer takes as long
NEAR = 64 << 10  # bytes between two spans that are cheaper fetched than left out


class Hole(Exception):
    """Bytes were asked for that are not here."""


class HoledFile:
    """A file object that notes which of the bytes asked for are missing, and raises Hole."""

    closed = False

    def __init__(self, part: Part) -> None:
        assert part.size is not None
        self.part, self.size = part, part.size
        self.block = BLOCK
        self.missed: list[Span] = []
        self._position = 0

    def read(self, count: int = -1) -> bytes:
        """Read as a file does."""
        end = self.size if count < 0 else min(self._position + count, self.size)
        if gaps((self._position, end), self.part.has):
            block = (self._position, min(max(end, self._position + self.block), self.size))
            self.missed += gaps(block, self.part.has)
            raise Hole
        with self.part.path.open("rb") as file:
            file.seek(self._position)
            data = file.read(max(end - self._position, 0))
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move as in a file."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._position

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read anywhere."""
        return True

    def close(self) -> None:
        """Do nothing: no file stays open."""


def gaps(wanted: Span, has: Sequence[Span]) -> list[Span]:
    """Return what is wanted and not here."""
    start, stop = wanted
    found: list[Span] = []
    for here_from, here_to in has:
        if here_to <= start or here_from >= stop:
            continue
        if here_from > start:
            found.append((start, here_from))
        start = max(start, here_to)
    return found + [(start, stop)] if start < stop else found


def joined(spans: Iterable[Span], near: int = 0) -> list[Span]:
    """Return spans in order, those that touch or lie near each other made one."""
    result: list[Span] = []
    for start, stop in sorted(spans):
        if result and start <= result[-1][1] + near:
            result[-1] = (result[-1][0], max(stop, result[-1][1]))
        elif start < stop:
            result.append((start, stop))
    return result


def need(wanted: Iterable[tuple[Part, Iterable[Span]]]) -> None:
    """Raise Missing where any of the spans that are wanted is not here."""
    missing: dict[str, list[Span]] = {}
    for part, spans in wanted:
        if part.whole:
            continue
        found = [gap for span in joined(spans, NEAR) for gap in gaps(span, part.has)]
        if found:
            missing.setdefault(str(part.path), []).extend(found)
    if missing:
        raise Missing(missing)


def prefix_of(part: Part) -> bytes:
    """Return the bytes that are here from the beginning on, up to the first that is not."""
    with Path(part.path).open("rb") as file:
        return file.read(prefix_bytes(part))


def prefix_bytes(part: Part) -> int:
    """Count the bytes that are here from the beginning on."""
    return part.has[0][1] if part.has and part.has[0][0] == 0 else 0
