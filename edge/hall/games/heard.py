"""What people said, in order for the fold: what holds of a shot wherever it was said, and what holds from a
place on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from edge.hall.games.model import Group, Word
from edge.hall.games.rack import OTHER_GROUP
from edge.hall.games.ruling import Call

_CALLS: Final[dict[str, Call]] = {
    "foul": "foul",
    "no foul": "no foul",
    "push out": "push out",
    "safety": "safety",
}
_GROUPS: Final[dict[str, Group]] = {"solids": "solid", "stripes": "stripe"}


@dataclass(slots=True)
class Heard:
    """By shot: who played it, what it was, whose group is which (player 0's), points given, and who won its rack
    with the word's place in order. `here` holds by the play they follow the words that act where they were said,
    `pinned` those of them that have been tied to a rack since."""

    shooters: dict[str, int] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    points: dict[str | None, list[int]] = field(default_factory=dict)
    racks: dict[str, tuple[int, int]] = field(default_factory=dict)
    here: dict[str | None, list[tuple[int, Word]]] = field(default_factory=dict)
    pinned: set[int] = field(default_factory=set)


def hear(words: Iterable[Word]) -> Heard:
    """Orders the words. One that lacks what it needs says nothing."""
    heard = Heard()
    for order, word in enumerate(words):
        _hear(heard, order, word)
    return heard


def _hear(heard: Heard, order: int, word: Word) -> None:
    shot_id = word.after if word.shot_id is None else word.shot_id
    if shot_id is not None and word.kind in _CALLS:
        heard.calls[shot_id] = _CALLS[word.kind]
    if word.kind == "end":
        heard.here.setdefault(word.after, []).append((order, word))
    if word.player not in (0, 1):
        return
    if word.kind in ("turn", "rack"):
        heard.here.setdefault(word.after, []).append((order, word))
    if word.kind == "points":
        heard.points.setdefault(shot_id, [0, 0])[word.player] += word.amount
    if shot_id is None:
        return
    if word.kind == "shooter":
        heard.shooters[shot_id] = word.player
    elif word.kind in _GROUPS:
        group = _GROUPS[word.kind]
        heard.groups[shot_id] = group if word.player == 0 else OTHER_GROUP[group]
    elif word.kind == "rack" and word.shot_id is not None:
        heard.racks[shot_id] = (order, word.player)
