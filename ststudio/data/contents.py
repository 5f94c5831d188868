"""The content of a file that is not Parquet: unpacked, no more than allowed, of a known kind."""

import gzip
import io
import zlib
from collections.abc import Mapping, Sequence

from ststudio.data.gather import Gathering
from ststudio.data.partial import need, prefix_bytes, prefix_of
from ststudio.data.tables import Part
from ststudio.errors import StudioError

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
PIECE = 1 << 20  # bytes unpacked at once
ROW_BYTES = 128  # a guess at the first look
FIRST_LEAST, FIRST_MOST = 64 << 10, 2 << 20  # bytes of the first look; later ones add as much


def is_parquet(part: Part) -> bool:
    """Tell a Parquet file by its first bytes, or by its name while they are not here."""
    if not part.whole:
        return part.name.lower().endswith(".parquet")
    with part.path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


def look_first(parts: Sequence[Part], limits: Mapping[str, int]) -> None:
    """Raise Missing where the first is not here, for the beginnings of as many as may be enough."""
    guess = min(max(limits["rows"] * ROW_BYTES, FIRST_LEAST), FIRST_MOST)
    left = min(guess, limits["decoded_bytes"] + 1)
    wanted = []
    for part in parts:
        if part.size is None or part.has or left <= 0:
            break
        wanted.append((part, [(0, min(part.size, max(left, FIRST_LEAST)))]))
        left -= min(part.size, left)
    need(wanted)


def look_everywhere(parts: Sequence[Part], limits: Mapping[str, int]) -> None:
    """Raise Missing for all that the budget holds: what is sought may stand in any of them."""
    left = limits["decoded_bytes"]
    wanted = []
    for part in parts:
        if part.size is None or left <= 0:
            break
        wanted.append((part, [(0, min(part.size, left))]))
        left -= min(part.size, left)
    need(wanted)


def look_further(part: Part, gathered: Gathering | None, limits: Mapping[str, int]) -> None:
    """Raise Missing for what it takes to get all rows that may be read, if there is more."""
    here, most = prefix_bytes(part), min(part.size or 0, limits["decoded_bytes"] + 1)
    if here >= most:
        return
    enough = 4 * here
    if gathered and gathered.rows:
        enough = int(here * 1.1 * (gathered.rows + gathered.rows_left) / gathered.rows)
    if gathered and gathered.sought:
        enough = most  # what is sought may stand anywhere
    need([(part, [(here, min(most, max(enough, here + here // 4, here + FIRST_LEAST)))])])


def load(part: Part, most: int) -> bytes:
    """Return the content as far as it is here, unpacked, up to one byte more than allowed."""
    if part.whole:
        with part.path.open("rb") as file:
            packed = file.read(len(GZIP)) == GZIP
            file.seek(0)
            content = _unpack(file, part, most) if packed else file.read(most + 1)
    else:
        content = prefix_of(part)
        packed = content.startswith(GZIP)
        content = _unpack(io.BytesIO(content), part, most) if packed else content[: most + 1]
    if content.startswith(GZIP) or (content.startswith(PARQUET) and len(content) > most):
        raise StudioError(
            f"{part.name} unpacks to what cannot be read within {most / 1e6:,.0f} MB. "
            "Unpack it, and choose a smaller part."
        )
    return content


def _unpack(file: io.BufferedIOBase, part: Part, most: int) -> bytes:
    """Unpack as far as it goes: where only the beginning is here, the end is no damage."""
    content = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            while piece := unpacked.read(min(PIECE, most + 1 - content.tell())):
                content.write(piece)
    except (OSError, EOFError, zlib.error):
        if part.whole or not content.tell():
            raise StudioError(f"{part.name} is damaged: it cannot be unpacked.") from None
    return content.getvalue()
