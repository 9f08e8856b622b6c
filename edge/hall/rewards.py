"""What the cloud says of this hall: who has won its months, who has a subscription, and what one costs.

The cloud alone decides and pays; a hub keeps what it was told last, and pages show that. Without a cloud there is
nothing, and the pages that need it are absent.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.hall.takeovers import who_is_now

migrations = Migrations("rewards")

Kind = Literal["half", "free"]
TAKEN_BACK = "reverted"


@migrations()
def rewards_1(db: Database) -> None:
    # The cloud's own ids; a player may be one whom this hall has erased, or made one with another.
    db.execute("""
        CREATE TABLE subscription_rewards (
            id TEXT PRIMARY KEY,
            period TEXT NOT NULL,
            player_id TEXT NOT NULL,
            ladder_name TEXT,
            kind TEXT NOT NULL CHECK (kind IN ('half', 'free')),
            state TEXT NOT NULL,
            total REAL NOT NULL,
            hours REAL NOT NULL,
            coach_avg REAL NOT NULL,
            decided_at TEXT NOT NULL,
            applied_at TEXT,
            consumed_at TEXT,
            saved_cents INTEGER,
            currency TEXT
        ) STRICT
    """)
    db.execute("CREATE INDEX subscription_rewards_by_period ON subscription_rewards (period)")
    db.execute("""
        CREATE TABLE subscriptions (
            player_id TEXT PRIMARY KEY,
            status TEXT NOT NULL,
            code TEXT NOT NULL,
            price_cents INTEGER,
            currency TEXT,
            months INTEGER,
            renews_at TEXT,
            ends_at TEXT,
            trial_ends_at TEXT,
            discount_of TEXT
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("""
        CREATE TABLE subscription_offer (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            name TEXT NOT NULL,
            cents INTEGER NOT NULL,
            currency TEXT NOT NULL,
            months INTEGER NOT NULL,
            sandbox INTEGER NOT NULL CHECK (sandbox IN (0, 1)),
            test INTEGER NOT NULL CHECK (test IN (0, 1))
        ) STRICT
    """)
    db.execute("CREATE TABLE months_nobody_won (period TEXT PRIMARY KEY, why TEXT NOT NULL) STRICT, WITHOUT ROWID")


@migrations()
def rewards_2(db: Database) -> None:
    """By which rules the cloud decides this hall's months, as JSON."""
    db.execute("""
        CREATE TABLE reward_rules (only INTEGER PRIMARY KEY CHECK (only = 1), rules TEXT NOT NULL) STRICT
    """)


@dataclass(frozen=True, slots=True)
class HallRules:
    """What of the cloud's rules a player is told: what it takes to be able to win, and whether somebody on so many
    ladders with so many active players gets a whole month."""

    least_sessions: int = 4
    least_hours: float = 3.0
    each_ladder: bool = False
    free_month: bool = True
    free_ladders: int = 2
    active_players: int = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """What a subscription costs in this hall: `cents` every so many `months`. `sandbox`: no money moves; `test`: a
    key of Stripe's test mode."""

    name: str
    cents: int
    currency: str
    months: int
    sandbox: bool
    test: bool


@dataclass(frozen=True, slots=True)
class HallReward:
    """A reward of this hall. `name` is None for who does not want to be seen, or was erased."""

    id: str
    period: str
    player_id: str
    name: str | None
    ladder_name: str | None
    kind: Kind
    state: str
    total: float
    hours: float
    coach_avg: float
    decided_at: str
    applied_at: str | None
    consumed_at: str | None
    saved_cents: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A player's subscription as the cloud knows it. `discount_of` is the month whose reward waits for the next
    invoice."""

    status: str
    code: str
    price_cents: int | None
    currency: str | None
    months: int | None
    renews_at: str | None
    ends_at: str | None
    trial_ends_at: str | None
    discount_of: str | None


_REWARD = (
    "id", "period", "player_id", "ladder_name", "kind", "state", "total", "hours", "coach_avg", "decided_at",
    "applied_at", "consumed_at", "saved_cents", "currency",
)  # fmt: skip
_SUBSCRIPTION = tuple(Subscription.__slots__)
_FIND = (
    f"SELECT {', '.join(f'r.{name}' for name in _REWARD)}, iif(p.visible AND p.erased IS NULL, p.name, NULL) AS "
    "name"
    " FROM subscription_rewards r LEFT JOIN players p ON p.id = r.player_id"
    f" WHERE r.state != '{TAKEN_BACK}'"
)


def hear(conn: sqlite3.Connection, said: Mapping[str, Any]) -> None:
    """Keeps what the cloud says (`/v1/hall`) in place of what it said before. `conn` must be inside a transaction
    for writing."""
    rewards = [{**one, "player_id": who_is_now(conn, one["player"])} for one in said["rewards"]]
    _replace(conn, "subscription_rewards", _REWARD, rewards)
    subscriptions = [{**one, "player_id": who_is_now(conn, one["player"])} for one in said["subscriptions"]]
    _replace(conn, "subscriptions", ("player_id", *_SUBSCRIPTION), subscriptions)
    plan = said["plan"]
    marks = {"only": 1, "sandbox": int(said["sandbox"]), "test": int(said["test"])}
    offers = [] if plan is None else [{**plan, **marks}]
    _replace(
        conn, "subscription_offer", ("only", "name", "cents", "currency", "months", "sandbox", "test"), offers
    )
    _replace(conn, "reward_rules", ("only", "rules"), [{"only": 1, "rules": json.dumps(said["rules"])}])
    nobody = [{"period": one["period"], "why": one["nobody"]} for one in said["periods"] if one["nobody"]]
    _replace(conn, "months_nobody_won", ("period", "why"), nobody)


def offer(conn: sqlite3.Connection) -> Offer | None:
    """What a subscription costs here; None where none can be had."""
    row = conn.execute("SELECT name, cents, currency, months, sandbox, test FROM subscription_offer").fetchone()
    return (
        None
        if row is None
        else Offer(
            row["name"], row["cents"], row["currency"], row["months"], bool(row["sandbox"]), bool(row["test"])
        )
    )


def hall_rules(conn: sqlite3.Connection) -> HallRules:
    """The rules that hold here; the usual ones where no cloud has told any."""
    row = conn.execute("SELECT rules FROM reward_rules").fetchone()
    said: dict[str, Any] = {} if row is None else json.loads(row["rules"])
    known = {name: said[name] for name in HallRules.__slots__ if name in said}
    return HallRules(**known, each_ladder=said.get("winners") == "ladder")


def winners(conn: sqlite3.Connection, period: str) -> list[HallReward]:
    """Who has won a month."""
    return [_reward(row) for row in conn.execute(f"{_FIND} AND r.period = ? ORDER BY r.total DESC", [period])]


def latest(conn: sqlite3.Connection, limit: int) -> list[HallReward]:
    """The winners of the last months, the newest first."""
    rows = conn.execute(f"{_FIND} ORDER BY r.period DESC, r.total DESC LIMIT ?", [limit])
    return [_reward(row) for row in rows]


def of_player(conn: sqlite3.Connection, player_id: str) -> list[HallReward]:
    """What a player has won, the newest first."""
    rows = conn.execute(f"{_FIND} AND r.player_id = ? ORDER BY r.period DESC", [player_id])
    return [_reward(row) for row in rows]


def nobody_won(conn: sqlite3.Connection, period: str) -> str:
    """Why a month that is decided has no winner, in the cloud's words; empty where it has one."""
    row = conn.execute("SELECT why FROM months_nobody_won WHERE period = ?", [period]).fetchone()
    return "" if row is None else str(row["why"])


def subscription_of(conn: sqlite3.Connection, player_id: str) -> Subscription | None:
    """A player's subscription; None for who never had one."""
    row = conn.execute(
        f"SELECT {', '.join(_SUBSCRIPTION)} FROM subscriptions WHERE player_id = ?", [player_id]
    ).fetchone()
    return None if row is None else Subscription(*row)


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes what is kept of the subscription of a player who was erased; the cloud keeps what was paid."""
    conn.execute("DELETE FROM subscriptions WHERE player_id = ?", [player_id])


def take_over(conn: sqlite3.Connection, from_id: str, to_id: str) -> None:
    """What one player has won and subscribed to is another's."""
    conn.execute("UPDATE subscription_rewards SET player_id = ? WHERE player_id = ?", [to_id, from_id])
    conn.execute("UPDATE OR IGNORE subscriptions SET player_id = ? WHERE player_id = ?", [to_id, from_id])
    conn.execute("DELETE FROM subscriptions WHERE player_id = ?", [from_id])


def _replace(
    conn: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]
) -> None:
    conn.execute(f"DELETE FROM {table}")
    conn.executemany(
        f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
        [[row[name] for name in columns] for row in rows],
    )


def _reward(row: sqlite3.Row) -> HallReward:
    return HallReward(**{name: row[name] for name in HallReward.__slots__})
