"""The card with a shot's facts, in the corner of the picture that hides least of the table."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.frames.source import Plane
from vision.model import Shot
from vision.video.lettering import Colour, draw_text, text_width_px

_TITLE: Colour = (250, 250, 250)
_TEXT: Colour = (222, 222, 222)
_QUIET: Colour = (160, 160, 160)
_MAKE: Colour = (110, 220, 124)
_MISS: Colour = (110, 140, 240)


def draw_panel(picture: Plane, shot: Shot, number: int, t_s: float, table_px: NDArray[np.float64]) -> None:
    """Draws the card into a BGR picture; `table_px` are the table's corners in it, shape (4, 2)."""
    verdict, colour = _verdict(shot, t_s)
    kind = "" if shot.kind == "unknown" else f" · {shot.kind}"
    title = f"Shot {number}{kind}"
    facts = shot_facts(shot)
    size = max(12, round(picture.shape[0] / 46))
    row, pad = round(size * 1.5), round(size * 0.8)
    names = max((text_width_px(name, size) for name, _ in facts), default=0) + size
    width = max(
        [text_width_px(title, size, True) + 2 * size + text_width_px(verdict, size, True)]
        + [names + text_width_px(value, size) for _, value in facts]
    )
    box = (width + 2 * pad, row * (1 + len(facts)) + 2 * pad - size // 3)
    left, top = _corner(picture, box, table_px)
    area = picture[top : top + box[1], left : left + box[0]]
    area[:] = cv2.addWeighted(area, 0.28, np.full_like(area, 22), 0.72, 0)
    cv2.rectangle(picture, (left, top), (left + max(2, size // 5), top + box[1] - 1), colour, -1)
    baseline = top + pad + size - size // 8
    draw_text(picture, title, (left + pad, baseline), size, _TITLE, bold=True)
    verdict_left = left + box[0] - pad - text_width_px(verdict, size, True)
    draw_text(picture, verdict, (verdict_left, baseline), size, colour, bold=True)
    for name, value in facts:
        baseline += row
        draw_text(picture, name, (left + pad, baseline), size, _QUIET)
        draw_text(picture, value, (left + pad + names, baseline), size, _TEXT)


def shot_facts(shot: Shot) -> list[tuple[str, str]]:
    """The facts that are known, as (name, value) for people."""
    facts = []
    if shot.potted:
        facts.append(("potted", ", ".join(f"{pot.ball} → {pot.pocket}" for pot in shot.potted)))
    if shot.first_contact is not None:
        facts.append(("first contact", shot.first_contact.ball))
    if shot.cut_angle_deg is not None:
        facts.append(("cut angle", f"{shot.cut_angle_deg:.0f}°"))
    if shot.cue_distance_in is not None:
        facts.append(("distance", f"{shot.cue_distance_in:.1f} in"))
    if shot.cue_speed_mph is not None:
        facts.append(("speed", f"{shot.cue_speed_mph:.1f} mph"))
    spin = [s for s in (shot.spin.vertical.label, shot.spin.side.label) if s not in ("unknown", "none")]
    if spin:
        facts.append(("spin", " · ".join(spin)))
    return facts


def _verdict(shot: Shot, t_s: float) -> tuple[str, Colour]:
    """The result, kept back until it is settled."""
    decided_s = min((pot.t_s for pot in shot.potted), default=shot.end_s)
    if decided_s is None or t_s < decided_s or shot.result == "unknown":
        return "", _QUIET
    if shot.scratch:
        return "scratch", _MISS
    return ("make", _MAKE) if shot.result == "make" else ("miss", _MISS)


def _corner(picture: Plane, box: tuple[int, int], table_px: NDArray[np.float64]) -> tuple[int, int]:
    """(left, top) of the corner place that covers least of the table."""
    height, width = picture.shape[:2]
    margin = max(4, height // 60)
    places = [
        (left, top)
        for top in (margin, max(0, height - box[1] - margin))
        for left in (margin, max(0, width - box[0] - margin))
    ]
    table = cv2.convexHull(table_px.astype(np.float32))

    def covered(place: tuple[int, int]) -> float:
        left, top = place
        right, bottom = left + box[0], top + box[1]
        card = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32)
        return float(cv2.intersectConvexConvex(table, card)[0])

    return min(places, key=covered)
