"""Frames drawn beforehand, each with what was true: drawing shares no time and no caches with what is measured."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from vision.frames.source import Frame
from vision.simulate.conditions import conditions
from vision.simulate.source import SimulatedTable
from vision.simulate.take import Take

Situation = Literal["play", "people", "rest"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame and what went on in it: `play` from the strike to the last ball's rest, else `people` where hands,
    arms or a cue are over the bed, else `rest`. `carried` balls count as people."""

    frame: Frame
    situation: Situation


def take_of(seed: int, seconds: float, size: tuple[int, int], fps: float) -> Take:
    """A stretch of the seed's hall: `seconds`, and on until the shot under way then is over."""
    return Take(SimulatedTable.under(conditions(seed), size=size, fps=fps), seconds=seconds)


def reels(take: Take, frames: int) -> Iterator[list[Moment]]:
    """The take in stretches of at most so many frames, each drawn as a whole before it is handed on.

    A stretch holds its planes in memory: 3.1 MB a frame at 1080p. It is let go when the next is asked for.
    """
    reel: list[Moment] = []
    for frame in take:
        reel.append(Moment(frame, _situation(take, frame.t_s)))
        if len(reel) == frames:
            yield reel
            reel = []
    if reel:
        yield reel


def fresh(frame: Frame) -> Frame:
    """The frame with planes of its own that were written just now, as a decoder hands them on: they lie as near to
    the processor as theirs do."""
    return replace(frame, y=frame.y.copy(), u=frame.u.copy(), v=frame.v.copy())


def _situation(take: Take, t_s: float) -> Situation:
    if any(shot.strike_s <= t_s < shot.rest_s for shot in take.table.played):
        return "play"
    truth = take.frames[-1]
    handled = truth.hand or any(ball.status == "carried" for ball in truth.balls)
    return "people" if handled else "rest"
