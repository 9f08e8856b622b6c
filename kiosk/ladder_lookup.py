"""Ladders and their challenges that an address names; where there is none of that id, the answer is 404."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from flask import abort

from edge.hall import ladders
from edge.hall.ladders import Challenge, Ladder, LadderError


def get_ladder(conn: sqlite3.Connection, ladder_id: str) -> Ladder:
    with _or_not_found():
        return ladders.get_ladder(conn, ladder_id)


def get_challenge(conn: sqlite3.Connection, challenge_id: str) -> Challenge:
    with _or_not_found():
        return ladders.get_challenge(conn, challenge_id)


@contextmanager
def _or_not_found() -> Iterator[None]:
    try:
        yield
    except LadderError:
        abort(404)
