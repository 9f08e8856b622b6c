"""Training, for everybody: a month's board, its winner, the hall's posts; and for each player how the own score is
made."""

import sqlite3
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal, get_args

from flask import Blueprint, abort, render_template, request, url_for

from edge.clock import from_stamp
from edge.coach.score import AS_USUAL, LEAST_IN_WEEK, LEAST_WEEKS, MEASURES
from edge.hall import feed, rewards, training, training_board
from edge.hall.feed import Post
from edge.hall.rewards import HallReward, HallRules, Offer
from edge.hall.training import Period
from edge.hall.training_board import BoardRow, HowMade, OwnPlace, TrainingSession
from edge.hall.training_scores import COACH, HOURS, WINS
from kiosk import diagram
from kiosk.balls_svg import ball_set
from kiosk.box import box
from kiosk.player.table import shot_page
from kiosk.records import MAX_ID_CHARS, Entry
from kiosk.who import access, current_visitor, logged_in

blueprint = Blueprint("training", __name__)

SHOWN = timedelta(days=5)  # so long a winner stands on the first page
POSTS = 12
SESSIONS_ON_PAGE = 15

PartName = Literal["coach", "hours", "wins"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a score: what was reached of 100, what of it counts, and what that comes to."""

    name: PartName
    value: float
    weight: float

    @property
    def points(self) -> float:
        return round(self.weight * self.value, 2)

    @property
    def most(self) -> int:
        return round(100 * self.weight)


@dataclass(frozen=True, slots=True)
class Month:
    """A month's board as a page or a program shows it. `own` and `own_reward` are the visitor's."""

    month: str
    period: Period | None
    rows: list[BoardRow]
    own: OwnPlace | None
    own_id: str | None
    own_reward: HallReward | None
    winners: list[HallReward]
    nobody: str
    offer: Offer | None
    rules: HallRules
    newer: str | None
    older: str | None

    @property
    def listed(self) -> bool:
        """Whether the visitor stands among the ten."""
        return any(row.player_id == self.own_id for row in self.rows)

    @property
    def last_day(self) -> str:
        year, month = int(self.month[:4]), int(self.month[5:])
        return date(year, month, monthrange(year, month)[1]).isoformat()


@dataclass(frozen=True, slots=True)
class Told:
    """A post with the drawing of its shot, if there is one to show."""

    post: Post
    entry: Entry | None
    drawing: str


@blueprint.get("/boards/training")
@access("public")
def board() -> str:
    """The month's top ten by training score, and what there is to win; or how an earlier month went."""
    return render_template("training/board.html", board=month_of(asked_month()), this=box().here().month)


@blueprint.get("/boards/training/posts")
@access("public")
def posts() -> str:
    """The winners of the last months, each with a sentence and a shot."""
    with box().store.read() as conn:
        found = feed.posts(conn, POSTS)
    return render_template("training/posts.html", posts=[_told(post) for post in found], own_id=_own_id())


@blueprint.get("/boards/training/shot/<path:key>")
@access("public")
def shot(key: str) -> str:
    """The shot of a post, which can be played again; wherever in the hall it was played."""
    with box().store.read() as conn:
        found = next((post for post in feed.posts(conn, POSTS) if post.best_shot_id == key), None)
    entry = None if found is None else box().records.shot(key)
    if entry is None:
        abort(404)
    return shot_page(entry, back=url_for("training.posts"), alone=True)


@blueprint.get("/boards/training/banner")
@access("public", by_itself=True)
def banner() -> str:
    """The winner, for the first page of another table; nothing but in the days after."""
    return render_template("training/_banner.html", winners=fresh_winners())


@blueprint.get("/me/training")
@access("player", otherwise="check-in")
def score() -> str:
    """How the own score of a month is made, part by part."""
    player, month = logged_in(), asked_month()
    asked = request.args.get("part", "coach")
    part: PartName | None = next((one for one in get_args(PartName) if one == asked), None)
    if part is None:
        abort(400)
    with box().store.read() as conn:
        period = training.get_period(conn, month)
        how = training_board.how_made(conn, player.id, month)
        won = _of_month(rewards.of_player(conn, player.id), month)
        offer = rewards.offer(conn)
        usual = training_board.usual_of(conn, player.id, month)
        sessions = [] if part != "coach" else _sessions(conn, month)
        newer, older = _neighbours([one.period for one in training.periods(conn)], month)
    return render_template(
        "training/score.html",
        month=month,
        period=period,
        how=how,
        parts=[] if how is None else parts_of(how),
        part=part,
        sessions=sessions,
        more=len(sessions) == SESSIONS_ON_PAGE,
        reward=won,
        offer=offer,
        usual=usual,
        newer=newer,
        older=older,
        measures=MEASURES,
        as_usual=round(AS_USUAL),
        weeks=LEAST_WEEKS,
        strokes=LEAST_IN_WEEK,
    )


@blueprint.get("/me/training/older")
@access("player")
def older() -> str:
    """The sessions before one of them, for the button at the list's end."""
    month, before = asked_month(), request.args.get("before", "")
    if not before or len(before) > MAX_ID_CHARS:
        abort(400)
    with box().store.read() as conn:
        sessions = _sessions(conn, month, before)
    return render_template(
        "training/_sessions.html",
        month=month,
        sessions=sessions,
        more=len(sessions) == SESSIONS_ON_PAGE,
        measures=MEASURES,
    )


def asked_month() -> str:
    """The month that the address asks for: this one unless told, and else one that is known here."""
    this = box().here().month
    asked = request.args.get("month", this)
    if asked != this:
        with box().store.read() as conn:
            if training.get_period(conn, asked) is None:
                abort(404)
    return asked


def month_of(month: str) -> Month:
    """A month's board as the visitor may see it."""
    own_id = _own_id()
    with box().store.read() as conn:
        known = [one.period for one in training.periods(conn)]
        won = [] if own_id is None else rewards.of_player(conn, own_id)
        winners = rewards.winners(conn, month)
        kinds = {one.player_id: one.kind for one in winners}
        rows = [
            replace(row, reward=kinds.get(row.player_id, row.reward)) for row in training_board.board(conn, month)
        ]
        newer, older = _neighbours(known, month)
        return Month(
            month=month,
            period=training.get_period(conn, month),
            rows=rows,
            own=None if own_id is None else training_board.own_place(conn, own_id, month),
            own_id=own_id,
            own_reward=_of_month(won, month),
            winners=winners,
            nobody=rewards.nobody_won(conn, month),
            offer=rewards.offer(conn),
            rules=rewards.hall_rules(conn),
            newer=newer,
            older=older,
        )


@blueprint.app_template_global()
def fresh_winners(player_id: str | None = None) -> list[HallReward]:
    """Who has won the last month, in the days after that was decided: of everybody, or that player."""
    now = box().here().now
    with box().store.read() as conn:
        found = rewards.latest(conn, POSTS) if player_id is None else rewards.of_player(conn, player_id)
    return [
        one
        for one in found
        if one.period == found[0].period and timedelta(0) <= now - from_stamp(one.decided_at) < SHOWN
    ]


@blueprint.app_template_global()
def winners_elsewhere() -> bool:
    """Whether the hub has to be asked who has won, as at a table of a hall."""
    return box().upstairs is not None


def parts_of(how: HowMade) -> list[Part]:
    """The three parts of a score, of the ladder that counts."""
    place = how.place
    return [
        Part("coach", place.coach_avg, COACH),
        Part("hours", place.hours_norm, HOURS),
        Part("wins", place.best.win_rate, WINS),
    ]


def _told(post: Post) -> Told:
    entry = None if post.best_shot_id is None else box().records.shot(post.best_shot_id)
    if entry is None:
        return Told(post, None, "")
    balls = entry.ball_set or ball_set(box().reading().ball_set)
    return Told(post, entry, diagram.shot_svg(entry.stored.shot, entry.table, balls, box().t("card.diagram")))


def _neighbours(known: list[str], month: str) -> tuple[str | None, str | None]:
    """The months after and before one, of those that are known, the latest first."""
    return (
        next((one for one in reversed(known) if month < one <= box().here().month), None),
        next((one for one in known if one < month), None),
    )


def _of_month(found: list[HallReward], month: str) -> HallReward | None:
    return next((one for one in found if one.period == month), None)


def _sessions(conn: sqlite3.Connection, month: str, before: str | None = None) -> list[TrainingSession]:
    return training_board.counted_sessions(conn, logged_in().id, month, SESSIONS_ON_PAGE, before)


def _own_id() -> str | None:
    player = current_visitor().player
    return None if player is None or player.guest else player.id
