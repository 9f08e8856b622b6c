"""Records a shot book with pooltool: `python -m vision.simulate.record --out vision/simulate/shotbook.npz`.

For developers only; needs the extra `physics`. Two imperfect players play whole racks of eight-ball and
nine-ball; every shot starts where the last one ended. pooltool's axes (metres, x along the width) become ours.
docs/simulated-table.md says with which options the books that ship were recorded.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pooltool as pt
from numpy.typing import NDArray
from pooltool.events import EventType
from pooltool.objects.ball.datatypes import BallState
from pooltool.objects.table.specs import PocketTableSpecs
from pooltool.physics.engine import PhysicsEngine
from pooltool.physics.resolve import Resolver
from pooltool.physics.resolve.ball_ball.core import CoreBallBallCollision

from calibration.table import STANDARD_TABLES, Table
from vision.simulate.games import RackState, rack
from vision.simulate.planner import Aim, Layout, candidates, plain_hit
from vision.simulate.shotbook import (
    POTTED,
    STILL,
    Game,
    Intent,
    Motion,
    Physics,
    ShotBook,
    ShotEvent,
    ShotRecord,
    Strike,
)

Array = NDArray[np.float64]
M_PER_IN = 0.0254
MASS_KG = 0.170097
MAX_EVENTS = 4000
MOST_CONTACTS = 200
MAX_TRIES = 30

_RAILS = {"3": "left", "6": "left", "12": "right", "15": "right", "18": "head", "9": "foot"}
_POCKETS = {
    "rb": "corner-0-0",
    "rt": "corner-L-0",
    "lb": "corner-0-W",
    "lt": "corner-L-W",
    "rc": "side-0",
    "lc": "side-W",
}
_JAWS = {
    **dict.fromkeys(("1", "2", "1t", "2t"), "corner-0-W"),
    **dict.fromkeys(("7", "8", "7t", "8t"), "corner-L-W"),
    **dict.fromkeys(("10", "11", "10t", "11t"), "corner-L-0"),
    **dict.fromkeys(("16", "17", "16t", "17t"), "corner-0-0"),
    **dict.fromkeys(("4", "5", "4t", "5t"), "side-W"),
    **dict.fromkeys(("13", "14", "13t", "14t"), "side-0"),
}


@dataclass(frozen=True, slots=True)
class Feel:
    """What differs from table to table: the cloth's friction, sliding and rolling, and how much speed balls
    keep at each other and at a cushion."""

    sliding_friction: float = 0.2
    rolling_friction: float = 0.01
    ball_restitution: float = 0.94
    cushion_restitution: float = 0.85


class RealBallBall(CoreBallBallCollision):  # type: ignore[misc]
    """A ball–ball contact that loses energy by a restitution and throws: friction after Marlow's data,
    μ = 0.01 + 0.108 exp(−1.088 s), s the sliding speed in m/s [billiards.colostate.edu TP A.14]."""

    def __init__(self, restitution: float) -> None:
        self.restitution = restitution

    def solve(self, ball1: Any, ball2: Any) -> tuple[Any, Any]:
        a, b, r = ball1.state.rvw.copy(), ball2.state.rvw.copy(), ball1.params.R
        n = (b[0] - a[0]) / np.linalg.norm(b[0] - a[0])
        slip = a[1] - b[1] + r * np.cross(a[2] + b[2], n)
        closing = float((a[1] - b[1]) @ n)
        slip -= (slip @ n) * n
        speed = float(np.linalg.norm(slip))
        push = (1 + self.restitution) / 2 * closing
        drag = min((0.01 + 0.108 * np.exp(-1.088 * speed)) * push, speed / 7)
        t = slip / speed if speed > 1e-9 else np.zeros(3)
        impulse = (push * n + drag * t) * (1, 1, 0)
        turn = 2.5 / r * drag * np.cross(n, t)
        a[1], b[1] = a[1] - impulse, b[1] + impulse
        a[2], b[2] = a[2] - turn, b[2] - turn
        ball1.state = BallState(a, pt.constants.sliding)
        ball2.state = BallState(b, pt.constants.sliding)
        return ball1, ball2


@dataclass(frozen=True)
class Stroke:
    """What a player tries: pooltool's cue speed in m/s, direction, and tip offsets in ball radii."""

    cue_speed_m_s: float
    direction_deg: float
    side: float
    vertical: float


class Recorder:
    """Plays strokes on one table."""

    def __init__(self, table: Table, feel: Feel) -> None:
        self.table = table
        self._pt_table = pt.Table.from_table_specs(_specs(table))
        self._engine = PhysicsEngine(resolver=replace_ball_ball(Resolver.default(), feel.ball_restitution))
        radius = table.ball_radius_in * M_PER_IN
        self._own = {
            "R": radius,
            "m": MASS_KG,
            "u_s": feel.sliding_friction,
            "u_r": feel.rolling_friction,
            "e_c": feel.cushion_restitution,
        }
        params = pt.BallParams(**self._own)
        self.physics = Physics(
            radius_in=table.ball_radius_in,
            sliding_friction=params.u_s,
            rolling_friction=params.u_r,
            spin_decay_rad_s2=2.5 * params.u_sp * params.g / radius,
            gravity_in_s2=params.g / M_PER_IN,
        )

    def play(self, layout: Layout, stroke: Stroke, head: tuple[Game, int, int, int, Intent]) -> ShotRecord | None:
        """The shot, or None where the engine gave up."""
        balls = {name: pt.Ball.create(name, xy=self._to_pt(p), **self._own) for name, p in layout.items()}
        cue = pt.Cue(
            cue_ball_id="cue",
            V0=stroke.cue_speed_m_s,
            phi=stroke.direction_deg + 90,
            theta=3.0,
            a=stroke.side,
            b=stroke.vertical,
        )
        system = pt.System(cue=cue, table=self._pt_table.copy(), balls=balls)
        pt.simulate(system, engine=self._engine, inplace=True, max_events=MAX_EVENTS)
        if len(system.events) >= MAX_EVENTS:
            return None
        motions = {name: self._motion(ball) for name, ball in system.balls.items()}
        v = motions["cue"].velocity[0]
        strike = Strike(
            float(np.hypot(*v)), float(np.degrees(np.arctan2(v[1], v[0]))), stroke.side / 2, stroke.vertical / 2
        )
        events = tuple(e for e in map(_event, system.events) if e is not None)
        return ShotRecord(*head, strike, motions, events, float(system.events[-1].time), self.physics)

    def is_sane(self, shot: ShotRecord) -> bool:
        """Whether every ball stays on the table until it is potted and out of the others: the engine now and
        then misses a contact, notices a pot only where the ball would leave the hole on its far side, or lets
        a cushion give a spinning ball more energy than it had. It may also let two balls rattle without end."""
        if len(shot.events) > MOST_CONTACTS:
            return False
        far = self.table.pocket_radius_in
        for pot in shot.pots:
            pocket = next(p for p in self.table.pockets if p.name == pot.other)
            position = shot.state(pot.ball, pot.t_s - 1e-4)[1]
            centre = np.array([self.table.length_in, self.table.width_in]) / 2
            inward = np.abs(position - centre) - np.abs(np.array([pocket.x_in, pocket.y_in]) - centre)
            if inward.max() > 0.6 * far:
                return False
        limits = np.array([[-1.6, -1.6], [self.table.length_in + 1.6, self.table.width_in + 1.6]])
        energy = np.inf
        for t in np.arange(1e-4, shot.duration_s, 0.01):
            states = [shot.state(ball, float(t)) for ball in shot.motions]
            places = np.array([p for state, p, _, _ in states if state != POTTED])
            if bool(np.any((places < limits[0]) | (places > limits[1]))):
                return False
            gaps = np.linalg.norm(places[:, None] - places, axis=2) + 9 * np.eye(len(places))
            before, energy = energy, sum(self._energy(v, w) for state, _, v, w in states if state != POTTED)
            if gaps.min(initial=9) < self.table.ball_diameter_in - 0.01 or energy > 1.0004 * before + 0.4:
                return False
        return True

    def _energy(self, velocity: Array, spin: Array) -> float:
        """Kinetic energy per mass, in²/s²: ½v² + ½·⅖r²ω²."""
        return 0.5 * float(velocity @ velocity) + 0.2 * self.physics.radius_in**2 * float(spin @ spin)

    def _to_pt(self, point: Array) -> tuple[float, float]:
        return (self.table.width_in - point[1]) * M_PER_IN, point[0] * M_PER_IN

    def _motion(self, ball: Any) -> Motion:
        """The pieces of one ball's motion: of states at the same time the last, of repeated ones the first."""
        states = ball.history.states
        kept = [s for s, after in zip(states, [*states[1:], None], strict=True) if after is None or after.t > s.t]
        pieces = [kept[0]]
        for state in kept[1:]:
            if state.s != pieces[-1].s or state.s not in (STILL, POTTED):
                pieces.append(state)
        rvw = np.array([s.rvw for s in pieces])
        position = np.column_stack([rvw[:, 0, 1], self.table.width_in * M_PER_IN - rvw[:, 0, 0]]) / M_PER_IN
        velocity = np.column_stack([rvw[:, 1, 1], -rvw[:, 1, 0]]) / M_PER_IN
        spin = np.column_stack([rvw[:, 2, 1], -rvw[:, 2, 0], rvw[:, 2, 2]])
        times = np.array([s.t for s in pieces])
        return Motion(times, np.array([s.s for s in pieces], dtype=np.uint8), position, velocity, spin)


def replace_ball_ball(resolver: Any, restitution: float) -> Any:
    resolver.ball_ball = RealBallBall(restitution)
    return resolver


def _specs(table: Table) -> Any:
    """pooltool's table with our mouths and holes."""
    m = M_PER_IN
    return PocketTableSpecs(
        l=table.length_in * m,
        w=table.width_in * m,
        cushion_height=table.nose_height_in * m,
        corner_pocket_width=table.corner_mouth_in * m,
        corner_pocket_depth=table.corner_offset_in * np.sqrt(2) * m,
        corner_pocket_radius=table.pocket_radius_in * m,
        side_pocket_width=table.side_mouth_in * m,
        side_pocket_depth=table.side_offset_in * m,
        side_pocket_radius=table.pocket_radius_in * m,
    )


def _event(event: Any) -> ShotEvent | None:
    kind, t = event.event_type, float(event.time)
    if kind == EventType.BALL_BALL:
        return ShotEvent(t, "ball", *event.ids)
    if kind == EventType.BALL_POCKET:
        return ShotEvent(t, "pot", event.ids[0], _POCKETS[event.ids[1]])
    if kind in (EventType.BALL_LINEAR_CUSHION, EventType.BALL_CIRCULAR_CUSHION):
        ball, segment = event.ids
        rail = _RAILS.get(segment)
        return ShotEvent(t, "cushion", ball, rail) if rail else ShotEvent(t, "jaw", ball, _JAWS[segment])
    return None


class Players:
    """Two players of different skill; the better one misses less."""

    aim_error_deg = (0.12, 0.35)

    def __init__(self, recorder: Recorder, rng: np.random.Generator) -> None:
        self.recorder = recorder
        self.rng = rng

    def choose(
        self, layout: Layout, legal: tuple[str, ...], head: tuple[Game, int, int, int]
    ) -> tuple[Stroke, Intent]:
        """The easiest shot that works when tried in the head; the stroke is what the player means to do."""
        aims = candidates(layout, legal, self.recorder.table)
        for aim in (*aims[:10], *aims[:10]):
            stroke = self._stroke(aim)
            trial = self.recorder.play(layout, stroke, (*head, aim.intent))
            if trial is not None and trial.made and aim.ball in {e.ball for e in trial.pots}:
                return stroke, aim.intent
        for ball in legal:
            hit = plain_hit(layout, ball, self.recorder.table)
            if hit is not None:
                return self._stroke(
                    replace(hit, direction_deg=hit.direction_deg + self.rng.uniform(-1, 1))
                ), "safety"
        return self._kick(layout, legal, head), "kick"

    def _stroke(self, aim: Aim) -> Stroke:
        """Speed enough for the run, and a bit of whatever spin the player fancies."""
        speed = 0.55 + 0.011 * aim.run_in + self.rng.gamma(1.5, 0.22)
        if aim.intent == "safety":
            speed = 0.35 + 0.006 * aim.run_in + self.rng.uniform(0, 0.5)
        side = self.rng.choice([0.0, 0.0, 0.35, -0.35, 0.55, -0.55])
        vertical = self.rng.choice([-0.7, -0.45, 0.0, 0.0, 0.3, 0.5, 0.7])
        return Stroke(min(speed, 3.2), aim.direction_deg, float(side), float(vertical))

    def _kick(self, layout: Layout, legal: tuple[str, ...], head: tuple[Game, int, int, int]) -> Stroke:
        """A stroke off a cushion onto a legal ball, or a hopeful one."""
        stroke = Stroke(1.4, float(self.rng.uniform(0, 360)), 0.0, 0.2)
        for direction in self.rng.permutation(np.arange(0, 360, 1.5)):
            stroke = Stroke(1.4, float(direction), 0.0, 0.2)
            trial = self.recorder.play(layout, stroke, (*head, "kick"))
            if trial and trial.first_contact and trial.first_contact.other in legal and not trial.scratch:
                break
        return stroke

    def tries(self, stroke: Stroke, player: int) -> Iterator[Stroke]:
        """The stroke as it may come off, again and again and ever worse: for when the engine gives up on it."""
        return (self.fumble(stroke, player, 1 + k / 5) for k in range(MAX_TRIES))

    def fumble(self, stroke: Stroke, player: int, clumsiness: float) -> Stroke:
        """The stroke as the arm delivers it."""
        error = clumsiness * self.rng.normal(0, self.aim_error_deg[player])
        side, vertical = self.rng.normal(0, 0.05, 2)
        return Stroke(
            stroke.cue_speed_m_s * float(self.rng.normal(1, 0.05)),
            stroke.direction_deg + float(error),
            float(np.clip(stroke.side + side, -0.9, 0.9)),
            float(np.clip(stroke.vertical + vertical, -0.9, 0.9)),
        )

    def place_cue_ball(self, layout: Layout, legal: tuple[str, ...]) -> Array:
        """With ball in hand: of some free spots the one with the easiest pot."""
        table = self.recorder.table
        best, spot = np.inf, np.array([table.length_in / 4, table.width_in / 2])
        for _ in range(60):
            point = self.rng.uniform((4, 4), (table.length_in - 4, table.width_in - 4))
            if any(np.hypot(*(point - p)) < 4 for p in layout.values()):
                continue
            aims = candidates({**layout, "cue": point}, legal, table)
            difficulty = aims[0].difficulty if aims else 99.0
            if difficulty < best:
                best, spot = difficulty, point
        return spot


def play_rack(players: Players, game: Game, number: int, max_shots: int = 40) -> list[ShotRecord]:
    """One rack from the break until its deciding ball is potted, until `max_shots`, or until the engine can't
    follow what is played."""
    rng, table = players.rng, players.recorder.table
    layout: Layout = rack(game, table, rng)
    layout["cue"] = np.array([0.24 * table.length_in, table.width_in / 2 + rng.uniform(-9, 9)])
    apex = next(p for name, p in layout.items() if name != "cue")
    to_apex = apex - layout["cue"]
    direction = float(np.degrees(np.arctan2(to_apex[1], to_apex[0]))) + float(rng.normal(0, 0.15))
    stroke = Stroke(float(rng.uniform(4.8, 6.8)), direction, 0.0, float(rng.uniform(-0.3, 0.3)))
    intent: Intent = "break"
    state, shots = RackState(game, player=number % 2), list[ShotRecord]()
    while len(shots) < max_shots:
        head = (game, number, len(shots), state.player)
        tries = (players.recorder.play(layout, s, (*head, intent)) for s in players.tries(stroke, state.player))
        shot = next((s for s in tries if s is not None and players.recorder.is_sane(s)), None)
        if shot is None:
            break
        shots.append(shot)
        state.after(shot)
        if state.over:
            break
        layout = shot.layout_end
        if state.ball_in_hand:
            layout.pop("cue", None)
            layout = {**layout, "cue": players.place_cue_ball(layout, state.legal(set(layout)))}
        stroke, intent = players.choose(layout, state.legal(set(layout)), (game, number, len(shots), state.player))
    return shots


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--racks", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", choices=("7ft", "8ft", "9ft"), default="9ft")
    usual = Feel()
    for name in Feel.__slots__:
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(usual, name))
    options = parser.parse_args(argv)
    feel = Feel(*(getattr(options, name) for name in Feel.__slots__))
    players = Players(Recorder(STANDARD_TABLES[options.table], feel), np.random.default_rng(options.seed))
    shots: list[ShotRecord] = []
    for number in range(options.racks):
        played = play_rack(players, "8-ball" if number % 2 else "9-ball", number)
        shots += played
        print(f"rack {number + 1}: {len(played)} shots, {sum(s.made for s in played)} makes", file=sys.stderr)
    book = ShotBook(players.recorder.table, players.recorder.physics, tuple(shots))
    options.out.write_bytes(book.to_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
