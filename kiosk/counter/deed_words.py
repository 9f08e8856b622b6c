"""What was done, in a sentence: by whom, what, and to whom or what."""

import sqlite3
from collections.abc import Callable, Sequence

from edge.hall.audit import Deed, get_deed
from edge.hall.clocks import get_clock
from edge.hall.game_sessions import get_evening
from edge.hall.matches import Match, get_match
from edge.hall.players import get_player
from edge.hall.sessions import get_session
from kiosk import month_words
from kiosk.box import box
from kiosk.texts import catalogue
from kiosk.wording import short_date


def sentence(conn: sqlite3.Connection, deed: Deed) -> str:
    """The line of the audit as a person reads it."""
    t = box().t
    word = deed.what.replace(".", "_")
    if f"deed.{word}" not in catalogue():
        return t("deed.other", what=deed.what)
    return t(f"deed.{word}", about=_about(conn, deed), **_fields(conn, deed))


def doer(conn: sqlite3.Connection, deed: Deed) -> str:
    """Who did it."""
    t = box().t
    return t(f"deed_by.{deed.role}") if deed.who is None else name_of(conn, deed.who)


def subject_words(conn: sqlite3.Connection, subject: str) -> str:
    """What a deed was done to."""
    kind, _, key = subject.partition(":")
    find = _SUBJECTS.get(kind)
    return "" if find is None else find(conn, key)


def name_of(conn: sqlite3.Connection, player_id: str | None) -> str:
    """A player's name, as staff see it."""
    player = None if player_id is None else get_player(conn, player_id)
    return player.name if player is not None and player.name else box().t("me.former")


def side_words(conn: sqlite3.Connection, side: tuple[str, ...]) -> str:
    """One player, or the two of a pair."""
    return box().t("me.pair").join(name_of(conn, one) for one in side)


def match_words(conn: sqlite3.Connection, match: Match, score: Sequence[int] | None = None) -> str:
    """Who played whom, and how it stands, or with the score that it had."""
    a, b = (side_words(conn, side) for side in match.sides)
    own, other = score or match.score
    return box().t("counter.match", a=a, b=b, own=own, other=other)


def _about(conn: sqlite3.Connection, deed: Deed) -> str:
    """What the deed was done to; a match with the score that it had then, whatever it has become."""
    kind, _, key = deed.subject.partition(":")
    score = (deed.after or {}).get("score")
    match = get_match(conn, key) if kind == "match" and score else None
    return subject_words(conn, deed.subject) if match is None else match_words(conn, match, score)


def _match(conn: sqlite3.Connection, key: str) -> str:
    match = get_match(conn, key)
    return "" if match is None else match_words(conn, match)


def _session(conn: sqlite3.Connection, key: str) -> str:
    session = get_session(conn, key)
    return "" if session is None else name_of(conn, session.player_id)


def _evening(conn: sqlite3.Connection, key: str) -> str:
    evening = get_evening(conn, key)
    return "" if evening is None else short_date(evening.day)


def _challenge(conn: sqlite3.Connection, key: str) -> str:
    row = conn.execute("SELECT challenger, challenged FROM ladder_challenges WHERE id = ?", [key]).fetchone()
    t = box().t
    return "" if row is None else t("counter.two", a=name_of(conn, row[0]), b=name_of(conn, row[1]))


def _clock(conn: sqlite3.Connection, key: str) -> str:
    clock = get_clock(conn, key)
    return "" if clock is None else clock.table_label


def _deed(conn: sqlite3.Connection, key: str) -> str:
    """What was undone."""
    deed = get_deed(conn, int(key))
    return "" if deed is None else sentence(conn, deed)


def _odd(conn: sqlite3.Connection, key: str) -> str:
    """The people of something that was worth a look."""
    return box().t("me.pair").join(name_of(conn, person) for person in key.partition(":")[2].split("/"))


def _label_of(table: str, column: str) -> Callable[[sqlite3.Connection, str], str]:
    """What a row of the store is called."""

    def find(conn: sqlite3.Connection, key: str) -> str:
        row = conn.execute(f"SELECT {column} FROM {table} WHERE id = ?", [key]).fetchone()
        return "" if row is None else str(row[0])

    return find


_SUBJECTS: dict[str, Callable[[sqlite3.Connection, str], str]] = {
    "player": name_of,
    "match": _match,
    "session": _session,
    "evening": _evening,
    "table": _label_of("hall_tables", "label"),
    "ladder": _label_of("ladders", "name"),
    "challenge": _challenge,
    "clock": _clock,
    "call": _label_of("staff_calls", "table_label"),
    "odd": _odd,
    "deed": _deed,
    **month_words.SUBJECTS,
}


def _fields(conn: sqlite3.Connection, deed: Deed) -> dict[str, object]:
    """What a sentence may fill in besides: everything noted after the deed, players and matches in words."""
    words = {"player": name_of, "to": name_of, "match": _match}
    after = deed.after or {}
    named = {key: words[key](conn, str(value)) if key in words else value for key, value in after.items()}
    return {"player": "", "round": "", "pairings": "", "match": "", **named}
