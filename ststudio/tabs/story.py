"""What was found in a dataset, in words and as a table; every text of the data is escaped."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ststudio.data.cases import CASES
from ststudio.data.findings import count
from ststudio.settings import Settings
from ststudio.tabs.session import Session

EMPTY = (
    "### Pick a dataset above\n"
    "How it will be read, its first rows and any problems will appear here."
)
READING = "### Reading all the rows\nThese are the first ones as they are; what they mean follows."
CELL_CHARACTERS = 400  # of a text shown in the preview
LEVEL_WORDS = {"error": "Blocks the run:", "warning": "Look at this:", "info": "Good to know:"}


def story(session: Session) -> str:
    """Say in words what was found."""
    found = session.diagnosis
    if found is None:
        return f"{READING} {_plain(session.glance_words)}" if session.glance else EMPTY
    if found["case"] is None:
        return "### This cannot be trained on yet\nThe finding below says what is missing."
    case = CASES[found["case"]]
    named = [(role, _plain(column)) for role, column in found["columns"].items()]
    roles = ", ".join(
        f"the {role} is column **{column}**" if column != role else f"**{role}**"
        for role, column in named
    )
    label = found["label"]
    if label:
        roles += f"; the {label['kind']} is column **{_plain(label['column'])}**"
    rows = found["rows"]
    counts = count(rows["kept"], "row")
    if rows["left_out"]:
        counts += f" ({rows['left_out']:,} of {rows['read']:,} left out)"
    sure = ""
    if found["runner_up"]:
        other = CASES[found["runner_up"]].title
        sure = f" This reading is {found['confidence']:.0%} certain; it might also be: {other}."
    return (
        f"### {_plain(found['title'])} · {case.title}\n"
        f"{case.explanation} Here {roles}.{sure}\n\n{counts}. "
        f"Measured by **{case.metric_title}** on rows that training never sees."
    )


PART_WORDS = {
    "train": "learned from",
    "dev": "watched while training, to keep the best moment",
    "test": "measured once at the end, by both models",
}
DROPPED_WORDS = {
    "leak": "dropped from dev or test, because another part has a text of theirs, too",
    "over_limit": "left out of dev and test, which are large enough without them",
    "rare_class": "dropped, because nothing else of their class is there to compare with",
}


def parts_words(session: Session) -> str:
    """Say what each part is for and how large it is, and what was dropped on the way."""
    found = session.diagnosis
    if found is None or not found["parts"]:
        return ""
    case = CASES[found["case"]]
    lines = [
        f"- **{name}**: {part['rows']:,} rows, {part['units']:,} different "
        f"{case.unit} texts, {PART_WORDS[name]}"
        for name, part in found["parts"].items()
    ]
    lines += [
        f"- {number:,} rows {DROPPED_WORDS[reason]}" for reason, number in found["dropped"].items()
    ]
    own = " and ".join(name for name in found["splits"] if name != "train")
    how = f"The dataset's own {own} is kept." if own else "They are cut from the rows"
    how += "" if own else f" so that no {case.unit} text stands in two parts."
    return f"{how}\n\n" + "\n".join(lines)


def _plain(text: str) -> str:
    """Keep a column's name from being read as Markdown or HTML."""
    return html.escape(text).replace("*", "\\*").replace("_", "\\_").replace("[", "\\[")


def table_html(session: Session) -> str:
    """Return the preview exactly as the loss will read it: inputs in order, the label last."""
    found = session.diagnosis
    if found is None:
        return _rows_html("The first rows", session.glance, {})
    loss = found["loss"] or {"name": "the loss", "reads": {}}
    rows = [_with_name(row, found["class_names"]) for row in found["preview"]]
    return _rows_html(f"What {loss['name']} will see", rows, loss["reads"])


def _with_name(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Put the name of a class behind its number, where it has another one."""
    number = row.get("label")
    if not isinstance(number, int) or number >= len(names) or names[number] == str(number):
        return dict(row)
    return {**row, "label": f"{number} ({names[number]})"}


def _rows_html(title: str, rows: Sequence[Mapping[str, Any]], reads: Mapping[str, str]) -> str:
    """Return rows as a table, below each name what the loss makes of its column."""
    if not rows:
        return ""
    names = list(rows[0])
    head = "".join(
        f'<th scope="col"><span>{html.escape(name)}</span>'
        f"<div>{html.escape(reads.get(name, ''))}</div></th>"
        for name in names
    )
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_cell(row[name]))}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="rows"><h4>{html.escape(title)}</h4>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: object) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…"


def finding_html(finding: dict[str, Any], words: Mapping[str, str] = LEVEL_WORDS) -> str:
    """Return one finding, its text escaped: it may quote the visitor's rows."""
    level = finding["level"]
    return (
        f'<div class="finding {level}"><b>{words[level]}</b> '
        f"{html.escape(finding['message'])}</div>"
    )


def limits(settings: Settings) -> str:
    """Say what a file may be, and how long its rows are kept."""
    return (
        f"CSV, TSV, TXT, JSON, JSONL or Parquet, up to {settings.upload_bytes // 1_000_000} MB and "
        f"{settings.rows:,} rows. Your rows are kept for {settings.kept_hours} hours, so that you "
        "can train on them; then they are deleted, and the file with them."
    )
