"""Pieces of pages that are also sent by themselves: a shot's card, today's counts, the status."""

from math import ceil
from typing import Any
from urllib.parse import quote

from flask import Flask, render_template

from kiosk import balls_svg, diagram, shot_words
from kiosk.balls_svg import ball_set
from kiosk.box import box
from kiosk.live import event_id
from kiosk.player.score import Play, play_now
from kiosk.records import Entry
from kiosk.table_svg import table_svg
from vision.balls import BallSet

# Statuses under which the table can be seen: a line beside it says what is the matter. All others lay a notice
# over it.
QUIET = ("live", "overloaded", "camera-skips", "ended", "camera-moved")


def shot_url(key: str) -> str:
    """The address of a shot's page, whatever its id is made of."""
    return f"/shots/{quote(key, safe='')}"


def card(entry: Entry, fresh: bool = False) -> str:
    """A shot's card; `fresh` lets it slide in."""
    balls = entry.ball_set or ball_set(box().hub.reading.ball_set)
    # All that a card shows; a shot of one revision never changes.
    shown = (entry.key, entry.revision, entry.by, balls.name, fresh)
    return box().cards.get(shown, lambda: _card(entry, balls, fresh))


def _card(entry: Entry, balls: BallSet, fresh: bool) -> str:
    shot, t = entry.stored.shot, box().t
    return render_template(
        "table/_card.html",
        entry=entry,
        shot=shot,
        fresh=fresh,
        diagram=diagram.shot_svg(shot, entry.table, balls, t("card.diagram")),
        result=shot_words.result_word(shot, t),
        flags=shot_words.card_flags(shot, t),
        potted=shot_words.potted_balls(shot, balls, t),
        facts=shot_words.card_facts(shot, t),
        foul="" if entry.by is None or entry.by.foul is None else shot_words.foul_word(entry.by, t),
    )


def today() -> str:
    """Today's counts."""
    return render_template("table/_today.html", today=box().records.today())


def play(what: Play) -> str:
    """The figures of the practice or the match that goes on."""
    return render_template("table/_score.html", play=what)


def duel(what: Play) -> str:
    """What both players of a match have done so far; nothing for a practice."""
    return render_template("table/_duel.html", play=what)


def play_at_table() -> Play:
    """What goes on at the table now."""
    with box().store.read() as conn:
        return play_now(conn, box().sitting(conn), ball_set(box().hub.reading.ball_set), box().t)


def status(name: str, message: str) -> tuple[str, str]:
    """The status as the pill in the page's head, and as the notice over the table."""
    t = box().t
    line = t(f"status.{name}.text")
    if name == "live" and message != t("status.live.normal"):
        line = message
    values: dict[str, Any] = {"name": name, "line": line, "message": message, "quiet": name in QUIET}
    return render_template("table/_status.html", **values), render_template("table/_notice.html", **values)


def care(cares: tuple[str, ...]) -> str:
    """The way to the table's condition; it says when something needs care."""
    return render_template("table/_care.html", cares=cares, name=cares[0] if len(cares) == 1 else "both")


class StreamRenderer:
    """Renders for the stream's own thread, where no request is being answered."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def card(self, entry: Entry) -> str:
        with self._app.app_context():
            return card(entry, fresh=True)

    def today(self) -> str:
        with self._app.app_context():
            return today()

    def play(self) -> tuple[str, str, str]:
        with self._app.app_context():
            what = play_at_table()
            return what.seat, play(what), duel(what)

    def status(self, name: str, message: str) -> tuple[str, str]:
        with self._app.app_context():
            return status(name, message)

    def care(self, cares: tuple[str, ...]) -> str:
        with self._app.app_context():
            return care(cares)


def signed(value: float) -> str:
    """A change as a whole number with its sign; a real minus."""
    return f"{value:+.0f}".replace("-", "\N{MINUS SIGN}")


def points_text(points: float) -> str:
    """Points, with a half where there is one."""
    return f"{points:.1f}".removesuffix(".0")


def month_name(month: str) -> str:
    """A month for people: `October 2025` of `2025-10`."""
    year, number = month.split("-")
    return box().t(f"month.{int(number)}", year=year)


def waiting(seconds: float) -> str:
    """How long to wait, in words, rounded up."""
    t = box().t
    if seconds <= 45:
        return t("wait.seconds", count=max(1, ceil(seconds)))
    minutes = ceil(seconds / 60)
    return t("wait.minute") if minutes == 1 else t("wait.minutes", count=minutes)


HELPERS: dict[str, Any] = {
    "signed": signed,
    "points_text": points_text,
    "month_name": month_name,
    "now_month": lambda: box().here().month,
    "waiting": waiting,
    "shot_url": shot_url,
    "event_id": event_id,
    "ball_sprite": balls_svg.sprite,
    "symbol_id": balls_svg.symbol_id,
    "table_svg": table_svg,
}
