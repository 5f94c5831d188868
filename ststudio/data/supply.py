"""Files of a dataset on the Hub, their bytes fetched as the reader asks for them."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ststudio.data.partial import gaps, joined
from ststudio.data.tables import Part, Span, Spans
from ststudio.errors import StudioError
from ststudio.fetch import DatasetRef, download_file
from ststudio.remote import HubAway, RemoteFile
from ststudio.settings import MB
from ststudio.transfer import sha256

AT_ONCE = 4  # requests


class Supply:
    """The files of some splits, and how much of them is here."""

    def __init__(
        self,
        ref: DatasetRef,
        splits: Mapping[str, Sequence[RemoteFile]],
        folder: Path,
        token: str | None,
        most_bytes: int,
    ) -> None:
        self.ref, self.token, self.bytes_left = ref, token, most_bytes
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        self._files: dict[str, RemoteFile] = {}
        self._parts: dict[str, Part] = {}
        for split, files in splits.items():
            for file in sorted(files, key=lambda file: file.path):
                path = folder / f"{len(self._parts)}-{file.path.rpartition('/')[2]}"
                if file.bytes:
                    self._files[str(path)] = file
                    self._parts[str(path)] = Part(path, file.path, split, size=file.bytes)
        if not self._parts:
            raise StudioError(f"The files of {ref.id} are empty. Choose another dataset.")

    @property
    def parts(self) -> list[Part]:
        """Return all files, with what is here of each."""
        return list(self._parts.values())

    def fetch(self, missing: Spans) -> list[Part]:
        """Get bytes, and return all files anew; raise StudioError where they are too many."""
        wanted = [
            (path, gap)
            for path, spans in missing.items()
            if path in self._files
            for start, stop in joined((start, stop) for start, stop in spans)
            for gap in gaps((max(start, 0), min(stop, self._files[path].bytes)), self._has(path))
        ]
        total = sum(stop - start for _, (start, stop) in wanted)
        if not wanted or total > self.bytes_left:
            raise StudioError(
                f"{self.ref.id} keeps its rows in pieces too large to be read in parts: "
                f"{total / MB:,.0f} MB more are needed. Choose a smaller subset, or upload a part "
                "of it as Parquet or JSONL."
            )
        self.bytes_left -= total
        with ThreadPoolExecutor(AT_ONCE) as pool:
            tasks = [pool.submit(self._get, path, span) for path, span in wanted]
            try:
                for task in tasks:
                    task.result()
            finally:
                pool.shutdown(cancel_futures=True)  # of no use after the first that failed
        for path, span in wanted:
            self._note(path, span)
        return self.parts

    def _has(self, path: str) -> tuple[Span, ...]:
        return self._parts[path].has

    def _get(self, path: str, span: Span) -> None:
        file, part = self._files[path], self._parts[path]
        if span == (0, file.bytes):
            download_file(self.ref, file, part.path, self.token)
            return
        with part.path.open("ab"):
            os.truncate(part.path, file.bytes)  # sparse: only what is written takes room
        download_file(self.ref, file, part.path, self.token, span)

    def _note(self, path: str, span: Span) -> None:
        part, file = self._parts[path], self._files[path]
        part = self._parts[path] = replace(part, has=tuple(joined([*part.has, span])))
        pieces = part.whole and span != (0, file.bytes)
        if pieces and file.sha256 is not None and sha256(part.path) != file.sha256:
            raise HubAway(f"{file.path} of {self.ref.id!r} arrived damaged. Try again.")
