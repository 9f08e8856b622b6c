"""What must hold of any match, whatever the camera reports and people say."""

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge.hall.games import Breaks, GameName, MatchState, Play, Verdict, Word, WordKind, play_match

GAMES: tuple[GameName, ...] = get_args(GameName)
SIZES = {"8-ball": 15, "9-ball": 9, "10-ball": 10, "straight pool": 15}
RACE = 3
FEW = settings(max_examples=40)
NUMBERS = tuple(str(n) for n in range(1, 16))

games = st.sampled_from(GAMES)
rack_games = st.sampled_from(GAMES[:3])
names = st.sampled_from((*NUMBERS, "solid?", "stripe?", "ball-3"))
maybe = st.sampled_from((None, True, False))
breaks = st.sampled_from(get_args(Breaks))


@st.composite
def wild_plays(draw: st.DrawFn, on_table: bool = True) -> list[Play]:
    """Anything a camera may report, sense or none."""
    layouts = st.none() | st.lists(names, unique=True, max_size=15).map(tuple) | st.just(NUMBERS)
    plays = st.builds(
        Play,
        shot_id=st.just(""),
        result=st.sampled_from(("make", "miss", "unknown")),
        scratch=st.booleans(),
        potted=st.lists(names, max_size=2).map(tuple),
        first_ball=st.none() | names,
        met_anything=maybe,
        is_break=maybe if on_table else st.none(),
        cushion_after_contact=maybe,
        on_table=layouts if on_table else st.none(),
        complete=st.booleans(),
        confidence=st.sampled_from((None, 0.2, 0.9)),
        off_table=st.sampled_from(((), (), ("8",), ("9",))),
        to_cushion=st.none() | st.lists(names, max_size=5).map(tuple),
    )
    drawn = draw(st.lists(plays, max_size=25))
    return [replace(play, shot_id=f"s{n}") for n, play in enumerate(drawn)]


@st.composite
def tidy_plays(draw: st.DrawFn, game: GameName) -> list[Play]:
    """A match that makes sense: racks from the break on, the lowest balls falling first, misses and scratches."""
    full = tuple(str(n) for n in range(1, SIZES[game] + 1))
    money = {"8-ball": "8", "9-ball": "9", "10-ball": "10", "straight pool": "15"}[game]
    plays: list[Play] = []
    for _ in range(draw(st.integers(1, 2 * RACE))):
        lying, broken = list(full), False
        mishaps = ["miss"] if game == "straight pool" else ["miss", "scratch", "scratch"]  # no third foul
        while money in lying and len(plays) < 60:
            if game == "straight pool" and lying == [money]:
                break
            what = draw(st.sampled_from(("pot", "pot", "pot", *mishaps)))
            if what == "scratch":
                mishaps.remove(what)
            order = [b for b in lying if b != money] or lying
            fell = (order[0],) if what == "pot" and broken else ()
            plays.append(
                Play(
                    f"s{len(plays)}",
                    "make" if fell else "miss",
                    what == "scratch",
                    fell,
                    order[0],
                    True,
                    not broken,
                    True,
                    tuple(lying),
                )
            )
            lying, broken = [b for b in lying if b not in fell], True
    return plays


@st.composite
def words(draw: st.DrawFn, ids: list[str], looking_back: bool = True) -> list[Word]:
    """Anything people may say, in the order of the plays it follows."""
    places = sorted(draw(st.lists(st.integers(-1, len(ids) - 1), max_size=5)))
    said = []
    for place in places:
        back = draw(st.none() | st.integers(0, place)) if looking_back and place >= 0 else None
        said.append(
            Word(
                draw(st.sampled_from(get_args(WordKind))),
                draw(st.sampled_from((None, 0, 1))),
                None if back is None else ids[back],
                None if place < 0 else ids[place],
                draw(st.integers(-3, 3)),
            )
        )
    return said


@st.composite
def matches(draw: st.DrawFn) -> tuple[GameName, list[Play], list[Word]]:
    game = draw(games)
    plays = draw(wild_plays() | tidy_plays(game))
    return game, plays, draw(words([play.shot_id for play in plays]))


@FEW
@given(matches(), breaks, st.integers(0, 1))
def test_the_score_is_the_racks_and_the_winner_has_won_the_race(
    match: tuple[GameName, list[Play], list[Word]], order: Breaks, breaker: int
) -> None:
    game, plays, said = match
    state = play_match(game, RACE, breaker, plays, said, breaks=order)
    assert max(state.score) <= RACE
    assert len(state.verdicts) == len(plays)
    assert state.over == (state.how is not None) == (state.turn is None)
    assert (state.how == "race") == (RACE in state.score)
    if state.how == "race":
        assert state.winner is not None
        assert state.score[state.winner] == RACE
        assert state.score[1 - state.winner] < RACE
    if game != "straight pool":
        assert state.score == tuple(sum(r.winner == p for r in state.racks) for p in (0, 1))
        assert [r.number for r in state.racks] == list(range(1, len(state.racks) + 1))
        asked = {q.rack for q in state.questions if q.kind == "rack_winner"}
        assert {r.number for r in state.racks if r.winner is None} <= asked
        assert state.hill_hill == (state.score == (RACE - 1, RACE - 1) and not state.over)


@FEW
@given(matches(), breaks)
def test_players_are_treated_alike(match: tuple[GameName, list[Play], list[Word]], order: Breaks) -> None:
    game, plays, said = match
    swapped = [replace(w, player=None if w.player is None else 1 - w.player) for w in said]
    one = play_match(game, RACE, 0, plays, said, breaks=order)
    other = play_match(game, RACE, 1, plays, swapped, breaks=order)
    assert mirrored(one) == other


def mirrored(state: MatchState) -> MatchState:
    def flip(player: int | None) -> int | None:
        return None if player is None else 1 - player

    pairs = ("race_to", "score", "points", "groups", "left", "innings", "best_run", "fouls", "consecutive_fouls")
    turned = {name: getattr(state, name)[::-1] for name in pairs}
    return replace(
        state,
        turn=flip(state.turn),
        winner=flip(state.winner),
        breaker=1 - state.breaker,
        racks=tuple(replace(r, winner=flip(r.winner), breaker=1 - r.breaker) for r in state.racks),
        verdicts=tuple(replace(v, player=flip(v.player)) for v in state.verdicts),
        questions=tuple(replace(q, guess=flip(q.guess)) for q in state.questions),
        **turned,
    )


@FEW
@given(matches())
def test_who_is_said_to_have_shot_is_the_shooter(match: tuple[GameName, list[Play], list[Word]]) -> None:
    game, plays, said = match
    assume(plays)
    shot_id = plays[len(plays) // 2].shot_id
    for player in (0, 1):
        told = play_match(game, RACE, 0, plays, [*said, Word("shooter", player, shot_id, plays[-1].shot_id)])
        verdict = told.verdicts[len(plays) // 2]
        assert verdict.player == player or (verdict.player is None and told.over)


@FEW
@given(st.data(), games)
def test_words_about_different_shots_may_come_in_any_order(data: st.DataObject, game: GameName) -> None:
    plays = data.draw(wild_plays())
    said = [
        Word(data.draw(st.sampled_from(("shooter", "foul", "no foul", "points"))), n % 2, play.shot_id, amount=n)
        for n, play in enumerate(plays)
        if data.draw(st.booleans())
    ]
    shuffled = data.draw(st.permutations(said))
    assert play_match(game, RACE, 0, plays, shuffled) == play_match(game, RACE, 0, plays, said)


@FEW
@given(matches(), st.integers(0, 1))
def test_a_word_taken_back_and_said_again_changes_nothing(
    match: tuple[GameName, list[Play], list[Word]], player: int
) -> None:
    game, plays, said = match
    assume(plays)
    last = Word("rack", player, plays[0].shot_id, plays[-1].shot_id)
    before, whole = play_match(game, RACE, 0, plays, said), play_match(game, RACE, 0, plays, [*said, last])
    assert play_match(game, RACE, 0, plays, said) == before
    assert play_match(game, RACE, 0, plays, [*said, last]) == whole
    assert play_match(game, RACE, 0, plays, [*said, last, last]).score == whole.score


@FEW
@given(st.data(), games, breaks)
def test_what_comes_later_leaves_earlier_verdicts_alone(
    data: st.DataObject, game: GameName, order: Breaks
) -> None:
    plays = data.draw(wild_plays() | tidy_plays(game))
    assume(plays)
    said = data.draw(words([play.shot_id for play in plays], looking_back=False))
    cut = data.draw(st.integers(1, len(plays)))
    early = {None, *(play.shot_id for play in plays[:cut])}
    whole = play_match(game, RACE, 0, plays, said, breaks=order)
    part = play_match(game, RACE, 0, plays[:cut], [w for w in said if w.after in early], breaks=order)
    assume(not part.over)  # a word about the last rack may bring it back to life
    assert [settled(v) for v in part.verdicts] == [settled(v) for v in whole.verdicts[:cut]]


def settled(verdict: Verdict) -> Verdict:
    """A verdict without what the next shot tells."""
    return replace(verdict, safety_won=None)


@FEW
@given(matches())
def test_innings_and_runs(match: tuple[GameName, list[Play], list[Word]]) -> None:
    game, plays, said = match
    state = play_match(game, RACE, 0, plays, said)
    counted = [v for v in state.verdicts if v.player is not None]
    assert sum(state.innings) == len({v.inning for v in counted})
    for before, after in pairwise(counted):
        assert before.inning is not None
        assert after.inning is not None
        if after.player != before.player or not before.stays:
            assert after.inning == before.inning + 1
            assert after.run == len(after.legal_pots)
        elif after.rack == before.rack and after.inning == before.inning:
            assert after.run == before.run + len(after.legal_pots)
    for player in (0, 1):
        assert state.best_run[player] == max((v.run for v in counted if v.player == player), default=0)
        assert state.fouls[player] == sum(v.player == player and v.foul is not None for v in counted)


@FEW
@given(st.data(), games)
def test_a_match_that_is_seen_whole_asks_nothing(data: st.DataObject, game: GameName) -> None:
    plays = data.draw(tidy_plays(game))
    state = play_match(game, 60, 0, plays)
    assert state.questions == ()
    assert all(v.sure for v in state.verdicts)
    assert all(rack.sure for rack in state.racks)
    if game == "straight pool":
        assert sum(state.points) == sum(len(play.potted) for play in plays)


@FEW
@given(st.data(), rack_games)
def test_the_turn_passes_unless_the_shooter_stays(data: st.DataObject, game: GameName) -> None:
    state = play_match(game, RACE, 0, data.draw(tidy_plays(game)))
    for before, after in pairwise(state.verdicts):
        if after.player is not None and before.rack == after.rack:
            assert (after.player == before.player) == before.stays
            assert before.stays == bool(before.legal_pots)
        assert before.foul is None or not before.legal_pots


@FEW
@given(wild_plays(on_table=False), rack_games)
def test_a_ball_counts_at_most_once_in_a_rack(plays: list[Play], game: GameName) -> None:
    state = play_match(game, RACE, 0, plays)
    fell = [(v.rack, ball) for v in state.verdicts for ball in v.legal_pots if ball.isdigit()]
    assert len(fell) == len(set(fell))


@FEW
@given(wild_plays(), st.integers(0, 1))
def test_points_of_straight_pool_are_those_of_its_verdicts(plays: list[Play], breaker: int) -> None:
    state = play_match("straight pool", 20, breaker, plays)
    for player in (0, 1):
        assert state.points[player] == sum(v.points for v in state.verdicts if v.player == player)
    assert state.score == state.points


@pytest.mark.parametrize("game", ["9-ball", "10-ball", "straight pool"])
@FEW
@given(st.lists(st.sampled_from(("foul", "legal")), max_size=12))
def test_the_third_foul_in_a_row_is_punished(game: GameName, turns: list[str]) -> None:
    """Player 0 fouls or plays legally, player 1 always misses legally."""
    plays = [Play("b", "miss", False, (), "1", True, True, True)]
    row, third = 0, None
    for n, turn in enumerate(turns):
        plays.append(Play(f"m{n}", "miss", False, (), "1", True, False, True))
        plays.append(Play(f"f{n}", "miss", turn == "foul", (), "1", True, False, True))
        row = row + 1 if turn == "foul" else 0
        if row == 3:
            third = n
            break
    state = play_match(game, 50, 0, plays)
    if game == "straight pool":
        assert [v.points for v in state.verdicts if v.points == -16] == ([] if third is None else [-16])
        assert state.turn == (1 if third is None else 0)
    else:
        assert [(r.winner, r.how) for r in state.racks] == ([] if third is None else [(1, "three fouls")])
