"""A knock-out bracket as a pure fold: who meets whom, from the seeds and the results that are known.

Matches are numbered from 1: the first round from the top, then the next one, the final last. The best seeds meet
as late as can be, and where places are empty the best seeds have a bye.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["bye", "waiting", "ready", "over"]
Trouble = Literal["players", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Played:
    """What is entered for a match of the bracket: its two players in any order, and who won.

    Nobody has won a match that is not over (any more). `match_id` is None where it was won without being played.
    """

    match_id: str | None
    players: frozenset[str]
    winner: str | None


@dataclass(frozen=True, slots=True)
class Tie:
    """A match of the bracket. A side is None as long as nobody is known for it, or for good in a bye.

    `trouble` says why what is entered (`match_id`) does not count: it was between others, or is not over any more.
    """

    number: int
    round: int
    sides: tuple[str | None, str | None]
    status: Status
    winner: str | None = None
    match_id: str | None = None
    walkover: bool = False
    trouble: Trouble | None = None


def size_for(players: int) -> int:
    """The places of the smallest bracket for so many: 2, 4, 8 …"""
    return max(2, 1 << (players - 1).bit_length())


def seed_order(size: int) -> list[int]:
    """The seeds from the top of the first round down: of 8, 1 8 4 5 2 7 3 6."""
    order = [1]
    while len(order) < size:
        count = 2 * len(order) + 1
        order = [seed for one in order for seed in (one, count - one)]
    return order


def rounds(size: int) -> list[list[int]]:
    """The numbers of the matches, round by round."""
    numbers, first = [], 1
    while size > 1:
        size //= 2
        numbers.append(list(range(first, first + size)))
        first += size
    return numbers


def next_of(number: int, size: int) -> int | None:
    """The match into which the winner of one goes; None for the final's."""
    for here, following in zip(rounds(size), rounds(size)[1:], strict=False):
        if number in here:
            return following[here.index(number) // 2]
    return None


def fold(players: Sequence[str], played: Mapping[int, Played]) -> list[Tie]:
    """The bracket of these players, the best seed first; at least two."""
    places: list[str | None] = [
        players[seed - 1] if seed <= len(players) else None for seed in seed_order(size_for(len(players)))
    ]
    ties: list[Tie] = []
    for number_of_round, numbers in enumerate(rounds(len(places)), 1):
        pairs = zip(numbers, places[::2], places[1::2], strict=True)
        now = [_tie(number, number_of_round, (a, b), played.get(number)) for number, a, b in pairs]
        ties += now
        places = [tie.winner for tie in now]
    return ties


def _tie(number: int, round_: int, sides: tuple[str | None, str | None], entered: Played | None) -> Tie:
    present = [one for one in sides if one is not None]
    # Only in the first round is a side empty for good: there is somebody opposite, since fewer than half are.
    if round_ == 1 and len(present) == 1:
        return Tie(number, round_, sides, "bye", present[0])
    status: Status = "ready" if len(present) == 2 else "waiting"
    if entered is None:
        return Tie(number, round_, sides, status)
    if entered.winner is None:
        return Tie(number, round_, sides, status, match_id=entered.match_id, trouble="withdrawn")
    walkover = entered.match_id is None
    if status == "waiting" or entered.players != frozenset(present):
        return Tie(number, round_, sides, status, None, entered.match_id, walkover, "players")
    return Tie(number, round_, sides, "over", entered.winner, entered.match_id, walkover)
