"""The training score: the owner's example, improvement over one's own, and what can't be had by luck or tricks."""

import json
import random

import numpy as np
import pytest
from coach_sim import history, sessions
from hypothesis import given
from hypothesis import strategies as st

from edge.coach import score
from edge.coach.score import (
    BANDS,
    LEAST_IN_WEEK,
    MEASURES,
    NOTHING,
    UNIT,
    Baseline,
    Cell,
    Improvement,
    Measured,
    Tally,
    add_up,
    baseline_of,
    baselines_of,
    capped,
    coach_score,
    improvement,
    improvements_of,
    measured_from_json,
    measured_to_json,
    trust,
    upper_median,
)

MANY = 10**9


def of_rate(rate: float, n: int = 100, band: int = 1) -> Tally:
    """Strokes of one band, of which that share was made."""
    cells = [Cell()] * BANDS
    cells[band] = Cell(n, round(rate * n * UNIT), round(n * UNIT / 2))
    return Tally(tuple(cells))


def usual(rate: float, strokes: int = MANY) -> Baseline:
    """What is usual for somebody of whom everything is known."""
    return Baseline((None, rate * UNIT - UNIT / 2, None, None, None), strokes, 12, 100 * rate)


def month_s_average(of_month: list[Measured], weeks: list[Measured]) -> float:
    usually = baselines_of(weeks)
    shots = [one["aim"].n for one in of_month]
    return float(np.average([coach_score(improvements_of(one, usually)) for one in of_month], weights=shots))


def test_the_owner_s_example_is_85() -> None:
    rates = {"aim": (0.55, 0.50), "control": (0.70, 0.60), "position": (0.63, 0.60)}
    found = {measure: improvement(of_rate(now, MANY), usual(before)) for measure, (now, before) in rates.items()}
    assert coach_score(found) == 85.0  # type: ignore[arg-type]


def test_as_usual_is_67_and_so_is_what_can_not_be_compared() -> None:
    assert coach_score(dict.fromkeys(MEASURES, Improvement())) == 67.0
    assert improvement(of_rate(0.9), None) == Improvement(100, 90.0)
    assert improvement(of_rate(0.9, band=2), usual(0.5)) == Improvement(100, 90.0), "no stroke is as hard"
    assert improvement(Tally(), usual(0.5)) == Improvement()


def test_few_strokes_on_either_side_count_for_less() -> None:
    assert trust(100, 100) == pytest.approx(50 / 250)
    assert trust(MANY, MANY) == pytest.approx(1.0)
    assert trust(0, 100) == trust(100, 0) == 0.0
    assert trust(50, 1000) < trust(100, 1000) < trust(100, 2000)
    found = improvement(of_rate(0.6, 80), usual(0.5, 400))
    assert found.raw == pytest.approx(10.0)
    assert found.counted == pytest.approx(10.0 * trust(80, 400))


@pytest.mark.parametrize(("weeks", "there"), [(2, False), (3, True)])
def test_what_is_usual_takes_three_weeks_with_strokes_enough(weeks: int, there: bool) -> None:
    found = baseline_of([of_rate(0.5)] * weeks + [of_rate(0.9, LEAST_IN_WEEK - 1)] * 5)
    assert (found is not None) is there
    if found is not None:
        assert (found.weeks, found.strokes, found.value) == (3, 300, 50.0)


def test_a_week_has_never_half_the_say() -> None:
    assert capped([50, 10_000, 60]) == [50, 60, 60]
    assert upper_median([0.2, 0.9, 0.5, 0.4], [1, 1, 1, 1]) == 0.5
    assert upper_median([0.0, 0.5, 0.6], capped([10_000, 50, 60])) == 0.5


@given(st.lists(st.integers(1, 10_000), min_size=3, max_size=12), st.data())
def test_a_median_never_is_what_one_week_alone_says(counts: list[int], data: st.DataObject) -> None:
    values = data.draw(st.lists(st.floats(0, 1), min_size=len(counts), max_size=len(counts)))
    bad = data.draw(st.integers(0, len(counts) - 1))
    honest = [value for place, value in enumerate(values) if place != bad]
    values[bad] = -1.0
    assert upper_median(values, capped(counts)) in honest


# Who misses on purpose for a week


@given(
    st.integers(3, 12),
    st.integers(0, 11),
    st.integers(LEAST_IN_WEEK, 5000),
    st.integers(0, 4),
    st.lists(st.integers(0, 30), min_size=BANDS, max_size=BANDS).filter(lambda ns: sum(ns) >= LEAST_IN_WEEK),
    st.lists(st.integers(0, 10), min_size=BANDS, max_size=BANDS),
)
def test_a_week_missed_on_purpose_changes_nothing_for_who_shoots_evenly(  # noqa: PLR0917
    weeks: int, which: int, missed: int, band: int, ns: list[int], tenths: list[int]
) -> None:
    week = Tally(tuple(Cell(10 * n, n * made * UNIT, n * UNIT) for n, made in zip(ns, tenths, strict=True)))
    bad = [Cell()] * BANDS
    bad[band] = Cell(missed, 0, missed * 100)
    held = [week] * weeks
    held[which % weeks] = Tally(tuple(bad))
    honest, after = baseline_of([week] * weeks), baseline_of(held)
    assert honest is not None
    assert after is not None
    before, now = improvement(week, honest), improvement(week, after)
    assert now.counted <= before.counted + 1e-9


def test_missing_hard_balls_for_a_week_gains_nothing_by_shooting_hard_balls_alone() -> None:
    """Nor where all strokes of that week were of one band, far more than of all other weeks together."""
    week = Tally((Cell(60, 54 * UNIT, 52 * UNIT), Cell(), Cell(), Cell(20, 4 * UNIT, 3 * UNIT), Cell()))
    bad = Tally((Cell(), Cell(), Cell(), Cell(5000, 0, 750 * UNIT), Cell()))
    hard = Tally((Cell(), Cell(), Cell(), Cell(300, 60 * UNIT, 45 * UNIT), Cell()))
    before = improvement(hard, baseline_of([week] * 8))
    after = improvement(hard, baseline_of([bad, *[week] * 7]))
    assert before.raw == pytest.approx(0.0, abs=1.0)
    assert after.counted - before.counted < 0.1


def sandbagged(rng: np.random.Generator, weeks: int) -> float:
    """By how much a month's average is better for a week that was missed on purpose, all else being the same."""
    honest = history(rng, weeks=weeks)
    bad = sessions(
        rng,
        [int(rng.choice([120, 600]))],
        made=float(rng.choice([0.0, 0.2])),
        mix=[(1.3, 1.3), (3.0, 1.0)][rng.integers(2)],
    )
    held = list(honest)
    held[rng.integers(weeks)] = bad[0]
    month = sessions(rng, [84] * 6)
    return month_s_average(month, held) - month_s_average(month, honest)


def test_a_week_missed_on_purpose_gains_hardly_anything_where_luck_plays_in() -> None:
    rng = np.random.default_rng(17)
    gains = [sandbagged(rng, 12) for _ in range(300)]
    assert np.mean(gains) < 0.4
    assert np.quantile(gains, 0.95) < 1.2
    assert max(gains) < 3.0


def test_a_week_at_half_strength_gains_no_more_than_one_missed_altogether() -> None:
    rng = np.random.default_rng(18)
    gains = []
    for _ in range(200):
        honest, month = history(rng), sessions(rng, [84] * 6)
        held = [*honest[:-1], *sessions(rng, [120], skill=-0.2)]
        gains.append(month_s_average(month, held) - month_s_average(month, honest))
    assert np.mean(gains) < 0.4


# Luck and effort


def a_month(rng: np.random.Generator, hours: float) -> list[Measured]:
    """Some seventy strokes an hour, in sessions of some length."""
    sizes, left = [], hours
    while left > 0.2:
        one = min(left, 1.2 * rng.uniform(0.5, 1.5))
        sizes.append(max(10, int(70 * one)))
        left -= one
    return sessions(rng, sizes)


def pairs(seed: int, count: int, more: float, most_hours: float = 20.0) -> tuple[float, float, float]:
    """Two equal players who don't improve, one of whom trains `more` times as long: how often that one's total is
    the lower one, and the averages of the coach's scores of both."""
    rng = np.random.default_rng(seed)
    lower, few, many = 0, [], []
    for _ in range(count):
        hours = rng.uniform(4, most_hours / more)
        one = month_s_average(a_month(rng, hours), history(rng))
        other = month_s_average(a_month(rng, hours * more), history(rng))
        few.append(one)
        many.append(other)
        lower += 0.5 * other + 30 * hours * more / most_hours < 0.5 * one + 30 * hours / most_hours
    return lower / count, float(np.mean(few)), float(np.mean(many))


@pytest.mark.slow
def test_among_equal_players_who_do_not_improve_the_one_who_trains_a_quarter_more_is_not_lower() -> None:
    lower, few, many = pairs(5, 1000, 1.25)
    assert lower < 0.01
    assert few == pytest.approx(many, abs=0.25), "what the coach says does not depend on how much one trains"
    assert few == pytest.approx(67.0, abs=0.3)


def test_luck_is_small_against_an_hour() -> None:
    rng = np.random.default_rng(6)
    found = [month_s_average(a_month(rng, 10.0), history(rng)) for _ in range(400)]
    of_total = 0.5 * float(np.std(found))
    assert of_total < 0.7
    assert of_total < 30 / 20.0 / 2, "half of what an hour brings where the best trains twenty"


@pytest.mark.slow
def test_who_truly_improves_scores_more() -> None:
    rng = np.random.default_rng(7)
    better = [
        month_s_average(sessions(rng, [84] * 8, skill=0.08), history(rng))
        > month_s_average(a_month(rng, 11), history(rng))
        for _ in range(200)
    ]
    assert np.mean(better) > 0.9


# Like with like


def test_easier_balls_are_no_better_aim() -> None:
    """Of whatever skill: also of somebody who is far better than most at easy balls and far worse at hard ones."""
    rng = np.random.default_rng(8)
    for skill in (-0.2, 0.0, 0.2):
        weeks = history(rng, a_week=2000, skill=skill)
        (easy,) = sessions(rng, [200_000], skill=skill, mix=(1.0, 6.0))
        (hard,) = sessions(rng, [200_000], skill=skill, mix=(6.0, 1.0))
        plain, usually = weeks[0]["aim"].value, baselines_of(weeks)["aim"]
        assert plain is not None
        for month, shift in ((easy, 15), (hard, -15)):
            found = improvement(month["aim"], usually)
            assert found.value is not None
            assert found.raw is not None
            assert (found.value - plain) / shift > 1, "the plain share is another one altogether"
            # Near a chance of nought or one the same skill is worth less, of which bands take most away.
            assert abs(found.raw) < 5.0


def test_a_player_s_own_bands_are_what_easier_balls_are_held_against() -> None:
    """Nine in ten of easy ones and one in ten of hard ones: by a plain share easy ones alone would be +40."""
    week = Tally((Cell(50, 45 * UNIT, 44 * UNIT), Cell(), Cell(), Cell(50, 5 * UNIT, 6 * UNIT), Cell()))
    easy = Tally((Cell(80, 72 * UNIT, 80 * 880), Cell(), Cell(), Cell(), Cell()))
    found = improvement(easy, baseline_of([week] * 6))
    assert found.value == 90.0
    assert found.raw == pytest.approx(0.0, abs=0.3)


# What a score always is

cells = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60)).map(
    lambda t: Cell(max(t), t[0] * UNIT, t[1] * UNIT)
)
tallies = st.lists(cells, min_size=BANDS, max_size=BANDS).map(lambda found: Tally(tuple(found)))
measured = st.fixed_dictionaries(dict.fromkeys(MEASURES, tallies))


@pytest.mark.slow
@given(measured, st.lists(measured, max_size=6))
def test_a_score_is_between_0_and_100_with_two_decimals(session: Measured, weeks: list[Measured]) -> None:
    found = coach_score(improvements_of(session, baselines_of(weeks)))
    assert 0 <= found <= 100
    assert found == round(found, 2)


@pytest.mark.parametrize(("counted", "expected"), [(40.0, 100.0), (-40.0, 0.0)])
def test_it_ends_at_its_ends(counted: float, expected: float) -> None:
    assert coach_score(dict.fromkeys(MEASURES, Improvement(counted=counted))) == expected


@pytest.mark.slow
@given(measured, st.lists(measured, min_size=3, max_size=6), st.sampled_from(MEASURES), st.integers(0, BANDS - 1))
def test_what_is_done_better_never_lowers_it(
    session: dict[str, Tally], weeks: list[Measured], measure: str, band: int
) -> None:
    usually = baselines_of(weeks)
    better = list(session[measure].cells)
    cell = better[band]
    better[band] = Cell(cell.n, cell.got + UNIT, cell.due) if cell.got < cell.n * UNIT else cell
    more = {**session, measure: Tally(tuple(better))}
    assert coach_score(improvements_of(more, usually)) >= coach_score(improvements_of(session, usually))  # type: ignore[arg-type]


@given(st.lists(measured, min_size=3, max_size=6), st.randoms())
def test_nothing_depends_on_the_order(weeks: list[Measured], chance: random.Random) -> None:
    mixed = chance.sample(weeks, len(weeks))
    assert baselines_of(mixed) == baselines_of(weeks)
    assert add_up(mixed) == add_up(weeks)


@given(measured)
def test_what_is_stored_is_what_was_measured(found: Measured) -> None:
    stored = json.loads(json.dumps(measured_to_json(found)))
    back = measured_from_json(stored)
    assert {m: back[m].n for m in MEASURES} == {m: found[m].n for m in MEASURES}
    assert all(back[m] == found[m] for m in MEASURES if found[m].n)
    assert measured_from_json({}) == NOTHING
    assert measured_to_json(NOTHING) == {}


def test_the_constants_are_those_of_the_decision() -> None:
    assert (score.AS_USUAL, score.SHRINK_STROKES, score.LEAST_WEEKS) == (67.0, 200, 3)
