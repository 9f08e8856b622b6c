"""Small drawings of a player's figures: where balls were made and missed, and how a figure went over time."""

from collections.abc import Sequence
from math import sqrt

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


def line_chart(
    values: Sequence[float | None],
    labels: Sequence[str],
    title: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
) -> Markup:
    """A figure over time as a line with a dot where there was one, and the ends of its scale; empty without
    values."""
    known = [value for value in values if value is not None]
    if not known:
        return Markup()
    bottom = min(known) if low is None else low
    top = max(known) if high is None else high
    span = top - bottom or 1.0
    step = 100 / max(1, len(values) - 1)
    at = [(i * step, 34 - 30 * (v - bottom) / span, v, labels[i]) for i, v in enumerate(values) if v is not None]
    way = "L".join(f"{number(x)} {number(y)}" for x, y, _, _ in at)
    dots = "".join(
        f'<circle cx="{number(x)}" cy="{number(y)}" r="1.3">'
        f"<title>{escape(label)}: {v:.0f}{escape(unit)}</title></circle>"
        for x, y, v, label in at
    )
    return Markup(
        '<svg class="line-chart" viewBox="-3 0 118 44" role="img" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title>"
        '<path class="grid" d="M0 4H100M0 19H100M0 34H100"/>'
        f'<path class="line" d="M{way}"/>{dots}'
        f'<text x="103" y="6">{top:.0f}{escape(unit)}</text><text x="103" y="36">{bottom:.0f}{escape(unit)}</text>'
        f'<text x="0" y="43">{escape(labels[0])}</text>'
        f'<text x="100" y="43" text-anchor="end">{escape(labels[-1])}</text></svg>'
    )


def bars(values: Sequence[float], labels: Sequence[str], title: str) -> Markup:
    """Amounts side by side, each with its label below; empty when all are nought."""
    most = max(values, default=0)
    if most <= 0:
        return Markup()
    wide = 100 / len(values)
    drawn = "".join(
        f'<rect x="{number(i * wide + wide * 0.15)}" y="{number(34 - 30 * v / most)}" width="{number(wide * 0.7)}"'
        f' height="{number(30 * v / most)}" rx=".8"><title>{escape(labels[i])}: {v:.0f}</title></rect>'
        for i, v in enumerate(values)
    )
    every = max(1, -(-len(labels) // 8))
    names = "".join(
        f'<text x="{number((i + 0.5) * wide)}" y="42" text-anchor="middle">{escape(label)}</text>'
        for i, label in enumerate(labels)
        if i % every == 0
    )
    return Markup(
        '<svg class="bars" viewBox="-3 0 118 44" role="img" xmlns="http://www.w3.org/2000/svg">'
        f'<title>{escape(title)}</title><path class="grid" d="M0 34H100"/>{drawn}{names}'
        f'<text x="103" y="6">{most:.0f}</text></svg>'
    )
