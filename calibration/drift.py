"""Tells that the camera has moved: small patches of the rails, kept with the calibration and looked for again.

Patches sit on what does not move: rails, diamonds, pocket rims, cushion backs. None sits on the bed, where
balls are. Normalised correlation does not see how bright the light is; a covered patch correlates badly
everywhere and is left out.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.pose import with_height
from calibration.table import Table

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

FINGERPRINT_SCHEMA = 1
PATCH_PX = 32
REACH_PX = 14
MOST_PATCHES = 28
# A patch is recognised from this correlation on, if it is this much above the next best place.
ALIKE = 0.75
# Fewer recognised patches than this share say nothing about a movement.
ENOUGH = 0.25
MOVED_PX = 2.0
DARK_MEAN = 12.0

State = Literal["same", "moved", "other view", "dark"]


@dataclass(frozen=True, slots=True)
class Drift:
    """What became of the camera's view since the calibration.

    `shift_px` is the median movement of the patches recognised, None where too few are. `moved` is whether
    to calibrate again.
    """

    state: State
    shift_px: float | None
    recognised: int
    patches: int

    @property
    def moved(self) -> bool:
        return self.state in ("moved", "other view")

    def in_words(self) -> str:
        """The verdict as a technician reads it."""
        if self.state == "same":
            return f"the camera stands as it was calibrated ({self.recognised} of {self.patches} patches seen)"
        if self.state == "moved":
            return f"the camera has moved by about {self.shift_px:.0f} px: calibrate again"
        if self.state == "dark":
            return "the picture is too dark to tell whether the camera has moved"
        return (
            f"this is not the view that was calibrated ({self.recognised} of {self.patches} patches seen): the "
            "camera moved far, something hides the table, or the scene changed"
        )


def fingerprint(pictures: Sequence[Picture], table: Table, camera: Camera) -> dict[str, Any] | None:
    """Patches around the table, ready for JSON; None where the rails show nothing to hold on to.

    `pictures` are BGR, shape (h, w, 3), of the calibrated view; patches that differ between them are left out.
    """
    grey = [_grey(p) for p in pictures[:: max(1, len(pictures) // 7)]]
    typical: Picture = np.partition(np.stack(grey), len(grey) // 2, axis=0)[len(grey) // 2]
    mask = _rail_mask(table, camera, typical.shape)
    spacing = max(PATCH_PX, round(0.06 * max(typical.shape)))
    points = cv2.goodFeaturesToTrack(typical, 3 * MOST_PATCHES, 0.02, spacing, mask=mask, blockSize=PATCH_PX // 4)
    half = PATCH_PX // 2
    patches: list[dict[str, Any]] = []
    for u, v in [] if points is None else np.rint(points.reshape(-1, 2)).astype(int):
        patch = typical[v - half : v + half, u - half : u + half]
        views = [g[v - half - 4 : v + half + 4, u - half - 4 : u + half + 4] for g in grey]
        found = [_find(view, patch) for view in views]
        steady = [score > ALIKE and abs(shift).max() < 1.0 for shift, score in found]
        if np.mean(steady) > 0.6 and len(patches) < MOST_PATCHES:
            data = base64.b64encode(patch.tobytes()).decode()
            patches.append({"u": int(u), "v": int(v), "grey": data})
    if len(patches) < 6:
        return None
    return {"schema": FINGERPRINT_SCHEMA, "size_px": [typical.shape[1], typical.shape[0]], "patches": patches}


def _grey(picture: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _rail_mask(table: Table, camera: Camera, shape: tuple[int, ...]) -> Picture:
    """White from just behind the noses to beyond the rails, as far as the search can reach in the picture."""
    L, W = table.length_in, table.width_in

    def outline(beyond_in: float) -> NDArray[np.int32]:
        b = beyond_in
        corners = with_height([(-b, -b), (L + b, -b), (L + b, W + b), (-b, W + b)], table.nose_height_in)
        return np.rint(camera.project(corners)).astype(np.int32)

    mask = np.zeros(shape[:2], dtype=np.uint8)
    cv2.fillPoly(mask, [outline(0.09 * W)], 255)
    cv2.fillPoly(mask, [outline(0.01 * W)], 0)
    edge = PATCH_PX // 2 + REACH_PX + 1
    inner = np.zeros_like(mask)
    inner[edge:-edge, edge:-edge] = mask[edge:-edge, edge:-edge]
    return inner


def _find(view: Picture, patch: Picture) -> tuple[Array, float]:
    """Where a patch lies in a view around its old place: the shift (u, v) in pixels, and the correlation."""
    scores = cv2.matchTemplate(view, patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, (i, j) = cv2.minMaxLoc(scores)
    middle = (np.array(scores.shape[::-1]) - 1) / 2
    at = np.array([i, j], dtype=np.float64)
    if 0 < i < scores.shape[1] - 1:
        at[0] += _peak(*scores[j, i - 1 : i + 2])
    if 0 < j < scores.shape[0] - 1:
        at[1] += _peak(*scores[j - 1 : j + 2, i])
    return at - middle, float(best)


def _peak(before: float, here: float, after: float) -> float:
    """The top of a parabola through three neighbours, from the middle one."""
    bend = 2 * here - before - after
    return float((after - before) / (2 * bend)) if bend > 1e-6 else 0.0


def moved(stored: dict[str, Any], picture: Picture) -> Drift:
    """Compares a picture, BGR (h, w, 3) or luma (h, w), with the fingerprint of its calibration.

    Raises ValueError for a picture of another size and KeyError for a fingerprint that is none.
    """
    grey = picture if picture.ndim == 2 else _grey(picture)
    if [grey.shape[1], grey.shape[0]] != list(stored["size_px"]):
        raise ValueError(f"the fingerprint is for pictures of {stored['size_px'][0]}×{stored['size_px'][1]}")
    patches = stored["patches"]
    if grey[::8, ::8].mean() < DARK_MEAN:
        return Drift("dark", None, 0, len(patches))
    half = PATCH_PX // 2 + REACH_PX
    shifts = []
    for item in patches:
        patch = np.frombuffer(base64.b64decode(item["grey"]), np.uint8).reshape(PATCH_PX, PATCH_PX)
        u, v = int(item["u"]), int(item["v"])
        shift, score = _find(np.ascontiguousarray(grey[v - half : v + half, u - half : u + half]), patch)
        if score > ALIKE:
            shifts.append(shift)
    return _verdict(np.array(shifts).reshape(-1, 2), len(patches))


def _verdict(shifts: Array, patches: int) -> Drift:
    """Judges by the patches recognised, shifts of shape (n, 2): most of them must agree that nothing moved."""
    n = len(shifts)
    if n < max(3, ENOUGH * patches):
        return Drift("other view", None, n, patches)
    lengths = np.linalg.norm(shifts, axis=1)
    shift = float(np.median(lengths))
    # A turn or a zoom leaves the patches near its centre where they were, so a large minority counts too.
    gone = float(np.mean(lengths > MOVED_PX)) > 0.4
    return Drift("moved" if gone else "same", shift, n, patches)
