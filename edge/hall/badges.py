"""Badges: five things worth telling, each earned once.

Every one asks whether something ever happened, so more play never takes it away, and `settle` only gives. When a
correction withdraws the fact itself, `revoke_unfounded` takes the badge back; it must be shown the player's whole
history, not a part.
"""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import fsum
from typing import Literal

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.hall.streaks import streak

migrations = Migrations("badges")

Badge = Literal["one_pack_king", "safety_wizard", "hill_hill_hero", "cue_doctor", "iron_arm"]
BADGES: tuple[Badge, ...] = ("one_pack_king", "safety_wizard", "hill_hill_hero", "cue_doctor", "iron_arm")

KING_BALLS = 7
WIZARD_PCT, WIZARD_MATCHES = 80, 3
HERO_SETS = 3
DOCTOR_ERROR_IN = 1.0
# Ours: so many measured shots in a row. The average of a few would be luck.
DOCTOR_SHOTS = 30
IRON_WINS = 10


@migrations()
def badges_1(db: Database) -> None:
    # `ref` is the session or match after which it was earned.
    db.execute("""
        CREATE TABLE user_achievements (
            player_id TEXT NOT NULL REFERENCES players (id),
            badge TEXT NOT NULL,
            earned_at TEXT NOT NULL,
            ref TEXT NOT NULL,
            UNIQUE (player_id, badge)
        ) STRICT
    """)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a player's badges rest on, each in the order in which it was played.

    `runs` are balls potted in a row, `safeties` (won, played) for each match, `hill_hill` whether each set that
    went to hill-hill was won, `position_errors_in` inches for each shot that was measured, `ladder` whether each
    ladder match was won. `ref` names the session or match after which it was gathered.
    """

    runs: tuple[int, ...] = ()
    safeties: tuple[tuple[int, int], ...] = ()
    hill_hill: tuple[bool, ...] = ()
    position_errors_in: tuple[float, ...] = ()
    ladder: tuple[bool, ...] = ()
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Earned:
    """A badge of a player's."""

    badge: str
    earned_at: str
    ref: str


def one_pack_king(runs: Sequence[int]) -> bool:
    """A run of at least 7 balls."""
    return max(runs, default=0) >= KING_BALLS


def safety_wizard(safeties: Sequence[tuple[int, int]]) -> bool:
    """At least 80 % of the safeties won in 3 matches in a row; matches without a safety are passed over."""
    played = [match for match in safeties if match[1] > 0]
    windows = zip(*(played[i:] for i in range(WIZARD_MATCHES)), strict=False)
    return any(
        100 * sum(won for won, _ in window) >= WIZARD_PCT * sum(count for _, count in window) for window in windows
    )


def hill_hill_hero(hill_hill: Sequence[bool]) -> bool:
    """3 hill-hill sets won in a row."""
    return streak(hill_hill).best >= HERO_SETS


def cue_doctor(position_errors_in: Sequence[float]) -> bool:
    """An average position error under 1 in over some 30 measured shots in a row."""
    # In whole ten-thousandths of an inch the sums stay exact however long the history is.
    sums = [0, *accumulate(round(error * 10_000) for error in position_errors_in)]
    most = round(DOCTOR_ERROR_IN * 10_000) * DOCTOR_SHOTS
    return any(end - begin < most for begin, end in zip(sums, sums[DOCTOR_SHOTS:], strict=False))


def iron_arm(ladder: Sequence[bool]) -> bool:
    """10 ladder matches won in a row."""
    return streak(ladder).best >= IRON_WINS


def due_badges(evidence: Evidence) -> dict[Badge, bool]:
    """Which badges the evidence shows."""
    return {
        "one_pack_king": one_pack_king(evidence.runs),
        "safety_wizard": safety_wizard(evidence.safeties),
        "hill_hill_hero": hill_hill_hero(evidence.hill_hill),
        "cue_doctor": cue_doctor(evidence.position_errors_in),
        "iron_arm": iron_arm(evidence.ladder),
    }


def progress(evidence: Evidence, earned: Collection[str]) -> dict[Badge, float]:
    """How far a player has come with each badge, 0 to 1; 1 is reached with the badge and not before.

    Of those not `earned` the latest says it, so the evidence need not hold all that ever happened.
    """
    errors = evidence.position_errors_in[-DOCTOR_SHOTS:]
    mean_in = fsum(errors) / len(errors) if errors else 0.0
    safeties = [match for match in evidence.safeties if match[1] > 0][-WIZARD_MATCHES:]
    won, played = sum(won for won, _ in safeties), sum(count for _, count in safeties)
    rate_pct = 100 * won / played if played else 0.0
    shown: dict[Badge, float] = {
        "one_pack_king": max(evidence.runs, default=0) / KING_BALLS,
        "safety_wizard": len(safeties) / WIZARD_MATCHES * min(1.0, rate_pct / WIZARD_PCT),
        "hill_hill_hero": streak(evidence.hill_hill).now / HERO_SETS,
        "cue_doctor": len(errors) / DOCTOR_SHOTS * DOCTOR_ERROR_IN / max(mean_in, DOCTOR_ERROR_IN),
        "iron_arm": streak(evidence.ladder).now / IRON_WINS,
    }
    return {badge: 1.0 if badge in earned else min(shown[badge], 0.99) for badge in BADGES}


def settle(conn: sqlite3.Connection, player_id: str, evidence: Evidence, now: str) -> list[Badge]:
    """Gives the badges that the evidence shows; returns the new ones. `conn` must be inside a transaction."""
    due = due_badges(evidence)
    return [badge for badge in BADGES if due[badge] and award(conn, player_id, badge, evidence.ref, now)]


def revoke_unfounded(conn: sqlite3.Connection, player_id: str, evidence: Evidence) -> list[Badge]:
    """After a correction: takes back the badges that a player's whole history, corrected, does not show."""
    held = {earned.badge for earned in badges_of(conn, player_id)}
    unfounded = [badge for badge, due in due_badges(evidence).items() if badge in held and not due]
    conn.executemany(
        "DELETE FROM user_achievements WHERE player_id = ? AND badge = ?",
        [[player_id, badge] for badge in unfounded],
    )
    return unfounded


def award(conn: sqlite3.Connection, player_id: str, badge: Badge, ref: str, now: str) -> bool:
    """Gives a badge, once; says whether it is new. A player who was erased gets none."""
    cursor = conn.execute(
        "INSERT INTO user_achievements (player_id, badge, earned_at, ref)"
        " SELECT id, ?, ?, ? FROM players WHERE id = ? AND erased IS NULL"
        " ON CONFLICT (player_id, badge) DO NOTHING",
        [badge, now, ref, player_id],
    )
    return cursor.rowcount == 1


def badges_of(conn: sqlite3.Connection, player_id: str) -> list[Earned]:
    """A player's badges, the latest first."""
    rows = conn.execute(
        "SELECT badge, earned_at, ref FROM user_achievements WHERE player_id = ? ORDER BY earned_at DESC, badge",
        [player_id],
    )
    return [Earned(*row) for row in rows]


def forget(conn: sqlite3.Connection, player_id: str) -> None:
    """Deletes a player's badges."""
    conn.execute("DELETE FROM user_achievements WHERE player_id = ?", [player_id])
