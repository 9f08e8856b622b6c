"""A hall of years: a store with as many players, matches and shots as are asked for, made in minutes.

Sittings are repeated from patterns that the program itself has played (`edge.bench.patterns`); what follows from
them, the days' figures, points, ratings, streaks, groups and badges, the program's own functions make. Two things
are not as they would be. Only the latest shots hold all of their ways, for a whole one takes 18 kB. And the outbox
is empty, as it is when all was sent and cleared away.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import accumulate
from pathlib import Path
from zoneinfo import ZoneInfo

from edge.bench.hall_evenings import Crowd, make_evenings, make_ladders, make_months
from edge.bench.patterns import TABLES, Pattern, book_source, play_patterns, shot_gap, strike_s
from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import pins, ratings, standing
from edge.hall.consents import give_answer
from edge.hall.keys import load_keys
from edge.hall.occasion import hall_day
from edge.hall.players import Role, save_player, sign_up
from edge.runtime.paths import Paths, make_directories
from edge.stats.daily import refresh_day
from edge.store.database import connect, immediate
from edge.store.migrations import migrate
from edge.store.shots import store_source

PIN = "2468"  # of the player who plays most
BIG_SHARE = 0.5  # of all shots
MATCHES = 0.35  # of all sittings
HIDDEN_EVERY = 10  # so manieth player stands on no board
WHOLE_SHOTS = 3_000  # the latest
BETWEEN_S = 60.0  # two sittings
MOST_A_DAY = 3_000  # shots that one table sees
DAYS_A_MONTH = 365 / 12
BYTES_A_SHOT = 4_500  # on the disk, with all that follows from it and the log of what is being written
EVENING_H = 21

_CACHE_KB = 400_000
_DAYS_AT_ONCE = 30

Told = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class HallPlan:
    """How much: one player plays half of the shots, the others the rest."""

    shots: int = 1_000_000
    players: int = 2_000
    months: int = 24

    @property
    def days(self) -> int:
        return max(1, round(self.months * DAYS_A_MONTH))

    def refusal(self) -> str | None:
        """Why there can't be such a hall, or None."""
        if self.players < 3:
            return "a hall needs three players at least"
        if self.shots > self.days * MOST_A_DAY:
            return f"one table sees {MOST_A_DAY:,} shots a day at most: ask for fewer shots or more months"
        return None


@dataclass(frozen=True, slots=True)
class BigHall:
    """What there is, and who of its players plays most."""

    shots: int
    players: int
    sessions: int
    matches: int
    months: int
    megabytes: float
    big_id: str
    big_name: str
    big_shots: int


def make_box(folder: Path, plan: HallPlan, told: Told | None = None) -> tuple[Paths, BigHall]:
    """A box with a hall whose latest shot was played just now. `told` is told how many shots are stored.

    Raises ValueError for a hall that can't be or has no room, StoreError.
    """
    paths = Paths(folder / "data", folder / "run")
    make_directories(paths)
    now = datetime.now(UTC)
    zone = evening_zone(now)
    paths.settings.write_text(f'[hall]\ntimezone = "{zone.key}"\n', encoding="utf-8")
    pepper = load_keys(paths.secrets).pins
    return paths, make_hall(paths.store, pepper, plan, now=now, zone=zone, told=told)


def evening_zone(now: datetime) -> ZoneInfo:
    """A zone in which it is evening now, so that a day's play lies behind whenever something is measured."""
    ahead_h = (EVENING_H - now.astimezone(UTC).hour + 11) % 24 - 11
    return ZoneInfo(f"Etc/GMT{-ahead_h:+d}")  # their signs are turned round


def make_hall(
    path: Path, pepper: bytes, plan: HallPlan, *, now: datetime, zone: tzinfo, told: Told | None = None
) -> BigHall:
    """Makes the store at `path`; its latest shot was played just before `now`. Days are those of `zone`.

    `pepper` is what PINs are hashed with. Raises as `make_box`.
    """
    refusal = plan.refusal()
    if refusal is not None:
        raise ValueError(refusal)
    needed = plan.shots * BYTES_A_SHOT
    if shutil.disk_usage(path.parent).free < needed:
        raise ValueError(f"such a hall takes {needed / 1e9:.1f} GB, for which {path.parent} has no room")
    migrate(path)
    with closing(connect(path)) as conn:
        # Nothing is promised to anybody here, so no commit has to reach the disk.
        conn.execute("PRAGMA synchronous = OFF")
        conn.execute(f"PRAGMA cache_size = {-_CACHE_KB}")
        hall = _Hall(conn, plan, now, zone)
        hall.sign_up(pepper)
        hall.play(told or (lambda _: None))
        hall.settle()
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return hall.counted()


@dataclass(frozen=True, slots=True)
class _Sitting:
    pattern: Pattern
    players: tuple[str, ...]


class _Hall:
    """The hall as it is being made."""

    def __init__(self, conn: sqlite3.Connection, plan: HallPlan, now: datetime, zone: tzinfo) -> None:
        self._conn, self._plan, self._now, self._zone = conn, plan, now, zone
        self._random = random.Random(1)
        with immediate(conn):
            patterns = play_patterns(conn)
        self._practices = [one for one in patterns if len(one.own) == 1]
        self._matches = [one for one in patterns if len(one.own) == 2]
        self._ids: list[str] = []
        self._shots = self._big_shots = 0

    def sign_up(self, pepper: bytes) -> None:
        """Signs everybody up before the first day; the first of them plays most, and is of the
        hall's people."""
        began = self._now - timedelta(days=self._plan.days + 1)
        hashed = pins.hash_pin(pepper, PIN)
        with immediate(self._conn) as conn:
            for number in range(1, self._plan.players + 1):
                roles: frozenset[Role] = frozenset({"player", "admin"} if number == 1 else {"player"})
                player = sign_up(conn, name_of(number), stamp(began), roles)
                if number % HIDDEN_EVERY == 0:
                    save_player(conn, replace(player, visible=False))
                self._ids.append(player.id)
            pins.keep_pin(conn, self._ids[0], hashed, began)
            give_answer(conn, self._ids[0], "yes", stamp(began), self._ids[0])
        # A few come nearly every day and most of them now and then.
        self._weights = list(accumulate(1 / (20 + rank) for rank in range(len(self._ids) - 1)))
        self._skill = {player_id: self._random.gauss(0, 120) for player_id in self._ids}

    def play(self, told: Told) -> None:
        """Plays day after day, the same number of shots on each."""
        for first in range(0, self._plan.days, _DAYS_AT_ONCE):
            with immediate(self._conn) as conn:
                for day in range(first, min(first + _DAYS_AT_ONCE, self._plan.days)):
                    self._play_day(day)
                # What waits to be booked: all of it is booked already.
                conn.execute("DELETE FROM to_book")
            told(self._shots)

    def settle(self) -> None:
        """Makes all that follows from what was played."""
        with immediate(self._conn) as conn:
            for player_id, day in conn.execute("SELECT DISTINCT player_id, day FROM sessions").fetchall():
                refresh_day(conn, player_id, day)
            crowd = Crowd(self._ids, self._skill, self._ids[0])
            make_evenings(conn, crowd, self._plan.days, self._now, self._zone)
            make_ladders(conn, crowd, self._plan.days, self._now, self._zone)
            ratings.settle(conn)
            rows = conn.execute("SELECT DISTINCT player_id FROM attendances").fetchall()
            standing.settle(conn, [row["player_id"] for row in rows], self._now)
            make_months(conn, crowd, self._now, self._zone, self._plan.months)

    def counted(self) -> BigHall:
        """What was made."""
        counts = {
            table: int(self._conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
            for table in ("shots", "players", "sessions", "matches")
        }
        size = self._conn.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return BigHall(
            **counts,
            months=self._plan.months,
            megabytes=round(size.fetchone()[0] / 1e6, 1),
            big_id=self._ids[0],
            big_name=name_of(1),
            big_shots=self._big_shots,
        )

    def _play_day(self, day: int) -> None:
        due = round((day + 1) * self._plan.shots / self._plan.days)
        sittings = list(self._sittings(due))
        lasted_s = sum(sitting.pattern.seconds + BETWEEN_S for sitting in sittings)
        end = self._now - timedelta(days=self._plan.days - 1 - day)
        at = begin = end - timedelta(seconds=lasted_s)
        source = book_source(f"bench:{hall_day(begin, self._zone)}:{day}", begin - timedelta(minutes=10))
        store_source(self._conn, source)
        left = self._plan.shots - self._shots + sum(sitting.pattern.shots for sitting in sittings)
        for sitting in sittings:
            left -= sitting.pattern.shots
            after_s = (at - begin).total_seconds()
            shots = {
                shot_gap(number): f"{source.id}@{600 + after_s + strike_s(number):.3f}"
                for number in range(sitting.pattern.shots)
            }
            names = {"source": source.id, "day": hall_day(at, self._zone), **shots}
            self._store(sitting, names, at, whole=left < WHOLE_SHOTS)
            at += timedelta(seconds=sitting.pattern.seconds + BETWEEN_S)

    def _sittings(self, due: int) -> Iterator[_Sitting]:
        """Who plays what until so many shots have been played since the first day."""
        while self._shots < due:
            players = tuple(self._ids[1 + place] for place in self._others())
            if self._big_shots < BIG_SHARE * self._shots or self._shots == 0:
                players = (self._ids[0], *players[1:])
            if self._random.random() < MATCHES:
                pattern = self._random.choice(self._matches)
                players = self._seated(players, pattern.winner)
            else:
                pattern, players = self._random.choice(self._practices), players[:1]
            self._shots += pattern.shots
            self._big_shots += sum(n for n, who in zip(pattern.own, players, strict=True) if who == self._ids[0])
            yield _Sitting(pattern, players)

    def _others(self) -> list[int]:
        """Two different ones of those who do not play most."""
        places = range(len(self._ids) - 1)
        while True:
            one, other = self._random.choices(places, cum_weights=self._weights, k=2)
            if one != other:
                return [one, other]

    def _seated(self, players: tuple[str, ...], winner: int | None) -> tuple[str, ...]:
        """The two in an order in which the better one wins the more often the better they are."""
        first, second = players
        chance = ratings.elo_expected(self._skill[first], self._skill[second])
        first_wins = self._random.random() < chance
        return players if first_wins == (winner == 0) else (second, first)

    def _store(self, sitting: _Sitting, names: dict[str, str], begin: datetime, *, whole: bool) -> None:
        pattern = sitting.pattern
        names["match"] = uuid7()
        for number, player_id in enumerate(sitting.players):
            names |= {f"player-{number}": player_id, f"session-{number}": uuid7()}
        rows = pattern.rows if whole else pattern.thin_rows
        for table in TABLES:
            if rows[table]:
                columns = pattern.columns[table]
                self._conn.executemany(
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
                    (row.filled(names, begin) for row in rows[table]),
                )


def name_of(number: int) -> str:
    """The name of a player; the first plays most."""
    return f"Player {number:04d}"
