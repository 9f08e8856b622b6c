"""What a recording shows to the program, drawn on its pictures: table, balls, paths, contacts, pots."""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.file import Calibration
from vision.balls import ball_sets
from vision.files import TrackRow
from vision.frames.source import Plane
from vision.model import BallState, Shot
from vision.video.lettering import Colour, draw_text, text_width_px
from vision.video.panel import draw_panel

_SUB = 4  # cv2 draws at sixteenths of a pixel
_WHITE: Colour = (250, 250, 250)
_DARK: Colour = (24, 22, 20)
_OUTLINE: Colour = (226, 208, 120)
_POT: Colour = (96, 214, 110)
_FADE_S = 2.5
_POT_RING_S = 1.0
_CUSHION_S = 0.8


class Overlay:
    """Draws onto the frames of one recording what is known about them all: names, shots and facts are final.

    `rows` are the recording's tracks, `shots` its shots in order of start.
    """

    def __init__(self, calibration: Calibration, shots: Sequence[Shot], rows: Iterable[TrackRow]) -> None:
        self._calibration = calibration
        self._shots = tuple(shots)
        self._starts = [shot.start_s for shot in shots]
        self._frames: dict[int, list[TrackRow]] = defaultdict(list)
        for row in rows:
            self._frames[row.frame].append(row)
        camera = calibration.camera
        self._unit = max(1.0, camera.height_px / 720)
        self._outline = _fixed(self._edge())
        self._pocket_radius_px = calibration.table.pocket_radius_in * self._scale(
            calibration.table.length_in / 2, calibration.table.width_in / 2
        )

    def draw(self, picture: Plane, frame: int, t_s: float) -> None:
        """Draws into a BGR picture, shape (h, w, 3), the frame with this index taken at `t_s`."""
        self._draw_outline(picture)
        shot = self._shot_at(t_s)
        if shot is not None:
            self._draw_shot(picture, shot, t_s)
        down = set() if shot is None else {pot.ball for pot in shot.potted if t_s >= pot.t_s}
        for row in self._frames.get(frame, ()):
            if row.ball.ball not in down:
                self._draw_ball(picture, row.ball)
        if shot is not None:
            number = self._shots.index(shot) + 1
            draw_panel(picture, shot, number, t_s, self._calibration.corners_px)

    def _shot_at(self, t_s: float) -> Shot | None:
        """The shot being played, or the last one for a while after its end."""
        place = bisect_right(self._starts, t_s)
        if place == 0:
            return None
        shot = self._shots[place - 1]
        end_s = _last_moment_s(shot)
        return shot if t_s <= end_s + _FADE_S else None

    def _draw_outline(self, picture: Plane) -> None:
        width = max(1, round(1.2 * self._unit))
        _blend_lines(picture, [self._outline], _OUTLINE, closed=True, width=width, strength=0.55)

    def _draw_shot(self, picture: Plane, shot: Shot, t_s: float) -> None:
        left = 1.0 - max(0.0, t_s - _last_moment_s(shot)) / _FADE_S
        for ball, path in shot.paths_in.items():
            points = [(x, y) for t, x, y in path if t <= t_s]
            now = _place_at(path, t_s)
            if points and now is not None:
                points.append(now)
                line = _fixed(self._px(points))
                width = max(1, round(2.2 * self._unit))
                _blend_lines(picture, [line], _DARK, closed=False, width=width + 2, strength=0.30 * left)
                _blend_lines(picture, [line], ball_colour(ball), closed=False, width=width, strength=0.85 * left)
        self._draw_contact(picture, shot, t_s)
        for cushion in shot.cushions:
            if 0 <= t_s - cushion.t_s <= _CUSHION_S:
                at = _place_at(shot.paths_in.get(cushion.ball, ()), cushion.t_s)
                if at is not None:
                    self._draw_cushion(picture, at, 1 - (t_s - cushion.t_s) / _CUSHION_S)
        for pot in shot.potted:
            if t_s >= pot.t_s:
                self._draw_pot(picture, pot.pocket_px, pot.ball, t_s - pot.t_s)

    def _draw_contact(self, picture: Plane, shot: Shot, t_s: float) -> None:
        """The ghost ball where the cue ball met the first ball, and the line of centres."""
        contact = shot.first_contact
        if contact is None or t_s < contact.t_s:
            return
        self._draw_sphere(picture, contact.cue_ball_in, _WHITE, 0.9, dashed=True)
        ghost, met = np.array(contact.cue_ball_in), np.array(contact.object_ball_in)
        length = float(np.linalg.norm(met - ghost))
        if length < 1e-6:
            return
        aim = met + (met - ghost) / length * 3 * self._calibration.table.ball_diameter_in
        line = _fixed(self._px([ghost, aim]))
        _blend_lines(picture, [line], _WHITE, closed=False, width=max(1, round(self._unit)), strength=0.7)

    def _draw_cushion(self, picture: Plane, at_in: tuple[float, float], strength: float) -> None:
        u, v = self._px([at_in])[0]
        radius = (4 + 8 * (1 - strength)) * self._unit
        _circle(picture, (u, v), radius, _OUTLINE, max(1, round(2 * self._unit)))

    def _draw_pot(self, picture: Plane, pocket_px: tuple[float, float], ball: str, since_s: float) -> None:
        u, v = pocket_px
        grown = min(1.0, since_s / _POT_RING_S)
        radius = self._pocket_radius_px * (0.9 + 0.5 * grown)
        _circle(picture, (u, v), radius, _POT, max(2, round(2.5 * self._unit)))
        self._draw_label(picture, ball, u, v - radius - 4 * self._unit, ball_colour(ball))

    def _draw_ball(self, picture: Plane, ball: BallState) -> None:
        colour = ball_colour(ball.ball)
        hidden = ball.state == "hidden"
        self._draw_sphere(picture, (ball.x_in, ball.y_in), _WHITE if hidden else colour, 1.0, dashed=hidden)
        radius = self._scale(ball.x_in, ball.y_in) * self._calibration.table.ball_radius_in
        self._draw_label(picture, ball.ball, ball.x_px, ball.y_px - radius - 4 * self._unit, colour)

    def _draw_sphere(
        self, picture: Plane, at_in: tuple[float, float], colour: Colour, strength: float, dashed: bool = False
    ) -> None:
        """The ball's outline, a little outside it so that the ball stays visible."""
        table = self._calibration.table
        ring = self._calibration.camera.sphere_outline(
            (*at_in, table.ball_radius_in), 1.12 * table.ball_radius_in, 48
        )
        points = _fixed(ring)
        lines = [points] if not dashed else [points[i : i + 4] for i in range(0, 48, 6)]
        width = max(1, round(1.6 * self._unit))
        _blend_lines(picture, lines, _DARK, closed=not dashed, width=width + 2, strength=0.45 * strength)
        _blend_lines(picture, lines, colour, closed=not dashed, width=width, strength=strength)

    def _draw_label(self, picture: Plane, text: str, u: float, v: float, colour: Colour) -> None:
        """A name in a small dark plate with a dot of the ball's colour, above a point."""
        size = round(13 * self._unit)
        pad = max(2, size // 4)
        dot = size // 3
        width = text_width_px(text, size) + 3 * pad + 2 * dot
        height = size + 2 * pad
        left = int(np.clip(u - width / 2, 0, max(0, picture.shape[1] - width)))
        top = int(np.clip(v - height, 0, max(0, picture.shape[0] - height)))
        shade(picture, (left, top, left + width, top + height), 0.62)
        _circle(picture, (left + pad + dot, top + height / 2), dot, colour, -1)
        draw_text(picture, text, (left + 2 * pad + 2 * dot, top + height - pad - 1), size, _WHITE)

    def _px(self, points_in: ArrayLike) -> NDArray[np.float64]:
        return self._calibration.to_picture(points_in)

    @cache  # noqa: B019 (one overlay lives as long as its recording)
    def _scale(self, x_in: float, y_in: float) -> float:
        return self._calibration.px_per_in(x_in, y_in)

    def _edge(self) -> NDArray[np.float64]:
        """The nose line round the table in pixels, shape (N, 2), dense enough for a curved lens."""
        table = self._calibration.table
        corners = [*table.corners_in, table.corners_in[0]]
        along = [a + (b - a) * s for a, b in pairwise(corners) for s in np.linspace(0, 1, 20, endpoint=False)]
        return self._calibration.to_picture(along, table.nose_height_in)


@cache
def ball_colour(ball: str) -> Colour:
    """A ball's colour as BGR, light enough to be seen on cloth."""
    base = ball.split("-", maxsplit=1)[0]
    for ball_set in ball_sets().values():
        for known in ball_set.balls:
            if base == known.name:
                red, green, blue = (max(70, c) for c in known.rgb)
                return blue, green, red
    return 190, 190, 190


def shade(picture: Plane, box: tuple[int, int, int, int], strength: float) -> None:
    """Darkens a rectangle (left, top, right, bottom) so that letters can be read on it."""
    left, top, right, bottom = box
    area = picture[max(0, top) : bottom, max(0, left) : right]
    if area.size:
        area[:] = cv2.addWeighted(area, 1 - strength, np.full_like(area, 20), strength, 0)


def _last_moment_s(shot: Shot) -> float:
    times = [shot.start_s, *(pot.t_s for pot in shot.potted)]
    times += [path[-1][0] for path in shot.paths_in.values() if path]
    return max(times) if shot.end_s is None else max(shot.end_s, *(pot.t_s for pot in shot.potted), shot.start_s)


def _place_at(path: Sequence[tuple[float, float, float]], t_s: float) -> tuple[float, float] | None:
    """Where a ball was on its path at a moment."""
    if not path:
        return None
    t, x, y = np.array(path).T
    return float(np.interp(t_s, t, x)), float(np.interp(t_s, t, y))


def _fixed(points_px: NDArray[np.float64]) -> NDArray[np.int32]:
    finite = np.nan_to_num(np.clip(points_px, -4000, 20000))
    fixed: NDArray[np.int32] = np.rint(finite * 2**_SUB).astype(np.int32).reshape(-1, 1, 2)
    return fixed


def _blend_lines(
    picture: Plane,
    lines: Sequence[NDArray[np.int32]],
    colour: Colour,
    *,
    closed: bool,
    width: int,
    strength: float,
) -> None:
    """Anti-aliased lines, mixed with the picture where less than fully strong."""
    if strength <= 0.02 or not lines:
        return
    if strength >= 0.98:
        cv2.polylines(picture, list(lines), closed, colour, width, cv2.LINE_AA, _SUB)
        return
    stacked = np.concatenate(lines).reshape(-1, 2) >> _SUB
    height, across = picture.shape[:2]
    left, top = np.clip(stacked.min(axis=0) - width - 2, 0, (across, height))
    right, bottom = np.clip(stacked.max(axis=0) + width + 3, 0, (across, height))
    if right <= left or bottom <= top:
        return
    area = picture[top:bottom, left:right]
    drawn = area.copy()
    moved = [line - (int(left) << _SUB, int(top) << _SUB) for line in lines]
    cv2.polylines(drawn, [m.astype(np.int32) for m in moved], closed, colour, width, cv2.LINE_AA, _SUB)
    cv2.addWeighted(drawn, strength, area, 1 - strength, 0, dst=area)


def _circle(picture: Plane, at: tuple[float, float], radius: float, colour: Colour, width: int) -> None:
    u, v = at
    if not (math.isfinite(u) and math.isfinite(v)) or max(abs(u), abs(v)) > 20000:
        return
    centre = (round(u * 2**_SUB), round(v * 2**_SUB))
    cv2.circle(picture, centre, max(1, round(radius * 2**_SUB)), colour, width, cv2.LINE_AA, _SUB)
