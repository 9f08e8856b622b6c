"""Full-resolution colour relative to the cloth, computed only where somebody is going to look."""

from dataclasses import dataclass

import cv2
import numpy as np

from vision.detect.cloth import Cloth, Float, region_bgr
from vision.detect.silhouette import OPPONENT, Array
from vision.frames.source import Frame, Plane

Box = tuple[int, int, int, int]  # left, top, right, bottom in full-size pixels, all even


@dataclass(frozen=True)
class Canvas:
    """Planes of the picture's size of which only the painted boxes are valid.

    `bgr`, shape (h, w, 3), is the picture; `opponent`, same shape, is log(pixel) − log(cloth) in opponent colours;
    `foreign`, `shade` and `strange`, shape (h, w), are those of `vision.detect.cloth.Against`.
    """

    bgr: Plane
    opponent: Float
    foreign: Float
    shade: Float
    strange: Float

    @classmethod
    def blank(cls, width_px: int, height_px: int) -> "Canvas":
        return cls(
            np.zeros((height_px, width_px, 3), dtype=np.uint8),
            np.zeros((height_px, width_px, 3), dtype=np.float32),
            np.zeros((height_px, width_px), dtype=np.float32),
            np.zeros((height_px, width_px), dtype=np.float32),
            np.zeros((height_px, width_px), dtype=np.float32),
        )

    def paint(self, frame: Frame, cloth: Cloth, gain: Float, boxes: list[Box]) -> None:
        """Computes the boxes; `gain` is by how much the light changed, as a logarithm per channel."""
        for left, top, right, bottom in boxes:
            part = slice(top, bottom), slice(left, right)
            self.bgr[part] = region_bgr(frame, left, top, right, bottom)
            ratio = cloth.log_ratio(self.bgr[part], left, top) - gain
            against = cloth.against(ratio)
            self.opponent[part] = cv2.transform(ratio, OPPONENT)
            self.foreign[part] = against.foreign
            self.shade[part] = against.shade
            self.strange[part] = against.strange


def sampled(plane: Float, pixels: Array) -> Float:
    """A plane at pixels, shape (N, M, 2), between its pixels linearly: shape (N, M)."""
    where = pixels.astype(np.float32)
    values = cv2.remap(plane, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, dtype=np.float32)


def boxes_around(centres_px: Array, radii_px: Array, width_px: int, height_px: int) -> list[Box]:
    """Even boxes inside the picture that hold every ball with its surroundings; those that overlap are one."""
    margins = 2.3 * radii_px + 4
    low = np.clip(centres_px - margins[:, None], 0, None).astype(int) & ~1
    high = (centres_px + margins[:, None]).astype(int) & ~1
    limit = np.array([width_px & ~1, height_px & ~1])
    high = np.minimum(high, limit)
    boxes = [
        (int(a[0]), int(a[1]), int(b[0]), int(b[1]))
        for a, b in zip(low, high, strict=True)
        if b[0] - a[0] >= 4 and b[1] - a[1] >= 4
    ]
    return _merged(boxes)


def _merged(boxes: list[Box]) -> list[Box]:
    """The boxes, those that overlap joined where their union costs less than the two."""
    merged: list[Box] = []
    for box in boxes:
        current = box
        changed = True
        while changed:
            changed = False
            for other in merged:
                union = _union(current, other)
                if _area(union) <= _area(current) + _area(other):
                    merged.remove(other)
                    current, changed = union, True
                    break
        merged.append(current)
    return merged


def _union(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
