"""Who has a subscription: one member, in however many halls.

A member is made when a checkout is through, and is known by Stripe's customer. A player of a hall is linked to a
member by that checkout, or later, in another hall, by the member's code. What a subscription is like is asked of
Stripe and kept as it was said last.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge.clock import stamp
from edge.facts import uuid7
from sync.cloud import codes
from sync.cloud.db import Conn, Row
from sync.cloud.steps import Steps
from sync.cloud.stripe_gateway import Checkout, Subscription

ENDED = frozenset({"canceled", "incomplete_expired"})

steps = Steps(
    "members",
    (
        (
            """
            CREATE TABLE members (
                id TEXT PRIMARY KEY,
                code TEXT NOT NULL UNIQUE,
                customer_id TEXT NOT NULL UNIQUE,
                subscription_id TEXT UNIQUE,
                says TEXT NOT NULL DEFAULT '{{}}',
                asked_at TEXT NOT NULL DEFAULT '',
                drift TEXT NOT NULL DEFAULT '',
                made_at TEXT NOT NULL
            ) {strict}
            """,
            "CREATE INDEX members_asked ON members (asked_at, id)",
            """
            CREATE TABLE member_players (
                hall_id TEXT NOT NULL REFERENCES halls (id),
                player_id TEXT NOT NULL,
                member_id TEXT NOT NULL REFERENCES members (id),
                linked_at TEXT NOT NULL,
                PRIMARY KEY (hall_id, player_id)
            ) {strict}
            """,
            "CREATE INDEX member_players_of ON member_players (member_id)",
            # A checkout that is open: whoever asks again is given the same, so that nobody subscribes twice.
            """
            CREATE TABLE checkouts (
                id TEXT PRIMARY KEY,
                hall_id TEXT NOT NULL REFERENCES halls (id),
                player_id TEXT NOT NULL,
                url TEXT NOT NULL,
                expires_at TEXT NOT NULL,
                done_at TEXT
            ) {strict}
            """,
            "CREATE INDEX checkouts_of ON checkouts (hall_id, player_id)",
        ),
        ("CREATE INDEX members_drift ON members (id) WHERE drift <> ''",),
    ),
)


@dataclass(frozen=True, slots=True)
class Member:
    """A member. `says` is the subscription as Stripe said at `asked_at`; `drift` what a person is to look at."""

    id: str
    code: str
    customer_id: str
    subscription_id: str | None
    says: dict[str, Any]
    asked_at: str
    drift: str

    @property
    def status(self) -> str:
        """In one word: `none`, as Stripe's, or `ending` and `paused`, which Stripe says beside."""
        if self.subscription_id is None:
            return "none"
        status = str(self.says.get("status", "none"))
        if status in ("active", "trialing", "past_due"):
            return "paused" if self.says.get("paused") else "ending" if self.says.get("ends") else status
        return status

    @property
    def subscribed(self) -> bool:
        return self.subscription_id is not None and str(self.says.get("status")) not in ENDED


def get(conn: Conn, member_id: str) -> Member | None:
    row = conn.row("SELECT * FROM members WHERE id = ?", [member_id])
    return None if row is None else _member(row)


def of_player(conn: Conn, hall_id: str, player_id: str) -> Member | None:
    """The member that a player of a hall is."""
    row = conn.row(
        "SELECT m.* FROM members m JOIN member_players p ON p.member_id = m.id"
        " WHERE p.hall_id = ? AND p.player_id = ?",
        [hall_id, player_id],
    )
    return None if row is None else _member(row)


def of_hall(conn: Conn, hall_id: str) -> dict[str, Member]:
    """The members among a hall's players, by player."""
    rows = conn.rows(
        "SELECT p.player_id AS player, m.* FROM member_players p JOIN members m ON m.id = p.member_id"
        " WHERE p.hall_id = ?",
        [hall_id],
    )
    return {row["player"]: _member(row) for row in rows}


def of_halls(conn: Conn, hall_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The members' ids of these halls' players: by hall, then by player."""
    found: dict[str, dict[str, str]] = {hall_id: {} for hall_id in hall_ids}
    among, params = conn.among("hall_id", list(hall_ids))
    for row in conn.rows(f"SELECT hall_id, player_id, member_id FROM member_players WHERE {among}", params):
        found[row["hall_id"]][row["player_id"]] = row["member_id"]
    return found


def of_subscription(conn: Conn, subscription_id: str) -> Member | None:
    row = conn.row("SELECT * FROM members WHERE subscription_id = ?", [subscription_id])
    return None if row is None else _member(row)


def of_code(conn: Conn, typed: str) -> Member | None:
    """The member of a code, as somebody typed it."""
    code = codes.clean_code(typed)
    row = None if code is None else conn.row("SELECT * FROM members WHERE code = ?", [code])
    return None if row is None else _member(row)


def to_ask(conn: Conn, before: datetime, limit: int) -> list[Member]:
    """Members whose subscription was not asked about since then."""
    rows = conn.rows(
        "SELECT * FROM members WHERE asked_at < ? AND subscription_id IS NOT NULL ORDER BY asked_at, id LIMIT ?",
        [stamp(before), limit],
    )
    return [_member(row) for row in rows]


def take_in(conn: Conn, found: Checkout, sub: Subscription, now: datetime) -> Member:
    """A checkout is through: its customer is a member, with that subscription, and the player is that member.

    The same again changes nothing. A customer who had another subscription, which has ended, has this one now.
    """
    conn.run(
        "INSERT INTO members (id, code, customer_id, made_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (customer_id) DO NOTHING",
        [uuid7(), codes.new_code(), sub.customer, stamp(now)],
    )
    row = conn.row(f"SELECT * FROM members WHERE customer_id = ?{conn.lock}", [sub.customer])
    assert row is not None
    member = _member(row)
    if not member.subscribed or member.subscription_id == sub.id:
        conn.run("UPDATE members SET subscription_id = ? WHERE id = ?", [sub.id, member.id])
        keep(conn, sub, now)
    if found.hall and found.player:
        link(conn, found.hall, found.player, member.id, now)
    conn.run("UPDATE checkouts SET done_at = ? WHERE id = ? AND done_at IS NULL", [stamp(now), found.id])
    fresh = get(conn, member.id)
    assert fresh is not None
    return fresh


def link(conn: Conn, hall_id: str, player_id: str, member_id: str, now: datetime) -> None:
    """That player of that hall is that member from now on."""
    conn.run(
        "INSERT INTO member_players (hall_id, player_id, member_id, linked_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (hall_id, player_id) DO UPDATE SET member_id = excluded.member_id,"
        " linked_at = excluded.linked_at",
        [hall_id, player_id, member_id, stamp(now)],
    )


def merge(conn: Conn, hall_id: str, from_id: str, to_id: str, now: datetime) -> None:
    """Two players of a hall are one: whichever of them is no member yet is the other's. Two that are members by
    themselves stay so: they pay for two subscriptions, and only they can end one."""
    known = {one: of_player(conn, hall_id, one) for one in (from_id, to_id)}
    for player, other in ((from_id, to_id), (to_id, from_id)):
        member = known[other]
        if known[player] is None and member is not None:
            link(conn, hall_id, player, member.id, now)


def keep(conn: Conn, sub: Subscription, now: datetime, drift: str = "") -> None:
    """Keeps what Stripe has just said of a member's subscription."""
    says = {
        "status": sub.status,
        "currency": sub.currency,
        "price_cents": sub.price_cents,
        "months": sub.months,
        "ends": sub.ends,
        "ends_at": None if sub.ends_at is None else stamp(sub.ends_at),
        "renews_at": None if sub.renews_at is None else stamp(sub.renews_at),
        "trial_ends_at": None if sub.trial_ends_at is None else stamp(sub.trial_ends_at),
        "paused": sub.paused,
        "coupons": [one.coupon for one in sub.discounts],
    }
    conn.run(
        "UPDATE members SET says = ?, asked_at = ?, drift = ? WHERE subscription_id = ?",
        [json.dumps(says, sort_keys=True), stamp(now), drift, sub.id],
    )


def lock_subscription(conn: Conn, subscription_id: str) -> None:
    """Nobody else begins anything with that subscription before the transaction ends."""
    conn.rows(f"SELECT id FROM members WHERE subscription_id = ?{conn.lock}", [subscription_id])


def ask_later(conn: Conn, member: Member, as_if_asked_at: datetime) -> None:
    """Others have their turn first."""
    conn.run("UPDATE members SET asked_at = ? WHERE id = ?", [stamp(as_if_asked_at), member.id])


def count_drifts(conn: Conn) -> int:
    """Of how many members Stripe says something else."""
    return int(conn.rows("SELECT count(*) AS n FROM members WHERE drift <> ''")[0]["n"])


def is_gone(conn: Conn, member: Member, now: datetime) -> None:
    """Stripe knows the member's subscription no more."""
    conn.run(
        "UPDATE members SET says = ?, asked_at = ? WHERE id = ?",
        [json.dumps({**member.says, "status": "canceled"}, sort_keys=True), stamp(now), member.id],
    )


def open_checkout(conn: Conn, hall_id: str, player_id: str, now: datetime) -> tuple[str, str, str] | None:
    """The checkout of a player that is still open: its id, address, and until when."""
    row = conn.row(
        "SELECT id, url, expires_at FROM checkouts WHERE hall_id = ? AND player_id = ? AND done_at IS NULL"
        " AND expires_at > ? ORDER BY expires_at DESC",
        [hall_id, player_id, stamp(now)],
    )
    return None if row is None else (row["id"], row["url"], row["expires_at"])


def note_checkout(conn: Conn, found: Checkout, hall_id: str, player_id: str) -> None:
    conn.run(
        "INSERT INTO checkouts (id, hall_id, player_id, url, expires_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        [found.id, hall_id, player_id, found.url, stamp(found.expires_at)],
    )


def end_checkout(conn: Conn, checkout_id: str, now: datetime) -> None:
    conn.run("UPDATE checkouts SET done_at = ? WHERE id = ? AND done_at IS NULL", [stamp(now), checkout_id])


def _member(row: Row) -> Member:
    return Member(
        row["id"], row["code"], row["customer_id"], row["subscription_id"], json.loads(row["says"]),
        row["asked_at"], row["drift"],
    )  # fmt: skip
