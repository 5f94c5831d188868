"""Text that only looks like a table, and tables that look like text."""

from collections.abc import Iterator

import pytest

from ststudio.data.tables import Reading, Table
from tests.data.made import Writer
from tests.data.reading import Reader, kept_reader

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with kept_reader(tmp_path_factory.mktemp("dialects")) as kept:
        yield kept


def read(lines: list[str], reader: Reader, name: str = "file.txt") -> Table:
    """Read lines as one file."""
    return reader.read("".join(f"{line}\n" for line in lines).encode(), name)


def said(table: Table) -> dict[str, str]:
    """Return what was assumed, by its code."""
    return dict(table.assumed)


FIRST = "The printer on the second floor does not print in colour.  Please have a look."
AT = FIRST.index("Please")
CHANCE = [f"{FIRST[: AT - 2]}! And so on {n}." for n in range(60)]  # a word begins there, too
SENTENCES = [f"The lamp {n} is off." for n in range(60)]


@pytest.mark.parametrize("others", [SENTENCES, CHANCE])
def test_two_blanks_in_the_first_sentence_make_no_table(others: list[str], reader: Reader) -> None:
    table = read([FIRST, *others], reader)
    assert table.splits["train"].num_columns == 1
    assert (table.rows, table.splits["train"]["text"][0].as_py()) == (61, FIRST)


def test_cells_told_apart_by_their_place_are_said_and_lines_that_do_not_fit_counted(
    reader: Reader,
) -> None:
    rows = [f"{'question':<30}answer", *(f"{f'how do I open {n}':<30}turn it" for n in range(250))]
    long = "a question that is longer than its column and goes on"
    table = read([*rows, long, *rows[1:9]], reader)
    assert table.splits["train"].schema.names == ["question", "answer"]
    assert "told apart by where they begin in a line: at 1, 31." in said(table)["delimiter_assumed"]
    assert [(left.count, left.lines) for left in table.left_out] == [(1, (252,))]
    assert table.rows == 258


def test_labels_do_not_leak_into_the_text(reader: Reader) -> None:
    texts = [Writer(n).say() for n in range(40)]
    lines = [
        f"__label__{'ab'[n % 2]} {'__label__c ' * (n % 4 == 0)}{text}" + " __label__d" * (n == 7)
        for n, text in enumerate(texts)
    ]
    table = read(lines, reader)
    assert table.splits["train"].to_pydict() == {
        "column1": ["ab"[n % 2] for n in range(40)],
        "column2": texts,
    }
    assert "11 lines have several classes" in said(table)["several_labels"]
    assert "begins with its class, such as __label__a." in said(table)["delimiter_assumed"]


def test_a_log_is_no_list_of_classes(reader: Reader) -> None:
    words = [first + last for first in "abcdef" for last in "uvwxyzqrst"]
    levels = ("ERROR", "INFO", "WARN")
    lines = [f"{levels[n % 3]}:{words[n]} went off again" for n in range(60)]
    assert read(lines, reader).splits["train"].num_columns == 1


def test_the_lines_of_such_a_file_can_be_had_whole(reader: Reader) -> None:
    lines = [f"__label__{'ab'[n % 2]} the lamp {n}" for n in range(40)]
    table = read(lines, reader)
    assert table.splits["train"].num_columns == 2 and table.delimited
    whole = reader.read("\n".join(lines).encode(), "file.txt", reading=Reading(delimiter="\t"))
    assert whole.splits["train"]["text"].to_pylist() == lines


def test_what_stands_between_records_is_no_part_of_the_one_above(reader: Reader) -> None:
    lines = []
    for n in range(40):
        lines += [f"Q: how do I open {n}?", "A: turn the key", "   and wait"]
        lines += [""] * (n % 2)  # some stand close together
        lines += ["Chapter two", ""] * (n == 19)
    table = read(lines, reader)
    assert set(table.splits["train"]["A"].to_pylist()) == {"turn the key and wait"}
    assert (table.rows, table.read) == (40, 41)
    assert "belongs to none" in said(table)["ragged_rows"]


RECORDS = {
    'begin with "Q", "A"': "Q: how do I open {}?\nA: turn the key\n",
    "a heading": "## how do I open {}?\n\nturn the key\n",
    "two lines between": "how do I open {}?\nturn the key\n",
}


@pytest.mark.parametrize("told", RECORDS)
def test_rows_of_several_lines_are_said_and_can_be_undone(told: str, reader: Reader) -> None:
    text = "\n".join(RECORDS[told].format(n) for n in range(40))
    table = reader.read(text.encode(), "file.txt")
    assert table.rows == 40 and table.delimited
    assert told in said(table)["records_assumed"]
    whole = reader.read(text.encode(), "file.txt", reading=Reading(delimiter="\t"))
    assert whole.splits["train"].num_columns == 1 and whole.rows >= 79  # "#" marks a comment


PROSE = (
    "The keys of the east wing are kept at the front desk, where they are handed\n"
    "out against a signature; whoever takes one brings it back on the same day,\n"
    "and says so where it was lost on the way home.\n\n"
)
VERSE = "the lamp is lit\nand nobody comes down the long stairs tonight\nto see\nwho knocked\n\n"
CAPTIONS = "A lamp stands on the desk of the hall.\nA man reads beside the lamp there.\n" * 2 + "\n"


def test_a_paragraph_broken_at_a_width_is_one_text_and_can_be_undone(reader: Reader) -> None:
    text = "".join(PROSE.replace("east", f"east{n}") for n in range(12)).encode()
    table = reader.read(text, "file.txt")
    assert table.splits["train"]["text"][3].as_py() == " ".join(
        PROSE.replace("east", "east3").split()
    )
    assert (table.rows, table.read) == (12, 12)
    assert "the lines between empty ones" in said(table)["records_assumed"]
    assert reader.read(text, "file.txt", reading=Reading(delimiter="\t")).rows == 36


@pytest.mark.parametrize(
    "block",
    [VERSE, CAPTIONS, PROSE.replace("\n", "\tx\n"), PROSE.replace("; ", '";"')],
    ids=["verse", "captions", "tabs", "quoted cells"],
)
def test_lines_that_do_not_go_on_below_are_no_paragraph(block: str, reader: Reader) -> None:
    table = reader.read((block * 12).encode(), "file.txt")
    assert "records_assumed" not in said(table)


def test_a_bar_inside_a_cell_of_a_wiki_table_is_kept(reader: Reader) -> None:
    rows = [f'| {n} | a \\| b says "{n}" | turn the key |' for n in range(9)]
    table = read(["# Keys", "", "| # | question | answer |", "|---|---|---|", *rows], reader)
    assert table.splits["train"]["question"][1].as_py() == 'a | b says "1"'
    assert table.splits["train"].schema.names == ["#", "question", "answer"]
    assert (table.rows, table.read) == (9, 9)


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_a_column_called_by_the_mark_for_numbers_is_no_comment(mark: str, reader: Reader) -> None:
    rows = [f"{n}{mark}how do I open it{mark}turn the key" for n in range(40)]
    table = read([f"#{mark}question{mark}answer", *rows], reader, "file.csv")
    assert table.splits["train"].schema.names == ["#", "question", "answer"]
