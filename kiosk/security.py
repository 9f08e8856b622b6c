"""What holds for every request and answer: no foreign page acts, loads, frames or runs anything here.

A page on the internet can make the browser that shows it send requests to the box: under a name of its own that
it points at the box (DNS rebinding), or as a form or a fetch across sites. The first is stopped by the Host
header, the second by Origin and Sec-Fetch-Site, and by a token that only a page of ours can read. Browsers send
Sec-Fetch-Site to localhost and over HTTPS only; on the hall's plain HTTP there is Origin.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, make_response, redirect, request
from flask.typing import ResponseReturnValue
from itsdangerous import Signer
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from kiosk.elsewhere import asked_elsewhere

# No inline script or style anywhere; htmx is told not to use eval nor to write style sheets.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}

STATIC_CACHE = "public, max-age=31536000, immutable"  # the address holds the content's hash

MAX_BODY_BYTES = 64 * 1024
MAX_FORM_PARTS = 200

# Ports and schemes of one host share their cookies, so those of HTTPS have names of their own: see `cookie_name`.
LOGIN_COOKIE = "ladder"
FORM_COOKIE = "ladder_form"
FIELD, HEADER = "csrf", "X-CSRF-Token"
HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})

_EXTENSION = "security"
_EXEMPT = "_takes_posts_of_programs"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.IGNORECASE)
_FORM_COOKIE_SHAPE = re.compile(r"[A-Za-z0-9_-]{22}")

View = TypeVar("View", bound=Callable[..., Any])


class Refusal(HTTPException):
    """A request that is refused; `key` names the text that says why (`error.KEY.title`, `error.KEY.text`)."""

    def __init__(
        self, code: int, key: str, *, headers: dict[str, str] | None = None, go_to: str | None = None
    ) -> None:
        super().__init__(key)
        self.code = code
        self.key = key
        self._headers = headers or {}
        self._go_to = go_to

    def answer(self, page: ResponseReturnValue) -> Response:
        """The page, made by the application, as the answer; or the way to where the visitor has to go first."""
        response = make_response(page)
        if self._go_to is not None and not wants_json():
            if "HX-Request" not in request.headers:
                response = make_response(redirect(self._go_to, 303))
            else:
                response.headers["HX-Redirect"] = self._go_to  # htmx would put a redirect's page into the fragment
        response.headers.update(self._headers)
        return response


def protect(app: Flask, web_key: Callable[[], bytes] | None = None, names: Iterable[str] = ()) -> None:
    """Checks every request to the app before anything else does, and adds the headers to every answer.

    `web_key` gives the key that forms are signed with; without one they are good until the process ends. `names`
    are the names under which the box is known besides its own.
    """
    of_this_process = secrets.token_bytes(32)
    app.extensions[_EXTENSION] = web_key or (lambda: of_this_process)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    app.jinja_env.globals.update(csrf_token=csrf_token, csrf_field=csrf_field, csrf_headers=csrf_headers)
    configured = frozenset(name.lower() for name in names)

    @app.before_request
    def check_host() -> None:
        if asked_elsewhere() is not None:
            return  # the table's box has looked
        if not is_known_host(request.headers.get("Host", ""), own_names() | configured):
            raise Refusal(421, "host")

    @app.before_request
    def check_origin() -> None:
        if asked_elsewhere() is None and request.method not in HARMLESS and request.routing_exception is None:
            _refuse_foreign()
            if not getattr(app.view_functions[request.endpoint or ""], _EXEMPT, False):
                _require_token()

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint == "static" and response.status_code in (200, 304):
            response.headers["Cache-Control"] = STATIC_CACHE
        else:
            response.headers.setdefault("Cache-Control", "no-store")
        if "new_form_cookie" in g:
            secure = request.is_secure
            response.set_cookie(
                cookie_name(FORM_COOKIE), g.new_form_cookie, httponly=True, samesite="Lax", secure=secure
            )
        return response


def takes_posts_of_programs(view: View) -> View:
    """For a view that does nothing in a visitor's name: it may be posted to without a form's token.

    Pages of other sites still may not.
    """
    setattr(view, _EXEMPT, True)
    return view


def cookie_name(plain: str, path: str = "/") -> str:
    """What a cookie is called on the line that the request came by.

    Over HTTPS the name begins with what browsers take from HTTPS alone: so nothing that is set or read on the
    plain line is mistaken for it, and neither line's cookies stand in the other's way.
    """
    if not request.is_secure:
        return plain
    return ("__Host-" if path == "/" else "__Secure-") + plain


def csrf_token() -> str:
    """What a page of ours sends along with everything that changes something, as field or header.

    It is bound to the browser, by a cookie, and to who is logged in there: a new login needs a new page.
    """
    cookie = _form_cookie()
    if cookie is None:
        cookie = g.new_form_cookie = secrets.token_urlsafe(16)
    return _signature(cookie)


def csrf_field() -> Markup:
    """The token for a form."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, csrf_token())


def csrf_headers() -> Markup:
    """The token for all that htmx sends from inside an element: `<main {{ csrf_headers() }}>`."""
    return Markup("""hx-headers='{{"{}": "{}"}}'""").format(HEADER, csrf_token())


def wants_json() -> bool:
    """Whether a program asks and not a page."""
    kinds = request.accept_mimetypes
    return (
        request.path.startswith(("/api/", "/v1/"))
        or kinds.best_match(["text/html", "application/json"]) == "application/json"
    )


def is_known_host(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header names this box: by an address, or by one of its names.

    Who comes by an address can't have been led here under another's name, so any address will do.
    """
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = found[1].strip("[]").rstrip(".").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name != "" and name in names
    return True


def own_names() -> frozenset[str]:
    """The names by which the machine's browser and the hall's network know it, in small letters."""
    full = socket.gethostname().lower()
    short = full.partition(".")[0]
    return frozenset({"localhost", full, short, f"{short}.local"})


def local_path(address: str | None) -> str:
    """An address to go on to after check-in: a path of ours, or the first page for anything else."""
    if address is None or not re.fullmatch(r"/(?![/\\])[!-~]{0,500}", address):
        return "/"
    return address


def _refuse_foreign() -> None:
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    own = f"{request.scheme}://{request.host}".lower()
    if site not in (None, "same-origin", "none") or (origin is not None and origin.lower() != own):
        raise Refusal(403, "foreign_page")


def _require_token() -> None:
    sent = request.headers.get(HEADER) or request.form.get(FIELD, "")
    cookie = _form_cookie()
    if cookie is None or not hmac.compare_digest(_signature(cookie).encode(), sent.encode("utf-8", "replace")):
        # htmx shows no refusals: it loads the page anew.
        raise Refusal(403, "stale_page", headers={"HX-Refresh": "true"})


def _form_cookie() -> str | None:
    cookie: str = g.get("new_form_cookie") or request.cookies.get(cookie_name(FORM_COOKIE), "")
    return cookie if _FORM_COOKIE_SHAPE.fullmatch(cookie) else None


def _signature(cookie: str) -> str:
    signer = Signer(
        current_app.extensions[_EXTENSION](), b"forms", key_derivation="hmac", digest_method=hashlib.sha256
    )
    login = request.cookies.get(cookie_name(LOGIN_COOKIE), "")
    return signer.get_signature(f"{cookie} {login}").decode()
