"""The README's tree and tables are true."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import yaml

from ststudio.settings import GB, MB, Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def tree() -> list[tuple[str, str]]:
    """Return the paths that the README's tree names, and what it says of each."""
    block = README.split("```\napp.py", 1)[1].split("```", 1)[0]
    told, folders = [], list[str]()
    for line in ("app.py" + block).splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, words = line.strip().partition(" ")
        if not name:
            continue
        folders = folders[:depth]
        told.append(("/".join([*folders, name.rstrip("/")]), words.strip()))
        if name.endswith("/"):
            folders.append(name.rstrip("/"))
    return told


def test_the_tree_says_of_every_module_what_its_first_line_says_and_names_nothing_else() -> None:
    modules = [
        (str(path.relative_to(ROOT)), first_line(path))
        for path in (ROOT / "ststudio").rglob("*.py")
        if path.name != "__init__.py"
    ]
    named = [line for line in tree() if line[0].endswith(".py") and line[0].startswith("ststudio")]
    assert sorted(named) == sorted(modules)


def first_line(module: Path) -> str:
    words = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    assert words, module
    return words.splitlines()[0].rstrip(".")


def test_the_change_table_names_files_that_exist() -> None:
    table = README.split("## To change", 1)[1].split("## Limits")[0]
    rows = re.findall(r"^\| [^|]+ \| `([^`]+)`", table, re.M)
    assert len(rows) >= 6
    for path in rows:
        assert (ROOT / path).exists(), path


def limits() -> dict[str, list[str]]:
    """Return the cells of the table of limits by the settings' names."""
    rows = re.findall(r"^\| `STSTUDIO_([A-Z_]+)` \|(.+)\|$", README, re.M)
    return {name.lower(): [cell.strip() for cell in cells.split("|")] for name, cells in rows}


def as_number(cell: str) -> int:
    figure, _, unit = cell.partition(" ")
    return int(figure.replace(",", "")) * {"": 1, "MB": MB, "GB": GB}[unit]


def test_the_table_of_limits_is_the_settings() -> None:
    table = limits()
    assert set(table) == {field.name for field in fields(Settings)}
    for field in fields(Settings):
        default, private, meaning = table[field.name]
        assert meaning
        if field.type is int:
            assert as_number(default) == field.default, field.name
            assert private == "–" or as_number(private) > field.default, field.name


def test_what_suits_a_private_duplicate_can_be_set() -> None:
    asked = {
        f"STSTUDIO_{name.upper()}": str(as_number(cells[1]))
        for name, cells in limits().items()
        if cells[1] != "–"
    }
    settings = Settings.from_environment(asked)
    assert settings.run_seconds == 2 * 3600 and settings.kept_hours == 7 * 24
    assert settings.rows == 1_000_000 and settings.model_parameters == 1_000_000_000


def test_the_front_matter_fits_the_pins() -> None:
    front = yaml.safe_load(README.split("---")[1])
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert f"gradio[oauth]=={front['sdk_version']}" in pins
    assert len(front["short_description"]) < 60


def test_the_visible_top_level_is_the_five() -> None:
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert visible - {"__pycache__"} == {
        "README.md",
        "app.py",
        "requirements.txt",
        "ststudio",
        "tests",
    }
