"""A kiosk in whose hall people trained, and a cloud that has told of winners and subscriptions."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hall_visitor import House, a_house
from training_hall import TrainingHall

from edge.hall import rewards, training_periods
from edge.hall.occasion import occasion
from edge.hall.players import Player
from edge.store.database import connect, immediate

MONTH, THIS_MONTH = "2025-10", "2025-11"
NOW = datetime(2025, 11, 5, 20, 0, tzinfo=UTC)  # the fifth, two in the afternoon
DECIDED = "2025-11-03T12:00:00.000Z"
PLAN = {"name": "Chalk City", "cents": 2900, "currency": "usd", "months": 1}


class TrainingHouse(House):
    """A hall whose clock stands still at `NOW`. `said` is what the cloud says of it."""

    said: dict[str, Any]

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
        self.said["rewards"].append(
            {
                "id": f"reward-{month}-{len(self.said['rewards'])}", "period": month, "player": player.id,
                "ladder": None, "ladder_name": None, "kind": "half", "state": "applied", "total": 71.63,
                "hours": 12.5, "coach_avg": 71.25, "decided_at": DECIDED, "applied_at": DECIDED,
                "consumed_at": None, "saved_cents": None, "currency": None,
            }
            | more
        )  # fmt: skip
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
        own = {
            "player": player.id, "code": "ABCD-2345", "status": status, "price_cents": 2900, "currency": "usd",
            "months": 1, "renews_at": "2025-11-20T12:00:00.000Z", "ends_at": None, "trial_ends_at": None,
            "discount_of": None,
        }  # fmt: skip
        self.said["subscriptions"] = [*held, own | more]
        self.hear()

    def offers(self, **more: Any) -> None:
        """A subscription can be had here; in the sandbox, unless told otherwise."""
        self.said |= {"plan": PLAN, "sandbox": True, "test": True} | more
        self.hear()

    def hear(self) -> None:
        with self.evening.store.write() as conn:
            rewards.hear(conn, self.said)
            for period in {one["period"] for one in self.said["periods"]}:
                training_periods.take_verdict(conn, period, self.said["rewards"])


@contextmanager
def training_house(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingHouse]:
    with a_house(folder) as house:
        house.__class__ = TrainingHouse
        assert isinstance(house, TrainingHouse)
        house.said = nothing_said()
        monkeypatch.setattr("kiosk.box.occasion", lambda zone, label: occasion(zone, label, NOW))
        house.evening.now = NOW - timedelta(days=60)
        yield house


def nothing_said() -> dict[str, Any]:
    """A cloud in which nobody has set a price."""
    empty: dict[str, Any] = {name: [] for name in ("rewards", "subscriptions", "periods")}
    return {**empty, "plan": None, "rules": {}, "sandbox": False, "test": False}


def _stays(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT count(*) FROM sessions WHERE id LIKE 'stay-%'").fetchone()[0])
