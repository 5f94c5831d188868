"""What is wrong with the rows and mends it by a click, and how else they could be read."""

import html
from typing import Any

import gradio as gr

from ststudio.data.cases import CASES
from ststudio.data.delimited import DELIMITERS
from ststudio.data.encodings import ENCODINGS
from ststudio.data.findings import Fix
from ststudio.data.reshape import FIXES, describe, parse_fixes
from ststudio.tabs import explained
from ststudio.tabs.examination import Json, again
from ststudio.tabs.session import Session
from ststudio.tabs.story import finding_html
from ststudio.tabs.visitor import visitor_token

HANDLER: Json = {"api_visibility": "private", "show_progress": "minimal"}
AS_FOUND = "as found"
FOLDED = 3  # so many findings that only inform stand behind a click
HEADERS = {"holds the names": "first_row_is_header", "is data already": "first_row_is_data"}


@explained
def apply_fix(session: Session, fix: Json, request: gr.Request | None = None) -> Session:
    """Add one fix to the chain and look again."""
    return again(session, visitor_token(request), fixes=(*session.fixes, fix))


@explained
def undo_fix(session: Session, place: int, request: gr.Request | None = None) -> Session:
    """Take one fix out of the chain and look again."""
    kept = (*session.fixes[:place], *session.fixes[place + 1 :])
    return again(session, visitor_token(request), fixes=kept)


@explained
def set_case(session: Session, case: str, request: gr.Request | None = None) -> Session:
    """Read the rows as another case; its roles are guessed anew."""
    return _decided(session, request, ("use_case", {"case": case}))


@explained
def set_role(
    session: Session, role: str, column: str, request: gr.Request | None = None
) -> Session:
    """Give a role another column; the role that had it takes the one that is left."""
    found = session.diagnosis or {}
    columns = found["columns"]
    moved = [(other, columns[role]) for other, taken in columns.items() if taken == column]
    assigned = [(role, column), *((other, left) for other, left in moved if other != role)]
    fixes = [("assign", {"role": one, "column": other}) for one, other in assigned]
    return _decided(session, request, ("use_case", {"case": found["case"]}), *fixes)


@explained
def set_label(session: Session, column: str, request: gr.Request | None = None) -> Session:
    """Take another column as the label of the case."""
    found = session.diagnosis or {}
    kind = CASES[found["case"]].label or "class"
    return _decided(session, request, ("use_label", {"column": column, "kind": kind}))


def _decided(session: Session, request: gr.Request | None, *steps: tuple[str, Json]) -> Session:
    """Put what the visitor decided at the end of the chain, once: it can be undone like a fix."""
    added = [{"code": code, "args": args} for code, args in steps]
    kept = [fix for fix in session.fixes if fix not in added]
    return again(session, visitor_token(request), fixes=(*kept, *added))


@explained
def read_file(
    session: Session,
    encoding: str,
    delimiter: str,
    header: str,
    request: gr.Request | None = None,
) -> Session:
    """Read the text between delimiters as the visitor says."""
    others = [fix for fix in session.fixes if FIXES[fix["code"]].stage != "reading"]
    chosen: list[Json] = []
    if encoding != AS_FOUND:
        chosen.append({"code": "read_encoding", "args": {"encoding": encoding}})
    if delimiter != AS_FOUND:
        chosen.append({"code": "read_delimiter", "args": {"delimiter": delimiter}})
    if header != AS_FOUND:
        chosen.append({"code": HEADERS[header], "args": {}})
    return again(session, visitor_token(request), fixes=(*chosen, *others))


# Findings that depend on the base model: the Fine-tune tab shows them beside its choice.
# One at a time, for all visitors: Gradio draws several at once into one dictionary and loses some.
RENDER: Json = {"concurrency_limit": 1, "concurrency_id": "render", "show_progress": "hidden"}
OF_MODEL = ("too_long", "needs_prompt", "prompt_twice", "model_prompts", "model_unread")


def build_findings(session: gr.State, of_model: bool = False) -> None:
    """Draw the findings in order of harm, each fix a button, then what was done."""

    @gr.render(inputs=session, **RENDER)
    def draw(now: Session) -> None:
        if now.diagnosis is None:
            return
        findings = now.diagnosis["findings"]
        if of_model:
            findings = [finding for finding in findings if finding["code"] in OF_MODEL]
        _draw_findings(findings, session)
        for place, fix in enumerate(parse_fixes(now.fixes)):
            if not of_model or FIXES[fix.code].stage == "recipe":
                _draw_done(fix, place, session)


def _draw_findings(findings: list[Json], session: gr.State) -> None:
    """Draw what blocks, warns or has a fix, and below it what only informs."""
    quiet = [f for f in findings if f["level"] == "info" and not f["fix"]]
    for finding in findings:
        if finding not in quiet:
            _draw_finding(finding, session)
    if quiet:
        with gr.Accordion(f"Good to know ({len(quiet)})", open=len(quiet) < FOLDED):
            for finding in quiet:
                gr.HTML(finding_html(finding), padding=False)


def _draw_finding(finding: Json, session: gr.State) -> None:
    with gr.Row(equal_height=True, elem_classes="finding-row"):
        gr.HTML(finding_html(finding), padding=False)
        if finding["fix"]:
            words = describe(parse_fixes([finding["fix"]])[0])
            _button(words, apply_fix, session, finding["fix"])


def _draw_done(fix: Fix, place: int, session: gr.State) -> None:
    with gr.Row(equal_height=True, elem_classes="finding-row"):
        done = html.escape(describe(fix))
        gr.HTML(f'<div class="finding done"><b>Done:</b> {done}</div>', padding=False)
        _button("Undo", undo_fix, session, place)


def _button(words: str, handler: Any, session: gr.State, value: Any) -> None:  # noqa: ANN401
    button = gr.Button(words[:1].upper() + words[1:], size="sm", min_width=160, scale=0)
    button.click(handler, [session, gr.State(value)], session, **HANDLER)


def build_reading(session: gr.State) -> None:
    """Draw the choices by which the visitor overrules what was found."""

    @gr.render(inputs=session, **RENDER)
    def draw(now: Session) -> None:
        found = now.diagnosis
        if found is None:
            gr.Markdown("Pick a dataset first.")
            return
        if found["delimited"]:
            _file_choices(now, session)
        case = gr.Dropdown(
            [(known.title, key) for key, known in CASES.items()],
            value=found["case"],
            label="Case",
            interactive=True,
        )
        case.input(set_case, [session, case], session, **HANDLER)
        if found["case"] is not None:
            if not any(FIXES[fix["code"]].of for fix in now.fixes):  # else: undo that first
                _role_choices(found, session)
            _reshape_choice(found["case"], session)


def _role_choices(found: Json, session: gr.State) -> None:
    case = CASES[found["case"]]
    with gr.Row():
        for role in case.columns:
            column = gr.Dropdown(
                found["available"],
                value=found["columns"].get(role),
                label=f"{role[:1].upper()}{role[1:]} is the column",
                interactive=True,
            )
            column.input(set_role, [session, gr.State(role), column], session, **HANDLER)
        if case.label:
            label = gr.Dropdown(
                found["available"],
                value=(found["label"] or {}).get("column"),
                label=f"The {case.label} is the column",
                interactive=True,
            )
            label.input(set_label, [session, label], session, **HANDLER)


def reshapes(case: str) -> list[tuple[str, str]]:
    """Return what a case's rows can be made into: words and fix codes."""
    fixes = [Fix(code, dict(kind.defaults)) for code, kind in FIXES.items() if kind.of == case]
    return [(describe(fix), fix.code) for fix in fixes]


@explained
def make_of(session: Session, code: str, request: gr.Request | None = None) -> Session:
    """Make another case of the rows."""
    fix = {"code": code, "args": {}}
    return again(session, visitor_token(request), fixes=(*session.fixes, fix))


def _reshape_choice(case: str, session: gr.State) -> None:
    choices = reshapes(case)
    if choices:
        choice = gr.Dropdown(
            choices,
            value=None,
            label="Make something else of the rows",
            interactive=True,
        )
        choice.input(make_of, [session, choice], session, **HANDLER)


def _file_choices(now: Session, session: gr.State) -> None:
    codes = {fix["code"]: fix.get("args", {}) for fix in now.fixes}
    headers = {code: words for words, code in HEADERS.items()}
    with gr.Row():
        encoding = gr.Dropdown(
            [AS_FOUND, *ENCODINGS],
            value=codes.get("read_encoding", {}).get("encoding", AS_FOUND),
            label="The file's encoding is",
            interactive=True,
        )
        delimiter = gr.Dropdown(
            [AS_FOUND, *((words, mark) for mark, words in DELIMITERS.items())],
            value=codes.get("read_delimiter", {}).get("delimiter", AS_FOUND),
            label="Its cells are parted by",
            interactive=True,
        )
        header = gr.Dropdown(
            [AS_FOUND, *HEADERS],
            value=next((headers[code] for code in codes if code in headers), AS_FOUND),
            label="Its first row",
            interactive=True,
        )
    chosen = [encoding, delimiter, header]
    for choice in chosen:
        choice.input(read_file, [session, *chosen], session, **HANDLER)
