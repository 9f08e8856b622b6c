"""The rack going on: which balls are down, as far as memory and the camera tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge.hall.games.model import Group, Play, Question

SOLIDS = frozenset(str(n) for n in range(1, 8))
STRIPES = frozenset(str(n) for n in range(9, 16))
NUMBERS = tuple(str(n) for n in range(1, 16))
NOBODY_KNOWS = "ball-?"
_GROUPS: dict[str, Group] = {
    **dict.fromkeys(SOLIDS, "solid"),
    **dict.fromkeys(STRIPES, "stripe"),
    "solid?": "solid",
    "stripe?": "stripe",
}

OTHER_GROUP: Final[dict[Group, Group]] = {"solid": "stripe", "stripe": "solid"}


def group_of(ball: str | None) -> Group | None:
    """A ball's group; None for the 8 and for a ball that the camera could not tell."""
    return None if ball is None else _GROUPS.get(ball)


def is_untold(ball: str) -> bool:
    """Whether not even the group of a ball is known."""
    return ball != "8" and ball not in _GROUPS


@dataclass(slots=True)
class RackInPlay:
    """A rack while it is played; `full` are its balls. It changes from play to play.

    `down` are balls known to be down, `unnamed` those of which the number is not known. `blurred`: shots of it
    were not seen and nothing was read from the table since. `again` is who would break if the balls were racked
    once more, None where the rules give no reason for it.
    """

    number: int
    breaker: int
    breaker_sure: bool
    full: frozenset[str]
    opening: bool = True
    shots: int = 0
    break_id: str | None = None
    last_id: str | None = None
    said: tuple[int, int] | None = None
    down: set[str] = field(default_factory=set)
    unnamed: list[str] = field(default_factory=list)
    blurred: bool = False
    groups: list[Group | None] = field(default_factory=lambda: [None, None])
    groups_sure: bool = True
    fouls: list[int] = field(default_factory=lambda: [0, 0])
    fouls_sure: list[bool] = field(default_factory=lambda: [True, True])
    again: int | None = None
    again_sure: bool = False
    questions: list[tuple[int, Question]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.full)

    @property
    def lying_count(self) -> int:
        return max(0, len(self.full) - len(self.down) - len(self.unnamed))

    @property
    def certain(self) -> bool:
        """Whether memory tells which balls lie, by number."""
        return not (self.blurred or self.unnamed)

    @property
    def groups_certain(self) -> bool:
        """Whether memory tells how many balls of each group lie."""
        return not (self.blurred or any(map(is_untold, self.unnamed)))

    def left(self, group: Group) -> int:
        """How many balls of a group still lie."""
        balls = SOLIDS if group == "solid" else STRIPES
        return max(0, len((balls & self.full) - self.down) - self.unnamed.count(group + "?"))

    def lying(self) -> tuple[str, ...]:
        """The balls not known to be down, by number."""
        return tuple(b for b in NUMBERS if b in self.full and b not in self.down)

    def look(self, on_table: Sequence[str] | None) -> bool:
        """Takes over what the camera saw lying before a shot, which beats memory; False where it can't be read."""
        if on_table is None:
            return False
        seen = self.full.intersection(on_table)
        if len(seen) == len(on_table):
            self.down, self.unnamed, self.blurred = set(self.full - seen), [], False
            return True
        if any(b not in self.full and b not in ("solid?", "stripe?") for b in on_table):
            return False
        self._look_at_groups(seen, on_table)
        return True

    def fell(self, play: Play) -> tuple[str, ...]:
        """What fell, by the likeliest names: no ball falls twice, and the last of its kind needs no number."""
        balls: tuple[str, ...] = tuple(play.potted)
        if not balls:
            return (NOBODY_KNOWS,) if play.result == "make" else ()
        named: list[str] = []
        for ball in balls:
            named.append(self._likeliest(ball, named))
        return tuple(named)

    def take_down(self, balls: Iterable[str]) -> None:
        for ball in balls:
            if ball in self.full:
                self.down.add(ball)
            else:
                self.unnamed.append(ball)

    def rack_again(self) -> None:
        """The same rack from its beginning: fifteen balls racked once more."""
        self.shots, self.opening, self.again, self.blurred = 0, True, None, False
        self.again_sure = False
        self.down, self.unnamed, self.questions = set(), [], []
        self.groups, self.groups_sure = [None, None], True
        self.fouls, self.fouls_sure = [0, 0], [True, True]

    def _look_at_groups(self, seen: frozenset[str], on_table: Sequence[str]) -> None:
        """The same where some balls show their group alone."""
        down: set[str] = {"8"} & (self.full - seen)
        unnamed: list[str] = []
        for name, group in (("solid?", SOLIDS), ("stripe?", STRIPES)):
            balls = self.full & group
            missing = max(0, len(balls - seen) - on_table.count(name))
            known = sorted(self.down & balls - seen, key=int)[:missing]
            down.update(known)
            unnamed += [name] * (missing - len(known))
        self.down, self.unnamed, self.blurred = down, unnamed, False

    def _likeliest(self, ball: str, before: list[str]) -> str:
        if ball in self.full and ball not in self.down and ball not in before:
            return ball
        group = group_of(ball)
        name = NOBODY_KNOWS if group is None else f"{group}?"
        if name in self.unnamed or any(b not in self.full for b in before):
            return name
        lying = [b for b in self.lying() if b not in before and (group is None or group_of(b) == group)]
        return lying[0] if len(lying) == 1 and ball not in self.full else name
