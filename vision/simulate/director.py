"""Strings the shot book into an evening at the table: racks set up, balls placed, shots taken, without end."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vision.simulate.acts import Act, Collect, Place, Placed, SetRack, Shoot
from vision.simulate.figure import Shape, moved
from vision.simulate.look import STAFF, Look
from vision.simulate.render import BallPose, Scene
from vision.simulate.shotbook import ShotBook, ShotRecord

Array = NDArray[np.float64]

Pace = Literal["usual", "brisk"]

_SAME_PLACE_IN = 0.02
_TURN_STEP_S = 1 / 90
# Someone who moves is drawn at so many instants of an exposure at most, this far apart: a pixel or two.
_MOST_INSTANTS, _INSTANT_IN = 8, 0.18


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """How long players think, aim and wait for the table to settle after a shot, in seconds from … to."""

    think_s: tuple[float, float]
    aim_s: tuple[float, float]
    settle_s: tuple[float, float]


# A brisk player still comes, aims and leaves; from rest to strike it is never less than 1.8 s.
_RHYTHMS: dict[Pace, _Rhythm] = {
    "usual": _Rhythm((0.2, 0.7), (1.6, 2.5), (0.8, 1.2)),
    "brisk": _Rhythm((0.0, 0.15), (0.8, 1.1), (0.25, 0.4)),
}


@dataclass(frozen=True)
class PlayedShot:
    """A shot of the book as it was played: `strike_s` and `rest_s` (the last ball at rest) are on the source's
    clock, `loop` counts the passes through the book."""

    loop: int
    strike_s: float
    rest_s: float
    record: ShotRecord


@dataclass(frozen=True)
class _Cue:
    """An act on the clock; a shot act says which shot of which loop it is."""

    start_s: float
    act: Act
    loop: int

    @property
    def end_s(self) -> float:
        return self.start_s + self.act.duration_s


class Director:
    """Answers, for times that never go back, what is to be seen and what is true.

    Every second pass through the book is played in a mirror, the first one if `mirrored`. The first rack stands
    ready at time 0, as it is before its shot `first_shot`.
    `row_delays` gives the times (n,) from a frame's first row to the rows of points (n, 3), for a rolling
    shutter. At another `pace` the same shots are played with less idle time between them.
    """

    def __init__(
        self,
        book: ShotBook,
        look: Look,
        seed: int,
        first_rack: int = 0,
        *,
        first_shot: int = 0,
        mirrored: bool = False,
        row_delays: Callable[[Array], Array] | None = None,
        pace: Pace = "usual",
    ) -> None:
        self.book, self.look = book, look
        self._rhythm = _RHYTHMS[pace]
        self._row_delays = row_delays
        self._placed: tuple[float, dict[str, Placed]] = (-1.0, {})
        self._rng = np.random.default_rng([seed, 11])
        self._turn_rng = np.random.default_rng([seed, 12])
        self._mirrored = mirrored
        self._acts = self._script(first_rack % len(book.racks), first_shot)
        self._now = next(self._acts)
        self._next = next(self._acts)
        self._turns: dict[str, Array] = {}
        self._turned_at = 0.0
        self.played: deque[PlayedShot] = deque(maxlen=400)
        self._note(self._now)

    @property
    def loop(self) -> int:
        """How many times the book has been played through."""
        return self._now.loop

    def seek(self, t_s: float) -> None:
        """Moves on to the act at a time."""
        while t_s >= self._now.end_s:
            self._now, self._next = self._next, next(self._acts)
            self._placed = (-1.0, {})
            self._note(self._now)

    def placed(self, t_s: float) -> dict[str, Placed]:
        """Where the balls are as a frame of that time has them, a time of the present act."""
        if self._placed[0] != t_s:
            self._placed = t_s, self._place(max(0.0, t_s - self._now.start_s), self._now.act)
        return self._placed[1]

    def _place(self, since: float, act: Act) -> dict[str, Placed]:
        """Where the balls are a time after an act's beginning, each at the time of its row."""
        placed = act.balls(since)
        if self._row_delays is None or not isinstance(act, Shoot) or not placed:
            return placed
        delays = self._row_delays(np.array([ball.centre for ball in placed.values()]))
        if since + delays.max() <= act.strike_s:
            return placed
        own = {name: act.ball(name, since + float(d)) for name, d in zip(placed, delays, strict=True)}
        return {name: ball for name, ball in own.items() if ball is not None}

    def scene(self, t_s: float, exposure_s: float) -> Scene:
        """The scene of a frame whose exposure has its middle at `t_s`."""
        self.seek(t_s)
        placed = self.placed(t_s)
        self._turn(t_s, placed)
        balls = tuple(
            BallPose(
                name,
                self._path(name, ball, t_s, exposure_s),
                self._turns[name],
                still=ball.status == "still",
                falling=ball.status == "falling",
            )
            for name, ball in placed.items()
        )
        since = t_s - self._now.start_s
        shapes = self._now.act.shapes(since)
        return Scene(balls, shapes, self._trail(shapes, since, exposure_s), t_s)

    def _trail(self, shapes: tuple[Shape, ...], since: float, exposure_s: float) -> tuple[tuple[Shape, ...], ...]:
        """The people at instants of the exposure, so many that none moves far in between; () where none moves."""
        act = self._now.act
        before = act.shapes(max(0.0, since - exposure_s / 2)) if shapes else ()
        if not before or len(before) != len(shapes):
            return ()
        moved_in = 2 * max(moved(a, b) for a, b in zip(before, shapes, strict=True))
        instants = min(_MOST_INSTANTS, int(np.ceil(moved_in / _INSTANT_IN)))
        if instants < 2:
            return ()
        times = since + exposure_s * ((np.arange(instants) + 0.5) / instants - 0.5)
        return tuple(act.shapes(float(np.clip(t, 0, act.duration_s))) for t in times)

    def _path(self, name: str, ball: Placed, t_s: float, exposure_s: float) -> Array:
        """The ball's centres at seven instants of the exposure; one where it does not move."""
        if ball.status != "moving":
            return ball.centre[None]
        act, since = self._now.act, t_s - self._now.start_s
        if not isinstance(act, Shoot):
            return ball.centre[None]
        delay = float(self._row_delays(ball.centre[None])[0]) if self._row_delays else 0.0
        times = since + delay + exposure_s * np.linspace(-0.5, 0.5, 7)
        centres = [act.record.state(name, float(t) - act.strike_s)[1] for t in times]
        return np.column_stack([centres, np.full(len(times), ball.centre[2])])

    def _turn(self, t_s: float, placed: dict[str, Placed]) -> None:
        """Turns the balls by their angular velocities since the last frame, in steps short enough for what
        changes within one; of a long gap only the last quarter second."""
        self._turns = {
            name: self._turns[name] if name in self._turns else _random_turn(self._turn_rng) for name in placed
        }
        start = max(self._turned_at, t_s - 0.25, self._now.start_s)
        self._turned_at = t_s
        act = self._now.act
        if not isinstance(act, Shoot) or t_s <= start:
            return
        busy = [name for name, ball in placed.items() if ball.status in ("moving", "falling")]
        steps = max(1, int(np.ceil((t_s - start) / _TURN_STEP_S)))
        step = (t_s - start) / steps
        for k in range(steps):
            since = start + (k + 0.5) * step - self._now.start_s - act.strike_s
            for name in busy:
                spin = act.record.state(name, since)[3]
                self._turns[name] = _rotation(spin * step) @ self._turns[name]

    def _note(self, cue: _Cue) -> None:
        if isinstance(cue.act, Shoot):
            strike_s = cue.start_s + cue.act.strike_s
            record = cue.act.record
            self.played.append(PlayedShot(cue.loop, strike_s, strike_s + record.duration_s, record))

    def _script(self, first_rack: int, first_shot: int) -> Iterator[_Cue]:
        """The acts on the clock, without end."""
        clock, loop = 0.0, 0
        layout: dict[str, Array] = {}
        ready = True
        while True:
            for rack in self.book.racks[first_rack:]:
                for record in rack[first_shot:]:
                    mirrored = (loop + self._mirrored) % 2 == 1
                    played = record.mirrored(self.book.table.width_in) if mirrored else record
                    for act in self._acts_for(played, layout, ready):
                        cue = _Cue(clock, act, loop)
                        clock = cue.end_s
                        yield cue
                    ready = False
                    layout = played.layout_end
                first_shot = 0
            loop, first_rack = loop + 1, 0

    def _acts_for(self, record: ShotRecord, before: dict[str, Array], ready: bool) -> Iterator[Act]:
        """What has to be done by hand, then the shot."""
        table, wanted = self.book.table, record.layout_start
        if record.number == 0 and not ready:
            racked = {name: p for name, p in wanted.items() if name != "cue"}
            yield Collect(table, STAFF, before)
            yield SetRack(table, STAFF, racked)
            yield Place(table, STAFF, racked, {"cue": wanted["cue"]})
        elif not ready:
            bring = {n: p for n, p in wanted.items() if n not in before or _moved(before[n], p)}
            if bring:
                left = {name: p for name, p in wanted.items() if name not in bring}
                yield Place(table, self.look.people[record.player], left, bring)
        yield Shoot(
            table,
            self.look.people[record.player],
            record,
            think_s=float(self._rng.uniform(*self._rhythm.think_s)) + (1.2 if ready else 0.0),
            aim_s=float(self._rng.uniform(*self._rhythm.aim_s)),
            settle_s=float(self._rng.uniform(*self._rhythm.settle_s)),
            rhythm=tuple(self._rng.uniform(0.4, 0.6, int(self._rng.integers(1, 4)))),
        )


def _moved(a: Array, b: Array) -> bool:
    return bool(np.hypot(*(a - b)) > _SAME_PLACE_IN)


def _rotation(vector: Array) -> Array:
    """The rotation matrix of a rotation vector (3,) [Rodrigues]."""
    angle = float(np.sqrt(vector @ vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    R: Array = np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * (K @ K)
    return R


def _random_turn(rng: np.random.Generator) -> Array:
    """A rotation drawn evenly from all (QR of a random matrix)."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    q *= np.sign(np.diag(r))
    if np.linalg.det(q) < 0:
        q[:, 0] *= -1
    return np.asarray(q)
