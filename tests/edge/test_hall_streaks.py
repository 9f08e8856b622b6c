"""Streaks: what is going now, and the longest there ever was."""

from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from random import Random

import pytest
from hall_facts import (
    Played,
    day_of,
    erase,
    in_order,
    make_store,
    played,
    put_days,
    put_match,
    put_players,
    undone,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.hall import streaks
from edge.hall.players import get_player, name_guest
from edge.hall.streaks import Outcome, Streak, Streaks


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("streaks") / "ladder.db", streaks.migrations)


def plain(won: list[bool]) -> Streak:
    """The same told by cutting the results into pieces."""
    pieces = [(key, len(list(piece))) for key, piece in groupby(won)]
    best = max((length for key, length in pieces if key), default=0)
    return Streak(pieces[-1][1] if pieces and pieces[-1][0] else 0, best)


@given(st.lists(st.booleans()))
def test_a_streak_is_the_wins_in_a_row(won: list[bool]) -> None:
    assert streaks.streak(won) == plain(won)


def test_sets_that_did_not_go_to_hill_hill_neither_make_nor_end_that_streak() -> None:
    outcomes = [
        Outcome("1", "2026-01-01", True, True),
        Outcome("2", "2026-01-01", False, False),
        Outcome("3", "2026-01-02", True, True),
    ]
    assert streaks.hill_hill_streak(outcomes) == Streak(2, 2)
    assert streaks.win_streak(outcomes) == Streak(1, 1)


@given(st.sets(st.integers(0, 40)), st.randoms(use_true_random=False))
def test_days_in_a_row_whatever_their_order(numbers: set[int], rnd: Random) -> None:
    ordered = sorted(numbers)
    runs = [len(list(run)) for _, run in groupby(enumerate(ordered), lambda pair: pair[1] - pair[0])]
    rnd.shuffle(ordered)
    expected = Streak(runs[-1] if runs else 0, max(runs, default=0))
    assert streaks.day_streak(day_of(number) for number in ordered) == expected


def test_days_in_a_row_go_on_over_months_and_leap_days() -> None:
    days = [(date(2028, 2, 27) + timedelta(days=n)).isoformat() for n in range(5)]
    assert days[2] == "2028-02-29"
    assert streaks.day_streak(days) == Streak(5, 5)


@pytest.mark.parametrize(("today", "shown"), [("2026-01-03", 3), ("2026-01-04", 3), ("2026-01-05", 0)])
def test_a_streak_of_days_has_all_of_the_next_day_to_be_kept_up(hall: Path, today: str, shown: int) -> None:
    with undone(hall) as conn:
        (player,) = put_players(conn, 1)
        put_days(conn, player, ["2026-01-01", "2026-01-02", "2026-01-03"])
        streaks.settle(conn, player)
        assert streaks.streaks_of(conn, player, today).days == Streak(shown, 3)


def test_an_evening_without_a_ball_struck_is_not_attended(hall: Path) -> None:
    with undone(hall) as conn:
        (player,) = put_players(conn, 1)
        put_days(conn, player, ["2026-01-01"], shots=0)
        streaks.settle(conn, player)
        assert streaks.streaks_of(conn, player, "2026-01-01") == Streaks()


@settings(max_examples=60)
@given(st.lists(played(players=3, keys=12), max_size=20))
def test_the_summary_is_what_the_matches_say(hall: Path, matches: list[Played]) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 3)
        for match in matches:
            put_match(conn, match, players)
        stands = in_order({match.key: match for match in matches}.values())
        for place, player in enumerate(players):
            streaks.settle(conn, player)
            once = streaks.streaks_of(conn, player, "2026-01-01")
            streaks.settle(conn, player)
            assert streaks.streaks_of(conn, player, "2026-01-01") == once
            own = [match for match in stands if place in match.pair]
            assert once.wins == plain([match.pair[0] == place for match in own])
            tight = [match for match in own if match.score == (3, 2)]
            assert once.hill_hill == plain([match.pair[0] == place for match in tight])
            assert streaks.hill_hill_now(conn, player) == once.hill_hill.now
            assert streaks.streak(streaks.hill_hill_sets(conn, player)) == once.hill_hill, "the badge's order"


def test_a_guests_matches_count_once_the_guest_is_somebody(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 1, guests=1)
        put_match(conn, Played(0, (0, 1), (3, 0), 0), players)
        streaks.settle(conn, players[0])
        assert streaks.streaks_of(conn, players[0], "2026-01-01").wins == Streak(0, 0)
        guest = get_player(conn, players[1])
        assert guest is not None
        name_guest(conn, guest, "Somebody")
        streaks.settle(conn, players[0])
        assert streaks.streaks_of(conn, players[0], "2026-01-01").wins == Streak(1, 1)


def test_nothing_is_kept_of_an_erased_player_and_nothing_comes_back(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        put_match(conn, Played(0, (0, 1), (3, 0), 0), players)
        for player in players:
            streaks.settle(conn, player)
        erase(conn, players[0])
        streaks.forget(conn, players[0])
        streaks.settle(conn, players[0])
        assert [row["player_id"] for row in conn.execute("SELECT player_id FROM streaks")] == [players[1]]
