"""How a ladder stands: a pure fold of what happened on it, in the order of time.

Who wins against somebody above takes that place, and those between go down by one. A win against somebody below
changes no place. What is not between two members of one division, when it ended, is no match of the ladder.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Placed:
    """Staff put a player into a division, at a place or at its end; who was on the ladder before moves there.
    `key` tells apart what happened in the same moment."""

    at: str
    key: int
    player: str
    division: str
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """A player is on the ladder no more."""

    at: str
    key: int
    player: str


@dataclass(frozen=True, slots=True)
class Given:
    """Staff gave a player the win of a challenge that was not played. It moves, and stands in nobody's record."""

    at: str
    key: int
    winner: str
    other: str


@dataclass(frozen=True, slots=True)
class Won:
    """A match that was won. `final` once staff confirmed it; `at` is its end."""

    at: str
    match_id: str
    winner: str
    other: str
    final: bool


Fact = Placed | Left | Given | Won


@dataclass(frozen=True, slots=True)
class Counted:
    """A match that counted for the ladder, with the winner's place before and after it."""

    match: Won
    division: str
    place_before: int
    place_after: int


@dataclass(slots=True)
class Folded:
    """A ladder as it stands: who is where, when each last changed place and by how many, up being more than none,
    what counted, and whether each of a player's matches was won, in order."""

    order: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    division_of: dict[str, str] = field(default_factory=dict)
    moved_at: dict[str, str] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)
    counted: list[Counted] = field(default_factory=list)
    outcomes: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))

    def places(self) -> dict[str, tuple[str, int]]:
        """Division and place, from 1 on, of everybody who is on the ladder."""
        return {
            player: (division, place)
            for division, players in self.order.items()
            for place, player in enumerate(players, start=1)
        }


def fold(facts: Iterable[Fact]) -> Folded:
    """How the ladder stands after all of that, in whatever order it is told."""
    folded = Folded()
    for fact in sorted(facts, key=_order):
        if isinstance(fact, Won):
            _count(folded, fact)
        elif isinstance(fact, Given):
            _move_up(folded, fact.winner, fact.other, fact.at)
        else:
            _put(folded, fact)
    return folded


def without_unconfirmed(facts: Iterable[Fact]) -> list[Fact]:
    """What stands for good."""
    return [fact for fact in facts if not isinstance(fact, Won) or fact.final]


def _order(fact: Fact) -> tuple[str, bool, int, str]:
    # Who joins in the moment in which a match ends was a member then.
    if isinstance(fact, Won):
        return fact.at, True, 0, fact.match_id
    return fact.at, False, fact.key, ""


def _put(folded: Folded, fact: Placed | Left) -> None:
    """Takes a player from where they stand, and puts them where they are to stand now."""
    was_in = folded.division_of.pop(fact.player, None)
    goes_to = fact.division if isinstance(fact, Placed) else None
    for division in dict.fromkeys((was_in, goes_to)):
        if division is None:
            continue
        after = [other for other in folded.order[division] if other != fact.player]
        if isinstance(fact, Placed) and division == goes_to:
            after.insert(len(after) if fact.place is None else fact.place - 1, fact.player)
            folded.division_of[fact.player] = division
        _rearrange(folded, division, after, fact.at)


def _count(folded: Folded, match: Won) -> None:
    moved = _move_up(folded, match.winner, match.other, match.at)
    if moved is None:
        return
    folded.counted.append(Counted(match, folded.division_of[match.winner], *moved))
    folded.outcomes[match.winner].append(True)
    folded.outcomes[match.other].append(False)


def _move_up(folded: Folded, winner: str, other: str, at: str) -> tuple[int, int] | None:
    """The winner's place before and after; None where the two do not stand in one division."""
    division = folded.division_of.get(winner)
    if winner == other or division is None or division != folded.division_of.get(other):
        return None
    after = list(folded.order[division])
    before_i, other_i = after.index(winner), after.index(other)
    if before_i < other_i:
        return before_i + 1, before_i + 1
    after.insert(other_i, after.pop(before_i))
    _rearrange(folded, division, after, at)
    return before_i + 1, other_i + 1


def _rearrange(folded: Folded, division: str, after: list[str], at: str) -> None:
    before = {player: i for i, player in enumerate(folded.order[division])}
    for i, player in enumerate(after):
        if before.get(player) != i:
            folded.moved_at[player] = at
            folded.moved[player] = before.get(player, i) - i  # who has just come has not moved
    folded.order[division] = after
