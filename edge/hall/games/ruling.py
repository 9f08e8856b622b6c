"""What a rule set is told of a stroke and answers, and the fouls that all games share.

Section numbers are those of the WPA's Rules of Play, effective 15 March 2016.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge.hall.games.model import Ending, Foul, GameName, Group, InHand, Play, QuestionKind, Why
from edge.hall.games.rack import RackInPlay

Call = Literal["foul", "no foul", "push out", "safety"]

_SURE_FROM = 0.5  # of what vision says of its own pots


@dataclass(slots=True)
class Stroke:
    """One play at its place in the match. `call` and `group` are what people said of it; `follows_break` marks the
    second shot of a rack."""

    play: Play
    player: int
    player_sure: bool
    is_break: bool
    follows_break: bool = False
    call: Call | None = None
    group: Group | None = None

    @property
    def clear(self) -> bool:
        """Whether the camera saw the whole of it and is rather sure."""
        play = self.play
        doubtful = play.confidence is not None and play.confidence < _SURE_FROM
        return play.complete and play.result != "unknown" and not doubtful

    @property
    def passes(self) -> bool:
        """Whether it was announced as a shot after which the turn passes."""
        return self.call in ("push out", "safety")


@dataclass(slots=True)
class Judgement:
    """What a rule set makes of a stroke. `sure` is of who is next.

    `end` holds the rack's winner, how it ended and whether that is sure. `turn` is who is next where that is not
    told by `stays`. `again` is who would break if the balls were racked once more. `rerack`: straight pool's next
    rack; `third_foul` makes it begin with an opening break.
    """

    foul: Foul | None
    foul_sure: bool
    legal_pots: tuple[str, ...]
    stays: bool
    sure: bool
    why: Why
    points: int = 0
    in_hand: InHand | None = None
    end: tuple[int, Ending, bool] | None = None
    turn: int | None = None
    again: int | None = None
    again_sure: bool = False
    rerack: bool = False
    third_foul: bool = False
    asks: tuple[tuple[QuestionKind, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one game. `judge` brings the rack up to date and says what the stroke was.

    `likelier` says who played it, and whether that is sure, where it is not sure who is at the table.
    """

    game: GameName
    balls: frozenset[str]
    money: str | None
    judge: Callable[[RackInPlay, Stroke], Judgement]
    likelier: Callable[[RackInPlay, Play, int], tuple[int, bool]] | None = None


def foul_of(
    stroke: Stroke, wrong_first: bool | None, wrong_sure: bool = True, *, fell: bool
) -> tuple[Foul | None, bool]:
    """The foul of a stroke, if any, and whether that is sure; a person's word beats the camera.

    By 6.1 scratch, 6.2 wrong ball first, 6.3 no rail after contact and 6.5 ball driven off the table. A ball that
    just brushes a cushion escapes a camera, as it does many a referee: 6.3 is never sure.
    """
    if stroke.call == "no foul":
        return None, True
    foul, sure = _seen_foul(stroke.play, wrong_first, wrong_sure, fell)
    if stroke.call == "foul":
        return foul or "called by a person", True
    if stroke.call == "push out":  # lifts 6.2 and 6.3 alone
        return (foul, stroke.clear) if foul in ("scratch", "ball off the table") else (None, True)
    return foul, sure and stroke.clear


def why_of(foul: Foul | None, stroke: Stroke, potted: bool) -> Why:
    """What made the turn stay or pass."""
    if foul is not None:
        return "foul"
    if stroke.call in ("push out", "safety"):
        return "push out" if stroke.call == "push out" else "safety"
    if potted:
        return "potted"
    return "not seen" if stroke.play.result == "unknown" else "missed"


def is_third(rack: RackInPlay, player: int, foul: Foul | None, sure: bool) -> bool | None:
    """Whether a foul is the third without a legal shot between, by 6.14; None where it only may be."""
    if foul is None or rack.fouls[player] < 2:
        return False
    return True if sure and rack.fouls_sure[player] else None


def _seen_foul(play: Play, wrong_first: bool | None, wrong_sure: bool, fell: bool) -> tuple[Foul | None, bool]:
    if play.scratch:
        return "scratch", True
    if play.off_table:
        return "ball off the table", True
    if play.met_anything is False and not fell and play.first_ball is None:
        return "no ball met", True
    if wrong_first:
        return "wrong ball first", wrong_sure
    if play.cushion_after_contact is False and not fell:
        return "no cushion after contact", False
    legal = wrong_first is False and wrong_sure and (fell or play.cushion_after_contact is True)
    return None, legal
