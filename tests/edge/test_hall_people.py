"""Staff find people by name and by who was here last, and see every rank as its player is told it."""

from pathlib import Path

import pytest
from hall_facts import Played, day_of, erase, make_store, played, put_days, put_match, put_players, undone
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.hall import people, points
from edge.hall.players import sign_up
from edge.stats.hall_export import training_minutes

TODAY = "2026-03-20"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("people") / "ladder.db")


def test_a_name_is_found_by_any_of_its_parts_and_first_by_its_beginning(path: Path) -> None:
    with undone(path) as conn:
        for name in ("Mariana", "Ana Paz", "Ben", "Hana"):
            sign_up(conn, name, "2026-01-01T00:00:00.000Z")
        assert [one.player.name for one in people.search(conn, " ANA ", 10)] == ["Ana Paz", "Hana", "Mariana"]
        assert [one.player.name for one in people.search(conn, "ana", 2)] == ["Ana Paz", "Hana"]
        assert people.search(conn, "%", 10) == people.search(conn, "  ", 10) == []


def test_who_was_here_last_comes_first_guests_and_members_apart(path: Path) -> None:
    with undone(path) as conn:
        ids = put_players(conn, 4, guests=1)
        for player, days in zip(
            ids, (["2026-03-01"], ["2026-03-19"], ["2026-01-02"], [], ["2026-03-20"]), strict=True
        ):
            put_days(conn, player, days)
        assert [(one.player.id, one.day) for one in people.latest(conn, TODAY, 10)] == [
            (ids[1], "2026-03-19"),
            (ids[0], "2026-03-01"),
        ]
        assert [one.player.id for one in people.latest(conn, TODAY, 10, guests=True)] == [ids[4]]
        assert people.last_days(conn, ids[2], 5) == ["2026-01-02"]
        erase(conn, ids[1])
        assert [one.player.id for one in people.latest(conn, TODAY, 10)] == [ids[0]]


@settings(max_examples=50)
@given(
    st.lists(played(14, 30), max_size=30), st.lists(st.tuples(st.integers(0, 13), st.integers(0, 69)), max_size=40)
)
def test_every_rank_is_the_one_its_player_is_told(
    path: Path, matches: list[Played], days: list[tuple[int, int]]
) -> None:
    with undone(path) as conn:
        ids = put_players(conn, 13, guests=1, hidden=3)
        for match in matches:
            put_match(conn, match, ids)
        for place, day in days:
            put_days(conn, ids[place], [day_of(day)])
        for player in ids:
            points.settle(conn, player, "2026-04-01T12:00:00.000Z")
        for month in ("2026-01", "2026-02", "2026-03", None):
            board = points.full_board(conn, month)
            for one in board:
                told = points.rank_of(conn, one.player_id, month)
                assert (one.rank is None) == (told is None) == one.guest
                assert told is None or (one.rank, one.points) == (told.rank, told.points)
            top = points.hall_of_fame(conn) if month is None else points.month_board(conn, month)
            assert [(one.rank, one.name) for one in board if one.seen][: points.TOP] == [
                (place.rank, place.name) for place in top
            ]
            assert [one.points for one in board] == sorted((one.points for one in board), reverse=True)


def test_training_minutes_are_of_the_month(path: Path) -> None:
    with undone(path) as conn:
        (ana,) = put_players(conn, 1)
        for day, minutes in (
            ("2026-02-28", 10.0),
            ("2026-03-01", 20.0),
            ("2026-03-31", 5.0),
            ("2026-04-01", 40.0),
        ):
            conn.execute(
                "INSERT INTO metrics_daily (player_id, date, attempts, minutes, shots, makes, breaks, breaks_won,"
                " runs, balls_run, best_run, safeties, safeties_won, scratches, map)"
                " VALUES (?, ?, 0, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, x'')",
                [ana, day, minutes],
            )
        assert training_minutes(conn, [ana], "2026-03") == {ana: 25.0}
        assert training_minutes(conn, [ana], None) == {ana: 75.0}
