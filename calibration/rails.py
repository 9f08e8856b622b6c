"""Strips of the picture along the four rails, the lines in them, and the camera that explains those."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.file import CalibrationError
from calibration.pose import Fit, Lens, fit_corners, refine, with_height
from calibration.table import Table

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

# Cloth covers a cushion for about 2 in from nose to wood (K-66 and K-55 profiles, 1.9 to 2.1 in), and the wood
# stands about 0.2 in above the nose. Table size unknown, the width is in units of a 9-ft table.
CUSHION_IN, CUSHION_SPREAD_IN, CUSHION_SPREAD_UNKNOWN_IN = 2.0, 0.2, 0.4
BACK_ABOVE_NOSE_IN = 0.2
# A strip runs from here inside the outline to here outside it, in inches at a 9-ft table's scale.
INSIDE_IN, OUTSIDE_IN, STEP_IN = -6.0, 14.0, 0.1
ROWS = 120
# Where along a rail lines are measured: clear of the corner pockets.
FROM, TO = 0.05, 0.95
# Steps are taken between means over a window on either side, and count no more than the cap (in log);
# lines are found with the wide window and measured with the fine one.
WINDOW_IN, FINE_IN = 0.5, 0.2
CAP = 0.8
# What a line has to have to count: the mean step over the rail's length.
LEAST_BACK, LEAST_NOSE = 0.12, 0.06
EDGE_NOISE_PX = 0.7
# The sides in the order of the corners: from the origin along x, and round.
RAIL_OF_SIDE = ("right", "foot", "left", "head")
# How unlike cloth a pocket has to look.
LEAST_GAP = 0.15
# How far from where the camera expects them a nose and a back may show.
BACK_REACH_IN = 0.8
NOSE_REACH_IN = 1.3
# How far a line may tilt against the rough outline, from one end of the rail to the other.
FIRST_TILT_IN = 12.0


@dataclass(frozen=True)
class Line:
    """A line seen along one rail: its offsets from the outline in inches at both ends and in the picture."""

    side: int
    strength: float
    ends_px: Array


@dataclass(frozen=True)
class Strip:
    """The picture along one rail: `log` colour of shape (ROWS, n, 3) and where each cell lies, (ROWS, n, 2)."""

    side: int
    log: Array
    pixels: Array
    offsets_in: Array

    def distance(self) -> Array:
        """How unlike the bed beside it each cell is, shape (ROWS, n), capped: hue counts more than shade."""
        ratios = np.stack(
            [self.log[..., 2] - self.log[..., 1], self.log[..., 0] - self.log[..., 1], 0.5 * self.log.mean(axis=-1)], -1
        )
        bed = np.median(ratios[:, (self.offsets_in > -5) & (self.offsets_in < -3)], axis=1, keepdims=True)
        return np.minimum(np.linalg.norm(ratios - bed, axis=-1), CAP)

    def lightness(self) -> Array:
        result: Array = self.log.mean(axis=-1)
        return result


def strip_along(picture: Picture, corners_px: Array, table: Table, side: int) -> Strip:
    """The strip along one side of a quadrilateral, shape (4, 2), taken for the nose corners of a table."""
    offsets = np.arange(INSIDE_IN, OUTSIDE_IN, STEP_IN) * table.length_in / 100
    H = cv2.getPerspectiveTransform(table.corners_in.astype(np.float32), corners_px.astype(np.float32))
    a, b = table.corners_in[side], table.corners_in[(side + 1) % 4]
    along = (b - a) / np.linalg.norm(b - a)
    outward = np.array([along[1], -along[0]])
    share = np.linspace(FROM, TO, ROWS)
    grid = a + (b - a) * share[:, None, None] + outward * offsets[None, :, None]
    pixels = cv2.perspectiveTransform(grid.reshape(1, -1, 2), H)[0].reshape(ROWS, len(offsets), 2)
    seen = cv2.remap(
        picture, pixels.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return Strip(side, np.log(seen.astype(np.float64) + 8), pixels, offsets * 100 / table.length_in)


def steps(values: Array, window_in: float) -> Array:
    """The mean over the window after a place minus that over the one before it: shape (ROWS, n)."""
    n = round(window_in / STEP_IN)
    total = np.cumsum(np.pad(values, ((0, 0), (n + 1, n)), mode="edge"), axis=1)
    after = total[:, 2 * n + 1 :] - total[:, n + 1 : -n]
    before = total[:, n : -n - 1] - total[:, : -2 * n - 1]
    result: Array = (after - before) / n
    return result


def lines_in(strip: Strip, values: Array, least: float, most: int, tilt_in: float) -> list[Line]:
    """The strongest straight lines where values of the strip's cells, shape (ROWS, n), step up outwards.

    Best first, none within an inch of a better one.

    Lines may leave the rail's direction by `tilt_in` from end to end.
    """
    step, fine = steps(values, WINDOW_IN), steps(values, FINE_IN)
    rows, columns = step.shape
    tilts = np.arange(-tilt_in, tilt_in + 0.01, max(0.1, tilt_in / 32)) / STEP_IN
    place = np.linspace(-0.5, 0.5, rows)
    votes = np.zeros((len(tilts), columns))
    column = np.arange(columns)
    for i, tilt in enumerate(tilts):
        at = column[None, :] + np.rint(place * tilt).astype(int)[:, None]
        inside = (at >= 0) & (at < columns)
        taken = np.take_along_axis(step, np.clip(at, 0, columns - 1), axis=1) * inside
        votes[i] = np.clip(taken, -CAP, CAP).mean(axis=0)
    found: list[Line] = []
    for _ in range(most):
        i, j = np.unravel_index(int(np.argmax(votes)), votes.shape)
        strength = float(votes[i, j])
        if strength < least:
            break
        found.append(Line(strip.side, strength, _refined(strip, fine, float(j), float(tilts[i]))))
        near = np.abs(column[None, :] - j) < 10
        votes[np.broadcast_to(near, votes.shape)] = -1
    return found


def _refined(strip: Strip, step: Array, column: float, tilt: float) -> Array:
    """The line's ends in the picture, shape (2, 2), by the steps' own peaks near it: a robust straight fit."""
    rows, columns = step.shape
    place = np.linspace(-0.5, 0.5, rows)
    fitted = column + place * tilt
    for reach in (6, 4, 3):
        span = np.arange(-reach, reach + 1)
        at = np.clip(np.rint(fitted).astype(int)[:, None] + span, 0, columns - 1)
        weight = np.clip(np.take_along_axis(step, at, axis=1), 0, CAP) ** 2
        mass = weight.sum(axis=1)
        good = mass > 0.25 * np.median(mass)
        peak = (weight * at).sum(axis=1) / np.maximum(mass, 1e-9)
        slope, offset = _robust_line(place[good], peak[good])
        fitted = offset + slope * place
    ends = [(0, fitted[0]), (rows - 1, fitted[-1])]
    return np.array([_interpolated(strip.pixels[row], at) for row, at in ends])


def _robust_line(x: Array, y: Array) -> tuple[float, float]:
    keep = np.ones(len(x), dtype=bool)
    slope = offset = 0.0
    for _ in range(4):
        slope, offset = (float(c) for c in np.polyfit(x[keep], y[keep], 1))
        off = np.abs(y - offset - slope * x)
        keep = off <= max(2.5 * 1.4826 * float(np.median(off)), 0.3)
    return slope, offset


def _interpolated(pixels: Array, at: float) -> Array:
    i = int(np.clip(np.floor(at), 0, len(pixels) - 2))
    result: Array = pixels[i] + (pixels[i + 1] - pixels[i]) * (at - i)
    return result


@dataclass(frozen=True)
class Reading:
    """What the rails say: the camera that explains the lines, and how well the cues agree.

    `gaps` is how clearly the cushion is interrupted at the middle of each of the four sides, `noses` which
    sides show their nose line, `holes` how unlike cloth the six pockets look.
    """

    fit: Fit
    table: Table
    cushion_in: float
    backs: int
    noses: tuple[int, ...]
    gaps: Array
    holes: Array
    score: float
    residual_in: float

    def complaint(self) -> str:
        """What the cues disagree on, empty where they agree."""
        if self.residual_in > 0.5:
            return f"the cushion lines lie {self.residual_in:.1f} in from where one table would have them"
        if not self.noses:
            return "no cushion nose shows, so the width of the cushions is not known"
        hidden = [RAIL_OF_SIDE[side] for side in facing_sides(self.fit.camera, self.table) if side not in self.noses]
        if hidden:
            return f"the {hidden[0]} rail, across from the camera, does not show its nose"
        if not 0.7 * CUSHION_IN < self.cushion_in < 1.6 * CUSHION_IN:
            return f"cushions {self.cushion_in:.1f} in wide are not cushions"
        clear = np.minimum(self.gaps[[0, 2]], 1.0)
        if clear.max() < LEAST_GAP or clear.sum() < self.gaps[[1, 3]].sum():
            return "no side pocket interrupts the cushions in the middle of the long sides"
        if clear.min() < LEAST_GAP and np.count_nonzero(self.holes[:4] > LEAST_GAP) < 2:
            return "the pockets are not where the cushions put them"
        return ""

    def in_words(self) -> str:
        return (
            f"found by {self.backs} cushion backs, {len(self.noses)} cushion noses and "
            f"{np.count_nonzero(self.holes > LEAST_GAP)} pockets; cushions {self.cushion_in:.2f} in wide"
        )


def facing_sides(camera: Camera, table: Table) -> list[int]:
    """The sides whose cushion faces the camera from across the table: it stands beyond the opposite side.

    There the face below the nose is in view, so the nose has to show; a nearer cushion hides its own.
    """
    x, y, _ = camera.position_in
    beyond = (y > table.width_in, x < 0, y < 0, x > table.length_in)
    return [side for side in range(4) if beyond[side]]


def read_rails(picture: Picture, outline_px: Array, table: Table, lens: Lens, size_known: bool) -> Reading | None:
    """Reads the rails around a rough outline, shape (4, 2), its first side taken as a long one.

    The first look decides which line is what; the second, along the rails then known, measures them. None where
    the lines make no table.
    """
    soft = cv2.GaussianBlur(picture, (0, 0), 0.8)
    best: Reading | None = None
    for chosen in _likely_backs(soft, outline_px, table):
        reading = _fitted(soft, outline_px, list(chosen), table, lens, size_known, tilt_in=FIRST_TILT_IN)
        if reading is not None and (best is None or reading.score > best.score):
            best = reading
    if best is None:
        return None
    for _ in range(2):
        corners = best.fit.camera.project(with_height(table.corners_in, table.nose_height_in))
        backs = [_nearest_back(strip_along(soft, corners, table, side), best, table) for side in range(4)]
        finer = _fitted(soft, corners, [b for b in backs if b], table, lens, size_known, tilt_in=1.5, start=best.fit)
        if finer is None:
            return None
        best = finer
    return best


def _likely_backs(soft: Picture, corners: Array, table: Table) -> list[tuple[Line, ...]]:
    """The few most likely choices of one cushion back a side, judged in the plane of the noses."""
    strips = [strip_along(soft, corners, table, side) for side in range(4)]
    backs = [lines_in(s, s.distance(), LEAST_BACK, 3, FIRST_TILT_IN) for s in strips]
    noses = [lines_in(s, s.lightness(), LEAST_NOSE, 6, FIRST_TILT_IN) for s in strips]
    ranked = []
    for chosen in product(*backs):
        flat = _backs_to_table(chosen, table)
        if flat is None:
            continue
        support = sum(min(1.0, line.strength / 0.5) for line in chosen)
        for side, lines in enumerate(noses):
            support += max((_nose_support(line, flat, table, side) for line in lines), default=0.0)
        gaps = [_gap(soft, flat, table, side) for side in range(4)]
        support += 2 * (min(gaps[0], 0.5) + min(gaps[2], 0.5) - min(gaps[1], 0.5) - min(gaps[3], 0.5))
        ranked.append((support, chosen))
    ranked.sort(key=lambda pair: -pair[0])
    return [chosen for _, chosen in ranked[:4]]


def _backs_to_table(backs: Sequence[Line], table: Table) -> Array | None:
    """The homography, shape (3, 3), from the picture to the nose plane that four cushion backs make."""
    corners = _meeting(backs)
    if corners is None:
        return None
    c = CUSHION_IN * table.length_in / 100
    L, W = table.length_in, table.width_in
    outer = np.array([(-c, -c), (L + c, -c), (L + c, W + c), (-c, W + c)], dtype=np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), outer), dtype=np.float64)


def _meeting(lines: Sequence[Line]) -> Array | None:
    """The corners, shape (4, 2), where lines round the table meet; None where they make no quadrilateral."""
    homogeneous = [np.cross(np.append(a, 1), np.append(b, 1)) for a, b in (line.ends_px for line in lines)]
    meets = [np.cross(homogeneous[i - 1], homogeneous[i]) for i in range(4)]
    if any(abs(m[2]) < 1e-9 for m in meets):
        return None
    corners = np.array([m[:2] / m[2] for m in meets])
    return corners if cv2.isContourConvex(corners.astype(np.float32)) else None


def _off_side(points_in: Array, table: Table, side: int) -> Array:
    """How far table points, shape (n, 2), lie outside the nose line of a side, in units of a 9-ft table's inches."""
    a, b = table.corners_in[side], table.corners_in[(side + 1) % 4]
    along = (b - a) / np.linalg.norm(b - a)
    off: Array = (points_in - a) @ np.array([along[1], -along[0]]) * 100 / table.length_in
    return off


def _nose_support(line: Line, flat: Array, table: Table, side: int) -> float:
    off = _off_side(cv2.perspectiveTransform(line.ends_px[None], flat)[0], table, side)
    near = float(np.abs(off).max())
    return (0.5 + min(0.5, line.strength / 0.3)) if near < NOSE_REACH_IN else 0.0


def _nearest_back(strip: Strip, reading: Reading, table: Table) -> Line | None:
    """The strongest line of a strip near where the camera expects this side's cushion back."""
    candidates = lines_in(strip, strip.distance(), LEAST_BACK, 3, 1.5)
    height = table.nose_height_in + BACK_ABOVE_NOSE_IN
    expected = reading.cushion_in * 100 / table.length_in
    for line in candidates:
        off = _off_side(reading.fit.camera.to_plane(line.ends_px, height), table, strip.side) - expected
        if np.abs(off).max() < BACK_REACH_IN:
            return line
    return None


def _fitted(
    soft: Picture,
    corners: Array,
    backs: list[Line],
    table: Table,
    lens: Lens,
    size_known: bool,
    *,
    tilt_in: float,
    start: Fit | None = None,
) -> Reading | None:
    """The camera that explains chosen cushion backs, and the noses near where it expects them."""
    spread = CUSHION_SPREAD_IN if size_known else CUSHION_SPREAD_UNKNOWN_IN
    strips = [strip_along(soft, corners, table, side) for side in range(4)]
    noses = [lines_in(s, s.lightness(), LEAST_NOSE, 6, tilt_in) for s in strips]
    try:
        fit = _fit_lines(lens, table, backs, [], spread, start)
    except CalibrationError:
        return None
    matched: list[Line] = []
    for _ in range(2):
        matched = list(_matching_noses(fit, table, noses))
        if {line.side for line in (*backs, *matched)} != {0, 1, 2, 3}:
            return None
        fit = _fit_lines(lens, table, backs, matched, spread, fit)
    return _judge(soft, fit, table, backs, matched)


def _model_lines(table: Table, cushion_in: float) -> tuple[Array, Array]:
    """The ends, shape (4, 2, 3) each, of the noses and of the cushion backs, over the part that strips cover."""
    corners = table.corners_in
    ends = np.roll(corners, -1, axis=0)
    along = (ends - corners) / np.linalg.norm(ends - corners, axis=1, keepdims=True)
    outward = np.column_stack([along[:, 1], -along[:, 0]])
    share = np.array([FROM, TO])
    flat = corners[:, None, :] + (ends - corners)[:, None, :] * share[None, :, None]
    z = table.nose_height_in
    noses = np.concatenate([flat, np.full((4, 2, 1), z)], axis=2)
    raised = np.full((4, 2, 1), z + BACK_ABOVE_NOSE_IN)
    backs = np.concatenate([flat + outward[:, None, :] * cushion_in, raised], axis=2)
    return noses, backs


def _off_line(camera: Camera, model: Array, line: Line) -> Array:
    """How far the projected ends of a model line, shape (2, 3), are from a line in the picture, in pixels."""
    a, b = line.ends_px
    along = (b - a) / np.linalg.norm(b - a)
    off = camera.project(model) - a
    result: Array = off[:, 0] * along[1] - off[:, 1] * along[0]
    return result


def _fit_lines(
    lens: Lens, table: Table, backs: list[Line], noses: list[Line], spread_in: float, start: Fit | None = None
) -> Fit:
    """The camera and cushion width that explain the lines; the width is the last parameter."""
    unit = table.length_in / 100 if spread_in == CUSHION_SPREAD_UNKNOWN_IN else 1.0
    if start is None:
        first = _fit_outline(lens, table, backs)
        vector = np.append(first.parameters, CUSHION_IN * unit)
    else:
        vector = start.parameters

    def residuals(camera: Camera, extra: Array) -> Array:
        nose_lines, back_lines = _model_lines(table, float(extra[0]))
        off = [_off_line(camera, back_lines[line.side], line) for line in backs]
        off += [_off_line(camera, nose_lines[line.side], line) for line in noses]
        return np.concatenate(off)

    return refine(
        lens,
        vector,
        residuals,
        EDGE_NOISE_PX * max(1.0, (lens.intrinsics.width_px or 0) / 1280),
        prior=lambda extra: (extra - CUSHION_IN * unit) / spread_in,
    )


def _fit_outline(lens: Lens, table: Table, backs: list[Line]) -> Fit:
    """A first camera from the quadrilateral of the cushion backs, taken as a table larger by the cushions."""
    corners = _meeting(backs)
    if corners is None:
        raise CalibrationError("the cushion backs make no quadrilateral")
    larger = Table("backs", table.length_in + 2 * CUSHION_IN, table.width_in + 2 * CUSHION_IN, table.ball_diameter_in)
    fit = fit_corners(lens, larger, corners)
    shifted = fit.parameters.copy()
    shifted[3:6] += fit.camera.R @ np.array([-CUSHION_IN, -CUSHION_IN, 0]) * -1
    return Fit(lens.camera(shifted), fit.residual_px, fit.covariance, lens, shifted)


def _matching_noses(fit: Fit, table: Table, candidates: Sequence[Sequence[Line]]) -> Iterator[Line]:
    """For every side the strongest nose candidate near where the camera expects the nose."""
    for side, lines in enumerate(candidates):
        near = []
        for line in lines:
            off = _off_side(fit.camera.to_plane(line.ends_px, table.nose_height_in), table, side)
            if np.abs(off).max() < NOSE_REACH_IN:
                near.append(line)
        if near:
            yield max(near, key=lambda line: line.strength)


def _judge(
    soft: Picture, fit: Fit, table: Table, backs: Sequence[Line], noses: Sequence[Line]
) -> Reading:
    corners = fit.camera.project(with_height(table.corners_in, table.nose_height_in))
    cushion = float(fit.parameters[-1])
    flat = np.linalg.inv(cv2.getPerspectiveTransform(table.corners_in.astype(np.float32), corners.astype(np.float32)))
    gaps = np.array([_gap(soft, flat, table, side) for side in range(4)])
    holes = _holes(soft, fit, table)
    middle = fit.camera.project([(table.length_in / 2, table.width_in / 2, 0), (table.length_in / 2 + 1, table.width_in / 2, 0)])
    residual_in = fit.residual_px / float(np.hypot(*(middle[1] - middle[0])))
    score = (
        sum(min(1.0, line.strength / 0.5) for line in backs)
        + sum(0.5 + min(0.5, line.strength / 0.3) for line in noses)
        + float(np.minimum(gaps[[0, 2]], 0.5).sum() - np.minimum(gaps[[1, 3]], 0.5).sum()) * 2
        + float(np.minimum(holes, 0.5).sum())
        - 4 * min(1.0, residual_in)
        - (cushion * 100 / table.length_in / CUSHION_IN - 1.1) ** 2
    )
    return Reading(fit, table, cushion, len(backs), tuple(n.side for n in noses), gaps, holes, score, residual_in)


def _gap(soft: Picture, flat: Array, table: Table, side: int) -> float:
    """How much less like the bed the cushion is at the middle of its side than beside it.

    `flat` is the homography from the picture to the nose plane.
    """
    a, b = table.corners_in[side], table.corners_in[(side + 1) % 4]
    along = (b - a) / np.linalg.norm(b - a)
    unit = table.length_in / 100
    beside = np.concatenate([np.arange(-1.5, 1.6, 0.5), np.arange(-14, -4.5), np.arange(5, 14.5)]) * unit
    outward = np.array([0.4, 0.8, 1.2, 1.6]) * unit
    grid = (a + b) / 2 + along * beside[:, None, None] + np.array([along[1], -along[0]]) * outward[None, :, None]
    bed = (a + b) / 2 + along * beside[:, None] - np.array([along[1], -along[0]]) * 6 * unit
    spots = np.concatenate([grid.reshape(-1, 2), bed])
    seen = _colours(soft, cv2.perspectiveTransform(spots[None], np.linalg.inv(flat))[0])
    cushion, cloth = seen[: -len(bed)].reshape(len(beside), len(outward), 3), np.median(seen[-len(bed) :], axis=0)
    unlike = np.median(np.minimum(np.linalg.norm(cushion - cloth, axis=-1), CAP), axis=1)
    middle = np.abs(beside) < 2 * unit
    return float(np.median(unlike[middle]) - np.median(unlike[~middle]))


def _holes(soft: Picture, fit: Fit, table: Table) -> Array:
    """How unlike the bed the six pockets are, each by the median within its hole; shape (6,)."""
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    bed_xy = np.array([(table.length_in * i / 8, table.width_in * j / 4) for i in range(1, 8) for j in (1, 2, 3)])
    bed = np.median(_colours(soft, fit.camera.project(with_height(bed_xy, 0.0))), axis=0)
    unlike = []
    for pocket in table.pockets:
        spots = np.array([(pocket.x_in + r * np.cos(a), pocket.y_in + r * np.sin(a)) for r in (0.5, 1.2) for a in turn])
        seen = _colours(soft, fit.camera.project(with_height(spots, 0.0)))
        unlike.append(float(np.median(np.minimum(np.linalg.norm(seen - bed, axis=1), CAP))))
    return np.array(unlike)


def _colours(picture: Picture, pixels: Array) -> Array:
    """Colour ratios and half the lightness at pixels, shape (n, 3), as `Strip.distance` compares them."""
    spots = pixels.astype(np.float32)[None]
    seen = np.log(cv2.remap(picture, spots, None, cv2.INTER_LINEAR)[0].astype(np.float64) + 8)
    return np.column_stack([seen[:, 2] - seen[:, 1], seen[:, 0] - seen[:, 1], 0.5 * seen.mean(axis=1)])


def ball_diameters(pictures: Sequence[Picture], table: Table, fit: Fit) -> list[float]:
    return []
