"""The training score of a session, 0 to 100: how much better a player did than the player usually does.

67 is as usual. To it three improvements are added, each in percentage points: aim, cue-ball control, positional
accuracy. What was measured by few strokes says little, so each is shrunk by the size of both samples:

    n_eff = 1 / (1 / n_session + 1 / n_baseline)        counted = raw · n_eff / (n_eff + SHRINK_STROKES)

Like is compared with like: strokes are told apart by bands of difficulty, and what a player does in a session is
held against the same strokes in the twelve weeks before (direct standardisation). What is usual is a median of
weeks, so a week missed on purpose hardly moves it. See docs/decisions/0017.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

Measure = Literal["aim", "control", "position"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

AS_USUAL = 67.0
# In a good month a player truly gains three or four points, and one stroke's outcome has a standard deviation of
# some 50: so many strokes as (50 / 3.5)² make what is seen half true and half luck.
SHRINK_STROKES = 200
LEAST_WEEKS = 3  # with strokes enough; with fewer there is nothing usual yet
LEAST_IN_WEEK = 15  # strokes
BAND_PRIOR = 20  # strokes that a band of difficulty borrows from all of them
BANDS = 5  # four quarters of difficulty, and those of which it is not known
UNKNOWN_BAND = BANDS - 1
UNIT = 1000  # sums are whole thousandths, so they are the same in whatever order they are added up
_PER_POINT = UNIT / 100


@dataclass(frozen=True, slots=True)
class Cell:
    """Strokes of one band: how many, what they got, and what their difficulty lets expect, in thousandths; `due`
    is 0 where difficulty says nothing."""

    n: int = 0
    got: int = 0
    due: int = 0

    @property
    def excess(self) -> int:
        """What they got beyond what was to be expected."""
        return self.got - self.due

    def __add__(self, other: "Cell") -> "Cell":
        return Cell(self.n + other.n, self.got + other.got, self.due + other.due)


@dataclass(frozen=True, slots=True)
class Tally:
    """What was measured of one measure: a cell for each band. Tallies can be added up."""

    cells: tuple[Cell, ...] = (Cell(),) * BANDS

    @property
    def n(self) -> int:
        return sum(cell.n for cell in self.cells)

    @property
    def value(self) -> float | None:
        """The plain share or mean, in percent; None of nothing."""
        return None if self.n == 0 else sum(cell.got for cell in self.cells) / self.n / _PER_POINT

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(tuple(one + two for one, two in zip(self.cells, other.cells, strict=True)))


Measured = Mapping[Measure, Tally]
NOTHING: Measured = dict.fromkeys(MEASURES, Tally())


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual: the excess of a stroke of each band, in thousandths, None for a band that can't be compared.

    It rests on so many `weeks` and `strokes`, a week's no more than those of the middle one. `value` is the plain
    share or mean of a usual week, in percent, to be shown.
    """

    bands: tuple[float | None, ...]
    strokes: int
    weeks: int
    value: float


Baselines = Mapping[Measure, Baseline | None]


@dataclass(frozen=True, slots=True)
class Improvement:
    """One measure of a session: its plain `value` in percent, by how many points it is better than usual for
    strokes as hard, and how much of that counts. `raw` is None where there is nothing to compare."""

    strokes: int = 0
    value: float | None = None
    raw: float | None = None
    counted: float = 0.0


Improvements = Mapping[Measure, Improvement]


def coach_score(improvements: Improvements) -> float:
    """The score of a session, with two decimals."""
    total = AS_USUAL + sum(improvements[measure].counted for measure in MEASURES)
    return round(min(100.0, max(0.0, total)), 2)


def improvements_of(measured: Measured, baselines: Baselines) -> dict[Measure, Improvement]:
    """A session's three improvements."""
    return {measure: improvement(measured[measure], baselines[measure]) for measure in MEASURES}


def improvement(tally: Tally, baseline: Baseline | None) -> Improvement:
    """By how much a session is better than usual, stroke by stroke of the same difficulty."""
    found = None if baseline is None else _against(tally, baseline.bands)
    if baseline is None or found is None:
        return Improvement(tally.n, tally.value)
    strokes, excess = found
    raw = excess / _PER_POINT
    return Improvement(tally.n, tally.value, raw, raw * trust(strokes, baseline.strokes))


def trust(session: float, baseline: float) -> float:
    """How much of a difference counts, 0 to 1, by the strokes on both sides."""
    if not session or not baseline:
        return 0.0
    effective = 1 / (1 / session + 1 / baseline)
    return effective / (effective + SHRINK_STROKES)


def baselines_of(weeks: Iterable[Measured]) -> dict[Measure, Baseline | None]:
    """What is usual, of what was measured in each week."""
    every = list(weeks)
    return {measure: baseline_of([week[measure] for week in every]) for measure in MEASURES}


def baseline_of(weeks: Iterable[Tally]) -> Baseline | None:
    """What is usual by those weeks that have strokes enough; None with fewer than three of them.

    Two steps. How bands differ from each other is pooled over the weeks, each band without the week that pulls it
    down most. The level is the median of the weeks as they stand against that.
    """
    full = [week for week in weeks if week.n >= LEAST_IN_WEEK]
    if len(full) < LEAST_WEEKS:
        return None
    shape = _shape(full)
    levels = [found for week in full if (found := _against(week, shape)) is not None]
    if len(levels) < LEAST_WEEKS:
        return None
    weights = capped([n for n, _ in levels])
    level = upper_median([mean for _, mean in levels], weights)
    values = [week.value or 0.0 for week in full]
    return Baseline(
        tuple(None if one is None else one + level for one in shape),
        sum(weights),
        len(levels),
        upper_median(values, capped([week.n for week in full])),
    )


def capped(counts: Sequence[int]) -> list[int]:
    """The weights of weeks: their strokes, but no more than the middle one's, so that no week has half the say."""
    middle = sorted(counts)[len(counts) // 2]
    return [min(count, middle) for count in counts]


def upper_median(values: Sequence[float], weights: Sequence[int]) -> float:
    """The value up to which there is more than half of the weight; of an even number of equals the upper one."""
    half, so_far = sum(weights) / 2, 0
    for value, weight in sorted(zip(values, weights, strict=True)):
        so_far += weight
        if so_far > half:
            return value
    raise ValueError("a median of nothing")


def _shape(weeks: Sequence[Tally]) -> tuple[float | None, ...]:
    """The excess of a stroke of each band, before the level of the weeks is known."""
    of_known = [_sum(w.cells[:UNKNOWN_BAND]) for w in weeks]
    known = _without_lowest([(cell.n, cell.excess) for cell in of_known])
    plain = _without_lowest([(w.n, _sum(w.cells).got) for w in weeks])
    shape: list[float | None] = []
    for band in range(BANDS):
        anchor = plain if band == UNKNOWN_BAND else known
        if anchor is None:
            shape.append(None)
            continue
        n, excess = _without_lowest([(w.cells[band].n, w.cells[band].excess) for w in weeks]) or (0, 0)
        shape.append((excess + BAND_PRIOR * anchor[1] / anchor[0]) / (n + BAND_PRIOR))
    return tuple(shape)


def _without_lowest(parts: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """The sums of counts and amounts without the part that pulls the mean down most; None if nothing is left."""
    n, amount = sum(part[0] for part in parts), sum(part[1] for part in parts)
    left = [(n - part[0], amount - part[1]) for part in parts if part[0] and n > part[0]]
    return max(left, key=lambda rest: (rest[1] / rest[0], rest[0]), default=None)


def _against(tally: Tally, bands: Sequence[float | None]) -> tuple[int, float] | None:
    """How many strokes can be compared with these bands, and by how much a stroke of them is better on average, in
    thousandths; None if none can."""
    pairs = [(cell, usual) for cell, usual in zip(tally.cells, bands, strict=True) if usual is not None]
    n = sum(cell.n for cell, _ in pairs)
    return (n, sum(cell.excess - cell.n * usual for cell, usual in pairs) / n) if n else None


def _sum(cells: Iterable[Cell]) -> Cell:
    return sum(cells, Cell())


def measured_to_json(measured: Measured) -> dict[str, Any]:
    """As it is stored: lists of numbers, a measure of which there is nothing being left out."""
    return {
        measure: [[cell.n, cell.got, cell.due] for cell in measured[measure].cells]
        for measure in MEASURES
        if measured[measure].n
    }


def measured_from_json(stored: Mapping[str, Any]) -> dict[Measure, Tally]:
    """What `measured_to_json` wrote."""
    return {
        measure: Tally(tuple(Cell(*cell) for cell in stored[measure])) if measure in stored else Tally()
        for measure in MEASURES
    }


def add_up(every: Iterable[Measured]) -> dict[Measure, Tally]:
    """What several sessions have measured together."""
    total = dict(NOTHING)
    for measured in every:
        for measure in MEASURES:
            if measured[measure].n:
                total[measure] += measured[measure]
    return total
