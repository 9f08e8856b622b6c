"""The table from above as an SVG drawing: wood, diamonds, pockets, cushions and lit cloth.

Drawing units are inches. The head is left, the foot right, and y points up on the table but down in SVG: a
point (x, y) of the table stands at (x, width − y).
"""

from collections.abc import Iterator

from markupsafe import Markup

from calibration.table import Pocket, Table

MARGIN_IN = 6.6  # nose line to the drawing's edge
CUSHION_IN = 2.0  # nose line to the wood
FRAME_RADIUS_IN = 4.6


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
        '<stop offset="0" stop-color="#3f93bb"/><stop offset=".55" stop-color="#2c7299"/>'
        '<stop offset="1" stop-color="#174866"/></radialGradient>'
        + _linear("wood-h", "0 0 0 1", "#7a4a2b", "#5a331c", "#3a1f10")
        + _linear("wood-b", "0 0 0 1", "#4a2a17", "#5d361d", "#3a2112")
        + _linear("wood-l", "0 0 1 0", "#6b3f24", "#55301a", "#3b2011")
        + _linear("wood-r", "0 0 1 0", "#42251a", "#553019", "#331b0e")
        + _linear("rail-top", "0 0 0 1", "#23638a", "#2b7099", "#3c8db5")
        + _linear("rail-bottom", "0 0 0 1", "#347fa8", "#246489", "#1b5072")
        + _linear("rail-left", "0 0 1 0", "#23638a", "#2b7099", "#3883ab")
        + _linear("rail-right", "0 0 1 0", "#347fa8", "#246489", "#1b5072")
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
    across, down, deep = f'width="{number(L)}" height="2.6"', f'width="2" height="{number(W)}"', "fill"
    return (
        f'<rect {bed} rx=".6" fill="url(#lamp)"/>'
        + (f'<rect {bed} rx=".6" fill="url(#nap)"/>' if nap else "")
        + f'<rect x="0" y="0" {across} {deep}="url(#shade-t)"/>'
        f'<rect x="0" y="{number(W - 2.6)}" {across} {deep}="url(#shade-b)"/>'
        f'<rect x="0" y="0" {down} {deep}="url(#shade-l)"/>'
        f'<rect x="{number(L - 2)}" y="0" {down} {deep}="url(#shade-r)"/>'
        f'<path d="M{number(L / 4)} 0V{number(W)}" stroke="#fff" stroke-opacity=".13" stroke-width=".22"/>'
        f'<circle cx="{number(L * 3 / 4)}" cy="{number(W / 2)}" r=".42" fill="#0b2c40" fill-opacity=".6"/>'
        f'<circle cx="{number(L / 4)}" cy="{number(W / 2)}" r=".3" fill="#0b2c40" fill-opacity=".45"/>'
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
    nose = table.corner_mouth_in / 2**0.5
    back = nose - c
    side_nose = table.side_mouth_in / 2
    side_back = side_nose - 0.5
    spans = (
        (back, L / 2 - side_back, nose, L / 2 - side_nose),
        (L / 2 + side_back, L - back, L / 2 + side_nose, L - nose),
    )
    for b0, b1, n0, n1 in spans:
        yield _cushion([(b0, -c), (b1, -c), (n1, 0), (n0, 0)], "rail-top")
        yield _cushion([(b0, W + c), (b1, W + c), (n1, W), (n0, W)], "rail-bottom")
    yield _cushion([(-c, back), (0, nose), (0, W - nose), (-c, W - back)], "rail-left")
    yield _cushion([(L + c, back), (L, nose), (L, W - nose), (L + c, W - back)], "rail-right")


def _cushion(corners: list[tuple[float, float]], fill: str) -> str:
    return (
        f'<polygon points="{points(corners)}" fill="url(#{fill})" stroke="#0d3047" stroke-width=".18"'
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
