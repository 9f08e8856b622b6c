"""Rewards: what a month's decision gave to whom, and how far each is on its way to an invoice.

`decided → applying → applied → consumed`. Beside: `waiting` for what may pass by itself, `no_subscription`,
`needs_review` for a person, `reverted` by one, `expired`. A reward's history is only added to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, get_args

from edge.clock import stamp
from edge.facts import is_uuid, uuid7
from sync.cloud.db import Conn, Row
from sync.cloud.deciding import Award, Kind
from sync.cloud.steps import Steps

State = Literal[
    "decided",
    "waiting",
    "no_subscription",
    "applying",
    "applied",
    "consumed",
    "needs_review",
    "reverted",
    "expired",
]
TO_DO: tuple[State, ...] = ("decided", "waiting", "no_subscription", "applying")
SETTLED: tuple[State, ...] = ("consumed", "reverted")  # for good
CAN_TRY_AGAIN: tuple[State, ...] = ("needs_review", "waiting", "no_subscription", "expired")

MOST_ASKED = 10_000  # in one question; SQLite takes 32,766

PERCENT: dict[Kind, int] = {"half": 50, "free": 100}

steps = Steps(
    "rewards",
    (
        (
            """
            CREATE TABLE subscription_rewards (
                id TEXT PRIMARY KEY,
                hall_id TEXT NOT NULL REFERENCES halls (id),
                period TEXT NOT NULL,
                slot TEXT NOT NULL,
                player_id TEXT NOT NULL,
                ladder_id TEXT NOT NULL,
                ladder_name TEXT NOT NULL,
                kind TEXT NOT NULL CHECK (kind IN ('half', 'free')),
                why TEXT NOT NULL,
                total {real} NOT NULL,
                hours {real} NOT NULL,
                coach_avg {real} NOT NULL,
                decided_at TEXT NOT NULL,
                state TEXT NOT NULL,
                reason TEXT NOT NULL DEFAULT '',
                due_at TEXT NOT NULL,
                tries {int} NOT NULL DEFAULT 0,
                member_id TEXT,
                subscription_id TEXT,
                coupon_id TEXT,
                discount_id TEXT,
                applied_at TEXT,
                invoice_id TEXT,
                saved_cents {int},
                currency TEXT,
                consumed_at TEXT,
                checked_at TEXT,
                drift TEXT NOT NULL DEFAULT '',
                UNIQUE (hall_id, period, slot),
                UNIQUE (hall_id, period, player_id),
                UNIQUE (subscription_id, period)
            ) {strict}
            """,
            "CREATE INDEX rewards_due ON subscription_rewards (due_at, id)"
            " WHERE state IN ('decided', 'waiting', 'no_subscription', 'applying')",
            "CREATE INDEX rewards_followed ON subscription_rewards (checked_at, id) WHERE state = 'applied'",
            "CREATE INDEX rewards_by_period ON subscription_rewards (period, state, id)",
            "CREATE INDEX rewards_of_member ON subscription_rewards (member_id, period)",
            """
            CREATE TABLE reward_events (
                id {id},
                reward_id TEXT NOT NULL REFERENCES subscription_rewards (id),
                at TEXT NOT NULL,
                state TEXT NOT NULL,
                who TEXT NOT NULL,
                said TEXT NOT NULL
            ) {strict}
            """,
            "CREATE INDEX reward_events_of ON reward_events (reward_id, id)",
        ),
        (
            # What a person is to look at, of whatever month.
            "CREATE INDEX rewards_to_look_at ON subscription_rewards (period, id)"
            " WHERE state = 'needs_review' OR drift <> ''",
        ),
    ),
)

COLUMNS = (
    "id", "hall_id", "period", "slot", "player_id", "ladder_id", "ladder_name", "kind", "why", "total", "hours",
    "coach_avg", "decided_at", "state", "due_at", "member_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reward:
    """A reward. `reason` says why it is in a side exit, in words; `drift` what Stripe says otherwise;
    `saved_cents` is what the invoice that consumed it was less by."""

    id: str
    hall_id: str
    period: str
    slot: str
    player_id: str
    ladder_id: str
    ladder_name: str
    kind: Kind
    why: str
    total: float
    hours: float
    coach_avg: float
    decided_at: str
    state: State
    reason: str
    due_at: str
    tries: int
    member_id: str | None
    subscription_id: str | None
    coupon_id: str | None
    discount_id: str | None
    applied_at: str | None
    invoice_id: str | None
    saved_cents: int | None
    currency: str | None
    consumed_at: str | None
    checked_at: str | None
    drift: str

    @property
    def percent(self) -> int:
        return PERCENT[self.kind]


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a reward's way: by whom (`cloud`, `stripe` or an owner's address), and what in words."""

    at: str
    state: str
    who: str
    said: str


def book(conn: Conn, decided: Sequence[tuple[str, str, Award, str | None]], now: datetime) -> None:
    """Books rewards: hall, period, award and member, if one is known, of each. Raises DuplicateError for what is
    booked already."""
    if not decided:
        return
    at = stamp(now)
    rows = [
        (
            uuid7(), hall_id, period, one.slot, one.score.player, one.score.ladder, one.score.ladder_name,
            one.kind, one.why, one.score.total, one.score.hours, one.score.coach_avg, at, "decided", at, member_id,
        )
        for hall_id, period, one, member_id in decided
    ]  # fmt: skip
    conn.insert_all("subscription_rewards", COLUMNS, rows)
    conn.insert_all(
        "reward_events",
        ("reward_id", "at", "state", "who", "said"),
        [(row[0], at, "decided", "cloud", "") for row in rows],
    )


def halls_with(conn: Conn, period: str, member_ids: Sequence[str]) -> dict[str, set[str]]:
    """In which halls these members have a reward of that month."""
    found: dict[str, set[str]] = {}
    for first in range(0, len(member_ids), MOST_ASKED):
        among, params = conn.among("member_id", list(member_ids[first : first + MOST_ASKED]))
        for row in conn.rows(
            "SELECT member_id, hall_id FROM subscription_rewards"
            f" WHERE period = ? AND state <> 'reverted' AND {among}",
            [period, *params],
        ):
            found.setdefault(row["member_id"], set()).add(row["hall_id"])
    return found


def get(conn: Conn, reward_id: str, *, lock: bool = False) -> Reward | None:
    """The reward of that id; with `lock` nobody else changes it before the transaction ends."""
    if not is_uuid(reward_id):
        return None
    row = conn.row(f"SELECT * FROM subscription_rewards WHERE id = ?{conn.lock if lock else ''}", [reward_id])
    return None if row is None else _reward(row)


def due(conn: Conn, now: datetime, limit: int) -> list[Reward]:
    """Rewards for which something is to be done now, what waits longest first."""
    rows = conn.rows(
        "SELECT * FROM subscription_rewards WHERE state IN ('decided', 'waiting', 'no_subscription', 'applying')"
        " AND due_at <= ? ORDER BY due_at, id LIMIT ?",
        [stamp(now), limit],
    )
    return [_reward(row) for row in rows]


def to_follow(conn: Conn, checked_before: datetime, limit: int) -> list[Reward]:
    """Applied rewards that were not compared with Stripe since then."""
    rows = conn.rows(
        "SELECT * FROM subscription_rewards WHERE state = 'applied' AND (checked_at IS NULL OR checked_at < ?)"
        " ORDER BY checked_at, id LIMIT ?",
        [stamp(checked_before), limit],
    )
    return [_reward(row) for row in rows]


def of_hall(conn: Conn, hall_id: str, since: str = "", limit: int = 100) -> list[Reward]:
    """A hall's rewards from that month on, the newest first."""
    rows = conn.rows(
        "SELECT * FROM subscription_rewards WHERE hall_id = ? AND period >= ? ORDER BY period DESC, slot LIMIT ?",
        [hall_id, since, limit],
    )
    return [_reward(row) for row in rows]


def of_halls(conn: Conn, hall_ids: Sequence[str], period: str) -> dict[str, list[Reward]]:
    """All rewards of that month of these halls, by hall."""
    found: dict[str, list[Reward]] = {hall_id: [] for hall_id in hall_ids}
    if not hall_ids:
        return found
    among, params = conn.among("hall_id", list(hall_ids))
    for row in conn.rows(
        f"SELECT * FROM subscription_rewards WHERE period = ? AND {among} ORDER BY hall_id, slot",
        [period, *params],
    ):
        found[row["hall_id"]].append(_reward(row))
    return found


def of_subscription(conn: Conn, subscription_id: str) -> list[Reward]:
    """The rewards that went, or go, to a subscription."""
    rows = conn.rows(
        "SELECT * FROM subscription_rewards WHERE subscription_id = ? ORDER BY period", [subscription_id]
    )
    return [_reward(row) for row in rows]


def count_by_state(conn: Conn, period: str) -> dict[str, int]:
    """How many rewards of a month are in each state."""
    rows = conn.rows(
        "SELECT state, count(*) AS n FROM subscription_rewards WHERE period = ? GROUP BY state", [period]
    )
    return {row["state"]: row["n"] for row in rows}


def count_all(conn: Conn) -> dict[str, int]:
    """How many rewards there are in each state, of all months."""
    rows = conn.rows("SELECT state, count(*) AS n FROM subscription_rewards GROUP BY state")
    return {row["state"]: row["n"] for row in rows}


def count_drifts(conn: Conn) -> int:
    """Of how many rewards Stripe says something else."""
    return int(conn.rows("SELECT count(*) AS n FROM subscription_rewards WHERE drift <> ''")[0]["n"])


def move(
    conn: Conn, reward: Reward, state: State, now: datetime, *, who: str = "cloud", said: str = "", **values: Any
) -> Reward:
    """A reward's next step, with the columns that change. `reward` is as `get(…, lock=True)` gave it.

    Raises DuplicateError where its subscription has a reward of that period already.
    """
    assert state in get_args(State)
    moved = touch(conn, reward, **{"reason": "", **values, "state": state})
    if state != reward.state or said:
        conn.run(
            "INSERT INTO reward_events (reward_id, at, state, who, said) VALUES (?, ?, ?, ?, ?)",
            [reward.id, stamp(now), state, who, said],
        )
    return moved


def touch(conn: Conn, reward: Reward, **values: Any) -> Reward:
    """Changes columns of a reward that say nothing of its state; returns it as it is then."""
    sets = ", ".join(f"{name} = ?" for name in values)
    conn.run(f"UPDATE subscription_rewards SET {sets} WHERE id = ?", [*values.values(), reward.id])
    return replace(reward, **values)


def history(conn: Conn, reward_id: str) -> list[Event]:
    """How a reward came to be where it is."""
    rows = conn.rows("SELECT at, state, who, said FROM reward_events WHERE reward_id = ? ORDER BY id", [reward_id])
    return [Event(row["at"], row["state"], row["who"], row["said"]) for row in rows]


def _reward(row: Row) -> Reward:
    return Reward(**{name: row[name] for name in Reward.__slots__})
