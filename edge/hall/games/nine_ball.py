"""9-ball by section 2 of the WPA's Rules of Play (2016): any ball that falls legally lets the shooter play on."""

from edge.hall.games.model import Ending
from edge.hall.games.rack import NUMBERS, RackInPlay
from edge.hall.games.rotation import judge_rotation
from edge.hall.games.ruling import Judgement, RuleSet, Stroke


def judge(rack: RackInPlay, stroke: Stroke) -> Judgement:
    """A stroke by the rules of 9-ball.

    2.5: the 9 wins on any legal shot, the break too. 2.6: by a foul or a push out it is spotted.
    """
    how: Ending = "9 on the break" if stroke.is_break else "9 potted"
    return judge_rotation(rack, stroke, "9", lambda _: (how, True))


NINE_BALL = RuleSet("9-ball", frozenset(NUMBERS[:9]), "9", judge)
