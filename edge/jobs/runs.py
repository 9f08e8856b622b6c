"""What was done by which job, once for each span of time, and which jobs do not get done."""

import sqlite3
from dataclasses import dataclass

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("jobs")


@migrations()
def jobs_1(db: Database) -> None:
    db.execute("""
        CREATE TABLE job_runs (
            job TEXT NOT NULL,
            period TEXT NOT NULL,
            done_at TEXT NOT NULL,
            said TEXT NOT NULL,
            PRIMARY KEY (job, period)
        ) STRICT
    """)
    # `running`: it was begun and is not at its end; a program that ended meanwhile leaves it so.
    db.execute("""
        CREATE TABLE job_troubles (
            job TEXT PRIMARY KEY,
            period TEXT NOT NULL,
            failures INTEGER NOT NULL,
            running INTEGER NOT NULL CHECK (running IN (0, 1)),
            at TEXT NOT NULL,
            error TEXT NOT NULL
        ) STRICT
    """)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A job that does not get done: its last error, and how often in a row it failed."""

    job: str
    period: str
    failures: int
    running: bool
    at: str
    error: str


def is_done(conn: sqlite3.Connection, job: str, period: str) -> bool:
    return (
        conn.execute("SELECT 1 FROM job_runs WHERE job = ? AND period = ?", [job, period]).fetchone() is not None
    )


def note_begun(conn: sqlite3.Connection, job: str, period: str, now: str) -> None:
    """The work begins; until the end is noted it counts as a failure."""
    conn.execute(
        "INSERT INTO job_troubles (job, period, failures, running, at, error)"
        " VALUES (?, ?, 1, 1, ?, 'it did not come to its end')"
        " ON CONFLICT (job) DO UPDATE SET period = excluded.period, failures = failures + 1, running = 1,"
        " at = excluded.at, error = excluded.error",
        [job, period, now],
    )


def note_done(conn: sqlite3.Connection, job: str, period: str, now: str, said: str) -> None:
    """The work of that span is done, once and for all."""
    conn.execute(
        "INSERT INTO job_runs (job, period, done_at, said) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [job, period, now, said],
    )
    conn.execute("DELETE FROM job_troubles WHERE job = ?", [job])


def note_failed(conn: sqlite3.Connection, job: str, now: str, error: str) -> None:
    conn.execute("UPDATE job_troubles SET running = 0, at = ?, error = ? WHERE job = ?", [now, error, job])


def note_broken_off(conn: sqlite3.Connection, job: str) -> None:
    """The program was told to stop, which is no failure of the job's."""
    conn.execute("UPDATE job_troubles SET running = 0, failures = failures - 1 WHERE job = ?", [job])
    conn.execute("DELETE FROM job_troubles WHERE job = ? AND failures <= 0", [job])


def troubles(conn: sqlite3.Connection) -> list[Trouble]:
    """The jobs that failed and were not done since, and one that runs."""
    return [
        Trouble(row["job"], row["period"], row["failures"], bool(row["running"]), row["at"], row["error"])
        for row in conn.execute("SELECT * FROM job_troubles ORDER BY job")
    ]


def last_runs(conn: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """When each job was last done, and what it said, in the order of doing."""
    rows = conn.execute("SELECT job, done_at, said FROM job_runs ORDER BY rowid")
    return {row["job"]: (row["done_at"], row["said"]) for row in rows}


def forget_runs(conn: sqlite3.Connection, keep: int = 400) -> int:
    """Deletes the oldest runs of each job beyond so many; returns how many."""
    return conn.execute(
        "DELETE FROM job_runs WHERE rowid IN (SELECT rowid FROM (SELECT rowid, row_number() OVER"
        " (PARTITION BY job ORDER BY rowid DESC) AS place FROM job_runs) WHERE place > ?)",
        [keep],
    ).rowcount
