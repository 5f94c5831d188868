"""What is said of a map, in words and lists; every text of the data is escaped."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ststudio.compare.moved import Moved

TEXT_CHARACTERS = 160
TITLES = {"base": "Before (base)", "tuned": "After (fine-tuned)"}


def trust_words(measures: Mapping[str, float], caveat: str) -> str:
    """Say how far the picture can be trusted, and how much changed whatever the picture shows."""
    before, after = (measures[f"trustworthiness_{name}"] for name in ("base", "tuned"))
    kept = measures["neighbour_overlap"]
    return (
        f"<p><b>How much changed:</b> of a text's ten nearest texts, <b>{100 * kept:.0f} %</b> are "
        "the same before and after. This is counted by the models' own vectors, not in the picture."
        "<br><b>How far to trust the picture:</b> trustworthiness "
        f"<b>{before:.2f}</b> before and <b>{after:.2f}</b> after. At 1.00 dots that lie side by "
        "side are always texts that the model finds alike; at 0.50 that is chance. "
        f"{caveat}</p>"
    )


def moved_html(
    moved: Sequence[Moved], points: Sequence[Mapping[str, Any]], what: str, groups: bool
) -> str:
    """List the texts that moved most, each with whom it was among and with whom it is now."""
    if not moved:
        return "<p>No text moved: to both models the texts lie alike, to a hundredth.</p>"
    rows = []
    for one in moved:
        own = points[one.row]["group"] if groups else ""
        own = f'<span class="own">{html.escape(own)}</span> ' if own else ""
        rows.append(
            f'<li><button type="button" data-row="{one.row}">{_cut(points[one.row]["text"])}'
            f"</button><div>{own}{_way(one)}; its cosines changed by {one.far:.2f}, "
            f"it keeps {one.kept} of its {one.of} nearest</div></li>"
        )
    return (
        "<p>Ordered by how much a text's cosines with other texts changed, in mean, beyond what "
        "changed alike for all: by the models' own vectors, not in the picture. From and to: "
        f"{what} that most of its ten nearest texts have.</p>"
        f"<ol>{''.join(rows)}</ol>"
    )


def _way(one: Moved) -> str:
    before, after = (f"<b>{html.escape(name)}</b>" for name in (one.before, one.after))
    if not one.before and not one.after:
        return "among texts without a name for it"
    if one.before == one.after:
        return f"stays among {before}"
    return f"from among {before if one.before else 'others'} to {after if one.after else 'others'}"


def neighbours_html(
    about: str, found: Mapping[str, Any], points: Sequence[Mapping[str, Any]], note: str = ""
) -> str:
    """Show the nearest texts before and after, side by side, with their cosines."""
    columns = []
    for side, other in (("base", "tuned"), ("tuned", "base")):
        elsewhere = {row for row, _ in found[other]}
        items = "".join(
            _neighbour(row, score, points[row], side, row in elsewhere)
            for row, score in found[side]
        )
        columns.append(f'<div class="hits {side}"><h4>{TITLES[side]}</h4><ol>{items}</ol></div>')
    stay = len({row for row, _ in found["base"]} & {row for row, _ in found["tuned"]})
    return (
        f"<p>Nearest to <b>{about}</b>, by each model's own vectors and not by the picture: "
        f"{stay} of {len(found['tuned'])} stay. {note}</p><div class='sides'>{''.join(columns)}"
        "</div>"
    )


def _neighbour(row: int, score: float, point: Mapping[str, Any], side: str, stays: bool) -> str:
    change = {"base": ("down", "leaves"), "tuned": ("up", "new")}[side]
    mark = "" if stays else f'<span class="{change[0]}">{change[1]}</span>'
    group = f"<span>{html.escape(point['group'])}</span>" if point["group"] else ""
    width = 100 * max(0.0, min(score, 1.0))
    return (
        f'<li><button type="button" data-row="{row}">{_cut(point["text"])}</button>'
        f'<div class="facts"><span class="score"><i style="width:{width:.0f}%"></i></span>'
        f"{score:.3f} {group} {mark}</div></li>"
    )


def quoted(text: str) -> str:
    """Return a text of the data or of the visitor in quotes, cut and escaped."""
    return f"“{_cut(text)}”"


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return html.escape(flat if len(flat) <= TEXT_CHARACTERS else flat[: TEXT_CHARACTERS - 1] + "…")
