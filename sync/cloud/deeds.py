"""What owners did on their pages: who, what, of which hall's month or which reward. Only added to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.clock import stamp
from sync.cloud.db import Conn
from sync.cloud.steps import Steps

steps = Steps(
    "deeds",
    (
        (
            """
            CREATE TABLE owner_deeds (
                id {id},
                at TEXT NOT NULL,
                who TEXT NOT NULL,
                what TEXT NOT NULL,
                hall_id TEXT NOT NULL,
                period TEXT NOT NULL,
                subject TEXT NOT NULL,
                said TEXT NOT NULL
            ) {strict}
            """,
            "CREATE INDEX owner_deeds_of_hall ON owner_deeds (hall_id, period, id)",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing an owner did. `subject` is a player's id or a reward's, if it was about one; `said` the reason
    that was typed, or what has changed."""

    at: str
    who: str
    what: str
    subject: str
    said: str


def note(
    conn: Conn,
    now: datetime,
    who: str,
    what: str,
    *,
    hall_id: str,
    period: str = "",
    subject: str = "",
    said: str = "",
) -> None:
    """Written in the transaction of the deed itself."""
    conn.run(
        "INSERT INTO owner_deeds (at, who, what, hall_id, period, subject, said) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [stamp(now), who, what, hall_id, period, subject, said],
    )


def of_hall(conn: Conn, hall_id: str, periods: Sequence[str], limit: int = 20) -> list[Deed]:
    """What was done with these months of a hall (`""` is what is of no month), the latest first."""
    among, params = conn.among("period", list(periods))
    rows = conn.rows(
        f"SELECT at, who, what, subject, said FROM owner_deeds WHERE hall_id = ? AND {among}"
        " ORDER BY id DESC LIMIT ?",
        [hall_id, *params, limit],
    )
    return [Deed(row["at"], row["who"], row["what"], row["subject"], row["said"]) for row in rows]
