"""The classical detector: balls are what is foreign to the cloth and has the projected ball's outline.

Two ways to look share the work. Balls that are known are followed: a fit at each place where one is expected and
something changed costs a millisecond for all. What changed and is no known ball is searched: at once where a ball
has just been lost, after a moment elsewhere, since people move all the time and balls seldom.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.detect.accept import Found, accept
from vision.detect.bed import Bed, measure_bed
from vision.detect.changes import TILE, ChangeWatch, Rect, Tiles
from vision.detect.cloth import Cloth, Float, half_luma, half_region_bgr, learn_cloth, median_half_bgr
from vision.detect.expected import Expected
from vision.detect.intruders import Intruders, Reaching
from vision.detect.judge import Judge, View, meeting, neighbours_meet
from vision.detect.silhouette import OPPONENT, SPOKES, Array, Silhouettes
from vision.detect.votes import radial_votes
from vision.frames.source import Frame, Plane
from vision.model import Detection

_WELL_FOUND = 0.7
_ONE_BALL = 0.8  # balls nearer than this, in diameters, are one
_EXPECTED_IN = 0.5
_ALL_AGAIN_S, _ALL_LATER_S = 0.6, 9.0  # of quiet, until everything is looked at again, and once more
# What can wait is searched in strips of so many columns of tiles, one every so often: no frame takes long, and a
# camera at 60 frames a second is kept up with.
_AT_ONCE, _STRIP_EVERY_S = 16, 0.06
_IN_PLAY_PATIENCE_S, _MISSING_PATIENCE_S = 2.5, 0.25
# A ball of nearly the cloth's colour is suspected where all within so many radii is foreign by so much less; it is
# looked for when everything is, and for a while after.
_EVEN, _EVENLY, _THOROUGH_S = 0.9, 0.6, 1.5
_MIN_DEPTH = 0.45  # in radii: a mask thinner than this is a line, a cue or a rail
# A followed ball accounts for what changed so far from its middle, in radii: itself and most of its shadow.
_ACCOUNTS = 1.6


@dataclass(frozen=True)
class Sight:
    """What one frame showed: the balls found, and which of the expected ones were looked for, shape (N,)."""

    detections: list[Detection]
    looked: NDArray[np.bool_]


@dataclass(frozen=True)
class _Learnt:
    """What a detector knows of its table once it has seen it.

    `unusual` is 1, at half size, where lit cloth was seen then, so that anything else there is unusual; the rest
    were shaded cushions, balls, people.
    """

    cloth: Cloth
    bed: Bed
    judge: Judge
    changes: ChangeWatch
    intruders: Intruders
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
        self._suspect: Plane = self.mask
        self._strange: Plane = self.mask
        self._reaching = Reaching(self.mask, self.mask)
        self._quiet_s: float | None = None
        self._strip_s = self._all_s = -np.inf

    def learn(self, frames: list[Frame]) -> None:
        """Learns the empty cloth. Raises ClothError or CalibrationError, each with what to do."""
        first = frames[0]
        self.calibration.require_picture(first.width_px, first.height_px)
        cloth = learn_cloth(frames, self.calibration)
        bed = measure_bed(self.calibration, cloth, frames)
        unusual = (cloth.against(cloth.log_of(median_half_bgr(frames)) - cloth.log_bgr).strange <= 1).astype(
            np.uint8
        )
        judge = Judge(self.calibration, cloth, bed)
        self._known = _Learnt(cloth, bed, judge, ChangeWatch(bed.reach, bed.samples), Intruders(bed), unusual)
        self.mask = np.zeros(first.u.shape, dtype=np.uint8)
        self._suspect, self._strange = self.mask.copy(), self.mask.copy()
        self._reaching = self._known.intruders.nothing()

    def detect(self, frame: Frame) -> list[Detection]:
        """Every ball of a frame on its own, best first."""
        if self._known is None:
            self.learn([frame])
        self._table.changes.forget()
        return self.look(frame, Expected.none()).detections

    def look(self, frame: Frame, expected: Expected) -> Sight:
        """The balls where something changed since it was last looked at, and those known to move.

        The first look is at everything.
        """
        known = self._table
        luma = half_luma(frame)
        everything = known.changes.is_new
        busy = known.changes.busy(luma, frame.t_s)
        looked = expected.moving | self._touched(expected, busy)
        chosen = looked | expected.settling
        followed: dict[int, Found] = {}
        if chosen.any():
            self._gain = known.bed.gain(frame, luma, known.cloth)
            view = known.judge.view(frame, self._gain, self._reaching)
            followed = self._follow(view, expected, chosen)
        accounted = self._accounted(expected, followed)
        lost = looked & expected.wanted
        lost[list(followed)] = False
        # Where nothing changed a ball that can't be made out this time still lies.
        looked[list(followed)] = True
        rest = busy & ~accounted
        followed = self._beside_hands(followed, rest)
        if self._is_time_for_all(frame.t_s, expected, rest):
            known.changes.want_all(frame.t_s)
            self._all_s = frame.t_s
        due = _first_of(known.changes.due(accounted, frame.t_s, _patience_s(expected)))
        if 0 <= frame.t_s - self._strip_s < _STRIP_EVERY_S:
            due[:] = False
        elif due.any():
            self._strip_s = frame.t_s
        search = np.ones_like(rest) if everything else self._near(expected, lost, rest) | due
        known.changes.look_at(accounted & busy, frame.t_s, again=False)
        good = list(followed.values())
        if not search.any():
            return Sight([f.ball for f in good], looked)
        if not chosen.any():
            self._gain = known.bed.gain(frame, luma, known.cloth)
        regions = [known.bed.widened(r) for r in known.changes.regions(search)]
        known.changes.look_at(search, frame.t_s, again=not everything)
        thorough = everything or 0 <= frame.t_s - self._all_s < _THOROUGH_S
        detections = self._search(frame, luma, regions, expected, good, thorough=thorough)
        return Sight(detections, looked | _inside(self._half(expected.places_in), regions))

    def cover(self, points_in: Array) -> Array:
        """How much of each silhouette at table points, shape (N, 2), something foreign covers: shape (N,)."""
        s = self._table.judge.outlines(points_in)
        rings = np.array([0.3, 0.6, 0.85])
        where = s.centres_px[:, None, None, :] + rings[None, :, None, None] * s.spokes_px[:, None, ::4, :]
        u, v = self._table.bed.half(where.reshape(len(points_in), -1, 2))
        covered: Array = (self.mask[v, u] > 0).mean(axis=1)
        return covered

    @property
    def _table(self) -> _Learnt:
        if self._known is None:
            raise RuntimeError("the detector has not learnt its table yet")
        return self._known

    # Following

    def _half(self, points_in: Array) -> Array:
        """Half-size pixels, shape (N, 2), of table points."""
        return (self.calibration.to_picture(points_in) - 0.5) / 2

    def _touched(self, expected: Expected, busy: Tiles) -> NDArray[np.bool_]:
        """Which balls something changed at: where they are expected or where they were, shape (N,)."""
        n = len(expected.points_in)
        if not n or not busy.any():
            return np.zeros(n, dtype=bool)
        centres = self._half(np.concatenate([expected.points_in, expected.places_in]))
        grown = cv2.dilate(busy.astype(np.uint8), np.ones((3, 3), np.uint8))
        column, row = self._tile(centres)
        touched = grown[row, column] > 0
        result: NDArray[np.bool_] = touched[:n] | touched[n:]
        return result

    def _tile(self, half: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Columns and rows of the tiles that half-size pixels lie in."""
        height, width = self._table.changes.shape
        tile = (half / TILE).astype(np.int64)
        return np.clip(tile[:, 0], 0, width - 1), np.clip(tile[:, 1], 0, height - 1)

    def _follow(self, view: View, expected: Expected, looked: NDArray[np.bool_]) -> dict[int, Found]:
        """The expected balls that are seen where they should be, by their place in `expected`."""
        chosen = np.nonzero(looked)[0]
        judge = self._table.judge
        everyone = judge.outlines(expected.points_in)
        s = everyone[chosen]
        table = self.calibration.table
        smear_px = expected.smear_in[chosen] * s.radii_px / table.ball_radius_in
        found = judge.candidates(view, s, neighbours_meet(s, everyone), smear_px=smear_px, followed=True)
        found = [replace(f, held=False) for f in found]
        others = [_stand_in(expected.points_in[i], everyone, int(i)) for i in np.nonzero(~looked)[0]]
        kept = accept(found, self._table.bed, others)
        return {int(chosen[i]): f for i, f in kept.items()}

    def _beside_hands(self, followed: dict[int, Found], rest: Tiles) -> dict[int, Found]:
        """The followed balls; those beside what is just coming in over the table are said to be by a hand."""
        if not followed or not rest.any():
            return followed
        coming = self._table.intruders.coming(rest)
        if not coming.any():
            return followed
        places = np.array([(f.ball.x_px, f.ball.y_px) for f in followed.values()])
        column, row = self._tile((places - 0.5) / 2)
        beside = coming[row, column]
        return {
            i: replace(f, ball=replace(f.ball, by_hand=f.ball.by_hand or bool(by)))
            for (i, f), by in zip(followed.items(), beside, strict=True)
        }

    def _accounted(self, expected: Expected, followed: dict[int, Found]) -> Tiles:
        """The tiles that followed balls account for, where they are and were; the mask goes with them."""
        tiles = np.zeros(self._table.changes.shape, dtype=bool)
        if not followed:
            return tiles
        before = self._half(expected.places_in)
        for i, found in followed.items():
            ball = found.ball
            now = 0.5 * (ball.x_px - 0.5), 0.5 * (ball.y_px - 0.5)
            then = float(before[i, 0]), float(before[i, 1])
            size = 0.5 * ball.radius_px
            for (u, v), value in ((then, 0), (now, 1)):
                cv2.circle(self.mask, (round(u), round(v)), int(size) + 1 - value, value, -1)
                reach = _ACCOUNTS * size
                left, right = int((u - reach) // TILE), int((u + reach) // TILE) + 1
                top, bottom = int((v - reach) // TILE), int((v + reach) // TILE) + 1
                tiles[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
        return tiles

    def _is_time_for_all(self, t_s: float, expected: Expected, rest: Tiles) -> bool:
        """Whether the table has been quiet long enough to look at all of it once more: what was overlooked, in a
        rack or in poor light, may be seen this time."""
        if rest.any() or expected.moving.any() or not len(expected.points_in):
            self._quiet_s = None
        elif self._quiet_s is None:
            self._quiet_s = t_s
        elif t_s - self._quiet_s > _ALL_AGAIN_S:
            self._quiet_s = t_s + _ALL_LATER_S
            return True
        return False

    def _near(self, expected: Expected, lost: NDArray[np.bool_], rest: Tiles) -> Tiles:
        """The tiles among `rest` in which balls that are not where they should be may be."""
        near = np.zeros(rest.shape, dtype=np.uint8)
        for i in np.nonzero(lost)[0]:
            x, y = expected.places_in[i]
            scale = self.calibration.px_per_in(x, y) / 2
            u, v = self._half(expected.places_in[i : i + 1])[0] / TILE
            cv2.circle(near, (round(u), round(v)), int(expected.reach_in[i] * scale / TILE) + 1, 1, -1)
        result: Tiles = (near > 0) & rest
        return result

    # Searching

    def _search(
        self,
        frame: Frame,
        luma: Plane,
        regions: list[Rect],
        expected: Expected,
        followed: list[Found],
        *,
        thorough: bool,
    ) -> list[Detection]:
        """Every ball in some regions, and those already found; `thorough`, those of nearly the cloth's colour
        too."""
        known = self._table
        ratios = [self._update_mask(frame, luma, region) for region in regions]
        self._reaching = known.intruders.find(self.mask | (self._strange & known.unusual))
        view = known.judge.view(frame, self._gain, self._reaching)
        core = self._reaching.core
        shallow = self._suspect if core is None else np.where(core > 0, 0, self._suspect).astype(np.uint8)
        rest = _unexplained(shallow, [f.ball for f in followed])
        hints = expected.points_in
        points = [hints[_inside(self._half(hints), regions)]]
        points += [self._to_table(self._deep(region, rest[_part(region)]), region) for region in regions]
        found = followed + self._refine(view, np.concatenate(points), followed)
        rest = _unexplained(shallow, [c.ball for c in self._apart(found)])
        votes = [self._votes(region, ratio, rest) for region, ratio in zip(regions, ratios, strict=True)]
        found += self._refine(view, np.concatenate(votes), followed)
        good = [c.ball for c in self._apart(found)]
        found += self._refine(view, self._between(good, _unexplained(shallow, good)), followed)
        if thorough:
            good = [c.ball for c in self._apart(found)]
            faint = [self._faint(region, ratio, good) for region, ratio in zip(regions, ratios, strict=True)]
            found += self._refine(view, np.concatenate(faint), followed)
        found = self._sharpened(view, self._parted(view, found), hints)
        found = [replace(f, held=False) if _is_expected(f.ball, hints) else f for f in found]
        return [f.ball for f in accept(found, known.bed).values()]

    def _update_mask(self, frame: Frame, luma: Plane, region: Rect) -> Float:
        """Marks what is foreign in a region; hands on log(pixel) − log(cloth) there, shape (h, w, 3)."""
        known, part = self._table, _part(region)
        picture = known.cloth.log_of(half_region_bgr(frame, luma, part))
        ratio = np.asarray(picture - known.cloth.log_bgr[part] - self._gain, dtype=np.float32)
        seen = known.bed.reach[part] > 0
        against = known.cloth.against(ratio)
        foreign = against.foreign
        for plane, least in ((self.mask, 1.0), (self._suspect, known.cloth.suspect)):
            mask = ((foreign > least) & seen).astype(np.uint8)
            plane[part] = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
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

    def _faint(self, region: Rect, ratio: Float, good: list[Detection]) -> Array:
        """Table points, shape (N, 2), where a region looks a little foreign all over a ball's disc, beyond the
        balls already found."""
        known, part = self._table, _part(region)
        size = max(3, int(_EVEN * float(known.bed.radius_half[part].mean())) | 1)
        even = known.cloth.against(np.asarray(cv2.blur(ratio, (size, size)), dtype=np.float32)).foreign
        whole = np.zeros(self.mask.shape, dtype=np.uint8)
        whole[part] = (even > _EVENLY * known.cloth.suspect) & (known.bed.reach[part] > 0)
        rest = _unexplained(whole, good)
        deep = self._to_table(self._let_go(self._deep(region, rest[part]), region), region)
        return np.concatenate([deep, self._votes(region, ratio, rest)])

    def _votes(self, region: Rect, ratio: Float, rest: Plane) -> Array:
        """Table points, shape (N, 2), for what a region shows beyond the balls already found."""
        where = rest[_part(region)]
        if not len(self._deep(region, where)):
            return np.zeros((0, 2))
        opponent = np.asarray(cv2.transform(ratio, OPPONENT), dtype=np.float32)
        votes = radial_votes(opponent, where, self._table.bed.radius_half[_part(region)])
        return self._to_table(self._let_go(votes, region), region)

    def _let_go(self, pixels: Array, region: Rect) -> Array:
        """Those of a region's half-size pixels, shape (N, 2), that nobody holds: much is round on people, and a
        ball of theirs is found when they let go of it."""
        u, v = (pixels + np.array(region[:2])).astype(np.int64).T
        return pixels[~self._reaching.holds(u, v)]

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
            points = points[self._about(rest)[v, u] > 0]
        return np.asarray(points, dtype=np.float64)

    def _about(self, mask: Plane) -> Plane:
        """The mask with all within half a ball's radius of it: a rim or a highlight is all that shows of a ball of
        the cloth's colour."""
        radius = self._table.bed.radius_half
        size = 2 * round(0.5 * float(radius.mean())) + 1
        near = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
        return np.asarray(near, dtype=np.uint8)

    def _parted(self, view: View, found: list[Found]) -> list[Found]:
        """The candidates, those that touch a neighbour fitted again by the rest of their outlines."""
        good = self._apart(found)
        touching = np.array([meeting(c, [o.ball for o in good if o is not c]) for c in good]).reshape(-1, SPOKES)
        again: NDArray[np.bool_] = np.asarray(touching.any(axis=1))
        if not again.any():
            return found
        judge = self._table.judge
        s = judge.outlines(np.array([(c.ball.x_in, c.ball.y_in) for c in good])[again])
        parted = judge.candidates(view, s, touching[again])
        old = {id(c) for c, a in zip(good, again, strict=True) if a}
        return [c for c in found if id(c) not in old] + parted

    def _sharpened(self, view: View, found: list[Found], hints: Array) -> list[Found]:
        """The candidates, those that nobody expected fitted again as smeared: they may just have been struck."""
        new = [c for c in self._apart(found) if len(hints) and not _is_expected(c.ball, hints)]
        if not new:
            return found
        judge = self._table.judge
        s = judge.outlines(np.array([(c.ball.x_in, c.ball.y_in) for c in new]))
        again = judge.candidates(view, s, smear_px=s.radii_px)
        better = {id(a): b for a, b in zip(new, again, strict=True) if b.ball.quality >= a.ball.quality}
        return [better.get(id(c), c) for c in found]

    def _to_table(self, pixels_half: Array, region: Rect) -> Array:
        """Table points of a region's half-size pixels, both shape (N, 2)."""
        if not len(pixels_half):
            return np.zeros((0, 2))
        return self.calibration.to_table((pixels_half + np.array(region[:2])) * 2.0 + 0.5)

    def _refine(self, view: View, points: Array, followed: list[Found]) -> list[Found]:
        """Fits a ball at each table point, shape (N, 2), where none is followed."""
        judge = self._table.judge
        known = np.array([(f.ball.x_in, f.ball.y_in) for f in followed]).reshape(-1, 2)
        points = _thin(points, 0.2 * self.calibration.table.ball_diameter_in, known)
        return judge.candidates(view, judge.outlines(points)) if len(points) else []

    def _apart(self, candidates: list[Found]) -> list[Found]:
        """The candidates that fit well of which no two are one ball, best first."""
        kept: list[Found] = []
        least = _ONE_BALL * self.calibration.table.ball_diameter_in
        for c in sorted((c for c in candidates if c.ball.quality >= _WELL_FOUND), key=lambda c: -c.ball.quality):
            if all(np.hypot(c.ball.x_in - k.ball.x_in, c.ball.y_in - k.ball.y_in) > least for k in kept):
                kept.append(c)
        return kept


def _first_of(due: Tiles) -> Tiles:
    """The leftmost of the tiles: the others wait for the next frames, so that no frame takes long."""
    columns = np.nonzero(due.any(axis=0))[0]
    if len(columns):
        due = due.copy()
        due[:, columns[0] + _AT_ONCE :] = False
    return due


def _patience_s(expected: Expected) -> float | None:
    """How long what is no known ball may wait while balls roll: nobody puts a ball down then."""
    if not expected.moving.any():
        return None
    return _MISSING_PATIENCE_S if expected.missing else _IN_PLAY_PATIENCE_S


def _stand_in(point_in: Array, everyone: Silhouettes, i: int) -> Detection:
    """A ball that was not looked at again, as a neighbour of others."""
    x_px, y_px = everyone.centres_px[i]
    return Detection(
        float(x_px), float(y_px), float(point_in[0]), float(point_in[1]), float(everyone.radii_px[i]), 1.0
    )


def _inside(half: Array, regions: list[Rect]) -> NDArray[np.bool_]:
    """Which half-size pixels, shape (N, 2), lie in one of the regions."""
    inside = np.zeros(len(half), dtype=bool)
    for left, top, right, bottom in regions:
        inside |= (half[:, 0] >= left) & (half[:, 0] < right) & (half[:, 1] >= top) & (half[:, 1] < bottom)
    return inside


def _unexplained(mask: Plane, balls: list[Detection]) -> Plane:
    """The mask without the balls already found well."""
    rest = mask.copy()
    for ball in balls:
        centre = round((ball.x_px - 0.5) / 2), round((ball.y_px - 0.5) / 2)
        cv2.circle(rest, centre, int(ball.radius_px / 2) + 1, 0, -1)
    return rest


def _is_expected(ball: Detection, hints_in: Array) -> bool:
    """Whether a ball already known lies there: that one need not show that it is none of a hand."""
    if not len(hints_in):
        return False
    away = np.hypot(hints_in[:, 0] - ball.x_in, hints_in[:, 1] - ball.y_in)
    return bool(away.min() < _EXPECTED_IN)


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


def _thin(points: Array, distance_in: float, known: Array) -> Array:
    """The points, shape (N, 2), without those nearer than `distance_in` to an earlier or a known one, (M, 2)."""
    kept: list[tuple[float, float]] = []
    there = [(float(x), float(y)) for x, y in known]
    least = distance_in**2
    for x, y in points.tolist():
        if all((x - a) ** 2 + (y - b) ** 2 > least for a, b in (*there, *kept)):
            kept.append((x, y))
    return np.array(kept).reshape(-1, 2)
