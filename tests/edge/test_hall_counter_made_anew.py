"""What staff enter, put right and take back, in any order and however late.

All that follows (points, boards, ratings, groups, streaks, awards, who takes part in the draw) is what a plain
recomputation from the bare facts says.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hall_facts import make_store, undone
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from edge.clock import stamp
from edge.hall import draw_entries
from edge.hall.award_rules import calculate
from edge.hall.errors import HallError
from edge.hall.game_sessions import (
    GameSession,
    attend,
    begin_evening,
    close_evening,
    get_evening,
    leave_out,
    reopen_evening,
    time_of_result,
    void_evening,
)
from edge.hall.groups import group_of
from edge.hall.occasion import occasion
from edge.hall.players import new_guest, sign_up
from edge.hall.points import hall_of_fame, month_board
from edge.hall.ratings import rating_of
from edge.hall.results import Entered, correct, enter_result, strike, take_back
from edge.hall.rulings import ruling_of
from edge.hall.streaks import streaks_of

ZONES = ("UTC", "America/Chicago", "Pacific/Auckland", "Asia/Kolkata")
MEMBERS, GUESTS = 5, 1
BEGIN = datetime(2026, 1, 27, 20, 0, tzinfo=UTC)

WHAT = (
    "begin",
    "attend",
    "attend",
    "leave",
    "play",
    "play",
    "play",
    "play",
    "pair",
    "correct",
    "strike",
    "back",
    "end",
)
# Long ones: two months of evenings are needed for an award to rise from one to the next.
steps = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 10_000)), min_size=60, max_size=120)


@dataclass
class Told:
    """A match as it was told: who, on which day, in which order it ended, and every ruling with whether it
    holds."""

    sides: tuple[tuple[int, ...], tuple[int, ...]]
    evening: int
    ended_at: str
    rulings: list[list[Any]] = field(default_factory=list)  # [score or None, holds]

    @property
    def score(self) -> tuple[int, int] | None:
        holding = [score for score, holds in self.rulings if holds]
        return holding[-1] if holding else None


@dataclass
class Story:
    """A few weeks of a hall, told to the store and kept beside it as bare facts."""

    conn: Any
    zone: ZoneInfo
    players: list[str] = field(default_factory=list)
    now: datetime = BEGIN
    evenings: list[dict[str, Any]] = field(default_factory=list)
    matches: dict[str, Told] = field(default_factory=dict)

    def tell(self, step: str, number: int) -> None:
        self.now += timedelta(minutes=1 + number % 1500)
        with suppress(HallError):
            getattr(self, f"_{step}")(number)

    def _begin(self, number: int) -> None:  # noqa: ARG002
        evening = begin_evening(self.conn, occasion(self.zone, "", self.now), self.players[0])
        assert evening.day == self.now.astimezone(self.zone).date().isoformat()
        self.evenings.append({"id": evening.id, "day": evening.day, "here": set(), "void": False})

    def _which(self, number: int) -> tuple[int, GameSession]:
        if not self.evenings:
            self._begin(number)
        index = number % len(self.evenings)
        evening = get_evening(self.conn, self.evenings[index]["id"])
        assert evening is not None
        return index, evening

    def _attend(self, number: int) -> None:
        index, evening = self._which(number)
        who = number % len(self.players)
        attend(self.conn, evening, [self.players[who]], self.players[0], self.now)
        self.evenings[index]["here"].add(who)

    def _leave(self, number: int) -> None:
        index, evening = self._which(number)
        who = number % len(self.players)
        leave_out(self.conn, evening, self.players[who], self.players[0], self.now)
        self.evenings[index]["here"].discard(who)

    def _play(self, number: int) -> None:
        self._enter(number, 1)

    def _pair(self, number: int) -> None:
        self._enter(number, 2)

    def _enter(self, number: int, each: int) -> None:
        index, evening = self._which(number // 7)
        order = [(number + step * (1 + number % 2)) % len(self.players) for step in range(len(self.players))]
        order = list(dict.fromkeys(order + list(range(len(self.players)))))
        sides = (tuple(order[:each]), tuple(order[each : 2 * each]))
        race = 1 + number % 3
        score = (race, number // 3 % race) if number % 5 < 3 else (number // 3 % race, race)
        ended_at = time_of_result(self.conn, evening, self.now)
        match_id = f"match-{len(self.matches):04}"
        named = tuple(tuple(self.players[one] for one in side) for side in sides)
        what = Entered(match_id, named, "8-ball", score, evening.day, ended_at, evening.id)  # type: ignore[arg-type]
        enter_result(self.conn, what, self.players[0], self.now)
        self.matches[match_id] = Told(sides, index, ended_at, [[score, True]])
        self.evenings[index]["here"].update((*sides[0], *sides[1]))

    def _correct(self, number: int) -> None:
        if self.matches:
            match_id = list(self.matches)[number % len(self.matches)]
            score = (2, number % 2) if number % 3 else (number % 2, 2)
            correct(self.conn, match_id, score, self.players[0], self.now)
            self.matches[match_id].rulings.append([score, True])

    def _strike(self, number: int) -> None:
        if self.matches:
            match_id = list(self.matches)[number % len(self.matches)]
            strike(self.conn, match_id, self.players[0], self.now)
            self.matches[match_id].rulings.append([None, True])

    def _back(self, number: int) -> None:
        if self.matches:
            match_id = list(self.matches)[number % len(self.matches)]
            ruling = ruling_of(self.conn, match_id)
            if ruling is not None:
                take_back(self.conn, ruling.id, self.players[0], self.now)
                [last for last in self.matches[match_id].rulings if last[1]][-1][1] = False

    def _end(self, number: int) -> None:
        index, evening = self._which(number)
        if evening.voided:
            reopen_evening(self.conn, evening, self.players[0], self.now)
            self.evenings[index]["void"] = False
        elif number % 2:
            close_evening(self.conn, evening, self.players[0], self.now)
        else:
            void_evening(self.conn, evening, self.players[0], self.now)
            self.evenings[index]["void"] = True

    # The bare facts again, without a line of the program's.

    def days(self, who: int) -> list[str]:
        return sorted({one["day"] for one in self.evenings if who in one["here"] and not one["void"]})

    def finished(self) -> list[tuple[str, str, Told]]:
        """(when it ended, its id, itself) of every match that counts, in the order in which they ended."""
        found = [(told.ended_at, key, told) for key, told in self.matches.items() if told.score is not None]
        return sorted(found, key=lambda one: one[:2])

    def outcomes(self, who: int) -> list[tuple[str, str, bool]]:
        """(day, when it ended, won) of each rated match of a player's, by evening."""
        found = []
        for ended_at, key, told in self.finished():
            everybody = (*told.sides[0], *told.sides[1])
            if who not in everybody or any(one >= MEMBERS for one in everybody):
                continue
            score = told.score
            assert score is not None
            first_won = score[0] > score[1]
            found.append((self.evenings[told.evening]["day"], ended_at, key, (who in told.sides[0]) == first_won))
        return [(day, ended_at, won) for day, ended_at, _, won in sorted(found)]

    def points(self, who: int) -> dict[str, float]:
        months: dict[str, float] = defaultdict(float)
        for day in self.days(who):
            months[day[:7]] += 1.0
        run = 0
        for day, _, won in self.outcomes(who):
            run = run + 1 if won else 0
            months[day[:7]] += 0.5 + (1.0 if won else 0.0) + (1.0 if won and run % 3 == 0 else 0.0)
        return dict(months)

    def group(self, who: int) -> str:
        latest = self.days(who)[-10:]
        games = [won for day, _, won in self.outcomes(who) if day in latest]
        return "elite" if len(games) >= 8 and sum(games) >= 0.6 * len(games) else "active"

    def takes_part(self, who: int, month: str) -> bool:
        sessions = [day for day in self.days(who) if day.startswith(month)]
        return len(sessions) >= 6 or self.points(who).get(month, 0.0) >= 15

    def awards(self, month: str) -> set[tuple[str, int]]:
        """Top 3, Progress Star and Consistency King; nobody votes in this hall."""
        got: set[tuple[str, int]] = set()
        points = {who: self.points(who).get(month, 0.0) for who in range(MEMBERS)}
        for who, own in points.items():
            above = sum(other > own for other in points.values())
            if own and above < 3:
                got.add((f"top{above + 1}", who))
        year, number = int(month[:4]), int(month[5:])
        before = f"{year}-{number - 1:02d}" if number > 1 else f"{year - 1}-12"
        rises: dict[int, Fraction] = {}
        for who in range(MEMBERS):
            then = [won for day, _, won in self.outcomes(who) if day.startswith(before)]
            now = [won for day, _, won in self.outcomes(who) if day.startswith(month)]
            if len(then) >= 6 and len(now) >= 6:
                rises[who] = Fraction(sum(now), len(now)) - Fraction(sum(then), len(then))
        best = max(rises.values(), default=Fraction(0))
        got |= {("progress_star", who) for who, by in rises.items() if by == best > 0}
        held = {day: _week(day) for one in self.evenings if not one["void"] and (day := one["day"])[:7] == month}
        for who in range(MEMBERS):
            came = {held[day] for day in self.days(who) if day in held}
            if len(set(held.values())) >= 4 and came == set(held.values()):
                got.add(("consistency_king", who))
        return got

    def elo(self) -> dict[int, float]:
        rated: dict[int, float] = defaultdict(lambda: 1000.0)
        for _, _, told in self.finished():
            if len(told.sides[0]) == 1 and max(*told.sides[0], *told.sides[1]) < MEMBERS:
                (a,), (b,) = told.sides
                assert told.score is not None
                if told.score[0] < told.score[1]:
                    a, b = b, a
                gain = 32 * (1 - 1 / (1 + 10 ** ((rated[b] - rated[a]) / 400)))
                rated[a], rated[b] = rated[a] + gain, rated[b] - gain
        return rated


def _week(day: str) -> tuple[int, int]:
    """The week by its Monday's place in the calendar."""
    one = date.fromisoformat(day)
    monday = one - timedelta(days=one.weekday())
    return monday.year, monday.timetuple().tm_yday


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("hall") / "ladder.db")


@pytest.fixture(scope="module", autouse=True)
def _store(path: Path) -> Iterator[None]:
    yield
    path.unlink()


@pytest.mark.slow
@settings(max_examples=60, phases=[Phase.generate])  # a story of months would be shrunk for minutes
@given(steps, st.sampled_from(ZONES))
def test_all_that_follows_is_what_the_bare_facts_say(path: Path, told: list[tuple[str, int]], zone: str) -> None:
    with undone(path) as conn:
        story = Story(conn, ZoneInfo(zone))
        for number in range(MEMBERS):
            story.players.append(sign_up(conn, f"Member {number}", stamp(BEGIN)).id)
        story.players += [new_guest(conn, stamp(BEGIN)).id for _ in range(GUESTS)]
        for step, number in told:
            story.tell(step, number)
        compare(story)


def compare(story: Story) -> None:
    conn = story.conn
    months = {day[:7] for who in range(MEMBERS) for day in story.days(who)} | {
        day[:7] for who in range(MEMBERS) for day, _, _ in story.outcomes(who)
    }
    points = {who: story.points(who) for who in range(MEMBERS)}
    for month in months:
        wanted = {story.players[who]: got[month] for who, got in points.items() if got.get(month)}
        assert {place.player_id: place.points for place in month_board(conn, month)} == wanted
    alltime = {story.players[who]: sum(got.values()) for who, got in points.items() if got}
    assert {place.player_id: place.points for place in hall_of_fame(conn)} == alltime
    for month in months:
        eligible = {who for who in range(MEMBERS) if story.takes_part(who, month)}
        assert set(draw_entries.eligible(conn, month)) == {story.players[who] for who in eligible}
        awarded = {(due.kind, story.players.index(due.player_id)) for due in calculate(conn, month).due}
        assert awarded == story.awards(month)
    elo = story.elo()
    today = story.now.date().isoformat()
    for who, player_id in enumerate(story.players[:MEMBERS]):
        assert rating_of(conn, player_id).elo == pytest.approx(elo[who])
        assert group_of(conn, player_id) == story.group(who)
        best = now = 0
        for _, _, won in story.outcomes(who):
            now = now + 1 if won else 0
            best = max(best, now)
        wins = streaks_of(conn, player_id, today).wins
        assert (wins.now, wins.best) == (now, best)
