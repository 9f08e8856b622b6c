"""The API's description, true to `kiosk.api.routes`; a test compares the two."""

from typing import Any


def _answer(description: str, kind: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {kind: {}}}


def _query(name: str, kind: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": kind}, "description": description}


def describe(version: str) -> dict[str, Any]:
    """The OpenAPI document of this version of the program."""
    get: dict[str, Any] = {
        "/healthz": {
            "summary": "Whether the box is well",
            "responses": {"200": _answer("All is well"), "503": _answer("What is wrong, as reasons")},
        },
        "/metrics": {
            "summary": "Figures for Prometheus",
            "responses": {"200": _answer("Prometheus text format", "text/plain")},
        },
        "/api/openapi.json": {"summary": "This document", "responses": {"200": _answer("OpenAPI 3.1")}},
        "/api/live": {
            "summary": "The table as vision sees it now, its condition and how well it is seen",
            "responses": {"200": _answer("status, age_s and the state, null before there is one")},
        },
        "/api/shots": {
            "summary": "The latest shots, newest first",
            "parameters": [
                _query("limit", "integer", "1 to 200; 50 unless told"),
                _query("before", "string", "A shot's id: only those older than it"),
            ],
            "responses": {"200": _answer("shots, and next for the page after"), "400": _answer("A bad limit")},
        },
        "/api/shots/{id}": {
            "summary": "One shot, as in shots.json",
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "responses": {"200": _answer("The shot"), "404": _answer("No shot has this id")},
        },
        "/live.jpg": {
            "summary": "The camera's latest picture",
            "responses": {"200": _answer("JPEG", "image/jpeg"), "404": _answer("There is none now", "text/html")},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Action Ladder", "version": version},
        "paths": {path: {"get": operation} for path, operation in get.items()},
    }
