"""Golden racks: what the rules of each game make of shots that a league player knows.

A rack is written as its shots: `break 5; 2; 7@1; miss@3; 4 scratch@3; none; soft@3; miss@3 off 4`. Numbers are
balls that fall, `@3` is the first ball hit (else the first that falls; of a break the 1), `none` meets no ball,
after `soft` nothing meets a cushion, and `off 4` leaves the table.
"""

import re

import pytest

from edge.hall.games import Breaks, GameName, MatchState, Play, Word, play_match

FULL = {"8-ball": 15, "9-ball": 9, "10-ball": 10, "straight pool": 15}
OUT_8 = "break 3; 1; 2; 4; 5; 6; 7; 8"  # the breaker's solids and the 8
OUT_9 = "break; 1@1; 2; 3; 4; 5; 6; 7; 8; 9"


def shots(text: str, start: int = 1) -> list[Play]:
    """Plays from the notation above, called s1, s2 …"""
    return [shot(part.strip(), f"s{n}") for n, part in enumerate(text.split(";"), start)]


def shot(text: str, shot_id: str) -> Play:
    first = re.search(r"@(\S+)", text)
    words = re.sub(r"@\S+", "", text).split()
    off = tuple(words[words.index("off") + 1 :]) if "off" in words else ()
    words = words[: words.index("off")] if "off" in words else words
    potted = tuple(w for w in words if w[0].isdigit() or w.startswith(("solid?", "stripe?", "ball-")))
    met = first[1] if first else "1" if "break" in words and "none" not in words else next(iter(potted), None)
    made = bool(potted) and "scratch" not in words
    return Play(
        shot_id,
        "make" if made else "miss",
        scratch="scratch" in words,
        potted=potted,
        first_ball=met,
        met_anything=False if "none" in words else (True if met else None),
        is_break="break" in words,
        cushion_after_contact="soft" not in words,
        off_table=off,
    )


def match(
    game: GameName, text: str, *words: Word, race_to: int | tuple[int, int] = 2, breaks: Breaks = "alternate"
) -> MatchState:
    return play_match(game, race_to, 0, shots(text), words, breaks=breaks)


def players(state: MatchState) -> str:
    return "".join("-" if v.player is None else str(v.player) for v in state.verdicts)


@pytest.mark.parametrize(
    ("game", "text", "winner", "how"),
    [
        ("8-ball", OUT_8, 0, "8 potted"),
        ("8-ball", "break; 9; miss@10; 1; 2; miss@3; 10; 11; 12; 13; 14; 15; 8", 1, "8 potted"),
        ("8-ball", "break 3; 1; 8@2", 1, "8 early"),
        ("8-ball", "break 3; 1; 2; 4; 5; 6; 7 8", 1, "8 early"),
        ("8-ball", "break 3; 1; 2; 4; 5; 6; 7; 8 scratch", 1, "8 on a foul"),
        ("8-ball", "break 3; 1; 2; 4; 5; 6; 7; 8@9", 1, "8 on a foul"),
        ("8-ball", "break 3; 1; miss@2 off 8", 1, "8 off the table"),
        ("9-ball", OUT_9, 1, "9 potted"),
        ("9-ball", "break 9", 0, "9 on the break"),
        ("9-ball", "break 5; 1; 9@2", 0, "9 potted"),
        ("9-ball", "break; 9@1", 1, "9 potted"),
        ("9-ball", "break 5; miss@1; none; miss@1; none; miss@1; none", 0, "three fouls"),
        ("10-ball", "break; 1; 2; 3; 4; 5; 6; 7; 8; 9; 10", 1, "10 potted"),
        ("10-ball", "break; none; scratch@1; none; scratch@1; none", 0, "three fouls"),
    ],
)
def test_a_rack_is_won(game: GameName, text: str, winner: int, how: str) -> None:
    state = match(game, text)
    assert [(rack.winner, rack.how, rack.sure) for rack in state.racks] == [(winner, how, True)]
    assert state.score[winner] == 1
    assert not state.over
    assert state.rack == 2
    assert state.breaker == 1


@pytest.mark.parametrize(
    ("game", "text", "who", "next_up"),
    [
        ("8-ball", "break; 9; miss@10; 1; 9@2; 10@10", "011001", 1),  # a ball of the other group ends the turn
        ("8-ball", "break 3; miss@9; 1; 2; miss@9; miss@10", "001110", 1),
        ("8-ball", "break 3 scratch; 1", "01", 1),
        ("9-ball", "break 5; 1; 2; miss@3; 3; 6@4; scratch@4", "0000111", 0),  # a combination plays on
        ("9-ball", "break; miss@1; 2; 1", "0101", 1),  # the 2 first is a foul, though it falls
        ("10-ball", "break 10; 1; 10@2; miss@2", "0000", 1),  # spotted on the break and early: he plays on
        ("straight pool", "break; 4; 7 9; miss@3; 1", "01110", 0),
    ],
)
def test_the_turn_passes_unless_a_ball_falls_legally(game: GameName, text: str, who: str, next_up: int) -> None:
    state = match(game, text, race_to=5)
    assert players(state) == who
    assert state.turn == next_up


@pytest.mark.parametrize(
    ("game", "text", "foul", "sure"),
    [
        ("8-ball", "break 3; scratch@1", "scratch", True),
        ("8-ball", "break 3; none", "no ball met", True),
        ("8-ball", "break 3; 1; miss@9", "wrong ball first", True),
        ("8-ball", "break 3; 1; miss@8", "wrong ball first", True),
        ("8-ball", "break 3; miss@8", "wrong ball first", True),  # 3.4: at an open table too
        ("8-ball", "break 3; miss@9", None, True),
        ("8-ball", "break 3; 1; 2; 4; 5; 6; 7; miss@8", None, True),
        ("8-ball", "break 3; 1; 2; 4; 5; 6; 7; miss@9", "wrong ball first", True),
        ("8-ball", "break 3; 1; soft@2", "no cushion after contact", False),
        ("8-ball", "break 3; 1; miss@2 off 9", "ball off the table", True),
        ("9-ball", "break 5; miss@3", "wrong ball first", False),  # may be a push out
        ("9-ball", "break 5; 1; miss@3", "wrong ball first", True),
        ("9-ball", "break 5; 1; miss@2", None, True),
        ("9-ball", "break 5; 1; miss@ball-7", None, False),
        ("10-ball", "break 5; 1; 2 scratch", "scratch", True),
        ("straight pool", "break; scratch@4", "scratch", True),
        ("straight pool", "break soft", "breaking foul", False),
    ],
)
def test_fouls(game: GameName, text: str, foul: str | None, sure: bool) -> None:
    last = match(game, text, race_to=5).verdicts[-1]
    assert (last.foul, last.foul_sure) == (foul, sure)


@pytest.mark.parametrize(
    ("game", "text", "hand"),
    [
        ("8-ball", "break scratch", "behind the head string"),
        ("8-ball", "break; scratch@4", "anywhere"),
        ("9-ball", "break scratch", "anywhere"),
        ("straight pool", "break; scratch@4", "behind the head string"),
        ("straight pool", "break; none", None),
        ("9-ball", "break; miss@1", None),
    ],
)
def test_ball_in_hand(game: GameName, text: str, hand: str | None) -> None:
    assert match(game, text).in_hand == hand


def test_groups_are_decided_by_the_first_legal_pot_after_the_break() -> None:
    assert match("8-ball", "break 3 11").groups == (None, None)
    assert match("8-ball", "break 3; 11 scratch").groups == (None, None)
    state = match("8-ball", "break 3; 11; miss@12")
    assert (state.groups, state.groups_sure, state.left) == (("stripe", "solid"), True, (6, 6))
    both = match("8-ball", "break; 2 11@11")
    assert (both.groups, both.groups_sure) == (("solid", "stripe"), True)
    unsure = match("8-ball", "break; 2 11@ball-4")
    assert (unsure.groups, unsure.groups_sure) == (("stripe", "solid"), False)
    assert [(q.kind, q.guess, q.about) for q in unsure.questions] == [("groups", 1, "solid")]
    said = match("8-ball", "break; 2 11@ball-4; miss@12", Word("stripes", 1, "s2", "s3"))
    assert (said.groups, said.questions) == (("solid", "stripe"), ())
    assert said.verdicts[2].foul is None


def test_the_8_on_the_break_is_spotted_or_broken_again() -> None:
    spotted = match("8-ball", "break 8; 1; 2; 3; 4; 5; 6; 7; 8")
    assert spotted.racks[0].winner == 0
    assert spotted.verdicts[0].stays
    again = match("8-ball", "break 8; break; 1")
    assert (players(again), again.rack, again.turn_sure) == ("001", 1, True)
    scratched = match("8-ball", "break 8 scratch; break 2; 1")
    assert players(scratched) == "011"
    wins = play_match("8-ball", 2, 0, shots("break 8"), break_wins=True)
    assert [(r.winner, r.how) for r in wins.racks] == [(0, "8 on the break")]


def test_a_break_that_drives_fewer_than_four_balls_to_a_rail() -> None:
    soft = Play("s1", "miss", False, first_ball="1", is_break=True, to_cushion=("cue", "1", "2"))
    nine = play_match("9-ball", 2, 0, [soft])
    assert (nine.verdicts[0].foul, nine.verdicts[0].foul_sure, nine.turn) == ("illegal break", False, 1)
    eight = play_match("8-ball", 2, 0, [soft, *shots("break; 1", 2)])
    assert (eight.verdicts[0].foul, players(eight), eight.rack) == (None, "010", 1)
    assert not eight.verdicts[1].sure


def test_the_10_is_spotted_beside_another_ball_and_by_a_foul() -> None:
    state = match("10-ball", "break 1; 2 10; 3; 10 scratch@4; 4")
    assert players(state) == "00001"
    assert not state.racks
    assert "10" in state.lying
    assert [v.sure for v in state.verdicts] == [True, True, True, True, True]
    assert state.verdicts[1].legal_pots == ("2",)
    assert state.ball_on == "5"


def test_a_10_ball_carom_is_not_sure_without_its_call() -> None:
    assert not match("10-ball", "break 5; 3@1").verdicts[-1].sure
    assert match("10-ball", "break 5; 1").verdicts[-1].sure
    assert match("9-ball", "break 5; 3@1").verdicts[-1].sure


def test_the_9_is_spotted_after_a_foul() -> None:
    state = match("9-ball", "break 5; 9 scratch@1; 1; 2; 3; 4; 6; 7; 8; 9")
    assert [(r.winner, r.how) for r in state.racks] == [(1, "9 potted")]


def test_three_fouls_must_come_in_one_rack_without_a_legal_shot_between() -> None:
    state = match("9-ball", "break 5; miss@1; none; miss@1; miss@1; miss@1; none; miss@1; none")
    assert state.consecutive_fouls == (0, 2)
    assert state.fouls == (0, 3)
    assert not state.racks


def test_a_third_foul_that_only_looks_like_one_is_asked_for() -> None:
    text = "break 5; miss@1; none; miss@1; none; miss@1; soft@1"
    state = match("9-ball", text)
    assert not state.racks
    assert {(q.kind, q.shot_id) for q in state.questions} == {("foul", "s7"), ("three_fouls", "s7")}
    told = match("9-ball", text, Word("foul", None, "s7", "s7"))
    assert [(r.winner, r.how, r.sure) for r in told.racks] == [(1 - told.verdicts[6].player, "three fouls", True)]  # type: ignore[operator]
    assert match("9-ball", text, Word("no foul", None, "s7", "s7")).consecutive_fouls[0] == 0


def test_straight_pool_counts_points_runs_and_fouls() -> None:
    state = match("straight pool", "break; 4; 7 9; miss@3; 1 scratch; 2; miss@8; none", race_to=50)
    assert state.points == (-2, 4)
    assert (state.best_run, state.innings) == ((0, 3), (3, 2))
    assert [v.run for v in state.verdicts] == [0, 1, 3, 3, 0, 1, 1, 0]


def test_a_ball_that_falls_on_an_opening_break_was_not_called() -> None:
    state = match("straight pool", "break 4; 5", race_to=50)
    assert (players(state), state.points, state.verdicts[0].sure) == ("01", (0, 1), False)
    told = match(
        "straight pool", "break 4; 5", Word("points", 0, "s1", "s1", 1), Word("turn", 0, None, "s1"), race_to=50
    )
    assert (players(told), told.points) == ("00", (2, 0))


def test_straight_pool_goes_on_through_racks_of_fourteen() -> None:
    state = match(
        "straight pool", "break; " + "; ".join(map(str, range(1, 15))) + "; break 15; 3; miss@4", race_to=50
    )
    assert state.points == (0, 16)
    assert (state.rack, state.best_run, state.innings) == (2, (0, 16), (1, 1))
    assert players(state) == "0" + "1" * 17


def test_straight_pool_is_over_with_the_ball_that_reaches_the_race() -> None:
    state = match("straight pool", "break; 4; 7 9; 1", race_to=2)
    assert (state.over, state.winner, state.score) == (True, 1, (0, 2))
    assert [v.points for v in state.verdicts] == [0, 1, 1, 0]
    assert players(state) == "011-"


def test_straight_pool_takes_fifteen_for_the_third_foul_and_racks_again() -> None:
    state = match("straight pool", "break; 3; none; miss@1; none; miss@1; scratch@2; break; 5", race_to=50)
    assert state.points == (1, -17)
    assert [v.points for v in state.verdicts][-3:] == [-16, 0, 1]
    assert state.consecutive_fouls == (0, 0)
    assert players(state) == "011010110"


def test_a_breaking_foul_costs_two_and_is_none_of_three() -> None:
    bad = Play("s1", "miss", False, first_ball="1", is_break=True, cushion_after_contact=False)
    state = play_match("straight pool", 50, 0, [bad, *shots("break; none", 2)])
    assert state.verdicts[0].points == -2
    assert players(state)[1] == "0"  # who broke badly breaks again
    assert state.consecutive_fouls == (0, 1)
    scratched = play_match("straight pool", 50, 0, shots("break scratch"))
    assert (scratched.points, scratched.verdicts[0].foul) == ((-1, 0), "scratch")


def test_the_break_alternates_and_hill_hill_comes_before_the_end() -> None:
    state = match("8-ball", f"{OUT_8}; {OUT_8}", race_to=2)
    assert (state.score, state.hill_hill, state.breaker) == ((1, 1), True, 0)
    over = match("8-ball", f"{OUT_8}; {OUT_8}; {OUT_8}; 1; 2", race_to=2)
    assert (over.over, over.winner, over.score, over.turn, over.hill_hill) == (True, 0, (2, 1), None, False)
    assert [r.breaker for r in over.racks] == [0, 1, 0]
    assert players(over) == "0" * 8 + "1" * 8 + "0" * 8 + "--"


@pytest.mark.parametrize(("breaks", "breaker"), [("winner", 0), ("loser", 1), ("alternate", 1)])
def test_who_breaks_next(breaks: Breaks, breaker: int) -> None:
    assert match("8-ball", OUT_8, breaks=breaks).breaker == breaker


def test_each_player_may_have_an_own_race() -> None:
    state = match("9-ball", "break 9; break 9", race_to=(3, 1))
    assert (state.winner, state.score) == (1, (1, 1))


def test_a_safety_is_won_when_the_opponent_fouls_or_pots_nothing() -> None:
    state = match("9-ball", "break 5; miss@1; none; miss@1; 1; miss@2; miss@2", race_to=5)
    assert [v.safety_won for v in state.verdicts] == [None, True, None, False, None, True, None]


def test_a_race_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="race"):
        play_match("9-ball", 0, 0, [])
