"""Figures as SVG that stands in any page by itself: no script, every text of the data escaped."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ststudio.palette import BASE, GAIN, GRID, INK, LOSS, TUNED

WIDTH, LEFT, RIGHT = 640, 64, 12
VERDICTS = {"WIN": GAIN, "REGRESSION": LOSS, "MARGINAL": BASE}
ROOM = 0.08  # of the range, at both of its ends

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """Values along one side of a drawing, and where they lie in it."""

    low: float
    high: float
    start: float
    stop: float

    @classmethod
    def around(cls, values: Sequence[float], start: float, stop: float) -> "Axis":
        """Return an axis with a little room around all values."""
        low, high = min(values), max(values)
        room = ROOM * (high - low) or 0.01
        return cls(low - room, high + room, start, stop)

    def at(self, value: float) -> float:
        """Return where a value lies."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 1)


def curve(points: Points, title: str, colour: str = TUNED) -> str:
    """Draw values over steps; nothing where there are fewer than two."""
    points = [point for point in points if all(map(math.isfinite, point))]
    if len(points) < 2:
        return ""
    across = Axis.around([x for x, _ in points], LEFT, WIDTH - RIGHT)
    down = Axis.around([y for _, y in points], 150, 12)
    line = " ".join(f"{across.at(x)},{down.at(y)}" for x, y in points)
    parts = [
        *_rules(down),
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
        _text(LEFT, 170, f"step {points[0][0]:g}"),
        _text(WIDTH - RIGHT, 170, f"step {points[-1][0]:g}", "end"),
    ]
    return _figure(parts, 180, title)


def interval(report: Mapping[str, Any], title: str) -> str:
    """Draw both scores, and the interval of the change around the base's."""
    baseline, score = report["baseline"], report["score"]
    low, high = (baseline + bound for bound in report["interval"])
    if not all(map(math.isfinite, (baseline, score, low, high))):
        return ""
    across = Axis.around([baseline, score, low, high], LEFT + 40, WIDTH - RIGHT - 40)
    at, middle = across.at, 60
    parts = [
        f'<line x1="{at(baseline)}" x2="{at(baseline)}" y1="12" y2="88" stroke="{INK}" '
        'stroke-dasharray="3 3"/>',
        f'<line x1="{at(low)}" x2="{at(high)}" y1="{middle}" y2="{middle}" '
        f'stroke="{VERDICTS.get(report["verdict"], BASE)}" stroke-width="4"/>',
        f'<circle cx="{at(baseline)}" cy="30" r="7" fill="{BASE}"/>',
        f'<circle cx="{at(score)}" cy="{middle}" r="7" fill="{TUNED}"/>',
        _text(4, 34, "base model"),
        _text(4, middle + 4, "fine-tuned"),
        _text(at(baseline) + 12, 34, f"{baseline:.3f}"),
        _text(at(score) + 12, middle - 10, f"{score:.3f}"),
    ]
    return _figure(parts, 96, title)


def histograms(found: Mapping[str, Any], title: str) -> str:
    """Draw how similar both models find pairs that belong together and others.

    `found` has the shape of training/anatomy.py's anatomy().
    """
    edges = found["edges"]
    across = Axis(edges[0], edges[-1], LEFT, WIDTH - RIGHT)
    parts = []
    for number, (model, name, colour) in enumerate(
        (("base", "base model", BASE), ("tuned", "fine-tuned", TUNED))
    ):
        bottom = 100 + 116 * number
        shares = {
            kind: [count / max(found["pairs"][kind], 1) for count in found[model][kind]]
            for kind in ("together", "apart")
        }
        down = Axis(0.0, max(max(share) for share in shares.values()) or 1.0, bottom, bottom - 84)
        for kind, filled in (("together", True), ("apart", False)):
            parts += _bars(shares[kind], edges, across, down, colour, filled)
        parts.append(_text(4, bottom - 70, name))
        parts.append(_line_across(bottom))
    parts += [
        _text(LEFT, 236, f"cosine {edges[0]:.2f}"),
        _text(WIDTH - RIGHT, 236, f"{edges[-1]:.2f}", "end"),
    ]
    return _figure(parts, 244, title)


def _bars(
    shares: Sequence[float],
    edges: Sequence[float],
    across: Axis,
    down: Axis,
    colour: str,
    filled: bool,
) -> list[str]:
    look = f'fill="{colour}"' if filled else f'fill="none" stroke="{INK}"'
    return [
        f'<rect x="{across.at(left)}" width="{across.at(right) - across.at(left):.1f}" '
        f'y="{down.at(share)}" height="{down.start - down.at(share):.1f}" {look}/>'
        for share, left, right in zip(shares, edges, edges[1:], strict=False)
        if share
    ]


def _rules(down: Axis) -> list[str]:
    """Draw lines across at round places, each with its value."""
    parts = []
    for number in range(4):
        value = down.low + (down.high - down.low) * (number + 0.5) / 4
        parts.append(_line_across(down.at(value)))
        parts.append(_text(LEFT - 6, down.at(value) + 4, f"{value:.3g}", "end"))
    return parts


def _line_across(y: float) -> str:
    return f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="{GRID}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="12" fill="currentColor" text-anchor="{anchor}">'
        f"{html.escape(text)}</text>"
    )


def _figure(parts: Sequence[str], height: int, title: str) -> str:
    words = html.escape(title)
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{words}">'
        f"{''.join(parts)}</svg><figcaption>{words}</figcaption></figure>"
    )
