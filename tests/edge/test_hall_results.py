"""Results by staff: what they rule stands over what was seen, and what they take back was as if never said."""

import pytest
from evening import Evening

from edge.clock import stamp
from edge.facts import uuid7
from edge.hall import audit
from edge.hall.game_sessions import GameSession, attending_ids, begin_evening
from edge.hall.matches import Match, get_match, went_to_hill_hill
from edge.hall.players import Player
from edge.hall.points import points_of
from edge.hall.ratings import rating_of
from edge.hall.results import Entered, ResultError, confirm, correct, enter_result, strike, take_back
from edge.hall.rulings import ruling_of
from edge.hall.streaks import streaks_of

RACK = tuple(str(n) for n in range(1, 10))


@pytest.fixture
def people(evening: Evening) -> list[Player]:
    return [evening.player(name) for name in ("Ana", "Ben", "Cleo", "Dan", "Stan")]


def begun(evening: Evening, by: Player) -> GameSession:
    with evening.store.write() as conn:
        return begin_evening(conn, evening.here, by.id)


def entered(
    evening: Evening,
    sides: tuple[tuple[Player, ...], tuple[Player, ...]],
    score: tuple[int, int],
    by: Player,
    night: GameSession | None = None,
    *,
    match_id: str | None = None,
) -> Match:
    a, b = (tuple(player.id for player in side) for side in sides)
    what = Entered(
        match_id or uuid7(),
        (a, b),
        "8-ball",
        score,
        evening.here.day,
        stamp(evening.now),
        None if night is None else night.id,
    )
    with evening.store.write() as conn:
        return enter_result(conn, what, by.id, evening.now)


def month_points(evening: Evening, player: Player) -> float:
    with evening.store.read() as conn:
        return points_of(conn, player.id, evening.here.month)


def test_a_result_counts_at_once_for_both(evening: Evening, people: list[Player]) -> None:
    ana, ben, *_, stan = people
    night = begun(evening, stan)
    match = entered(evening, ((ana,), (ben,)), (3, 1), stan, night)
    assert (match.status, match.score, match.race_to, match.won_by(ana.id)) == ("over", (3, 1), 3, True)
    # One for coming, a half for the game, and one for the win.
    assert (month_points(evening, ana), month_points(evening, ben)) == (2.5, 1.5)
    with evening.store.read() as conn:
        assert rating_of(conn, ana.id).elo == 1016
        assert set(attending_ids(conn, night.id)) == {ana.id, ben.id}


def test_the_same_result_sent_twice_is_entered_once(evening: Evening, people: list[Player]) -> None:
    ana, ben, *_, stan = people
    night, match_id = begun(evening, stan), uuid7()
    first = entered(evening, ((ana,), (ben,)), (1, 0), stan, night, match_id=match_id)
    assert entered(evening, ((ana,), (ben,)), (1, 0), stan, night, match_id=match_id) == first
    assert len(evening.rows("SELECT id FROM matches")) == len(evening.rows("SELECT id FROM rulings")) == 1
    with pytest.raises(ResultError, match="result_known"):
        entered(evening, ((ana,), (stan,)), (1, 0), stan, night, match_id=match_id)


def test_in_doubles_all_four_get_points_and_nobody_a_rating(evening: Evening, people: list[Player]) -> None:
    ana, ben, cleo, dan, stan = people
    match = entered(evening, ((ana, ben), (cleo, dan)), (0, 1), stan, begun(evening, stan))
    assert match.everybody == (ana.id, ben.id, cleo.id, dan.id)
    assert [month_points(evening, one) for one in (ana, ben, cleo, dan)] == [1.5, 1.5, 2.5, 2.5]
    with evening.store.read() as conn:
        assert [rating_of(conn, one.id).elo for one in (ana, dan)] == [1000, 1000]
        assert streaks_of(conn, dan.id, evening.here.day).wins.now == 1


def test_a_guests_game_counts_for_nobody_until_the_guest_is_somebody(
    evening: Evening, people: list[Player]
) -> None:
    ana, *_, stan = people
    entered(evening, ((ana,), (evening.guest(),)), (1, 0), stan, begun(evening, stan))
    assert month_points(evening, ana) == 1.0  # for coming


def test_what_is_corrected_stands_as_if_it_had_been_entered_so(evening: Evening, people: list[Player]) -> None:
    ana, ben, *_, stan = people
    match = entered(evening, ((ana,), (ben,)), (3, 2), stan, begun(evening, stan))
    assert match.hill_hill
    with evening.store.write() as conn:
        match = correct(conn, match.id, (2, 3), stan.id, evening.now)
        assert (match.winner, match.hill_hill) == (ben.id, True)
        assert (rating_of(conn, ana.id).elo, rating_of(conn, ben.id).elo) == (984, 1016)
    assert (month_points(evening, ana), month_points(evening, ben)) == (1.5, 2.5)


def test_what_is_taken_back_was_never_said(evening: Evening, people: list[Player]) -> None:
    ana, ben, *_, stan = people
    match = entered(evening, ((ana,), (ben,)), (1, 0), stan, begun(evening, stan))
    with evening.store.write() as conn:
        strike(conn, match.id, stan.id, evening.now)
        assert rating_of(conn, ana.id).elo == 1000
        struck = ruling_of(conn, match.id)
        assert struck is not None
        assert take_back(conn, struck.id, ben.id, evening.now).winner == ana.id
        assert rating_of(conn, ana.id).elo == 1016
        first = ruling_of(conn, match.id)
        assert first is not None
        assert take_back(conn, first.id, stan.id, evening.now).status == "abandoned"
        assert take_back(conn, first.id, stan.id, evening.now).status == "abandoned"  # twice is once
    assert (month_points(evening, ana), month_points(evening, ben)) == (1.0, 1.0)
    deeds = [row["what"] for row in evening.rows("SELECT what FROM audit WHERE subject = ?", f"match:{match.id}")]
    assert deeds == ["match.entered", "match.struck", "match.ruling_withdrawn", "match.ruling_withdrawn"]


def test_staff_stand_over_the_camera_whatever_it_sees_later(evening: Evening, people: list[Player]) -> None:
    ana, ben, *_, stan = people
    match = evening.match(ana, ben, race_to=1)
    evening.shoot("9", first="1", kind="break", on_table=RACK)
    assert evening.standing_of(match).winner == ana.id
    with evening.store.write() as conn:
        correct(conn, match.id, (0, 1), stan.id, evening.now)
    assert evening.standing_of(match).winner == ben.id
    evening.shoot("1", on_table=RACK)
    assert evening.standing_of(match).winner == ben.id
    with evening.store.write() as conn:
        ruling = ruling_of(conn, match.id)
        assert ruling is not None
        take_back(conn, ruling.id, stan.id, evening.now)
    assert evening.standing_of(match).winner == ana.id


def test_a_struck_match_of_the_table_counts_for_nothing(evening: Evening, people: list[Player]) -> None:
    ana, ben, *_, stan = people
    match = evening.match(ana, ben, race_to=1)
    evening.shoot("9", first="1", kind="break", on_table=RACK)
    with evening.store.write() as conn:
        assert strike(conn, match.id, stan.id, evening.now).status == "abandoned"
        assert rating_of(conn, ana.id).elo == 1000


def test_only_what_is_over_and_stands_as_it_was_seen_is_confirmed(evening: Evening, people: list[Player]) -> None:
    ana, ben, *_, stan = people
    match = evening.match(ana, ben, race_to=1)
    with evening.store.write() as conn, pytest.raises(ResultError, match="result_open"):
        confirm(conn, match.id, (1, 0), stan.id, evening.now)
    evening.shoot("9", first="1", kind="break", on_table=RACK)
    with evening.store.write() as conn:
        with pytest.raises(ResultError, match="result_changed"):
            confirm(conn, match.id, (0, 1), stan.id, evening.now)
        confirm(conn, match.id, (1, 0), stan.id, evening.now)
        confirm(conn, match.id, (1, 0), stan.id, evening.now)
        assert [deed.what for deed in audit.about(conn, f"match:{match.id}")] == ["match.confirmed"]


@pytest.mark.parametrize(
    ("racks", "given_to", "ruled"), [((0, 0), 1, (0, 3)), ((1, 0), 1, (1, 3)), ((1, 0), 0, (1, 0))]
)
def test_a_match_given_at_the_table_is_confirmed_for_whom_it_was_given_to(
    evening: Evening, people: list[Player], racks: tuple[int, int], given_to: int, ruled: tuple[int, int]
) -> None:
    ana, ben, *_, stan = people
    match = evening.match(ana, ben, race_to=3)
    for _ in range(racks[0]):
        evening.say("rack", side=0)
    evening.say("end", side=given_to)
    with evening.store.write() as conn:
        over = get_match(conn, match.id)
        assert over is not None
        assert (over.score, over.winner) == (racks, (ana, ben)[given_to].id)
        confirmed = confirm(conn, match.id, racks, stan.id, evening.now)
        assert (confirmed.score, confirmed.winner) == (ruled, over.winner)
        ruling = ruling_of(conn, match.id)
        assert ruling is not None
        undone = take_back(conn, ruling.id, stan.id, evening.now)
        assert (undone.score, undone.winner) == (over.score, over.winner)


@pytest.mark.parametrize("score", [(0, 0), (3, 3), (-1, 2), (201, 0)])
def test_no_score_that_nobody_can_have(evening: Evening, people: list[Player], score: tuple[int, int]) -> None:
    ana, ben, *_, stan = people
    with pytest.raises(ResultError, match="result_score"):
        entered(evening, ((ana,), (ben,)), score, stan)


def test_no_sides_that_can_not_play(evening: Evening, people: list[Player]) -> None:
    ana, ben, cleo, *_, stan = people
    for sides in (((ana,), (ana,)), ((ana, ben), (cleo,)), ((ana, ben), (cleo, ana)), ((ana, ben, cleo), (stan,))):
        with pytest.raises(ResultError, match="result_sides"):
            entered(evening, sides, (1, 0), stan)


def test_a_race_that_went_to_the_last_rack_was_hill_hill(evening: Evening, people: list[Player]) -> None:
    ana, ben, *_ = people
    match = evening.match(ana, ben, race_to=2)
    for side in (0, 1, 0):
        evening.say("rack", side=side)
    assert evening.standing_of(match).status == "over"
    assert evening.standing_of(match).hill_hill
    assert not went_to_hill_hill("9-ball", 5, (3, 2))  # given up
    assert not went_to_hill_hill("straight pool", 50, (50, 49))
    assert not went_to_hill_hill("9-ball", 1, (1, 0))
