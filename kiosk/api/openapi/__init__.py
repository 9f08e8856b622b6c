"""The API's description, true to `kiosk.api`; a test compares the two. Each subject describes its own paths."""

from typing import Any

from kiosk.api.openapi import boards, hall, players, table, training
from kiosk.api.openapi.parts import SCHEMAS


def describe(version: str) -> dict[str, Any]:
    """The OpenAPI document of this version of the program."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Action Ladder", "version": version},
        "paths": {**table.PATHS, **players.PATHS, **boards.PATHS, **training.PATHS, **hall.PATHS},
        "components": {"schemas": SCHEMAS},
    }
