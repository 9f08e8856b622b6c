"""What can go wrong with the store, in words for a person."""

import sqlite3


class StoreError(Exception):
    """The store can't be used right now; the text says what happened and what to do."""


class StoreBusyError(StoreError):
    """Another process holds the store; the same again may succeed."""


class StoreFullError(StoreError):
    """The disk has no room; the same again succeeds once there is some."""


class StoreDamagedError(StoreError):
    """The file is no store, or a broken one."""


class SchemaError(StoreError):
    """The store is not of this version of the program."""


_FULL = "no room left for the store {path}: free some space on its disk"

# SQLite's result codes, a few of the extended ones before their primary ones, and what they mean for a person.
_MEANING: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_BUSY: (StoreBusyError, "the store {path} is held by another process: try again"),
    sqlite3.SQLITE_LOCKED: (StoreBusyError, "the store {path} is held by this process: try again"),
    sqlite3.SQLITE_FULL: (StoreFullError, _FULL),
    sqlite3.SQLITE_IOERR_SHMSIZE: (StoreFullError, _FULL),  # not even for what connections share
    sqlite3.SQLITE_READONLY: (
        StoreError,
        "the store {path} can't be written: check who owns it and its directory",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StoreError,
        "the store {path} can't be opened: check that it is there; ladder migrate makes it",
    ),
    sqlite3.SQLITE_IOERR: (
        StoreError,
        "the disk under the store {path} fails ({error}): check cable, card and file system",
    ),
} | dict.fromkeys(
    (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT),
    (
        StoreDamagedError,
        "the store {path} is damaged ({error}): stop the box and run ladder migrate, which mends it",
    ),
)


def explain(error: sqlite3.Error, path: object) -> StoreError | None:
    """What an error of SQLite means for a person, or None when it is the program's own mistake."""
    code = getattr(error, "sqlite_errorcode", None)
    meaning = None if code is None else _MEANING.get(code) or _MEANING.get(code & 0xFF)
    if meaning is None:
        return None
    kind, sentence = meaning
    return kind(sentence.format(path=path, error=error))
