"""8-ball by section 3 of the WPA's Rules of Play (2016).

A camera hears no calls: a ball that falls legally counts as called. The 8 in the wrong pocket is therefore for
people to say. What a break leaves to choose (3.3) is told by what is seen next: a new break, or another shot.
"""

from dataclasses import replace
from functools import partial
from typing import Literal

from edge.hall.games.model import Ending, Foul, Group, Play, QuestionKind
from edge.hall.games.rack import NUMBERS, OTHER_GROUP, RackInPlay, group_of, is_untold
from edge.hall.games.ruling import Judgement, RuleSet, Stroke, foul_of, why_of

_LEGAL_TO_RAIL = 4  # object balls on a break that pots none, 3.3(d)
_Target = Literal["solid", "stripe", "eight"]


def judge(rack: RackInPlay, stroke: Stroke, break_wins: bool = False) -> Judgement:
    """A stroke by the rules of 8-ball. With `break_wins` the 8 on a legal break wins the rack."""
    if stroke.is_break:
        return _break(rack, stroke, break_wins)
    own = rack.groups[stroke.player]
    told, certain = own is not None and rack.left(own) == 0, rack.groups_certain
    read = rack.look(stroke.play.on_table)
    seen = own is not None and rack.left(own) == 0 if read else told
    targets = _targets(own, told, seen)
    sure = len(targets) == 1 and rack.groups_sure and (read or certain)
    fell = rack.fell(stroke.play)
    wrong = _wrong_first(stroke.play, own, targets)
    foul, foul_sure = foul_of(stroke, wrong, sure or own is None, fell=bool(fell))
    rack.take_down((*fell, *(b for b in stroke.play.off_table if b in rack.full)))
    if "8" in fell or "8" in stroke.play.off_table:
        return _eight_down(stroke, foul, foul_sure, (told or seen, sure))
    return _shot(rack, stroke, foul, foul_sure, fell)


def likelier(rack: RackInPlay, play: Play, player: int) -> tuple[int, bool]:
    """Whose group was hit first; a foul by 6.2 is far rarer than a turn that passed unseen."""
    mine, other = rack.groups[player], rack.groups[1 - player]
    if play.first_ball is None or mine is None or other is None:
        return player, False
    can = [_may_hit(rack, play.first_ball, group) for group in (mine, other)]
    if can[0] == can[1]:
        return player, False
    return (player if can[0] else 1 - player), rack.groups_sure


EIGHT_BALL = RuleSet("8-ball", frozenset(NUMBERS), "8", judge, likelier)
# As many bars and some leagues have it.
EIGHT_BALL_BREAK_WINS = replace(EIGHT_BALL, judge=partial(judge, break_wins=True))


def _break(rack: RackInPlay, stroke: Stroke, break_wins: bool) -> Judgement:
    """3.3. Any ball may be hit first and any that falls counts; the table stays open.

    The 8 on a legal break is spotted and the breaker plays on, or he breaks once more; with a foul the opponent
    has that choice. Either is only known from the next shot: the fold goes on with the 8 spotted.
    """
    play = stroke.play
    fell = rack.fell(play)
    foul, foul_sure = foul_of(stroke, False, fell=bool(fell))
    foul_sure = foul_sure or (foul is None and bool(fell) and stroke.clear)
    if foul is None and "8" in fell and break_wins:
        sure = stroke.clear and stroke.player_sure
        end: tuple[int, Ending, bool] = (stroke.player, "8 on the break", sure)
        return Judgement(None, foul_sure, fell, False, sure, "potted", end=end)
    counted = tuple(b for b in fell if b != "8")
    rack.take_down((*counted, *(b for b in play.off_table if b in rack.full and b != "8")))
    legal = counted if foul is None and not stroke.passes else ()
    stays = foul is None and not stroke.passes and (bool(fell) or play.result == "unknown")
    spotted = "8" in fell or "8" in play.off_table
    soft = not fell and play.to_cushion is not None and sum(b != "cue" for b in play.to_cushion) < _LEGAL_TO_RAIL
    return Judgement(
        foul,
        foul_sure,
        legal,
        stays,
        stroke.clear,
        "spotted" if spotted and foul is None else why_of(foul, stroke, bool(fell)),
        in_hand=None if foul is None else "behind the head string",
        again=(stroke.player if stays else 1 - stroke.player) if spotted or soft else None,
        again_sure=spotted,
        asks=() if foul is None or foul_sure else (("foul", foul),),
    )


def _shot(
    rack: RackInPlay, stroke: Stroke, foul: Foul | None, foul_sure: bool, fell: tuple[str, ...]
) -> Judgement:
    """Any shot but a break that leaves the 8 on the table: 3.4 and 3.5."""
    group, group_sure = rack.groups[stroke.player], rack.groups_sure
    asks: list[tuple[QuestionKind, str | None]] = []
    open_table = group is None
    if group is None:
        group, group_sure = _chosen(stroke, fell)
    good = tuple(b for b in fell if is_untold(b) or (group is not None and group_of(b) == group))
    legal = good if foul is None and not stroke.passes else ()
    if open_table and group is not None and legal:
        rack.groups[stroke.player] = group
        rack.groups[1 - stroke.player] = OTHER_GROUP[group]
        rack.groups_sure = group_sure
        if not group_sure:
            asks.append(("groups", group))
    untold = next((b for b in fell if is_untold(b)), None)
    if untold is not None:
        asks.append(("which_ball", untold))
    if foul is not None and not foul_sure:
        asks.append(("foul", foul))
    stays = bool(legal) or (foul is None and not stroke.passes and stroke.play.result == "unknown")
    sure = stroke.clear and untold is None and (foul is None or foul_sure or not good)
    return Judgement(
        foul,
        foul_sure,
        legal,
        stays,
        sure,
        why_of(foul, stroke, bool(legal)),
        in_hand=None if foul is None else "anywhere",
        asks=tuple(asks),
    )


def _eight_down(stroke: Stroke, foul: Foul | None, foul_sure: bool, cleared: tuple[bool, bool]) -> Judgement:
    """3.8: the 8 with a foul, before the own group was cleared, or off the table loses the rack; else it wins.

    The group must be down before the shot: the 8 on the same stroke as the last ball of it is early.
    """
    player, other = stroke.player, 1 - stroke.player
    down, down_sure = cleared
    how: Ending = "8 potted"
    if "8" in stroke.play.off_table:
        how = "8 off the table"
    elif not down:
        how = "8 early"
    elif foul is not None:
        how = "8 on a foul"
    won = how == "8 potted" and foul is None
    sure = stroke.clear and stroke.player_sure and down_sure and (foul is None or foul_sure)
    legal = ("8",) if won else ()
    return Judgement(
        foul, foul_sure, legal, False, sure, why_of(foul, stroke, won), end=(player if won else other, how, sure)
    )


def _chosen(stroke: Stroke, fell: tuple[str, ...]) -> tuple[Group | None, bool]:
    """The group that a shot at an open table decides, by 3.4, and whether that is sure.

    By the rule it is the called ball's. With balls of one group it is that group, with both that of the first ball
    hit, which is the one most likely called.
    """
    if stroke.group is not None:
        return stroke.group, True
    groups = [g for g in map(group_of, fell) if g is not None]
    first = group_of(stroke.play.first_ball)
    if not groups:
        return None, True
    if len(set(groups)) == 1:
        return groups[0], first == groups[0]
    return (groups[0], False) if first is None else (first, True)


def _targets(own: Group | None, told: bool, seen: bool) -> frozenset[_Target]:
    """What may be hit first: the own group, or the 8 when it is cleared. Both where memory and sight disagree."""
    if own is None:
        return frozenset(("solid", "stripe"))
    targets: set[_Target] = set()
    if told or seen:
        targets.add("eight")
    if not (told and seen):
        targets.add(own)
    return frozenset(targets)


def _wrong_first(play: Play, own: Group | None, targets: frozenset[_Target]) -> bool | None:
    """6.2, by 3.4 and 3.9: at an open table any ball but the 8 may be hit first."""
    if play.first_ball is None or is_untold(play.first_ball):
        return None
    group = group_of(play.first_ball)
    if own is None:
        return group is None
    return (group or "eight") not in targets


def _may_hit(rack: RackInPlay, ball: str, own: Group) -> bool:
    return (group_of(ball) == own) if rack.left(own) else ball == "8"
