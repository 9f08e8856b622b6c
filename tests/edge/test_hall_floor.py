"""What staff do at the tables: every deed can be taken back, and no page that is out of date does harm."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from counter_hall import Counter
from hypothesis import given
from hypothesis import strategies as st

from edge.hall import audit, clocks, floor, table_setup, tables
from edge.hall.clocks import bill
from edge.hall.errors import HallError
from edge.hall.glance import look_at, look_round
from edge.hall.matches import get_match
from edge.hall.players import Player
from edge.hall.points import points_of
from edge.hall.sessions import get_session, open_sessions
from edge.hall.sitting import leave_table
from edge.hall.table_setup import Wish
from edge.hall.undoing import can_undo, undo

GUEST = None


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    made = Counter(tmp_path)
    yield made
    made.close()


@pytest.fixture
def ana(counter: Counter) -> Player:
    return counter.player("Ana")


@pytest.fixture
def ben(counter: Counter) -> Player:
    return counter.player("Ben")


def test_practice_match_and_clock_alone_begin_at_a_free_table(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id, place=0, clock=False)
    counter.start(ben.id, GUEST, place=1)
    counter.start(place=2)
    with counter.store.read() as conn:
        a, b, c = look_round(conn)
    assert ([p.name for p in a.players], a.clock) == (["Ana"], None)
    assert [p.name for p in b.players] == ["Ben", "Guest"]
    assert b.clock is not None
    assert b.sitting.match is not None
    assert (b.sitting.match.game, b.sitting.match.race_to) == ("9-ball", 3)
    assert (c.players, c.state) == ([], "play")


def test_two_guests_are_told_apart(counter: Counter) -> None:
    counter.start(GUEST, GUEST)
    assert [player.name for player in counter.seen().players] == ["Guest", "Guest 2"]


def test_of_two_who_start_at_one_table_one_is_told_that_it_is_taken(
    counter: Counter, ana: Player, ben: Player
) -> None:
    counter.start(ana.id)
    counter.refuses("table_taken", lambda: counter.start(ben.id))
    counter.refuses("table_taken", lambda: counter.start(GUEST))
    counter.refuses("table_taken", counter.start)
    assert [player.name for player in counter.seen().players] == ["Ana"]
    assert counter.rows("SELECT count(*) AS n FROM players WHERE guest")[0]["n"] == 0  # nobody was made up


def test_a_start_that_is_sent_twice_is_one(counter: Counter, ana: Player) -> None:
    assert counter.start(ana.id, GUEST, once="0192-once")
    assert not counter.start(ana.id, GUEST, once="0192-once")
    assert counter.rows("SELECT count(*) AS n FROM sessions")[0]["n"] == 2


def test_nobody_plays_at_two_tables(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id)
    counter.refuses("table_player_elsewhere", lambda: counter.start(ana.id, place=1))
    counter.refuses("table_player_elsewhere", lambda: counter.start(ben.id, ana.id, place=1))
    counter.refuses("table_two_alike", lambda: counter.start(ben.id, ben.id, place=1))
    counter.refuses("table_nobody", lambda: counter.start("no such player", place=1))
    counter.refuses("table_nobody", lambda: counter.start(place=1, clock=False))


def test_who_joins_begins_a_match_and_the_clock_goes_on(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id)
    clock = counter.seen().clock
    counter.wait(600)
    counter.join(ben.id)
    seen = counter.seen()
    assert [player.name for player in seen.players] == ["Ana", "Ben"]
    assert seen.clock == clock
    counter.refuses("table_changed", lambda: counter.join(GUEST))
    counter.undo()
    seen = counter.seen()
    assert [player.name for player in seen.players] == ["Ana"]
    assert seen.sitting.match is None
    assert seen.since is not None
    assert counter.now - seen.since == timedelta(seconds=600)
    assert seen.clock == clock


def test_who_joins_one_who_has_shot_is_undone_as_well(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id)
    counter.shoot("1")
    practice = counter.seen().sitting.sessions[0]
    counter.join(ben.id)
    assert counter.session(practice.id).end_reason == "next"
    counter.undo()
    assert [session.id for session in counter.seen().sitting.sessions] == [practice.id]


def test_a_start_by_mistake_is_undone_until_a_ball_is_struck(counter: Counter, ana: Player) -> None:
    counter.start(ana.id)
    counter.undo()
    assert counter.seen().state == "free"
    with counter.store.read() as conn:
        assert clocks.clocks_of(conn, counter.here.day) == []
    counter.start(ana.id)
    counter.shoot("1")
    counter.refuses("undo_too_late", counter.undo)


def test_a_stop_ends_sitting_and_clock_and_says_the_price(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id, ben.id)
    counter.wait(3600)
    clock = counter.stop()
    assert clock is not None
    assert bill(clock, counter.now).cents == 1200
    assert counter.seen().state == "free"
    sessions = counter.rows("SELECT end_reason FROM sessions")
    assert [row["end_reason"] for row in sessions] == ["staff", "staff"]
    assert counter.stop(mark="whatever") is None  # sent twice


def test_a_stop_for_others_than_the_page_showed_is_refused(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id)
    mark = counter.seen().mark
    counter.stop()
    counter.start(ben.id)
    counter.refuses("table_changed", lambda: counter.stop(mark=mark))
    counter.refuses("table_changed", lambda: counter.move(0, 1, mark=mark))
    assert [player.name for player in counter.seen().players] == ["Ben"]


def test_a_stop_is_undone_with_its_match_as_it_stood(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id, ben.id)
    counter.say("rack", side=0)
    before = counter.seen()
    points = {p.id: _points(counter, p) for p in (ana, ben)}
    counter.wait(600)
    counter.stop()
    assert before.sitting.match is not None
    assert counter.standing_of(before.sitting.match).status == "abandoned"
    counter.undo()
    after = counter.seen()
    assert after.mark == before.mark
    assert after.sitting.match is not None
    assert (after.sitting.match.status, after.sitting.match.score) == ("open", before.sitting.match.score)
    assert after.sitting.match.ended_at is None
    assert after.clock == before.clock
    assert {p.id: _points(counter, p) for p in (ana, ben)} == points
    counter.say("rack", side=0)
    counter.say("rack", side=0)
    match = counter.standing_of(before.sitting.match)
    assert (match.status, match.winner) == ("over", ana.id)


def test_a_stop_of_a_match_that_was_over_leaves_it_over(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id, ben.id)
    for _ in range(3):
        counter.say("rack", side=1)
    match = counter.seen().sitting.match
    assert match is not None
    counter.stop()
    counter.undo()
    assert counter.standing_of(match) == match
    assert counter.seen().sitting.taken


def test_a_stop_is_not_undone_once_table_or_player_is_taken(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id)
    counter.stop()
    with counter.store.read() as conn:
        deed = audit.latest_of(conn, counter.tess.id)
    assert deed is not None

    def take_back() -> None:
        counter.do(undo, deed.id, counter.tess.id, counter.now)

    counter.start(ben.id)
    counter.refuses("undo_too_late", take_back)
    counter.stop()
    counter.start(ana.id, place=1)
    counter.refuses("undo_too_late", take_back)
    counter.stop(1)
    counter.wait(3 * 3600)
    counter.refuses("undo_too_late", take_back)
    counter.wait(-3 * 3600)
    take_back()
    assert [player.name for player in counter.seen().players] == ["Ana"]
    with counter.store.read() as conn:
        assert not can_undo(conn, deed)


def test_a_stop_is_undone_at_a_table_that_is_called_otherwise_by_now(counter: Counter, ana: Player) -> None:
    counter.start(ana.id)
    counter.stop()
    with counter.store.read() as conn:
        deed = audit.latest_of(conn, counter.tess.id)
    assert deed is not None
    counter.do(table_setup.change_table, counter.table(0), Wish("Window", "9ft"), counter.tess.id, counter.now)
    counter.do(undo, deed.id, counter.tess.id, counter.now)
    seen = counter.seen()
    assert [player.name for player in seen.players] == ["Ana"]
    assert seen.clock is not None
    assert seen.clock.table_label == "Window"


def test_sitting_and_clock_move_together_and_back(counter: Counter, ana: Player, ben: Player) -> None:
    dear = counter.add("Snooker", "snooker", 2400)
    counter.tables.append(dear)
    counter.start(ana.id, ben.id)
    before = counter.seen()
    counter.wait(1800)
    counter.move(0, 3)
    assert counter.seen(0).state == "free"
    moved = counter.seen(3)
    assert [player.name for player in moved.players] == ["Ana", "Ben"]
    assert moved.clock is not None
    assert bill(moved.clock, counter.now + timedelta(minutes=30)).cents == 600 + 1200
    counter.undo()
    assert counter.seen(3).state == "free"
    after = counter.seen(0)
    assert (after.mark, after.clock) == (before.mark, before.clock)


def test_a_move_wants_a_free_table(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id)
    counter.start(ben.id, place=1, clock=False)
    counter.start(place=2)
    counter.refuses("table_taken", lambda: counter.move(0, 1))
    counter.refuses("table_taken", lambda: counter.move(0, 2))
    counter.refuses("table_taken", lambda: counter.move(0, 0))
    counter.stop(1)
    counter.refuses("table_changed", lambda: counter.move(1, 1))


def test_who_checked_in_by_themselves_get_a_clock_from_their_check_in_or_from_now(
    counter: Counter, ana: Player
) -> None:
    counter.refuses(
        "table_changed",
        lambda: counter.do(floor.start_clock, counter.table(0), counter.hand, from_check_in=True),
    )
    counter.practise(ana)
    assert (counter.seen().state, counter.seen().clock) == ("play", None)
    counter.wait(900)
    counter.do(floor.start_clock, counter.table(0), counter.hand, from_check_in=True)
    counter.do(floor.start_clock, counter.table(0), counter.hand, from_check_in=False)  # it runs already
    clock = counter.seen().clock
    assert clock is not None
    assert bill(clock, counter.now).minutes == 15
    counter.undo()
    counter.do(floor.start_clock, counter.table(0), counter.hand, from_check_in=False)
    clock = counter.seen().clock
    assert clock is not None
    assert bill(clock, counter.now).minutes == 0


def test_the_clock_of_those_who_left_is_nobody_elses(counter: Counter, ana: Player, ben: Player) -> None:
    counter.start(ana.id)
    counter.wait(600)
    counter.leave()
    seen = counter.seen()
    assert (seen.state, seen.left_at) == ("left", counter.now)
    counter.refuses("table_clock_runs", lambda: counter.start(ben.id))
    assert counter.stop() is not None
    counter.start(ben.id)
    assert counter.seen().state == "play"


def test_players_check_in_to_a_clock_that_runs(counter: Counter, ana: Player) -> None:
    counter.start()
    clock = counter.seen().clock
    counter.wait(300)
    counter.start(ana.id)
    assert counter.seen().clock == clock
    counter.undo()
    assert (counter.seen().clock, counter.seen().sitting.taken) == (clock, False)


def test_every_deed_on_a_clock_is_undone(counter: Counter, ana: Player) -> None:
    counter.start(ana.id)
    counter.wait(1800)

    def clock() -> clocks.Clock:
        found = counter.seen().clock
        if found is None:
            with counter.store.read() as conn:
                found = clocks.clocks_of(conn, counter.here.day)[0]
        return found

    before = clock()
    counter.do(floor.waive_clock, clock(), counter.hand, waived=True)
    assert bill(clock(), counter.now).cents == 0
    counter.undo()
    assert clock() == before
    counter.do(floor.correct_clock, clock(), "start", before.from_when - timedelta(minutes=30), counter.hand)
    assert bill(clock(), counter.now).cents == 1200
    counter.undo()
    assert clock() == before
    counter.do(floor.stop_clock, clock(), counter.hand)
    stopped = clock()
    assert counter.seen().state == "play"
    counter.wait(60)
    counter.do(floor.resume_clock, clock(), counter.hand)
    assert clock() == before
    counter.undo()
    assert clock() == stopped
    counter.do(floor.correct_clock, clock(), "end", counter.now - timedelta(minutes=10), counter.hand)
    counter.undo()
    assert clock() == stopped


# Whatever staff do in whatever order, one table has one sitting and one clock, and nobody sits at two.

deeds = st.lists(
    st.tuples(
        st.sampled_from(["start", "match", "clock", "join", "stop", "move", "undo", "leave"]),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=14,
)


@given(deeds)
def test_nothing_that_staff_do_mixes_tables_up(hall: Counter, history: list[tuple[str, int, int, int]]) -> None:
    for what, place, other, who in history:
        hall.wait(60)
        with suppress(HallError):
            _act(hall, what, place, other, who)
        with hall.store.read() as conn:
            here = open_sessions(conn)
            assert len({session.player_id for session in here}) == len(here)
            running = clocks.running_clocks(conn)
            assert len({clock.table_label for clock in running}) == len(running)
            for table in tables.hall_tables(conn):
                sitting = look_at(conn, table).sitting
                assert len(sitting.sessions) <= 2
                matches = {session.match_id for session in sitting.sessions}
                assert len(matches) <= 1
                for match_id in matches - {None}:
                    match = get_match(conn, str(match_id))
                    assert match is not None
                    assert (match.status, match.table_label) == ("open", table.label)
                    assert {session.player_id for session in sitting.sessions} == set(match.players)
    for place in range(3):
        hall.stop(place)
    with hall.store.read() as conn:
        assert open_sessions(conn) == []
        assert clocks.running_clocks(conn) == []
        assert all(get_session(conn, row["id"]) for row in conn.execute("SELECT id FROM sessions"))


def _act(hall: Counter, what: str, place: int, other: int, who: int) -> None:
    people = [hall.tess, *hall.people]
    player, second = people[who].id, people[(who + 1) % 3].id
    acts: dict[str, Callable[[], object]] = {
        "start": lambda: hall.start(player, place=place),
        "match": lambda: hall.start(player, second, place=place),
        "clock": lambda: hall.start(place=place),
        "join": lambda: hall.join(player, place),
        "stop": lambda: hall.stop(place),
        "move": lambda: hall.move(place, other),
        "undo": hall.undo,
        "leave": lambda: hall.do(leave_table, f"Table {place + 1}", hall.now, "player", hall.now),
    }
    acts[what]()


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """One hall for all examples, each of which leaves its tables free."""
    made = Counter(tmp_path_factory.mktemp("hall"))
    made.people = [made.player("Ana"), made.player("Ben")]
    yield made
    made.close()


def _points(counter: Counter, player: Player) -> float:
    with counter.store.read() as conn:
        return points_of(conn, player.id, counter.here.month)
