"""The classical detector: balls are what is foreign to the cloth and has the projected ball's outline."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.detect.accept import Found, accept
from vision.detect.bed import Bed, measure_bed
from vision.detect.canvas import Canvas, boxes_around, sampled
from vision.detect.changes import ChangeWatch, Rect
from vision.detect.cloth import Cloth, Float, half_luma, half_region_bgr, learn_cloth, median_half_bgr
from vision.detect.intruders import beside, core, intruders
from vision.detect.looks import looks
from vision.detect.silhouette import OPPONENT, SPOKES, Array, Fit, Silhouettes, fit, silhouettes
from vision.detect.votes import radial_votes
from vision.frames.source import Frame, Plane
from vision.model import Detection

_WELL_FOUND = 0.7
_MEETS = 1.1  # an outline this near to another ball's middle, in its radii, meets it
_ONE_BALL = 0.8  # balls nearer than this, in diameters, are one
_MOST_SHADED = 0.35  # a lamp's shadow hides less of an outline than this; a dark sleeve is like shadow all round
_LEAST_TOLD = 0.4  # less of an outline than this tells no ball
_SURE = 0.4  # so much of a ball can't be cloth in shadow
_BLEED_PX = 4.0  # a codec spreads a ball's colour this far over the cloth
_EXPECTED_IN = 0.5
_MIN_DEPTH = 0.45  # in radii: a mask thinner than this is a line, a cue or a rail


@dataclass(frozen=True)
class Sight:
    """What one frame showed: the balls in the regions looked at, and those regions."""

    detections: list[Detection]
    regions: list[Rect]


@dataclass(frozen=True)
class _Learnt:
    """What a detector knows of its table once it has seen it.

    `unusual` is 1, at half size, where lit cloth was seen then, so that anything else there is unusual; the rest
    were shaded cushions, balls, people.
    """

    cloth: Cloth
    bed: Bed
    changes: ChangeWatch
    canvas: Canvas
    unusual: Plane


class Detector:
    """Finds the balls of one table, frame by frame.

    The cloth is learnt from the first frame given (or by `learn` from several) and kept. `mask` is non-zero,
    at half size, where something foreign lies on the bed: balls, hands, cues.
    """

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self.mask: Plane = np.zeros((0, 0), dtype=np.uint8)
        self._known: _Learnt | None = None
        self._gain: Float = np.zeros(3, dtype=np.float32)
        self._strange: Plane = self.mask
        self._intruders: Plane = self.mask
        self._beside: Plane = self.mask

    def learn(self, frames: list[Frame]) -> None:
        """Learns the empty cloth. Raises ClothError or CalibrationError, each with what to do."""
        first = frames[0]
        self.calibration.require_picture(first.width_px, first.height_px)
        cloth = learn_cloth(frames, self.calibration)
        bed = measure_bed(self.calibration, cloth, frames)
        canvas = Canvas.blank(first.width_px, first.height_px)
        unusual = (cloth.against(cloth.log_of(median_half_bgr(frames)) - cloth.log_bgr).strange <= 1).astype(
            np.uint8
        )
        self._known = _Learnt(cloth, bed, ChangeWatch(bed.reach, bed.rect), canvas, unusual)
        self.mask = np.zeros(first.u.shape, dtype=np.uint8)
        self._strange = self.mask.copy()

    def detect(self, frame: Frame) -> list[Detection]:
        """Every ball of a frame on its own, best first."""
        if self._known is None:
            self.learn([frame])
        self._table.changes.forget()
        return self.look(frame, np.zeros((0, 2))).detections

    def look(self, frame: Frame, hints_in: Array) -> Sight:
        """The balls where something changed since the last look; `hints_in`, shape (N, 2), says where to expect.

        The first look is at everything.
        """
        known = self._table
        luma = half_luma(frame)
        self._gain = known.bed.gain(frame, luma, known.cloth)
        regions = [known.bed.widened(r) for r in known.changes.regions(luma)]
        if not regions:
            return Sight([], [])
        ratios = [self._update_mask(frame, luma, region) for region in regions]
        self._intruders = intruders(self.mask | (self._strange & known.unusual), known.bed)
        self._beside = beside(self._intruders, known.bed)
        shallow = np.where(core(self._intruders, known.bed) > 0, 0, self.mask).astype(np.uint8)
        points = [self._inside(hints_in, region) for region in regions]
        points += [self._to_table(self._deep(region, shallow[_part(region)]), region) for region in regions]
        found = self._refine(frame, np.concatenate(points))
        rest = _unexplained(shallow, [c.ball for c in _apart(found, self.calibration.table.ball_diameter_in)])
        votes = [self._votes(region, ratio, rest) for region, ratio in zip(regions, ratios, strict=True)]
        found += self._refine(frame, np.concatenate(votes))
        good = [c.ball for c in _apart(found, self.calibration.table.ball_diameter_in)]
        found += self._refine(frame, self._between(good, _unexplained(shallow, good)))
        found = self._parted(found)
        found = [replace(f, held=False) if _expected(f.ball, hints_in) else f for f in found]
        return Sight(accept(found, known.bed), regions)

    def cover(self, points_in: Array) -> Array:
        """How much of each silhouette at table points, shape (N, 2), something foreign covers: shape (N,)."""
        s = silhouettes(self.calibration, points_in)
        rings = np.array([0.3, 0.6, 0.85])
        where = s.centres_px[:, None, None, :] + rings[None, :, None, None] * s.spokes_px[:, None, ::4, :]
        u, v = self._table.bed.half(where.reshape(len(points_in), -1, 2))
        covered: Array = (self.mask[v, u] > 0).mean(axis=1)
        return covered

    @property
    def _eye_in(self) -> Array:
        return self.calibration.camera.position_in

    @property
    def _table(self) -> _Learnt:
        if self._known is None:
            raise RuntimeError("the detector has not learnt its table yet")
        return self._known

    def _update_mask(self, frame: Frame, luma: Plane, region: Rect) -> Float:
        """Marks what is foreign in a region; hands on log(pixel) − log(cloth) there, shape (h, w, 3)."""
        known, part = self._table, _part(region)
        picture = known.cloth.log_of(half_region_bgr(frame, luma, part))
        ratio = np.asarray(picture - known.cloth.log_bgr[part] - self._gain, dtype=np.float32)
        seen = known.bed.reach[part] > 0
        against = known.cloth.against(ratio)
        mask = ((against.foreign > 1) & seen).astype(np.uint8)
        self.mask[part] = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        self._strange[part] = (against.strange > 1) & seen
        return ratio

    def _deep(self, region: Rect, mask: Plane) -> Array:
        """Pixels of a region, shape (N, 2), where the mask is about as deep as a ball, as it is and with the gaps
        closed that highlights and numbers leave."""
        radius = self._table.bed.radius_half[_part(region)]
        size = max(3, int(1.2 * float(radius.mean())) | 1)
        closed = cv2.morphologyEx(
            mask, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        )
        return np.concatenate([_maxima(mask, radius), _maxima(np.asarray(closed, dtype=np.uint8), radius)])

    def _votes(self, region: Rect, ratio: Float, rest: Plane) -> Array:
        """Table points, shape (N, 2), for what a region shows beyond the balls already found."""
        where = rest[_part(region)]
        if not len(self._deep(region, where)):
            return np.zeros((0, 2))
        opponent = np.asarray(cv2.transform(ratio, OPPONENT), dtype=np.float32)
        return self._to_table(radial_votes(opponent, where, self._table.bed.radius_half[_part(region)]), region)

    def _between(self, good: list[Detection], rest: Plane) -> Array:
        """Table points, shape (N, 2), where a ball would touch two others and something is unexplained."""
        diameter = self.calibration.table.ball_diameter_in
        balls = np.array([(b.x_in, b.y_in) for b in good]).reshape(-1, 2)
        i, j = np.triu_indices(len(balls), 1)
        across = balls[j] - balls[i]
        apart = np.linalg.norm(across, axis=1)
        near = apart < 1.9 * diameter
        middle, across, apart = (balls[i] + balls[j])[near] / 2, across[near], apart[near][:, None]
        away = np.sqrt(diameter**2 - np.square(apart) / 4) * across[:, ::-1] * (1, -1) / apart
        points = np.concatenate([middle + away, middle - away])
        clear = [bool(np.linalg.norm(balls - p, axis=1).min() > _ONE_BALL * diameter) for p in points]
        points = points[np.array(clear, dtype=bool)]
        if len(points):
            u, v = self._table.bed.half(self.calibration.to_picture(points))
            points = points[rest[v, u] > 0]
        return np.asarray(points, dtype=np.float64)

    def _parted(self, found: list[Found]) -> list[Found]:
        """The candidates, those that touch a neighbour fitted again by the rest of their outlines."""
        good = _apart(found, self.calibration.table.ball_diameter_in)
        touching = np.array([_meets(c, [o.ball for o in good if o is not c]) for c in good]).reshape(-1, SPOKES)
        again: NDArray[np.bool_] = np.asarray(touching.any(axis=1))
        if not again.any():
            return found
        s = silhouettes(self.calibration, np.array([(c.ball.x_in, c.ball.y_in) for c in good])[again])
        parted = self._judge(s, fit(self._table.canvas.opponent, s, touching[again]))
        old = {id(c) for c, a in zip(good, again, strict=True) if a}
        return [c for c in found if id(c) not in old] + parted

    def _inside(self, points_in: Array, rect: Rect) -> Array:
        if not len(points_in):
            return np.zeros((0, 2))
        u, v = ((self.calibration.to_picture(points_in) - 0.5) / 2).T
        inside: Array = points_in[(u >= rect[0]) & (u < rect[2]) & (v >= rect[1]) & (v < rect[3])]
        return inside

    def _to_table(self, pixels_half: Array, region: Rect) -> Array:
        """Table points of a region's half-size pixels, both shape (N, 2)."""
        if not len(pixels_half):
            return np.zeros((0, 2))
        return self.calibration.to_table((pixels_half + np.array(region[:2])) * 2.0 + 0.5)

    def _refine(self, frame: Frame, points: Array) -> list[Found]:
        """Fits a ball at each table point, shape (N, 2)."""
        known = self._table
        points = _thin(points, 0.2 * self.calibration.table.ball_diameter_in)
        if not len(points):
            return []
        s = silhouettes(self.calibration, points)
        boxes = boxes_around(s.centres_px, s.radii_px, frame.width_px, frame.height_px)
        known.canvas.paint(frame, known.cloth, self._gain, boxes)
        return self._judge(s, fit(known.canvas.opponent, s))

    def _judge(self, s: Silhouettes, result: Fit) -> list[Found]:
        """The fits as detections, with how good each is and what its outline shows."""
        known = self._table
        centres = s.centres_px + result.shift_px
        inches = self.calibration.to_table(centres)
        outside = centres[:, None, :] + (1 + np.maximum(0.3, _BLEED_PX / s.radii_px))[:, None, None] * s.spokes_px
        bare = result.edge & (sampled(known.canvas.foreign, outside) < 1)
        told = self._told(s, result, outside, inches)
        right_size = np.clip(1.3 - 2 * np.abs(result.grown_px) / s.radii_px, 0, 1)
        quality = self._filled(s, centres) * np.minimum(1, result.support / told) * right_size
        against = bare | (result.edge & known.bed.beyond(outside))
        u, v = known.bed.half(centres)
        held = self._intruders[v, u] > 0
        by_hand = self._beside[v, u] > 0
        away = np.linalg.norm(np.column_stack([inches, np.zeros(len(inches))]) - self._eye_in, axis=1)
        colours = looks(known.canvas.bgr, centres, s.spokes_px, known.cloth)
        numbers = np.column_stack([centres, inches, s.radii_px, quality, bare.mean(axis=1)])
        return [
            Found(
                _detection(row, colours[i], bool(by_hand[i])),
                outside[i],
                result.edge[i],
                against[i],
                float(told[i]),
                bool(held[i]),
                float(away[i]),
            )
            for i, row in enumerate(numbers)
        ]

    def _told(self, s: Silhouettes, result: Fit, outside: Array, inches: Array) -> Array:
        """The fraction of each outline that no shadow hides, shape (N,); a pocket's hole is like shadow too."""
        known = self._table
        under = ~result.edge & (s.under | s.hidden)
        shaded = (~result.edge & ~under & (sampled(known.canvas.shade, outside) > 0)).mean(axis=1)
        on_bed = np.array([not self.calibration.table.in_mouth(x, y) for x, y in inches], dtype=bool)
        shaded = np.where(shaded < _MOST_SHADED, shaded, 0.0)
        told: Array = np.maximum(np.where(on_bed, 1 - under.mean(axis=1) - shaded, 1.0), _LEAST_TOLD)
        return told

    def _filled(self, s: Silhouettes, centres_px: Array) -> Array:
        """The fraction of each silhouette's inside that is foreign to the cloth, shape (N,)."""
        where = centres_px[:, None, :] + s.inner_px
        seen = ~s.inner_hidden
        count = np.maximum(seen.sum(axis=1), 1)
        sure = (seen & (sampled(self._table.canvas.foreign, where) > 0.7)).sum(axis=1) / count
        strange = (seen & (sampled(self._table.canvas.strange, where) > 1)).sum(axis=1) / count
        filled: Array = strange * np.minimum(1, sure / _SURE)
        return filled


def _apart(candidates: list[Found], diameter_in: float) -> list[Found]:
    """The candidates that fit well of which no two are one ball, best first."""
    kept: list[Found] = []
    least = _ONE_BALL * diameter_in
    for c in sorted((c for c in candidates if c.ball.quality >= _WELL_FOUND), key=lambda c: -c.ball.quality):
        if all(np.hypot(c.ball.x_in - k.ball.x_in, c.ball.y_in - k.ball.y_in) > least for k in kept):
            kept.append(c)
    return kept


def _meets(candidate: Found, others: list[Detection]) -> NDArray[np.bool_]:
    """Which of a candidate's spokes lead into another ball, shape (SPOKES,)."""
    meets = np.zeros(SPOKES, dtype=bool)
    for other in others:
        meets |= candidate.within(other, _MEETS)
    return meets


def _unexplained(mask: Plane, balls: list[Detection]) -> Plane:
    """The mask without the balls already found well."""
    rest = mask.copy()
    for ball in balls:
        centre = round((ball.x_px - 0.5) / 2), round((ball.y_px - 0.5) / 2)
        cv2.circle(rest, centre, int(ball.radius_px / 2) + 1, 0, -1)
    return rest


def _expected(ball: Detection, hints_in: Array) -> bool:
    """Whether a ball already known lies there: that one need not show that it is none of a hand."""
    if not len(hints_in):
        return False
    away = np.hypot(hints_in[:, 0] - ball.x_in, hints_in[:, 1] - ball.y_in)
    return bool(away.min() < _EXPECTED_IN)


def _detection(numbers: Array, look: Float, by_hand: bool) -> Detection:
    x_px, y_px, x_in, y_in, radius_px, quality, free = (float(v) for v in numbers)
    return Detection(x_px, y_px, x_in, y_in, radius_px, quality, free, look, by_hand)


def _maxima(mask: Plane, radius_half: Float) -> Array:
    """Pixels, shape (N, 2), deepest first, where a mask's depth in ball radii has a maximum."""
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3))[1:-1, 1:-1] / radius_half
    peaks = (depth > _MIN_DEPTH) & (depth >= cv2.dilate(depth, np.ones((5, 5), np.uint8)))
    rows, cols = np.nonzero(peaks)
    order = np.argsort(-np.minimum(depth[rows, cols], 1.05), kind="stable")
    return np.column_stack([cols, rows])[order].astype(np.float64)


def _part(region: Rect) -> tuple[slice, slice]:
    left, top, right, bottom = region
    return slice(top, bottom), slice(left, right)


def _thin(points: Array, distance_in: float) -> Array:
    """The points, shape (N, 2), without those nearer than `distance_in` to an earlier one."""
    kept: list[NDArray[np.float64]] = []
    for p in points:
        if all((p[0] - k[0]) ** 2 + (p[1] - k[1]) ** 2 > distance_in**2 for k in kept):
            kept.append(p)
    return np.array(kept).reshape(-1, 2)
