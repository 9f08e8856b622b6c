"""What is measured of a session's plays: makes by difficulty, what a stroke left, how easy the next one was."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import stamp
from edge.coach.measures import PLAY_COLUMNS, band_of, ease, measure
from edge.coach.score import BANDS, UNIT, Cell, Measured, Tally

BEGIN = datetime(2026, 3, 1, 19, tzinfo=UTC)


@dataclass(frozen=True)
class Play:
    """A play as `measure` reads it; `at_s` counts from the first."""

    result: str = "make"
    difficulty: float | None = 0.3
    kind: str = "cut"
    scratch: int = 0
    player_id: str | None = "ana"
    rack: int | None = None
    inning: int | None = None
    at_s: float | None = None


def rows(*plays: Play) -> list[dict[str, Any]]:
    """A quarter of a minute after each other, unless they say when."""
    found = []
    for number, play in enumerate(plays):
        row = asdict(play)
        at_s = row.pop("at_s")
        row["played_at"] = stamp(BEGIN + timedelta(seconds=15.0 * number if at_s is None else at_s))
        found.append(row)
    return found


def of(*plays: Play) -> Measured:
    return measure(rows(*plays), "ana")


def sums(tally: Tally) -> tuple[int, int]:
    """How many strokes, and what they got in thousandths."""
    return tally.n, sum(cell.got for cell in tally.cells)


MISS = Play("miss")
EASY, HARD = Play("miss", 0.2), Play("miss", 0.9)


def test_columns_are_those_that_are_read() -> None:
    assert set(PLAY_COLUMNS.split(", ")) == set(rows(Play())[0])


@pytest.mark.parametrize(
    ("difficulty", "band"),
    [(0.0, 0), (0.249, 0), (0.25, 1), (0.5, 2), (0.75, 3), (1.0, 3), (-0.1, 0), (1.2, 3), (None, 4)],
)
def test_difficulty_comes_in_four_bands_and_one_of_those_it_is_not_known_of(
    difficulty: float | None, band: int
) -> None:
    assert band_of(difficulty) == band
    assert BANDS == 5


def test_ease_is_the_chance_of_a_make_in_thousandths() -> None:
    assert [ease(d) for d in (0.0, 0.3334, 1.0, 1.5, -1.0)] == [1000, 667, 0, 0, 1000]


def test_aim_is_makes_by_band_against_what_difficulty_lets_expect() -> None:
    found = of(Play("make", 0.1), Play("miss", 0.2), Play("make", 0.6), Play("miss", None), Play("make", None))
    assert found["aim"].cells == (Cell(2, 1000, 1700), Cell(), Cell(1, 1000, 400), Cell(), Cell(2, 1000, 0))
    assert found["aim"].value == 60.0


@pytest.mark.parametrize("play", [Play(kind="break"), Play(kind="safety"), Play("unknown"), Play(player_id=None)])
def test_breaks_safeties_what_could_not_be_told_and_what_nobody_shot_are_no_attempts(play: Play) -> None:
    assert of(play)["aim"] == Tally()


def test_control_is_the_share_of_pots_after_which_a_makeable_ball_was_left() -> None:
    assert sums(of(Play(), EASY)["control"]) == (1, UNIT)
    assert sums(of(Play(), HARD)["control"]) == (1, 0)
    assert sums(of(Play(), Play("miss", 0.5))["control"]) == (1, UNIT)
    assert sums(of(Play(), Play("miss", kind="safety"))["control"]) == (1, 0)
    assert of(Play(), Play("miss", kind="safety"))["position"] == Tally()
    assert sums(of(MISS, EASY)["control"]) == (0, 0), "a miss is aim's affair"


def test_a_scratch_is_judged_by_itself() -> None:
    scratch = Play("miss", 0.3, scratch=1)
    assert sums(of(scratch)["control"]) == (1, 0)
    assert sums(of(scratch, EASY)["control"]) == (1, 0)
    assert sums(of(Play("miss", None, kind="safety", scratch=1))["control"]) == (1, 0)
    assert sums(of(Play("miss", None, kind="break", scratch=1))["control"]) == (0, 0)


def test_position_is_how_easy_the_attempt_after_a_make_was() -> None:
    found = of(Play("make", 0.3), Play("make", 0.2), Play("miss", 0.9))
    assert sums(found["position"]) == (2, 800 + 100)
    assert found["position"].cells[0].n == found["position"].cells[1].n == 1, "by how hard the make was"


@pytest.mark.parametrize(
    "later",
    [
        Play("make", 0.1, kind="break"),
        Play("make", 0.1, player_id=None),
        Play("make", 0.1, player_id="ben"),
        Play("make", 0.1, rack=2),
        Play("make", 0.1, inning=4),
        Play("make", 0.1, at_s=121),
        Play("make", None),
    ],
)
def test_what_is_not_the_same_visit_s_next_attempt_judges_nothing(later: Play) -> None:
    found = of(Play(at_s=0), later)
    assert found["control"] == found["position"] == Tally()


def test_in_a_match_a_visit_is_one_inning_of_a_rack() -> None:
    own = [
        Play("make", 0.4, rack=1, inning=3),
        Play("make", 0.2, rack=1, inning=3),
        Play("miss", 0.2, rack=1, inning=5),
    ]
    found = of(*own)
    assert (sums(found["control"]), sums(found["position"])) == ((1, UNIT), (1, 800))


plays = st.builds(
    Play,
    st.sampled_from(["make", "miss", "unknown"]),
    st.one_of(st.none(), st.floats(0, 1)),
    st.sampled_from(["cut", "straight", "safety", "break", "unknown"]),
    inning=st.sampled_from([None, 1, 2]),
)


@given(st.lists(st.lists(plays, min_size=1, max_size=6), max_size=5), st.randoms())
def test_the_order_of_visits_does_not_matter(visits: list[list[Play]], chance: Any) -> None:
    def told(order: list[list[Play]]) -> Measured:
        placed = [
            Play(**{**asdict(play), "at_s": 1000.0 * place + 10 * number})
            for place, visit in enumerate(order)
            for number, play in enumerate(visit)
        ]
        return of(*placed)

    assert told(chance.sample(visits, len(visits))) == told(visits)


@given(st.lists(plays, min_size=1, max_size=20), st.data())
def test_a_make_more_is_a_make_more_of_the_same_strokes(session: list[Play], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(session) - 1))
    missed = [
        Play(**{**asdict(play), "result": "miss" if n == place else play.result}) for n, play in enumerate(session)
    ]
    made = [
        Play(**{**asdict(play), "result": "make" if n == place else play.result}) for n, play in enumerate(session)
    ]
    before, after = of(*missed)["aim"], of(*made)["aim"]
    counts = session[place].kind not in ("break", "safety")
    assert after.n == before.n
    assert sums(after)[1] - sums(before)[1] == UNIT * counts
