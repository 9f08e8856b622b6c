"""Who wins a month, by whatever rules an owner has chosen."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.cloud.deciding import HALL, Score, best_rows, counting_ladders, decide, missing
from sync.cloud.rules import Rules, RulesError, read_rules

LADDERS = ("", "eight", "nine", "ten")


def score(player: str, total: float = 60.0, ladder: str = "", **more: object) -> Score:
    parts: dict[str, object] = {
        "name": None, "ladder_name": ladder.title(), "coach_avg": total, "hours": 10.0, "hours_norm": total,
        "win_rate": total, "sessions": 8, "shots": 500, "reached_at": "2026-10-30T20:00:00.000Z",
    }  # fmt: skip
    return Score(player=player, total=total, ladder=ladder, **(parts | more))  # type: ignore[arg-type]


def on_ladders(player: str, total: float, *ladders: str) -> list[Score]:
    return [score(player, total, ladder) for ladder in ladders]


rules = st.builds(
    Rules,
    winners=st.sampled_from(["hall", "ladder"]),
    by=st.sampled_from(["score", "hours"]),
    active_players=st.integers(1, 4),
    counted=st.sampled_from(["in all", "others"]),
    free_month=st.booleans(),
    free_ladders=st.integers(2, 3),
    same_player=st.sampled_from(["runner-up", "nobody"]),
    least_sessions=st.integers(1, 6),
    least_hours=st.floats(0, 6),
)


@st.composite
def months(draw: st.DrawFn) -> list[Score]:
    found = []
    for player in draw(st.lists(st.sampled_from("abcdefgh"), unique=True)):
        hours, sessions = draw(st.floats(0, 20)), draw(st.integers(1, 10))
        for ladder in draw(st.lists(st.sampled_from(LADDERS), unique=True, min_size=1)):
            total = draw(st.floats(0, 100))
            found.append(score(player, total, ladder, hours=hours, sessions=sessions))
    return found


@given(months(), rules, st.sets(st.sampled_from("abcdefgh")))
def test_nobody_has_two_rewards_and_nobody_who_may_not(month: list[Score], by: Rules, barred: set[str]) -> None:
    decision = decide(month, by, barred)
    winners = [one.score.player for one in decision.awards]
    assert len(set(winners)) == len(winners)
    assert not set(winners) & barred
    assert len({one.slot for one in decision.awards}) == len(decision.awards)
    assert all(not missing(one.score, by) for one in decision.awards)
    assert all(one.kind == "half" for one in decision.awards) or by.free_month
    assert bool(decision.awards) != bool(decision.nobody)
    if by.winners == "hall":
        assert len(winners) <= 1
    else:
        assert all(one.slot == one.score.ladder != HALL for one in decision.awards)


@given(months(), rules, st.randoms(use_true_random=False))
def test_the_order_in_which_scores_are_read_changes_nothing(month: list[Score], by: Rules, rng: object) -> None:
    shuffled = list(month)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(shuffled, by) == decide(month, by)


@given(months(), rules)
def test_whoever_is_ahead_of_the_winner_could_not_win(month: list[Score], by: Rules) -> None:
    hall_wide = Rules(**(by.to_json() | {"winners": "hall"}))
    decision = decide(month, hall_wide)
    ranked = best_rows(month, hall_wide)
    ahead = ranked[: ranked.index(decision.awards[0].score)] if decision.awards else ranked
    assert all(missing(one, hall_wide) for one in ahead)


def test_the_top_score_of_a_hall_wins_half() -> None:
    decision = decide([score("ana", 61.0), score("bo", 60.0), score("cy", 59.0)], Rules())
    (award,) = decision.awards
    assert (award.slot, award.score.player, award.kind, award.why) == (HALL, "ana", "half", "first")
    assert [(one.score.player, one.behind) for one in decision.near[HALL]] == [("bo", 1.0), ("cy", 2.0)]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"hours": 11.0}, {"hours": 10.0}),
        ({"sessions": 9}, {"sessions": 8}),
        ({"reached_at": "2026-10-29T20:00:00.000Z"}, {"reached_at": "2026-10-30T20:00:00.000Z"}),
    ],
)
def test_a_tie_goes_by_hours_then_sessions_then_who_got_there_first(
    better: dict[str, Any], worse: dict[str, Any]
) -> None:
    decision = decide([score("ana", **worse), score("bo", **better)], Rules())
    assert decision.awards[0].score.player == "bo"


@pytest.mark.parametrize(
    ("counted", "players", "kind"),
    [("in all", 5, "free"), ("in all", 4, "half"), ("others", 5, "half"), ("others", 6, "free")],
)
def test_two_ladders_with_enough_players_give_a_free_month(counted: str, players: int, kind: str) -> None:
    month = on_ladders("ana", 90.0, "eight", "nine")
    for i in range(players - 1):
        month += on_ladders(f"p{i}", 50.0, "eight", "nine")
    (award,) = decide(month, Rules(counted=counted)).awards  # type: ignore[arg-type]
    assert award.kind == kind
    assert award.ladders == (("Eight", "Nine") if kind == "free" else ())


def test_three_ladders_of_which_two_count_give_the_free_month() -> None:
    month = on_ladders("ana", 90.0, "eight", "nine", "ten")
    for i in range(4):
        month += on_ladders(f"p{i}", 50.0, "eight", "nine")
    assert counting_ladders(month, "ana", Rules()) == ("Eight", "Nine")
    assert decide(month, Rules()).awards[0].kind == "free"
    assert decide(month, Rules(free_ladders=3)).awards[0].kind == "half"
    assert decide(month, Rules(free_month=False)).awards[0].kind == "half"


def test_who_leads_two_ladders_wins_once_and_the_runner_up_takes_the_second() -> None:
    month = [
        *on_ladders("ana", 90.0, "eight", "nine"),
        *on_ladders("bo", 80.0, "nine"),
        score("cy", 70.0, "eight"),
    ]
    month += on_ladders("di", 60.0, "nine")
    awards = decide(month, Rules(winners="ladder")).awards
    assert [(one.slot, one.score.player, one.why) for one in awards] == [
        ("nine", "ana", "first"),
        ("eight", "cy", "runner-up"),
    ]
    alone = decide(month, Rules(winners="ladder", same_player="nobody")).awards
    assert [(one.slot, one.score.player) for one in alone] == [("nine", "ana")]


def test_too_few_sessions_or_hours_are_said() -> None:
    lazy = score("ana", 99.0, sessions=3, hours=2.0)
    decision = decide([lazy, score("bo", 50.0)], Rules())
    assert decision.awards[0].score.player == "bo"
    assert missing(lazy, Rules()) == "1 session and 1.0 hours"
    assert decide([lazy], Rules()).nobody == "nobody reached 4 sessions and 3 hours"


def test_a_month_of_nobody_says_so() -> None:
    assert decide([], Rules()).nobody == "nobody trained"
    assert decide([score("ana")], Rules(winners="ladder")).nobody == "nobody who trained is on a ladder"
    assert (
        decide([score("ana")], Rules(), {"ana"}).nobody
        == "whoever could have won has a reward of this month already"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"winners": "everybody"}, {"active_players": 0}, {"active_players": True}, {"free_month": 1},
        {"least_hours": "3"}, {"least_hours": 800}, {"look_hours": -1}, {"look_hours": 1.5}, {"prize": 1}, [],
        {"least_sessions": 0}, {"free_ladders": 1},
    ],
)  # fmt: skip
def test_rules_that_are_none_are_refused(wrong: object) -> None:
    with pytest.raises(RulesError):
        read_rules(wrong)


@given(rules)
def test_rules_are_read_as_they_were_written(by: Rules) -> None:
    assert read_rules(by.to_json()) == by
