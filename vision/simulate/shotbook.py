"""The shot book: whole games played once in a physics engine, replayed from closed-form pieces of motion.

A ball's way through a shot is a list of pieces, each a state at its beginning: resting, spinning on the spot,
sliding or rolling. Between two events every piece has a closed form, so a book of hundreds of shots is small
and exact at any instant. Inches, seconds and radians, the table's own axes.
"""

import json
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calibration.table import STANDARD_TABLES, PocketName, Table

Array = NDArray[np.float64]
EventKind = Literal["ball", "cushion", "jaw", "pot"]
Intent = Literal["break", "pot", "bank", "kick", "safety"]
Game = Literal["8-ball", "9-ball"]

STILL, SPINNING, SLIDING, ROLLING, POTTED = 0, 1, 2, 3, 4
MPH_PER_IN_S = 3600 / 63360

_NO_VELOCITY, _NO_SPIN = np.zeros(2), np.zeros(3)
for _nothing in (_NO_VELOCITY, _NO_SPIN):
    _nothing.setflags(write=False)

# Mirrored along the table's length, left becomes right.
_MIRRORED_PLACE = {
    "left": "right",
    "right": "left",
    "corner-0-0": "corner-0-W",
    "corner-0-W": "corner-0-0",
    "corner-L-0": "corner-L-W",
    "corner-L-W": "corner-L-0",
    "side-0": "side-W",
    "side-W": "side-0",
}


@dataclass(frozen=True, slots=True)
class Physics:
    """What the pieces of motion are evaluated with: inches, seconds, radians."""

    radius_in: float
    sliding_friction: float
    rolling_friction: float
    spin_decay_rad_s2: float
    gravity_in_s2: float


@dataclass(frozen=True, slots=True)
class Strike:
    """How the cue met the cue ball at time 0. `speed_in_s` is the cue ball's speed just after it,
    `direction_deg` its direction from +x towards +y; `side` (left positive) and `vertical` (top positive) are
    offsets of the tip in ball radii."""

    speed_in_s: float
    direction_deg: float
    side: float
    vertical: float


@dataclass(frozen=True, slots=True)
class ShotEvent:
    """A contact: `other` is a ball, a rail (cushion) or a pocket (jaw, pot)."""

    t_s: float
    kind: EventKind
    ball: str
    other: str


@dataclass(frozen=True)
class Motion:
    """One ball's pieces of motion: start times (k,), states (k,), and positions (k, 2), velocities (k, 2) and
    angular velocities (k, 3) at those times."""

    t_s: Array
    state: NDArray[np.uint8]
    position: Array
    velocity: Array
    spin: Array

    def at(self, t_s: float, physics: Physics) -> tuple[int, Array, Array, Array]:
        """State, position (2,), velocity (2,) and angular velocity (3,) at a time; until time 0 the ball rests
        where it begins."""
        if t_s <= 0:
            return STILL, self.position[0], _NO_VELOCITY, _NO_SPIN
        i = int(self.t_s.searchsorted(t_s, side="right")) - 1
        state = int(self.state[i])
        if state == STILL:
            return STILL, self.position[i], _NO_VELOCITY, _NO_SPIN
        p, v, w = evolve(
            state, self.position[i], self.velocity[i], self.spin[i], t_s - self.t_s[i], physics=physics
        )
        return state, p, v, w

    def mirrored(self, width_in: float) -> "Motion":
        """The same motion seen in a mirror along the table's length (an angular velocity is a pseudovector)."""
        position = np.column_stack([self.position[:, 0], width_in - self.position[:, 1]])
        return replace(self, position=position, velocity=self.velocity * (1, -1), spin=self.spin * (-1, 1, -1))


def evolve(
    state: int, position: Array, velocity: Array, spin: Array, dt_s: float, *, physics: Physics
) -> tuple[Array, Array, Array]:
    """Position (2,), velocity (2,) and angular velocity (3,) a time after a piece's start.

    Sliding: constant deceleration μg against the contact point's velocity u = v + R ẑ × ω, the spin growing
    by 5/2 of it over R. Rolling: deceleration μ_r g along the path. The vertical spin decays linearly on its
    own [Leckie & Greenspan 2006; billiards.colostate.edu TP 4.1].
    """
    wz = float(spin[2])
    wz = float(np.sign(wz)) * max(0.0, abs(wz) - physics.spin_decay_rad_s2 * dt_s)
    if state == SLIDING:
        u = velocity + physics.radius_in * np.array([-spin[1], spin[0]])
        speed = float(np.hypot(*u))
        pull = physics.sliding_friction * physics.gravity_in_s2 * (u / speed if speed > 0 else u)
        turn = 2.5 / physics.radius_in * dt_s * np.array([pull[1], -pull[0]])
        return (
            position + velocity * dt_s - 0.5 * pull * dt_s**2,
            velocity - pull * dt_s,
            np.array([spin[0] - turn[0], spin[1] - turn[1], wz]),
        )
    if state == ROLLING:
        speed = float(np.hypot(*velocity))
        slow = physics.rolling_friction * physics.gravity_in_s2
        dt_s = min(dt_s, speed / slow)
        pull = slow * (velocity / speed if speed > 0 else velocity)
        v = velocity - pull * dt_s
        w = np.array([-v[1] / physics.radius_in, v[0] / physics.radius_in, wz])
        return position + velocity * dt_s - 0.5 * pull * dt_s**2, v, w
    return position, np.zeros(2), np.array([0.0, 0.0, wz if state == SPINNING else 0.0])


@dataclass(frozen=True)
class ShotRecord:
    """One recorded shot; time 0 is the strike, when the cue ball begins to move.

    `rack` numbers the racks of the book, `number` the shots within one from 0 (the break).
    """

    game: Game
    rack: int
    number: int
    player: int
    intent: Intent
    strike: Strike
    motions: dict[str, Motion]
    events: tuple[ShotEvent, ...]
    duration_s: float
    physics: Physics

    def state(self, ball: str, t_s: float) -> tuple[int, Array, Array, Array]:
        """Motion state, position (2,), velocity (2,) and angular velocity (3,) of one ball."""
        return self.motions[ball].at(t_s, self.physics)

    def positions(self, t_s: float) -> dict[str, Array]:
        """Where the balls on the table are: name → (2,) inches. A potted ball is absent."""
        states = {ball: self.state(ball, t_s) for ball in self.motions}
        return {ball: s[1] for ball, s in states.items() if s[0] != POTTED}

    @cached_property
    def layout_start(self) -> dict[str, Array]:
        return {ball: motion.position[0] for ball, motion in self.motions.items()}

    @cached_property
    def layout_end(self) -> dict[str, Array]:
        # A little later: times in the pieces are rounded to single precision.
        return self.positions(self.duration_s + 1e-3)

    @cached_property
    def pots(self) -> tuple[ShotEvent, ...]:
        return tuple(e for e in self.events if e.kind == "pot")

    @property
    def scratch(self) -> bool:
        return any(e.ball == "cue" for e in self.pots)

    @property
    def made(self) -> bool:
        """At least one object ball potted and the cue ball not."""
        return bool(self.pots) and not self.scratch

    @cached_property
    def first_contact(self) -> ShotEvent | None:
        """The cue ball's first contact with another ball, `ball` being the cue ball."""
        for e in self.events:
            if e.kind == "ball" and "cue" in (e.ball, e.other):
                return replace(e, ball="cue", other=e.other if e.ball == "cue" else e.ball)
        return None

    @cached_property
    def cut_angle_deg(self) -> float | None:
        """Between the cue ball's direction just before its first contact and the line of centres."""
        contact = self.first_contact
        if contact is None:
            return None
        before = contact.t_s - 1e-5
        _, cue, velocity, _ = self.state("cue", before)
        line = self.state(contact.other, before)[1] - cue
        cosine = float(velocity @ line) / float(np.hypot(*velocity) * np.hypot(*line))
        return float(np.degrees(np.arccos(min(1.0, cosine))))

    @property
    def cue_speed_mph(self) -> float:
        return self.strike.speed_in_s * MPH_PER_IN_S

    def mirrored(self, width_in: float) -> "ShotRecord":
        """The same shot in a mirror along the table's length."""
        strike = replace(self.strike, direction_deg=-self.strike.direction_deg, side=-self.strike.side)
        events = tuple(replace(e, other=_MIRRORED_PLACE.get(e.other, e.other)) for e in self.events)
        motions = {ball: m.mirrored(width_in) for ball, m in self.motions.items()}
        return replace(self, strike=strike, events=events, motions=motions)


@dataclass(frozen=True)
class ShotBook:
    """The recorded shots in the order they were played, and the table they were played on."""

    table: Table
    physics: Physics
    shots: tuple[ShotRecord, ...]

    @cached_property
    def racks(self) -> tuple[tuple[ShotRecord, ...], ...]:
        """The shots rack by rack."""
        numbers = sorted({shot.rack for shot in self.shots})
        return tuple(tuple(s for s in self.shots if s.rack == n) for n in numbers)

    def to_bytes(self) -> bytes:
        """The book as a compressed NumPy archive: `meta` (JSON), `tracks` (pieces per ball) and the pieces."""
        motions = [m for shot in self.shots for m in shot.motions.values()]
        meta = {
            "table": self.table.name,
            "physics": [getattr(self.physics, name) for name in Physics.__slots__],
            "shots": [_shot_to_json(shot) for shot in self.shots],
        }
        out = BytesIO()
        np.savez_compressed(
            out,
            meta=np.frombuffer(json.dumps(meta, separators=(",", ":")).encode(), dtype=np.uint8),
            tracks=np.array([len(m.t_s) for m in motions], dtype=np.uint16),
            t_s=np.concatenate([m.t_s for m in motions]).astype(np.float32),
            state=np.concatenate([m.state for m in motions]).astype(np.uint8),
            values=np.concatenate([np.hstack([m.position, m.velocity, m.spin]) for m in motions]).astype(
                np.float32
            ),
        )
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "ShotBook":
        """Reads what `to_bytes` wrote. Raises KeyError or ValueError for anything else."""
        with np.load(BytesIO(data), allow_pickle=False) as archive:
            meta = json.loads(archive["meta"].tobytes())
            ends = np.cumsum(archive["tracks"], dtype=np.int64)
            t_s, state, values = archive["t_s"].astype(float), archive["state"], archive["values"].astype(float)
        motions = iter(
            Motion(t_s[a:b], state[a:b], values[a:b, :2], values[a:b, 2:4], values[a:b, 4:])
            for a, b in zip([0, *ends[:-1]], ends, strict=True)
        )
        physics = Physics(*meta["physics"])
        shots = tuple(
            _shot_from_json(entry, {ball: next(motions) for ball in entry["balls"]}, physics)
            for entry in meta["shots"]
        )
        return cls(STANDARD_TABLES[meta["table"]], physics, shots)


def _shot_to_json(shot: ShotRecord) -> dict[str, Any]:
    return {
        "head": [shot.game, shot.rack, shot.number, shot.player, shot.intent],
        "strike": [round(float(getattr(shot.strike, name)), 5) for name in Strike.__slots__],
        "balls": list(shot.motions),
        "events": [[round(e.t_s, 6), e.kind, e.ball, e.other] for e in shot.events],
        "duration_s": round(shot.duration_s, 6),
    }


def _shot_from_json(entry: dict[str, Any], motions: dict[str, Motion], physics: Physics) -> ShotRecord:
    game, rack, number, player, intent = entry["head"]
    return ShotRecord(
        game=game,
        rack=rack,
        number=number,
        player=player,
        intent=intent,
        strike=Strike(*entry["strike"]),
        motions=motions,
        events=tuple(ShotEvent(*e) for e in entry["events"]),
        duration_s=entry["duration_s"],
        physics=physics,
    )


@cache
def load_shot_book(name: str = "shotbook") -> ShotBook:
    """A book that ships with the program; by default the one that a demonstration plays."""
    return ShotBook.from_bytes(files("vision.simulate").joinpath(f"{name}.npz").read_bytes())


def pocket_of(event: ShotEvent) -> PocketName:
    """The pocket of a pot. Raises ValueError for another kind of event."""
    if event.kind != "pot":
        raise ValueError(f"a {event.kind} event has no pocket")
    name: PocketName = event.other  # type: ignore[assignment]
    return name
