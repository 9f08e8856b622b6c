"""How the hall goes, for staff: who comes, who comes back, how long results take, who looks at their statistics.

All of it is of members; a guest is somebody else every time. Who was erased is in none of it. A member is here on
a day on which they struck a ball, were ticked as present, or finished a match that counts. Months are read off the
points of a month, which everybody has who was here; nothing is kept beside.

How long results take is told by the audit: the gaps between the lines that one member of staff wrote on one
evening and its matches, each gap counted as 60 s at most. The first line of an evening counts nothing.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain

from edge.clock import from_stamp, monday_of, month_after, month_later
from edge.hall.matches import days_of_play
from edge.hall.stats_views import lookers

MONTHS, WEEKS = 24, 12
GAP_S = 60.0
AGAIN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Recording:
    """How long staff recorded: over so many evenings of which there are results, and so many results."""

    evenings: int = 0
    matches: int = 0
    seconds: float = 0.0

    @property
    def per_evening_s(self) -> float | None:
        return self.seconds / self.evenings if self.evenings else None

    @property
    def per_match_s(self) -> float | None:
        return self.seconds / self.matches if self.matches else None


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the hall. `came_back` are those of its players who were here the month after, None as long as
    that one is not over; `again` those of its newcomers who came a second time within 30 days, `due` of how many
    that can be told yet. `ticked` is the attendance of all its evenings together."""

    month: str
    evenings: int
    ticked: int
    players: int
    came_back: int | None
    newcomers: int
    due: int
    again: int
    recording: Recording

    @property
    def per_evening(self) -> float | None:
        return self.ticked / self.evenings if self.evenings else None

    @property
    def back_pct(self) -> float | None:
        return None if self.came_back is None or not self.players else 100 * self.came_back / self.players

    @property
    def again_pct(self) -> float | None:
        return 100 * self.again / self.due if self.due else None


@dataclass(frozen=True, slots=True)
class Week:
    """A week from Monday on. `looked` are the players who opened their statistics."""

    monday: str
    evenings: int
    ticked: int
    players: int
    looked: int
    recording: Recording


@dataclass(frozen=True, slots=True)
class _Evening:
    """An evening that counts, how many were ticked as here, and how long its results took."""

    day: str
    ticked: int
    recording: Recording


def months_of(conn: sqlite3.Connection, today: str, count: int = MONTHS) -> list[Month]:
    """The latest months up to that of the hall's day `today`, oldest first."""
    names = [month_later(today, -ago) for ago in reversed(range(count))]
    evenings = _by(_evenings(conn, names[0] + "-01", _day_after(today)), 7)
    came = _months_here(conn)
    after = [(month, month_after(month)) for month in names]
    players, back = Counter(chain.from_iterable(came.values())), Counter[str]()
    for months in came.values():
        back.update(month for month, following in after if month in months and following in months)
    first = _newcomers(conn, [who for who, months in came.items() if min(months) >= names[0]], today)
    return [
        Month(
            month,
            len(evenings[month]),
            sum(one.ticked for one in evenings[month]),
            players[month],
            back[month] if month_later(today, -1) > month else None,
            len(first[month]),
            sum(due for due, _ in first[month]),
            sum(again for _, again in first[month]),
            _together(evenings[month]),
        )
        for month in names
    ]


def weeks_of(conn: sqlite3.Connection, today: str, count: int = WEEKS) -> list[Week]:
    """The latest weeks up to that of the hall's day `today`, oldest first."""
    last = date.fromisoformat(monday_of(today))
    mondays = [(last - timedelta(days=7 * ago)).isoformat() for ago in reversed(range(count))]
    begin, end = mondays[0], (last + timedelta(days=7)).isoformat()
    evenings: dict[str, list[_Evening]] = defaultdict(list)
    for one in _evenings(conn, begin, end):
        evenings[monday_of(one.day)].append(one)
    players: dict[str, set[str]] = defaultdict(set)
    for player, day in _here_between(conn, begin, end):
        players[monday_of(day)].add(player)
    looked = lookers(conn, begin, end)
    return [
        Week(
            monday,
            len(evenings[monday]),
            sum(one.ticked for one in evenings[monday]),
            len(players[monday]),
            looked.get(monday, 0),
            _together(evenings[monday]),
        )
        for monday in mondays
    ]


def spent_s(lines: Iterable[tuple[str, str]]) -> float:
    """How long it took to write lines of the audit, each (who, stamp), in the order of their stamps."""
    latest: dict[str, str] = {}
    seconds = 0.0
    for who, at in lines:
        if who in latest:
            seconds += min(GAP_S, max(0.0, (from_stamp(at) - from_stamp(latest[who])).total_seconds()))
        latest[who] = at
    return seconds


def _evenings(conn: sqlite3.Connection, begin: str, end: str) -> list[_Evening]:
    span = {"begin": begin, "end": end}
    rows = conn.execute(
        "SELECT g.id, g.day, (SELECT count(*) FROM game_attendances a WHERE a.game_session_id = g.id"
        " AND a.withdrawn_at IS NULL) AS ticked, (SELECT count(*) FROM matches m"
        " WHERE m.game_session_id = g.id AND m.status = 'over') AS matches FROM game_sessions g"
        " WHERE g.day >= :begin AND g.day < :end AND g.voided_at IS NULL ORDER BY g.day, g.started_at",
        span,
    ).fetchall()
    lines: dict[str, list[tuple[str, str]]] = defaultdict(list)
    counts = "g.day >= :begin AND g.day < :end AND g.voided_at IS NULL AND a.role = 'staff' AND a.who IS NOT NULL"
    written = conn.execute(
        "SELECT g.id, a.who, a.at, a.id AS line FROM game_sessions g"
        f" JOIN audit a ON a.subject = 'evening:' || g.id WHERE {counts}"
        " UNION ALL SELECT g.id, a.who, a.at, a.id FROM game_sessions g JOIN matches m ON m.game_session_id = g.id"
        f" JOIN audit a ON a.subject = 'match:' || m.id WHERE {counts} ORDER BY a.at, line",
        span,
    )
    for row in written:
        lines[row["id"]].append((row["who"], row["at"]))
    return [
        _Evening(
            row["day"],
            row["ticked"],
            Recording(1, row["matches"], spent_s(lines[row["id"]])) if row["matches"] else Recording(),
        )
        for row in rows
    ]


def _months_here(conn: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """Members and the months in which they were here."""
    members = _members(conn)
    rows = conn.execute("SELECT player_id, group_concat(month) FROM points_monthly GROUP BY player_id")
    return {player: frozenset(months.split(",")) for player, months in rows if player in members}


def _newcomers(conn: sqlite3.Connection, members: Iterable[str], today: str) -> dict[str, list[tuple[bool, bool]]]:
    """Newcomers by the month of their first day: of each whether it can be told yet if they came again, and it."""
    found: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for member in members:
        first = _next_day(conn, member, "")
        if first is None:
            continue
        until = (date.fromisoformat(first) + timedelta(days=AGAIN_DAYS)).isoformat()
        second = _next_day(conn, member, first)
        again = second is not None and second <= until
        found[first[:7]].append((again or today > until, again))
    return found


def _next_day(conn: sqlite3.Connection, player_id: str, after: str) -> str | None:
    """The first day after that one on which a player was here."""
    # Of each kind the first alone is read off its index: the view of attendances would read all of a player's.
    row = conn.execute(
        "SELECT min(day) AS day FROM ("
        " SELECT min(day) AS day FROM sessions WHERE player_id = :p AND day > :after AND shots > 0"
        " UNION ALL SELECT min(g.day) FROM game_attendances a JOIN game_sessions g ON g.id = a.game_session_id"
        " WHERE a.player_id = :p AND a.withdrawn_at IS NULL AND g.voided_at IS NULL AND g.day > :after"
        " UNION ALL SELECT * FROM (SELECT day FROM outcomes"
        " WHERE player_id = :p AND rated AND day > :after ORDER BY day LIMIT 1))",
        {"p": player_id, "after": after},
    ).fetchone()
    return None if row["day"] is None else str(row["day"])


def _here_between(conn: sqlite3.Connection, begin: str, end: str) -> Iterator[tuple[str, str]]:
    """Members and the days on which they were here, from the day `begin` to before the day `end`; some twice."""
    members = _members(conn)
    came = conn.execute("SELECT player_id, day FROM attendances WHERE day >= ? AND day < ?", [begin, end])
    for player, day in chain(came, days_of_play(conn, begin, end)):
        if player in members:
            yield player, day


def _members(conn: sqlite3.Connection) -> frozenset[str]:
    rows = conn.execute("SELECT id FROM players WHERE NOT guest AND erased IS NULL")
    return frozenset(row["id"] for row in rows)


def _together(evenings: Iterable[_Evening]) -> Recording:
    told = [one.recording for one in evenings]
    return Recording(
        sum(one.evenings for one in told), sum(one.matches for one in told), sum(one.seconds for one in told)
    )


def _by(evenings: Iterable[_Evening], chars: int) -> dict[str, list[_Evening]]:
    found: dict[str, list[_Evening]] = defaultdict(list)
    for one in evenings:
        found[one.day[:chars]].append(one)
    return found


def _day_after(today: str) -> str:
    return (date.fromisoformat(today) + timedelta(days=1)).isoformat()
