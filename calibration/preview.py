"""A picture to look at: the calibration drawn over what the camera sees."""

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

NOSE: Colour = (80, 255, 80)
POCKET: Colour = (0, 200, 255)
DIAMOND: Colour = (255, 255, 0)
X_AXIS: Colour = (60, 60, 255)
Y_AXIS: Colour = (255, 140, 60)
BALL: Colour = (255, 255, 255)

# Sub-pixel drawing: OpenCV takes fixed-point coordinates with this many fractional bits.
SHIFT = 4
# Diamonds stand 3 11/16 in behind the nose [WPA equipment specifications], at about the rail's top.
DIAMOND_BEHIND_IN = 3.6875


def draw_preview(picture: Picture, calibration: Calibration) -> Picture:
    """A copy of a BGR picture, shape (h, w, 3), with noses, pockets, diamonds, axes and ball sizes drawn in.

    Below it stand the table's name, how it was found, the residual in words and the notes.
    """
    shown = picture.copy()
    thick = max(1, round(max(picture.shape) / 900))
    _polyline(shown, calibration.corners_px, NOSE, thick)
    _pockets(shown, calibration, thick)
    _diamonds(shown, calibration, thick)
    _ball_sizes(shown, calibration, thick)
    _axes(shown, calibration, thick)
    return _with_caption(shown, _lines(calibration))


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    fixed: NDArray[np.int32] = np.rint(np.clip(points, -1e5, 1e5) * 2**SHIFT).astype(np.int32)
    return fixed


def _polyline(shown: Picture, points: NDArray[np.float64], colour: Colour, thick: int) -> None:
    cv2.polylines(shown, [_fixed(points)], True, colour, thick, cv2.LINE_AA, SHIFT)


def _pockets(shown: Picture, calibration: Calibration, thick: int) -> None:
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    for pocket in calibration.table.pockets:
        ring = np.column_stack([np.cos(turn), np.sin(turn)]) * pocket.radius_in + (pocket.x_in, pocket.y_in)
        _polyline(shown, calibration.to_picture(ring, calibration.table.nose_height_in), POCKET, thick)


def _diamonds(shown: Picture, calibration: Calibration, thick: int) -> None:
    table = calibration.table
    L, W, b = table.length_in, table.width_in, DIAMOND_BEHIND_IN
    along = [(L * i / 8, y) for i in (1, 2, 3, 5, 6, 7) for y in (-b, W + b)]
    across = [(x, W * i / 4) for i in (1, 2, 3) for x in (-b, L + b)]
    for point in _fixed(calibration.to_picture(along + across, table.nose_height_in * 1.15)):
        cv2.circle(shown, tuple(map(int, point)), (3 * thick) << SHIFT, DIAMOND, thick, cv2.LINE_AA, SHIFT)


def _ball_sizes(shown: Picture, calibration: Calibration, thick: int) -> None:
    """Balls as they would look at nine places of the table: a person compares them with the real ones."""
    table = calibration.table
    for x in (0.0, table.length_in / 2, table.length_in):
        for y in (0.0, table.width_in / 2, table.width_in):
            r = table.ball_radius_in
            centre = (np.clip(x, r, table.length_in - r), np.clip(y, r, table.width_in - r), r)
            _polyline(shown, calibration.camera.sphere_outline(centre, r), BALL, thick)


def _axes(shown: Picture, calibration: Calibration, thick: int) -> None:
    table = calibration.table
    reach = table.width_in / 4
    ends = calibration.to_picture([(0, 0), (reach, 0), (0, reach)], table.nose_height_in)
    origin, x_end, y_end = (tuple(map(int, p)) for p in _fixed(ends))
    for end, colour, name in ((x_end, X_AXIS, "x"), (y_end, Y_AXIS, "y")):
        cv2.arrowedLine(shown, origin, end, colour, 2 * thick, cv2.LINE_AA, SHIFT, 0.12)
        at = (end[0] >> SHIFT, (end[1] >> SHIFT) - 4 * thick)
        cv2.putText(shown, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.6 * thick, colour, thick, cv2.LINE_AA)
    cv2.circle(shown, origin, (5 * thick) << SHIFT, X_AXIS, 2 * thick, cv2.LINE_AA, SHIFT)


def _lines(calibration: Calibration) -> list[str]:
    table = calibration.table
    return [
        f"{table.name}: {table.length_in:g} x {table.width_in:g} in, balls of {table.ball_diameter_in:.3g} in, "
        f"found by {calibration.method}",
        calibration.residual_in_words(),
        *calibration.notes,
    ]


def _with_caption(shown: Picture, lines: list[str]) -> Picture:
    width = shown.shape[1]
    size = max(0.4, width / 2400)
    row = round(34 * size)
    letters = max(20, round(width / (18.5 * size)))
    rows = [part for line in lines for part in _wrapped(_plain(line), letters)]
    panel = np.full((row * len(rows) + row // 2, width, 3), 24, dtype=np.uint8)
    for i, text in enumerate(rows):
        place = (row // 2, row * (i + 1) - row // 5)
        cv2.putText(panel, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (235, 235, 235), 1, cv2.LINE_AA)
    return np.vstack([shown, panel])


def _plain(text: str) -> str:
    """OpenCV's letters are ASCII only."""
    return text.replace("×", "x").replace("–", "-").replace("…", "...").encode("ascii", "replace").decode()


def _wrapped(text: str, letters: int) -> list[str]:
    rows, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > letters:
            rows.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [*rows, line]
