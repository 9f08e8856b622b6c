"""Candidates judged: a ball fitted at a place, how good it is, and what its outline shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.file import Calibration
from vision.detect.accept import Found
from vision.detect.bed import Bed
from vision.detect.cloth import Cloth, Float
from vision.detect.intruders import Reaching
from vision.detect.looks import look_points, looks
from vision.detect.outlines import OutlineMap
from vision.detect.probe import Probe
from vision.detect.silhouette import FOLLOWED, INNER, SMEARED, SPOKES, STAGES, Array, Fit, Silhouettes, fit
from vision.frames.source import Frame
from vision.model import Detection

_MEETS = 1.1  # an outline this near to another ball's middle, in its radii, meets it
_MOST_SHADED = 0.35  # a lamp's shadow hides less of an outline than this; a dark sleeve is like shadow all round
_LEAST_TOLD = 0.4  # less of an outline than this tells no ball
_SURE = 0.4  # so much of a ball can't be cloth in shadow
_CLEAR, _DARK = 2.0, -0.5  # a ball less than half of which is so foreign, or so dark, is a faint one …
_FADES = (0.45, 0.6)  # … whose rim, against its middle, must differ so much: from not at all a ball to all is well
_OUTLINED = (0.75, 0.9)  # edges along so much of an outline: no proof, proof …
_BESIDE = 0.35  # … where no more of it than this lies against other things
_ALL_BUT = 0.2  # of the inside
_DIFFERS = (0.15, 0.3)  # so much more foreign inside than around: the same cloth, another thing
_SMEARED = 0.15  # a smear of so many radii asks for more steps
_BLEED_PX = 4.0  # a codec spreads a ball's colour this far over the cloth


@dataclass(frozen=True)
class View:
    """One frame to judge in: its colours, and what reaches onto the bed."""

    probe: Probe
    reaching: Reaching


class Judge:
    """Fits balls in frames over a cloth that has been learnt."""

    def __init__(self, calibration: Calibration, cloth: Cloth, bed: Bed) -> None:
        self.calibration = calibration
        self._cloth = cloth
        self._bed = bed
        self._outlines = OutlineMap(calibration)
        # A rolling shutter takes each row so much later than the one above.
        self._row_s = calibration.readout_s / calibration.camera.height_px

    def view(self, frame: Frame, gain: Float, reaching: Reaching) -> View:
        return View(Probe(frame, self._cloth, gain), reaching)

    def outlines(self, points_in: Array) -> Silhouettes:
        """Outlines of balls at table points, shape (N, 2)."""
        return self._outlines.at(points_in)

    def candidates(
        self,
        view: View,
        s: Silhouettes,
        touching: NDArray[np.bool_] | None = None,
        *,
        smear_px: Array | None = None,
        followed: bool = False,
    ) -> list[Found]:
        """The outlines fitted and judged. `touching`, shape (N, SPOKES), marks spokes that lead into neighbours;
        `smear_px`, shape (N,), is how far balls may be smeared; `followed` says that one is expected at each."""
        if not len(s.centres_px):
            return []
        stages = FOLLOWED if followed else STAGES
        if smear_px is not None and (smear_px > _SMEARED * s.radii_px).any():
            stages = SMEARED
        result = fit(view.probe.opponent, s, self._cloth.contrast, touching, stages, smear_px)
        centres = s.centres_px + result.shift_px
        inches = self.calibration.to_table(centres)
        bleed = 1 + np.maximum(0.3, _BLEED_PX / s.radii_px)
        outside = centres[:, None, :] + bleed[:, None, None] * s.spokes_px
        inner = centres[:, None, :] + s.inner_px
        where = np.concatenate([outside, inner, look_points(centres, s.spokes_px)], axis=1)
        seen = view.probe.bgr(where)
        ends = SPOKES, SPOKES + inner.shape[1]
        against = view.probe.against(where[:, : ends[1]], seen[:, : ends[1]])
        foreign = against.foreign
        bare = result.edge & (foreign[:, : ends[0]] < 1)
        told = self._told(s, result, against.shade[:, : ends[0]], inches)
        right_size = np.minimum(np.maximum(1.3 - 2 * np.abs(result.grown_px) / s.radii_px, 0), 1)
        filled = _filled(s, foreign[:, ends[0] :], against.strange[:, ends[0] :])
        # A whole outline of the right size is a ball's, even one of nearly the cloth's colour; a drawn ring has
        # cloth within.
        free = np.add.reduce(bare, axis=1) / SPOKES
        whole = np.interp(np.minimum(result.support, free + _BESIDE), _OUTLINED, (0.0, 1.0))
        clear = (foreign[:, ends[0] :] > _CLEAR) | (against.mean[:, ends[0] :] < _DARK)
        faint = np.add.reduce(clear, axis=1) < inner.shape[1] / 2
        helped = whole > filled
        if helped.any():
            whole[helped] *= _differs(foreign[helped], bare[helped], ends[0])
            filled[helped] = np.maximum(filled[helped], whole[helped])
        quality = filled * np.minimum(1, result.support / told) * right_size
        # What differs little from the cloth must at least do so out to its edge: a mark fades.
        if faint.any():
            quality[faint] *= np.interp(_rim(foreign[faint, ends[0] :]), _FADES, (0.0, 1.0))
        ended = bare | (result.edge & self._bed.beyond(outside))
        u, v = self._bed.half(centres)
        held = view.reaching.holds(u, v)
        by_hand = view.reaching.beside(u, v)
        eye = self.calibration.camera.position_in
        away = np.sqrt(np.square(inches - eye[:2]).sum(axis=1) + eye[2] ** 2)
        colours = looks(seen[:, ends[1] :], centres, self._cloth)
        late = self._row_s * centres[:, 1]
        numbers = np.column_stack([centres, inches, s.radii_px, quality, free, late]).tolist()
        return [
            Found(
                Detection(x, y, x_in, y_in, r, q, free, colours[i], bool(by_hand[i]), late_s),
                outside[i],
                result.edge[i],
                ended[i],
                float(told[i]),
                bool(held[i]),
                float(away[i]),
            )
            for i, (x, y, x_in, y_in, r, q, free, late_s) in enumerate(numbers)
        ]

    def _told(self, s: Silhouettes, result: Fit, shade: Float, inches: Array) -> Array:
        """The fraction of each outline that no shadow hides, shape (N,); a pocket's hole is like shadow too."""
        under = ~result.edge & (s.under | s.hidden)
        shaded = np.add.reduce(~result.edge & ~under & (shade > 0), axis=1) / SPOKES
        on_bed = np.array([not self.calibration.table.in_mouth(x, y) for x, y in inches.tolist()], dtype=bool)
        shaded = np.where(shaded < _MOST_SHADED, shaded, 0.0)
        told: Array = np.where(on_bed, 1 - np.add.reduce(under, axis=1) / SPOKES - shaded, 1.0)
        return np.maximum(told, _LEAST_TOLD)


def _rim(foreign: Float) -> Array:
    """How foreign the outermost of the inner rings is against the inner two, shape (N,), by medians; of those two
    the lesser, since a lamp's reflection fills one."""
    rings = np.median(foreign.reshape(len(foreign), len(INNER), -1), axis=2)
    rim: Array = rings[:, -1] / np.maximum(np.minimum(rings[:, 0], rings[:, 1]), 1e-6)
    return rim


def _differs(foreign: Float, bare: NDArray[np.bool_], outside: int) -> Array:
    """Whether all of the inside but its rim is another thing than the cloth around it, shape (N,): 1 where it is,
    0 where it is not. `foreign` has the points just outside first, and `bare` says which of them are cloth."""
    around = np.where(bare, foreign[:, :outside], np.nan)
    around[~bare.any(axis=1)] = 1.0
    within = foreign[:, outside:].reshape(len(foreign), len(INNER), -1)[:, :-1].reshape(len(foreign), -1)
    more = np.quantile(within, _ALL_BUT, axis=1) - np.nanmedian(around, axis=1)
    differs: Array = np.interp(more, _DIFFERS, (0.0, 1.0))
    return differs


def _filled(s: Silhouettes, foreign: Float, strange: Float) -> Array:
    """The fraction of each silhouette's inside that is foreign to the cloth, shape (N,), of the inner points'."""
    seen = ~s.inner_hidden
    count = np.maximum(np.add.reduce(seen, axis=1), 1)
    sure = np.add.reduce(seen & (foreign > 0.7), axis=1) / count
    odd = np.add.reduce(seen & (strange > 1), axis=1) / count
    filled: Array = odd * np.minimum(1, sure / _SURE)
    return filled


def meeting(candidate: Found, others: list[Detection]) -> NDArray[np.bool_]:
    """Which of a candidate's spokes lead into another ball, shape (SPOKES,)."""
    meets = np.zeros(SPOKES, dtype=bool)
    for other in others:
        meets |= candidate.within(other, _MEETS)
    return meets


def neighbours_meet(s: Silhouettes, all_of: Silhouettes) -> NDArray[np.bool_] | None:
    """Which spokes of outlines `s` lead into one of the balls `all_of` (itself left out), shape (N, SPOKES); None
    where no two balls are near."""
    apart = np.linalg.norm(s.centres_px[:, None] - all_of.centres_px[None], axis=2)
    near = (apart < 2.6 * s.radii_px[:, None]) & (apart > 0.2 * s.radii_px[:, None])
    if not near.any():
        return None
    meets = np.zeros((len(s.centres_px), SPOKES), dtype=bool)
    for i, j in zip(*np.nonzero(near), strict=True):
        tips = s.centres_px[i] + 1.3 * s.spokes_px[i] - all_of.centres_px[j]
        meets[i] |= np.hypot(tips[:, 0], tips[:, 1]) < _MEETS * all_of.radii_px[j]
    return meets
