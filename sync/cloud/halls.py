"""The halls of which the cloud is told."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge.facts import is_uuid, uuid7
from sync.cloud.db import Conn, Row
from sync.cloud.steps import Steps

MOST_CHARS = 80

steps = Steps(
    "halls",
    (
        (
            """
            CREATE TABLE halls (
                id TEXT PRIMARY KEY,
                name TEXT NOT NULL,
                name_key TEXT NOT NULL UNIQUE,
                zone TEXT NOT NULL DEFAULT 'UTC',
                made_at TEXT NOT NULL
            ) {strict}
            """,
        ),
    ),
)


class HallError(Exception):
    """What was wanted of a hall can't be; the text says why."""


@dataclass(frozen=True, slots=True)
class Hall:
    """A hall. `zone` is where its days begin, as its hub has told."""

    id: str
    name: str
    zone: str = "UTC"

    @property
    def zone_info(self) -> ZoneInfo:
        return zone_of(self.zone) or ZoneInfo("UTC")


def clean_name(text: str) -> str:
    """A name as it is kept. Raises HallError."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 0 < len(name) <= MOST_CHARS or not name.isprintable():
        raise HallError(f"a hall's name has 1 to {MOST_CHARS} characters")
    return name


def find_or_make(conn: Conn, name: str, now: str) -> tuple[Hall, bool]:
    """The hall of that name, and whether it is new. Raises HallError."""
    name = clean_name(name)
    made = conn.run(
        "INSERT INTO halls (id, name, name_key, made_at) VALUES (?, ?, ?, ?) ON CONFLICT (name_key) DO NOTHING",
        [uuid7(), name, _key(name), now],
    )
    hall = find(conn, name)
    assert hall is not None
    return hall, bool(made)


def find(conn: Conn, name: str) -> Hall | None:
    """The hall of that name, however it is spelt in capitals."""
    row = conn.row("SELECT id, name, zone FROM halls WHERE name_key = ?", [_key(clean_name(name))])
    return None if row is None else _hall(row)


def get(conn: Conn, hall_id: str) -> Hall:
    """The hall of that id, which is there."""
    hall = find_id(conn, hall_id)
    assert hall is not None
    return hall


def find_id(conn: Conn, hall_id: str) -> Hall | None:
    """The hall of an id that somebody asks for."""
    if not is_uuid(hall_id):
        return None
    row = conn.row("SELECT id, name, zone FROM halls WHERE id = ?", [hall_id])
    return None if row is None else _hall(row)


def rename(conn: Conn, name: str, to: str) -> Hall:
    """Gives a hall another name; all it has told stays its own. Raises HallError."""
    hall, wanted = find(conn, name), clean_name(to)
    if hall is None:
        raise HallError(f"there is no hall {clean_name(name)}: ladder cloud halls lists them")
    other = find(conn, wanted)
    if other is not None and other.id != hall.id:
        raise HallError(f"there is a hall {other.name} already")
    conn.run("UPDATE halls SET name = ?, name_key = ? WHERE id = ?", [wanted, _key(wanted), hall.id])
    return Hall(hall.id, wanted, hall.zone)


def keep_zone(conn: Conn, hall_id: str, zone: str) -> None:
    conn.run("UPDATE halls SET zone = ? WHERE id = ? AND zone != ?", [zone, hall_id, zone])


def zone_of(name: str) -> ZoneInfo | None:
    """The zone of an IANA name, or None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def halls(conn: Conn, limit: int = 10_000, offset: int = 0) -> list[Hall]:
    """The halls by name."""
    rows = conn.rows("SELECT id, name, zone FROM halls ORDER BY name_key LIMIT ? OFFSET ?", [limit, offset])
    return [_hall(row) for row in rows]


def after(conn: Conn, hall_id: str, limit: int) -> list[Hall]:
    """The halls whose ids come after that one, in the order of their ids."""
    rows = conn.rows("SELECT id, name, zone FROM halls WHERE id > ? ORDER BY id LIMIT ?", [hall_id, limit])
    return [_hall(row) for row in rows]


def some(conn: Conn, hall_ids: Sequence[str]) -> list[Hall]:
    """These halls by name, those that are there."""
    if not hall_ids:
        return []
    among, params = conn.among("id", list(hall_ids))
    rows = conn.rows(f"SELECT id, name, zone FROM halls WHERE {among} ORDER BY name_key", params)
    return [_hall(row) for row in rows]


def _hall(row: Row) -> Hall:
    return Hall(row["id"], row["name"], row["zone"])


def _key(name: str) -> str:
    return name.casefold()
