"""The API's description, true to `kiosk.api`; a test compares the two. Each subject describes its own paths."""

from typing import Any

from kiosk.api.openapi import boards, hall, login, players, table, training
from kiosk.api.openapi.parts import OTHERWISE, SCHEMAS, SECURITY

_ABOUT = """\
Programs of the hall's people log in as those do: GET /api/token, POST /counter/enter with name and PIN (by HTTPS,
or on the box itself), GET /api/token again, and keep the cookies. What changes something takes the token in the
header X-CSRF-Token. A login ends when it is not used for a while; then 401 comes, and one logs in again."""


def describe(version: str) -> dict[str, Any]:
    """The OpenAPI document of this version of the program."""
    subjects = (login, table, players, boards, training, hall)
    paths = {path: _with_refusals(told) for subject in subjects for path, told in subject.PATHS.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Action Ladder", "version": version, "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": SECURITY},
    }


def _with_refusals(told: dict[str, Any]) -> dict[str, Any]:
    return {
        method: {**operation, "responses": {**operation["responses"], **OTHERWISE}}
        for method, operation in told.items()
    }
