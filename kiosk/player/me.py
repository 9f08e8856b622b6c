"""A player's own pages: the home, figures, profile, sessions and shots. Nobody else sees them."""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time
from typing import get_args

from flask import Blueprint, abort, render_template, request

from edge.clock import from_stamp
from edge.hall import groups, points, ratings, rewards, standing, stats_views, streaks
from edge.hall.badges import BADGES, badges_of, progress
from edge.hall.ladders import my_ladders
from edge.hall.matches import Match, get_match, matches_of
from edge.hall.occasion import Occasion, hall_day
from edge.hall.players import Player, get_player
from edge.hall.sessions import Session, sessions_of
from edge.stats.daily import figures_between
from edge.stats.export import shots_of
from edge.stats.spans import RANGES, Range, Stats, record_of, span_of, stats_of
from edge.store.errors import StoreError
from kiosk import fragments, stats_svg, wording
from kiosk.balls_svg import ball_set
from kiosk.box import box
from kiosk.live import SHOTS_ON_PAGE
from kiosk.live_state import default_table
from kiosk.records import MAX_ID_CHARS, Entry
from kiosk.who import access, logged_in

blueprint = Blueprint("me", __name__)
for helper in (
    wording.short_date,
    wording.full_date,
    wording.ordinal,
    wording.counted,
    wording.game_name,
    stats_svg.share_bar,
):
    blueprint.add_app_template_global(helper)

MOST_AGO = 600  # spans back in time that can be leafed through
LATEST_BADGES = 3
RATINGS_DRAWN = 40
SESSIONS_ON_PAGE = 15


@dataclass(frozen=True, slots=True)
class Played:
    """A match as one of its players tells it. `won` is None while nobody has won."""

    game: str
    race_to: int
    opponent: str
    own_score: int
    other_score: int
    won: bool | None
    day: str


@dataclass(frozen=True, slots=True)
class Stay:
    """A session in the list, with its match if it was one."""

    session: Session
    played: Played | None


@dataclass(frozen=True, slots=True)
class Goal:
    """A badge, how far one has come with it, and when it was earned."""

    badge: str
    share: float
    earned_on: str | None


def name_of(player: Player | None) -> str:
    """A player's name; who was erased has none any more."""
    return player.name if player is not None and player.name else box().t("me.former")


@blueprint.get("/me")
@access("guest", otherwise="check-in")
def home() -> str:
    """Everything that matters at a glance, and the ways to the rest."""
    player, here = logged_in(), box().here()
    month = span_of("month", here.day)
    with box().store.read() as conn:
        playing = box().sitting(conn).session_of(player.id) is not None
        if player.guest:
            return render_template("me/guest.html", playing=playing)
        latest = matches_of(conn, player.id, 1)
        values = {
            "group": groups.group_of(conn, player.id),
            "rating": ratings.rating_of(conn, player.id),
            "figures": figures_between(conn, player.id, month.begin, month.end),
            "place": points.rank_of(conn, player.id, here.month),
            "on_ladders": my_ladders(conn, player.id),
            "last": _played(conn, latest[0], player.id) if latest else None,
            "badges": [earned.badge for earned in badges_of(conn, player.id)[:LATEST_BADGES]],
            "offered": rewards.offer(conn) is not None or rewards.subscription_of(conn, player.id) is not None,
        }
    _note_look(player, here)
    return render_template("me/home.html", player=player, playing=playing, today=here.day, **values)


@blueprint.get("/me/stats")
@access("player", otherwise="check-in")
def stats() -> str:
    """The figures of a day, a week, a month or of all time."""
    name, ago = asked_range("month"), request.args.get("ago", 0, type=int)
    if not 0 <= ago <= MOST_AGO or (name == "lifetime" and ago):
        abort(400)
    player, today, t = logged_in(), box().here().day, box().t
    with box().store.read() as conn:
        found = stats_of(conn, player.id, name, today, ago)
        stays = _stays_of_day(conn, player.id, found.span.begin) if name == "day" else []
    table = box().reading().table or default_table()
    _note_look(player, box().here())
    return render_template(
        "me/stats.html",
        ranges=RANGES,
        stats=found,
        ago=ago,
        most_ago=MOST_AGO,
        title=wording.span_title(found.span, today),
        charts=_charts(found),
        map=stats_svg.shot_map(found.map, table, t),
        stays=stays,
    )


@blueprint.get("/me/profile")
@access("player", otherwise="check-in")
def profile() -> str:
    """Who one is as a player: ratings, streaks, badges, equipment."""
    player, here, t = logged_in(), box().here(), box().t
    with box().store.read() as conn:
        changes = ratings.history(conn, player.id, RATINGS_DRAWN)
        earned = {one.badge: one.earned_at for one in badges_of(conn, player.id)}
        shares = progress(standing.latest_evidence_of(conn, player.id), earned)
        values = {
            "group": groups.group_of(conn, player.id),
            "rating": ratings.rating_of(conn, player.id),
            "record": record_of(conn, player.id),
            "streaks": streaks.streaks_of(conn, player.id, here.day),
            "on_ladders": my_ladders(conn, player.id),
        }
    days = [hall_day(from_stamp(change.ended_at), box().settings.hall.zone) for change in changes]
    goals = [Goal(badge, shares[badge], _day(earned.get(badge))) for badge in BADGES]
    return render_template(
        "me/profile.html",
        player=player,
        goals=goals,
        chart=stats_svg.line_chart(
            [change.after.elo for change in changes],
            [wording.short_date(day) for day in days],
            t("me.profile.chart", count=len(changes)),
        ),
        **values,
    )


@blueprint.get("/me/sessions")
@access("player", otherwise="check-in")
def sessions() -> str:
    """The stays at the table, each with its figures."""
    stays, more = _stays(None)
    return render_template("me/sessions.html", stays=stays, more=more)


@blueprint.get("/me/sessions/older")
@access("player")
def older_sessions() -> str:
    """The stays before a moment, for the button at the list's end."""
    try:
        before = from_stamp(request.args.get("before", ""))
    except ValueError:
        abort(400)
    if before.tzinfo is None:
        abort(400)
    stays, more = _stays(before)
    return render_template("me/_stays.html", stays=stays, more=more)


@blueprint.get("/me/shots")
@access("player", otherwise="check-in")
def shots() -> str:
    """One's own shots as cards."""
    entries = _shots(None)
    return render_template(
        "me/shots.html",
        balls=ball_set(box().reading().ball_set),
        entries=entries,
        cards=[fragments.card(entry) for entry in entries],
        more=len(entries) == SHOTS_ON_PAGE,
    )


@blueprint.get("/me/shots/older")
@access("player")
def older_shots() -> str:
    """The cards before a shot of one's own, for the button at the list's end."""
    before = request.args.get("before", "")
    if not before or len(before) > MAX_ID_CHARS:
        abort(400)
    entries = _shots(before)
    return render_template(
        "me/_cards.html",
        entries=entries,
        cards=[fragments.card(entry) for entry in entries],
        more=len(entries) == SHOTS_ON_PAGE,
    )


def asked_range(default: Range) -> Range:
    """The span that the address asks for."""
    asked = request.args.get("range", default)
    found: Range | None = next((name for name in get_args(Range) if name == asked), None)
    if found is None:
        abort(400)
    return found


def _note_look(player: Player, here: Occasion) -> None:
    """That a player looked this week, for how the hall goes: a write once a week, and never a page that fails."""
    with box().store.read() as conn:
        noted = stats_views.is_noted(conn, player.id, here.day)
    if not noted:
        with suppress(StoreError), box().store.write() as conn:
            stats_views.note(conn, player.id, here.day)


def _charts(found: Stats) -> dict[str, str]:
    """Make rate, shots and minutes over the parts of a span; none of a single day."""
    t, span = box().t, found.span
    if span.range == "day":
        return {}
    labels = [wording.part_label(part, span) for part, _ in found.parts]
    figures = [figures for _, figures in found.parts]
    percent = t("unit.percent")
    rates = [None if one is None else one.make_pct for one in figures]
    return {
        "make_pct": stats_svg.line_chart(rates, labels, t("me.chart.make_pct"), low=0, high=100, unit=percent),
        "attempts": stats_svg.bars(
            [one.attempts if one else 0 for one in figures], labels, t("me.chart.attempts")
        ),
        "minutes": stats_svg.bars([one.minutes if one else 0 for one in figures], labels, t("me.chart.minutes")),
    }


def _played(conn: sqlite3.Connection, match: Match, player_id: str) -> Played:
    side = match.side_of(player_id)
    others = [name_of(get_player(conn, other)) for other in match.sides[1 - side]]
    return Played(
        match.game,
        match.race_to,
        box().t("me.pair").join(others),
        match.score[side],
        match.score[1 - side],
        match.won_by(player_id),
        match.day,
    )


def _stays(before: datetime | None) -> tuple[list[Stay], bool]:
    """A page of stays, and whether there may be more."""
    with box().store.read() as conn:
        found = _told(conn, sessions_of(conn, logged_in().id, SESSIONS_ON_PAGE, before))
    return found, len(found) == SESSIONS_ON_PAGE


def _stays_of_day(conn: sqlite3.Connection, player_id: str, day: str) -> list[Stay]:
    # A stay belongs to the day on which it began.
    end = datetime.combine(datetime.fromisoformat(day).date(), time.max, tzinfo=box().settings.hall.zone)
    return [
        stay
        for stay in _told(conn, sessions_of(conn, player_id, SESSIONS_ON_PAGE, end))
        if stay.session.day == day
    ]


def _told(conn: sqlite3.Connection, found: list[Session]) -> list[Stay]:
    stays = []
    for session in found:
        match = None if session.match_id is None else get_match(conn, session.match_id)
        stays.append(Stay(session, None if match is None else _played(conn, match, session.player_id)))
    return stays


def _shots(before: str | None) -> list[Entry]:
    with box().store.read() as conn:
        keys = shots_of(conn, logged_in().id, SHOTS_ON_PAGE, before)
    return box().records.entries(keys)


def _day(stamp: str | None) -> str | None:
    return None if stamp is None else hall_day(from_stamp(stamp), box().settings.hall.zone)
