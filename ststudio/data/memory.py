"""Memory of the reader process: what it parses may hold far more than it weighs."""

import resource
from pathlib import Path

ROOM = 768 << 20  # bytes of address space beside what the data needs
ROOM_PER_BYTE = 10  # a Python string and its place in a list, for each decoded byte, at worst


def limit_memory(decoded_bytes: int) -> None:
    """Make allocations fail, not the machine, where a file expands to more than it may."""
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = used * resource.getpagesize() + ROOM + ROOM_PER_BYTE * decoded_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
