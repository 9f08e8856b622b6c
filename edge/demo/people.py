"""Who plays at Chalk City, and how: twenty people with habits of their own.

Months are counted back from the one that goes on, which is 0. In each somebody trains more than all others and a
bit better than usual, and so is first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.hall.players import Role

HALL = "Chalk City"
PIN = "2468"  # of everybody
OWNER_EMAIL, OWNER_PASSWORD = "demo@example.com", "chalk-the-cue-first"
LADDERS: dict[str, str] = {"8-ball night": "8-ball", "9-ball night": "9-ball", "Straight pool": "straight pool"}
EIGHT, NINE, STRAIGHT = LADDERS

VISITS = 4.5  # a month, of who comes now and then
FIRST_VISITS = 14  # of who is first


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody: `skill` is added to the chance of a stroke, and grows by `gains` a month; `visits` are those of a
    month; `first_in` the months in which they train most; `since` the month in which they came; `lazy_week` is a
    month of which they miss one week on purpose; `subscribed_since` is when they began to pay."""

    name: str
    skill: float = 0.0
    visits: float = VISITS
    gains: float = 0.0
    ladders: tuple[str, ...] = ()
    first_in: frozenset[int] = field(default_factory=frozenset)
    since: int = 99
    lazy_week: int | None = None
    visible: bool = True
    role: Role | None = None
    subscribed_since: int | None = None

    def was_here(self, ago: int) -> bool:
        return ago <= self.since

    def visits_in(self, ago: int) -> float:
        return FIRST_VISITS if ago in self.first_in else self.visits


PEOPLE: tuple[Person, ...] = (
    # Trains and improves. This month's best so far, without a subscription: whom the walk through the demo is.
    Person("Ana Petrov", -0.08, 6, gains=0.025, ladders=(EIGHT,), first_in=frozenset({0})),
    # Trains a lot, and stays as good as before.
    Person("Ben Okafor", 0.02, 8, ladders=(EIGHT,), first_in=frozenset({5}), subscribed_since=5),
    # Good, and seldom here.
    Person("Chiara Lund", 0.2, 2, ladders=(NINE,)),
    # A newcomer.
    Person("Dmitri Vale", -0.15, 5, gains=0.03, ladders=(EIGHT,), since=1),
    # Missed on purpose for a week, in vain.
    Person("Esi Mensah", 0.05, 6, ladders=(NINE,), lazy_week=2),
    # Wants to stand on no board.
    Person("Farid Nasser", 0.08, 6, ladders=(EIGHT,), visible=False),
    # On two ladders that count: her month was free.
    Person("Greta Holm", 0.06, 6, ladders=(EIGHT, NINE), first_in=frozenset({4}), subscribed_since=5),
    # Was first last month, and has no subscription.
    Person("Hana Sato", 0.04, 5, ladders=(NINE,), first_in=frozenset({1})),
    Person("Ivo Marek", -0.02, ladders=(EIGHT, STRAIGHT), subscribed_since=3),
    Person("Jun Park", 0.1, 5, ladders=(NINE,), first_in=frozenset({3}), subscribed_since=4),
    Person("Kaya Demir", 0.03, 5, ladders=(EIGHT,), first_in=frozenset({2}), subscribed_since=4),
    Person("Liam Byrne", -0.05, ladders=(NINE,)),
    Person("Mei Lin", 0.07, ladders=(EIGHT,), subscribed_since=2),
    Person("Noor Haddad", -0.03, 4, ladders=(NINE, STRAIGHT)),
    Person("Oskar Nilsson", 0.0, 4, ladders=(EIGHT,)),
    Person("Priya Rao", 0.05, 4),
    Person("Quinn Adler", -0.1, 3),
    Person("Rosa Vega", 0.02, 4, ladders=(STRAIGHT,)),
    Person("Sam Whitfield", 0.09, 3, ladders=(NINE,), role="staff"),
    Person("Dana Reyes", 0.06, 3, ladders=(STRAIGHT,), role="admin"),
)

STAFF = "Dana Reyes"
WALKS_THROUGH = "Ana Petrov"


def some(count: int) -> tuple[Person, ...]:
    """A smaller hall: so many of the people, staff among them, and whoever is first in the last months."""
    wanted = [one for one in PEOPLE if one.role == "admin" or one.first_in & {0, 1, 2}]
    wanted += [one for one in PEOPLE if one not in wanted]
    return tuple(one for one in PEOPLE if one in wanted[:count])


def on_ladder(people: Sequence[Person], ladder: str) -> list[Person]:
    return [one for one in people if ladder in one.ladders]
