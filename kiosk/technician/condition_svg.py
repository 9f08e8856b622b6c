"""The table's condition drawn over the table: what each rail gives back, and which way it falls.

As in `kiosk.table_svg` the head is left and y points down; lengths are hundredths of the table's length, so that
words and figures are as large on every table.
"""

from collections.abc import Iterator
from math import hypot

from markupsafe import Markup, escape

from calibration.table import RAIL_NAMES, RailName, Table
from kiosk.shot_words import off_by_text
from kiosk.table_svg import number, view_box
from kiosk.texts import Translate
from vision.condition import FAST, LEAST_SHOTS, LEVEL, SLOW, VERY_FAST, dead_rails, is_tilted, slope
from vision.feel import Estimate, Feel

MIDDLE_X = 38.0  # of the bull's eye, so that its words have room beside it
RIM = 9.5
RIM_SLOPE = 0.0015  # the fall at its rim
KNOWN_SD = 0.03  # a rail known less well is not called fine
PACE_FROM, PACE_TO = 0.004, 0.0165  # the ends of the scale of rolling resistances


def condition_svg(feel: Feel, table: Table, t: Translate) -> Markup:
    """The layer over the table. What no shot has told of is drawn as unknown."""
    parts = [
        f'<svg class="condition-layer" viewBox="{view_box(table)}" xmlns="http://www.w3.org/2000/svg">',
        f'<g transform="scale({table.length_in / 100:.4f})">',
        *(_rail(feel, table, name, t) for name in RAIL_NAMES),
        *(_fall(feel, _width(table), t) if feel.shots else ()),
        "</g></svg>",
    ]
    return Markup("".join(parts))


def pace_svg(rolling: Estimate) -> Markup:
    """A cloth's speed on a scale from slow (left) to fast, with what two deviations leave open."""
    marks = "".join(f'<path d="M{number(_along(x))} 0V6" class="mark"/>' for x in (SLOW, FAST, VERY_FAST))
    low, high = sorted((_along(rolling.value - 2 * rolling.sd), _along(rolling.value + 2 * rolling.sd)))
    return Markup(
        '<svg class="pace" viewBox="-1 -1 102 8" xmlns="http://www.w3.org/2000/svg" aria-hidden="true">'
        f'<rect width="100" height="6" rx="3" class="scale"/>{marks}'
        f'<rect x="{number(low)}" width="{number(max(high - low, 0.5))}" height="6" class="range"/>'
        f'<circle cx="{number(_along(rolling.value))}" cy="3" r="3.4" class="here"/></svg>'
    )


def _along(rolling: float) -> float:
    return 100 * min(1.0, max(0.0, (PACE_TO - rolling) / (PACE_TO - PACE_FROM)))


def _width(table: Table) -> float:
    return 100 * table.width_in / table.length_in


def _rail(feel: Feel, table: Table, name: RailName, t: Translate) -> str:
    e = feel.rails.get(name)
    x, y = _place(_width(table), name)
    value = t("app.unknown") if e is None else f"{e.value:.2f}"
    off = "" if e is None else f'<tspan class="off" dx="1">{off_by_text(e.sd, 2)}</tspan>'
    return (
        f'<g class="rail {_state(feel, name)}" data-rail="{name}"><title>{escape(t(f"rail.{name}"))}</title>'
        f'<path d="{_noses(table, name)}"/>'
        f'<rect x="{number(x - 11)}" y="{number(y - 3.4)}" width="22" height="6.8" rx="3.4"/>'
        f'<text x="{number(x)}" y="{number(y + 1.5)}">{value}{off}</text></g>'
    )


def _state(feel: Feel, name: RailName) -> str:
    """Whether a rail is `fine`, `needed` (care is), or `unknown` yet, as it is drawn."""
    if feel.shots >= LEAST_SHOTS and name in dead_rails(feel):
        return "needed"
    return "fine" if name in feel.rails and feel.rails[name].sd <= KNOWN_SD else "unknown"


def _place(width: float, name: RailName) -> tuple[float, float]:
    """The middle of a rail's figure."""
    ends = {"head": (14.5, width / 2), "foot": (85.5, width / 2)}
    return (ends | {"left": (50.0, 8.5), "right": (50.0, width - 8.5)})[name]


def _noses(table: Table, name: RailName) -> str:
    """The way along a rail's noses, which the side pockets part."""
    one, W = 100 / table.length_in, _width(table)
    corner, side = one * table.corner_mouth_in / 2**0.5, one * table.side_mouth_in / 2
    if name in ("head", "foot"):
        return f"M{0 if name == 'head' else 100} {number(corner)}V{number(W - corner)}"
    y = number(0 if name == "left" else W)
    return f"M{number(corner)} {y}H{number(50 - side)}M{number(50 + side)} {y}H{number(100 - corner)}"


def _fall(feel: Feel, width: float, t: Translate) -> Iterator[str]:
    """A bull's eye: the inner ring is what play forgives, the spot the fall with two deviations round it."""
    k, settled = RIM / RIM_SLOPE, feel.shots >= LEAST_SHOTS
    fall, tilted = slope(feel), settled and is_tilted(feel)
    x, y = _inside(feel.tilt_x.value * k, -feel.tilt_y.value * k)
    rx, ry = (number(min(2 * e.sd * k, RIM)) for e in (feel.tilt_x, feel.tilt_y))
    state, middle = "needed" if tilted else "fine", f"{MIDDLE_X:g} {number(width / 2)}"
    yield f'<g class="fall {state}" transform="translate({middle})">'
    yield f'<circle r="{RIM}" class="rim"/><circle r="{number(LEVEL * k)}" class="forgiven"/>'
    yield f'<ellipse cx="{number(x)}" cy="{number(y)}" rx="{rx}" ry="{ry}" class="range"/>'
    yield _arrow(x, y) if tilted else f'<circle cx="{number(x)}" cy="{number(y)}" r="1.1" class="spot"/>'
    word = t("condition.falls") if tilted else t("condition.level") if settled else ""
    yield f'<text x="{RIM + 2.5}" y="-.6">{escape(word)}</text>'
    figure = f"{1000 * fall.value:.1f} {off_by_text(1000 * fall.sd, 1)} {t('unit.mm_per_m')}"
    yield f'<text x="{RIM + 2.5}" y="{4.2 if settled else 1.1}" class="off">{escape(figure)}</text></g>'


def _inside(x: float, y: float) -> tuple[float, float]:
    """A point of the bull's eye, on its rim if it would lie outside."""
    out = max(1.0, hypot(x, y) / RIM)
    return x / out, y / out


def _arrow(x: float, y: float) -> str:
    """From the middle towards where balls roll off, over the rim so that it is seen from afar."""
    size = hypot(x, y)
    ux, uy = x / size, y / size
    tip, neck = RIM + 1.8, RIM - 2.2
    head = [(tip * ux, tip * uy)] + [(neck * ux - s * 2.4 * uy, neck * uy + s * 2.4 * ux) for s in (1, -1)]
    corners = " ".join(f"{number(a)},{number(b)}" for a, b in head)
    return (
        f'<path d="M0 0L{number(neck * ux)} {number(neck * uy)}" class="shaft"/>'
        f'<polygon points="{corners}" class="tip"/>'
    )
