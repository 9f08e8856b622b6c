"""What the counter's forms have in common: ids that a page makes, months and names that are asked for."""

import re
import sqlite3

from flask import abort, request

from edge.clock import month_after, month_before
from edge.facts import is_uuid
from edge.hall import players
from edge.hall.errors import HallError
from edge.hall.matches import MOST_RACKS, RACKLESS_GAMES, Match
from edge.hall.occasion import Occasion
from edge.hall.players import Player
from edge.hall.roster import regulars
from kiosk.player.start import race_field

NAMES_SHOWN = 12
REGULARS_SHOWN = 60

_MONTH = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])")


def once() -> str:
    """The id that the page made for what its form begins, so that a form sent twice begins it once."""
    text = request.form.get("once", "")
    if not is_uuid(text):
        abort(400)
    return text


def asked_play() -> tuple[str, int]:
    """The game that the form says, and its race or, in a game without racks, its points; 0 for none. Whether that
    can be played is for the hall's rules to say."""
    game = request.form.get("game", "")
    return game, request.form.get(race_field(game, request.form), 0, type=int)


def by_buttons(game: str, race: int) -> bool:
    """Whether there is a button for each number of racks that the other side can have: else scores are typed."""
    return game not in RACKLESS_GAMES and race <= MOST_RACKS


def shown_score(match: Match | None) -> str:
    """What a page shows of a match before somebody puts its result right: `1:0`, nothing where there is none."""
    return "" if match is None or match.status != "over" else "{}:{}".format(*match.score)


def require_seen(match: Match) -> None:
    """That the result is still the one which the form's page showed. Raises HallError for another."""
    shown = shown_score(match)
    if request.form.get("seen", shown) != shown:
        raise HallError("result_known")


def recent_months(here: Occasion) -> tuple[str, str]:
    """This month and the last, for which a draw can be made."""
    return here.month, month_before(here.month)


def is_month(text: str, here: Occasion) -> bool:
    """Whether that is a month which has begun."""
    return _MONTH.fullmatch(text) is not None and text <= here.month


def months_around(month: str, here: Occasion) -> tuple[str | None, str | None]:
    """The months before and after one, as far as there are any."""
    before, after = month_before(month), month_after(month)
    return before if is_month(before, here) else None, after if is_month(after, here) else None


def members(
    conn: sqlite3.Connection, begin: str, here: Occasion, *, named: int = NAMES_SHOWN, often: int = REGULARS_SHOWN
) -> list[Player]:
    """Members to be tapped: those whose name begins so, by name, or else those who come most often, they first."""
    if begin.strip():
        return players.names_like(conn, begin, named)
    return regulars(conn, here.day, often)


def by_name(found: list[Player]) -> list[Player]:
    """In the order in which staff look for them."""
    return sorted(found, key=lambda player: player.name.casefold())
