"""What may be answered in a hub's place: refusals, what is no hub's, and what was cut off."""

import gzip
import json
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Request, Response

Answering = Callable[[Request], Response | None]


class Door:
    """What stands before the hub's application: `answers` may answer in its place, each request once."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.answers: list[Answering] = []
        self.asked: list[tuple[str, int]] = []

    def __call__(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        self.asked.append((request.path, request.content_length or 0))
        while self.answers:
            answer = self.answers.pop(0)(request)
            if answer is not None:
                return answer(environ, start)
        return self._app(environ, start)


def problem(status: int, **headers: str) -> Answering:
    body = {"type": f"urn:action-ladder:of-{status}", "title": "No", "status": status, "detail": "not now"}

    def answer(_: Request) -> Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(json.dumps(body), status, names, content_type="application/problem+json")

    return answer


def html(_: Request) -> Response:
    return Response("<h1>Welcome to this router</h1>", 200, content_type="text/html")


def moved(_: Request) -> Response:
    return Response("", 302, {"Location": "https://example.com/"})


def nothing_of_ours(_: Request) -> Response:
    return Response('{"detail": 7}', 418, content_type="application/json")


def empty(_: Request) -> Response:
    return Response(b"", 200, content_type="application/gzip")


def half(_: Request) -> Response:
    whole = gzip.compress(b'{"feed":"x","upto":9,"more":false}\n["players",["p"],null]\n{"end":true}\n')
    return Response(whole[: len(whole) // 2], 200, content_type="application/gzip")


def without_an_end(_: Request) -> Response:
    text = b'{"feed":"x","upto":9,"more":false}\n["players",["p"],null]\n'
    return Response(gzip.compress(text), 200, content_type="application/gzip")
