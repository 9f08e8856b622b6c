"""One sight of a ball: the grain that paths are made of."""

from dataclasses import dataclass


@dataclass(slots=True)
class Sample:
    """Where a ball was seen at one time; a resting ball has one sample, from `since_s` to `t_s`."""

    index: int
    t_s: float
    x_in: float
    y_in: float
    x_px: float
    y_px: float
    quality: float
    since_s: float | None = None

    @property
    def resting(self) -> bool:
        return self.since_s is not None
