"""Curves as one SVG: a small picture each, below each other."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tests.soak.judge import Verdict

_WIDTH, _HEIGHT, _LEFT, _TEXT = 900, 70, 10, 18


def svg(verdicts: Sequence[Verdict], whole_s: float) -> str:
    """The quarters are marked; each picture reaches from 0 to its largest value."""
    step = _HEIGHT + _TEXT + 8
    pictures = "\n".join(_picture(each, whole_s, number * step) for number, each in enumerate(verdicts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH + 2 * _LEFT}" height="{len(verdicts) * step + 10}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n{pictures}\n</svg>\n'
    )


def _picture(each: Verdict, whole_s: float, top: int) -> str:
    most = max(value for _, value in each.curve.points) or 1.0
    base = top + _TEXT + _HEIGHT
    points = " ".join(f"{_LEFT + _WIDTH * at_s / whole_s:.1f},{base - _HEIGHT * value / most:.1f}" for at_s, value in each.curve.points)
    quarters = "".join(
        f'<line x1="{_LEFT + _WIDTH * part / 4}" y1="{top + _TEXT}" x2="{_LEFT + _WIDTH * part / 4}" y2="{base}" stroke="#ccc"/>'
        for part in range(5)
    )
    words = f"{each.curve.name}: 2nd quarter {each.second:,.6g}, last {each.last:,.6g} {each.curve.unit} (top {most:,.6g})"
    colour = "#06c" if each.is_good else "#c00"
    return (
        f'<text x="{_LEFT}" y="{top + 13}">{escape(words)}</text>{quarters}'
        f'<line x1="{_LEFT}" y1="{base}" x2="{_LEFT + _WIDTH}" y2="{base}" stroke="#999"/>'
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    )
