"""Bid and ask over some time, with levels, moments and fills, as SVG text that needs no style of its page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Final, NamedTuple

import numpy as np

from necrozma_core.market.ticks import Ticks

_WIDTH: Final = 920
_HEIGHT: Final = 400
_LEFT: Final = 66
_RIGHT: Final = 176
_TOP: Final = 58
_BOTTOM: Final = 34
_LINE_HEIGHT: Final = 16
_LEGEND: Final = _WIDTH - _RIGHT - 84
_MINUTE_MS: Final = 60_000
_MINUTES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 240, 720, 1_440)

INK: Final = "#1f2328"
FAINT: Final = "#59636e"
BID: Final = "#0969da"
ASK: Final = "#9a6700"
GAIN: Final = "#1a7f37"
LOSS: Final = "#cf222e"
MOVING: Final = "#bc4c00"
WAITING: Final = "#8250df"


class Level(NamedTuple):
    """A price that holds from one moment to another, and moves in steps between.

    Attributes
    ----------
    label, colour : str
    time_ms, points : sequence of int and of float
        Where each step begins, and its price in points.
    until_ms : int
        Where the last one ends.
    """

    label: str
    colour: str
    time_ms: Sequence[int]
    points: Sequence[float]
    until_ms: int


class Fill(NamedTuple):
    """An entry or an exit: where, and what is said of it."""

    label: str
    time_ms: int
    points: float
    buys: bool


class Moment(NamedTuple):
    """A time that something happens at, or a span of it."""

    label: str
    from_ms: int
    until_ms: int


@dataclass(frozen=True)
class TickChart:
    """What is drawn.

    Attributes
    ----------
    title, subtitle : str
    ticks : Ticks
    first, last : int
        The ticks that are drawn.
    levels, fills, moments : list
    """

    title: str
    subtitle: str
    ticks: Ticks
    first: int
    last: int
    levels: list[Level] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)

    def svg(self) -> str:
        """Draw everything as one ``<svg>`` document."""
        frame = _Frame.of(self)
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
            f'height="{_HEIGHT}" role="img" font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif" '
            'font-size="12">',
            f"<title>{escape(self.title)}</title>",
            f'<rect x="0.5" y="0.5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="8" fill="#ffffff" '
            'stroke="#d1d9e0"/>',
            _text(16, 25, self.title, INK, "start", 'font-size="15" font-weight="600"'),
            _text(16, 44, self.subtitle, FAINT),
            *frame.moments(self.moments),
            *frame.grid(self.ticks),
            *frame.quotes(self.ticks, self.first, self.last),
            *(frame.level(level) for level in self.levels),
            *(frame.fill(fill) for fill in self.fills),
            *frame.labels(self.levels, self.fills),
            "</svg>",
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Frame:
    from_ms: int
    until_ms: int
    low: float
    high: float

    @classmethod
    def of(cls, chart: TickChart) -> "_Frame":
        drawn = slice(chart.first, chart.last + 1)
        prices = [float(chart.ticks.bid[drawn].min()), float(chart.ticks.ask[drawn].max())]
        prices += [points for level in chart.levels for points in level.points]
        margin = 0.06 * (max(prices) - min(prices))
        times = chart.ticks.time_ms
        return cls(int(times[chart.first]), int(times[chart.last]), min(prices) - margin, max(prices) + margin)

    def x(self, time_ms: float) -> float:
        share = (time_ms - self.from_ms) / (self.until_ms - self.from_ms)
        return round(_LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, points: float) -> float:
        share = (self.high - points) / (self.high - self.low)
        return round(_TOP + share * (_HEIGHT - _TOP - _BOTTOM), 1)

    def grid(self, ticks: Ticks) -> list[str]:
        right, bottom, lines = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM, []
        pip = int(ticks.points_per_pip)
        step = next(pips for pips in (1, 2, 5, 10, 20, 50, 100) if (self.high - self.low) / (pips * pip) <= 8) * pip
        for points in range(-int(-self.low // step) * step, int(self.high) + 1, step):
            y = self.y(points)
            lines.append(f'<path d="M{_LEFT} {y}H{right}" stroke="#e6eaef"/>')
            lines.append(_text(_LEFT - 8, y + 4, f"{points / ticks.scale:.4f}", FAINT, "end"))
        minutes = next(each for each in _MINUTES if (self.until_ms - self.from_ms) / (each * _MINUTE_MS) <= 9)
        every_ms = minutes * _MINUTE_MS
        for time_ms in range(-(-self.from_ms // every_ms) * every_ms, self.until_ms + 1, every_ms):
            x = self.x(time_ms)
            lines.append(f'<path d="M{x} {bottom}v4" stroke="{FAINT}"/>')
            lines.append(_text(x, bottom + 18, f"{datetime.fromtimestamp(time_ms / 1000, UTC):%H:%M}", FAINT, "middle"))
        lines.append(f'<path d="M{_LEFT} {bottom}H{right}" stroke="{FAINT}"/>')
        return lines

    def quotes(self, ticks: Ticks, first: int, last: int) -> list[str]:
        drawn = slice(first, last + 1)
        lines = []
        for name, prices, colour, x in (("ask", ticks.ask, ASK, _LEGEND), ("bid", ticks.bid, BID, _LEGEND + 44)):
            lines.append(
                self.steps(ticks.time_ms[drawn].tolist(), prices[drawn].tolist(), self.until_ms, colour, "1.2")
            )
            lines.append(f'<path d="M{x} 40h14" stroke="{colour}" stroke-width="2"/>')
            lines.append(_text(x + 18, 44, name, colour))
        return lines

    def steps(
        self, times: Sequence[int], points: Sequence[float], until_ms: int, colour: str, width: str, more: str = ""
    ) -> str:
        path = [f"M{self.x(times[0])} {self.y(points[0])}"]
        for time_ms, before, now in zip(times[1:], points[:-1], points[1:], strict=True):
            if now != before:
                path.append(f"H{self.x(time_ms)}V{self.y(now)}")
        path.append(f"H{self.x(until_ms)}")
        return (
            f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-linejoin="round"{more}/>'
        )

    def level(self, level: Level) -> str:
        more = "" if len(set(level.points)) > 1 else ' stroke-dasharray="6 4"'
        return self.steps(level.time_ms, level.points, level.until_ms, level.colour, "1.8", more)

    def fill(self, fill: Fill) -> str:
        x, y = self.x(fill.time_ms), self.y(fill.points)
        up, colour = (1, GAIN) if fill.buys else (-1, LOSS)
        return (
            f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
            f'<path d="M{x} {round(y + up * 7, 1)}l-6 {up * 10}h12z" fill="{colour}" stroke="#ffffff"/>'
        )

    def labels(self, levels: Sequence[Level], fills: Sequence[Fill]) -> list[str]:
        """Write what the lines and fills are at the right edge, each as near to its price as there is room."""
        wanted = [(self.y(level.points[-1]), level.label, level.colour, level.until_ms) for level in levels]
        wanted += [(self.y(fill.points), fill.label, GAIN if fill.buys else LOSS, fill.time_ms) for fill in fills]
        wanted.sort()
        heights = _spread([y for y, *_ in wanted])
        lines, right = [], _WIDTH - _RIGHT
        for height, (y, label, colour, time_ms) in zip(heights, wanted, strict=True):
            lines.append(
                f'<path d="M{self.x(time_ms)} {y}L{right + 4} {y}L{right + 14} {height}" fill="none" '
                f'stroke="{colour}" stroke-width="0.6" stroke-dasharray="1 3"/>'
            )
            lines.append(_text(right + 18, height + 4, label, colour, "start", 'font-weight="600"'))
        return lines

    def moments(self, moments: Sequence[Moment]) -> list[str]:
        lines, bottom = [], _HEIGHT - _BOTTOM
        for moment in moments:
            x, width = self.x(moment.from_ms), max(self.x(moment.until_ms) - self.x(moment.from_ms), 0)
            if width:
                lines.append(f'<rect x="{x}" y="{_TOP}" width="{width:.1f}" height="{bottom - _TOP}" fill="#eef1f4"/>')
            else:
                lines.append(f'<path d="M{x} {_TOP}V{bottom}" stroke="{FAINT}" stroke-dasharray="2 3"/>')
            near_end = x > (_WIDTH - _RIGHT + _LEFT) / 2
            anchor, at = ("end", x + width - 4 * (not width)) if near_end else ("start", x + 4 * (not width))
            lines.append(_text(at, _TOP + 11, moment.label, FAINT, anchor))
        return lines


def _spread(heights: Sequence[float]) -> list[float]:
    """Move heights, which rise, apart until a line of text fits between any two; within the picture."""
    found = np.array(heights, dtype=np.float64)
    for _ in range(100):
        for at in range(1, len(found)):
            short = _LINE_HEIGHT - (found[at] - found[at - 1])
            if short > 0:
                found[at - 1] -= short / 2
                found[at] += short / 2
        found = np.maximum(found, _TOP + _LINE_HEIGHT * np.arange(len(found)))
    return [round(float(height), 1) for height in found]


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start", more: str = "") -> str:
    more = f" {more}" if more else ""
    return (
        f'<text x="{round(x, 1)}" y="{round(y, 1)}" fill="{colour}" text-anchor="{anchor}"{more}>{escape(text)}</text>'
    )
