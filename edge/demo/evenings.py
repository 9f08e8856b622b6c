"""The demo's evenings: one a week for a ladder, whose members play each other by how good they are."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from edge.clock import stamp
from edge.demo.calendar import DemoHall, skill_in
from edge.demo.people import EIGHT, LADDERS, NINE, STAFF, Person, on_ladder
from edge.demo.results import Result, enter_all, put_on_ladder, tick_all
from edge.hall.game_sessions import begin_evening, close_evening
from edge.hall.ladders.challenges import challenge
from edge.hall.ladders.members import add_members
from edge.hall.ladders.model import Ladder, LadderError, Terms
from edge.hall.ladders.pages import my_ladders, whom_to_challenge
from edge.hall.ladders.settle import settle_ladder
from edge.hall.ladders.setup import create_ladder
from edge.hall.occasion import occasion
from edge.hall.training_periods import bounds

BEGINS = time(19, 0)
LASTS = timedelta(hours=3)
WEEKDAYS = {EIGHT: 1, NINE: 3}  # Tuesday, Thursday; the third ladder meets on every other Sunday
SUNDAY = 6
ROUNDS = 2
PRESENT = 0.8
BY_SKILL = 2.0  # how much a bit of skill counts in a match
RACE = {"straight pool": 50}


def play_evenings(conn: sqlite3.Connection, hall: DemoHall) -> None:
    """Makes the ladders, plays every evening that is over by now, and settles the ladders."""
    for name in LADDERS:
        ladder = _make_ladder(conn, hall, name)
        for day in _days(name, hall.months):
            if _at(day, hall) + LASTS <= hall.now:
                _play(conn, hall, ladder, day)
        settle_ladder(conn, ladder.id)
    _challenge(conn, hall)


def _make_ladder(conn: sqlite3.Connection, hall: DemoHall, name: str) -> Ladder:
    """With all its members from the first month on."""
    game, staff, at = LADDERS[name], hall.ids[STAFF], stamp(bounds(hall.months[0], hall.zone)[0])
    ladder = create_ladder(conn, Terms(name, game, RACE.get(game, 1)), ["Open division"], staff, at)
    members = [hall.ids[one.name] for one in on_ladder(hall.plan.people, name)]
    add_members(conn, ladder.divisions[0].id, members, staff, at)
    return ladder


def _days(ladder: str, months: Sequence[str]) -> list[date]:
    """The ladder's evenings."""
    day = date.fromisoformat(f"{months[0]}-01")
    found = []
    while day.isoformat()[:7] <= months[-1]:
        weekday = WEEKDAYS.get(ladder)
        if day.weekday() == weekday or (weekday is None and day.weekday() == SUNDAY and day.toordinal() % 2):
            found.append(day)
        day += timedelta(days=1)
    return found


def _at(day: date, hall: DemoHall) -> datetime:
    return datetime.combine(day, BEGINS, tzinfo=hall.zone).astimezone(UTC)


def _play(conn: sqlite3.Connection, hall: DemoHall, ladder: Ladder, day: date) -> None:
    """An evening: who is there plays some rounds."""
    rng, begins, staff = Random(f"{hall.plan.seed}:{day}:{ladder.name}"), _at(day, hall), hall.ids[STAFF]
    members, ago = on_ladder(hall.plan.people, ladder.name), hall.ago(day.isoformat()[:7])
    here = [one for one in members if one.was_here(ago) and rng.random() < PRESENT]
    if len(here) < 2:
        return
    game, racks = ladder.terms.game or "8-ball", ladder.terms.race_to
    evening = begin_evening(conn, occasion(hall.zone, "", begins), staff, game=game, race_to=racks)
    tick_all(conn, evening, [hall.ids[one.name] for one in here], begins)
    for number in range(ROUNDS):
        rng.shuffle(here)
        results = [_result(one, other, hall, ago, rng) for one, other in zip(here[::2], here[1::2], strict=False)]
        ended = begins + timedelta(minutes=50 * number + 40)
        put_on_ladder(conn, ladder.id, enter_all(conn, evening, results, ended, staff, racks=racks), staff)
    close_evening(conn, evening, staff, begins + LASTS)


def _result(one: Person, other: Person, hall: DemoHall, ago: int, rng: Random) -> Result:
    chance = min(0.9, max(0.1, 0.5 + BY_SKILL * (skill_in(one, ago) - skill_in(other, ago))))
    return hall.ids[one.name], hall.ids[other.name], rng.random() < chance


def _challenge(conn: sqlite3.Connection, hall: DemoHall) -> None:
    """A challenge that waits, on the first ladder where there may be one."""
    here = occasion(hall.zone, "", hall.now)
    for ladder_id, player_id, above_id in _climbers(conn, hall):
        with suppress(LadderError):
            challenge(conn, ladder_id, player_id, above_id, here)
            return


def _climbers(conn: sqlite3.Connection, hall: DemoHall) -> Iterator[tuple[str, str, str]]:
    """Who may challenge whom on which ladder, as (ladder, one, other)."""
    for player_id in hall.ids.values():
        for mine in my_ladders(conn, player_id):
            for above in whom_to_challenge(conn, mine)[:1]:
                yield mine.ladder.id, player_id, above.player_id
