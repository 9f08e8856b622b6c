"""What a ladder is: its tables, its terms, its divisions, and the words for what can't be."""

import sqlite3
from dataclasses import dataclass, replace

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.hall.errors import HallError
from edge.hall.matches import MOST_POINTS, MOST_RACKS
from edge.hall.players import GAMES, name_key
from edge.hall.typed import one_line

migrations = Migrations("ladders")

TITLE_CHARS = (2, 40)
MOST_RANGE = 20
MOST_DAYS = 90

PENDING = "c.ended_at IS NULL AND c.met_by IS NULL"  # of a challenge `c` that waits
# The `seq` of what was said last of a match.
LAST_SAID = "(SELECT max(seq) FROM ladder_matches WHERE match_id = {} AND withdrawn_at IS NULL)"


@migrations()
def ladders_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE ladders (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            game TEXT,
            race_to INTEGER NOT NULL CHECK (race_to > 0),
            challenge_range INTEGER NOT NULL CHECK (challenge_range > 0),
            challenge_days INTEGER NOT NULL CHECK (challenge_days > 0),
            made_at TEXT NOT NULL,
            made_by TEXT NOT NULL,
            closed_at TEXT
        ) STRICT
    """)
    db.execute("""
        CREATE TABLE ladder_divisions (
            id TEXT PRIMARY KEY,
            ladder_id TEXT NOT NULL REFERENCES ladders (id),
            name TEXT NOT NULL,
            ordinal INTEGER NOT NULL,
            removed_at TEXT
        ) STRICT
    """)
    db.execute("CREATE INDEX ladder_divisions_of ON ladder_divisions (ladder_id, ordinal)")


@migrations()
def ladders_2(db: Database) -> None:
    # What people did: the facts. `place` NULL is the end; `given` is a win without a match, over `other`.
    db.execute("""
        CREATE TABLE ladder_events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            ladder_id TEXT NOT NULL REFERENCES ladders (id),
            kind TEXT NOT NULL CHECK (kind IN ('placed', 'left', 'given')),
            player_id TEXT NOT NULL REFERENCES players (id),
            division_id TEXT REFERENCES ladder_divisions (id),
            place INTEGER CHECK (place > 0),
            other TEXT REFERENCES players (id),
            challenge_id TEXT REFERENCES ladder_challenges (id),
            at TEXT NOT NULL,
            by TEXT,
            withdrawn_at TEXT,
            withdrawn_by TEXT,
            CHECK ((kind = 'placed') = (division_id IS NOT NULL)),
            CHECK ((kind = 'given') = (other IS NOT NULL AND challenge_id IS NOT NULL))
        ) STRICT
    """)
    db.execute("CREATE INDEX ladder_events_of ON ladder_events (ladder_id, at, id)")
    db.execute("CREATE INDEX ladder_events_of_player ON ladder_events (player_id, ladder_id, at, id)")
    db.execute("CREATE INDEX ladder_events_of_other ON ladder_events (other) WHERE other IS NOT NULL")
    db.execute("""
        CREATE TRIGGER ladder_events_are_fixed
        BEFORE UPDATE OF ladder_id, kind, division_id, place, challenge_id, at ON ladder_events
        BEGIN SELECT RAISE(ABORT, 'what happened on a ladder is withdrawn, never edited'); END
    """)
    db.execute("""
        CREATE TRIGGER ladder_events_stay BEFORE DELETE ON ladder_events
        BEGIN SELECT RAISE(ABORT, 'what happened on a ladder is withdrawn, never deleted'); END
    """)
    # What was said last of a match holds, unless taken back. Without a ladder: that it counts for none, whatever
    # challenge there is.
    db.execute("""
        CREATE TABLE ladder_matches (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))),
            match_id TEXT NOT NULL REFERENCES matches (id),
            ladder_id TEXT REFERENCES ladders (id),
            role TEXT NOT NULL CHECK (role IN ('player', 'staff')),
            by TEXT,
            at TEXT NOT NULL,
            withdrawn_at TEXT,
            withdrawn_by TEXT
        ) STRICT
    """)
    db.execute("""
        CREATE TRIGGER ladder_matches_are_fixed
        BEFORE UPDATE OF match_id, ladder_id, role, by, at ON ladder_matches
        BEGIN SELECT RAISE(ABORT, 'what was said of a match is withdrawn, never edited'); END
    """)
    db.execute("CREATE INDEX ladder_matches_of ON ladder_matches (ladder_id, match_id, seq)")
    db.execute("CREATE INDEX ladder_matches_by_match ON ladder_matches (match_id, seq)")
    # A challenge keeps the terms under which it was made. `met_by` is derived: the match that settled it.
    db.execute("""
        CREATE TABLE ladder_challenges (
            id TEXT PRIMARY KEY,
            ladder_id TEXT NOT NULL REFERENCES ladders (id),
            division_id TEXT NOT NULL REFERENCES ladder_divisions (id),
            challenger TEXT NOT NULL REFERENCES players (id),
            challenged TEXT NOT NULL REFERENCES players (id),
            game TEXT,
            race_to INTEGER NOT NULL,
            made_at TEXT NOT NULL,
            deadline TEXT NOT NULL,
            declined_at TEXT,
            ended_at TEXT,
            ended_as TEXT CHECK (ended_as IN ('withdrawn', 'called_off', 'given')),
            ended_by TEXT,
            met_by TEXT REFERENCES matches (id),
            CHECK ((ended_at IS NULL) = (ended_as IS NULL))
        ) STRICT
    """)
    db.execute("""
        CREATE INDEX ladder_challenges_pending ON ladder_challenges (ladder_id, deadline)
        WHERE ended_at IS NULL AND met_by IS NULL
    """)
    db.execute("CREATE INDEX ladder_challenges_of ON ladder_challenges (ladder_id, made_at)")
    db.execute("CREATE INDEX ladder_challenges_made ON ladder_challenges (challenger, challenged)")
    db.execute("CREATE INDEX ladder_challenges_had ON ladder_challenges (challenged, challenger)")
    db.execute("CREATE INDEX ladder_challenges_met ON ladder_challenges (met_by) WHERE met_by IS NOT NULL")


@migrations()
def ladders_3(db: Database) -> None:
    # Derived, both: made anew by `settle_ladder`.
    db.execute("""
        CREATE TABLE ladder_standings (
            ladder_id TEXT NOT NULL REFERENCES ladders (id),
            player_id TEXT NOT NULL REFERENCES players (id),
            division_id TEXT NOT NULL REFERENCES ladder_divisions (id),
            place INTEGER NOT NULL,
            played INTEGER NOT NULL,
            won INTEGER NOT NULL,
            streak INTEGER NOT NULL,
            best_streak INTEGER NOT NULL,
            moved_at TEXT NOT NULL,
            provisional INTEGER NOT NULL CHECK (provisional IN (0, 1)),
            moved INTEGER NOT NULL,
            PRIMARY KEY (ladder_id, player_id)
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX ladder_standings_by_place ON ladder_standings (division_id, place)")
    db.execute("CREATE INDEX ladder_standings_of ON ladder_standings (player_id)")
    db.execute("""
        CREATE TABLE ladder_results (
            match_id TEXT PRIMARY KEY REFERENCES matches (id),
            ladder_id TEXT NOT NULL REFERENCES ladders (id),
            division_id TEXT NOT NULL REFERENCES ladder_divisions (id),
            winner TEXT NOT NULL REFERENCES players (id),
            other TEXT NOT NULL REFERENCES players (id),
            ended_at TEXT NOT NULL,
            place_before INTEGER NOT NULL,
            place_after INTEGER NOT NULL,
            final INTEGER NOT NULL CHECK (final IN (0, 1))
        ) STRICT, WITHOUT ROWID
    """)
    db.execute("CREATE INDEX ladder_results_of_ladder ON ladder_results (ladder_id, ended_at)")
    db.execute("CREATE INDEX ladder_results_won ON ladder_results (winner, final, ended_at)")
    db.execute("CREATE INDEX ladder_results_lost ON ladder_results (other, final, ended_at)")
    db.execute("CREATE INDEX ladder_results_to_confirm ON ladder_results (ended_at) WHERE final = 0")


class LadderError(HallError):
    """What was wanted of a ladder can't be."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a ladder is played. `game` None is any; `race_to` the least race that counts, in points for straight
    pool; `challenge_range` how many places above oneself may be challenged, `challenge_days` the days there are to
    play it."""

    name: str
    game: str | None = None
    race_to: int = 5
    challenge_range: int = 3
    challenge_days: int = 14

    def checked(self) -> "Terms":
        """The same with its name as it is kept. Raises LadderError for what can't be."""
        if self.game is not None and self.game not in GAMES:
            raise LadderError("ladder_game")
        most_race = MOST_POINTS if self.game == "straight pool" else MOST_RACKS
        for key, value, most in (
            ("ladder_race", self.race_to, most_race),
            ("ladder_range", self.challenge_range, MOST_RANGE),
            ("ladder_days", self.challenge_days, MOST_DAYS),
        ):
            if not 1 <= value <= most:
                raise LadderError(key)
        return replace(self, name=clean_title(self.name))


@dataclass(frozen=True, slots=True)
class Division:
    """A part of a ladder in which its members stand in order."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """A ladder with its divisions, the highest first; nothing moves any more on one that is closed."""

    id: str
    terms: Terms
    divisions: tuple[Division, ...]
    made_at: str
    closed_at: str | None = None

    @property
    def name(self) -> str:
        return self.terms.name

    def division(self, division_id: str) -> Division:
        """One of its divisions. Raises LadderError where there is none of that id."""
        for division in self.divisions:
            if division.id == division_id:
                return division
        raise LadderError("division_unknown")


def clean_title(text: str) -> str:
    """A ladder's or division's name as it is kept. Raises LadderError for what is none to be shown."""
    try:
        title = one_line(text, *TITLE_CHARS, "ladder_name")
    except HallError as error:
        raise LadderError(error.key) from error
    if not any(char.isalnum() for char in title):
        raise LadderError("ladder_name_refused")
    return title


def ladders(conn: sqlite3.Connection, *, closed: bool = False) -> list[Ladder]:
    """The hall's ladders that are open, or those that are closed, by name."""
    rows = conn.execute("SELECT * FROM ladders WHERE (closed_at IS NOT NULL) = ?", [closed]).fetchall()
    return sorted((_ladder(conn, row) for row in rows), key=lambda ladder: (name_key(ladder.name), ladder.id))


def get_ladder(conn: sqlite3.Connection, ladder_id: str) -> Ladder:
    """One ladder, closed ones too. Raises LadderError where there is none of that id."""
    row = conn.execute("SELECT * FROM ladders WHERE id = ?", [ladder_id]).fetchone()
    if row is None:
        raise LadderError("ladder_unknown")
    return _ladder(conn, row)


def open_ladder(conn: sqlite3.Connection, ladder_id: str) -> Ladder:
    """One ladder on which things move. Raises LadderError."""
    ladder = get_ladder(conn, ladder_id)
    if ladder.closed_at is not None:
        raise LadderError("ladder_closed")
    return ladder


def last_said(conn: sqlite3.Connection, match_id: str) -> sqlite3.Row | None:
    """What was said last of a match: `ladder_id`, for which it counts, None being none, and in which `role`."""
    row: sqlite3.Row | None = conn.execute(
        f"SELECT ladder_id, role FROM ladder_matches WHERE seq = {LAST_SAID.format('?')}", [match_id]
    ).fetchone()
    return row


def _ladder(conn: sqlite3.Connection, row: sqlite3.Row) -> Ladder:
    divisions = conn.execute(
        "SELECT id, name FROM ladder_divisions WHERE ladder_id = ? AND removed_at IS NULL ORDER BY ordinal, id",
        [row["id"]],
    )
    terms = Terms(row["name"], row["game"], row["race_to"], row["challenge_range"], row["challenge_days"])
    return Ladder(row["id"], terms, tuple(Division(*d) for d in divisions), row["made_at"], row["closed_at"])
