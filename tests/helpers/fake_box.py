"""A box without a camera: fills a data directory with a store and moves balls in `live.json`.

For the kiosk's tests, and for whoever works on its pages:

    python tests/helpers/fake_box.py --data DIR       (and ladder kiosk --data DIR beside it)
"""

import json
import math
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from fresh_store import fresh_store

from calibration.table import RAIL_NAMES, STANDARD_TABLES, Pocket, RailName, Table
from edge.bookkeeper import Bookkeeper
from edge.runtime.paths import Paths, box_paths, make_directories
from edge.store.database import Store
from edge.store.shots import Source, store_shot, store_source
from vision.balls import ball_sets
from vision.feel import Estimate, Feel
from vision.live import CameraState, Learnt, LiveState, WriterState
from vision.model import (
    BallState,
    Contact,
    Cushion,
    FirstContact,
    Health,
    Phase,
    Point,
    Pot,
    Shot,
    SideSpin,
    Spin,
    VerticalSpin,
)
from vision.quality import Quality

STEP_S = 1 / 240
FRAME_S = 1 / 20
ROLL_IN_S2 = 14.0  # how fast a rolling ball slows down
IN_S_PER_MPH = 17.6


@dataclass
class Moving:
    """A ball on the fake cloth."""

    x: float
    y: float
    vx: float = 0.0
    vy: float = 0.0

    @property
    def speed(self) -> float:
        return math.hypot(self.vx, self.vy)


@dataclass
class Played:
    """One shot as it happens: frames for the live page, then the shot for the store."""

    frames: list[dict[str, Moving]] = field(default_factory=list)
    potted: list[tuple[str, str, float]] = field(default_factory=list)
    cushions: list[tuple[str, str, float]] = field(default_factory=list)
    contact: FirstContact | None = None


class FakeTable:
    """Enough physics to look like pool: rolling, hits, cushions, pockets."""

    def __init__(self, seed: int = 1, table: Table = STANDARD_TABLES["9ft"], ball_set: str = "american") -> None:
        self.table = table
        self.ball_set = ball_set
        self.random = random.Random(seed)
        self.balls: dict[str, Moving] = {}
        self.rack()

    def rack(self) -> None:
        """Balls spread as after a break."""
        self.balls = {}
        names = [b.name for b in ball_sets()[self.ball_set].balls]
        for name in names:
            self._put(name)

    def _put(self, name: str) -> None:
        L, W, d = self.table.length_in, self.table.width_in, self.table.ball_diameter_in
        while True:
            x, y = self.random.uniform(4, L - 4), self.random.uniform(4, W - 4)
            if all(math.hypot(b.x - x, b.y - y) > d * 1.3 for b in self.balls.values()):
                self.balls[name] = Moving(x, y)
                return

    def play(self) -> Played:
        """One shot at whatever ball comes to mind; returns what happened, the balls stay where they ended."""
        if "cue" not in self.balls:
            self._put("cue")
        if len(self.balls) < 4:
            self.rack()
        cue = self.balls["cue"]
        speed = self.random.uniform(60, 240)
        aim = self._aim(cue)
        cue.vx, cue.vy = speed * math.cos(aim), speed * math.sin(aim)
        played = Played([self._copy()])
        t, next_frame = 0.0, FRAME_S
        while any(b.speed > 0 for b in self.balls.values()) and t < 20:
            t += STEP_S
            self._step(t, played)
            if t >= next_frame:
                played.frames.append(self._copy())
                next_frame += FRAME_S
        return played

    def _aim(self, cue: Moving) -> float:
        """At the ghost ball of the easiest of a few pots; a little off, as people are."""
        d = self.table.ball_diameter_in
        best = (9.0, self.random.uniform(-math.pi, math.pi))
        for name, ball in self.balls.items():
            if name == "cue":
                continue
            for pocket in self.table.pockets:
                way = math.atan2(pocket.y_in - ball.y, pocket.x_in - ball.x)
                gx, gy = ball.x - d * math.cos(way), ball.y - d * math.sin(way)
                line = math.atan2(gy - cue.y, gx - cue.x)
                cut = abs(math.remainder(way - line, 2 * math.pi))
                far = math.hypot(pocket.x_in - ball.x, pocket.y_in - ball.y) / 100
                if cut + far < best[0]:
                    best = (cut + far, line)
        return best[1] + self.random.gauss(0, 0.006)

    def _copy(self) -> dict[str, Moving]:
        return {name: replace(ball) for name, ball in self.balls.items()}

    def _step(self, t: float, played: Played) -> None:
        for name, ball in list(self.balls.items()):
            if ball.speed == 0:
                continue
            ball.x += ball.vx * STEP_S
            ball.y += ball.vy * STEP_S
            slower = max(0.0, 1 - ROLL_IN_S2 * STEP_S / ball.speed)
            ball.vx, ball.vy = ball.vx * slower, ball.vy * slower
            self._pocket(name, ball, t, played)
            self._cushion(name, ball, t, played)
        self._hits(t, played)

    def _pocket(self, name: str, ball: Moving, t: float, played: Played) -> None:
        for pocket in self.table.pockets:
            if math.hypot(ball.x - pocket.x_in, ball.y - pocket.y_in) < pocket.radius_in + 0.5:
                played.potted.append((name, pocket.name, t))
                self.balls.pop(name, None)

    def _cushion(self, name: str, ball: Moving, t: float, played: Played) -> None:
        L, W, r = self.table.length_in, self.table.width_in, self.table.ball_radius_in
        near = any(math.hypot(ball.x - p.x_in, ball.y - p.y_in) < p.mouth_in * 0.75 for p in self.table.pockets)
        if near:
            return
        if not r < ball.x < L - r:
            played.cushions.append((name, "head" if ball.x < r else "foot", t))
            ball.x, ball.vx = min(max(ball.x, r), L - r), -0.8 * ball.vx
        if not r < ball.y < W - r:
            played.cushions.append((name, "right" if ball.y < r else "left", t))
            ball.y, ball.vy = min(max(ball.y, r), W - r), -0.8 * ball.vy

    def _hits(self, t: float, played: Played) -> None:
        d, names = self.table.ball_diameter_in, list(self.balls)
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                a, b = self.balls[one], self.balls[other]
                dx, dy = b.x - a.x, b.y - a.y
                gap = math.hypot(dx, dy)
                closing = (a.vx - b.vx) * dx + (a.vy - b.vy) * dy
                if gap == 0 or gap >= d or closing <= 0:
                    continue
                nx, ny = dx / gap, dy / gap
                if played.contact is None and "cue" in (one, other):
                    c, o = (a, b) if one == "cue" else (b, a)
                    played.contact = FirstContact(other if one == "cue" else one, t, (c.x, c.y), (o.x, o.y))
                push = 0.96 * ((a.vx - b.vx) * nx + (a.vy - b.vy) * ny)
                a.vx, a.vy, b.vx, b.vy = a.vx - push * nx, a.vy - push * ny, b.vx + push * nx, b.vy + push * ny


def shot_of(played: Played, shot_id: str, start_s: float, table: Table, ball_set: str = "american") -> Shot:
    """What vision would say of it."""
    balls = ball_sets()[ball_set]
    first, last = played.frames[0], played.frames[-1]
    pockets: dict[str, Pocket] = {p.name: p for p in table.pockets}
    pots = tuple(
        Pot(ball, balls.group_of(ball), pockets[name].name, (0.0, 0.0), start_s + t, 0.95)
        for ball, name, t in played.potted
    )
    scratch = any(pot.ball == "cue" for pot in pots)
    made = [pot for pot in pots if pot.ball != "cue"]
    cue = first["cue"]
    contact = played.contact
    paths = {}
    for ball in first:
        path = [(start_s + i * FRAME_S, f[ball].x, f[ball].y) for i, f in enumerate(played.frames) if ball in f]
        if any(f[ball].speed > 0 for f in played.frames if ball in f):
            fell = next((p for p in pots if p.ball == ball), None)
            if fell is not None:
                path.append((fell.t_s, pockets[fell.pocket].x_in, pockets[fell.pocket].y_in))
            paths[ball] = tuple(path)
    cut = None
    if contact is not None:
        (cx, cy), (ox, oy) = contact.cue_ball_in, contact.object_ball_in
        cut = abs(
            math.degrees(
                math.remainder(math.atan2(oy - cy, ox - cx) - math.atan2(cy - cue.y, cx - cue.x), math.tau)
            )
        )
    target = None if contact is None or not made else pockets[made[0].pocket]
    return Shot(
        shot_id,
        start_s,
        "make" if made and not scratch else "miss",
        scratch,
        end_s=start_s + len(played.frames) * FRAME_S,
        potted=pots,
        first_contact=None if contact is None else replace(contact, t_s=start_s + contact.t_s),
        cut_angle_deg=cut,
        cue_distance_in=None if contact is None else math.dist((cue.x, cue.y), contact.cue_ball_in),
        pocket_distance_in=None
        if target is None or contact is None
        else math.dist(contact.object_ball_in, (target.x_in, target.y_in)),
        cue_speed_mph=cue.speed / IN_S_PER_MPH or _speed_after(played),
        spin=Spin(VerticalSpin("follow", 0.7), SideSpin("left", 0.95)),
        kind="unknown" if cut is None else ("straight" if cut < 6 else "cut"),
        cushions=tuple(Cushion(b, rail, start_s + t) for b, rail, t in played.cushions),  # type: ignore[arg-type]
        contacts=() if contact is None else (Contact("cue", contact.ball, start_s + contact.t_s),),
        layout_start=_layout(first),
        layout_end=_layout(last),
        paths_in=paths,
        uncertainty={
            "cut_angle_deg": 1.6,
            "cue_speed_mph": 0.3,
            "cue_distance_in": 0.3,
            "pocket_distance_in": 0.4,
            "kind": 0.2,
        },
        difficulty=0.35,
        confidence=0.93,
    )


def _speed_after(played: Played) -> float:
    return max(b.speed for frame in played.frames[:3] for b in frame.values()) / IN_S_PER_MPH


def _layout(frame: dict[str, Moving]) -> dict[str, Point]:
    return {name: (ball.x, ball.y) for name, ball in frame.items()}


def worn_table() -> Learnt:
    """A table with a dead rail that falls towards the head, well seen."""
    rails: dict[RailName, Estimate] = {name: Estimate(0.82, 0.012) for name in RAIL_NAMES}
    rails["left"] = Estimate(0.68, 0.015)
    feel = Feel(
        sliding=Estimate(0.213, 0.004),
        rolling=Estimate(0.0124, 0.0002),
        rail=Estimate(0.79, 0.008),
        rails=rails,
        tilt_x=Estimate(-0.0011, 0.00005),
        tilt_y=Estimate(0.0003, 0.00006),
        shots=340,
    )
    return Learnt(feel, Quality(48, 18_000, 90, 160, 5, 120, 1, 2, 33.6))


class FakeBox:
    """Writes what the services of a box would write."""

    def __init__(
        self, data: Path, seed: int = 1, table: Table = STANDARD_TABLES["9ft"], ball_set: str = "american"
    ) -> None:
        self.paths: Paths = box_paths(data)
        make_directories(self.paths)
        fresh_store(self.paths.store)
        self.store = Store(self.paths.store)
        self.books = Bookkeeper(self.store)
        self.pool = FakeTable(seed, table, ball_set)
        self.seq = 0
        self.t_s = 0.0
        self.dropped = 0
        self.dropped_by_sensor = 0
        self.learnt = Learnt()
        self.count = 0
        self.source_id = f"fake:{seed}:{os.getpid()}"
        t = table
        with self.store.write() as conn:
            store_source(
                conn,
                Source(
                    self.source_id, "fake box", "2025-01-01T00:00:00.000Z", t.name, t.length_in, t.width_in,
                    t.ball_diameter_in, "fake", 1280, 720, 60.0,
                ),
            )  # fmt: skip

    def close(self) -> None:
        self.store.close()

    def write_live(
        self,
        frame: dict[str, Moving] | None = None,
        status: str = "live",
        message: str = "",
        phase: Phase = "still",
    ) -> None:
        """One state, replaced atomically as vision does."""
        self.seq += 1
        self.t_s += FRAME_S
        balls = tuple(
            BallState(name, b.x, b.y, 0.0, 0.0, "moving" if b.speed > 0 else "still")
            for name, b in (self.pool.balls if frame is None else frame).items()
        )
        health = Health(self.seq * 3, 0, self.dropped, 8.2, 14.0)
        camera = CameraState(60.0, 60.0, 0.0, self.dropped_by_sensor, self.dropped, 1, 8)
        state = LiveState(
            self.seq, self.source_id, self.t_s, status, message, phase,
            self.pool.table, self.pool.ball_set, balls, 60.0, health, camera, self.learnt,
            WriterState(waiting=3, room=10_000, stored=40, refused=2),
        )  # fmt: skip
        new = self.paths.live_json.with_suffix(".new")
        new.write_text(json.dumps(state.to_json()), encoding="utf-8")
        new.replace(self.paths.live_json)

    def save(self, shot: Shot, played_at: datetime | None = None, ball_set: str | None = "") -> None:
        """Stores a shot as played with the table's own ball set, another, or (None) one that was not noted."""
        ball_set = self.pool.ball_set if ball_set == "" else ball_set
        with self.store.write() as conn:
            store_shot(conn, shot, self.source_id, played_at or datetime.now(UTC), ball_set)
        self.books.book()

    def shoot(self) -> tuple[Played, Shot]:
        """Plays a shot and hands it on, not stored yet."""
        played = self.pool.play()
        self.count += 1
        return played, shot_of(
            played, f"{self.source_id}/{self.count:06d}", self.t_s, self.pool.table, self.pool.ball_set
        )

    def fill(self, shots: int) -> list[Shot]:
        """Stores shots of the last minutes."""
        made = []
        begin = datetime.now(UTC) - timedelta(seconds=40 * shots)
        for i in range(shots):
            shot = self.shoot()[1]
            self.save(shot, begin + timedelta(seconds=40 * i))
            made.append(shot)
        return made

    def perform(self, pause_s: float = 2.5) -> Iterator[Shot]:
        """Plays for ever in its own time: live states all along, every shot stored when it ends."""
        while True:
            for _ in range(round(pause_s / FRAME_S)):
                self.write_live()
                time.sleep(FRAME_S)
            played, shot = self.shoot()
            for frame in played.frames:
                self.write_live(frame, phase="shot")
                time.sleep(FRAME_S)
            self.save(shot)
            yield shot


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--shots", default=12, help="Shots in the store to begin with.")
@click.option("--seed", default=1)
@click.option("--table", default="9ft")
@click.option("--balls", default="american")
@click.option("--once", is_flag=True, help="Write one state and end.")
@click.option("--status", default="live")
@click.option("--worn", is_flag=True, help="A table that needs care.")
def main(
    data: Path, shots: int, seed: int, table: str, *, balls: str, once: bool, status: str, worn: bool
) -> None:
    box = FakeBox(data, seed, STANDARD_TABLES[table], balls)
    if worn:
        box.learnt = worn_table()
    box.fill(shots)
    box.write_live(status=status)
    if not once:
        for shot in box.perform():
            click.echo(f"{shot.id} {shot.result}")


if __name__ == "__main__":
    main()
