"""How programs come in: the token, and the counter's door."""

from typing import Any

from kiosk.api.openapi.parts import ERROR, TEXT, answer, shape

_TYPED = shape(name=TEXT, pin=TEXT)

PATHS: dict[str, Any] = {
    "/api/token": {
        "get": {
            "summary": "What is sent along with everything that changes something; a new login needs a new one",
            "responses": {
                "200": answer("The header's name, and what it holds", shape(header=TEXT, token=TEXT)),
            },
        }
    },
    "/counter/enter": {
        "post": {
            "summary": "Logs in one of the hall's people by PIN, over HTTPS or on the box itself",
            "security": [{"token": []}],
            "requestBody": {
                "required": True,
                "content": {"application/x-www-form-urlencoded": {"schema": _TYPED}},
            },
            "responses": {
                "303": {
                    "description": "Let in: the login is a cookie, /api/token gives the new token",
                    "headers": {"Set-Cookie": {"schema": TEXT}, "Location": {"schema": TEXT}},
                },
                "200": answer("Not let in: a page for people says why", kind="text/html"),
                "403": answer("By plain HTTP from elsewhere, or without the token", ERROR),
                "429": answer("Too many tries; Retry-After says for how many seconds", ERROR),
            },
        }
    },
}
