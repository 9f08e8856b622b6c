"""The hall at the counter: how it goes, what is worth a look, the full boards, and files to take along."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, abort, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from edge.clock import from_stamp, monday_of, month_before
from edge.hall.occasion import hall_day
from edge.hall.points import full_board
from edge.stats import hall_export, odd_patterns
from edge.stats.hall_figures import Month, Recording, Week, months_of, weeks_of
from edge.stats.odd_patterns import Finding
from kiosk import stats_svg
from kiosk.box import box
from kiosk.counter import forms, shell
from kiosk.counter.deed_words import name_of
from kiosk.files import csv_file, unnamed
from kiosk.fragments import points_text
from kiosk.who import access, hall_staff
from kiosk.wording import short_date

blueprint = Blueprint("counter_hall", __name__)

MONTHS_SHOWN, WEEKS_SHOWN = 12, 12
ROWS_SHOWN = 200  # of a board; the file has all of them
ALL_TIME = "all"


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words. `people` are ids with names, in the order of the sentence."""

    finding: Finding
    text: str
    people: tuple[tuple[str, str], ...]
    since: str
    latest: str


@blueprint.get("/counter/hall")
@access("staff", otherwise="check-in")
def index() -> str:
    """How it goes, by week and by month."""
    today = box().here().day
    with box().store.read() as conn:
        weeks, months = weeks_of(conn, today, WEEKS_SHOWN), months_of(conn, today, MONTHS_SHOWN)
    this_week = monday_of(today)
    return shell.page(
        "counter/hall/index.html",
        "hall",
        tab="index",
        weeks=weeks,
        months=months,
        week_charts=_week_charts(weeks),
        month_charts=_month_charts(months),
        this_week=next(week for week in weeks if week.monday == this_week),
        last=months[-2] if len(months) > 1 else months[-1],
        minutes=_minutes,
    )


@blueprint.get("/counter/hall/odd")
@access("staff", otherwise="check-in")
def odd() -> str:
    """What is worth a look."""
    with box().store.read() as conn:
        found = [_told(conn, one) for one in odd_patterns.findings(conn, box().here().day)]
    return shell.page("counter/hall/odd.html", "hall", tab="odd", found=found)


@blueprint.post("/counter/hall/odd")
@access("staff")
def look() -> AnyResponse:
    """Somebody has looked."""
    key, latest = (request.form.get(name, "")[:200] for name in ("key", "latest"))
    with box().store.write() as conn:
        odd_patterns.look(conn, key, latest, hall_staff().id, box().here())
        return shell.done(conn, url_for("counter_hall.odd"))


@blueprint.get("/counter/hall/board")
@access("staff", otherwise="check-in")
def board() -> str:
    """Every rank of a month, or of all time, with the minutes of training."""
    month, here = _asked_month(), box().here()
    with box().store.read() as conn:
        places = full_board(conn, month)
        shown = places[:ROWS_SHOWN]
        minutes = hall_export.training_minutes(conn, [one.player_id for one in shown], month)
    before, after = (None, None) if month is None else forms.months_around(month, here)
    return shell.page(
        "counter/hall/board.html",
        "hall",
        tab="board",
        month=month,
        this_month=here.month,
        before=before,
        after=after,
        places=shown,
        more=len(places) - len(shown),
        minutes=minutes,
    )


@blueprint.get("/counter/hall/exports")
@access("staff", otherwise="check-in")
def exports() -> str:
    """The files."""
    this = box().here().month
    last = month_before(this)
    return shell.page("counter/hall/exports.html", "hall", tab="exports", this_month=this, last_month=last)


@blueprint.get("/counter/hall/members.csv")
@access("staff", otherwise="check-in")
def members_csv() -> Response:
    """Everybody who signed up."""
    return csv_file(hall_export.members_csv(box().store, box().settings.hall.zone), f"members-{box().here().day}")


@blueprint.get("/counter/hall/board.csv")
@access("staff", otherwise="check-in")
def board_csv() -> Response:
    """The full board of a month, or of all time."""
    month = _asked_month()
    return csv_file(hall_export.board_csv(box().store, month, unnamed()), f"board-{month or ALL_TIME}")


@blueprint.get("/counter/hall/training.csv")
@access("staff", otherwise="check-in")
def training_csv() -> Response:
    """The full training board of a month."""
    month = _asked_month() or box().here().month
    return csv_file(hall_export.training_csv(box().store, month), f"training-{month}")


@blueprint.get("/counter/hall/evenings.csv")
@access("staff", otherwise="check-in")
def evenings_csv() -> Response:
    """Who was here on which evening."""
    return csv_file(hall_export.evenings_csv(box().store, unnamed()), f"evenings-{box().here().day}")


@blueprint.get("/counter/hall/matches.csv")
@access("staff", otherwise="check-in")
def matches_csv() -> Response:
    """Every match."""
    lines = hall_export.matches_csv(box().store, box().settings.hall.zone, unnamed())
    return csv_file(lines, f"matches-{box().here().day}")


@blueprint.get("/counter/hall/audit.csv")
@access("staff", otherwise="check-in")
def audit_csv() -> Response:
    """Everything that was done."""
    lines = hall_export.audit_csv(box().store, box().settings.hall.zone, unnamed())
    return csv_file(lines, f"done-{box().here().day}")


def _asked_month() -> str | None:
    """The month that the address asks for; None for all time."""
    here = box().here()
    asked = request.args.get("month", here.month)
    if asked == ALL_TIME:
        return None
    if not forms.is_month(asked, here):
        abort(404)
    return asked


def _told(conn: sqlite3.Connection, one: Finding) -> Told:
    names = [name_of(conn, person) for person in one.people]
    fields = dict(zip("ab", names, strict=False)) | {key: points_text(value) for key, value in one.figures.items()}
    own = one.kind == "corrections" and one.people[0] == one.people[1]
    text = box().t(f"counter_hall.odd.{one.kind}{'_own' if own else ''}", **fields)
    people = tuple(dict.fromkeys(zip(one.people, names, strict=True)))
    return Told(one, text, people, _day(one.since), _day(one.latest))


def _day(at: str) -> str:
    """A day in words, of a day or of a stamp."""
    return short_date(at if len(at) == len("2025-10-31") else hall_day(from_stamp(at), box().settings.hall.zone))


def _minutes(recording: Recording, per: str) -> str:
    """How long recording took, in words; a dash where nothing was recorded."""
    seconds = recording.per_evening_s if per == "evening" else recording.per_match_s
    if seconds is None:
        return box().t("app.unknown")
    return box().t("counter_hall.time", minutes=int(seconds // 60), seconds=f"{int(seconds % 60):02}")


def _week_charts(weeks: Sequence[Week]) -> dict[str, Markup]:
    t, labels = box().t, [short_date(week.monday) for week in weeks]
    return {
        name: stats_svg.bars([getattr(week, name) for week in weeks], labels, t(f"counter_hall.chart.{name}"))
        for name in ("players", "looked")
    } | {"recording": _recording_chart([week.recording for week in weeks], labels)}


def _month_charts(months: Sequence[Month]) -> dict[str, Markup]:
    t = box().t
    labels = [t(f"month_short.{int(month.month[5:7])}") for month in months]
    percent = t("unit.percent")
    return {
        "players": stats_svg.bars([one.players for one in months], labels, t("counter_hall.chart.players")),
    } | {
        name: stats_svg.line_chart(
            [getattr(one, name) for one in months],
            labels,
            t(f"counter_hall.chart.{name}"),
            low=0,
            high=100,
            unit=percent,
        )
        for name in ("back_pct", "again_pct")
    }


def _recording_chart(told: Sequence[Recording], labels: Sequence[str]) -> Markup:
    seconds = [one.per_match_s for one in told]
    return stats_svg.line_chart(
        seconds, labels, box().t("counter_hall.chart.recording"), low=0, unit=box().t("unit.seconds")
    )
