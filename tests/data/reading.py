"""One reader process for many files: a process for each would cost half a second each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ststudio.child import Child
from ststudio.data.tables import AS_FOUND, Part, Reading, Table, open_table, reading_limits

TICKS = 100  # of the processor, a second


@dataclass
class Reader:
    """A reader process that is kept, with the limits of the app."""

    child: Child
    folder: Path
    files: int = 0

    def read(
        self, data: bytes, name: str, seconds: float = 60, reading: Reading = AS_FOUND
    ) -> Table:
        """Read bytes as a file of that name; StudioError, ChildDied and TimeoutError come out."""
        self.files += 1
        path, out = self.folder / f"{self.files}", self.folder / f"{self.files}-out"
        path.write_bytes(data)
        message = {
            "parts": [{**asdict(Part(path, name)), "path": str(path)}],
            "out": str(out),
            "limits": reading_limits(),
            "reading": asdict(reading),
            "sought": [],
        }
        try:
            self.child.ask(message, seconds)
        finally:
            path.unlink()
        return open_table(out)

    def worked(self) -> float:
        """Return the seconds that the process has computed, however busy the machine is."""
        stat = Path(f"/proc/{self.child.process.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / TICKS


@contextmanager
def kept_reader(folder: Path) -> Iterator[Reader]:
    """Start one reader, and end it afterwards."""
    child = Child("read", folder / "home")
    try:
        yield Reader(child, folder)
    finally:
        child.kill()
