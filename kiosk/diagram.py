"""A shot as a drawing: where the balls stood, the ways they took, what touched what and what fell.

Pure functions from a shot and its table to SVG. `shot_svg` is a whole small picture, for cards; `paths_svg` is
the layer of ways alone, laid over the large table. Units are inches; the head is left, as in `table_svg`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from calibration.table import PocketName, Table
from edge.hall.drills import Drill
from kiosk.balls_svg import IVORY, ball_rgb, hex_colour, is_striped
from kiosk.table_svg import MARGIN_IN, cloth_of, number, view_box
from vision.balls import BallSet
from vision.model import Contact, Point, Shot

Path = Sequence[tuple[float, float, float]]

MOVED_IN = 0.6  # less is a ball that was nudged or a centre that trembled
POTTED_RING = "#ffd166"
SCRATCH_RING = "#ff7a6b"
CARD_BALL_IN = 1.75  # balls are drawn larger than life on a card, or nobody would see them
LIFTED = 0.42  # how far a dark ball's way is lightened against the cloth


def shot_svg(shot: Shot, table: Table, balls: BallSet, title: str) -> Markup:
    """The small diagram of a card: a flat table, the balls at the start, the ways, the pockets that took one."""
    parts = [
        f'<svg class="diagram" viewBox="{view_box(table)}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape(title)}</title>",
        flat_table(table),
        *_rings(shot, table, 3.7, 1.1),
        *_ways(shot, table, balls, width=0.95, tolerance_in=0.3),
        *_balls_at(shot.layout_start, table, balls, CARD_BALL_IN),
        "</svg>",
    ]
    return Markup("".join(parts))


def drill_svg(drill: Drill, table: Table, balls: BallSet) -> Markup:
    """A drill as it is set up, with a ring round the pocket it is played into; its words stand beside it."""
    rings = "".join(_ring(table, drill.pocket, 3.7, 1.1, POTTED_RING) if drill.pocket else ())
    return Markup(
        f'<svg class="diagram" viewBox="{view_box(table)}" aria-hidden="true" xmlns="http://www.w3.org/2000/svg">'
        + flat_table(table)
        + rings
        + "".join(_balls_at(drill.layout(table), table, balls, 2 * CARD_BALL_IN))
        + "</svg>"
    )


def paths_svg(shot: Shot, table: Table, balls: BallSet) -> Markup:
    """The ways alone, finely drawn, with the first contact's ghost ball, what else touched, and resting places."""
    parts = [
        f'<svg class="paths" viewBox="{view_box(table)}" xmlns="http://www.w3.org/2000/svg" aria-hidden="true">',
        *_rings(shot, table, 3.2, 0.5),
        *_ways(shot, table, balls, width=0.36, tolerance_in=0.06),
        *_cushion_touches(shot, table),
        *_contacts(shot, table),
        *_starts(shot, table, balls),
        *_ghost_ball(shot, table),
        *_rests(shot, table, balls),
        "</svg>",
    ]
    return Markup("".join(parts))


def moved_balls(shot: Shot) -> list[str]:
    """The balls that moved, the cue ball last so that its way lies on top."""
    moved = [ball for ball, path in shot.paths_in.items() if _extent_in(path) > MOVED_IN]
    return sorted(moved, key=lambda ball: (ball == "cue", ball))


def simplified(path: Path, tolerance_in: float) -> list[Point]:
    """The corners of a way, none of its points further than `tolerance_in` from the result [Douglas, Peucker]."""
    pts = [(x, y) for _, x, y in path]
    if len(pts) < 3:
        return pts
    places = np.array(pts)
    keep = {0, len(pts) - 1}
    spans = [(0, len(pts) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        off = _off_line(places[first + 1 : last], places[first], places[last])
        farthest = int(off.argmax())
        if off[farthest] > tolerance_in:
            middle = first + 1 + farthest
            keep.add(middle)
            spans += [(first, middle), (middle, last)]
    return [pts[i] for i in sorted(keep)]


def position_at(path: Path, t_s: float) -> Point | None:
    """Where a ball was at a moment; None before its way begins or after it ends."""
    if not path or not path[0][0] <= t_s <= path[-1][0]:
        return None
    after = bisect_left(path, t_s, key=lambda p: p[0])
    if after == 0:
        return path[0][1], path[0][2]
    (t0, x0, y0), (t1, x1, y1) = path[after - 1], path[after]
    share = (t_s - t0) / (t1 - t0) if t1 > t0 else 1.0
    return x0 + share * (x1 - x0), y0 + share * (y1 - y0)


def _off_line(places: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distances (N,) of places (N, 2) from the segment between a (2,) and b (2,)."""
    along, away = b - a, places - a
    length2 = float(along @ along)
    if length2 > 0:
        away = away - np.clip(away @ along / length2, 0.0, 1.0)[:, None] * along
    return np.hypot(away[:, 0], away[:, 1])


def _extent_in(path: Path) -> float:
    if not path:
        return 0.0
    xs, ys = [p[1] for p in path], [p[2] for p in path]
    return max(max(xs) - min(xs), max(ys) - min(ys))


def _way_colour(ball: str, balls: BallSet) -> str:
    """A ball's colour, lightened where it is too dark to be seen on the cloth."""
    rgb = (255, 255, 255) if ball == "cue" else ball_rgb(ball, balls)
    light = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    if light < 130:
        rgb = tuple(round(c + (255 - c) * LIFTED) for c in rgb)  # type: ignore[assignment]
    return hex_colour(rgb)


def flat_table(table: Table) -> str:
    """A plain table, for small drawings."""
    L, W, m = table.length_in, table.width_in, MARGIN_IN - 1
    cloth = cloth_of(table)
    holes = "".join(
        f'<circle cx="{number(p.x_in)}" cy="{number(table.width_in - p.y_in)}" r="{number(p.radius_in + 0.3)}"/>'
        for p in table.pockets
    )
    return (
        f'<rect x="{-m:g}" y="{-m:g}" width="{number(L + 2 * m)}" height="{number(W + 2 * m)}" rx="4.5"'
        ' fill="#4b2b18"/>'
        f'<rect x="-2" y="-2" width="{number(L + 4)}" height="{number(W + 4)}" rx="1"'
        f' fill="{cloth.flat_cushion}"/>'
        f'<rect width="{number(L)}" height="{number(W)}" fill="{cloth.flat}"/>'
        f'<g fill="#07090a">{holes}</g>'
    )


def _ways(shot: Shot, table: Table, balls: BallSet, width: float, tolerance_in: float) -> Iterator[str]:
    for ball in moved_balls(shot):
        corners = simplified(shot.paths_in[ball], tolerance_in)
        steps = "L".join(f"{number(x)} {number(table.width_in - y)}" for x, y in corners)
        yield (
            f'<path d="M{steps}" fill="none" stroke="{_way_colour(ball, balls)}" stroke-width="{width}"'
            f' stroke-linejoin="round" stroke-linecap="round" data-way="{escape(ball)}"/>'
        )


def _rings(shot: Shot, table: Table, radius: float, width: float) -> Iterator[str]:
    for pot in shot.potted:
        colour = SCRATCH_RING if pot.ball == "cue" else POTTED_RING
        yield from _ring(table, pot.pocket, radius, width, colour)


def _ring(table: Table, name: PocketName, radius: float, width: float, colour: str) -> Iterator[str]:
    pocket = next(p for p in table.pockets if p.name == name)
    yield (
        f'<circle cx="{number(pocket.x_in)}" cy="{number(table.width_in - pocket.y_in)}" r="{radius}" fill="none"'
        f' stroke="{colour}" stroke-width="{width}" data-pocket="{name}"/>'
    )


def _balls_at(layout: dict[str, Point], table: Table, balls: BallSet, radius: float) -> Iterable[str]:
    for ball, (x, y) in sorted(layout.items(), key=lambda item: item[0] == "cue"):
        rgb, striped = ball_rgb(ball, balls), is_striped(ball, balls)
        centre = f'cx="{number(x)}" cy="{number(table.width_in - y)}"'
        fill = hex_colour(IVORY if striped else rgb)
        yield f'<circle {centre} r="{radius}" fill="{fill}" stroke="#fff" stroke-opacity=".4" stroke-width=".3"/>'
        if striped:
            yield f'<circle {centre} r="{number(radius * 0.58)}" fill="{hex_colour(rgb)}"/>'


def _ghost_ball(shot: Shot, table: Table) -> Iterator[str]:
    contact = shot.first_contact
    if contact is None:
        return
    (cx, cy), (ox, oy) = contact.cue_ball_in, contact.object_ball_in
    r, W = number(table.ball_radius_in), table.width_in
    yield (
        f'<circle cx="{number(cx)}" cy="{number(W - cy)}" r="{r}" fill="#fff" fill-opacity=".16" stroke="#fff"'
        ' stroke-width=".22" stroke-dasharray=".7 .5" data-ghost="cue"/>'
        f'<circle cx="{number((cx + ox) / 2)}" cy="{number(W - (cy + oy) / 2)}" r=".5" fill="{POTTED_RING}"/>'
    )


def _cushion_touches(shot: Shot, table: Table) -> Iterator[str]:
    for touch in shot.cushions:
        at = position_at(shot.paths_in.get(touch.ball, ()), touch.t_s)
        if at is not None:
            yield (
                f'<circle cx="{number(at[0])}" cy="{number(table.width_in - at[1])}" r=".62" fill="#0b1d29"'
                f' stroke="#fff" stroke-width=".24" data-cushion="{touch.rail}"/>'
            )


def _contacts(shot: Shot, table: Table) -> Iterator[str]:
    """Dots where balls met, but for the first contact, which has its ghost ball."""
    first_s = None if shot.first_contact is None else shot.first_contact.t_s
    for contact in shot.contacts:
        at = _meeting(shot, contact)
        if at is not None and contact.t_s != first_s:
            yield (
                f'<circle cx="{number(at[0])}" cy="{number(table.width_in - at[1])}" r=".5" fill="{POTTED_RING}"'
                f' stroke="#0b1d29" stroke-width=".16" data-contact="{escape(contact.other)}"/>'
            )


def _meeting(shot: Shot, contact: Contact) -> Point | None:
    """Half way between two balls that met; None where neither's way tells."""
    places = [
        position_at(shot.paths_in.get(ball, ()), contact.t_s) or shot.layout_start.get(ball)
        for ball in (contact.ball, contact.other)
    ]
    known = [p for p in places if p is not None]
    if len(known) < 2:
        return None
    return (known[0][0] + known[1][0]) / 2, (known[0][1] + known[1][1]) / 2


def _starts(shot: Shot, table: Table, balls: BallSet) -> Iterator[str]:
    """Dots where the moved balls stood before."""
    for ball in moved_balls(shot):
        at = shot.layout_start.get(ball)
        if at is not None:
            yield (
                f'<circle cx="{number(at[0])}" cy="{number(table.width_in - at[1])}" r=".6"'
                f' fill="{_way_colour(ball, balls)}" stroke="#0b1d29" stroke-width=".16"/>'
            )


def _rests(shot: Shot, table: Table, balls: BallSet) -> Iterator[str]:
    """Rings where the moved balls came to rest."""
    for ball in moved_balls(shot):
        at = shot.layout_end.get(ball)
        if at is not None:
            yield (
                f'<circle cx="{number(at[0])}" cy="{number(table.width_in - at[1])}"'
                f' r="{number(table.ball_radius_in)}" fill="none" stroke="{_way_colour(ball, balls)}"'
                ' stroke-width=".26" stroke-opacity=".8"/>'
            )
