"""What the counter's forms have in common: ids that a page makes, months and names that are asked for."""

import re
import sqlite3

from flask import abort, request

from edge.hall import players
from edge.hall.award_rules import month_before
from edge.hall.occasion import Occasion
from edge.hall.players import Player
from edge.hall.roster import regulars

NAMES_SHOWN = 12
REGULARS_SHOWN = 40

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MONTH = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])")


def once() -> str:
    """The id that the page made for what its form begins, so that a form sent twice begins it once."""
    text = request.form.get("once", "")
    if not _ID.fullmatch(text):
        abort(400)
    return text


def recent_months(here: Occasion) -> tuple[str, str]:
    """This month and the last, for which a draw can be made."""
    return here.month, month_before(here.month)


def is_month(text: str, here: Occasion) -> bool:
    """Whether that is a month which has begun."""
    return _MONTH.fullmatch(text) is not None and text <= here.month


def month_after(month: str) -> str:
    """The month after `2025-12` is `2026-01`."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02}"


def months_around(month: str, here: Occasion) -> tuple[str | None, str | None]:
    """The months before and after one, as far as there are any."""
    before, after = month_before(month), month_after(month)
    return before if is_month(before, here) else None, after if is_month(after, here) else None


def members(conn: sqlite3.Connection, begin: str, here: Occasion) -> list[Player]:
    """Members to be tapped: those whose name begins so, or else those who come often."""
    if begin:
        found = players.names_like(conn, begin, NAMES_SHOWN)
    else:
        found = sorted(regulars(conn, here.day, REGULARS_SHOWN), key=lambda player: player.name.casefold())
    return [player for player in found if not player.guest and not player.erased]
