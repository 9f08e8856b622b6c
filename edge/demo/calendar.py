"""When the demo's people are here, and how they shoot: drawn by a seed, the same for the same month whenever it is
made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from edge.clock import month_after, month_before
from edge.demo.people import PEOPLE, Person
from edge.demo.strokes import Pool, Stroke
from edge.hall.occasion import hall_day

OPENS, PLACES = time(11, 30), 12  # at one table, one after the other
A_VISIT = timedelta(minutes=55)
STROKES, FIRST_STROKES = (26, 40), (40, 46)
EVERY_S = (46.0, 58.0)  # from one stroke to the next
SCRATCHES, BREAKS, SAFETIES = 0.03, 0.02, 0.04
FIRST_GAINS = 0.07  # who trains most is so much better in that month
WELL_BEFORE = timedelta(minutes=20)  # the last visit is over for so long
LAZY_DAYS = range(8, 15)
ON_PURPOSE = 0.05
HARD, OF_HARD = 0.6, 11  # of the hard strokes somebody makes one of so many


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """How many months lie behind the one that goes on, who is there, by which seed all is drawn; and how many
    halls there are beside, two at least."""

    months: int = 5
    people: tuple[Person, ...] = PEOPLE
    seed: int = 1
    others: int = 11


@dataclass(frozen=True, slots=True)
class DemoHall:
    """A hall as it is `now`, by the clocks of `zone`, once it is made with ids by name."""

    plan: DemoPlan
    now: datetime
    zone: ZoneInfo
    ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def months(self) -> list[str]:
        months = [hall_day(self.now, self.zone)[:7]]
        for _ in range(self.plan.months):
            months.insert(0, month_before(months[0]))
        return months

    def ago(self, month: str) -> int:
        """How many months lie between that one and the one that goes on, 0 for itself."""
        months = self.months
        return len(months) - 1 - months.index(month)


@dataclass(frozen=True, slots=True)
class Struck:
    """A stroke, and when it was struck."""

    at: datetime
    stroke: Stroke


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at the table."""

    person: Person
    day: date
    begin: datetime
    ago: int
    seed: str

    @property
    def end(self) -> datetime:
        return self.begin + A_VISIT


def visits(hall: DemoHall) -> list[Visit]:
    """Everybody's visits that are over by now, in order."""
    found: list[Visit] = []
    for month in hall.months:
        ago = hall.ago(month)
        for day, who in sorted(_days(hall.plan, month, ago).items()):
            found += _in_order(who, day, ago, hall)
    over = [one for one in found if one.end + WELL_BEFORE <= hall.now]
    return sorted(over, key=lambda one: one.begin)


def skill_in(person: Person, ago: int) -> float:
    """How good somebody is in a month: a bit better when they train most."""
    return person.skill + person.gains * max(0, 6 - ago) + FIRST_GAINS * (ago in person.first_in)


def strokes(visit: Visit, pool: Pool) -> Iterator[Struck]:
    """What is struck on a visit: each stroke as hard as the one before left it, made as skill and luck will."""
    rng, person = Random(visit.seed), visit.person
    is_first, skill = visit.ago in person.first_in, skill_in(person, visit.ago)
    lazy = person.lazy_week == visit.ago and visit.day.day in LAZY_DAYS
    own = _favourites(person, pool)
    count, left = rng.randint(*(FIRST_STROKES if is_first else STROKES)), None
    after_s = 40.0
    for number in range(count):
        chosen, left = _stroke(rng, pool, skill, left, opens=number == 0, lazy=lazy, own=own)
        yield Struck(visit.begin + timedelta(seconds=after_s), chosen)
        after_s += rng.uniform(*EVERY_S)


def _stroke(
    rng: Random, pool: Pool, skill: float, left: float | None, *, opens: bool, lazy: bool, own: frozenset[int]
) -> tuple[Stroke, float | None]:
    """A stroke, and how hard the next one is that it leaves."""
    kind = rng.random()
    if opens or kind < BREAKS:
        return rng.choice(pool.breaks), None
    if kind < BREAKS + SAFETIES:
        return rng.choice(pool.safeties), None
    place = pool.place_near(rng, rng.betavariate(1.2, 1.4) if left is None else left)
    stroke = pool.makes[place]
    difficulty = stroke.difficulty or 0.0
    chance = ON_PURPOSE if lazy else min(0.97, max(0.03, 1 - difficulty + skill))
    if rng.random() < chance and (difficulty < HARD or place in own):
        return stroke, max(0.0, rng.betavariate(1.2, 1.4) - skill)
    if rng.random() < SCRATCHES:
        return rng.choice(pool.scratches), None
    return pool.misses[place], None


def _favourites(person: Person, pool: Pool) -> frozenset[int]:
    """The places of those hard strokes that somebody ever makes: not everybody's best one is the same."""
    hard = [place for place, stroke in enumerate(pool.makes) if (stroke.difficulty or 0.0) >= HARD]
    return frozenset(hard[PEOPLE.index(person) % OF_HARD :: OF_HARD])


def _days(plan: DemoPlan, month: str, ago: int) -> dict[date, list[Person]]:
    """Who is here on which of a month's days."""
    first = date.fromisoformat(f"{month}-01")
    length = (date.fromisoformat(f"{month_after(month)}-01") - first).days
    found: dict[date, list[Person]] = {}
    for person in plan.people:
        if not person.was_here(ago):
            continue
        rng = Random(f"{plan.seed}:{month}:{person.name}")
        count = min(length, max(1, round(person.visits_in(ago) + rng.uniform(-0.5, 0.5))))
        for number in range(count):  # spread over the month, so that in its middle as much is told as of the whole
            day = int(length * (number + rng.random()) / count)
            found.setdefault(first + timedelta(days=day), []).append(person)
    return found


def _in_order(who: list[Person], day: date, ago: int, hall: DemoHall) -> Iterator[Visit]:
    """A day's visits, one after the other; who trains most is never turned away."""
    seed, zone = hall.plan.seed, hall.zone
    rng = Random(f"{seed}:{day}")
    rng.shuffle(who)
    who = sorted(who, key=lambda one: ago not in one.first_in)[:PLACES]
    for place, person in zip(sorted(rng.sample(range(PLACES), len(who))), rng.sample(who, len(who)), strict=True):
        begin = datetime.combine(day, OPENS, tzinfo=zone).astimezone(UTC) + place * A_VISIT
        yield Visit(person, day, begin, ago, f"{seed}:{day}:{person.name}")
