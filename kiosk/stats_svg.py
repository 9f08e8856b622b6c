"""Small drawings of a player's figures: where balls were made and missed, and how a figure went over time."""

from collections.abc import Sequence
from math import ceil, floor, sqrt

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from calibration.table import Table
from kiosk.diagram import flat_table
from kiosk.table_svg import number, view_box
from kiosk.texts import Translate

MAKE, MISS = "#4fdc94", "#ff9a7a"


def shot_map(cells: NDArray[np.int64], table: Table, t: Translate) -> Markup:
    """Where the balls lay that were shot at: a spot a cell, as large as there were shots, green as far as they
    went in.

    `cells` is (2, width cells, length cells), misses then makes.
    """
    misses, makes = cells
    total = misses + makes
    rows, columns = total.shape
    wide, high = table.length_in / columns, table.width_in / rows
    most = int(total.max())
    parts = [
        f'<svg class="shot-map" viewBox="{view_box(table)}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape(t('map.title', shots=int(total.sum())))}</title>",
        flat_table(table),
    ]
    for row in range(rows):
        for column in range(columns):
            if total[row, column]:
                x, y = (column + 0.5) * wide, table.width_in - (row + 0.5) * high
                radius = 0.5 * min(wide, high) * (0.35 + 0.65 * sqrt(total[row, column] / most))
                parts.append(_spot(x, y, radius, makes[row, column] / total[row, column]))
    parts.append("</svg>")
    return Markup("".join(parts))


def _spot(x: float, y: float, radius: float, made: float) -> str:
    """A round spot of which a sector is green."""
    at = f'cx="{number(x)}" cy="{number(y)}"'
    base = f'<circle {at} r="{number(radius)}" fill="{MISS}" fill-opacity=".9"/>'
    if made <= 0:
        return base
    if made >= 1:
        return f'<circle {at} r="{number(radius)}" fill="{MAKE}" fill-opacity=".95"/>'
    ring = radius / 2  # a stroke as wide as the spot's radius fills a circle of half of it
    length = 2 * np.pi * ring
    return base + (
        f'<circle {at} r="{number(ring)}" fill="none" stroke="{MAKE}" stroke-width="{number(radius)}"'
        f' stroke-dasharray="{number(length * made)} {number(length)}"'
        f' transform="rotate(-90 {number(x)} {number(y)})"/>'
    )


# The charts' drawing units: the plot, and around it room for the scale on the right and the names below.
PLOT_W, PLOT_H, TOP = 100.0, 32.0, 5.0
VIEW_BOX = "-2 0 118 47"
LETTER_W = 2.6


def line_chart(
    values: Sequence[float | None],
    labels: Sequence[str],
    title: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
) -> Markup:
    """A figure over time: a line with a dot where there was one, the last written out; empty without values.

    `low` and `high` are the ends of the scale; without them it goes a little beyond the values.
    """
    known = [value for value in values if value is not None]
    if not known:
        return Markup()
    bottom, top = _scale(known, low, high)
    at = [
        (_spread(i, len(values)), TOP + PLOT_H * (1 - (value - bottom) / (top - bottom)), value, labels[i])
        for i, value in enumerate(values)
        if value is not None
    ]
    way = "L".join(f"{number(x)} {number(y)}" for x, y, _, _ in at)
    base = number(TOP + PLOT_H)
    dots = "".join(
        f'<circle cx="{number(x)}" cy="{number(y)}" r="{_dot(len(at))}">'
        f"<title>{escape(label)}: {v:.0f}{escape(unit)}</title></circle>"
        for x, y, v, label in at
    )
    x, y, last, _ = at[-1]
    above = y > TOP + 3.5
    return _chart(
        "line-chart",
        title,
        f'<path class="area" d="M{number(at[0][0])} {base}L{way}L{number(x)} {base}Z"/>'
        f'<path class="line" d="M{way}"/>{dots}<circle class="last" cx="{number(x)}" cy="{number(y)}" r="1.9"/>'
        f'<text class="now" x="{number(x)}" y="{number(y - 3.4 if above else y + 7.2)}"'
        f' text-anchor="{_anchor(x)}">{last:.0f}{escape(unit)}</text>',
        labels,
        (f"{bottom:.0f}{unit}", f"{top:.0f}{unit}"),
        spread=True,
    )


def bars(values: Sequence[float], labels: Sequence[str], title: str, *, unit: str = "") -> Markup:
    """Amounts side by side, each with its name below; empty when all are nought."""
    most = max(values, default=0)
    if most <= 0:
        return Markup()
    wide = PLOT_W / len(values)
    thick = min(wide * 0.72, 9.0)
    drawn = "".join(
        f'<rect x="{number((i + 0.5) * wide - thick / 2)}" y="{number(TOP + PLOT_H * (1 - v / most))}"'
        f' width="{number(thick)}" height="{number(PLOT_H * v / most)}" rx="{number(min(1.2, thick / 3))}">'
        f"<title>{escape(labels[i])}: {v:.0f}{escape(unit)}</title></rect>"
        for i, v in enumerate(values)
        if v > 0
    )
    return _chart("bars", title, drawn, labels, ("0", f"{most:.0f}{unit}"), spread=False)


def share_bar(share: float) -> Markup:
    """How far something has come, 0 to 1, as a bar as wide as its place."""
    return Markup(
        '<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="100" height="10" class="track"/>'
        f'<rect width="{number(100 * min(1.0, max(0.0, share)))}" height="10" class="done"/></svg>'
    )


def _chart(
    kind: str, title: str, drawn: str, labels: Sequence[str], ends: tuple[str, str], *, spread: bool
) -> Markup:
    """A drawing with its scale and the names below; `spread` names stand from edge to edge, others in columns."""
    middle, base = TOP + PLOT_H / 2, TOP + PLOT_H
    return Markup(
        f'<svg class="chart {kind}" viewBox="{VIEW_BOX}" role="img" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title>"
        f'<path class="grid" d="M0 {number(TOP)}H{PLOT_W:g}M0 {number(middle)}H{PLOT_W:g}"/>'
        f'<path class="floor" d="M0 {number(base)}H{PLOT_W:g}"/>{drawn}'
        f'<text x="{PLOT_W + 2:g}" y="{number(TOP + 1.4)}">{escape(ends[1])}</text>'
        f'<text x="{PLOT_W + 2:g}" y="{number(base + 1.4)}">{escape(ends[0])}</text>'
        f"{_names(labels, spread)}</svg>"
    )


def _names(labels: Sequence[str], spread: bool) -> str:
    """The labels below a chart, as many as can be read, evenly apart."""
    count = len(labels)
    room = PLOT_W / (LETTER_W * max(len(label) for label in labels) + 5)
    every = max(1, ceil(count / room))
    texts = []
    for i in range(0, count, every):
        x = _spread(i, count) if spread else (i + 0.5) * PLOT_W / count
        anchor = _anchor(x) if spread else "middle"
        at = f'x="{number(x)}" y="{number(TOP + PLOT_H + 6)}" text-anchor="{anchor}"'
        texts.append(f"<text {at}>{escape(labels[i])}</text>")
    return "".join(texts)


def _spread(place: int, count: int) -> float:
    """Where one of so many stands that reach from edge to edge; a single one stands in the middle."""
    return PLOT_W / 2 if count == 1 else place * PLOT_W / (count - 1)


def _scale(values: Sequence[float], low: float | None, high: float | None) -> tuple[float, float]:
    least, most = min(values), max(values)
    beyond = max(5.0, 0.15 * (most - least))
    bottom = low if low is not None else floor((least - beyond) / 10) * 10
    top = high if high is not None else ceil((most + beyond) / 10) * 10
    return bottom, top


def _anchor(x: float) -> str:
    """How a figure stands at a point, so that it stays within the plot."""
    return "start" if x < 8 else "end" if x > PLOT_W - 8 else "middle"


def _dot(count: int) -> str:
    """Dots as large as there is room for them."""
    return number(1.3 if count <= 16 else 0.8)
