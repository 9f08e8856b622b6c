"""What the play page says of the practice or the match that goes on at the table."""

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from edge.hall.matches import Match
from edge.hall.players import Player
from edge.hall.sitting import Sitting, in_order
from edge.stats.daily import Figures
from edge.stats.summary import Progress, current_run, goal_progress, session_summary
from kiosk.balls_svg import ball_icon
from kiosk.player.ladder_play import Note, notes_of
from kiosk.shot_words import ball_name
from kiosk.texts import Translate
from vision.balls import BallSet

GROUP_BALLS = {"solid": [str(n) for n in range(1, 8)], "stripe": [str(n) for n in range(9, 16)]}


@dataclass(frozen=True, slots=True)
class Side:
    """One of a match's two players. `balls` are those of the own group still to be potted, the 8 when it is on."""

    number: int
    name: str
    score: int
    at_table: bool
    run: int
    best_run: int
    innings: int
    fouls: int
    in_a_row: int
    balls: tuple[Markup, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A question with the answers that a tap gives; `kind` names its sentence."""

    kind: str
    shot_id: str | None
    rack: int
    answers: tuple[tuple[str, int, str], ...]  # the word, the player it is about, what the button says
    about: str = ""


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """A match for a screen across the room. `note` is what the shooter has to know now, if anything."""

    match: Match
    sides: tuple[Side, Side]
    rack: int
    hill_hill: bool
    sure: bool
    over: bool
    winner: str | None
    note: str = ""
    asks: tuple[Ask, ...] = ()


@dataclass(frozen=True, slots=True)
class Duel:
    """A figure of both players side by side; None where there is none. `better` is the side it speaks for, if
    any."""

    name: str
    values: tuple[float | None, float | None]
    unit: str = ""

    @property
    def better(self) -> int | None:
        first, second = self.values
        if self.name == "innings" or first is None or second is None or first == second:
            return None
        return int((second > first) != (self.name == "fouls"))


@dataclass(frozen=True, slots=True)
class Practice:
    """One player's practice: its figures so far and how far the goal is reached."""

    player: Player
    figures: Figures
    run: int
    goal: dict[str, Any] = field(default_factory=dict)
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Play:
    """What goes on: `seat` changes whenever somebody else sits at the table, and is empty when nobody does."""

    seat: str
    players: tuple[str, ...] = ()
    practice: Practice | None = None
    board: Scoreboard | None = None
    ladder: tuple[Note, ...] = ()
    duel: tuple[Duel, ...] = ()


def seat_of(sitting: Sitting) -> str:
    """A word that is the same as long as the same people play the same thing."""
    return " ".join(
        [*(session.id for session in sitting.sessions), sitting.match.id if sitting.match else ""]
    ).strip()


def play_now(conn: sqlite3.Connection, sitting: Sitting, balls: BallSet, t: Translate) -> Play:
    """What goes on at a table, as its page tells it."""
    seat, players = seat_of(sitting), tuple(session.player_id for session in sitting.sessions)
    if not sitting.taken:
        return Play("")
    if sitting.match is not None:
        first, second = in_order(sitting)
        board = scoreboard(sitting.match, (first.name, second.name), balls, t)
        notes = notes_of(conn, sitting.match)
        return Play(seat, players, board=board, ladder=notes, duel=_duel(conn, sitting, board))
    session, player = sitting.sessions[0], sitting.players[0]
    figures = session_summary(conn, session).figures
    progress = goal_progress(session, figures)
    practice = Practice(player, figures, current_run(conn, session), session.goal, progress)
    return Play(seat, players, practice)


def _duel(conn: sqlite3.Connection, sitting: Sitting, board: Scoreboard) -> tuple[Duel, ...]:
    """What both have done in the match so far."""
    sessions = [sitting.session_of(player.id) for player in in_order(sitting)]
    first, second = (Figures() if s is None else session_summary(conn, s).figures for s in sessions)
    a, b = board.sides
    return (
        Duel("makes", (first.makes, second.makes)),
        Duel("make_percent", (first.make_pct, second.make_pct), "percent"),
        Duel("best_run", (a.best_run, b.best_run)),
        Duel("innings", (a.innings, b.innings)),
        Duel("fouls", (a.fouls, b.fouls)),
    )


def scoreboard(match: Match, names: tuple[str, str], balls: BallSet, t: Translate) -> Scoreboard:
    """A match as it stands."""
    state = match.state
    sides = [
        Side(
            n,
            names[n],
            state["score"][n],
            state["turn"] == n,
            state["run"] if state["turn"] == n else 0,
            state["best_run"][n],
            state["innings"][n],
            state["fouls"][n],
            state["consecutive_fouls"][n],
            _to_pot(state, n, balls, t),
        )
        for n in (0, 1)
    ]
    winner = None if state["winner"] is None else names[state["winner"]]
    asks = tuple(_ask(question, names, t) for question in state["questions"] if question["kind"] in ANSWERS)
    return Scoreboard(
        match,
        (sides[0], sides[1]),
        state["rack"],
        state["hill_hill"],
        state["turn_sure"],
        state["over"],
        winner,
        _note(state, t),
        asks,
    )


def _to_pot(state: dict[str, Any], side: int, balls: BallSet, t: Translate) -> tuple[Markup, ...]:
    """8-ball: what a player still has to pot."""
    group = state["groups"][side]
    if state["game"] != "8-ball" or group is None:
        return ()
    left = [ball for ball in GROUP_BALLS[group] if ball in state["lying"]] or ["8"]
    return tuple(ball_icon(ball, balls, ball_name(ball, t)) for ball in left)


def _note(state: dict[str, Any], t: Translate) -> str:
    if state["over"]:
        return ""
    if state["in_hand"] is not None and state["why"] != "breaks":
        return t("score.in_hand_head") if state["in_hand"] == "behind the head string" else t("score.in_hand")
    if state["why"] == "breaks":
        return t("score.breaks")
    if state["ball_on"] is not None:
        return t("score.ball_on", ball=state["ball_on"])
    if state["game"] == "8-ball" and state["groups"] == [None, None]:
        return t("score.open_table")
    return ""


# Of each question that a tap can answer: the words among which it chooses.
ANSWERS: dict[str, tuple[str, ...]] = {
    "rack_winner": ("rack",),
    "three_fouls": ("rack",),
    "turn": ("turn",),
    "foul": ("foul", "no foul"),
    "push_out": ("foul", "push out"),
    "groups": ("solids", "stripes"),
}


def _ask(question: dict[str, Any], names: tuple[str, str], t: Translate) -> Ask:
    kind = question["kind"]
    words = ANSWERS[kind]
    if len(words) == 1:
        answers = tuple((words[0], n, names[n]) for n in (0, 1))
    else:
        guess = question["guess"] or 0
        answers = tuple((word, guess, t(f"answer.{word.replace(' ', '_')}", name=names[guess])) for word in words)
    return Ask(kind, question["shot_id"], question["rack"], answers, question["about"] or "")
