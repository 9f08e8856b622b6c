"""The table's condition drawn over the table: what each rail gives back, and which way it falls.

Drawing units are inches and places as in `kiosk.table_svg`: the head is left, y points down.
"""

from collections.abc import Iterator
from math import hypot

from markupsafe import Markup, escape

from calibration.table import RAIL_NAMES, RailName, Table
from kiosk.table_svg import number, view_box
from kiosk.texts import Translate
from vision.condition import FAST, LEAST_SHOTS, LEVEL, SLOW, VERY_FAST, dead_rails, is_tilted, slope
from vision.feel import Estimate, Feel

FROM_NOSE_IN = 8.5  # a rail's figure to its nose
BULLSEYE_IN = 9.5
BULLSEYE_SLOPE = 0.0015  # the fall at its rim
PACE_FROM, PACE_TO = 0.004, 0.0165  # the ends of the scale of rolling resistances


def condition_svg(feel: Feel, table: Table, t: Translate) -> Markup:
    """The layer over the table. What no shot has told of is drawn as unknown."""
    parts = [
        f'<svg class="condition-layer" viewBox="{view_box(table)}" xmlns="http://www.w3.org/2000/svg">',
        *(_rail(feel, table, name, t) for name in RAIL_NAMES),
        *(_fall(feel, table, t) if feel.shots else ()),
        "</svg>",
    ]
    return Markup("".join(parts))


def pace_svg(rolling: Estimate) -> Markup:
    """A cloth's speed on a scale from slow (left) to fast, with what two deviations leave open."""
    marks = "".join(f'<path d="M{number(_along(x))} 0V6" class="mark"/>' for x in (SLOW, FAST, VERY_FAST))
    low, high = sorted((_along(rolling.value - 2 * rolling.sd), _along(rolling.value + 2 * rolling.sd)))
    return Markup(
        '<svg class="pace" viewBox="-2 -2 104 10" xmlns="http://www.w3.org/2000/svg" aria-hidden="true">'
        f'<rect width="100" height="6" rx="3" class="scale"/>{marks}'
        f'<rect x="{number(low)}" y="1" width="{number(max(high - low, 0.5))}" height="4" rx="2" class="range"/>'
        f'<circle cx="{number(_along(rolling.value))}" cy="3" r="3.4" class="here"/></svg>'
    )


def _along(rolling: float) -> float:
    return 100 * min(1.0, max(0.0, (PACE_TO - rolling) / (PACE_TO - PACE_FROM)))


def _rail(feel: Feel, table: Table, name: RailName, t: Translate) -> str:
    e = feel.rails.get(name)
    needs_care = feel.shots >= LEAST_SHOTS and name in dead_rails(feel)
    state = "unknown" if e is None else "needed" if needs_care else "fine"
    x, y = _place(table, name)
    value = t("app.unknown") if e is None else f"{e.value:.2f}"
    off = "" if e is None else f'<tspan class="off" dx="1">±\N{NO-BREAK SPACE}{e.sd:.2f}</tspan>'
    return (
        f'<g class="rail {state}" data-rail="{name}"><title>{escape(t(f"rail.{name}"))}</title>'
        f'<path d="{_noses(table, name)}"/>'
        f'<rect x="{number(x - 9.5)}" y="{number(y - 3.4)}" width="19" height="6.8" rx="3.4"/>'
        f'<text x="{number(x)}" y="{number(y + 1.5)}">{value}{off}</text></g>'
    )


def _place(table: Table, name: RailName) -> tuple[float, float]:
    """The middle of a rail's figure."""
    L, W, d = table.length_in, table.width_in, FROM_NOSE_IN
    return {"head": (d + 4, W / 2), "foot": (L - d - 4, W / 2), "left": (L / 2, d), "right": (L / 2, W - d)}[name]


def _noses(table: Table, name: RailName) -> str:
    """The way along a rail's noses, which the side pockets part."""
    L, W, corner, side = table.length_in, table.width_in, table.corner_mouth_in / 2**0.5, table.side_mouth_in / 2
    if name in ("head", "foot"):
        return f"M{number(0 if name == 'head' else L)} {number(corner)}V{number(W - corner)}"
    y = number(0 if name == "left" else W)
    return f"M{number(corner)} {y}H{number(L / 2 - side)}M{number(L / 2 + side)} {y}H{number(L - corner)}"


def _fall(feel: Feel, table: Table, t: Translate) -> Iterator[str]:
    """A bull's eye: the inner ring is what play forgives, the spot the fall with two deviations round it."""
    cx, cy, k = table.length_in / 2, table.width_in / 2, BULLSEYE_IN / BULLSEYE_SLOPE
    fall, tilted = slope(feel), feel.shots >= LEAST_SHOTS and is_tilted(feel)
    x, y = _inside(feel.tilt_x.value * k, -feel.tilt_y.value * k)
    rx, ry = (number(min(2 * e.sd * k, BULLSEYE_IN)) for e in (feel.tilt_x, feel.tilt_y))
    yield f'<g class="fall {"needed" if tilted else "fine"}" transform="translate({number(cx)} {number(cy)})">'
    yield f'<circle r="{BULLSEYE_IN}" class="rim"/><circle r="{number(LEVEL * k)}" class="forgiven"/>'
    yield f'<ellipse cx="{number(x)}" cy="{number(y)}" rx="{rx}" ry="{ry}" class="range"/>'
    if tilted:
        yield _arrow(x, y)
    else:
        yield f'<circle cx="{number(x)}" cy="{number(y)}" r="1.1" class="spot"/>'
    word = t("condition.falls" if tilted else "condition.level")
    yield f'<text x="{BULLSEYE_IN + 2}" y="-1">{escape(word)}</text>'
    unit = escape(t("unit.mm_per_m"))
    yield (
        f'<text x="{BULLSEYE_IN + 2}" y="4" class="off">{1000 * fall.value:.1f} ±\N{NO-BREAK SPACE}'
        f"{1000 * fall.sd:.1f} {unit}</text></g>"
    )


def _inside(x: float, y: float) -> tuple[float, float]:
    """A point of the bull's eye, on its rim if it would lie outside."""
    out = max(1.0, hypot(x, y) / BULLSEYE_IN)
    return x / out, y / out


def _arrow(x: float, y: float) -> str:
    """From the middle towards where balls roll off, over the rim so that it is seen from afar."""
    size = hypot(x, y)
    ux, uy = x / size, y / size
    tip, neck = BULLSEYE_IN + 3.5, BULLSEYE_IN - 0.5
    head = [(tip * ux, tip * uy)] + [(neck * ux - s * 2.6 * uy, neck * uy + s * 2.6 * ux) for s in (1, -1)]
    corners = " ".join(f"{number(a)},{number(b)}" for a, b in head)
    return (
        f'<path d="M0 0L{number(neck * ux)} {number(neck * uy)}" class="shaft"/>'
        f'<polygon points="{corners}" class="tip"/>'
    )
