"""How a hall's boards name its players, as its hub says now.

Names are no facts: the hub tells all it wants shown, and that replaces what was here, so whoever is erased or
wants to be seen no more is gone with the next.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from edge.facts import is_uuid
from sync.cloud.db import Conn
from sync.cloud.steps import Steps
from sync.protocol import ProblemError

MOST_NAMES = 20_000
MOST_CHARS = 80

steps = Steps(
    "names",
    (
        (
            """
            CREATE TABLE player_names (
                hall_id TEXT NOT NULL REFERENCES halls (id),
                player_id TEXT NOT NULL,
                name TEXT NOT NULL,
                PRIMARY KEY (hall_id, player_id)
            ) {strict}
            """,
        ),
    ),
)


def read_names(said: Mapping[str, Any]) -> dict[str, str]:
    """Names by player. Raises ProblemError."""
    found = said.get("names")
    if not isinstance(found, dict) or len(found) > MOST_NAMES:
        raise ProblemError(400, "malformed", "That is no list of names.")
    for player, name in found.items():
        if not is_uuid(player) or not isinstance(name, str) or not 0 < len(name) <= MOST_CHARS:
            raise ProblemError(400, "malformed", "That is no list of names.")
        if not name.isprintable():
            raise ProblemError(400, "malformed", "A name has characters that can't be shown.")
    return found


def read_merged(said: Mapping[str, Any]) -> dict[str, str]:
    """Whose account became whose; a hub of an earlier version says nothing of it. Raises ProblemError."""
    found = said.get("merged", {})
    if not isinstance(found, dict) or len(found) > MOST_NAMES:
        raise ProblemError(400, "malformed", "That is no list of accounts that became another's.")
    if not all(is_uuid(one) and isinstance(other, str) and is_uuid(other) for one, other in found.items()):
        raise ProblemError(400, "malformed", "That is no list of accounts that became another's.")
    return found


def replace(conn: Conn, hall_id: str, names: Mapping[str, str]) -> None:
    """From now on these are the names of a hall's players, and no others."""
    conn.run("DELETE FROM player_names WHERE hall_id = ?", [hall_id])
    if names:
        rows = [(hall_id, player, name) for player, name in sorted(names.items())]
        conn.insert_all("player_names", ("hall_id", "player_id", "name"), rows)


def names_of(conn: Conn, hall_id: str, players: Sequence[str]) -> dict[str, str]:
    """The names of these players of a hall that are told."""
    if not players:
        return {}
    among, params = conn.among("player_id", list(players))
    rows = conn.rows(f"SELECT player_id, name FROM player_names WHERE hall_id = ? AND {among}", [hall_id, *params])
    return {row["player_id"]: row["name"] for row in rows}


def names_in_halls(conn: Conn, players: Sequence[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """The names of these players, each with a hall, that are told: by hall, then by player."""
    if not players:
        return {}
    in_halls, hall_ids = conn.among("hall_id", list({hall_id for hall_id, _ in players}))
    among, ids = conn.among("player_id", list({player for _, player in players}))
    found: dict[str, dict[str, str]] = {}
    for row in conn.rows(
        f"SELECT hall_id, player_id, name FROM player_names WHERE {in_halls} AND {among}", [*hall_ids, *ids]
    ):
        found.setdefault(row["hall_id"], {})[row["player_id"]] = row["name"]
    return found
