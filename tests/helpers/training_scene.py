"""A hall in the middle of a month of training, as a real kiosk shows it: months of scores, and a winner."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from training_hall import nothing_said, plan, reward, subscription

from edge.clock import from_stamp, month_before, stamp
from edge.coach.score import Cell, Tally, measured_to_json
from edge.hall import rewards, training_periods
from edge.hall.consents import give_answer
from edge.hall.ladders import Terms
from edge.hall.ladders.members import add_members
from edge.hall.ladders.setup import create_ladder
from edge.hall.players import sign_up
from edge.hall.training_scores import total_of
from edge.store.database import Store

USUAL = {"aim": (61.8, 9, 720), "control": (48.2, 9, 430), "position": (55.0, 7, 260)}
STEPS = {"aim": (66.0, 64, 4.2, 1.02), "control": (47.0, 40, -1.2, -0.17), "position": (55.1, 31, 0.02, 0.0)}


class Scene(dict[str, str]):
    """The players' ids by name; `said` is what the hall's cloud says of it."""

    said: dict[str, Any]


def a_trained_hall(store: Store, names: Sequence[str], now: datetime) -> Scene:
    """The last three months, of which the first of these players has won two; the one that goes on is open."""
    scene = Scene()
    this = stamp(now)[:7]
    last = month_before(this)
    with store.write() as conn:
        for name in names:
            scene[name] = sign_up(conn, name, stamp(now - timedelta(days=200))).id
            give_answer(conn, scene[name], "no", stamp(now), scene[name])
        first = next(iter(scene.values()))
        ladders = [
            _ladder(conn, name, list(scene.values()), first, now) for name in ("Tuesday nine-ball", "Masters")
        ]
        for month, state in ((month_before(last), "decided"), (last, "decided"), (this, "open")):
            conn.execute("INSERT INTO training_periods (period, state) VALUES (?, ?)", [month, state])
            for place, player in enumerate(scene.values()):
                _scores(conn, player, month, place, ladders if place == 0 else ladders[:1])
        for month in (last, this):
            _usual(conn, first, month)
            for day in (3, 9, 14, 17, 22):
                _session(conn, first, month, day)
        _shot(conn, first, last)
        scene.said = _said(first, month_before(last), last, now)
        rewards.hear(conn, scene.said)
        for month in (month_before(last), last):
            training_periods.take_verdict(conn, month, scene.said["rewards"])
    return scene


def subscribed(scene: Scene, name: str, status: str = "active", **more: Any) -> None:
    """From now on the cloud says that this player has a subscription."""
    held = {
        "code": "7QKM-2FXD",
        "renews_at": "2027-01-04T12:00:00.000Z",
        "discount_of": scene.said["rewards"][0]["period"],
    }
    scene.said["subscriptions"] = [subscription(scene[name], status, **held | more)]


def _ladder(conn: sqlite3.Connection, name: str, players: list[str], by: str, now: datetime) -> str:
    made = create_ladder(conn, Terms(name, "9-ball", 5), ["First"], by, stamp(now - timedelta(days=100)))
    add_members(conn, made.divisions[0].id, players, by, stamp(now - timedelta(days=100)))
    return made.id


def _scores(conn: sqlite3.Connection, player: str, month: str, place: int, ladders: list[str]) -> None:
    coach, hours = 74.25 - 1.3 * place, 15.5 - 1.1 * place
    for number, ladder in enumerate(ladders):
        won, played = (7 - place // 2, 9) if number == 0 else (3, 6)
        norm, rate = round(100 * hours / 15.5, 2), round(100 * won / played, 2)
        conn.execute(
            "INSERT INTO ladder_training_scores (player_id, ladder_id, period, coach_avg, hours_total, hours_norm,"
            " win_rate, total_score, sessions, shots, won, played, reached_at, rank)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 5, 640, ?, ?, ?, ?)",
            [
                player, ladder, month, coach, hours, norm, rate, total_of(coach, norm, rate), won, played,
                f"{month}-22T21:00:00.000Z", place + 1,
            ],
        )  # fmt: skip


def _usual(conn: sqlite3.Connection, player: str, month: str) -> None:
    for measure, (value, weeks, strokes) in USUAL.items():
        conn.execute(
            "INSERT INTO training_baselines (player_id, period, measure, weeks, strokes, value, bands)"
            " VALUES (?, ?, ?, ?, ?, ?, '[]')",
            [player, month, measure, weeks, strokes, value],
        )


def _session(conn: sqlite3.Connection, player: str, month: str, day: int) -> None:
    at, session = from_stamp(f"{month}-{day:02}T19:00:00.000Z"), f"stay-{month}-{day:02}"
    ended = stamp(at + timedelta(minutes=74))
    conn.execute(
        "INSERT INTO sessions (id, player_id, kind, table_label, day, goal, started_at, active_at, ended_at,"
        " end_reason, shots, active_s)"
        " VALUES (?, ?, 'practice', 'Table 1', ?, '{}', ?, ?, ?, 'player', 118, 4440)",
        [session, player, f"{month}-{day:02}", stamp(at), stamp(at), ended],
    )
    tallies: dict[Any, Tally] = {
        measure: Tally((Cell(n, round(10 * value * n)), Cell(), Cell(), Cell(), Cell()))
        for measure, (value, n, _, _) in STEPS.items()
    }
    columns = ", ".join(f"{measure}_raw, {measure}" for measure in STEPS)
    parts = [part for _, _, raw, counted in STEPS.values() for part in (raw, counted)]
    conn.execute(
        "INSERT INTO training_sessions (session_id, player_id, day, ended_at, shots, active_s, measures,"
        f" coach_score, period, scored, {columns})"
        " VALUES (?, ?, ?, ?, 118, 4440, ?, 67.85, ?, 1, ?, ?, ?, ?, ?, ?)",
        [session, player, f"{month}-{day:02}", ended, json.dumps(measured_to_json(tallies)), month, *parts],
    )


def _shot(conn: sqlite3.Connection, player: str, month: str) -> None:
    """The last shot that was stored is the player's hardest make of that month."""
    shot = conn.execute("SELECT id FROM shots ORDER BY rowid DESC LIMIT 1").fetchone()
    if shot is not None:
        conn.execute("DELETE FROM plays WHERE shot_id = ?", [shot["id"]])
        conn.execute(
            "INSERT INTO plays (shot_id, session_id, player_id, day, played_at, lasted_s, result, scratch, kind,"
            " potted, difficulty, seen) VALUES (?, ?, ?, ?, ?, 3, 'make', 0, 'cut', 1, 0.9, '{}')",
            [shot["id"], f"stay-{month}-14", player, f"{month}-14", f"{month}-14T19:30:00.000Z"],
        )


def _said(player: str, before: str, last: str, now: datetime) -> dict[str, Any]:
    decided = stamp(now - timedelta(days=1))
    parts: dict[str, Any] = {
        "ladder_name": "Tuesday nine-ball", "hours": 15.5, "coach_avg": 74.25, "total": 82.7, "currency": "usd",
    }  # fmt: skip
    return nothing_said() | {
        "rewards": [
            reward(player, last, decided, **parts),
            reward(player, before, decided, **parts, kind="free", state="consumed", saved_cents=2900),
        ],
        "plan": plan("Chalk City membership"),
        "sandbox": True,
        "test": True,
    }
