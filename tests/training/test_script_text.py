"""Source made of values: what they hold stays a value."""

import ast
from typing import Any

import pytest

from ststudio.training.script_text import WIDTH, call, comment, imported, literal, named

HOSTILE = [
    "",
    'plain "quoted" text',
    "it's",
    """both ' and " and '" """,
    "\\",
    "ends with a backslash \\",
    '"""\nimport os\n"""',
    "'''",
    "{braces} %s {0} {DATA}",
    "line\nbreak\r\nand \x0b \x0c \x1c \x85 \u2028 \u2029",
    "nul \x00 and half \ud800 a character",
    "right to \u202e left \u2066 \u2069",
    "emoji 🎈 東京",
    "# -*- coding: utf-7 -*-",
    "#\n# ///",
    "x" * 300,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_read_back_as_it_was_and_shows_what_cannot_be_seen(text: str) -> None:
    source = literal(text)
    assert ast.literal_eval(source) == text
    assert source.isprintable() and source.encode()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1.5,
        1e-300,
        [],
        {},
        {"a": [1, "b"]},
        HOSTILE,
        {text: text for text in HOSTILE},
    ],
)
def test_lists_and_objects_are_read_back_too(value: Any) -> None:
    assert ast.literal_eval(literal(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x", {1, 2}])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        literal(value)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_comment_is_nothing_but_lines_of_comment(text: str) -> None:
    said = comment(f"{text} /// script {text}")
    assert all(line.startswith("# ") and line.isprintable() for line in said.split("\n")[:-1])
    assert said.endswith("\n") and "///" not in said
    assert ast.parse(said).body == []


def test_long_calls_have_an_argument_a_line() -> None:
    short = call("f", named({"a": 1, "b": "x"}))
    assert short == 'f(a=1, b="x")\n'
    long = call("f", named({"prompts": {f"column {n}": "x" * 30 for n in range(5)}, "b": 2}))
    assert all(len(line) <= WIDTH for line in long.split("\n"))
    assert ast.parse(long) and long.count("\n") == 10


def test_imports_are_grouped_by_module() -> None:
    found = imported({"torch", "datasets:load_dataset", "a.b:C", "a.b:d", "a.b:A"})
    assert found == "import torch\nfrom a.b import A, C, d\nfrom datasets import load_dataset\n"
