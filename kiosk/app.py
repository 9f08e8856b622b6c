"""The kiosk's Flask application: what every page shares, and the blueprints."""

import hashlib
import logging
from functools import cache
from importlib.resources import files
from pathlib import Path

from flask import Flask, Response, jsonify, render_template
from werkzeug.exceptions import HTTPException, InternalServerError

from edge.bookkeeper import Bookkeeper
from edge.hall.keys import KeysError, load_keys
from edge.runtime.caretaker import Caretaker
from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.database import Store
from edge.store.errors import StoreError
from kiosk import compress, fragments, limits, security, who
from kiosk.api import routes as api
from kiosk.box import EXTENSION, Box, box
from kiosk.live import Hub
from kiosk.player import belongings, boards, check_in, codes, me, phones, preferences, say, start, table
from kiosk.records import Records
from kiosk.security import Refusal
from kiosk.technician import routes as technician
from kiosk.texts import DEFAULT, translator
from kiosk.who import Gate

log = logging.getLogger(__name__)

Answer = tuple[Response, int] | tuple[str, int]
ERROR_TEXTS = (400, 404, 405, 500, 503)
SCREEN_GRACE_S = 30.0  # beyond what the page itself waits before it leaves a player


def create_app(paths: Paths, settings: Settings | None = None) -> Flask:
    """The kiosk of the box at `paths`. Touches nothing until it is asked for a page."""
    settings = settings or Settings()
    version = static_version()
    app = Flask("kiosk", static_url_path=f"/static/{version}", static_folder=str(_package("static")))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[EXTENSION] = made = _box(app, paths, settings, version)
    zone = settings.hall.zone
    app.jinja_env.globals.update(
        t=made.t,
        settings=settings,
        clock=lambda moment: moment.astimezone(zone).strftime("%H:%M"),
        **fragments.HELPERS,
    )
    compress.compress_text(app)
    names = [settings.kiosk.address] if settings.kiosk.address else []
    security.protect(app, lambda: made.keys().web, names)
    screen_idle_s = settings.kiosk.idle_s + SCREEN_GRACE_S
    who.guard(app, Gate(made.store, settings.table.label, screen_idle_s, "check_in.name"))
    limits.install(app)
    for room in (table, say, check_in, start, phones, codes, me, preferences, belongings, boards, api, technician):
        app.register_blueprint(room.blueprint)
    who.require_declared(app)
    _handle_errors(app)
    return app


def _box(app: Flask, paths: Paths, settings: Settings, version: str) -> Box:
    t = translator(DEFAULT)
    store = Store(paths.store)
    records = Records(store, settings.hall.zone)
    hub = Hub(paths.live_json, records, fragments.StreamRenderer(app), {"version": version})
    caretaker = Caretaker(store, settings.table.label, settings.session.pause)
    keys = cache(lambda: load_keys(paths.secrets))
    return Box(paths, settings, store, keys, records, Bookkeeper(store), caretaker, hub, t)


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
    def show(code: int, key: str = "") -> Answer:
        known = key or str(code if code in ERROR_TEXTS else (500 if code >= 500 else 400))
        t = box().t
        title, text = t(f"error.{known}.title"), t(f"error.{known}.text")
        if security.wants_json():
            return jsonify({"error": title, "message": text}), code
        return render_template("error.html", code=code, title=title, text=text), code

    def refused(error: Refusal) -> Response:
        return error.answer(show(error.code or 400, error.key))

    def http_error(error: HTTPException) -> Answer | HTTPException:
        code = error.code or 500
        return error if code < 400 else show(code)

    def store_error(error: StoreError) -> Answer:
        log.warning("the shot book can't be read: %s", error)
        return show(503)

    def keys_error(error: KeysError) -> Answer:
        log.error("%s", error)
        return show(503)

    def crash(error: InternalServerError) -> Answer:  # noqa: ARG001
        return show(500)

    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(StoreError, store_error)
    app.register_error_handler(KeysError, keys_error)
    app.register_error_handler(InternalServerError, crash)
