"""A kiosk in whose hall people trained, and a cloud that has told of winners and subscriptions."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import House
from training_hall import TrainingHall, nothing_said, plan, reward, subscription

from edge.hall import rewards, training_periods
from edge.hall.occasion import occasion
from edge.hall.players import Player
from edge.store.database import connect, immediate

MONTH, THIS_MONTH = "2025-10", "2025-11"
NOW = datetime(2025, 11, 5, 20, 0, tzinfo=UTC)  # the fifth, two in the afternoon
DECIDED = "2025-11-03T12:00:00.000Z"


class TrainingHouse(House):
    """A hall whose clock stands still at `NOW`. `said` is what the cloud says of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.evening.now = NOW - timedelta(days=60)
        self.said = nothing_said()

    @contextmanager
    def trained(self) -> Iterator[TrainingHall]:
        """To tell stays in, plays without their shots. What was told is scored by `settle`."""
        with closing(connect(self.evening.store.path)) as conn:
            conn.execute("PRAGMA foreign_keys = OFF")
            with immediate(conn):
                yield TrainingHall(conn, [], count=_stays(conn))

    def scored(self, *scores: tuple[Player, float], month: str = MONTH, state: str = "open") -> None:
        """Rows of a month as they come out: hours 10, coach score 70; who is named first is first."""
        with self.evening.store.write() as conn:
            conn.execute(
                "INSERT INTO training_periods (period, state) VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET state = excluded.state",
                [month, state],
            )
            for rank, (player, total) in enumerate(scores, 1):
                conn.execute(
                    "INSERT INTO ladder_training_scores (player_id, ladder_id, period, coach_avg, hours_total,"
                    " hours_norm, win_rate, total_score, sessions, shots, won, played, reached_at, rank)"
                    " VALUES (?, '', ?, 70, 10, 100, 50, ?, 8, 500, 3, 6, ?, ?)",
                    [player.id, month, total, f"{month}-28T20:00:00.000Z", rank],
                )

    def won(self, player: Player, month: str = MONTH, **more: Any) -> None:
        """The cloud says that this player has won that month."""
        own_id = f"reward-{month}-{len(self.said['rewards'])}"
        self.said["rewards"].append(reward(player.id, month, DECIDED, id=own_id, **more))
        self.said["periods"].append(
            {
                "period": month,
                "state": "decided",
                "rev": 1,
                "frozen_at": DECIDED,
                "decided_at": DECIDED,
                "nobody": "",
            }
        )
        self.hear()

    def subscribed(self, player: Player, status: str = "active", **more: Any) -> None:
        """The cloud says how this player's subscription stands."""
        held = [one for one in self.said["subscriptions"] if one["player"] != player.id]
        own = subscription(player.id, status, renews_at="2025-11-20T12:00:00.000Z", **more)
        self.said["subscriptions"] = [*held, own]
        self.hear()

    def offers(self, **more: Any) -> None:
        """A subscription can be had here; in the sandbox, unless told otherwise."""
        self.said |= {"plan": plan("Chalk City"), "sandbox": True, "test": True} | more
        self.hear()

    def hear(self) -> None:
        with self.evening.store.write() as conn:
            rewards.hear(conn, self.said)
            for period in {one["period"] for one in self.said["periods"]}:
                training_periods.take_verdict(conn, period, self.said["rewards"])


@contextmanager
def training_house(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingHouse]:
    with closing(TrainingHouse(folder)) as house:
        monkeypatch.setattr("kiosk.box.occasion", lambda zone, label: occasion(zone, label, NOW))
        yield house


def _stays(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT count(*) FROM sessions WHERE id LIKE 'stay-%'").fetchone()[0])
