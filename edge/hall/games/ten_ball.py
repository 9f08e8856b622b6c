"""10-ball by section 9 of the WPA's Rules of Play (2016).

Every shot is called, and a camera hears no calls: what falls counts as called, and is sure only where the one ball
that falls is the one that was hit first.
"""

from edge.hall.games.model import Ending
from edge.hall.games.rack import NUMBERS, RackInPlay
from edge.hall.games.rotation import judge_rotation
from edge.hall.games.ruling import Judgement, RuleSet, Stroke


def judge(rack: RackInPlay, stroke: Stroke) -> Judgement:
    """A stroke by the rules of 10-ball."""
    ruled = judge_rotation(rack, stroke, "10", lambda lows: _ten_down(stroke, lows))
    if ruled.stays and not stroke.is_break and stroke.call is None:
        ruled.sure = ruled.sure and ruled.legal_pots == (stroke.play.first_ball,)
    return ruled


TEN_BALL = RuleSet("10-ball", frozenset(NUMBERS[:10]), "10", judge)


def _ten_down(stroke: Stroke, lows: frozenset[str]) -> tuple[Ending | None, bool]:
    """9.8: the 10 wins as the last ball on the table. Before that, and on the break (9.3), it is spotted and the
    shooter plays on; so it is beside another ball."""
    if stroke.is_break:
        return None, True
    if "10" in lows or (not lows and stroke.play.first_ball == "10"):
        return "10 potted", lows == {"10"}
    return None, bool(lows)
