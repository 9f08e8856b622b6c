"""The kiosk's Flask application: what every page shares, and the blueprints."""

import hashlib
import logging
from functools import cache
from importlib.resources import files
from pathlib import Path

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from edge.bookkeeper import Bookkeeper
from edge.hall.commands import DoneAlreadyError
from edge.hall.errors import HallError
from edge.hall.keys import KeysError, load_keys
from edge.health.check import scene_of
from edge.health.registry import all_checks
from edge.health.watch import HealthWatch
from edge.runtime.caretaker import Caretaker
from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.errors import StoreError
from kiosk import compress, fragments, limits, month_words, security, training_words, upstairs, who
from kiosk.api import refusals
from kiosk.api import routes as api
from kiosk.box import EXTENSION, Box, box
from kiosk.counter import challenges as counter_challenges
from kiosk.counter import championship as counter_championship
from kiosk.counter import clocks, enter, evening, ladder_matches, ladder_setup, matches, shell, table_setup, tables
from kiosk.counter import draw as counter_draw
from kiosk.counter import hall as counter_hall
from kiosk.counter import ladders as counter_ladders
from kiosk.counter import month as counter_month
from kiosk.counter import people as counter_people
from kiosk.elsewhere import OnceStore, done_already
from kiosk.live import Hub
from kiosk.player import (
    belongings,
    boards,
    calling,
    championships,
    check_in,
    codes,
    draws,
    ladders,
    me,
    month,
    new_pin,
    phones,
    preferences,
    say,
    start,
    subscription,
    table,
    training,
)
from kiosk.records import Records
from kiosk.security import Refusal
from kiosk.technician import routes as technician
from kiosk.texts import DEFAULT, translator
from kiosk.upstairs import HubUpstairs
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
        **shell.HELPERS,
        **month_words.HELPERS,
        **training_words.HELPERS,
    )
    compress.compress_text(app)
    upstairs.keep_body(app)
    names = [settings.kiosk.address] if settings.kiosk.address else []
    security.protect(app, lambda: made.keys().web, names)
    gate = Gate(
        made.store,
        settings.table.label,
        settings.kiosk.idle_s + SCREEN_GRACE_S,
        "check_in.name",
        staff_check_in="counter_enter.enter",
        counter_idle_s=settings.counter.idle_s,
    )
    who.guard(app, gate)
    upstairs.install(app, made.upstairs)
    limits.install(app)
    players = (table, calling, say, check_in, new_pin, start, phones, codes, me, preferences, belongings, boards)
    of_a_month = (month, draws, championships, counter_month, counter_draw, counter_championship)
    of_training = (training, subscription)
    counter = (enter, shell, evening, matches, table_setup, tables, clocks, counter_people, counter_hall)
    of_ladders = (ladders, counter_ladders, counter_challenges, ladder_setup, ladder_matches)
    for room in (*players, *counter, *of_ladders, *of_a_month, *of_training, api, technician):
        app.register_blueprint(room.blueprint)
    who.require_declared(app)
    _handle_errors(app)
    return app


def _box(app: Flask, paths: Paths, settings: Settings, version: str) -> Box:
    t = translator(DEFAULT)
    store = OnceStore(paths.store)
    records = Records(store, settings.hall.zone)
    hub = Hub(paths.live_json, records, fragments.StreamRenderer(app), {"version": version})
    caretaker = Caretaker(store, settings.table.label, settings.session.pause)
    keys = cache(lambda: load_keys(paths.secrets))
    health = HealthWatch(lambda: scene_of(paths, serving=True), all_checks)
    books, above = Bookkeeper(store), HubUpstairs.of(store, paths.hub)
    return Box(paths, settings, store, keys, records, books, caretaker, hub, t, health, above)


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
        if security.wants_json():
            return jsonify(refusals.told(t, code, key)), code
        title, text = t(f"error.{known}.title"), t(f"error.{known}.text")
        return render_template("error.html", code=code, title=title, text=text), code

    def refused(error: Refusal) -> Response:
        return error.answer(show(error.code or 400, error.key))

    def http_error(error: HTTPException) -> Response | HTTPException:
        code = error.code or 500
        if code < 400:
            return error
        answer = make_response(show(code))
        if isinstance(error, MethodNotAllowed):
            answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return answer

    def hall_says_no(error: HallError) -> ResponseReturnValue:
        if request.path.startswith("/counter/") and not security.wants_json():
            return shell.back_with(error.key)
        t = box().t
        title, text = t("error.hall_says_no.title"), shell.trouble_text(error.key)
        if security.wants_json():
            return jsonify({"error": error.key, "message": text}), 409
        return render_template("error.html", code=409, title=title, text=text), 409

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
    app.register_error_handler(DoneAlreadyError, done_already)
    app.register_error_handler(HallError, hall_says_no)
    app.register_error_handler(StoreError, store_error)
    app.register_error_handler(KeysError, keys_error)
    app.register_error_handler(InternalServerError, crash)
