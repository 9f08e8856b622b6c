"""The table from above as an SVG drawing: wood, diamonds, pockets, cushions and lit cloth.

Drawing units are inches. The head is left, the foot right, and y points up on the table but down in SVG: a
point (x, y) of the table stands at (x, width − y).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from calibration.table import Pocket, Table

MARGIN_IN = 6.6  # nose line to the drawing's edge
CUSHION_IN = 2.0  # nose line to the wood
FRAME_RADIUS_IN = 4.6


@dataclass(frozen=True, slots=True)
class Cloth:
    """The colours of a cloth: under the lamp from bright to dim, of the cushions, and flat for small drawings."""

    lamp: tuple[str, str, str]
    cushion: tuple[str, str, str]
    edge: str
    flat: str
    flat_cushion: str


BLUE = Cloth(("#3f93bb", "#2c7299", "#174866"), ("#23638a", "#2f78a2", "#3c8db5"), "#0d3047", "#276b90", "#1b5577")
GREEN = Cloth(
    ("#2f9a62", "#1f7548", "#10472c"), ("#17633b", "#217c4b", "#2c9059"), "#0a2f1c", "#1f7046", "#165535"
)


def cloth_of(table: Table) -> Cloth:
    """Pool is drawn on tournament blue, snooker on green."""
    return GREEN if table.name == "snooker" else BLUE


def view_box(table: Table) -> str:
    """The viewBox that every drawing of this table shares."""
    m = MARGIN_IN
    return f"{-m:g} {-m:g} {table.length_in + 2 * m:g} {table.width_in + 2 * m:g}"


def number(value: float) -> str:
    """A coordinate, short: two decimals at most."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def points(corners: list[tuple[float, float]]) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in corners)


def table_svg(table: Table, noise_url: str | None = None) -> Markup:
    """The whole table as one `<svg>`; `noise_url` is a small picture tiled over the cloth as its nap."""
    parts = [
        f'<svg class="table" viewBox="{view_box(table)}" xmlns="http://www.w3.org/2000/svg" aria-hidden="true">',
        _defs(table, noise_url),
        _frame(table),
        _cloth(table, noise_url is not None),
        *(_pocket_hole(table, pocket) for pocket in table.pockets),
        *_cushions(table),
        *_diamonds(table),
        "</svg>",
    ]
    return Markup("".join(parts))


def _defs(table: Table, noise_url: str | None) -> str:
    L, W = table.length_in, table.width_in
    (bright, middle, dim), rail = cloth_of(table).lamp, cloth_of(table).cushion
    noise = (
        '<pattern id="nap" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<image href="{Markup.escape(noise_url)}" width="8" height="8"/></pattern>'
        if noise_url is not None
        else ""
    )
    return (
        "<defs>"
        # One lamp over the table: bright in the middle, dim towards the rails.
        f'<radialGradient id="lamp" gradientUnits="userSpaceOnUse" cx="{number(L / 2)}" cy="{number(W * 0.46)}"'
        f' r="{number(L * 0.62)}">'
        f'<stop offset="0" stop-color="{bright}"/><stop offset=".55" stop-color="{middle}"/>'
        f'<stop offset="1" stop-color="{dim}"/></radialGradient>'
        + _linear("wood-h", "0 0 0 1", "#7a4a2b", "#5a331c", "#3a1f10")
        + _linear("wood-b", "0 0 0 1", "#4a2a17", "#5d361d", "#3a2112")
        + _linear("wood-l", "0 0 1 0", "#6b3f24", "#55301a", "#3b2011")
        + _linear("wood-r", "0 0 1 0", "#42251a", "#553019", "#331b0e")
        + _linear("rail-top", "0 0 0 1", *rail)
        + _linear("rail-bottom", "0 1 0 0", *rail)
        + _linear("rail-left", "0 0 1 0", *rail)
        + _linear("rail-right", "1 0 0 0", *rail)
        + '<radialGradient id="hole"><stop offset=".55" stop-color="#040506"/>'
        '<stop offset=".86" stop-color="#0b0d0f"/><stop offset="1" stop-color="#1d2023"/></radialGradient>'
        + _fade("shade-t", "0 0 0 1", 0.42)
        + _fade("shade-b", "0 1 0 0", 0.2)
        + _fade("shade-l", "0 0 1 0", 0.32)
        + _fade("shade-r", "1 0 0 0", 0.22)
        + noise
        + "</defs>"
    )


def _line_ends(ends: str) -> str:
    x1, y1, x2, y2 = ends.split()
    return f'x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"'


def _linear(name: str, ends: str, first: str, middle: str, last: str) -> str:
    return (
        f'<linearGradient id="{name}" {_line_ends(ends)}><stop offset="0" stop-color="{first}"/>'
        f'<stop offset=".5" stop-color="{middle}"/><stop offset="1" stop-color="{last}"/></linearGradient>'
    )


def _fade(name: str, ends: str, opacity: float) -> str:
    return (
        f'<linearGradient id="{name}" {_line_ends(ends)}><stop offset="0" stop-opacity="{opacity}"/>'
        '<stop offset="1" stop-opacity="0"/></linearGradient>'
    )


def _frame(table: Table) -> str:
    """Four mitred lengths of wood with rounded corners, grain, and a lit edge."""
    L, W, m, c = table.length_in, table.width_in, MARGIN_IN - 0.5, CUSHION_IN
    r = FRAME_RADIUS_IN
    outer = f'x="{-m}" y="{-m}" width="{number(L + 2 * m)}" height="{number(W + 2 * m)}" rx="{r}"'
    top = points([(-m, -m), (L + m, -m), (L + c, -c), (-c, -c)])
    bottom = points([(-m, W + m), (L + m, W + m), (L + c, W + c), (-c, W + c)])
    left = points([(-m, -m), (-c, -c), (-c, W + c), (-m, W + m)])
    right = points([(L + m, -m), (L + c, -c), (L + c, W + c), (L + m, W + m)])
    grain = "".join(
        f'<path d="M{number(-m + 3 + 7 * i % 11)} {number(y)}H{number(L + m - 2 - 5 * i % 9)}" '
        f'opacity="{0.1 + 0.05 * (i % 3)}"/>'
        for i, y in enumerate((-5.4, -4.5, -3.7, -2.9, W + 2.8, W + 3.6, W + 4.6, W + 5.3))
    )
    return (
        f'<clipPath id="frame"><rect {outer}/></clipPath><g clip-path="url(#frame)">'
        f'<polygon points="{left}" fill="url(#wood-l)"/><polygon points="{right}" fill="url(#wood-r)"/>'
        f'<polygon points="{top}" fill="url(#wood-h)"/><polygon points="{bottom}" fill="url(#wood-b)"/>'
        f'<g stroke="#1c0d05" stroke-width=".16" fill="none">{grain}</g></g>'
        f'<rect {outer} fill="none" stroke="#1a0e07" stroke-width=".5"/>'
        f'<path d="M{number(-m + r)} {-m + 0.35}H{number(L + m - r)}" stroke="#c08a5c" stroke-opacity=".55"'
        ' stroke-width=".28" stroke-linecap="round"/>'
    )


def _cloth(table: Table, nap: bool) -> str:
    L, W, c = table.length_in, table.width_in, CUSHION_IN
    bed = f'x="{-c}" y="{-c}" width="{number(L + 2 * c)}" height="{number(W + 2 * c)}"'
    across, down = f'width="{number(L)}" height="2.6"', f'width="2" height="{number(W)}"'
    return (
        f'<rect {bed} rx=".6" fill="url(#lamp)"/>'
        + (f'<rect {bed} rx=".6" fill="url(#nap)"/>' if nap else "")
        + f'<rect x="0" y="0" {across} fill="url(#shade-t)"/>'
        f'<rect x="0" y="{number(W - 2.6)}" {across} fill="url(#shade-b)"/>'
        f'<rect x="0" y="0" {down} fill="url(#shade-l)"/>'
        f'<rect x="{number(L - 2)}" y="0" {down} fill="url(#shade-r)"/>' + _markings(table)
    )


def _markings(table: Table) -> str:
    """Head string and spots; on a snooker table the baulk line, the D and the spots of the colours."""
    L, W = table.length_in, table.width_in
    if table.name == "snooker":  # WPBSA: baulk line 29 in from the cushion, a D of 11½ in, black 12¾ in
        line, spots = 29.0, (L / 2, 3 * L / 4, L - 12.75)
        arc = f"M{line} {number(W / 2 - 11.5)}A11.5 11.5 0 0 0 {line} {number(W / 2 + 11.5)}"
    else:
        line, spots, arc = L / 4, (L / 4, 3 * L / 4, 3 * L / 4), ""
    dots = "".join(f'<circle cx="{number(x)}" cy="{number(W / 2)}" r=".4"/>' for x in sorted(set(spots)))
    return (
        f'<path d="M{number(line)} 0V{number(W)}{arc}" fill="none" stroke="#fff" stroke-opacity=".15"'
        f' stroke-width=".22"/><g fill="#000" fill-opacity=".38">{dots}</g>'
    )


def _pocket_hole(table: Table, pocket: Pocket) -> str:
    x, y, r = number(pocket.x_in), number(table.width_in - pocket.y_in), pocket.radius_in
    return (
        f'<circle cx="{x}" cy="{y}" r="{number(r + 0.85)}" fill="#14100d"/>'
        f'<circle cx="{x}" cy="{y}" r="{number(r + 0.62)}" fill="none" stroke="#4d4339" stroke-width=".22"/>'
        f'<circle cx="{x}" cy="{y}" r="{number(r)}" fill="url(#hole)"/>'
    )


def _cushions(table: Table) -> Iterator[str]:
    """Six cushions: the noses end at the pockets' jaws, the facings open outwards."""
    L, W, c = table.length_in, table.width_in, CUSHION_IN
    edge = cloth_of(table).edge
    nose = table.corner_mouth_in / 2**0.5
    back = nose - c
    side_nose = table.side_mouth_in / 2
    side_back = side_nose - 0.5
    spans = (
        (back, L / 2 - side_back, nose, L / 2 - side_nose),
        (L / 2 + side_back, L - back, L / 2 + side_nose, L - nose),
    )
    for b0, b1, n0, n1 in spans:
        yield _cushion([(b0, -c), (b1, -c), (n1, 0), (n0, 0)], "rail-top", edge)
        yield _cushion([(b0, W + c), (b1, W + c), (n1, W), (n0, W)], "rail-bottom", edge)
    yield _cushion([(-c, back), (0, nose), (0, W - nose), (-c, W - back)], "rail-left", edge)
    yield _cushion([(L + c, back), (L, nose), (L, W - nose), (L + c, W - back)], "rail-right", edge)


def _cushion(corners: list[tuple[float, float]], fill: str, edge: str) -> str:
    return (
        f'<polygon points="{points(corners)}" fill="url(#{fill})" stroke="{edge}" stroke-width=".18"'
        ' stroke-linejoin="round"/>'
    )


def _diamonds(table: Table) -> Iterator[str]:
    """Sights at every eighth of the length and every quarter of the width; none at the side pockets."""
    L, W, d = table.length_in, table.width_in, CUSHION_IN + (MARGIN_IN - 0.5 - CUSHION_IN) / 2
    along = [(L * i / 8, y) for i in (1, 2, 3, 5, 6, 7) for y in (-d, W + d)]
    across = [(x, W * i / 4) for i in (1, 2, 3) for x in (-d, L + d)]
    size = 0.62
    for x, y in along + across:
        corners = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)]
        yield f'<polygon points="{points(corners)}" fill="#efe3cc" stroke="#2a170b" stroke-width=".14"/>'
