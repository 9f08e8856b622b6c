"""Who asks, and who may: every view declares its access, and the application refuses to start without.

Whoever stands at the table is told from the rest by where the request comes from: the kiosk's browser runs on the
box, so its address is a loopback one. There is no proxy, so no header says anything about that.

What staff may do takes a PIN that was typed on a private line: at a screen, or over HTTPS at the counter. The
hall's network carries plain HTTP to phones, and a cookie that comes by there can be copied; a card can be copied
too. By either, staff come in as the players they are.

The login's cookie is Secure over HTTPS and has a name of its own there (`security.cookie_name`). At the screen and
at the counter it is SameSite=Strict and ends with the browser. On a phone it is Lax: the camera app that opens a
QR code's link counts as another site, and with Strict the player would come as nobody. Lax cookies come along with
such an opened page (a GET, which changes nothing) and never with a foreign form.
"""

import ipaddress
import logging
import re
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request, url_for
from werkzeug.wrappers import Response

from edge.hall import logins
from edge.hall.logins import Device, Login
from edge.hall.players import Player, Role, get_player
from edge.hall.sessions import Session
from edge.store.database import Store
from edge.store.errors import StoreError
from kiosk.elsewhere import asked_elsewhere, log_in_there
from kiosk.security import LOGIN_COOKIE, Refusal, cookie_name
from sync.pages import Asker, LogIn

log = logging.getLogger(__name__)

EXTENSION = "who"
_DECLARED = "_access"
_TOKEN_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")

Class = Literal["public", "screen", "guest", "player", "coach", "staff", "operator", "admin"]
View = TypeVar("View", bound=Callable[..., Any])

PRIVATE: frozenset[Device] = frozenset({"screen", "counter"})  # where a PIN gives staff their rights
STAFF_CLASSES: frozenset[Class] = frozenset({"staff", "operator", "admin"})


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: whoever is logged in, and whether they stand at the table. `device`, `by_pin` are the login's."""

    player: Player | None
    screen: bool
    device: Device | None = None
    by_pin: bool = False

    @property
    def staff(self) -> bool:
        """Whether this is somebody of the hall who may act as such: by PIN, on a private line."""
        return self.player is not None and self.player.staff and self.by_pin and self.device in PRIVATE

    def is_player(self, player_id: str) -> bool:
        return self.player is not None and self.player.id == player_id


@dataclass(frozen=True, slots=True)
class Gate:
    """What the application tells of its box. `check_in` and `staff_check_in` are the endpoints of the pages where
    players and staff check in.

    A login at the screen lasts `screen_idle_s` beyond the last page its player asked for, one at the counter
    `counter_idle_s`.
    """

    store: Store
    table_label: str
    screen_idle_s: float = 120.0
    check_in: str | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    staff_check_in: str | None = None
    counter_idle_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Declared:
    """What a view declared."""

    classes: tuple[Class, ...]
    otherwise: Literal["refuse", "check-in"]
    by_itself: bool

    @property
    def staff_alone(self) -> bool:
        return STAFF_CLASSES.issuperset(self.classes)

    @property
    def staff_too(self) -> bool:
        """Whether staff may use it as staff; coaches' pages are for them as well."""
        return not (STAFF_CLASSES | {"coach"}).isdisjoint(self.classes)


class UndeclaredError(Exception):
    """Views that don't say who may see them."""


def _is_coach(visitor: Visitor) -> bool:
    return visitor.staff or (visitor.player is not None and "coach" in visitor.player.roles)


def _is_staff(*roles: Role) -> Callable[[Visitor], bool]:
    return lambda visitor: visitor.staff and visitor.player is not None and bool(visitor.player.roles & set(roles))


MAY: dict[Class, Callable[[Visitor], bool]] = {
    "public": lambda visitor: True,  # noqa: ARG005
    "screen": lambda visitor: visitor.screen,
    "guest": lambda visitor: visitor.player is not None,
    "player": lambda visitor: visitor.player is not None and not visitor.player.guest,
    "coach": _is_coach,
    "staff": lambda visitor: visitor.staff,
    "operator": _is_staff("operator", "admin"),
    "admin": _is_staff("admin"),
}


def access(
    *classes: Class, otherwise: Literal["refuse", "check-in"] = "refuse", by_itself: bool = False
) -> Callable[[View], View]:
    """Declares who may use a view: whoever is of any of the classes. It stands below the route.

    `otherwise` is where nobody in particular goes. A view that pages ask for `by_itself`, without anybody touching
    them, does not keep a login alive.
    """
    assert classes

    def declare(view: View) -> View:
        setattr(view, _DECLARED, Declared(classes, otherwise, by_itself))
        return view

    return declare


def guard(app: Flask, gate: Gate) -> None:
    """Holds every request against what its view declares. To be called after `security.protect`."""
    app.extensions[EXTENSION] = gate
    app.jinja_env.globals["visitor"] = _shown_visitor
    app.before_request(_require_access)


def require_declared(app: Flask) -> None:
    """Raises UndeclaredError for views without `access`; to be called when all are registered."""
    missing = sorted(name for name, view in app.view_functions.items() if _declared(name, view) is None)
    if missing:
        raise UndeclaredError(f"no @access on {', '.join(missing)}: nobody could see them")


def current_visitor() -> Visitor:
    """Who asks. Raises StoreError.

    It is found out before the view begins, so that a view may ask inside a transaction of its own.
    """
    if "visitor" not in g:
        g.visitor = Visitor(None, is_screen())  # for the page that says that the store can't be read
        g.visitor = _visitor()
    return cast(Visitor, g.visitor)


def logged_in() -> Player:
    """The player whose login the request came with, for views whose access demands one."""
    player = current_visitor().player
    assert player is not None  # the view's access says so
    return player


def hall_staff() -> Player:
    """Who of the hall acts, for views whose access is for staff alone."""
    visitor = current_visitor()
    assert visitor.player is not None  # the view's access says so
    assert visitor.staff
    return visitor.player


def is_screen() -> bool:
    """Whether the request comes from the box itself, or from another table's screen."""
    asked = asked_elsewhere()
    if asked is not None:
        return asked.asker.screen
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def require_self(player_id: str, *, or_staff: bool = False) -> Player:
    """The visitor, who must be that player, or may be staff. Raises Refusal."""
    visitor = current_visitor()
    if visitor.player is None:
        raise _check_in_first()
    if not visitor.is_player(player_id) and not (or_staff and visitor.staff):
        raise Refusal(403, "not_yours")
    return visitor.player


def require_at_table(session: Session) -> None:
    """Whoever may act in a session: its player, staff, and while it goes on whoever stands at its table.

    Raises Refusal.
    """
    visitor = current_visitor()
    asked = asked_elsewhere()
    label = _gate().table_label if asked is None else asked.table_label
    here = visitor.screen and session.open and session.table_label == label
    if not (here or visitor.staff or visitor.is_player(session.player_id)):
        raise _check_in_first() if visitor.player is None and not visitor.screen else Refusal(403, "not_yours")


def is_private_line() -> bool:
    """Whether a PIN may be typed: the request comes from the box itself or over HTTPS."""
    return is_screen() or request.is_secure


def require_private_line() -> None:
    """For every view that asks for a PIN or takes one: on the hall's network anybody could read it.

    Raises Refusal.
    """
    if not is_private_line():
        raise Refusal(403, "private_line")


def log_in(conn: sqlite3.Connection, response: Response, player_id: str, *, by_pin: bool = False) -> None:
    """Logs a player in where the request comes from, in place of who was there before.

    `by_pin` says that the PIN was typed just now. The response should be a redirect: what a page holds is bound to
    the login it was asked for with.
    """
    _log_in(conn, response, player_id, "screen" if is_screen() else "phone", by_pin)


def log_in_staff(conn: sqlite3.Connection, response: Response, player_id: str) -> None:
    """As `log_in` after the PIN, for one of the hall's people; the line must be private."""
    require_private_line()
    _log_in(conn, response, player_id, "screen" if is_screen() else "counter", True)


def log_in_again(conn: sqlite3.Connection, response: Response) -> None:
    """A new login of the same kind in place of the one that the request came with, which may have been copied."""
    visitor = current_visitor()
    assert visitor.player is not None
    assert visitor.device is not None
    _log_in(conn, response, visitor.player.id, visitor.device, visitor.by_pin)


def log_out(conn: sqlite3.Connection, response: Response) -> None:
    """Ends the login the request came with, in the store too."""
    if asked_elsewhere() is not None:
        log_in_there(response, LogIn(None))
        return
    _end_login(conn)
    response.delete_cookie(cookie_name(LOGIN_COOKIE), httponly=True, samesite="Lax", secure=request.is_secure)


def log_in_as(conn: sqlite3.Connection, response: Response, who: LogIn) -> None:
    """Logs in, or out, whom the hub says."""
    if who.player_id is None:
        log_out(conn, response)
    else:
        _log_in(conn, response, who.player_id, who.device, who.by_pin)


def _log_in(conn: sqlite3.Connection, response: Response, player_id: str, device: Device, by_pin: bool) -> None:
    if asked_elsewhere() is not None:
        log_in_there(response, LogIn(player_id, device, by_pin))
        return
    gate, private = _gate(), device in PRIVATE
    idle_s = gate.counter_idle_s if device == "counter" else gate.screen_idle_s
    _end_login(conn)
    token = logins.new_login(conn, player_id, device, gate.now(), idle_s, by_pin=by_pin)
    response.set_cookie(
        cookie_name(LOGIN_COOKIE),
        token,
        max_age=None if private else timedelta(days=logins.PHONE_DAYS),
        httponly=True,
        samesite="Strict" if private else "Lax",
        secure=request.is_secure,
    )


def _end_login(conn: sqlite3.Connection) -> None:
    token = _token()
    if token is not None:
        logins.log_out(conn, token)


def _shown_visitor() -> Visitor:
    """Who asks, as far as can be told: a page for everybody is shown without the store too."""
    with suppress(StoreError):
        return current_visitor()
    return current_visitor()


def _visitor() -> Visitor:
    gate, token, screen = _gate(), _token(), is_screen()
    asked = asked_elsewhere()
    if asked is not None:
        return _visitor_elsewhere(gate, asked.asker)
    if token is None:
        return Visitor(None, screen)
    now = gate.now()
    with gate.store.read() as conn:
        login = logins.find_login(conn, token, now)
        player = None if login is None else get_player(conn, login.player_id)
    if login is None or player is None or player.erased or not _is_for_here(login.device):
        return Visitor(None, screen)
    _keep_alive(gate, token, login, now)
    return Visitor(player, screen, login.device, login.by_pin)


def _visitor_elsewhere(gate: Gate, asker: Asker) -> Visitor:
    """Who asks at another table, whose box has looked at the login."""
    if asker.player_id is None:
        return Visitor(None, asker.screen)
    with gate.store.read() as conn:
        player = get_player(conn, asker.player_id)
    if player is None or player.erased:
        return Visitor(None, asker.screen)
    return Visitor(player, asker.screen, asker.device, asker.by_pin)


def _keep_alive(gate: Gate, token: str, login: Login, now: datetime) -> None:
    declared = _declared(request.endpoint, current_app.view_functions.get(request.endpoint or ""))
    if declared is None or declared.by_itself or not login.due(now):
        return
    # With a full disk the login ends too early, but the page is shown.
    with suppress(StoreError), gate.store.write() as conn:
        logins.keep_alive(conn, token, now)


def _require_access() -> None:
    if request.routing_exception is not None or request.endpoint is None:
        return  # there is no such page
    declared = _declared(request.endpoint, current_app.view_functions[request.endpoint])
    if declared is None:
        log.error("%s declares no access and is refused", request.endpoint)
        raise Refusal(403, "not_yours")
    if "public" in declared.classes:
        if request.endpoint != "static":
            _shown_visitor()
        return
    visitor = current_visitor()
    if any(MAY[one](visitor) for one in declared.classes):
        return
    raise _refusal(visitor, declared)


def _refusal(visitor: Visitor, declared: Declared) -> Refusal:
    """Why a visitor may not see what was declared so, and where to go first."""
    gate, shows_the_way = _gate(), declared.otherwise == "check-in"
    if declared.classes == ("screen",):
        return Refusal(403, "at_table_only")
    if visitor.player is None:
        where = gate.staff_check_in if declared.staff_alone else gate.check_in
        return _check_in_first(where if shows_the_way else None)
    if visitor.player.staff and not visitor.staff and declared.staff_too:
        return Refusal(403, "staff_pin", go_to=_way_to(gate.staff_check_in if shows_the_way else None))
    return Refusal(403, "staff_only" if declared.staff_alone and shows_the_way else "not_yours")


def _check_in_first(endpoint: str | None = None) -> Refusal:
    return Refusal(401, "check_in_first", go_to=_way_to(endpoint))


def _way_to(endpoint: str | None) -> str | None:
    """The address of a page where one checks in, and is sent back from."""
    if endpoint is None:
        return None
    return url_for(endpoint, next=_page_asked_for())


def _page_asked_for() -> str | None:
    """The page to come back to: a piece of one is asked for by the page that is open."""
    open_page = urlsplit(request.headers.get("HX-Current-URL", ""))._replace(scheme="", netloc="", fragment="")
    if open_page.path:
        return open_page.geturl()
    return request.full_path.rstrip("?") if request.method == "GET" else None


def _declared(endpoint: str | None, view: object) -> Declared | None:
    if endpoint == "static":
        return Declared(("public",), "refuse", True)
    return cast(Declared | None, getattr(view, _DECLARED, None))


def _is_for_here(device: Device) -> bool:
    """A login of the screen is worth nothing elsewhere, the screen takes none that lasts for months, and one of
    the counter is worth nothing on the plain line."""
    if is_screen():
        return device == "screen"
    return device == "phone" or (device == "counter" and request.is_secure)


def _token() -> str | None:
    token = request.cookies.get(cookie_name(LOGIN_COOKIE), "")
    return token if _TOKEN_SHAPE.fullmatch(token) else None


def _gate() -> Gate:
    return cast(Gate, current_app.extensions[EXTENSION])
