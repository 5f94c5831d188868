"""One run on disk: the only file that knows the layout of a run's directory."""

import json
import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ststudio.runs.documents import Document, Json, changed, read_json, write_json

Name = Literal["recipe", "facts", "report", "anatomy", "sizes", "push", "job", "opened"]
State = Literal["queued", "running", "finished", "failed", "stopped", "interrupted"]
ENDED: frozenset[str] = frozenset({"finished", "failed", "stopped", "interrupted"})

# Beside the runs, for all of them; the number changes with the file's shape.
VECTORS = "vectors-1.sqlite"
GENERAL = "general-1.parquet"


@dataclass(frozen=True)
class Run:
    """One run: a directory that says what was asked, what happened and what came out."""

    path: Path

    report = Document()  # before and after on the test rows
    anatomy = Document()  # how similar both models find the test pairs
    sizes = Document()  # what was measured of smaller vectors
    push = Document()  # where the push stands
    job = Document()  # where the longer run on Hugging Face Jobs stands
    opened = Document()  # {id, revision, for} of a pushed model; None of a real run

    def make(self, recipe: Json, facts: Json, owner: str) -> None:
        """Write the directory of a new run, which waits; `owner` is the hash of its key."""
        self.path.mkdir(parents=True)
        self.write("recipe", recipe)
        self.write("facts", facts)
        write_json(self.path / "owner.json", {"sha256": owner})
        write_json(self.path / "state.json", {"state": "queued", "created": time.time()})

    @property
    def exists(self) -> bool:
        """Tell whether the run is here, whole."""
        return (self.path / "state.json").exists()

    @property
    def owner(self) -> str:
        """Return the hash of the owner's key."""
        return str(read_json(self.path / "owner.json")["sha256"])

    @property
    def id(self) -> str:
        """Return the name that whoever has it may look the run up by."""
        return self.path.name

    @property
    def examples_dir(self) -> Path:
        """Return the folder of train, dev, test, corpus, queries and relevant."""
        return self.path / "examples"

    @property
    def taught_file(self) -> Path:
        """Return the file of the rows that were learned from, where they are not train's own."""
        return self.examples_dir / "taught.parquet"

    @property
    def model_dir(self) -> Path:
        """Return the folder of the fine-tuned model; it exists when the model is whole."""
        return self.path / "model"

    @property
    def base_dir(self) -> Path:
        """Return the folder of the base model this run started from."""
        return Path(read_json(self.path / "base.json")["folder"])

    @property
    def has_base(self) -> bool:
        """Tell whether the models this run starts from are here."""
        return (self.path / "base.json").exists()

    @property
    def guide_dir(self) -> Path:
        """Return the folder of the model that guides the loss."""
        return Path(read_json(self.path / "guide.json")["folder"])

    @property
    def built_dir(self) -> Path:
        """Return the folder of the model that was built for this run, before it learned."""
        return self.path / "built"

    @property
    def racer_dirs(self) -> list[Path]:
        """Return the folders of the base models that a race starts from, one a racer."""
        return [Path(folder) for folder in read_json(self.path / "racers.json") or ()]

    @property
    def embeddings_dir(self) -> Path:
        """Return the folder of points.parquet, base.npy and tuned.npy."""
        return self.path / "embeddings"

    @property
    def vectors_file(self) -> Path:
        """Return the file of base vectors that all runs share."""
        return self.path.parent / VECTORS

    @property
    def general_file(self) -> Path:
        """Return the file of the benchmark's pairs that all runs share, if it was fetched."""
        return self.path.parent / GENERAL

    @property
    def scratch_dir(self) -> Path:
        """Return the folder of what is of no use once the run has ended."""
        return self.path / "scratch"

    @property
    def kept_file(self) -> Path:
        """Return the weights kept so far, where the GPU may be taken away at any moment."""
        return self.scratch_dir / "kept.safetensors"

    @property
    def recipe(self) -> Json:
        """Return what was asked, as JSON."""
        return dict(read_json(self.path / "recipe.json") or {})

    @property
    def facts(self) -> Json:
        """Return what is known before training: title, case, base model, counts, notes."""
        return dict(read_json(self.path / "facts.json") or {})

    @property
    def state(self) -> Json:
        """Return the state record: `state`, `reason`, `step`, `steps`, times."""
        return dict(read_json(self.path / "state.json") or {"state": "interrupted"})

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will happen to this run."""
        return self.state["state"] in ENDED

    @property
    def stopping(self) -> bool:
        """Tell whether someone asked this run to stop."""
        return (self.path / "stop").exists()

    @property
    def stop_asked(self) -> float:
        """Return when it was asked to stop, in seconds since the epoch, or infinity."""
        return changed(self.path / "stop") or math.inf

    @property
    def has_texts(self) -> bool:
        """Tell whether there are texts of its own that both models have embedded."""
        return self.model_dir.is_dir() and (self.embeddings_dir / "tuned.npy").exists()

    @property
    def has_model(self) -> bool:
        """Tell whether there is a whole fine-tuned model to look at."""
        return self.has_texts or (self.opened is not None and self.model_dir.is_dir())

    def update(self, **changes: Any) -> None:  # noqa: ANN401
        """Replace some fields of the state; one process writes at a time."""
        write_json(self.path / "state.json", {**self.state, **changes})

    @property
    def last_sign(self) -> float:
        """Return when state or log were last written, in seconds since the epoch."""
        return max(changed(self.path / "state.json"), changed(self.path / "log.jsonl"))

    def end(self, state: State, reason: str | None = None) -> None:
        """Write the final state."""
        self.update(state=state, reason=reason, finished=time.time(), eta_seconds=None)

    def ask_to_stop(self) -> None:
        """Leave the flag that the trainer reads at each step."""
        (self.path / "stop").touch()

    def append_log(self, entry: Json) -> None:
        """Add one entry to the live log."""
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def log(self, since: int = 0) -> list[Json]:
        """Return the live log's entries from number `since` on."""
        try:
            lines = (self.path / "log.jsonl").read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines[:-1][since:]]  # a line still written is left

    def add_notes(self, notes: list[str]) -> None:
        """Add sentences to what the page says about this run's rows."""
        self.update_facts(notes=self.facts.get("notes", []) + notes)

    def update_facts(self, **changes: Any) -> None:  # noqa: ANN401
        """Replace some of what is known about this run."""
        self.write("facts", {**self.facts, **changes})

    def write(self, name: Name, value: Json) -> None:
        """Replace one of the run's documents."""
        write_json(self.path / f"{name}.json", value)

    def write_base(self, folder: Path) -> None:
        """Keep where the base model lies."""
        write_json(self.path / "base.json", {"folder": str(folder)})

    def write_opened(self, opened: Json, model: Path, base: Path | None) -> None:
        """Take a pushed model over as a run that has ended, without rows, and maybe without base.

        Nothing says that it is whole before everything is.
        """
        self.write_base(base or self.path / "no-base")
        model.rename(self.model_dir)
        self.write("opened", opened)
        self.end("finished")

    def write_guide(self, folder: Path) -> None:
        """Keep where the model lies that guides the loss."""
        write_json(self.path / "guide.json", {"folder": str(folder)})

    def write_racers(self, folders: list[Path]) -> None:
        """Keep where the base models of a race lie, one a racer."""
        write_json(self.path / "racers.json", [str(folder) for folder in folders])

    def keep_model(self, folder: Path, name: str) -> Path:
        """Copy a model that may go before this run does; return where it lies now."""
        return Path(shutil.copytree(folder, self.path / name))

    def expires(self, kept_hours: int) -> float:
        """Return when this run is deleted, in seconds since the epoch."""
        state = self.state
        return float(state.get("finished") or time.time()) + 3600.0 * kept_hours

    def size(self) -> int:
        """Return the bytes this run takes on the disk; one deleted meanwhile takes none."""
        try:
            return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())
        except FileNotFoundError:
            return 0
