"""Whether every stored shot was entered where it counts. Its repair enters again what was put aside."""

import sqlite3
from contextlib import closing

from edge import bookkeeper
from edge.health.check import SELDOM_S, Check, Finding, Scene
from edge.health.store import readable, repair_command
from edge.store.database import Store, translated
from edge.store.errors import StoreError
from edge.store.migrations import require_current

MANY = 50  # a few wait for a moment, always


def look(scene: Scene) -> Finding:
    found = readable(scene)
    if isinstance(found, Finding):
        return found
    try:
        with closing(found) as conn, translated(scene.paths.store):
            waiting, failed = bookkeeper.waiting(conn)
            reason = conn.execute("SELECT reason FROM not_booked ORDER BY seq DESC LIMIT 1").fetchone()
    except (StoreError, sqlite3.Error) as error:
        return Finding("unknown", f"The store can't be asked: {error}.")
    if failed:
        text = f"Stored shots that could not be entered: {failed}, the last for {str(reason[0])[:120]}."
        return Finding("warn", text, "Enter them again; if it fails again, report it.", repair_command(scene))
    if waiting > MANY:
        text = f"{waiting} stored shots wait to be entered where they count."
        return Finding("warn", text, "The kiosk enters them; if there are ever more, see its log.")
    return Finding("ok", "Every stored shot is entered where it counts.")


def mend(scene: Scene) -> str | None:
    """Enters again what was put aside: what an entry changes is made anew, so twice does no harm."""
    require_current(scene.paths.store)
    with Store(scene.paths.store) as store:
        with store.write() as conn:
            again = conn.execute("INSERT INTO to_book (shot_id) SELECT shot_id FROM not_booked").rowcount
            conn.execute("DELETE FROM not_booked")
        bookkeeper.Bookkeeper(store).book()
        with store.read() as conn:
            _, failed = bookkeeper.waiting(conn)
    return f"{again - failed} of {again} shots are entered now." if again else None


CHECK = Check("books", look, mend, SELDOM_S)
