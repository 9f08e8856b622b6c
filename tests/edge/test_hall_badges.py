"""Badges: the owner's five, at their exact borders, each earned once."""

from dataclasses import replace
from pathlib import Path

import pytest
from hall_facts import NOW, erase, make_store, put_players, undone
from hypothesis import given
from hypothesis import strategies as st

from edge.hall import badges
from edge.hall.badges import BADGES, Badge, Earned, Evidence

LATER = "2026-05-01T00:00:00.000Z"
ALL = Evidence((7,), ((4, 5),) * 3, (True,) * 3, (0.5,) * 30, (True,) * 10, "session-1")


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("badges") / "ladder.db", badges.migrations)


def evidences() -> st.SearchStrategy[Evidence]:
    safeties = st.integers(0, 5).flatmap(lambda played: st.tuples(st.integers(0, played), st.just(played)))
    mostly = st.sampled_from([True, True, True, True, False])
    return st.builds(
        Evidence,
        runs=st.lists(st.integers(0, 9), max_size=5).map(tuple),
        safeties=st.lists(safeties, max_size=8).map(tuple),
        hill_hill=st.lists(mostly, max_size=6).map(tuple),
        position_errors_in=st.lists(st.floats(0, 2.2), max_size=40).map(tuple),
        ladder=st.lists(mostly, max_size=30).map(tuple),
        ref=st.just("session-1"),
    )


@pytest.mark.parametrize(("runs", "earned"), [([], False), ([6, 6], False), ([0, 7, 1], True), ([9], True)])
def test_one_pack_king_runs_seven_balls(runs: list[int], earned: bool) -> None:
    assert badges.one_pack_king(runs) == earned


@pytest.mark.parametrize(
    ("safeties", "earned"),
    [
        ([(4, 5), (4, 5), (4, 5)], True),
        ([(8, 10), (8, 10), (7, 10)], False),
        ([(5, 5), (5, 5)], False),
        ([(0, 5), (1, 1), (0, 0), (1, 1), (2, 3)], True),
        ([(0, 5), (5, 5), (1, 2), (1, 2)], False),
        ([(1, 1), (1, 1), (1, 1), (0, 9)], True),
    ],
)
def test_safety_wizard_wins_four_of_five_over_three_matches(safeties: list[tuple[int, int]], earned: bool) -> None:
    assert badges.safety_wizard(safeties) == earned


@pytest.mark.parametrize(
    ("sets", "earned"),
    [([True] * 2, False), ([True] * 3, True), ([True, True, False, True], False), ([True] * 3 + [False], True)],
)
def test_hill_hill_hero_wins_three_in_a_row(sets: list[bool], earned: bool) -> None:
    assert badges.hill_hill_hero(sets) == earned


@pytest.mark.parametrize(
    ("errors_in", "earned"),
    [
        ([0.0] * 29, False),
        ([0.999] * 30, True),
        ([1.0] * 30, False),
        ([9.0] * 50 + [0.99] * 30 + [9.0] * 50, True),
        ([0.5] * 29 + [15.5], False),
        ([0.5] * 29 + [15.4], True),
    ],
)
def test_cue_doctor_averages_under_an_inch_over_thirty_shots(errors_in: list[float], earned: bool) -> None:
    assert badges.cue_doctor(errors_in) == earned


@pytest.mark.parametrize(("wins", "earned"), [(9, False), (10, True), (11, True)])
def test_iron_arm_wins_ten_ladder_matches_in_a_row(wins: int, earned: bool) -> None:
    assert badges.iron_arm([False] + [True] * wins) == earned
    assert not badges.iron_arm([True] * 9 + [False] + [True] * 9)


@given(evidences(), evidences())
def test_more_play_never_takes_a_badge_away(before: Evidence, then: Evidence) -> None:
    both = Evidence(
        before.runs + then.runs,
        before.safeties + then.safeties,
        before.hill_hill + then.hill_hill,
        before.position_errors_in + then.position_errors_in,
        before.ladder + then.ladder,
    )
    earlier, later = badges.due_badges(before), badges.due_badges(both)
    assert all(later[badge] for badge in BADGES if earlier[badge])


@given(evidences())
def test_a_bar_is_full_with_the_badge_and_not_before(evidence: Evidence) -> None:
    due = badges.due_badges(evidence)
    shown = badges.progress(evidence, [badge for badge in BADGES if due[badge]])
    assert set(shown) == set(BADGES)
    for badge in BADGES:
        assert 0.0 <= shown[badge] <= 1.0
        assert (shown[badge] == 1.0) == due[badge]


def test_bars_say_how_far_it_is() -> None:
    shown = badges.progress(Evidence((5,), ((2, 2),), (True, True), (2.0,) * 15, (True,) * 4), [])
    assert shown == {
        "one_pack_king": 5 / 7,
        "safety_wizard": 1 / 3,
        "hill_hill_hero": 2 / 3,
        "cue_doctor": 0.25,
        "iron_arm": 0.4,
    }
    assert set(badges.progress(Evidence(), []).values()) == {0.0}
    assert badges.progress(Evidence(position_errors_in=(1.0,) * 30), [])["cue_doctor"] == 0.99


@given(evidences())
def test_a_badge_is_earned_once_and_stays(hall: Path, evidence: Evidence) -> None:
    with undone(hall) as conn:
        (player,) = put_players(conn, 1)
        due = [badge for badge, flag in badges.due_badges(evidence).items() if flag]
        assert badges.settle(conn, player, evidence, NOW) == due
        assert badges.settle(conn, player, evidence, LATER) == []
        assert badges.settle(conn, player, Evidence(), LATER) == [], "no evidence at hand withdraws nothing"
        assert badges.badges_of(conn, player) == [Earned(badge, NOW, "session-1") for badge in sorted(due)]


@given(evidences())
def test_what_a_correction_withdrew_is_taken_back_and_nothing_else(hall: Path, corrected: Evidence) -> None:
    with undone(hall) as conn:
        (player,) = put_players(conn, 1)
        badges.settle(conn, player, ALL, NOW)
        unfounded = badges.revoke_unfounded(conn, player, corrected)
        due = badges.due_badges(corrected)
        assert unfounded == [badge for badge in BADGES if not due[badge]]
        assert {earned.badge for earned in badges.badges_of(conn, player)} == {b for b in BADGES if due[b]}
        assert badges.revoke_unfounded(conn, player, corrected) == []


def test_a_badge_that_was_withdrawn_can_be_earned_again(hall: Path) -> None:
    with undone(hall) as conn:
        (player,) = put_players(conn, 1)
        badges.settle(conn, player, Evidence(runs=(7,), ref="a"), NOW)
        badges.revoke_unfounded(conn, player, Evidence(runs=(6,)))
        assert badges.settle(conn, player, Evidence(runs=(6, 8), ref="b"), LATER) == ["one_pack_king"]
        assert badges.badges_of(conn, player) == [Earned("one_pack_king", LATER, "b")]


def test_the_latest_badge_comes_first(hall: Path) -> None:
    with undone(hall) as conn:
        (player,) = put_players(conn, 1)
        order: list[Badge] = ["iron_arm", "cue_doctor", "one_pack_king"]
        for minute, badge in enumerate(order):
            assert badges.award(conn, player, badge, "m", f"2026-01-01T00:0{minute}:00.000Z")
            assert not badges.award(conn, player, badge, "m", LATER)
        assert [earned.badge for earned in badges.badges_of(conn, player)] == order[::-1]


def test_nothing_is_kept_of_an_erased_player_and_nothing_comes_back(hall: Path) -> None:
    with undone(hall) as conn:
        players = put_players(conn, 2)
        for player in players:
            badges.settle(conn, player, replace(ALL, ref="x"), NOW)
        erase(conn, players[0])
        badges.forget(conn, players[0])
        assert badges.settle(conn, players[0], ALL, LATER) == []
        assert badges.badges_of(conn, players[0]) == []
        assert len(badges.badges_of(conn, players[1])) == 5
