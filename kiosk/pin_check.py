"""Looking at a PIN or a card: at a table by the hub, which knows everybody, else by what is known here."""

from edge.hall import logins, pins, players
from edge.hall.pins import Line, Verdict
from edge.hall.players import PlayerError
from kiosk.box import box
from kiosk.security import Refusal
from kiosk.who import is_screen


def verify_name(name: str, typed: str) -> Verdict:
    """Whether it is the PIN of the player of that name.

    Raises Refusal where the hub is out of reach and knows more of them than this table.
    """
    above = box().upstairs
    verdict = None if above is None else above.verify_name(name, typed, _line())
    if verdict is not None:
        return verdict
    if above is not None and not _is_known_here(name):
        raise Refusal(503, "hub_away_pin")
    return verify_name_here(name, typed)


def verify_name_here(name: str, typed: str) -> Verdict:
    """Whether it is the PIN of the player of that name, by what this box knows."""
    return pins.verify_name(box().store, box().keys().pins, name, typed, pins.this_moment(), line=_line())


def verify_player(player_id: str, typed: str) -> Verdict:
    """Whether it is that player's PIN, by what this box knows."""
    return pins.verify(box().store, box().keys().pins, player_id, typed, pins.this_moment(), line=_line())


def find_card(number: str) -> str | None:
    """Whose card it is, or None for no card, and for nobody's."""
    try:
        with box().store.read() as conn:
            found = logins.find_card(conn, box().keys().cards, number)
    except PlayerError:
        return None
    above = box().upstairs
    return above.find_card(number) if found is None and above is not None else found


def _line() -> Line:
    """By which line a PIN comes, for those are counted apart."""
    return "screen" if is_screen() else "network"


def _is_known_here(name: str) -> bool:
    with box().store.read() as conn:
        player = players.find_player(conn, name)
        return player is not None and pins.has_pin(conn, player.id)
