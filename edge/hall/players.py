"""Players and guests: who they are, how they want to be seen, and what they may do.

A player who was erased stays as a row without a name, so that an opponent's matches keep two sides.
"""

import json
import re
import sqlite3
import unicodedata
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal, cast

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.facts import uuid7
from edge.hall.errors import HallError
from edge.hall.words import nowhere_word
from edge.store import changes
from edge.store.replicas import BY_TABLE

migrations = Migrations("players")

Role = Literal["player", "coach", "staff", "operator", "admin"]
Handedness = Literal["right", "left", "both"]
GAMES = ("8-ball", "9-ball", "10-ball", "straight pool")
NAME_CHARS = (2, 24)
STAFF: frozenset[Role] = frozenset({"staff", "operator", "admin"})


@migrations()
def players_1(db: Database) -> None:
    # Two of one name would not know who is meant at check-in; guests and the erased have no key.
    db.execute("""
        CREATE TABLE players (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            name_key TEXT UNIQUE,
            guest INTEGER NOT NULL CHECK (guest IN (0, 1)),
            created TEXT NOT NULL,
            erased TEXT,
            roles TEXT NOT NULL,
            email TEXT,
            handedness TEXT CHECK (handedness IN ('right', 'left', 'both')),
            games TEXT NOT NULL,
            cues TEXT NOT NULL,
            visible INTEGER NOT NULL CHECK (visible IN (0, 1)),
            notify TEXT NOT NULL,
            theme TEXT CHECK (theme IN ('dark', 'light')),
            CHECK (name_key IS NULL OR guest = 0)
        ) STRICT
    """)


@migrations()
def players_2(db: Database) -> None:
    """Whether somebody is a guest is asked of everybody in every match: a small index answers it."""
    db.execute("CREATE INDEX guests ON players (id) WHERE guest")


class PlayerError(HallError):
    """What was wanted of a player can't be."""


@dataclass(frozen=True, slots=True)
class Player:
    """Someone who plays. `visible` players may stand on boards; `notify` names what they want to be told of.

    `erased` is the stamp at which everything of theirs was deleted; such a player has no name any more.
    """

    id: str
    name: str
    guest: bool
    created: str
    roles: frozenset[Role] = frozenset({"player"})
    email: str | None = None
    handedness: Handedness | None = None
    games: tuple[str, ...] = ()
    cues: str = ""
    visible: bool = True
    notify: tuple[str, ...] = ()
    theme: Literal["dark", "light"] | None = None
    erased: str | None = None

    @property
    def staff(self) -> bool:
        """Whether this is somebody of the hall."""
        return bool(self.roles & STAFF)


def game_word(game: str) -> str:
    """A game as the audit holds it, where nothing has a space."""
    return game.replace(" ", "-")


def game_of_word(word: str | None) -> str | None:
    """The game that `game_word` made this of; None for none."""
    return next((game for game in GAMES if game_word(game) == word), None)


def clean_name(text: str) -> str:
    """A name as it is kept: one space between words. Raises PlayerError for what is no name to be shown."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not NAME_CHARS[0] <= len(name) <= NAME_CHARS[1]:
        raise PlayerError("name_length", least=NAME_CHARS[0], most=NAME_CHARS[1])
    if not all(_is_for_names(char) for char in name) or not any(char.isalpha() for char in name):
        raise PlayerError("name_characters")
    if nowhere_word(name) is not None or re.fullmatch(r"guest( \d+)?", name.casefold()):
        raise PlayerError("name_refused")
    return name


def free_name(conn: sqlite3.Connection, text: str) -> str:
    """`clean_name` of a name that nobody has. Raises PlayerError."""
    name = clean_name(text)
    _require_free(conn, name, "")
    return name


def name_key(name: str) -> str:
    """What two writings of one name have in common: case, accents' forms and spaces make no other name."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def sign_up(conn: sqlite3.Connection, name: str, now: str, roles: frozenset[Role] | None = None) -> Player:
    """A new player. Raises PlayerError when the name can't be, or is taken."""
    name = free_name(conn, name)
    player = Player(uuid7(), name, False, now, roles or frozenset({"player"}))
    _insert(conn, player)
    return player


def new_guest(conn: sqlite3.Connection, now: str, number: int = 1) -> Player:
    """Somebody who plays without signing up; `number` tells guests at one table apart."""
    player = Player(uuid7(), f"Guest {number}" if number > 1 else "Guest", True, now, visible=False)
    _insert(conn, player)
    return player


def name_guest(conn: sqlite3.Connection, guest: Player, name: str) -> Player:
    """A guest who signs up after all keeps every session. Raises PlayerError as `sign_up` does."""
    assert guest.guest
    name = clean_name(name)
    _require_free(conn, name, guest.id)
    player = replace(guest, name=name, guest=False, visible=True)
    _update(conn, player)
    return player


def save_player(conn: sqlite3.Connection, player: Player) -> None:
    """Keeps a player's settings. Raises PlayerError when a changed name can't be, or is taken."""
    if not player.guest:
        _require_free(conn, clean_name(player.name), player.id)
    before = get_player(conn, player.id)
    _update(conn, player)
    if before is not None and before.roles != player.roles:
        # Whom tables may check in without the hub depends on it.
        for table in ("pins", "cards"):
            changes.mention(conn, BY_TABLE[table], {"player_id": player.id})


def erase_player(conn: sqlite3.Connection, player_id: str, now: str) -> None:
    """Takes everything personal from the row. What else is theirs `edge.hall.erasure` deletes."""
    conn.execute(
        "UPDATE players SET name = '', name_key = NULL, erased = ?, roles = '[]', email = NULL, handedness = NULL,"
        " games = '[]', cues = '', visible = 0, notify = '[]', theme = NULL WHERE id = ?",
        [now, player_id],
    )


def get_player(conn: sqlite3.Connection, player_id: str) -> Player | None:
    """One player, erased ones too, or None."""
    row = conn.execute("SELECT * FROM players WHERE id = ?", [player_id]).fetchone()
    return None if row is None else _player(row)


def require_here(conn: sqlite3.Connection, player_id: str, otherwise: str) -> Player:
    """A player or guest who is still here. Raises PlayerError of the key `otherwise` for anybody else."""
    player = get_player(conn, player_id)
    if player is None or player.erased:
        raise PlayerError(otherwise)
    return player


def require_member(conn: sqlite3.Connection, player_id: str, otherwise: str) -> Player:
    """As `require_here`, for who has signed up."""
    player = require_here(conn, player_id, otherwise)
    if player.guest:
        raise PlayerError(otherwise)
    return player


def find_player(conn: sqlite3.Connection, name: str) -> Player | None:
    """The player who signed up under that name, however it is written, or None."""
    row = conn.execute("SELECT * FROM players WHERE name_key = ?", [name_key(name)]).fetchone()
    return None if row is None else _player(row)


def names_like(conn: sqlite3.Connection, begin: str, limit: int) -> list[Player]:
    """Players whose name begins so, in the order of the alphabet, and then those of whose names a later word does;
    none for an empty beginning."""
    key = name_key(begin)
    if not key:
        return []
    # A range instead of LIKE: it uses the index whatever the letters are.
    rows = conn.execute(
        "SELECT * FROM players WHERE name_key >= ? AND name_key < ? ORDER BY name_key LIMIT ?",
        [key, key + "\U0010ffff", limit],
    ).fetchall()
    if len(rows) < limit:
        known = {row["id"] for row in rows}
        later = conn.execute("SELECT * FROM players WHERE instr(name_key, ?) ORDER BY name_key", [f" {key}"])
        rows += islice((row for row in later if row["id"] not in known), limit - len(rows))
    return [_player(row) for row in rows]


def _is_for_names(char: str) -> bool:
    """Letters, marks on them and digits of any script, and what stands between parts of names."""
    return char in " .'’-&" or unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo", "Lm", "Mn", "Mc", "Nd")


def _require_free(conn: sqlite3.Connection, name: str, own_id: str) -> None:
    taken = conn.execute(
        "SELECT 1 FROM players WHERE name_key = ? AND id != ?", [name_key(name), own_id]
    ).fetchone()
    if taken is not None:
        raise PlayerError("name_taken", name=name)


def _insert(conn: sqlite3.Connection, player: Player) -> None:
    row = _row(player)
    marks = ", ".join("?" * len(row))
    conn.execute(f"INSERT INTO players ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def _update(conn: sqlite3.Connection, player: Player) -> None:
    row = _row(player)
    sets = ", ".join(f"{name} = ?" for name in row)
    conn.execute(f"UPDATE players SET {sets} WHERE id = ?", [*row.values(), player.id])


def _row(player: Player) -> dict[str, Any]:
    return {
        "id": player.id,
        "name": player.name,
        "name_key": None if player.guest or player.erased else name_key(player.name),
        "guest": int(player.guest),
        "created": player.created,
        "erased": player.erased,
        "roles": json.dumps(sorted(player.roles)),
        "email": player.email,
        "handedness": player.handedness,
        "games": json.dumps(player.games),
        "cues": player.cues,
        "visible": int(player.visible),
        "notify": json.dumps(player.notify),
        "theme": player.theme,
    }


def _player(row: sqlite3.Row) -> Player:
    return Player(
        id=row["id"],
        name=row["name"],
        guest=bool(row["guest"]),
        created=row["created"],
        roles=frozenset(cast(list[Role], json.loads(row["roles"]))),
        email=row["email"],
        handedness=row["handedness"],
        games=tuple(json.loads(row["games"])),
        cues=row["cues"],
        visible=bool(row["visible"]),
        notify=tuple(json.loads(row["notify"])),
        theme=row["theme"],
        erased=row["erased"],
    )
