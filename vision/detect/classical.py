"""The classical detector: balls are what is foreign to the cloth and has the projected ball's outline."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.detect.bed import Bed, measure_bed
from vision.detect.cloth import Cloth, Float, half_luma, half_region_bgr, learn_cloth
from vision.detect.looks import looks
from vision.detect.silhouette import OPPONENT, Array, Fit, Silhouettes, fit, silhouettes
from vision.detect.votes import radial_votes
from vision.frames.source import Frame, Plane
from vision.model import Detection


Rect = tuple[int, int, int, int]  # left, top, right, bottom in half-size pixels

# Two balls can't be nearer than one diameter; what measures nearer than this is one ball.
_NEAREST_DIAMETERS = 0.86
_MIN_QUALITY = 0.5
_MIN_QUALITY_IN_MOUTH = 0.7
_MOST_SHADED = 0.35  # a lamp's shadow hides less of an outline than this; a dark sleeve is like shadow all round
# A hand's knuckles look round on one side only: this much of the outline must be explained.
_MIN_EXPLAINED = 0.6
_BLEED_PX = 4.0  # a codec spreads a ball's colour this far over the cloth
_CHANGED = 14  # a step of half-size luma that noise does not make
_TILE = 8


@dataclass(frozen=True)
class Sight:
    """What one frame showed: the balls in the regions looked at, and those regions."""

    detections: list[Detection]
    regions: list[Rect]


@dataclass(frozen=True)
class Found:
    """A candidate with its outline: `outside_px`, shape (SPOKES, 2), points just outside it; `bare` per spoke whether
    the picture has the edge and cloth or a hole is outside; `told` the fraction of the outline that no shadow hides."""

    ball: Detection
    outside_px: Array
    bare: NDArray[np.bool_]
    told: float

    def explained(self, others: list[Detection]) -> float:
        """The fraction of the outline with an edge against cloth, a hole or one of the other balls."""
        known = self.bare
        for o in others:
            if abs(o.x_px - self.ball.x_px) + abs(o.y_px - self.ball.y_px) < 4 * self.ball.radius_px:
                near = (
                    np.hypot(self.outside_px[:, 0] - o.x_px, self.outside_px[:, 1] - o.y_px) < 1.15 * o.radius_px
                )
                known = known | near
        return min(1.0, float(known.mean()) / self.told)


class Detector:
    """Finds the balls of one table, frame by frame.

    The cloth is learnt from the first frame given (or by `learn` from several) and kept. `mask` is non-zero,
    at half size, where something foreign lies on the bed: balls, hands, cues.
    """

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self._cloth: Cloth | None = None
        self._bed: Bed | None = None
        self._seen_luma: Plane | None = None
        self._gain = 0.0
        self.mask: Plane = np.zeros((0, 0), dtype=np.uint8)

    def learn(self, frames: list[Frame]) -> None:
        """Learns the empty cloth. Raises ClothError or CalibrationError, each with what to do."""
        first = frames[0]
        self.calibration.require_picture(first.width_px, first.height_px)
        self._cloth = learn_cloth(frames, self.calibration)
        self._bed = measure_bed(self.calibration, self._cloth, frames)
        self._seen_luma = None
        self.mask = np.zeros(first.u.shape, dtype=np.uint8)

    def detect(self, frame: Frame) -> list[Detection]:
        """Every ball of a frame on its own, best first."""
        if self._cloth is None:
            self.learn([frame])
        self._seen_luma = None
        return self.look(frame, np.zeros((0, 2))).detections

    def look(self, frame: Frame, hints_in: Array) -> Sight:
        """The balls where something changed since the last look; `hints_in`, shape (N, 2), says where to expect.

        The first look is at everything.
        """
        assert self._cloth is not None and self._bed is not None
        luma = half_luma(frame)
        self._gain = self._measure_gain(luma)
        regions = self._changed(luma)
        detections: list[Found] = []
        for region in regions:
            detections += self._look_at(frame, luma, region, hints_in)
        return Sight(self._accept(detections), [self._bed.widened(r) for r in regions])

    def cover(self, points_in: Array) -> Array:
        """How much of each silhouette at table points, shape (N, 2), something foreign covers: shape (N,)."""
        s = silhouettes(self.calibration, points_in)
        rings = np.array([0.3, 0.6, 0.85])
        where = s.centres_px[:, None, None, :] + rings[None, :, None, None] * s.spokes_px[:, None, ::4, :]
        pixels = np.round((where.reshape(len(points_in), -1, 2) - 0.5) / 2).astype(int)
        height, width = self.mask.shape
        u, v = np.clip(pixels[..., 0], 0, width - 1), np.clip(pixels[..., 1], 0, height - 1)
        covered: Array = (self.mask[v, u] > 0).mean(axis=1)
        return covered

    def _measure_gain(self, luma: Plane) -> float:
        """By how much the whole light changed since the cloth was learnt, as a logarithm."""
        assert self._bed is not None
        rows, cols = self._bed.samples
        ratio = np.log((luma[rows, cols].astype(np.float32) + 4) / (self._bed.sample_luma + 4))
        return float(np.median(ratio))

    def _changed(self, luma: Plane) -> list[Rect]:
        """Regions in which the bed looks other than when last looked at, and remembers the new look."""
        assert self._bed is not None
        height, width = luma.shape
        if self._seen_luma is None:
            self._seen_luma = luma.copy()
            return [self._bed.rect]
        step = cv2.absdiff(luma, self._seen_luma)
        _, step = cv2.threshold(step, _CHANGED, 255, cv2.THRESH_BINARY)
        step = cv2.bitwise_and(step, self._bed.reach)
        tiles = cv2.resize(step, (width // _TILE, height // _TILE), interpolation=cv2.INTER_AREA)
        if not tiles.any():
            return []
        busy = cv2.dilate((tiles > 8).astype(np.uint8), np.ones((3, 3), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(busy)
        regions: list[Rect] = []
        for x, y, w, h, _ in stats[1:count]:
            r = (x * _TILE, y * _TILE, min(width, (x + w) * _TILE), min(height, (y + h) * _TILE))
            self._seen_luma[r[1] : r[3], r[0] : r[2]] = luma[r[1] : r[3], r[0] : r[2]]
            regions.append(r)
        return regions

    def _look_at(self, frame: Frame, luma: Plane, region: Rect, hints_in: Array) -> list[Found]:
        assert self._cloth is not None and self._bed is not None
        left, top, right, bottom = self._bed.widened(region)
        part = (slice(top, bottom), slice(left, right))
        picture = self._cloth.log_of(half_region_bgr(frame, luma, part))
        log_ratio = np.asarray(picture - self._cloth.log_bgr[part] - np.float32(self._gain), dtype=np.float32)
        mask = ((self._cloth.foreign(log_ratio) > 1) & (self._bed.reach[part] > 0)).astype(np.uint8)
        mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), dtype=np.uint8)
        self.mask[part] = mask
        if not mask.any():
            return []
        radius = self._bed.radius_half[part]
        found = [self._inside(hints_in, (left, top, right, bottom))]
        found.append(self._to_table(_deep(mask, radius), left, top))
        detections = self._refine(frame, np.concatenate(found))
        rest = self._unexplained(mask, detections, left, top)
        if _deep(rest, radius).size:
            opponent = np.asarray(cv2.transform(log_ratio, OPPONENT), dtype=np.float32)
            votes = radial_votes(opponent, rest, radius)
            detections += self._refine(frame, self._to_table(votes, left, top))
        return detections

    def _inside(self, points_in: Array, rect: Rect) -> Array:
        if not len(points_in):
            return np.zeros((0, 2))
        pixels = (self.calibration.to_picture(points_in) - 0.5) / 2
        u, v = pixels.T
        return points_in[(u >= rect[0]) & (u < rect[2]) & (v >= rect[1]) & (v < rect[3])]

    def _to_table(self, pixels_half: Array, left: int, top: int) -> Array:
        if not len(pixels_half):
            return np.zeros((0, 2))
        return self.calibration.to_table((pixels_half + (left, top)) * 2.0 + 0.5)

    def _unexplained(self, mask: Plane, candidates: list[Found], left: int, top: int) -> Plane:
        """The mask without the balls already found well."""
        rest = mask.copy()
        for d in (c.ball for c in candidates):
            if d.quality >= 0.7:
                centre = round((d.x_px - 0.5) / 2 - left), round((d.y_px - 0.5) / 2 - top)
                cv2.circle(rest, centre, int(d.radius_px / 2) + 1, 0, -1)
        return rest

    def _refine(self, frame: Frame, points: Array) -> list[Found]:
        """Fits a ball at each table point, shape (N, 2)."""
        assert self._cloth is not None
        points = _thin(points, 0.2 * self.calibration.table.ball_diameter_in)
        if not len(points):
            return []
        s = silhouettes(self.calibration, points)
        margin = 2.2 * float(s.radii_px.max()) + 4
        left, top = (int(v) & ~1 for v in np.maximum(0, s.centres_px.min(axis=0) - margin))
        right = min(frame.width_px, int(s.centres_px[:, 0].max() + margin)) & ~1
        bottom = min(frame.height_px, int(s.centres_px[:, 1].max() + margin)) & ~1
        if right - left < 4 or bottom - top < 4:
            return []
        log_ratio = self._cloth.log_ratio(frame, left, top, right, bottom) - np.float32(self._gain)
        opponent = np.asarray(cv2.transform(log_ratio, OPPONENT), dtype=np.float32)
        result = fit(opponent, (left, top), s)
        return self._detections(frame, s, result, log_ratio, (left, top))

    def _detections(
        self, frame: Frame, s: Silhouettes, result: Fit, log_ratio: Float, origin: tuple[int, int]
    ) -> list[Found]:
        assert self._cloth is not None and self._bed is not None
        foreign, shade = self._cloth.foreign(log_ratio), self._cloth.shade(log_ratio)
        centres = s.centres_px + result.shift_px
        inches = self.calibration.to_table(centres)
        outwards = np.maximum(0.3, _BLEED_PX / s.radii_px)[:, None, None]
        outside = centres[:, None, :] + (1 + outwards) * s.spokes_px
        filled = _filled(foreign, origin, s.spokes_px, centres)
        shaded = (~result.edge & (_sampled(shade, origin, outside) > 0)).mean(axis=1)
        on_bed = np.array([not self._bed.in_mouth(x, y) for x, y in inches])  # a hole is like shadow too
        told = np.where(on_bed & (shaded < _MOST_SHADED), 1 - shaded, 1.0)
        quality = (
            filled
            * np.minimum(1, result.support / told)
            * np.clip(1.3 - 2 * np.abs(result.grown_px) / s.radii_px, 0, 1)
        )
        colours = looks(frame, centres, s.spokes_px)
        bare = result.edge & (_sampled(foreign, origin, outside) < 1)
        found = [
            Detection(
                float(centres[i, 0]),
                float(centres[i, 1]),
                float(inches[i, 0]),
                float(inches[i, 1]),
                float(s.radii_px[i]),
                float(quality[i]),
                float(bare[i].mean()),
                colours[i],
            )
            for i in range(len(centres))
        ]
        beyond = self._bed.beyond(outside)
        return [
            Found(d, outside[i], bare[i] | (result.edge[i] & beyond[i]), float(told[i]))
            for i, d in enumerate(found)
        ]

    def _accept(self, candidates: list[Found]) -> list[Detection]:
        """The best candidates of which no two are one ball, none lies where no ball can rest, and each has an
        outline that cloth, a hole or another ball explains."""
        assert self._bed is not None
        nearest = _NEAREST_DIAMETERS * self.calibration.table.ball_diameter_in
        accepted: list[Found] = []
        for c in sorted(candidates, key=lambda c: -c.ball.quality):
            x, y = c.ball.x_in, c.ball.y_in
            least = _MIN_QUALITY_IN_MOUTH if self._bed.in_mouth(x, y) else _MIN_QUALITY
            if c.ball.quality < least or not self._bed.can_rest(x, y):
                continue
            if all(_gap(c.ball, a.ball) > nearest for a in accepted):
                accepted.append(c)
        while accepted:
            explained = [c.explained([a.ball for a in accepted if a is not c]) for c in accepted]
            slack = [e - _needed(c.ball.quality) for e, c in zip(explained, accepted, strict=True)]
            worst = int(np.argmin(slack))
            if slack[worst] >= 0:
                return [replace(c.ball, free=e) for c, e in zip(accepted, explained, strict=True)]
            accepted.pop(worst)
        return []


def _needed(quality: float) -> float:
    """How much of an outline must be explained: the less, the more of it is there."""
    return float(np.interp(quality, (0.5, 0.75, 0.97), (0.7, _MIN_EXPLAINED, 0.0)))


def _gap(a: Detection, b: Detection) -> float:
    return float(np.hypot(a.x_in - b.x_in, a.y_in - b.y_in))


def _deep(mask: Plane, radius_half: Float) -> Array:
    """Pixels, shape (N, 2), deepest first, where the mask is about as deep as a ball."""
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1] / radius_half
    peaks = (depth >= cv2.dilate(depth, np.ones((5, 5), np.uint8))) & (depth > 0.45)
    rows, cols = np.nonzero(peaks)
    order = np.argsort(-np.minimum(depth[rows, cols], 1.05), kind="stable")
    return np.column_stack([cols, rows])[order].astype(np.float64)


def _thin(points: Array, distance_in: float) -> Array:
    """The points, shape (N, 2), without those nearer than `distance_in` to an earlier one."""
    kept: list[NDArray[np.float64]] = []
    for p in points:
        if all((p[0] - k[0]) ** 2 + (p[1] - k[1]) ** 2 > distance_in**2 for k in kept):
            kept.append(p)
    return np.array(kept).reshape(-1, 2)


def _filled(foreign: Float, origin_px: tuple[int, int], spokes_px: Array, centres_px: Array) -> Array:
    """The fraction of each silhouette's inside that is foreign to the cloth, shape (N,)."""
    rings = np.array([0.25, 0.5, 0.7, 0.85])
    where = centres_px[:, None, None, :] + rings[None, :, None, None] * spokes_px[:, None, ::2, :]
    inside = _sampled(foreign, origin_px, where.reshape(len(centres_px), -1, 2))
    result: Array = (inside > 0.7).mean(axis=1)
    return result


def _sampled(plane: Float, origin_px: tuple[int, int], pixels: Array) -> Float:
    """The plane, whose first pixel lies at `origin_px`, at pixels, shape (N, M, 2): shape (N, M)."""
    where = (pixels - np.asarray(origin_px)).astype(np.float32)
    values = cv2.remap(plane, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, dtype=np.float32)
