"""Putting right what the camera got wrong: what a shot's page offers, and the shot as a person says it was."""

from dataclasses import dataclass, field, replace
from math import hypot

from markupsafe import Markup

from calibration.table import Table
from edge.hall.matches import get_match
from edge.hall.players import get_player
from edge.hall.sessions import get_session
from kiosk.balls_svg import ball_icon
from kiosk.box import box
from kiosk.player.me import name_of
from kiosk.records import Entry
from kiosk.shot_words import ball_name
from kiosk.who import current_visitor
from vision.balls import BallSet
from vision.model import Pot, Shot


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: the value it sends, what it says, and whether that is how it stands."""

    value: str
    text: str
    chosen: bool
    icon: Markup = field(default_factory=Markup)


@dataclass(frozen=True, slots=True)
class Mending:
    """What can be put right on a shot: who played it, which balls fell, whether it was a foul."""

    who: tuple[Choice, ...]
    balls: tuple[Choice, ...]
    foul: tuple[Choice, ...]


def may_mend(entry: Entry) -> bool:
    """Whether the visitor may put this shot right: its player, staff, and while the session goes on whoever
    stands at its table. One that belongs to no session is put right by staff alone."""
    visitor = current_visitor()
    if visitor.staff:
        return True
    if entry.by is None:
        return False
    with box().store.read() as conn:
        session = get_session(conn, entry.by.session_id)
        match = None if entry.by.match_id is None else get_match(conn, entry.by.match_id)
    assert session is not None  # a play refers to a session that is there
    here = visitor.screen and session.open and session.table_label == box().settings.table.label
    players = (session.player_id,) if match is None else match.players
    return here or any(visitor.is_player(player_id) for player_id in players)


def mending(entry: Entry, balls: BallSet) -> Mending | None:
    """What the visitor may put right on a shot; None when it is nothing."""
    if not may_mend(entry):
        return None
    t, shot = box().t, entry.stored.shot
    fallen = {pot.ball for pot in shot.potted}
    toggles = tuple(
        Choice(name, ball_name(name, t), name in fallen, ball_icon(name, balls, ball_name(name, t)))
        for name in mendable(shot, balls)
    )
    foul: tuple[Choice, ...] = ()
    if entry.by is not None and entry.by.match_id is not None:
        is_foul = entry.by.foul is not None
        foul = (Choice("foul", t("answer.foul"), is_foul), Choice("no foul", t("answer.no_foul"), not is_foul))
    return Mending(_players(entry), toggles, foul)


def mendable(shot: Shot, balls: BallSet) -> list[str]:
    """The balls that may have fallen: those of the set, and what the camera called those that did."""
    names = [ball.name for ball in balls.balls if ball.count == 1]
    return names + sorted({pot.ball for pot in shot.potted} - set(names))


def _players(entry: Entry) -> tuple[Choice, ...]:
    by = entry.by
    if by is None:
        return ()
    with box().store.read() as conn:
        match = None if by.match_id is None else get_match(conn, by.match_id)
        if match is not None:
            players = [get_player(conn, player_id) for player_id in match.players]
            return tuple(
                Choice(str(side), name_of(player), player.id == by.player_id)
                for side, player in enumerate(players)
                if player is not None
            )
        session = get_session(conn, by.session_id)
        player = None if session is None else get_player(conn, session.player_id)
    if player is None:
        return ()
    return (
        Choice("mine", player.name, by.player_id is not None),
        Choice("nobody", box().t("mend.nobody"), by.player_id is None),
    )


def toggled(shot: Shot, ball: str, balls: BallSet, table: Table) -> Shot:
    """The shot with a ball potted that was not, or not potted that was; its result follows from what fell."""
    potted = tuple(pot for pot in shot.potted if pot.ball != ball)
    if len(potted) == len(shot.potted):
        potted += (_pot(shot, ball, balls, table),)
    scratch = any(pot.group == "cue" for pot in potted)
    made = any(pot.group != "cue" for pot in potted) and not scratch
    return replace(shot, potted=potted, scratch=scratch, result="make" if made else "miss")


def _pot(shot: Shot, ball: str, balls: BallSet, table: Table) -> Pot:
    """A pot that the camera did not see, in the pocket nearest to where it saw the ball last."""
    path = shot.paths_in.get(ball)
    x, y = path[-1][1:] if path else shot.layout_start.get(ball, (table.length_in, table.width_in))
    pocket = min(table.pockets, key=lambda pocket: hypot(pocket.x_in - x, pocket.y_in - y))
    at_s = shot.end_s if shot.end_s is not None else shot.start_s
    return Pot(ball, balls.group_of(ball), pocket.name, (0.0, 0.0), at_s, 1.0)
