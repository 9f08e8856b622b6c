"""The cloud as a WSGI application: hubs tell, the owner looks, Prometheus measures."""

import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from importlib.resources import files
from pathlib import Path

from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from sync import protocol
from sync.cloud import api, hall_api, openapi, reward_api
from sync.cloud.api import EXTENSION, Cloud, Money, cloud
from sync.cloud.db import BusyError, Database, StoreError
from sync.cloud.metrics import CONTENT_TYPE, metrics, well
from sync.cloud.owner import pages
from sync.cloud.site import FORWARDED, BehindProxy, Site
from sync.protocol import ProblemError
from sync.web_files import hash_of

log = logging.getLogger(__name__)

MACHINES = ("/v1/", "/api/", "/metrics", "/healthz")  # answered in JSON, whatever goes wrong

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STATIC_CACHE = "public, max-age=31536000, immutable"  # the address holds the content's hash


def create_app(
    db: Database,
    site: Site,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    money: Money | None = None,
) -> Flask:
    """The cloud at `site`, whose tables are there already."""
    static = Path(str(files("sync.cloud.owner").joinpath("static")))
    app = Flask("ladder-cloud", static_url_path=f"/static/{hash_of(static)}", static_folder=str(static))
    app.config["MAX_CONTENT_LENGTH"] = protocol.MOST_BYTES
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(pages.helpers())
    app.extensions[EXTENSION] = Cloud(db, site, now, money=money)
    app.wsgi_app = BehindProxy(app.wsgi_app, site)  # type: ignore[method-assign]
    app.register_blueprint(api.blueprint)
    app.register_blueprint(hall_api.blueprint)
    app.register_blueprint(reward_api.blueprint)
    for area in pages.AREAS:
        app.register_blueprint(area)
    _guard(app)
    _fixed_addresses(app)
    _handle_errors(app)
    return app


def _guard(app: Flask) -> None:
    @app.before_request
    def known_host() -> None:
        site = cloud().site
        if request.path != "/healthz" and not site.knows(request.host):
            raise ProblemError(
                421,
                "another-host",
                f"This cloud is {site.address}: ask for it by that name, or start it with --address.",
            )
        if not request.path.startswith(("/v1/", "/api/")) and (request.content_length or 0) > pages.MOST_FORM:
            raise ProblemError(413, "too-large", "No form here is as long as that.")

    @app.after_request
    def headers(answer: Response) -> Response:
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if cloud().site.secure:
            answer.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.endpoint == "static" and answer.status_code == 200:
            answer.headers["Cache-Control"] = STATIC_CACHE
        return answer


def _fixed_addresses(app: Flask) -> None:
    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:
        reasons = well(cloud().db)
        return jsonify({"ok": not reasons, "reasons": reasons}), 503 if reasons else 200

    @app.get("/metrics")
    def figures() -> Response:
        if request.environ.get(FORWARDED):  # for who measures this machine, not for the world
            raise ProblemError(404, "not-found", "There is nothing at this address.")
        here = cloud()
        return Response(metrics(here.db, here.counts, here.now()), content_type=CONTENT_TYPE)

    @app.get("/api/openapi.json")
    def described() -> Response:
        return jsonify(openapi.document(own_version()))


def _handle_errors(app: Flask) -> None:
    def problem(error: ProblemError) -> ResponseReturnValue:
        cloud().counts.refuse(error.slug)
        log.warning("%s %s from %s: %s", request.method, request.path, request.remote_addr, error.detail)
        return _answer(error)

    def store_error(error: StoreError) -> ResponseReturnValue:
        log.error("%s", error)
        what = "is busy" if isinstance(error, BusyError) else "can't be reached"
        cloud().counts.refuse("store-busy")
        return _answer(ProblemError(503, "store-busy", f"The database {what} just now: try again."))

    def http_error(error: HTTPException) -> ResponseReturnValue:
        code = error.code or 500
        if code < 400:
            return error
        if code == 413:
            return problem(protocol.too_large(protocol.MOST_BYTES))
        slug = (error.name or "error").lower().replace(" ", "-")
        return problem(ProblemError(code, slug, _words(code)))

    app.register_error_handler(ProblemError, problem)
    app.register_error_handler(StoreError, store_error)
    app.register_error_handler(HTTPException, http_error)


def _answer(error: ProblemError) -> Response:
    if request.path.startswith(MACHINES) or error.status == 421:
        answer = jsonify(error.body())
        answer.content_type = protocol.PROBLEM_TYPE
    else:
        answer = Response(render_template("trouble.html", detail=error.detail))
    answer.status_code = error.status
    if error.status in (429, 503):
        answer.headers.setdefault("Retry-After", str(5 + secrets.randbelow(10)))
    return answer


def _words(code: int) -> str:
    if code == 404:
        return "There is nothing at this address."
    if code == 405:
        return "This address is not asked so."
    return "Something went wrong here; it is noted." if code >= 500 else "That is no request that is understood."


def own_version() -> str:
    """Which version of the program this is."""
    try:
        return package_version("action-ladder")
    except PackageNotFoundError:
        return "unknown"
