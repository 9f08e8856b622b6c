"""Who asks, and who may: every view declares its access, and the application refuses to start without.

Whoever stands at the table is told from the rest by where the request comes from: the kiosk's browser runs on the
box, so its address is a loopback one. There is no proxy, so no header says anything about that.

The login's cookie is not marked Secure, because the hall's network has no HTTPS. At the screen it is
SameSite=Strict and ends with the browser. On a phone it is Lax: the camera app that opens a QR code's link counts
as another site, and with Strict the player would come as nobody. Lax cookies come along with such an opened page
(a GET, which changes nothing) and never with a foreign form.
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

from flask import Flask, current_app, g, request, url_for
from werkzeug.wrappers import Response

from edge.hall import logins
from edge.hall.logins import Device, Login
from edge.hall.players import Player, get_player
from edge.hall.sessions import Session
from edge.store.database import Store
from edge.store.errors import StoreError
from kiosk.security import LOGIN_COOKIE, Refusal

log = logging.getLogger(__name__)

EXTENSION = "who"
_DECLARED = "_access"
_TOKEN_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")

Class = Literal["public", "screen", "guest", "player", "coach", "staff", "operator", "admin"]
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: whoever is logged in, and whether they stand at the table. `device` is the login's."""

    player: Player | None
    screen: bool
    device: Device | None = None

    @property
    def staff(self) -> bool:
        return self.player is not None and self.player.staff

    def is_player(self, player_id: str) -> bool:
        return self.player is not None and self.player.id == player_id


@dataclass(frozen=True, slots=True)
class Gate:
    """What the application tells of its box. `check_in` is the endpoint of the page where one checks in.

    A login at the screen lasts `screen_idle_s` beyond the last page its player asked for.
    """

    store: Store
    table_label: str
    screen_idle_s: float = 120.0
    check_in: str | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a view declared."""

    classes: tuple[Class, ...]
    otherwise: Literal["refuse", "check-in"]
    by_itself: bool


class UndeclaredError(Exception):
    """Views that don't say who may see them."""


def _has_role(*roles: str) -> Callable[[Visitor], bool]:
    return lambda visitor: visitor.player is not None and bool(visitor.player.roles & set(roles))


MAY: dict[Class, Callable[[Visitor], bool]] = {
    "public": lambda visitor: True,  # noqa: ARG005
    "screen": lambda visitor: visitor.screen,
    "guest": lambda visitor: visitor.player is not None,
    "player": lambda visitor: visitor.player is not None and not visitor.player.guest,
    "coach": _has_role("coach", "staff", "operator", "admin"),
    "staff": lambda visitor: visitor.staff,
    "operator": _has_role("operator", "admin"),
    "admin": _has_role("admin"),
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


def is_screen() -> bool:
    """Whether the request comes from the box itself."""
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
    here = visitor.screen and session.open and session.table_label == _gate().table_label
    if not (here or visitor.staff or visitor.is_player(session.player_id)):
        raise _check_in_first() if visitor.player is None and not visitor.screen else Refusal(403, "not_yours")


def require_private_line() -> None:
    """For every view that asks for a PIN or takes one: on the hall's network anybody could read it.

    Raises Refusal unless the request comes from the box itself or over HTTPS.
    """
    if not is_screen() and not request.is_secure:
        raise Refusal(403, "private_line")


def log_in(conn: sqlite3.Connection, response: Response, player_id: str) -> None:
    """Logs a player in where the request comes from, in place of who was there before.

    The response should be a redirect: what a page holds is bound to the login it was asked for with.
    """
    gate, device = _gate(), _device()
    _end_login(conn)
    token = logins.new_login(conn, player_id, device, gate.now(), gate.screen_idle_s)
    response.set_cookie(
        LOGIN_COOKIE,
        token,
        max_age=None if device == "screen" else timedelta(days=logins.PHONE_DAYS),
        httponly=True,
        samesite="Strict" if device == "screen" else "Lax",
    )


def log_out(conn: sqlite3.Connection, response: Response) -> None:
    """Ends the login the request came with, in the store too."""
    _end_login(conn)
    response.delete_cookie(LOGIN_COOKIE, httponly=True, samesite="Lax")


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
    if token is None:
        return Visitor(None, screen)
    now = gate.now()
    with gate.store.read() as conn:
        login = logins.find_login(conn, token, now)
        player = None if login is None else get_player(conn, login.player_id)
    # A login of the screen is worth nothing elsewhere, and the screen takes none that lasts for months.
    if login is None or player is None or player.erased or login.device != _device():
        return Visitor(None, screen)
    _keep_alive(gate, token, login, now)
    return Visitor(player, screen, login.device)


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
    if visitor.player is None and declared.classes != ("screen",):
        raise _check_in_first(declared.otherwise == "check-in")
    raise Refusal(403, "at_table_only" if declared.classes == ("screen",) else "not_yours")


def _check_in_first(show_the_way: bool = False) -> Refusal:
    gate = _gate()
    if not show_the_way or gate.check_in is None:
        return Refusal(401, "check_in_first")
    came_for = request.full_path.rstrip("?") if request.method == "GET" else None
    return Refusal(401, "check_in_first", go_to=url_for(gate.check_in, next=came_for))


def _declared(endpoint: str | None, view: object) -> Declared | None:
    if endpoint == "static":
        return Declared(("public",), "refuse", True)
    return cast(Declared | None, getattr(view, _DECLARED, None))


def _device() -> Device:
    return "screen" if is_screen() else "phone"


def _token() -> str | None:
    token = request.cookies.get(LOGIN_COOKIE, "")
    return token if _TOKEN_SHAPE.fullmatch(token) else None


def _gate() -> Gate:
    return cast(Gate, current_app.extensions[EXTENSION])
