"""Letters on pictures: OpenCV's built-in sans where it has one (5.0), else its plotter font."""

from functools import cache
from typing import Any

import cv2

from vision.frames.source import Plane

Colour = tuple[int, int, int]


@cache
def _face() -> Any:
    return cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


def text_width_px(text: str, size_px: int, bold: bool = False) -> int:
    """How wide a text comes out at a letter height of about `size_px`."""
    face = _face()
    if face is None:
        (width, _), _ = cv2.getTextSize(_plain(text), cv2.FONT_HERSHEY_DUPLEX, size_px / 30, 1)
        return int(width)
    box = cv2.getTextSize((4000, 200), text, (0, 100), face, size_px, 700 if bold else 450)
    return int(box[2])


def draw_text(
    picture: Plane, text: str, at: tuple[int, int], size_px: int, colour: Colour, *, bold: bool = False
) -> None:
    """Writes on a BGR picture, its letters standing on a line that begins `at` (u, v)."""
    face = _face()
    if face is None:
        cv2.putText(
            picture,
            _plain(text),
            at,
            cv2.FONT_HERSHEY_DUPLEX,
            size_px / 30,
            colour,
            2 if bold else 1,
            cv2.LINE_AA,
        )
    else:
        cv2.putText(picture, text, at, colour, face, size_px, 700 if bold else 450)


def _plain(text: str) -> str:
    """The plotter font has ASCII only."""
    for letter, plain in (("°", " deg"), ("·", "-"), ("→", "to"), ("–", "-")):
        text = text.replace(letter, plain)
    return text.encode("ascii", "replace").decode()
