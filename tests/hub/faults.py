"""What can go wrong between the Hub and its clients, on demand."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

MESSAGES = {
    401: "Invalid credentials in Authorization header",
    402: "Pre-paid credit balance is insufficient - add more credits to your account to use Jobs.",
    403: "Forbidden: you must have write access to do this",
    429: "We had to rate limit your IP. To continue using our service, log in.",
    500: "Internal Error - We're working hard to fix this as soon as possible!",
}


@dataclass
class Fault:
    """One thing to do wrong to the requests whose `METHOD path` matches."""

    match: str
    status: int | None = None
    retry_after: int | None = None  # seconds
    hang_seconds: float = 0
    reset: bool = False
    truncate: bool = False
    after: bool = False  # do the work first, then lose the answer
    times: int | None = 1  # None: for ever
    whole: bool = False  # take no notice of a Range
    hits: int = 0

    def fits(self, target: str) -> bool:
        """Say whether this fault is meant for the request and not used up."""
        if self.times is not None and self.hits >= self.times:
            return False
        return self.match in target or re.search(self.match, target) is not None

    def headers(self) -> dict[str, str]:
        """Say what is wrong and how long to wait, in the headers that clients obey."""
        headers = {"X-Error-Message": self.message()}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
            if self.status == 429:
                headers["RateLimit"] = f'"api";r=0;t={self.retry_after}'
                headers["RateLimit-Policy"] = '"fixed window";"api";q=500;w=300'
        return headers

    def message(self) -> str:
        """Word the error as the Hub does."""
        return MESSAGES.get(self.status or 500, MESSAGES[500])


class Faults:
    """The faults waiting to happen, first come, first served."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()
        self.closing = threading.Event()  # ends every hang when the Hub goes down

    def add(self, fault: Fault) -> Fault:
        """Arm one fault."""
        with self._lock:
            self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Disarm all faults."""
        with self._lock:
            self._waiting.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """Use up one turn of the first fault that fits, after its hang."""
        with self._lock:
            fault = next((f for f in self._waiting if f.fits(f"{method} {path}")), None)
            if fault is None:
                return None
            fault.hits += 1
        self.closing.wait(fault.hang_seconds)
        return fault
