"""A process that stores shots as vision does, and writes down which are promised: those that are stored.

python tests/helpers/shot_writing.py DATA LABEL PROMISED PLAYER [--only-what-is-left]
"""

import os
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from evening import SOURCE, ZONE, a_shot

from edge.bookkeeper import Bookkeeper
from edge.clock import stamp
from edge.hall.occasion import occasion
from edge.hall.players import get_player
from edge.hall.sitting import at_table, start_practice
from edge.runtime.paths import Paths
from edge.runtime.shot_writer import SeenShot, ShotWriter
from edge.store.database import Store
from edge.store.errors import StoreError

EVERY_S = 0.05


def sit_down(store: Store, label: str, player_id: str) -> bool:
    """Begins a practice where nobody sits, as soon as the player is known here."""
    try:
        with store.write() as conn:
            if get_player(conn, player_id) is None:
                return False
            if not at_table(conn, label).taken:
                start_practice(conn, player_id, occasion(ZONE, label))
    except StoreError:
        return False
    return True


def main() -> None:
    data, label, promised, player_id = sys.argv[1:5]
    paths = Paths(Path(data), Path(promised).with_suffix(".run"))
    paths.run.mkdir(exist_ok=True)
    store = Store(paths.store)
    writer = ShotWriter(store, paths.spools, paths.rejected_shots, bookkeeper=Bookkeeper(store))
    writer.start()
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        ending = True

    signal.signal(signal.SIGTERM, end)
    started = datetime.now(UTC)
    source = replace(SOURCE, id=f"{label}@{stamp(started)}", started_at=stamp(started), table_label=label)
    seated, number = False, 0
    with Path(promised).open("a") as file:
        while not ending and "--only-what-is-left" not in sys.argv:
            seated = seated or sit_down(store, label, player_id)
            number += 1
            shot_id = f"{source.id}/{number:05}"
            balls = ["1"] if number % 3 else []
            before = writer.stored
            writer.add(SeenShot(source, a_shot(shot_id, balls), datetime.now(UTC), "american"))
            while writer.stored == before and not ending:
                time.sleep(0.005)
            if writer.stored > before:
                file.write(f"{shot_id}\n")
                file.flush()
                os.fsync(file.fileno())
            time.sleep(EVERY_S)
    writer.stop(timeout_s=60)
    store.close()


if __name__ == "__main__":
    main()
