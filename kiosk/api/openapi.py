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
        **_of_a_player(),
        **_boards(),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Action Ladder", "version": version},
        "paths": {**{path: {"get": operation} for path, operation in get.items()}, **_sessions()},
    }


def _sessions() -> dict[str, Any]:
    who = {"401": _answer("Nobody is logged in"), "403": _answer("Somebody else's")}
    session_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    start = {
        "summary": "Starts a practice at the table; needs the header X-CSRF-Token of a page",
        "requestBody": {
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "kind": {"const": "practice"},
                            "goal": {"type": "string", "description": "makes:25, minutes:30, run:5 or drill:KEY"},
                        },
                        "required": ["kind"],
                    }
                }
            }
        },
        "responses": {"201": _answer("The session's id"), "400": _answer("A goal there is none of"), **who},
    }
    one = {
        "summary": "A session as it stands: its figures, goal and match",
        "parameters": [session_id],
        "responses": {"200": _answer("The session"), "404": _answer("There is no such session"), **who},
    }
    shots = {
        "summary": "A session's shots, newest first",
        "parameters": [
            session_id,
            _query("result", "string", "make, miss or unknown"),
            _query("kind", "string", "break, straight, cut, bank, kick, combination, carom or safety"),
            _query("limit", "integer", "1 to 200; 50 unless told"),
        ],
        "responses": {"200": _answer("shots"), "404": _answer("There is no such session"), **who},
    }
    return {
        "/api/sessions": {"post": start},
        "/api/sessions/{id}": {"get": one},
        "/api/sessions/{id}/shots": {"get": shots},
    }


def _of_a_player() -> dict[str, Any]:
    refused = {"401": _answer("Nobody is logged in"), "403": _answer("A guest, who has none")}
    span = _query("range", "string", "day, week (from Monday on), month or lifetime, by the hall's days")
    bad_span = {"400": _answer("A range there is none of")}
    return {
        "/api/me/metrics": {
            "summary": "A player's own figures of a span, and of its days, months or years; null is not known",
            "parameters": [span],
            "responses": {"200": _answer("The figures and parts; month unless told"), **bad_span, **refused},
        },
        "/api/me/heatmap/misses": {
            "summary": "Where the balls lay that a player shot at, as a grid over the table",
            "parameters": [span],
            "responses": {
                "200": _answer(
                    "misses and makes: rows across the table from the right rail on, each along it from the head"
                    " on; lifetime unless told"
                ),
                **bad_span,
                **refused,
            },
        },
        "/api/my-stats": {
            "summary": "A player's own place, group, ratings, wins, streaks and badges",
            "responses": {"200": _answer("own and alltime are null without points"), **refused},
        },
    }


def _boards() -> dict[str, Any]:
    top = _answer("top, of ten at most, and own: the place of who is logged in, null without points")
    return {
        "/api/leaderboard/monthly": {"summary": "The top ten of this month", "responses": {"200": top}},
        "/api/leaderboard/monthly/{id}": {
            "summary": "The top ten of a month",
            "parameters": [
                {
                    "name": "id",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string"},
                    "description": "A month, as 2025-10",
                }
            ],
            "responses": {"200": top, "404": _answer("No month is written like that")},
        },
        "/api/leaderboard/alltime": {
            "summary": "The Hall of Fame: the top ten of all time with best month and the month of joining",
            "responses": {"200": top},
        },
    }
