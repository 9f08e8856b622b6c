"""What people say beats the camera, and what the camera can't see is asked for, never guessed into the score."""

from collections.abc import Iterable
from dataclasses import replace

from edge.hall.games import GameName, MatchState, Play, Word, play_match


def seen(shot_id: str, *potted: str, first: str | None = None, **what: object) -> Play:
    """A shot that pots these balls, or misses; the first ball hit is the first that falls."""
    met = first or (potted[0] if potted else None)
    play = Play(shot_id, "make" if potted else "miss", False, potted, met, True if met else None, False, True)
    return replace(play, **what)  # type: ignore[arg-type]


def broke(shot_id: str, *potted: str, **what: object) -> Play:
    return seen(shot_id, *potted, first="1", is_break=True, **what)


def match(plays: Iterable[Play], *words: Word, game: GameName = "9-ball", race_to: int = 3) -> MatchState:
    return play_match(game, race_to, 0, tuple(plays), words)


def kinds(state: MatchState) -> list[str]:
    return [question.kind for question in state.questions]


NINE = tuple(str(n) for n in range(1, 10))
EIGHT = tuple(str(n) for n in range(1, 16))
WON = (broke("a1", "9"),)


def test_who_shot_decides_from_that_shot_on() -> None:
    plays = [broke("a", "5"), seen("b", "1"), seen("c", first="2"), seen("d", "2")]
    assert [v.player for v in match(plays).verdicts] == [0, 0, 0, 1]
    state = match(plays, Word("shooter", 1, "b", "d"))
    assert [v.player for v in state.verdicts] == [0, 1, 1, 0]
    assert [v.inning for v in state.verdicts] == [1, 2, 2, 3]
    assert state.turn == 0


def test_who_broke_decides_the_next_break_too() -> None:
    state = match(WON, Word("shooter", 1, "a1", "a1"))
    assert (state.racks[0].winner, state.racks[0].breaker, state.breaker) == (1, 1, 0)


def test_whose_turn_it_is_said_before_a_break_and_within_a_rack() -> None:
    state = match([broke("a", "5"), seen("b", "1")], Word("turn", 1, None, None), Word("turn", 0, None, "a"))
    assert [v.player for v in state.verdicts] == [1, 0]
    assert state.breaker == 1
    fouled = match([broke("a", scratch=True)], Word("turn", 0, None, "a"))
    assert (fouled.turn, fouled.why, fouled.in_hand) == (0, "said by a person", None)


def test_who_was_said_to_break_breaks_though_the_last_rack_is_mended() -> None:
    said = [Word("turn", 0, None, "a1"), Word("rack", 1, None, "a1")]
    assert play_match("9-ball", 3, 0, WON, said, breaks="winner").breaker == 0
    assert play_match("9-ball", 3, 0, WON, said[1:], breaks="winner").breaker == 1


def test_a_foul_that_was_seen_or_not() -> None:
    plays = [broke("a", "5"), seen("b", "1"), seen("c", "3"), seen("d", "2")]
    assert [v.player for v in match(plays).verdicts] == [0, 0, 0, 1]
    clean = match(plays, Word("no foul", None, "c", "d"))
    assert [v.player for v in clean.verdicts] == [0, 0, 0, 0]
    called = match(plays, Word("foul", None, "b", "d"))
    assert [v.player for v in called.verdicts] == [0, 0, 1, 0]
    assert called.verdicts[1].foul == "called by a person"
    twice = match(plays, Word("foul", None, "b", "d"), Word("no foul", None, "b", "d"))
    assert [v.player for v in twice.verdicts] == [0, 0, 0, 1]


def test_a_push_out_is_asked_for_and_said() -> None:
    plays = [broke("a", "5"), seen("b", first="7"), seen("c", "1")]
    asked = match(plays[:2])
    assert [(q.kind, q.shot_id, q.about) for q in asked.questions] == [("push_out", "b", "wrong ball first")]
    assert (asked.in_hand, asked.in_hand_sure) == ("anywhere", False)
    told = match(plays[:2], Word("push out", None, "b", "b"))
    assert (told.in_hand, told.questions, told.turn) == (None, (), 1)
    potted = match([broke("a", "5"), seen("b", "9")], Word("push out", None, "b", "b"))
    assert (potted.racks, potted.turn, "9" in potted.lying) == ((), 1, True)


def test_a_safety_that_pots_a_ball_passes_the_turn() -> None:
    plays = [broke("a"), seen("b", "4")]
    state = match(plays, Word("safety", None, "b", "b"), game="straight pool", race_to=50)
    assert (state.turn, state.points, state.why) == (0, (0, 0), "safety")


def test_a_rack_is_given_and_its_break_alternates() -> None:
    state = match([broke("a", "5"), seen("b", "1")], Word("rack", 1, None, "b"))
    assert [(r.winner, r.how, r.sure, r.shot_id) for r in state.racks] == [(1, "said by a person", True, "b")]
    assert (state.score, state.rack, state.turn) == ((0, 1), 2, 1)


def test_a_whole_match_can_be_played_with_words_alone() -> None:
    state = match([], *(Word("rack", player) for player in (0, 1, 1, 0, 1)))
    assert (state.over, state.winner, state.score) == (True, 1, (2, 3))


def test_a_word_about_a_rack_that_the_camera_ended_confirms_or_mends_it() -> None:
    same = match(WON, Word("rack", 0, None, "a1"))
    assert (same.score, same.racks[0].how) == ((1, 0), "9 on the break")
    other = match(WON, Word("rack", 1, None, "a1"))
    assert (other.score, other.racks[0].how) == ((0, 1), "said by a person")
    late = match([*WON, broke("b1", "5"), seen("b2", "1")], Word("rack", 1, "a1", "b2"))
    assert (late.score, late.rack) == ((0, 1), 2)


def test_a_mended_rack_brings_a_match_back_to_life_with_all_that_followed() -> None:
    plays = [*WON, broke("b1", "5"), seen("b2", "1"), seen("b3", "9", first="2")]
    over = match(plays, race_to=1)
    assert (over.over, over.winner) == (True, 0)
    assert [v.player for v in over.verdicts] == [0, None, None, None]
    for word in (Word("no foul", None, "a1", "b3"), Word("rack", 0, None, "b3")):
        assert match(plays, word, race_to=1).winner == 0
    back = match(plays, Word("foul", None, "a1", "b3"), race_to=1)
    assert (back.over, back.winner, back.rack) == (True, 1, 1)
    for word in (Word("rack", 1, "a1", "b3"), Word("rack", 1, None, "b3")):
        assert match(plays, word, race_to=1).winner == 1
        alive = match(plays, word, Word("rack", 0, None, "b3"), race_to=2)
        assert [v.player for v in alive.verdicts] == [0, 1, 1, 1]


def test_a_match_can_be_conceded_or_broken_off() -> None:
    state = match([broke("a", "5"), seen("b", "1")], Word("end", 1, None, "a"))
    assert (state.over, state.winner, state.how, state.turn) == (True, 1, "said by a person", None)
    assert [v.player for v in state.verdicts] == [0, None]
    assert match([], Word("end")).winner is None


def test_points_are_given_where_shots_went_unseen() -> None:
    plays = [broke("a"), seen("b", "4"), seen("c", first="5")]
    state = match(plays, Word("points", 1, "b", "c", 3), Word("points", 0, None, None, 10), game="straight pool")
    assert (state.over, state.winner) == (True, 0)  # a race to 3
    long = play_match(
        "straight pool", 50, 0, plays, [Word("points", 1, "b", "c", 3), Word("points", 0, amount=10)]
    )
    assert long.points == (10, 4)


def test_a_result_nobody_knows_keeps_the_shooter_and_asks() -> None:
    plays = [broke("a", "5"), seen("b", result="unknown"), seen("c", "1")]
    state = match(plays)
    assert [(v.player, v.sure) for v in state.verdicts] == [(0, True), (0, False), (0, False)]
    assert [(q.kind, q.shot_id, q.guess) for q in state.questions] == [("turn", "c", 0)]
    told = match(plays, Word("turn", 1, None, "b"))
    assert [(v.player, v.sure) for v in told.verdicts] == [(0, True), (0, False), (1, True)]
    assert told.questions == ()


def test_in_8_ball_the_group_hit_tells_who_is_at_the_table() -> None:
    plays = [broke("a", "3"), seen("b", "1"), seen("c", result="unknown"), seen("d", "9"), seen("e", "10")]
    state = match(plays, game="8-ball")
    assert [v.player for v in state.verdicts] == [0, 0, 0, 1, 1]
    assert [v.sure for v in state.verdicts] == [True, True, False, True, True]


def test_a_ball_nobody_can_name_is_asked_for_until_the_table_tells() -> None:
    plays = [broke("a", "5"), seen("b", "ball-3", first="1")]
    assert kinds(match(plays)) == ["which_ball"]
    lying = tuple(b for b in NINE if b not in ("5", "1"))
    told = match([*plays, seen("c", first="2", on_table=lying)], Word("turn", 0, None, "b"))
    assert told.questions == ()
    assert (told.lying, told.ball_on) == (lying, "2")


def test_the_last_of_its_kind_needs_no_number() -> None:
    state = match([broke("a"), seen("b", "stripe?", first="1")])
    assert [(r.winner, r.how) for r in state.racks] == [(1, "9 potted")]


def test_a_new_break_before_the_end_was_seen_asks_who_won() -> None:
    plays = [broke("a", "5"), seen("b", "1"), seen("c", "2"), broke("d", "3", on_table=NINE), seen("e", first="1")]
    state = match(plays)
    assert (state.score, state.rack) == ((0, 0), 2)
    assert [(r.winner, r.how) for r in state.racks] == [(None, "not seen")]
    assert [(q.kind, q.shot_id, q.guess) for q in state.questions] == [("rack_winner", "c", None)]
    assert [v.player for v in state.verdicts] == [0, 0, 0, 1, 1]
    for answer in (Word("rack", 1, "c", "e"), Word("rack", 1, None, "e")):
        told = match(plays, answer)
        assert (told.score, told.rack, told.questions) == ((0, 1), 2, ())


def test_who_had_only_the_money_ball_left_is_guessed_but_not_counted() -> None:
    run = [broke("a"), *(seen(f"b{n}", str(n)) for n in range(1, 9))]
    state = match([*run, broke("c")])
    assert state.score == (0, 0)
    assert [(q.kind, q.guess) for q in state.questions] == [("rack_winner", 1)]


def test_a_shot_into_a_cluster_is_no_new_rack() -> None:
    lying = tuple(b for b in EIGHT if b not in ("3", "1"))
    plays = [broke("a", "3"), seen("b", "1"), seen("c", first="2"), broke("d", on_table=lying)]
    assert match(plays, game="8-ball").rack == 1


def test_more_balls_than_before_are_a_new_rack_though_nobody_saw_it_broken() -> None:
    few = ("7", "8", "9")
    plays = [broke("a"), *(seen(f"b{n}", str(n)) for n in range(1, 7)), seen("c", first="7", on_table=few)]
    state = match([*plays, seen("d", first="2", on_table=NINE[1:8])])
    assert (state.rack, state.turn_sure) == (2, False)
    assert kinds(state) == ["rack_winner", "turn"]


def test_balls_knocked_in_after_a_rack_belong_to_none() -> None:
    after = [seen("x", "6", on_table=NINE[:8]), seen("y", "7", on_table=NINE[2:5])]
    state = match([*WON, *after[1:], broke("b1", "5", on_table=NINE)])
    assert [v.player for v in state.verdicts] == [0, None, 1]
    told = match([*WON, *after[1:]], Word("shooter", 0, "y", "y"))
    assert [v.player for v in told.verdicts] == [0, 0]


def test_a_ball_that_fell_unseen_is_no_foul_of_the_next_shot() -> None:
    plays = [broke("a", "5", on_table=NINE), seen("b", "1"), seen("c", first="3", on_table=NINE[2:4] + NINE[5:])]
    last = match(plays).verdicts[-1]
    assert (last.foul, last.foul_sure) == (None, False)


def test_an_8_that_memory_and_sight_judge_differently_counts_but_is_asked_for() -> None:
    run = [broke("a", "3"), *(seen(f"b{n}", n) for n in ("1", "2", "4", "5", "6"))]
    state = match([*run, seen("c", "8", on_table=("8", *EIGHT[8:]))], game="8-ball")
    assert [(r.winner, r.how, r.sure) for r in state.racks] == [(0, "8 potted", False)]
    assert [(q.kind, q.guess) for q in state.questions] == [("rack_winner", 0)]


def test_balls_that_show_their_group_alone_are_counted_by_group() -> None:
    run = [broke("a", "3"), *(seen(f"b{n}", n) for n in ("1", "2", "4"))]
    lying = ("solid?", "7", "8", "stripe?", *EIGHT[9:])
    plays = [*run, seen("c", "7", on_table=lying), seen("d", "solid?", on_table=("solid?", *lying[2:]))]
    assert match(plays[:5], game="8-ball").left == (1, 7)
    state = match([*plays, seen("e", "8", on_table=lying[2:])], game="8-ball")
    assert [(r.winner, r.how, r.sure) for r in state.racks] == [(0, "8 potted", True)]
    early = match([*plays[:5], seen("e", "8", on_table=("solid?", *lying[2:]))], game="8-ball")
    assert [(r.winner, r.how, r.sure) for r in early.racks] == [(1, "8 early", True)]


def test_straight_pool_asks_for_points_when_the_table_says_otherwise() -> None:
    plays = [broke("a"), seen("b", "4"), seen("c", "5", on_table=EIGHT[5:])]
    state = play_match("straight pool", 50, 0, plays)
    assert [(q.kind, q.shot_id) for q in state.questions] == [("points", "c")]
    told = play_match("straight pool", 50, 0, plays, [Word("points", 1, "c", "c", 4)])
    assert (told.points, told.questions) == ((0, 6), ())


def test_words_that_lack_what_they_need_say_nothing() -> None:
    plays = [broke("a", "5"), seen("b", "1")]
    words = [Word("rack"), Word("turn"), Word("shooter", 7, "a"), Word("foul"), Word("rack", 1, None, "nowhere")]
    assert match(plays, *words) == match(plays)


def test_a_later_sight_of_a_shot_does_not_override_what_was_said() -> None:
    word = Word("foul", None, "b", "b")
    first = match([broke("a", "5"), seen("b", first="1")], word)
    amended = match([broke("a", "5"), seen("b", "1", "2")], word)
    assert first.turn == amended.turn == 1
    assert amended.verdicts[1].legal_pots == ()
