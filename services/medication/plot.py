"""A plain picture of doses and of their effect over time, as SVG: lines that go by steps, and marks for single days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 960
PANEL_HEIGHT: Final = 260
LEFT, RIGHT, TOP, BOTTOM, GAP = 62, 40, 30, 44, 26
LEGEND_LINE: Final = 20
TICKS_MAX: Final = 8
DAY_NAMES_MAX: Final = 12
# Okabe and Ito's colours, which also people who see red and green alike can tell apart; each with its own dashes.
STROKES: Final = (
    ("#0072B2", ""), ("#D55E00", "7 4"), ("#009E73", "2 3"), ("#CC79A7", "9 3 2 3"), ("#56B4E9", "4 4"), ("#7F6000", "1 2"),
)  # fmt: skip
PLAIN: Final = "#555555"
FONT: Final = 'font-family="sans-serif" font-size="12" fill="#222222"'


@dataclass(frozen=True)
class Line:
    """From each day on, this value; up to `until`. Day 0 is the plan's first."""

    label: str
    points: Sequence[tuple[int, float]]
    until: int


@dataclass(frozen=True)
class Marks:
    """Single days: a dot at the value, or a cross where there was none."""

    label: str
    points: Sequence[tuple[int, float | None]]


@dataclass(frozen=True)
class Panel:
    """One diagram: what is drawn, and in which unit."""

    title: str
    lines: Sequence[Line]
    marks: Sequence[Marks] = ()


def picture(title: str, panels: Sequence[Panel], day_name: Callable[[int], str]) -> str:
    """The panels one below the other, over the same days; `day_name` says what stands under a day."""
    drawn = panels[0]
    legend = [one.label for one in drawn.lines] + [one.label for one in drawn.marks]
    top = TOP + LEGEND_LINE * len(legend)
    height = top + len(panels) * (PANEL_HEIGHT + BOTTOM + GAP)
    first = min(day for panel in panels for line in panel.lines for day, _ in line.points)
    last = max(first + 1, *(line.until for panel in panels for line in panel.lines))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" {FONT}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="18" font-size="15" font-weight="bold">{escape(title)}</text>',
        *_legend(drawn),
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, top + number * (PANEL_HEIGHT + BOTTOM + GAP), (first, last), day_name)
    return "\n".join([*parts, "</svg>\n"])


def _legend(panel: Panel) -> list[str]:
    parts = []
    for place, line in enumerate(panel.lines):
        y = TOP + LEGEND_LINE * place + 6
        parts += [f'<path d="M{LEFT} {y}h34" {_stroke(place)}/>', _text(LEFT + 44, y + 4, line.label)]
    for place, marks in enumerate(panel.marks, start=len(panel.lines)):
        y = TOP + LEGEND_LINE * place + 6
        crosses = any(value is None for _, value in marks.points)
        parts += [_cross(LEFT + 17, y) if crosses else _dot(LEFT + 17, y), _text(LEFT + 44, y + 4, marks.label)]
    return parts


def _panel(panel: Panel, top: int, days: tuple[int, int], day_name: Callable[[int], str]) -> list[str]:
    values = [value for line in panel.lines for _, value in line.points]
    values += [value for marks in panel.marks for _, value in marks.points if value is not None]
    ticks = _ticks(max([*values, 0.0]) or 1.0)
    floor, height, width = top + GAP + PANEL_HEIGHT, PANEL_HEIGHT, WIDTH - LEFT - RIGHT
    first, last = days

    def x(day: int) -> str:
        return _number(LEFT + width * (day - first) / (last - first))

    def y(value: float) -> str:
        return _number(floor - height * value / ticks[-1])

    parts = [_text(LEFT, top + GAP - 10, panel.title, 'font-weight="bold"')]
    for tick in ticks:
        parts.append(f'<path d="M{LEFT} {y(tick)}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        parts.append(_text(LEFT - 8, float(y(tick)) + 4, f"{tick:g}", 'text-anchor="end"'))
    for day in _days(first, last):
        parts.append(f'<path d="M{x(day)} {floor}v5" stroke="#222222"/>')
        parts.append(_text(x(day), floor + 20, day_name(day), 'text-anchor="middle"'))
    parts.append(f'<path d="M{LEFT} {floor}H{WIDTH - RIGHT}" stroke="#222222"/>')
    for place, line in enumerate(panel.lines):
        parts.append(f'<path d="{_steps(line, x, y)}" {_stroke(place)}/>')
    for marks in panel.marks:
        parts += [_cross(x(day), floor) if value is None else _dot(x(day), y(value)) for day, value in marks.points]
    return parts


def _steps(line: Line, x: Callable[[int], str], y: Callable[[float], str]) -> str:
    (first, value), *rest = line.points
    path = f"M{x(first)} {y(value)}" + "".join(f"H{x(day)}V{y(after)}" for day, after in rest)
    return f"{path}H{x(line.until)}"


def _ticks(most: float) -> list[float]:
    """From 0 past the highest value by a round step."""
    step = next(
        size
        for power in range(-4, 6)
        for size in (10.0**power, 2 * 10.0**power, 2.5 * 10.0**power, 5 * 10.0**power)
        if most / size <= TICKS_MAX - 1
    )
    ticks = [0.0]
    while ticks[-1] < most:
        ticks.append(round(ticks[-1] + step, 6))
    return ticks


def _days(first: int, last: int) -> list[int]:
    """Whole weeks from the plan's first day, as many at a time as keeps the names apart."""
    sizes = (7 * weeks for weeks in (1, 2, 4, 8, 13, 26, 52))
    apart = next((size for size in sizes if (last - first) / size <= DAY_NAMES_MAX), 7 * 104)
    return [day for day in range(-apart, last + 1, apart) if day >= first]


def _stroke(place: int) -> str:
    colour, dashes = STROKES[place] if place < len(STROKES) else (PLAIN, "")
    return f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes or "none"}"'


def _dot(x: object, y: object) -> str:
    return f'<circle cx="{x}" cy="{y}" r="3" fill="#222222"/>'


def _cross(x: object, y: object) -> str:
    return f'<path d="M{x} {y}m-4-4l8 8m0-8l-8 8" stroke="#B00020" stroke-width="2"/>'


def _text(x: object, y: object, words: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" {more}>{escape(words)}</text>'


def _number(value: float) -> str:
    return f"{value:.1f}"


def mg(text: str) -> float:
    """A dose as it is written on the wire, for a picture; calculations never see this number."""
    return float(Decimal(text))
