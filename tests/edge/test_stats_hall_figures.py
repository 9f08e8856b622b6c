"""How the hall goes: the figures are those that a plain recomputation over all facts gives, and they are quick."""

import random
import sqlite3
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hall_facts import make_store, put_days, undone
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_work import instructions

from edge.clock import stamp
from edge.hall import audit, claims, game_sessions, results, standing, stats_views
from edge.hall.occasion import Occasion
from edge.hall.players import Role, erase_player, name_guest, new_guest, sign_up
from edge.stats import hall_figures
from edge.stats.hall_figures import months_of, spent_s, weeks_of

BEGIN = datetime(2026, 1, 1, 19, 0, tzinfo=UTC)
TODAY = "2026-03-25"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("hall") / "ladder.db")


class Hall:
    """A hall's facts, entered as the program enters them, and a plain note of who was here when."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        roles: frozenset[Role] = frozenset({"player", "staff"})
        self.staff = [sign_up(conn, name, stamp(BEGIN), roles).id for name in ("Tess", "Tim")]
        self.members = [sign_up(conn, f"Member {number}", stamp(BEGIN)).id for number in range(6)]
        self.guest = new_guest(conn, stamp(BEGIN)).id
        self.here: dict[str, set[str]] = defaultdict(set)
        self.evenings: dict[str, game_sessions.GameSession] = {}
        self.ticked: dict[str, set[str]] = defaultdict(set)
        self.matches: dict[str, int] = defaultdict(int)
        self.lines: dict[str, list[tuple[str, datetime]]] = defaultdict(list)

    def at(self, day: int, second: int = 0) -> Occasion:
        now = BEGIN + timedelta(days=day, seconds=second)
        return Occasion(now, now.date().isoformat(), "Table 1")

    def play(self, player: str, day: int) -> None:
        here = self.at(day)
        put_days(self.conn, player, [here.day])
        standing.settle(self.conn, [player], here.now)
        self.here[player].add(here.day)

    def tick(self, player: str, day: int, staff: int, second: int) -> None:
        here, by = self.at(day, second), self.staff[staff]
        evening = self._evening(day, by, second)
        if game_sessions.attend(self.conn, evening, [player], by, here.now):
            self.lines[evening.id].append((by, here.now))
            self.ticked[here.day].add(player)
            self.here[player].add(here.day)

    def enter(self, pair: tuple[str, str], day: int, staff: int, second: int) -> None:
        here, by = self.at(day, second), self.staff[staff]
        evening = self._evening(day, by, second)
        new = {one for one in pair if one not in self.ticked[here.day]}
        self.matches[here.day] += 1
        key = f"{here.day}/{self.matches[here.day]}"
        what = results.Entered(key, ((pair[0],), (pair[1],)), "8-ball", (3, 1), here.day, here.stamp, evening.id)
        results.enter_result(self.conn, what, by, here.now)
        self.lines[evening.id] += [(by, here.now)] * (len(new) + 1)
        self.ticked[here.day] |= new
        for one in pair:
            self.here[one].add(here.day)

    def _evening(self, day: int, by: str, second: int) -> game_sessions.GameSession:
        here = self.at(day, second)
        if here.day not in self.evenings:
            self.evenings[here.day] = game_sessions.begin_evening(self.conn, here, by)
            self.lines[self.evenings[here.day].id].append((by, here.now))
        return self.evenings[here.day]

    def days(self) -> dict[str, list[str]]:
        return {one: sorted(days) for one, days in self.here.items() if one != self.guest and days}

    def seconds(self, days: list[str]) -> float:
        """What is recorded on evenings with results."""
        total = 0.0
        for day in days:
            for by in self.staff:
                times = sorted(at for who, at in self.lines[self.evenings[day].id] if who == by)
                gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
                total += sum(min(60.0, gap) for gap in gaps)
        return total


class Figures:
    """The same figures from the plain note."""

    def __init__(self, hall: Hall) -> None:
        self.hall, self.days = hall, hall.days()

    def evenings(self, within: str) -> list[str]:
        return sorted(day for day in self.hall.evenings if day.startswith(within))

    def with_results(self, days: list[str]) -> list[str]:
        return [day for day in days if self.hall.matches[day]]

    def players(self, month: str) -> set[str]:
        return {one for one, days in self.days.items() if any(day.startswith(month) for day in days)}

    def newcomers(self, month: str) -> tuple[int, int, int]:
        found = due = again = 0
        for days in self.days.values():
            if not days[0].startswith(month):
                continue
            found += 1
            until = (date.fromisoformat(days[0]) + timedelta(days=30)).isoformat()
            came = len(days) > 1 and days[1] <= until
            again += came
            due += came or until < TODAY
        return found, due, again


deeds = st.lists(
    st.tuples(
        st.sampled_from(["play", "tick", "enter"]),
        st.integers(0, 6),
        st.integers(0, 6),
        st.sampled_from([0, 1, 5, 20, 33, 40, 62, 75]),
        st.integers(0, 1),
        st.integers(0, 400),
    ),
    max_size=24,
)


@settings(max_examples=60)
@given(deeds)
def test_the_figures_are_those_of_a_plain_recomputation(
    path: Path, told: list[tuple[str, int, int, int, int, int]]
) -> None:
    with undone(path) as conn:
        hall = Hall(conn)
        everybody = [*hall.members, hall.guest]
        for deed, a, b, day, staff, second in sorted(told, key=lambda one: (one[3], one[5])):
            if deed == "play":
                hall.play(everybody[a], day)
            elif deed == "tick":
                hall.tick(everybody[a], day, staff, second)
            elif a != b:
                hall.enter((everybody[a], everybody[b]), day, staff, second)
        plain = Figures(hall)
        months = months_of(conn, TODAY, 4)
        assert [one.month for one in months] == ["2025-12", "2026-01", "2026-02", "2026-03"]
        for one, month_after in zip(months, ["2026-01", "2026-02", "2026-03", None], strict=True):
            evenings = plain.evenings(one.month)
            told_of = plain.with_results(evenings)
            players = plain.players(one.month)
            assert (one.evenings, one.players) == (len(evenings), len(players))
            assert one.ticked == sum(len(hall.ticked[day]) for day in evenings)
            over = month_after is not None and month_after < "2026-03"
            back = len(players & plain.players(month_after)) if over and month_after else None
            assert one.came_back == back
            assert (one.newcomers, one.due, one.again) == plain.newcomers(one.month)
            assert one.recording.evenings == len(told_of)
            assert one.recording.matches == sum(hall.matches[day] for day in told_of)
            assert one.recording.seconds == pytest.approx(hall.seconds(told_of))
        for week in weeks_of(conn, TODAY, 13):
            days = [(date.fromisoformat(week.monday) + timedelta(days=n)).isoformat() for n in range(7)]
            assert date.fromisoformat(week.monday).isoweekday() == 1
            assert week.players == sum(any(day in days for day in own) for own in plain.days.values())
            evenings = [day for day in days if day in hall.evenings]
            assert week.evenings == len(evenings)
            assert week.recording.seconds == pytest.approx(hall.seconds(plain.with_results(evenings)))


def test_gaps_count_for_each_of_the_staff_and_a_minute_at_most() -> None:
    def at(second: float) -> str:
        return stamp(BEGIN + timedelta(seconds=second))

    assert spent_s([]) == 0.0
    assert spent_s([("t", at(0))]) == 0.0
    assert spent_s([("t", at(0)), ("t", at(20)), ("t", at(500))]) == 80.0
    assert spent_s([("t", at(0)), ("u", at(10)), ("t", at(30)), ("u", at(45))]) == 65.0
    assert spent_s([("t", at(30)), ("t", at(10))]) == 0.0  # the clock was set back


def test_a_guest_who_signed_up_is_a_newcomer_from_the_first_evening(path: Path) -> None:
    with undone(path) as conn:
        hall = Hall(conn)
        hall.play(hall.guest, 3)
        assert [one.newcomers for one in months_of(conn, TODAY, 3)] == [0, 0, 0]
        guest = name_guest(conn, new_guest(conn, stamp(BEGIN)), "Gus")
        put_days(conn, guest.id, ["2026-02-03", "2026-02-20"])
        claims.signed_up(conn, guest.id, BEGIN)
        assert [(one.newcomers, one.again) for one in months_of(conn, TODAY, 3)] == [(0, 0), (1, 1), (0, 0)]


def test_whoever_was_erased_is_in_no_figure(path: Path) -> None:
    with undone(path) as conn:
        hall = Hall(conn)
        hall.play(hall.members[0], 3)
        erase_player(conn, hall.members[0], stamp(BEGIN))
        standing.forget(conn, hall.members[0])
        assert [one.players for one in months_of(conn, TODAY, 3)] == [0, 0, 0]
        assert sum(week.players for week in weeks_of(conn, TODAY, 13)) == 0


def test_who_looks_at_their_statistics_is_one_row_a_week(path: Path) -> None:
    with undone(path) as conn:
        hall = Hall(conn)
        ana, ben = hall.members[:2]
        for player, day in ((ana, "2026-03-16"), (ana, "2026-03-22"), (ben, "2026-03-22"), (ana, "2026-03-23")):
            stats_views.note(conn, player, day)
            assert stats_views.is_noted(conn, player, day)
        assert not stats_views.is_noted(conn, ben, "2026-03-23")
        assert [week.looked for week in weeks_of(conn, TODAY, 2)] == [2, 1]
        assert conn.execute("SELECT count(*) FROM stats_views").fetchone()[0] == 3
        stats_views.forget(conn, ana)
        assert [week.looked for week in weeks_of(conn, TODAY, 2)] == [1, 0]


def test_an_evening_that_was_struck_off_and_one_without_results_tell_nothing_of_recording(path: Path) -> None:
    with undone(path) as conn:
        hall = Hall(conn)
        hall.tick(hall.members[0], 40, 0, 0)
        hall.tick(hall.members[1], 40, 0, 30)
        (month,) = months_of(conn, "2026-02-25", 1)
        assert (month.evenings, month.ticked, month.recording) == (1, 2, hall_figures.Recording())
        game_sessions.void_evening(conn, hall.evenings["2026-02-10"], hall.staff[0], hall.at(40, 60).now)
        (month,) = months_of(conn, "2026-02-25", 1)
        assert (month.evenings, month.players) == (0, 0)


def big_hall(conn: sqlite3.Connection, players: int, months: int, days: int) -> None:
    """So many members who come on so many days a month for so many months, and one evening a month."""
    rng = random.Random(1)
    tess = sign_up(conn, "Tess", stamp(BEGIN)).id
    ids = [f"p{number:05}" for number in range(players)]
    conn.executemany(
        "INSERT INTO players (id, name, name_key, guest, created, roles, games, cues, visible, notify)"
        """ VALUES (?1, ?1, ?1, 0, ?2, '["player"]', '[]', '', 1, '[]')""",
        [[one, stamp(BEGIN)] for one in ids],
    )
    names = [f"{2024 + n // 12}-{n % 12 + 1:02}" for n in range(months)]
    for month in names:
        evening = f"evening-{month}"
        conn.execute(
            "INSERT INTO game_sessions VALUES (?, ?, '8-ball', 1, 0, ?, ?, NULL, NULL)",
            [evening, f"{month}-05", f"{month}-05T19:00:00.000Z", tess],
        )
        here = [one for one in ids if rng.random() < 0.7]
        conn.executemany("INSERT INTO points_monthly VALUES (?, ?, ?)", [[one, month, 2 * days] for one in here])
        for number in range(days):
            conn.executemany(
                "INSERT INTO sessions (id, player_id, kind, table_label, day, goal, started_at, active_at, shots)"
                " VALUES (?, ?, 'practice', 'Table 1', ?, '{}', ?, ?, 3)",
                [
                    [
                        f"{one}/{month}/{number}",
                        one,
                        f"{month}-{number + 1:02}",
                        *[f"{month}-{number + 1:02}T19:00:00.000Z"] * 2,
                    ]
                    for one in here
                ],
            )
        for second in range(40):
            audit.note(
                conn,
                f"{month}-05T19:00:{second:02}.000Z",
                "evening.attended",
                f"evening:{evening}",
                role="staff",
                who=tess,
            )


def test_months_cost_by_players_and_months_not_by_what_was_played(path: Path) -> None:
    costs = []
    for days in (1, 8):
        with undone(path) as conn:
            big_hall(conn, 60, 12, days)
            costs.append(instructions(conn, lambda: months_of(conn, "2024-12-20", 12)))
    assert costs[1] < 1.1 * costs[0]
    assert costs[0] < 60 * 12 * 60 + 12 * 40 * 40  # a few dozen steps a player and month, and a line of the audit


def test_weeks_cost_by_what_was_played_of_late(path: Path) -> None:
    costs = []
    for months in (6, 18):
        with undone(path) as conn:
            big_hall(conn, 40, months, 4)
            today = f"{2024 + (months - 1) // 12}-{(months - 1) % 12 + 1:02}-20"
            costs.append(instructions(conn, lambda: weeks_of(conn, today, 4)))  # noqa: B023
    assert costs[1] < 1.2 * costs[0]


@pytest.mark.parametrize(
    ("second", "today", "due", "again"), [(31, 50, 1, 1), (32, 50, 1, 0), (80, 31, 0, 0), (80, 32, 1, 0)]
)
def test_thirty_days_are_thirty_days(path: Path, second: int, today: int, due: int, again: int) -> None:
    with undone(path) as conn:
        hall = Hall(conn)
        for day in (1, second):
            hall.play(hall.members[0], day)
        (january,) = [one for one in months_of(conn, hall.at(today).day, 3) if one.month == "2026-01"]
        assert (january.newcomers, january.due, january.again) == (1, due, again)
