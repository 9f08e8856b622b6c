"""Ladders: a win against somebody above takes that place, staff's word makes it final, all can be undone."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hall_facts import erase, make_store, put_players
from ladder_hall import BEGIN, Hall, ladder_of_six, refused

from edge.clock import stamp
from edge.hall import audit, ladders
from edge.hall.ladders import Terms
from edge.hall.ladders.undo import UNDO
from edge.hall.rulings import withdraw_ruling


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("ladders") / "ladder.db", ladders.migrations)


@pytest.fixture
def hall(path: Path) -> Iterator[Hall]:
    with ladder_of_six(path) as hall:
        yield hall


def test_a_win_against_somebody_above_takes_the_place_and_those_between_go_down(hall: Hall) -> None:
    hall.play(4, 1)
    assert hall.order() == [0, 4, 1, 2, 3, 5]


def test_a_win_against_somebody_below_changes_no_place(hall: Hall) -> None:
    hall.play(1, 4)
    assert hall.order() == [0, 1, 2, 3, 4, 5]
    assert (hall.row(1).played, hall.row(1).won, hall.row(4).lost) == (1, 1, 1)


def test_who_has_moved_and_when_is_told_of_everybody_whose_place_changed(hall: Hall) -> None:
    before = hall.row(0).moved_at
    hall.play(3, 1)
    moved = hall.at
    assert [hall.row(n).moved_at for n in range(6)] == [before, moved, moved, moved, before, before]


def test_by_how_many_places_somebody_moved_last_is_told_and_who_has_come_has_not_moved(hall: Hall) -> None:
    assert [hall.row(n).moved for n in range(6)] == [0] * 6
    hall.play(3, 1)
    assert [hall.row(n).moved for n in range(6)] == [0, -1, -1, 2, 0, 0]
    hall.wait(minutes=1)
    ladders.place_member(hall.conn, hall.low, hall.players[0], hall.staff, hall.at)
    assert [hall.row(n).moved for n in range(6)] == [0, 1, 1, 1, 1, 1]


def test_streaks_are_wins_in_a_row_on_this_ladder(hall: Hall) -> None:
    for score in ((5, 0), (5, 1), (5, 4), (2, 5), (5, 3)):
        hall.play(1, 0, score)
    assert (hall.row(1).streak, hall.row(1).best_streak, hall.row(1).played) == (1, 3, 5)
    hall.end(hall.begin(1, 0))  # for no ladder
    assert hall.row(1).played == 5


def test_a_match_moves_at_once_and_stays_provisional_until_staff_confirm_it(hall: Hall) -> None:
    match_id = hall.play(2, 1, (5, 3))
    assert hall.order()[:3] == [0, 2, 1]
    assert [hall.row(n).provisional for n in (0, 1, 2, 3)] == [False, True, True, False]
    (waiting,) = ladders.to_confirm(hall.conn)
    assert (waiting.match_id, waiting.score, waiting.place_before, waiting.place_after) == (match_id, (5, 3), 3, 2)
    assert waiting.names == ("Player 0002", "Player 0001")
    assert ladders.ladder_outcomes(hall.conn, hall.players[2]) == ()
    ruling = hall.confirm(match_id)
    assert ladders.to_confirm(hall.conn) == []
    assert not any(hall.row(n).provisional for n in range(6))
    assert ladders.ladder_outcomes(hall.conn, hall.players[2]) == (True,)
    assert ladders.ladder_outcomes(hall.conn, hall.players[1]) == (False,)
    withdraw_ruling(hall.conn, ruling, hall.staff, hall.at)
    ladders.settle_match(hall.conn, match_id)
    assert [match.match_id for match in ladders.to_confirm(hall.conn)] == [match_id]


def test_a_place_that_is_the_same_without_the_unconfirmed_matches_rests_on_none(hall: Hall) -> None:
    hall.play(1, 0)
    hall.play(0, 1)
    assert hall.order() == [0, 1, 2, 3, 4, 5]
    assert not hall.row(0).provisional


def test_what_is_to_be_confirmed_comes_oldest_first(hall: Hall) -> None:
    played = [hall.play(2, 1), hall.play(4, 3), hall.play(5, 0)]
    hall.confirm(played.pop(1))
    assert [match.match_id for match in ladders.to_confirm(hall.conn)] == played


def test_a_corrected_or_struck_match_makes_everything_after_it_anew(hall: Hall) -> None:
    first = hall.play(5, 0)
    hall.play(1, 0)
    assert hall.order() == [5, 1, 0, 2, 3, 4]
    hall.correct(first, (3, 5))
    assert hall.order() == [1, 0, 2, 3, 4, 5]
    hall.strike(first)
    assert hall.order() == [1, 0, 2, 3, 4, 5]
    assert hall.row(5).played == 0
    hall.correct(first, (5, 0))
    assert hall.row(5).played == 1


def test_only_two_of_one_division_play_for_a_ladder(hall: Hall) -> None:
    ladders.place_member(hall.conn, hall.low, hall.players[5], hall.staff, hall.at)
    match_id = hall.begin(5, 0)
    with refused("ladder_match_members"):
        ladders.put_on_ladder(hall.conn, match_id, hall.ladder.id, None, hall.at)
    hall.end(match_id)
    with refused("ladder_match_members"):
        ladders.put_on_ladder(hall.conn, match_id, hall.ladder.id, hall.staff, hall.at, staff=True)


def test_staff_put_an_old_match_on_a_ladder_by_who_was_a_member_when_it_ended(hall: Hall) -> None:
    old = hall.end(hall.begin(3, 1))
    hall.wait(minutes=1)
    ladders.remove_member(hall.conn, hall.ladder.id, hall.players[1], hall.staff, hall.at)
    late = hall.end(hall.begin(3, 1))
    with refused("ladder_match_members"):
        ladders.put_on_ladder(hall.conn, late, hall.ladder.id, hall.staff, hall.at, staff=True)
    ladders.put_on_ladder(hall.conn, old, hall.ladder.id, hall.staff, hall.at, staff=True)
    assert hall.order() == [0, 3, 2, 4, 5]


def test_who_left_while_a_match_went_on_plays_for_no_place(hall: Hall) -> None:
    match_id = hall.begin(3, 0)
    ladders.put_on_ladder(hall.conn, match_id, hall.ladder.id, None, hall.at)
    ladders.remove_member(hall.conn, hall.ladder.id, hall.players[0], hall.staff, hall.at)
    hall.end(match_id)
    assert hall.order() == [1, 2, 3, 4, 5]
    assert hall.row(3).played == 0
    ladders.withdraw_event(hall.conn, hall.last_event(), hall.staff, hall.at)
    assert hall.order() == [3, 0, 1, 2, 4, 5], "they never left"


def test_staff_put_members_at_a_place_or_the_end_and_take_them_off(hall: Hall) -> None:
    hall.wait(minutes=1)
    ladders.add_members(hall.conn, hall.top, [hall.players[6]], hall.staff, hall.at)
    ladders.place_member(hall.conn, hall.top, hall.players[6], hall.staff, hall.at, place=2)
    assert hall.order() == [0, 6, 1, 2, 3, 4, 5]
    ladders.place_member(hall.conn, hall.top, hall.players[0], hall.staff, hall.at, place=99)
    assert hall.order() == [6, 1, 2, 3, 4, 5, 0]
    ladders.place_member(hall.conn, hall.low, hall.players[3], hall.staff, hall.at)
    ladders.remove_member(hall.conn, hall.ladder.id, hall.players[6], hall.staff, hall.at)
    assert (hall.order(), hall.order(hall.low)) == ([1, 2, 4, 5, 0], [3])
    ladders.add_members(hall.conn, hall.top, [hall.players[3], hall.players[6]], hall.staff, hall.at)
    assert (hall.order(), hall.order(hall.low)) == ([1, 2, 4, 5, 0, 6], [3])
    ladders.place_member(hall.conn, hall.top, hall.players[2], hall.staff, hall.at, place=1)
    before = [hall.row(n).moved_at for n in range(7)]
    hall.wait(minutes=1)
    ladders.place_member(hall.conn, hall.top, hall.players[2], hall.staff, hall.at, place=1)
    assert [hall.row(n).moved_at for n in range(7)] == before
    told = {deed.what for deed in audit.about(hall.conn, f"ladder:{hall.ladder.id}")}
    assert told == {"ladder.made", "ladder.placed", "ladder.left"}


def test_guests_and_former_players_are_no_members(hall: Hall) -> None:
    guest = put_players(hall.conn, 0, guests=1)[0]
    erase(hall.conn, hall.players[6])
    for player in (guest, hall.players[6], "nobody"):
        with refused("ladder_player"):
            ladders.add_members(hall.conn, hall.top, [player], hall.staff, hall.at)


def test_undoing_a_move_puts_everybody_back(hall: Hall) -> None:
    hall.wait(minutes=1)
    ladders.place_member(hall.conn, hall.top, hall.players[5], hall.staff, hall.at, place=1)
    event = hall.last_event()
    hall.play(2, 1)
    ladders.withdraw_event(hall.conn, event, hall.staff, hall.at)
    assert hall.order() == [0, 2, 1, 3, 4, 5]
    ladders.withdraw_event(hall.conn, event, hall.staff, hall.at)
    assert [event["withdrawn_at"] is not None for event in hall.events()[:2]] == [True, False]


def test_undoing_says_for_whom_other_matches_count(hall: Hall) -> None:
    ladders.add_members(hall.conn, hall.top, [hall.players[6]], hall.staff, hall.at)
    joined = hall.last_event()
    hall.confirm(hall.play(6, 5))
    assert ladders.ladder_outcomes(hall.conn, hall.players[6]) == (True,)
    changed = ladders.withdraw_event(hall.conn, joined, hall.staff, hall.at)
    assert changed == {hall.players[5], hall.players[6]}
    assert ladders.ladder_outcomes(hall.conn, hall.players[5]) == ()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ladder_events SET place = 1",
        "DELETE FROM ladder_events",
        "UPDATE ladder_matches SET ladder_id = NULL",
    ],
)
def test_what_happened_is_never_edited(hall: Hall, change: str) -> None:
    hall.play(1, 0)
    with pytest.raises(sqlite3.IntegrityError, match="withdrawn, never"):
        hall.conn.execute(change)


def test_players_say_before_the_first_rack_that_a_match_counts(hall: Hall) -> None:
    other = ladders.create_ladder(
        hall.conn, Terms("Nines", "9-ball", race_to=7), ["One"], hall.staff, stamp(BEGIN)
    )
    ladders.add_members(hall.conn, other.divisions[0].id, hall.players[:2], hall.staff, stamp(BEGIN))
    pair = (hall.players[0], hall.players[1])
    assert [found.name for found in ladders.ladders_for(hall.conn, pair, "9-ball", 7)] == ["House ladder", "Nines"]
    assert [found.name for found in ladders.ladders_for(hall.conn, pair, "8-ball", 7)] == ["House ladder"]
    assert ladders.ladders_for(hall.conn, (pair[0], hall.players[6]), "8-ball", 7) == []
    for game, race_to in (("8-ball", 7), ("9-ball", 6)):
        with refused("ladder_match_terms"):
            ladders.put_on_ladder(hall.conn, hall.begin(0, 1, game=game, race_to=race_to), other.id, None, hall.at)
    match_id = hall.begin(1, 0, game="9-ball", race_to=7)
    hall.conn.execute("UPDATE matches SET score_a = 1 WHERE id = ?", [match_id])
    with refused("ladder_match_begun"):
        ladders.put_on_ladder(hall.conn, match_id, other.id, None, hall.at)
    hall.end(match_id)
    with refused("ladder_match_begun"):
        ladders.put_on_ladder(hall.conn, match_id, other.id, None, hall.at)
    ladders.put_on_ladder(hall.conn, match_id, other.id, hall.staff, hall.at, staff=True)
    assert [s.name for s in ladders.standings(hall.conn, other.id, other.divisions[0].id)] == [
        "Player 0001",
        "Player 0000",
    ]
    assert hall.order()[:2] == [0, 1]


def test_staff_move_a_match_to_another_ladder_or_to_none(hall: Hall) -> None:
    other = ladders.create_ladder(hall.conn, Terms("Other"), ["One"], hall.staff, stamp(BEGIN))
    ladders.add_members(hall.conn, other.divisions[0].id, hall.players[:2], hall.staff, stamp(BEGIN))

    def on_other() -> list[int]:
        rows = ladders.standings(hall.conn, other.id, other.divisions[0].id)
        return [hall.players.index(row.player_id) for row in rows]

    match_id = hall.play(1, 0)
    assert hall.counts_for(match_id) == hall.ladder.id
    ladders.put_on_ladder(hall.conn, match_id, other.id, hall.staff, hall.at, staff=True)
    assert (hall.order()[:2], on_other()) == ([0, 1], [1, 0])
    ladders.put_on_ladder(hall.conn, match_id, hall.ladder.id, hall.staff, hall.at, staff=True)
    assert (hall.order()[:2], on_other()) == ([1, 0], [0, 1])
    ladders.put_on_ladder(hall.conn, match_id, None, hall.staff, hall.at, staff=True)
    assert (hall.order()[:2], on_other()) == ([0, 1], [0, 1])
    assert ladders.to_confirm(hall.conn) == []
    again = hall.begin(1, 0)
    ladders.put_on_ladder(hall.conn, again, None, hall.staff, hall.at, staff=True)
    with refused("ladder_match_decided"):
        ladders.put_on_ladder(hall.conn, again, other.id, None, hall.at)


def test_what_staff_do_is_undone_by_its_line_of_the_audit(hall: Hall) -> None:
    def undo(what: str) -> None:
        (deed,) = (d for d in audit.recent(hall.conn, 1) if d.what == what)
        UNDO[what](hall.conn, deed, hall.staff, hall.now)

    ladders.add_members(hall.conn, hall.top, [hall.players[6]], hall.staff, hall.at)
    hall.wait(minutes=1)
    ladders.place_member(hall.conn, hall.top, hall.players[6], hall.staff, hall.at, place=1)
    undo("ladder.placed")
    assert hall.order() == [0, 1, 2, 3, 4, 5, 6]
    ladders.remove_member(hall.conn, hall.ladder.id, hall.players[6], hall.staff, hall.at)
    ladders.add_members(hall.conn, hall.top, [hall.players[6]], hall.staff, hall.at)
    undo("ladder.placed")
    assert hall.order() == [0, 1, 2, 3, 4, 5]
    hall.wait(minutes=1)
    ladders.remove_member(hall.conn, hall.ladder.id, hall.players[0], hall.staff, hall.at)
    undo("ladder.left")
    assert hall.order() == [0, 1, 2, 3, 4, 5]
    given = hall.challenge(1, 0)
    ladders.give_win(hall.conn, given.id, hall.players[1], hall.staff, hall.at)
    undo("challenge.given")
    assert (hall.state(given), hall.order()[:2]) == ("open", [0, 1])
    match_id = hall.play(2, 1)
    changed = ladders.put_on_ladder(hall.conn, match_id, None, hall.staff, hall.at, staff=True)
    assert changed == {hall.players[1], hall.players[2]}
    assert hall.order()[:3] == [0, 1, 2]
    undo("ladder.match_put")
    assert hall.order()[:3] == [0, 2, 1], "what the players said holds again"
    ladders.close_ladder(hall.conn, hall.ladder.id, hall.staff, hall.at)
    undo("ladder.closed")
    assert ladders.get_ladder(hall.conn, hall.ladder.id).closed_at is None


def test_a_closed_ladder_stands_still_and_goes_on_when_it_is_opened_again(hall: Hall) -> None:
    waiting = hall.challenge(5, 4)
    match_id = hall.begin(1, 0)
    ladders.put_on_ladder(hall.conn, match_id, hall.ladder.id, None, hall.at)
    ladders.close_ladder(hall.conn, hall.ladder.id, hall.staff, hall.at)
    hall.end(match_id)
    assert hall.order()[:2] == [0, 1]
    assert hall.state(waiting) == "called_off"
    assert ladders.my_ladders(hall.conn, hall.players[0]) == []
    assert ([x.name for x in ladders.ladders(hall.conn)], len(ladders.ladders(hall.conn, closed=True))) == ([], 1)
    for act in (
        lambda: hall.challenge(5, 4),
        lambda: hall.play(3, 2),
        lambda: ladders.add_members(hall.conn, hall.top, [hall.players[6]], hall.staff, hall.at),
        lambda: ladders.remove_member(hall.conn, hall.ladder.id, hall.players[0], hall.staff, hall.at),
        lambda: ladders.withdraw_event(hall.conn, hall.last_event(), hall.staff, hall.at),
    ):
        with refused("ladder_closed"):
            act()
    ladders.reopen_ladder(hall.conn, hall.ladder.id, hall.staff, hall.at)
    assert hall.order()[:2] == [1, 0]


@pytest.mark.parametrize(
    ("terms", "key"),
    [
        (Terms("x"), "ladder_name_length"),
        (Terms("x" * 41), "ladder_name_length"),
        (Terms("The B-Team"), "ladder_name_refused"),
        (Terms("--"), "ladder_name_refused"),
        (Terms("Bell\x07"), "ladder_name_refused"),
        (Terms("house  LADDER"), "ladder_name_taken"),
        (Terms("Good", "darts"), "ladder_game"),
        (Terms("Good", race_to=0), "ladder_race"),
        (Terms("Good", race_to=26), "ladder_race"),
        (Terms("Good", "straight pool", race_to=201), "ladder_race"),
        (Terms("Good", challenge_range=0), "ladder_range"),
        (Terms("Good", challenge_days=91), "ladder_days"),
    ],
)
def test_terms_that_can_not_be_are_refused(hall: Hall, terms: Terms, key: str) -> None:
    with refused(key):
        ladders.create_ladder(hall.conn, terms, ["One"], hall.staff, hall.at)
    fallback = ladders.create_ladder(
        hall.conn, Terms("Straight", "straight pool", 100), ["One"], hall.staff, hall.at
    )
    with refused(key):
        ladders.change_terms(hall.conn, fallback.id, terms, hall.staff, hall.at)


def test_divisions_are_in_order_named_and_at_least_one(hall: Hall) -> None:
    conn, staff = hall.conn, hall.staff
    for names, key in (
        ([], "division_last"),
        (["A1", "a1"], "division_name_taken"),
        (["Weak"], "ladder_name_refused"),
    ):
        with refused(key):
            ladders.create_ladder(conn, Terms("Another"), names, staff, hall.at)
    ladders.add_division(conn, hall.ladder.id, "Platinum", staff, hall.at, above=hall.top)
    bronze = ladders.add_division(conn, hall.ladder.id, "Bronze", staff, hall.at)
    ladders.rename_division(conn, bronze.id, "Copper", staff, hall.at)
    with refused("division_name_taken"):
        ladders.rename_division(conn, bronze.id, "gold", staff, hall.at)
    names = [division.name for division in ladders.get_ladder(conn, hall.ladder.id).divisions]
    assert names == ["Platinum", "Gold", "Silver", "Copper"]
    with refused("division_in_use"):
        ladders.remove_division(conn, hall.top, staff, hall.at)
    ladders.remove_division(conn, hall.low, staff, hall.at)
    with refused("division_unknown"):
        ladders.add_members(conn, hall.low, [hall.players[6]], staff, hall.at)


def test_a_removed_division_is_there_again_when_undoing_puts_somebody_back(hall: Hall) -> None:
    ladders.add_members(hall.conn, hall.low, [hall.players[6]], hall.staff, hall.at)
    hall.wait(minutes=1)
    ladders.remove_member(hall.conn, hall.ladder.id, hall.players[6], hall.staff, hall.at)
    ladders.remove_division(hall.conn, hall.low, hall.staff, hall.at)
    ladders.withdraw_event(hall.conn, hall.last_event(), hall.staff, hall.at)
    assert [d.name for d in ladders.get_ladder(hall.conn, hall.ladder.id).divisions] == ["Gold", "Silver"]
    assert ladders.my_ladders(hall.conn, hall.players[6])[0].division.name == "Silver"


def test_an_erased_player_leaves_and_the_records_of_others_stay(hall: Hall) -> None:
    hall.confirm(hall.play(3, 0))
    waiting = hall.challenge(4, 2)
    had = hall.challenge(2, 0)
    erase(hall.conn, hall.players[0])
    hall.conn.execute("UPDATE players SET erased = ? WHERE erased IS NOT NULL", [hall.at])
    for _ in range(2):
        ladders.forget(hall.conn, hall.players[0])
    assert hall.order() == [3, 1, 2, 4, 5]
    assert (hall.row(3).won, ladders.ladder_outcomes(hall.conn, hall.players[3])) == (1, (True,))
    assert (hall.state(waiting), hall.state(had)) == ("open", "called_off")
    ladders.settle_ladder(hall.conn, hall.ladder.id)
    assert hall.order() == [3, 1, 2, 4, 5]
    with refused("ladder_player"):
        ladders.withdraw_event(hall.conn, hall.last_event(), hall.staff, hall.at)
    ladders.forget(hall.conn, hall.players[1])
    assert hall.order() == [3, 1, 2, 4, 5], "only who was erased is forgotten"


def merge(hall: Hall, other: int, player: int) -> None:
    """As `edge.hall.claims` does: the matches first, then the ladders, then the row is gone."""
    who = {"o": hall.players[other], "p": hall.players[player]}
    hall.conn.execute(
        "UPDATE matches SET player_a = iif(player_a = :o, :p, player_a),"
        " player_b = iif(player_b = :o, :p, player_b), winner = iif(winner = :o, :p, winner)"
        " WHERE :o IN (player_a, player_b) AND :p NOT IN (player_a, player_b)",
        who,
    )
    ladders.take_over(hall.conn, who["o"], who["p"])
    hall.conn.execute("DELETE FROM players WHERE id = :o", who)


def test_a_double_merged_into_a_player_gives_them_its_place_and_its_challenges(hall: Hall) -> None:
    hall.play(2, 1)
    given = hall.challenge(4, 3)
    ladders.give_win(hall.conn, given.id, hall.players[4], hall.staff, hall.at)
    waiting = hall.challenge(3, 2)
    merge(hall, 2, 6)
    assert hall.order() == [0, 6, 1, 4, 3, 5]
    assert hall.row(6).won == 1
    assert ladders.get_challenge(hall.conn, waiting.id).players == (hall.players[3], hall.players[6])
    merge(hall, 4, 6)  # into the same again, who is a member already
    assert hall.order() == [0, 6, 1, 3, 5]


def test_a_double_of_a_member_only_adds_its_matches(hall: Hall) -> None:
    own = hall.challenge(5, 4)
    own_match = hall.challenge(4, 2)
    hall.end(hall.begin(4, 2))
    merge(hall, 4, 5)
    assert hall.order() == [0, 1, 5, 2, 3], "what the double won is theirs, who were a member then"
    assert hall.state(own) == "called_off", "a challenge to oneself"
    assert ladders.get_challenge(hall.conn, own_match.id).players == (hall.players[5], hall.players[2])
    assert hall.state(own_match) == "met"


def test_a_guests_match_meets_the_challenge_once_it_is_claimed(hall: Hall) -> None:
    waiting = hall.challenge(3, 2)
    hall.players += put_players(hall.conn, 0, guests=1)
    hall.end(hall.begin(7, 2))
    assert (hall.state(waiting), hall.order()) == ("open", [0, 1, 2, 3, 4, 5])
    merge(hall, 7, 3)
    assert (hall.state(waiting), hall.order()) == ("met", [0, 1, 3, 2, 4, 5])
