"""The sandbox as a WSGI application."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from sync.sandbox import control
from sync.sandbox.api import Request
from sync.sandbox.pages import views, words
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.serve import spoil
from sync.web_files import hash_of

MOST_BYTES = 256 << 10
METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]
MACHINES = ("/v1/", "/_sandbox/", "/healthz")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STATIC_CACHE = "public, max-age=31536000, immutable"  # the address holds the content's hash


def create_app(sandbox: Sandbox) -> Flask:
    """Stripe's API below /v1, the control of the sandbox below /_sandbox, its pages at the rest."""
    static = Path(str(files("sync.sandbox.pages").joinpath("static")))
    app = Flask("ladder-sandbox", static_url_path=f"/static/{hash_of(static)}", static_folder=str(static))
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.extensions[views.EXTENSION] = sandbox
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(words.helpers())
    app.register_blueprint(views.blueprint)
    app.register_blueprint(control.blueprint)
    _addresses(app, sandbox)
    app.after_request(_headers)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _addresses(app: Flask, sandbox: Sandbox) -> None:
    @app.route("/v1/<path:_rest>", methods=METHODS)
    def api(_rest: str) -> Response:
        return _answer(sandbox)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify({"ok": True, "reasons": [], "sandbox": True})


def _answer(sandbox: Sandbox) -> Response:
    environ: dict[str, Any] = request.environ
    answer = sandbox.answer(
        Request(
            request.method,
            request.path,
            environ.get("QUERY_STRING", ""),
            request.get_data(cache=False).decode("utf-8", "replace"),
            {name.lower(): value for name, value in request.headers.items()},
        )
    )
    if spoil(environ, answer):
        return Response(status=500, headers={"Connection": "close"})
    return Response(answer.body, answer.status or 500, answer.headers)


def _headers(answer: Response) -> Response:
    if request.path.startswith("/v1/"):
        return answer
    goes_to = " ".join(["'self'", *g.get("form_goes_to", [])])  # browsers hold a form's redirects to it too
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action {goes_to}"
    )
    for name, value in {**HEADERS, "Content-Security-Policy": policy}.items():
        answer.headers.setdefault(name, value)
    if request.endpoint == "static" and answer.status_code == 200:
        answer.headers["Cache-Control"] = STATIC_CACHE
    return answer


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    code = error.code or 500
    text = "There is nothing at this address." if code == 404 else "That is no request that is understood here."
    if request.path.startswith(MACHINES):
        return jsonify({"error": {"message": text, "type": "invalid_request_error"}}), code
    return views.trouble(text, code)
