"""What happens at the table, one act after the other: collect, rack, place a ball, take a shot.

An act knows where every ball is and who is in the picture at each of its instants. Times within an act are
seconds from its beginning.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from calibration.table import Table
from vision.simulate.figure import (
    Shape,
    Stance,
    outer_in,
    player,
    pushed_out,
    rack_frame,
    reacher,
    stance,
)
from vision.simulate.look import Person
from vision.simulate.shotbook import POTTED, ROLLING, SLIDING, STILL, ShotRecord

Array = NDArray[np.float64]
BallStatus = Literal["still", "moving", "falling", "carried"]

_AWAY_IN = 62.0
_APPROACH_S = 0.75
_LEAVE_AFTER_S = 0.5
_FALL_S = 0.2


@dataclass(frozen=True)
class Placed:
    """A ball at an instant: its centre (3,), angular velocity (3,) and what it is doing."""

    centre: Array
    spin: Array
    status: BallStatus


class Act(Protocol):
    """One act; `balls` and `shapes` are asked for times from 0 to `duration_s`."""

    @property
    def duration_s(self) -> float: ...

    def balls(self, t_s: float) -> dict[str, Placed]: ...

    def shapes(self, t_s: float) -> tuple[Shape, ...]: ...


def eased(share: float) -> float:
    """0 to 1 with a soft start and end."""
    s = min(1.0, max(0.0, share))
    return s * s * (3 - 2 * s)


def _resting(layout: dict[str, Array], table: Table) -> dict[str, Placed]:
    return {name: Placed(np.array([*p, table.ball_radius_in]), np.zeros(3), "still") for name, p in layout.items()}


@dataclass(frozen=True)
class Collect:
    """Someone walks along the table and takes the balls left on it, one after the other."""

    table: Table
    who: Person
    layout: dict[str, Array]
    each_s: float = 0.42

    @cached_property
    def _order(self) -> list[str]:
        return sorted(self.layout, key=lambda name: float(self.layout[name][0]))

    @property
    def duration_s(self) -> float:
        return 1.4 + self.each_s * len(self.layout)

    def balls(self, t_s: float) -> dict[str, Placed]:
        taken = int(max(0.0, t_s - 0.6) // self.each_s)
        return _resting({name: self.layout[name] for name in self._order[taken:]}, self.table)

    def shapes(self, t_s: float) -> tuple[Shape, ...]:
        if not self._order:
            return ()
        spots = np.array([self.layout[name] for name in self._order])
        # Each ball is taken at the middle of its share of time, when the hand is over it.
        when = 0.6 + self.each_s * (np.arange(len(spots)) + 0.75)
        x, y = (float(np.interp(t_s, when, spots[:, k])) for k in (0, 1))
        edge = self.table.width_in + 13.0
        out = 1 - eased(t_s / 0.6) + eased((t_s - self.duration_s + 0.7) / 0.7)
        hips = np.array([x + 3, edge + 40 * out])
        hand = np.array([x, y + (edge - y + 12) * out, 2.6 + 6 * out])
        return reacher(self.who, hips, hand)


@dataclass(frozen=True)
class SetRack:
    """Someone at the foot of the table brings the balls in a rack, sets them down and lifts it away."""

    table: Table
    who: Person
    layout: dict[str, Array]
    duration_s: float = 4.4

    def _slide(self, t_s: float) -> tuple[float, float]:
        """How far the rack is from its spot, towards the foot and up, in inches."""
        into = 1 - eased(t_s / 1.5)
        nudge = 1.2 * float(np.sin(np.pi * np.clip((t_s - 1.6) / 0.9, 0, 1)))
        return 46 * into + nudge, 5 * into

    def balls(self, t_s: float) -> dict[str, Placed]:
        along, up = self._slide(t_s)
        if along < 1e-3:
            return _resting(self.layout, self.table)
        move = np.array([along, 0.0, self.table.ball_radius_in + up])
        return {
            name: Placed(np.array([*p, 0.0]) + move, np.zeros(3), "carried") for name, p in self.layout.items()
        }

    def shapes(self, t_s: float) -> tuple[Shape, ...]:
        along, up = self._slide(t_s)
        lift = eased((t_s - 2.9) / 1.2)
        offset = np.array([along + 52 * max(0.0, lift - 0.35), 0.0])
        spots = np.array(list(self.layout.values()))
        frame = rack_frame(spots + offset, self.table.ball_radius_in, up + 5 * min(1.0, 2.5 * lift))
        back = spots[:, 0].max() + offset[0]
        z = 1.6 + up + 5 * min(1.0, 2.5 * lift)
        middle = self.table.width_in / 2
        foot = outer_in(self.table)[1][0] + 5
        hips = np.array([foot + max(0.0, back + 6 - foot), middle])
        right, left = np.array([back - 1, middle + 5.0, z]), np.array([back - 1, middle - 5.0, z])
        return (*frame, *reacher(self.who, hips, right, left))


@dataclass(frozen=True)
class Place:
    """A hand brings balls that are in hand, one at a time, and sets each on its spot."""

    table: Table
    who: Person
    layout: dict[str, Array]
    bring: dict[str, Array]
    each_s: float = 2.0

    @property
    def duration_s(self) -> float:
        return self.each_s * len(self.bring)

    def _now(self, t_s: float) -> tuple[int, float]:
        turn = min(int(t_s // self.each_s), len(self.bring) - 1)
        return turn, t_s - turn * self.each_s

    def _pose(self, spot: Array, t_s: float) -> tuple[Array, Array]:
        """Where the person, (2,), and the hand, (3,), are: in over the spot, down, up and out."""
        hips = pushed_out(self.table, spot, 5.0)
        out = 1 - eased(t_s / 0.75) + eased((t_s - 1.2) / 0.7)
        lift = 1.4 * eased((t_s - 1.0) / 0.25)
        outward = (hips - spot) / max(float(np.hypot(*(hips - spot))), 1e-6)
        xy = spot + (hips - spot + 30 * outward) * out
        return hips + 45 * out * outward, np.array([*xy, 2.35 * self.table.ball_radius_in + 4 * out + lift])

    def balls(self, t_s: float) -> dict[str, Placed]:
        turn, local = self._now(t_s)
        names = list(self.bring)
        at_rest = {**self.layout, **{name: self.bring[name] for name in names[:turn]}}
        name, spot = names[turn], self.bring[names[turn]]
        if local >= 0.95:
            return _resting({**at_rest, name: spot}, self.table)
        _, hand = self._pose(spot, local)
        centre = np.array([hand[0], hand[1], hand[2] - 1.35 * self.table.ball_radius_in])
        return {**_resting(at_rest, self.table), name: Placed(centre, np.zeros(3), "carried")}

    def shapes(self, t_s: float) -> tuple[Shape, ...]:
        turn, local = self._now(t_s)
        return reacher(self.who, *self._pose(list(self.bring.values())[turn], local))


@dataclass(frozen=True)
class Shoot:
    """A player steps up, aims with a few warm-up strokes, strikes, and leaves while the balls run.

    The cue ball's first motion is exactly at `strike_s`.
    """

    table: Table
    who: Person
    record: ShotRecord
    think_s: float
    aim_s: float
    settle_s: float
    rhythm: tuple[float, ...] = field(default=(0.55, 0.5, 0.45))

    @property
    def strike_s(self) -> float:
        return self.think_s + _APPROACH_S + self.aim_s

    @property
    def duration_s(self) -> float:
        return self.strike_s + max(self.record.duration_s, _LEAVE_AFTER_S + 0.8) + self.settle_s

    @cached_property
    def _stance(self) -> Stance:
        strike = self.record.strike
        ball = self.record.layout_start["cue"]
        return stance(self.table, ball, strike.direction_deg, strike.vertical, strike.side)

    def balls(self, t_s: float) -> dict[str, Placed]:
        placed = {name: self.ball(name, t_s) for name in self.record.motions}
        return {name: p for name, p in placed.items() if p is not None}

    def ball(self, name: str, t_s: float) -> Placed | None:
        """One ball; None once it has gone down."""
        since_s = t_s - self.strike_s
        state, position, _, spin = self.record.state(name, since_s)
        if state == POTTED:
            return self._falling(name, since_s)
        centre = np.array([*position, self.table.ball_radius_in])
        moving = state in (SLIDING, ROLLING)
        spins = moving or (state != STILL and float(np.abs(spin[2])) > 0.3)
        return Placed(centre, spin, "moving" if spins else "still")

    def _falling(self, name: str, since_s: float) -> Placed | None:
        """A potted ball goes on into its hole, held by its wall, and drops for a fifth of a second."""
        pot = next(e for e in self.record.pots if e.ball == name)
        t = since_s - pot.t_s
        if t > _FALL_S:
            return None
        _, position, velocity, spin = self.record.state(name, pot.t_s - 1e-6)
        pocket = next(p for p in self.table.pockets if p.name == pot.other)
        hole = np.array([pocket.x_in, pocket.y_in])
        away = position + velocity * t - hole
        distance = float(np.hypot(*away))
        # Past the rim the hole's wall holds it: within a twentieth of a second it is inside.
        room = pocket.radius_in - 0.8 * self.table.ball_radius_in
        over = max(0.0, float(np.hypot(*(position - hole))) - room) * max(0.0, 1 - t / 0.05)
        if distance > room + over:
            away *= (room + over) / distance
        # Tipping over the rim takes a little from free fall.
        drop = 0.5 * 0.85 * self.record.physics.gravity_in_s2 * t * t
        return Placed(np.array([*(hole + away), self.table.ball_radius_in - drop]), spin, "falling")

    def shapes(self, t_s: float) -> tuple[Shape, ...]:
        coming = 1 - eased((t_s - self.think_s) / _APPROACH_S)
        going = eased((t_s - self.strike_s - _LEAVE_AFTER_S) / 0.8)
        away = _AWAY_IN * (coming + going)
        if away >= 0.99 * _AWAY_IN:
            return ()
        return player(self._stance, self.who, self.table, self._gap(t_s - self.strike_s), away)

    def _gap(self, t_s: float) -> float:
        """How far the tip is behind the cue ball, by the time to the strike (negative before it)."""
        speed = float(np.clip(self.record.cue_speed_mph / 10, 0.25, 1.6))
        back = 3.0 + 5.0 * min(speed, 1.1)
        if t_s >= 0:
            return -(2.0 + 4.5 * speed) * eased(t_s / 0.12)
        forward = 0.16
        if t_s > -forward:
            return back * (t_s / forward) ** 2
        drawn, pause = 0.5, 0.1
        if t_s > -forward - pause:
            return back
        if t_s > -forward - pause - drawn:
            return 0.7 + (back - 0.7) * eased(1 - (-t_s - forward - pause) / drawn)
        return 0.7 + self._warm_up(-t_s - forward - pause - drawn)

    def _warm_up(self, before_s: float) -> float:
        """Practice strokes, counted back from the last one, then a rest."""
        for stroke in self.rhythm:
            if before_s < stroke:
                return 2.2 * float(np.sin(np.pi * before_s / stroke)) ** 2
            before_s -= stroke
        return 0.0
