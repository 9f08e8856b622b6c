"""Groups: the owner's thresholds to the very number, staff's word before the rule's, and a history that stays."""

import sqlite3
from pathlib import Path

import pytest
from hall_facts import NOW, Played, day_of, erase, make_store, played, put_days, put_match, put_players, undone
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.hall import groups, points, ratings, streaks
from edge.hall.groups import Change, Form, Group
from edge.hall.streaks import Outcome

MIDNIGHT = 24 * 60


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("groups") / "ladder.db"
    return make_store(path, streaks.migrations, points.migrations, ratings.migrations, groups.migrations)


@pytest.mark.parametrize(
    ("games", "wins", "group"),
    [
        (1000, 600, "elite"),  # 60 %
        (1000, 599, "active"),  # 59.9 %
        (10, 6, "elite"),
        (8, 5, "elite"),
        (8, 4, "active"),
        (7, 7, "active"),
        (8, 8, "elite"),
        (0, 0, "active"),
    ],
)
def test_elite_from_sixty_percent_of_eight_games_on(games: int, wins: int, group: Group) -> None:
    assert groups.group_by_win_rate(Form(games, wins)) == group


@given(st.integers(0, 200), st.integers(0, 200))
def test_one_win_more_never_costs_the_group(games: int, wins: int) -> None:
    wins = min(games, wins)
    group = groups.group_by_win_rate(Form(games, wins))
    assert (group == "elite") == (games >= 8 and wins / games >= 0.6 - 1e-12)
    assert group == "active" or groups.group_by_win_rate(Form(games + 1, wins + 1)) == "elite"


@pytest.mark.parametrize(
    ("elo", "group"), [(1199.99, "active"), (1200.0, "elite"), (1000.0, "active"), (1500.0, "elite")]
)
def test_by_elo_elite_from_twelve_hundred_on(elo: float, group: Group) -> None:
    assert groups.group_by_elo(elo) == group


@given(st.sets(st.integers(0, 60), max_size=25), st.lists(st.tuples(st.integers(0, 60), st.booleans())))
def test_form_is_of_the_matches_on_the_last_ten_days_attended(
    days: set[int], matches: list[tuple[int, bool]]
) -> None:
    outcomes = [Outcome(str(n), day_of(day), won, False) for n, (day, won) in enumerate(matches)]
    tenth = sorted(days)[-10:]
    expected = [won for day, won in matches if day in tenth]
    assert groups.form([day_of(day) for day in days], outcomes) == Form(len(expected), sum(expected))


def evenings(conn: sqlite3.Connection, players: list[str], count: int, of_games: list[int]) -> None:
    """The first player attends `count` days; on the days numbered in `of_games` one match is won for each."""
    put_days(conn, players[0], [day_of(number) for number in range(count)])
    for key, number in enumerate(of_games):
        put_match(conn, Played(key, (0, 1), (3, 0), number * MIDNIGHT + key), players)


@pytest.mark.parametrize(("sessions", "group"), [(10, "elite"), (11, "active")])
def test_the_eleventh_session_back_does_not_count(hall: Path, sessions: int, group: Group) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        evenings(conn, players, sessions, [0] * 8)
        groups.settle(conn, players[0], NOW)
        assert groups.group_of(conn, players[0]) == group


def test_a_change_is_told_once_and_kept(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        assert groups.settle(conn, players[0], NOW) is None
        evenings(conn, players, 8, list(range(8)))
        promoted = Change("elite", "rule", None, NOW)
        assert groups.settle(conn, players[0], NOW) == promoted
        assert groups.settle(conn, players[0], NOW) is None, "settled twice is settled once"
        put_days(conn, players[0], [day_of(number) for number in range(20, 30)])
        later = Change("active", "rule", None, "2026-05-01T00:00:00.000Z")
        assert groups.settle(conn, players[0], later.changed_at) == later
        assert groups.changes_of(conn, players[0]) == [promoted, later]


def test_staffs_word_holds_until_it_is_lifted(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 3)
        staff = players[2]
        assert groups.override(conn, players[0], None, staff, NOW) is None, "there is nothing to lift"
        groups.override(conn, players[0], "active", staff, NOW)
        evenings(conn, players, 8, list(range(8)))
        assert groups.settle(conn, players[0], NOW) is None
        assert groups.group_of(conn, players[0]) == "active"
        assert groups.overridden(conn, players[0])
        assert groups.override(conn, players[0], None, staff, NOW) == Change("elite", "lifted", staff, NOW)
        assert not groups.overridden(conn, players[0])
        assert groups.settle(conn, players[0], NOW) is None
        assert [c.why for c in groups.changes_of(conn, players[0])] == ["override", "lifted"]


Step = Played | Group | None | int


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            played(players=2, keys=40),
            played(players=2, keys=40),
            st.integers(0, 69),
            st.sampled_from(["elite", None]),
        ),
        max_size=60,
    )
)
def test_in_whatever_order_facts_come_the_group_is_the_rules_or_staffs(hall: Path, story: list[Step]) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 3)
        matches: dict[int, Played] = {}
        days: set[str] = set()
        held = False
        for step in story:
            if isinstance(step, Played):
                put_match(conn, step, players)
                put_days(conn, players[0], [step.day])
                matches[step.key] = step
                days.add(step.day)
            elif isinstance(step, int):
                put_days(conn, players[0], [day_of(step)])
                days.add(day_of(step))
            else:
                groups.override(conn, players[0], step, players[2], NOW)
                held = step is not None
            groups.settle(conn, players[0], NOW)
        latest = sorted(days)[-10:]
        won = [match.pair[0] == 0 for match in matches.values() if match.day in latest]
        elite = held or (len(won) >= 8 and sum(won) * 10 >= 6 * len(won))
        assert groups.form_of(conn, players[0]) == Form(len(won), sum(won))
        assert groups.group_of(conn, players[0]) == ("elite" if elite else "active")


def test_the_later_rule_is_by_elo(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        conn.execute("INSERT INTO ratings VALUES (?, 1200.0, 500.0, 10)", [players[0]])
        assert groups.settle(conn, players[0], NOW) is None
        assert groups.settle(conn, players[0], NOW, rule="elo") == Change("elite", "rule", None, NOW)
        assert groups.settle(conn, players[1], NOW, rule="elo") is None


@pytest.mark.parametrize("change", ["UPDATE group_changes SET why = 'rule'", "DELETE FROM group_changes"])
def test_history_refuses_to_be_edited(hall: Path, change: str) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        groups.override(conn, players[0], "elite", players[1], NOW)
        with pytest.raises(sqlite3.IntegrityError, match="of group"):
            conn.execute(change)


def test_nothing_is_kept_of_an_erased_player_and_nothing_comes_back(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 3)
        for player in players[:2]:
            groups.override(conn, player, "elite", players[2], NOW)
        erase(conn, players[0])
        groups.forget(conn, players[0])
        assert groups.override(conn, players[0], "elite", players[2], NOW) is None
        assert groups.settle(conn, players[0], NOW) is None
        assert [row[0] for row in conn.execute("SELECT player_id FROM group_changes")] == [players[1]]
