"""What a month gives, in words: awards and why, quarters, how a draw and a bracket are called."""

import sqlite3

from edge.hall.awards import Award, Kind, get_award
from edge.hall.championships import Bracket, Championship, Entrant, get_championship
from edge.hall.draw_entries import Missing, Ticket
from edge.hall.draws import get_draw
from kiosk.box import box
from kiosk.fragments import month_name, points_text
from kiosk.wording import counted, game_name


def award_title(award: Award) -> str:
    """What an award is called: its kind, or the title that was given by hand."""
    return award.title or kind_title(award.kind)


def by_title(awards: list[Award]) -> dict[str, list[Award]]:
    """Awards by what they are called, in their order."""
    found: dict[str, list[Award]] = {}
    for award in awards:
        found.setdefault(award_title(award), []).append(award)
    return found


def kind_title(kind: Kind) -> str:
    """What the awards of a kind are called."""
    return box().t(f"award.{kind}.title")


def figure_words(kind: Kind, figure: int) -> str:
    """Why somebody is due an award, for staff."""
    if kind in ("mvp", "best_teammate"):
        return counted("votes", figure)
    if kind == "consistency_king":
        return counted("weeks", figure)
    if kind == "progress_star":
        return box().t("award.rise", percent=points_text(round(figure / 10, 1)))
    return counted("points", figure / 2)


def missing_words(missing: Missing) -> str:
    """How little is missing from a draw, whichever way."""
    return box().t(
        "month.missing", sessions=counted("sessions", missing.sessions), points=counted("points", missing.points)
    )


def ticket_words(ticket: Ticket) -> str:
    """Whose a ticket is, as everybody may know: the name, or else the ticket's number."""
    return ticket.name or ticket_number(ticket)


def ticket_number(ticket: Ticket) -> str:
    """The number of a ticket; its id before the tickets are numbered."""
    return box().t("draw.ticket", number=ticket.ticket if ticket.number is None else ticket.number)


def quarter_name(quarter: str) -> str:
    """A quarter for people: `October – December 2026` of `2026-Q4`."""
    year, _, number = quarter.partition("-Q")
    return box().t(f"quarter.{number}", year=year)


def championship_name(held: Championship) -> str:
    """What is played, and to how many."""
    t = box().t
    length = "points" if held.game == "straight pool" else "race"
    return t(f"me.length.{length}", game=game_name(held.game), race=held.race_to)


def round_name(bracket: Bracket, number: int) -> str:
    """What a round is called, counted from the final."""
    left = len(bracket.rounds) - number
    t = box().t
    return t(f"championship.round.{left}") if left < 3 else t("championship.round.early", number=number)


def entrant_name(entrant: Entrant | None) -> str:
    """Somebody in a bracket, as everybody may know."""
    return (entrant.name if entrant is not None else None) or box().t("championship.somebody")


def about_month(conn: sqlite3.Connection, key: str) -> str:  # noqa: ARG001
    return month_name(key)


def about_award(conn: sqlite3.Connection, key: str) -> str:
    award = get_award(conn, key)
    if award is None:
        return ""
    name = award.name or box().t("me.former")
    return box().t("award.about", title=award_title(award), name=name, month=month_name(award.month))


def about_draw(conn: sqlite3.Connection, key: str) -> str:
    held = get_draw(conn, key)
    return "" if held is None else box().t("draw.about", prize=held.prize, month=month_name(held.month))


def about_championship(conn: sqlite3.Connection, key: str) -> str:
    held = get_championship(conn, key)
    if held is None:
        return ""
    return box().t("championship.about", quarter=quarter_name(held.quarter), play=championship_name(held))


HELPERS = {
    "award_title": award_title,
    "by_title": by_title,
    "kind_title": kind_title,
    "figure_words": figure_words,
    "missing_words": missing_words,
    "ticket_words": ticket_words,
    "ticket_number": ticket_number,
    "quarter_name": quarter_name,
    "championship_name": championship_name,
    "round_name": round_name,
    "entrant_name": entrant_name,
}

# What a deed was done to, by the kind of its subject.
SUBJECTS = {
    "month": about_month,
    "award": about_award,
    "draw": about_draw,
    "championship": about_championship,
}
