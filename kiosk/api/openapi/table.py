"""The box and its table: health, figures, the live state and the shots."""

from typing import Any

from kiosk.api.openapi.parts import answer, query, within

_GET: dict[str, Any] = {
    "/healthz": {
        "summary": "Whether the box is well",
        "responses": {"200": answer("All is well"), "503": answer("What is wrong, as reasons")},
    },
    "/metrics": {
        "summary": "Figures for Prometheus",
        "responses": {"200": answer("Prometheus text format", kind="text/plain")},
    },
    "/api/openapi.json": {"summary": "This document", "responses": {"200": answer("OpenAPI 3.1")}},
    "/api/live": {
        "summary": "The table as vision sees it now, its condition and how well it is seen",
        "responses": {"200": answer("status, age_s and the state, null before there is one")},
    },
    "/api/shots": {
        "summary": "The latest shots, newest first",
        "parameters": [
            query("limit", "integer", "1 to 200; 50 unless told"),
            query("before", "string", "A shot's id: only those older than it"),
        ],
        "responses": {"200": answer("shots, and next for the page after"), "400": answer("A bad limit")},
    },
    "/api/shots/{id}": {
        "summary": "One shot, as in shots.json",
        "parameters": [within("id")],
        "responses": {"200": answer("The shot"), "404": answer("No shot has this id")},
    },
    "/live.jpg": {
        "summary": "The camera's latest picture",
        "responses": {
            "200": answer("JPEG", kind="image/jpeg"),
            "404": answer("There is none now", kind="text/html"),
        },
    },
}

PATHS: dict[str, Any] = {path: {"get": operation} for path, operation in _GET.items()}
