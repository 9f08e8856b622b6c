"""How well the box saw, shot by shot and over a session, in numbers and in a person's words."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calibration.table import MM_PER_IN
from vision.pots import Fate
from vision.reading import Reading

# A leg that fits worse than this, times the scatter of sights and in mm too, hides something: where sights scatter
# by a third of a millimetre, what a ball does beyond the model is worse, and no fault of the camera.
_MISFIT, _MISFIT_MM = 2.0, 1.5
_LEAST_SHOTS = 5
_MANY_UNSEEN, _MANY_MISFITS, _MANY_LOST, _MUCH_SCATTER_MM = 0.10, 0.15, 0.05, 2.5


@dataclass(frozen=True, slots=True)
class Quality:
    """Sums over shots: frames in which a moving ball should have been seen, and those in which it was not; legs
    fitted, and those that fit badly; moving balls, and those whose way just ends; names that had to be put right
    (`swaps`); the scatter of sights, summed over shots in mm."""

    shots: int = 0
    frames: int = 0
    unseen: int = 0
    legs: int = 0
    misfits: int = 0
    balls: int = 0
    lost: int = 0
    swaps: int = 0
    scatter_mm: float = 0.0

    def __add__(self, other: "Quality") -> "Quality":
        return Quality(*(getattr(self, name) + getattr(other, name) for name in Quality.__slots__))

    @property
    def unseen_share(self) -> float:
        return self.unseen / max(self.frames, 1)

    @property
    def misfit_share(self) -> float:
        return self.misfits / max(self.legs, 1)

    @property
    def lost_share(self) -> float:
        return self.lost / max(self.balls, 1)

    @property
    def mean_scatter_mm(self) -> float:
        return self.scatter_mm / max(self.shots, 1)

    def in_words(self) -> str:
        """One line for a person."""
        if not self.shots:
            return "No shot has been seen yet."
        return (
            f"{self.shots} shots: moving balls seen in {100 * (1 - self.unseen_share):.1f} % of frames, "
            f"{self.lost} of {self.balls} lost on their way, {self.swaps} mixed up and put right; "
            f"positions scatter by {self.mean_scatter_mm:.1f} mm, {100 * self.misfit_share:.0f} % of ways fit ill."
        )

    def warnings(self) -> tuple[str, ...]:
        """What is bad, each with what to do; none before a few shots."""
        if self.shots < _LEAST_SHOTS:
            return ()
        found = []
        if self.unseen_share > _MANY_UNSEEN:
            found.append(
                f"moving balls are out of sight in {100 * self.unseen_share:.0f} % of frames: "
                "look whether something hangs in the camera's view, or shorten the exposure"
            )
        if self.lost_share > _MANY_LOST:
            found.append(
                f"{self.lost} of {self.balls} moving balls were lost: check the light and the camera's focus"
            )
        if self.mean_scatter_mm > _MUCH_SCATTER_MM:
            found.append(
                f"positions scatter by {self.mean_scatter_mm:.1f} mm: clean the lens, add light, calibrate again"
            )
        if self.misfit_share > _MANY_MISFITS:
            found.append(
                f"{100 * self.misfit_share:.0f} % of the balls' ways are no rolling balls': calibrate again"
            )
        return tuple(found)


NOTHING = Quality()


def quality_of(reading: Reading | None, fates: Mapping[int, Fate], swaps: int = 0) -> Quality:
    """How well one shot was seen; `swaps` is how many names its tracks had to exchange."""
    if reading is None:
        return NOTHING
    course = reading.course
    frames = unseen = 0
    for row in range(len(course.balls)):
        seen = np.nonzero(course.seen[row])[0]
        if len(seen) > 1:
            frames += int(seen[-1] - seen[0] + 1)
            unseen += int(seen[-1] - seen[0] + 1 - len(seen))
    legs = [g for row in reading.legs for g in row if g.sights >= 4]
    ends = zip(course.balls, course.rested, strict=True)
    lost = sum(not rested and ball not in fates for ball, rested in ends)
    misfit_in = max(_MISFIT * reading.noise_in, _MISFIT_MM / MM_PER_IN)
    misfits = sum(g.residual_in > misfit_in for g in legs)
    return Quality(
        1, frames, unseen, len(legs), misfits, len(course.balls), lost, swaps, reading.noise_in * MM_PER_IN
    )
