"""Straight pool by section 4 of the WPA's Rules of Play (2016), 14.1 continuous.

A camera hears no calls: a ball that falls counts as called, but for the opening break, where nobody calls one.
"""

from edge.hall.games.model import Foul, InHand, Play, QuestionKind
from edge.hall.games.rack import NOBODY_KNOWS, NUMBERS, RackInPlay
from edge.hall.games.ruling import Judgement, RuleSet, Stroke, foul_of, is_third, why_of

_LEGAL_TO_RAIL = 2  # object balls, beside the cue ball, on an opening break; 4.3(b)
_SURELY_OFF = 2  # balls by which sight must differ from memory to beat it


def judge(rack: RackInPlay, stroke: Stroke) -> Judgement:
    """A stroke by the rules of straight pool: a point a ball (4.8); with one left, fourteen are racked (4.4)."""
    play = stroke.play
    asks: list[tuple[QuestionKind, str | None]] = []
    if not stroke.is_break and _recount(rack, play):
        asks.append(("points", "balls"))
    fell = tuple(play.potted) or ((NOBODY_KNOWS,) if play.result == "make" else ())
    foul, foul_sure = foul_of(stroke, False, fell=bool(fell))
    foul_sure = foul_sure or (foul is None and bool(fell) and stroke.clear)
    if stroke.is_break:
        foul, foul_sure = _opening_foul(stroke, fell, foul, foul_sure)
    if foul is not None and not foul_sure:
        asks.append(("foul", foul))
    if foul is not None:
        return _fouled(rack, stroke, foul, foul_sure, fell=bool(fell), asks=asks)
    if play.result == "unknown" and stroke.call is None:
        asks.append(("points", "not seen"))
    legal = () if stroke.is_break or stroke.passes else fell
    rack.unnamed += [NOBODY_KNOWS] * len(legal)
    # An opening break passes the turn unless a called ball falls: people say so if one did.
    stays = bool(legal) or (play.result == "unknown" and not stroke.passes)
    sure = stroke.clear and not (stroke.is_break and fell)
    why = why_of(None, stroke, bool(legal))
    return Judgement(
        None, foul_sure, legal, stays, sure, why, len(legal), rerack=rack.lying_count <= 1, asks=tuple(asks)
    )


STRAIGHT_POOL = RuleSet("straight pool", frozenset(NUMBERS), None, judge)


def _fouled(
    rack: RackInPlay,
    stroke: Stroke,
    foul: Foul,
    sure: bool,
    *,
    fell: bool,
    asks: list[tuple[QuestionKind, str | None]],
) -> Judgement:
    """4.9 a foul costs a point, 4.10 a breaking foul two, 4.11 the third in a row fifteen more, and all fifteen
    balls are racked for an opening break by the one who fouled. What fell is spotted."""
    player = stroke.player
    in_hand: InHand | None = "behind the head string" if stroke.play.scratch else None
    certain = stroke.clear and (sure or not fell)
    if foul == "breaking foul":
        return Judgement(foul, sure, (), False, certain, "foul", -2, in_hand, again=player, asks=tuple(asks))
    third = is_third(rack, player, foul, sure)
    if third:
        return Judgement(
            foul, True, (), False, True, "three fouls", -16, turn=player, rerack=True, third_foul=True
        )
    if third is None:
        asks.append(("three_fouls", foul))
    return Judgement(foul, sure, (), False, certain, "foul", -1, in_hand, asks=tuple(asks))


def _opening_foul(
    stroke: Stroke, fell: tuple[str, ...], foul: Foul | None, sure: bool
) -> tuple[Foul | None, bool]:
    """4.3(b): with no ball potted, the cue ball and two object balls must each be driven to a rail. With a
    standard foul on the same shot it is a breaking foul (4.10)."""
    play = stroke.play
    if stroke.call == "no foul" or fell:
        return foul, sure
    if foul in ("no ball met", "no cushion after contact"):
        return "breaking foul", sure
    if play.to_cushion is None:
        return foul, sure
    objects = sum(ball != "cue" for ball in play.to_cushion)
    if objects < _LEGAL_TO_RAIL or ("cue" not in play.to_cushion and not play.scratch):
        return "breaking foul", False
    return foul, sure


def _recount(rack: RackInPlay, play: Play) -> bool:
    """Takes over the number of balls that lie where it is plainly not what memory says: shots went unseen."""
    if play.on_table is None or abs(len(play.on_table) - rack.lying_count) < _SURELY_OFF:
        return False
    if len(play.on_table) >= rack.size - 1:
        rack.number += 1  # racked again, unseen
    rack.unnamed = [NOBODY_KNOWS] * max(0, rack.size - len(play.on_table))
    return True
