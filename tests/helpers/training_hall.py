"""A hall whose months of training are told stay by stay, for the tests of what they score."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hall_facts import put_players, undone

from edge.clock import stamp
from edge.facts import Fact
from edge.hall import ladders, training
from edge.hall.ladders import Terms
from edge.hall.training_periods import facts_to_tell, make_final
from edge.hall.training_scores import settle
from edge.store import outbox

CHICAGO = ZoneInfo("America/Chicago")


def at(day: str, hour: int = 20) -> datetime:
    """By the hall's clocks."""
    return datetime.fromisoformat(f"{day}T{hour:02}:00").replace(tzinfo=CHICAGO).astimezone(UTC)


def nothing_said() -> dict[str, Any]:
    """What a cloud says of a hall in which nobody has set a price."""
    empty: dict[str, Any] = {name: [] for name in ("rewards", "subscriptions", "periods")}
    return {**empty, "plan": None, "rules": {}, "sandbox": False, "test": False}


def plan(name: str) -> dict[str, Any]:
    """What a subscription costs, as the cloud says it."""
    return {"name": name, "cents": 2900, "currency": "usd", "months": 1}


def subscription(player_id: str, status: str, **more: Any) -> dict[str, Any]:
    """How a player's subscription stands, as the cloud says it."""
    held = {
        "player": player_id, "code": "ABCD-2345", "status": status, "price_cents": 2900, "currency": "usd",
        "months": 1, "renews_at": None, "ends_at": None, "trial_ends_at": None, "discount_of": None,
    }  # fmt: skip
    return held | more


def reward(player_id: str, period: str, decided_at: str, **more: Any) -> dict[str, Any]:
    """What a player has won in a month, as the cloud says it."""
    won = {
        "id": f"reward-{period}", "period": period, "player": player_id, "ladder": None, "ladder_name": None,
        "kind": "half", "state": "applied", "total": 71.63, "hours": 12.5, "coach_avg": 71.25,
        "decided_at": decided_at, "applied_at": decided_at, "consumed_at": None, "saved_cents": None,
        "currency": None,
    }  # fmt: skip
    return won | more


@dataclass(slots=True)
class TrainingHall:
    """Players p0 to p5 of a hall in Chicago; `told` are the facts that were put in line."""

    conn: sqlite3.Connection
    players: list[str]
    told: list[Fact] = field(default_factory=list)
    count: int = 0

    def stay(
        self,
        player: int | str,
        day: str,
        *,
        shots: int = 40,
        made: int = 20,
        hours: float = 1.0,
        hour: int = 20,
        difficulty: float = 0.5,
        ended: bool = True,
    ) -> str:
        """A stay with so many attempts, of which the first were made, each of them a visit of its own."""
        self.count += 1
        session, begin = f"stay-{self.count:05}", at(day, hour)
        player_id = player if isinstance(player, str) else self.players[player]
        self.conn.execute(
            "INSERT INTO sessions (id, player_id, kind, table_label, day, goal, started_at, active_at, ended_at,"
            " end_reason, shots, active_s) VALUES (?, ?, 'practice', 'Table 1', ?, '{}', ?, ?, ?, 'player', ?, ?)",
            [
                session, player_id, day, stamp(begin), stamp(begin),
                stamp(begin + timedelta(hours=hours)) if ended else None, shots, hours * 3600,
            ],
        )  # fmt: skip
        self.conn.executemany(
            "INSERT INTO plays (shot_id, session_id, player_id, day, played_at, lasted_s, result, scratch, kind,"
            " potted, difficulty, seen) VALUES (?, ?, ?, ?, ?, 3, ?, 0, 'cut', ?, ?, '{}')",
            [
                (
                    f"{session}-{n}", session, player_id, day, stamp(begin + timedelta(minutes=3 * n)),
                    "make" if n < made else "miss", int(n < made), difficulty,
                )
                for n in range(shots)
            ],
        )  # fmt: skip
        return session

    def weeks(self, player: int, before: str, *, weeks: int = 12, made: int = 20, shots: int = 40) -> None:
        """So many stays, one in each week before that day."""
        for week in range(1, weeks + 1):
            day = (date.fromisoformat(before) - timedelta(days=7 * week - 3)).isoformat()
            self.stay(player, day, shots=shots, made=made)

    def on_ladder(self, name: str, *players: int) -> str:
        """A ladder of these players, from September on."""
        made_at = stamp(at("2026-09-01"))
        ladder = ladders.create_ladder(self.conn, Terms(name), ["Gold"], self.players[5], made_at)
        ids = [self.players[n] for n in players]
        ladders.add_members(self.conn, ladder.divisions[0].id, ids, self.players[5], made_at)
        return ladder.id

    def settle(self, day: str, hour: int = 4) -> list[str]:
        return settle(self.conn, at(day, hour), CHICAGO)

    def tell(self, day: str, hour: int = 4) -> list[Fact]:
        """What is to be told now; all of it is acknowledged at once."""
        facts = facts_to_tell(self.conn, at(day, hour))
        for fact in facts:
            seq = outbox.append_for_cloud(self.conn, fact)
            self.conn.execute("DELETE FROM cloud_outbox WHERE seq = ?", [seq])
        self.told += facts
        return facts

    def close(self, period: str, day: str) -> None:
        """The month is final, as it stands."""
        self.settle(day)
        make_final(self.conn, period, at(day, 4))

    def scores(self, period: str) -> dict[tuple[str, str], sqlite3.Row]:
        rows = self.conn.execute("SELECT * FROM ladder_training_scores WHERE period = ?", [period])
        return {(row["player_id"], row["ladder_id"]): row for row in rows}

    def score(self, player: int, period: str) -> sqlite3.Row:
        """The one row of a player's."""
        (row,) = [row for (who, _), row in self.scores(period).items() if who == self.players[player]]
        return row

    def booked(self) -> dict[str, str | None]:
        """In which month each stay is booked."""
        rows = self.conn.execute("SELECT session_id, period FROM training_sessions")
        return {row["session_id"]: row["period"] for row in rows}

    def period(self, period: str) -> training.Period:
        found = training.get_period(self.conn, period)
        assert found is not None
        return found


@contextmanager
def training_hall(path: Path) -> Iterator[TrainingHall]:
    """Of all of it nothing stays; no play is one of the store's own shots."""
    with undone(path) as conn:
        conn.execute("PRAGMA defer_foreign_keys = ON")
        yield TrainingHall(conn, put_players(conn, 6))
