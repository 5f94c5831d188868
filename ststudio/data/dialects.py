"""How delimited text was written: what stands above the table, its quotes, its stranger marks."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from ststudio.data.names import names_a_role

LOOKED_AT = 200  # lines
MOST_ABOVE = 12  # lines before the table begins
NEARLY_ALL = 0.95  # of the lines, before a stranger mark counts as the delimiter
UNIT = "\x1f"  # what a delimiter of several characters is written as
LONG_DELIMITERS = ("|||", "||", "::")

COMMENT = re.compile(r"\s*(#(?!\s*[|\t,;])|//|%|--\s)")  # "#, question" names a column of numbers
SEPARATOR = re.compile(r'\s*"?sep=.{0,2}"?\s*', re.IGNORECASE)  # what Excel is told
RULE = frozenset("|:+=- \t")
BAR = re.compile(r"(?<!\\)\|")
INNER = re.compile(r'\\"(?!\s*([,;\t|]|$))')
OUTER = re.compile(r'\\"\s*([,;\t|]|$)')
QUOTED = re.compile(r'(^|[,;\t|])\s*"')
SPACED = {mark: re.compile(f"[,;|] +{mark}") for mark in "'\""}
WRAPPED = re.compile(r'"[^"]*,""([^"]|"")*"""?')
WRAPPED_PLAIN = re.compile(r'"[^"]*,[^"]*"')  # a row without quotes of its own, as a header is
COUNTED = re.compile(
    r"\s*\(?\d+ rows?( in set)?\b.{0,20}\s*"
)  # what a database says below its rows
AROUND = re.compile(r"\S +[|;\x1f] +\S")
GAP = re.compile(r"(?<=[^\s,;|]) {2,}(?=\S)")  # between two cells of a printed row
LEAST_PADDED = 5  # rows that line up, before that is no chance
FASTTEXT = re.compile(r"\s*__label__(\S+)")
MORE_LABELS = re.compile(r"(?:^|\s)__label__\S+")
TREC = re.compile(r"[A-Z]{2,8}:[A-Za-z_]+(?=\s)")
RETURNS = 3  # times that one of TREC's classes is met, on average at least: a log's words differ


Said = list[tuple[str, str]]  # (finding code, sentence about the file's {name})


def rewritten(lines: Sequence[str], decided: bool) -> tuple[Sequence[str], Said]:
    """Return lines as CSV has them, one for one: no Markdown rules, long delimiters, escapes.

    Says also how cells were told apart where no delimiter does it, unless one was decided on.
    """
    sample = [line for line in lines[:LOOKED_AT] if line.strip()]
    if not decided and (said := _labels(sample, lines)):
        return [_labelled(line) for line in lines], said
    for applies, write in FORMS:
        if sample and applies(sample):
            return [write(line) for line in lines], []
    if decided:
        return lines, []
    if mark := _long_delimiter(sample):
        return [line.replace(mark, UNIT) for line in lines], []
    if not (starts := _fixed_widths(sample)):
        return lines, []
    places = ", ".join(str(start + 1) for start in starts)
    told = f"The cells of {{name}} are told apart by where they begin in a line: at {places}."
    return [_parted(line, starts) for line in lines], [("delimiter_assumed", told)]


def _share(lines: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, lines)) / max(1, len(lines))


def _long_delimiter(sample: Sequence[str]) -> str:
    for mark in LONG_DELIMITERS if sample else ():
        many, count = Counter(line.count(mark) for line in sample).most_common(1)[0]
        if many and count >= NEARLY_ALL * len(sample):
            return mark
    return ""


def _fixed_widths(sample: Sequence[str]) -> list[int]:
    """Return where the cells begin of rows that are padded with blanks, as printed tables are."""
    if len(sample) < LEAST_PADDED or any("\t" in line for line in sample):
        return []
    starts = [gap.end() for gap in GAP.finditer(sample[0])]
    whole = all(_begins(line, at) for line in sample for at in starts)
    apart = all(2 * sum(_is_apart(line, at) for line in sample) > len(sample) for at in starts)
    return [0, *starts] if starts and whole and apart else []


def _begins(line: str, at: int) -> bool:
    """Tell whether a cell begins there, or the line has ended before."""
    return line[at - 1 : at] in ("", " ", "\n", "\r") and line[at : at + 1] != " "


def _is_apart(line: str, at: int) -> bool:
    """Tell whether a cell begins there behind blanks: a sentence reaches there by chance."""
    return line[at - 2 : at] == "  " and bool(line[at : at + 1].strip())


def _parted(line: str, starts: Sequence[int]) -> str:
    """Return a line's cells, or the line itself where it does not fit: then it is left out."""
    if not all(_begins(line, at) for at in starts):
        return line
    ends = [*starts[1:], len(line)]
    cells = (line[start:end].strip() for start, end in zip(starts, ends, strict=True))
    return UNIT.join(cells) + "\n" if line.strip() else line


def _labels(sample: Sequence[str], lines: Sequence[str]) -> Said:
    """Say that lines begin with their class, as fastText's and TREC's do; nothing of others."""
    told = "Each line of {name} begins with its class, such as "
    if sample and _share(sample, lambda line: bool(FASTTEXT.match(line))) >= NEARLY_ALL:
        said = [("delimiter_assumed", f"{told}{sample[0].split()[0]}.")]
        several = sum(len(MORE_LABELS.findall(line)) > 1 for line in lines)
        more = f"In {{name}} {several:,} lines have several classes: the first was taken."
        return said + [("several_labels", more)] * (several > 0)
    marks = [mark[0] for line in sample if (mark := TREC.match(line))]
    recur = len(set(marks)) * RETURNS <= len(marks)
    if marks and recur and len(marks) >= NEARLY_ALL * len(sample):
        return [("delimiter_assumed", f"{told}{marks[0]}.")]
    return []


def _labelled(line: str) -> str:
    """Write a line that begins with its class as a class, a delimiter and a text."""
    if mark := FASTTEXT.match(line):
        return f"{mark[1]}{UNIT}{MORE_LABELS.sub('', line).strip()}\n"
    mark = TREC.match(line)
    return f"{mark[0]}{UNIT}{line[mark.end() :].lstrip()}" if mark else line


def _is_framed(sample: Sequence[str]) -> bool:
    """Tell whether rows stand between bars; around a Markdown table may stand a page's text."""
    rows = [line.strip() for line in sample if not _is_rule(line) and not COUNTED.fullmatch(line)]
    framed = [row[0] == row[-1] == "|" for row in rows]
    page = any(map(_is_markdown_rule, sample)) and 2 * sum(framed) > len(framed)
    return bool(rows) and (page or all(framed))


def _unframed(line: str) -> str:
    inner = line.strip().strip("|")
    if not inner or _is_rule(inner) or COUNTED.fullmatch(inner):
        return "\n"
    return "|".join(_cell(cell.strip()) for cell in BAR.split(inner)) + "\n"


def _cell(cell: str) -> str:
    """Quote a cell that holds a bar of its own, which Markdown writes behind a backslash."""
    return '"' + cell.replace("\\|", "|").replace('"', '""') + '"' if "\\|" in cell else cell


def _has_rule(sample: Sequence[str]) -> bool:
    return len(sample) > 1 and _is_rule(sample[1])


def _is_rule(line: str) -> bool:
    """Tell whether a line only parts the names from the rows, as Markdown and databases do."""
    marks = set(line.strip())
    return "-" in marks and marks <= RULE and len(marks) > 1


def _is_markdown_rule(line: str) -> bool:
    return _is_rule(line) and line.strip()[0] == line.strip()[-1] == "|" and "+" not in line


def _unruled(line: str) -> str:
    return "\n" if _is_rule(line) or COUNTED.fullmatch(line) else line


def _is_wrapped(sample: Sequence[str]) -> bool:
    """Tell whether whole rows were quoted once more."""
    return _share(sample, lambda line: bool(WRAPPED.fullmatch(line.strip()))) >= NEARLY_ALL - 0.05


def _unwrapped(line: str) -> str:
    inner = line.strip()
    whole = WRAPPED.fullmatch(inner) or WRAPPED_PLAIN.fullmatch(inner)
    return inner[1:-1].replace('""', '"') + "\n" if whole else line


def _escapes(sample: Sequence[str]) -> bool:
    """Tell whether a backslash stands before quotes inside cells, not only at ends of paths."""
    inner = sum(len(INNER.findall(line)) for line in sample)
    outer = sum(len(OUTER.findall(line)) for line in sample)
    return inner > 0 and 2 * inner >= outer


def _unescaped(line: str) -> str:
    return line.replace('\\"', '""') if QUOTED.search(line) else line


FORMS: tuple[tuple[Callable[[Sequence[str]], bool], Callable[[str], str]], ...] = (
    (_is_framed, _unframed),
    (_is_wrapped, _unwrapped),
    (_has_rule, _unruled),
    (_escapes, _unescaped),
)


def quote_mark(sample: Sequence[str]) -> str:
    """Return the character that cells are quoted with."""
    filled = [line for line in sample if line.strip()]
    single = _share(filled, _is_single_quoted)
    return "'" if single >= 0.8 and not any('"' in line[:1] for line in filled) else '"'


def _is_single_quoted(line: str) -> bool:
    line = line.strip()
    opened = line[0] == "'" and any(f"'{mark}" in line for mark in ",;\t|")
    return opened or (
        line[-1] == "'" and any(f"{mark}'" in line or f"{mark} '" in line for mark in ",;\t|")
    )


def is_spaced(sample: Sequence[str], quote: str) -> bool:
    """Tell whether blanks stand around delimiters that are no part of the cells."""
    quoted = _share(sample, lambda line: bool(SPACED[quote].search(line))) >= 0.3
    return quoted or _share(sample, lambda line: bool(AROUND.search(line))) >= 0.9


def comments_above(lines: Sequence[str]) -> int:
    """Return how many lines stand above the table that say by their mark that they are no rows."""
    skipped = 0
    for line in lines[:MOST_ABOVE]:
        if line.strip() and not COMMENT.match(line) and not SEPARATOR.fullmatch(line):
            break
        skipped += 1
    above = [line for line in lines[:skipped] if line.strip()]
    return skipped if above and skipped < len(lines) else 0


def titles_above(rows: Sequence[tuple[int, list[str]]]) -> int:
    """Return how many of the first rows are too narrow to belong to the table below them."""
    widths = [_width(cells) for _, cells in rows]
    if not widths:
        return 0
    usual, many = Counter(widths).most_common(1)[0]
    if usual < 2 or many < 0.8 * len(widths):
        return 0
    for place, width in enumerate(widths[:MOST_ABOVE]):
        below = [cell for _, cells in rows[place + 1 : place + 2] for cell in cells]
        named_below = width < usual and place and any(map(names_a_role, below))
        if width == usual or (width > 1 and width >= usual - 1 and not named_below):
            return place
    return 0


def _width(cells: list[str]) -> int:
    return max((place for place, cell in enumerate(cells, 1) if cell.strip()), default=0)
