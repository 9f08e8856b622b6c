"""Where one rack ends and the next begins, when nobody says so: told by breaks and by how many balls lie."""

from edge.hall.games.model import Play
from edge.hall.games.rack import RackInPlay

JUST_BEGUN = 2  # shots after which a break is still one of the same rack, racked once more
_JUMP = 4  # balls more than memory knows of: racked, not miscounted


def between_racks(rack: RackInPlay, play: Play, left_over: int) -> bool:
    """Whether a shot after a rack's end belongs to none: the balls left over are knocked in, or practised with.

    `left_over` is how many balls lay at the end of the last rack.
    """
    if rack.shots or not rack.opening or play.is_break or play.on_table is None:
        return False
    return len(play.on_table) <= min(left_over, rack.size - 2)


def broke_unseen(rack: RackInPlay, play: Play) -> bool:
    """Whether the first shot seen of a rack is surely not its break."""
    return play.is_break is False and play.on_table is not None and len(play.on_table) < rack.size - 1


def is_rebreak(rack: RackInPlay, play: Play) -> bool:
    """Whether the balls of a rack that has just begun were racked once more."""
    if not play.is_break or not rack.opening or not 1 <= rack.shots <= JUST_BEGUN:
        return False
    return rack.again is not None or play.on_table is None or len(play.on_table) > rack.lying_count


def is_new_rack(rack: RackInPlay, play: Play) -> bool:
    """Whether a rack that has gone on for a while must have ended unseen.

    A break alone does not say so: a shot into a cluster looks like one. There must be more balls than before.
    """
    if rack.shots <= JUST_BEGUN:
        return False
    if play.on_table is None:
        return play.is_break is True
    more = len(play.on_table) - rack.lying_count
    return more >= _JUMP or (play.is_break is True and more > 0 and len(play.on_table) >= rack.size - 2)


def likely_winner(rack: RackInPlay, turn: int, money: str) -> int | None:
    """Who won a rack of which the end was not seen: whoever was at the table with the money ball alone to pot."""
    group = rack.groups[turn]
    if money == "8":
        alone = group is not None and rack.left(group) == 0
    else:
        alone = rack.certain and rack.lying() == (money,)
    return turn if alone else None
