"""By which rules a hall's month is decided: what the owner chose where the papers leave it open.

There is one set for all halls, and a hall may have its own. See docs/decisions/0018 for the defaults.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from sync.cloud.db import Conn
from sync.cloud.steps import Steps

Winners = Literal["hall", "ladder"]
By = Literal["score", "hours"]
Counted = Literal["in all", "others"]
SamePlayer = Literal["runner-up", "nobody"]

MOST_LOOK_HOURS = 24 * 14
ALL_HALLS = ""  # the row of those that have no rules of their own

steps = Steps(
    "rules",
    (
        (
            """
            CREATE TABLE reward_rules (
                hall_id TEXT PRIMARY KEY,
                rules TEXT NOT NULL,
                changed_at TEXT NOT NULL,
                changed_by TEXT NOT NULL
            ) {strict}
            """,
        ),
    ),
)


class RulesError(ValueError):
    """Those are no rules; the text says why."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`winners`: one a hall, or one a ladder. `by`: what is compared first. `active_players` trained in a ladder
    that counts for a free month, `counted` in all or besides the winner. `free_month`: whether there is that
    exception at all, for a winner on `free_ladders` ladders that count. `same_player`: who has the second reward
    of somebody who is first twice. Nobody wins with fewer than `least_sessions` or `least_hours`. `look_hours`
    after the scores were frozen it is decided by itself, None leaving it to a person."""

    winners: Winners = "hall"
    by: By = "score"
    active_players: int = 5
    counted: Counted = "in all"
    free_month: bool = True
    free_ladders: int = 2
    same_player: SamePlayer = "runner-up"
    least_sessions: int = 4
    least_hours: float = 3.0
    look_hours: int | None = 12

    def __post_init__(self) -> None:
        for name, words in (("winners", Winners), ("by", By), ("counted", Counted), ("same_player", SamePlayer)):
            if getattr(self, name) not in get_args(words):
                raise RulesError(f"{name} is one of {', '.join(get_args(words))}")
        _require_count("active_players", self.active_players, 1, 1000)
        _require_count("free_ladders", self.free_ladders, 2, 20)
        _require_count("least_sessions", self.least_sessions, 1, 1000)
        if not isinstance(self.free_month, bool):
            raise RulesError("free_month is true or false")
        if isinstance(self.least_hours, bool) or not isinstance(self.least_hours, int | float):
            raise RulesError("least_hours is a number")
        if not 0 <= self.least_hours <= 744:
            raise RulesError("least_hours is from 0 to 744")
        if self.look_hours is not None:
            _require_count("look_hours", self.look_hours, 0, MOST_LOOK_HOURS)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_rules(found: Any) -> Rules:
    """Rules from JSON; what it does not say is as by default. Raises RulesError."""
    known = {one.name for one in fields(Rules)}
    if not isinstance(found, dict) or not found.keys() <= known:
        raise RulesError(f"rules are {', '.join(sorted(known))}")
    return Rules(**found)


def rules_of(conn: Conn, hall_id: str) -> Rules:
    """The rules that hold in a hall."""
    return rules_of_all(conn, [hall_id])[hall_id]


def rules_of_all(conn: Conn, hall_ids: list[str]) -> dict[str, Rules]:
    """The rules that hold in these halls, by hall."""
    among, params = conn.among("hall_id", [*hall_ids, ALL_HALLS])
    found = {
        row["hall_id"]: read_rules(json.loads(row["rules"]))
        for row in conn.rows(f"SELECT hall_id, rules FROM reward_rules WHERE {among}", params)
    }
    usual = found.get(ALL_HALLS, Rules())
    return {hall_id: found.get(hall_id, usual) for hall_id in hall_ids}


def has_own(conn: Conn, hall_id: str) -> bool:
    return conn.row("SELECT 1 AS one FROM reward_rules WHERE hall_id = ?", [hall_id]) is not None


def keep_rules(conn: Conn, hall_id: str, rules: Rules, *, by: str, now: str) -> None:
    """These hold from now on: in one hall, or with `ALL_HALLS` in all that have none of their own."""
    conn.run("DELETE FROM reward_rules WHERE hall_id = ?", [hall_id])
    conn.run(
        "INSERT INTO reward_rules (hall_id, rules, changed_at, changed_by) VALUES (?, ?, ?, ?)",
        [hall_id, json.dumps(rules.to_json()), now, by],
    )


def forget_own(conn: Conn, hall_id: str) -> None:
    """A hall goes by the rules of all again."""
    conn.run("DELETE FROM reward_rules WHERE hall_id = ?", [hall_id])


def _require_count(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise RulesError(f"{name} is a whole number from {least} to {most}")
