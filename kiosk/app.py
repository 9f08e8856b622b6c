"""The kiosk's Flask application: what every page shares, and the blueprints."""

import hashlib
import logging
from importlib.resources import files
from pathlib import Path

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.database import Store
from edge.store.errors import StoreError
from kiosk import compress, fragments, security
from kiosk.api import routes as api
from kiosk.box import EXTENSION, Box, box
from kiosk.live import Hub
from kiosk.player import routes as player
from kiosk.records import Records
from kiosk.technician import routes as technician
from kiosk.texts import DEFAULT, translator

log = logging.getLogger(__name__)

Answer = tuple[Response, int] | tuple[str, int]
ERROR_TEXTS = (400, 404, 405, 500, 503)


def create_app(paths: Paths, settings: Settings | None = None) -> Flask:
    """The kiosk of the box at `paths`. Touches nothing until it is asked for a page."""
    settings = settings or Settings()
    version = static_version()
    app = Flask("kiosk", static_url_path=f"/static/{version}", static_folder=str(_package("static")))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    t = translator(DEFAULT)
    records = Records(Store(paths.store), settings.hall.zone)
    hub = Hub(paths.live_json, records, fragments.StreamRenderer(app), {"version": version})
    app.extensions[EXTENSION] = Box(paths, settings, records, hub, t)
    app.jinja_env.globals.update(
        t=t,
        settings=settings,
        clock=lambda moment: moment.astimezone(settings.hall.zone).strftime("%H:%M"),
        **fragments.HELPERS,
    )
    compress.compress_text(app)
    security.protect(app)
    app.register_blueprint(player.blueprint)
    app.register_blueprint(technician.blueprint)
    app.register_blueprint(api.blueprint)
    _handle_errors(app)
    return app


def static_version() -> str:
    """A hash of the static files, so that a page never meets the scripts of another version."""
    digest = hashlib.sha256()
    root = _package("static")
    for path in sorted(root.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:10]


def _package(folder: str) -> Path:
    return Path(str(files("kiosk").joinpath(folder)))


def _handle_errors(app: Flask) -> None:
    def show(code: int) -> Answer:
        known = code if code in ERROR_TEXTS else (500 if code >= 500 else 400)
        t = box().t
        title, text = t(f"error.{known}.title"), t(f"error.{known}.text")
        if request.path.startswith("/api/"):
            return jsonify({"error": title, "message": text}), code
        return render_template("error.html", code=known, title=title, text=text), code

    def http_error(error: HTTPException) -> Answer | HTTPException:
        code = error.code or 500
        return error if code < 400 else show(code)

    def store_error(error: StoreError) -> Answer:
        log.warning("the shot book can't be read: %s", error)
        return show(503)

    def crash(error: InternalServerError) -> Answer:  # noqa: ARG001
        return show(500)

    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(StoreError, store_error)
    app.register_error_handler(InternalServerError, crash)
