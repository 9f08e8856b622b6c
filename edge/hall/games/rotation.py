"""What 9-ball and 10-ball share: the lowest ball is hit first, and three fouls in a row lose the rack.

Sections 2 and 9 of the WPA's Rules of Play (2016).
"""

from collections.abc import Callable
from dataclasses import dataclass

from edge.hall.games.model import Ending, Foul, Play, QuestionKind
from edge.hall.games.rack import NUMBERS, RackInPlay
from edge.hall.games.ruling import Judgement, Stroke, foul_of, is_third, why_of

_LEGAL_TO_RAIL = 4  # object balls on a break that pots none, 2.3(b) and 9.3(b)


@dataclass(slots=True)
class Fallen:
    """What a game decides from: the balls that fell, the foul, and the lowest ball as memory and sight name it."""

    fell: tuple[str, ...]
    foul: Foul | None
    foul_sure: bool
    lows: frozenset[str]


# Says of a money ball that fell on a legal shot how it won, or None where it is spotted, and whether that is sure;
# it is told the lowest ball as memory and sight name it.
MoneyRule = Callable[[frozenset[str]], tuple[Ending | None, bool]]


def judge_rotation(rack: RackInPlay, stroke: Stroke, money: str, rule: MoneyRule) -> Judgement:
    """A stroke by the rules of rotation. A money ball that falls and does not win is spotted, no other ball is."""
    play, player = stroke.play, stroke.player
    fallen = _fallen(rack, stroke)
    fell, foul, foul_sure = fallen.fell, fallen.foul, fallen.foul_sure
    won: Ending | None = None
    money_sure = True
    if money in fell:
        if foul is None and not stroke.passes:
            won, money_sure = rule(fallen.lows)
        fell = fell if won else tuple(b for b in fell if b != money)
    rack.take_down((*fell, *(b for b in play.off_table if b in rack.full and b != money)))
    potted = bool(fallen.fell)
    sure = stroke.clear and money_sure and (foul is None or foul_sure or not potted)
    asks = _asks(stroke, fallen)
    if won:
        end_sure = sure and stroke.player_sure and (fallen.lows == {money} or foul_sure)
        return Judgement(None, foul_sure, fell, False, end_sure, "potted", end=(player, won, end_sure))
    third = is_third(rack, player, foul, foul_sure)
    if third:
        end: tuple[int, Ending, bool] = (1 - player, "three fouls", stroke.player_sure)
        return Judgement(foul, True, (), False, True, "three fouls", in_hand="anywhere", end=end)
    if third is None:
        asks = (*asks, ("three_fouls", foul))
    free = foul is None and not stroke.passes
    stays = free and (potted or play.result == "unknown")
    spotted = free and potted and not fell
    return Judgement(
        foul,
        foul_sure,
        fell if free else (),
        stays,
        sure,
        "spotted" if spotted else why_of(foul, stroke, potted),
        in_hand=None if foul is None else "anywhere",
        asks=asks,
    )


def ball_on(rack: RackInPlay) -> str | None:
    """The lowest ball on the table, as far as memory tells."""
    return next((b for b in NUMBERS if b in rack.full and b not in rack.down), None)


def _fallen(rack: RackInPlay, stroke: Stroke) -> Fallen:
    play = stroke.play
    told = ball_on(rack) if rack.certain else None
    # At the break all balls lie; which one is which in the rack is better not read.
    read = not stroke.is_break and rack.look(play.on_table) and not rack.unnamed
    seen = ball_on(rack) if read else None
    lows = frozenset(b for b in (told, seen) if b is not None)
    wrong, sure = _wrong_first(rack, play, lows)
    fell = rack.fell(play)
    # 2.3 and 9.3: in the crowd of a rack a camera rarely tells which ball the cue ball met first. 2.4 and 9.4: the
    # shot after the break may be a push out, which nobody hears.
    unsafe = stroke.is_break or stroke.follows_break
    foul, foul_sure = foul_of(stroke, wrong, sure and not (wrong and unsafe), fell=bool(fell))
    if foul is None and stroke.call is None and _is_soft_break(stroke, fell):
        foul, foul_sure = "illegal break", False
    if foul is None and stroke.is_break and stroke.clear and wrong is not True:
        foul_sure = foul_sure or bool(fell)
    return Fallen(fell, foul, foul_sure, lows)


def _wrong_first(rack: RackInPlay, play: Play, lows: frozenset[str]) -> tuple[bool | None, bool]:
    """6.2. Where memory and sight name different balls as the lowest, either may be hit. A ball below both was on
    the table after all."""
    first = play.first_ball
    if first not in rack.full or not lows:
        return None, False
    if first in lows:
        return False, len(lows) == 1
    if int(first) < min(map(int, lows)):
        return False, False
    return True, len(lows) == 1


def _is_soft_break(stroke: Stroke, fell: tuple[str, ...]) -> bool:
    to_cushion = stroke.play.to_cushion
    if not stroke.is_break or fell or to_cushion is None:
        return False
    return sum(ball != "cue" for ball in to_cushion) < _LEGAL_TO_RAIL


def _asks(stroke: Stroke, fallen: Fallen) -> tuple[tuple[QuestionKind, str | None], ...]:
    asks: list[tuple[QuestionKind, str | None]] = []
    untold = next((b for b in fallen.fell if not b.isdigit()), None)
    if untold is not None:
        asks.append(("which_ball", untold))
    if fallen.foul is not None and not fallen.foul_sure:
        pushable = fallen.foul in ("wrong ball first", "no cushion after contact", "no ball met")
        asks.append(("push_out" if stroke.follows_break and pushable else "foul", fallen.foul))
    return tuple(asks)
