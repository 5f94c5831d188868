"""The table of who may import whom, read from the sources with ast."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ststudio"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the bottom up: a module imports only from its own layer and those below.
LAYERS = (
    ("errors", "settings", "palette"),
    (
        "child",
        "conversion",
        "fetch",
        "fetched_model",
        "listing",
        "patience",
        "remote",
        "signing_in",
        "transfer",
        "shelf",
        "tokenizer_file",
        "model_input",
        "model_files",
        "model_config",
        "model_shape",
        "rerankers",
    ),
    ("data",),
    ("training", "runs.run", "runs.documents"),
    ("compare", "hub", "runs"),
    ("guard", "tabs"),
    ("ui",),
    ("worker",),
)
SCREEN = {"ui.py", "tabs"}
TORCH_LIBRARIES = {"torch", "sentence_transformers", "transformers", "accelerate", "umap"}
WORKER_MODULES = {
    "worker.py",
    "training/train.py",
    "training/trainer.py",
    "training/tokenizer_json.py",
    "training/bucketing.py",
    "training/packing.py",
    "training/vocabulary.py",
    "training/graphs.py",
    "training/tokens.py",
    "training/models.py",
    "training/zero.py",
    "training/arguments.py",
    "training/adapted.py",
    "training/kept.py",
    "training/live.py",
    "training/made.py",
    "training/measuring.py",
    "training/mining.py",
    "training/hardness.py",
    "training/neighbours.py",
    "training/evaluation.py",
    "training/classifier.py",
    "training/anatomy.py",
    "training/remembered.py",
    "training/race.py",
    "training/failures.py",
    "training/calibration.py",
    "compare/search.py",
    "compare/held.py",
    "compare/embed.py",
    "compare/projection.py",
    "compare/closest.py",
    "compare/cross_encoder.py",
}


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layer(dotted: str) -> int:
    found = [
        (len(name), number)
        for number, names in enumerate(LAYERS)
        for name in names
        if dotted == name or dotted.startswith(name + ".")
    ]
    assert found, f"{dotted} stands in no layer; add it to the table"
    return max(found)[1]


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_imports_only_from_its_layer_and_below(path: Path) -> None:
    name = dotted(path)
    if not name:
        return
    for imported in imports(path):
        if imported.startswith("ststudio."):
            target = imported.removeprefix("ststudio.")
            assert layer(target) <= layer(name), f"{name} imports {target}, which is above it"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_gradio_stays_on_the_screen(path: Path) -> None:
    if path.relative_to(PACKAGE).parts[0] not in SCREEN:
        assert not {name for name in imports(path) if name.split(".")[0] == "gradio"}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_torch_stays_in_workers(path: Path) -> None:
    if str(path.relative_to(PACKAGE)) not in WORKER_MODULES:
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & TORCH_LIBRARIES


def test_a_tab_imports_no_other_tab() -> None:
    tabs = {"data", "train", "compare", "push", "learn"}
    for name in tabs:
        path = PACKAGE / "tabs" / f"{name}.py"
        if not path.exists():
            continue
        for imported in imports(path):
            parts = imported.split(".")
            if parts[:2] == ["ststudio", "tabs"] and len(parts) > 2 and parts[2] in tabs - {name}:
                raise AssertionError(f"tabs/{name}.py imports {imported}")


def test_the_page_is_up_without_torch_and_without_what_takes_a_second() -> None:
    code = (
        "import sys, os, tempfile\n"
        "os.environ['STSTUDIO_DATA'] = tempfile.mkdtemp()\n"
        "import app\n"
        "from ststudio.ui import build_ui\n"
        "build_ui()\n"
        f"loaded = {[*sorted(TORCH_LIBRARIES), 'scipy.stats', 'sklearn']!r}\n"
        "print([name for name in loaded if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr
