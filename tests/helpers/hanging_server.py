"""A web service of the box whose pages hang when they are asked to: `python hanging_server.py DATA`.

Prints its port, and then serves. `/loop` has the service's loop stand still with the interpreter in its hand,
`/thread` never answers; with the word `fails` after DATA there is no application at all.
"""

import re
import sys
import threading
import time
from pathlib import Path
from typing import Any

from flask import Flask

from edge.runtime.paths import Paths
from edge.settings import Settings
from edge.store.database import Store
from kiosk.command import listen
from kiosk.serving import BoxServer, Tuning

TIMEOUT_S, GRACE_S = 2, 1


class HangingServer(BoxServer):
    worker: Any

    def make_app(self) -> Flask:
        if "fails" in sys.argv:
            raise RuntimeError("no application today")
        app = Flask(__name__)

        @app.get("/loop")
        def loop() -> str:
            self.worker.method_queue.defer(re.match, "(a+)+$", "a" * 64 + "b")
            return "soon"

        @app.get("/thread")
        def thread() -> str:
            print("in the thread", flush=True)
            while True:
                time.sleep(1)

        @app.get("/processes")
        def processes() -> str:
            children = Path(f"/proc/self/task/{threading.main_thread().native_id}/children")
            return children.read_text()

        return app

    def begin(self, worker: Any) -> Store:
        self.worker = worker
        return Store(self.paths.store)


if __name__ == "__main__":
    data = Path(sys.argv[1])
    listener = listen("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)
    tuning = Tuning(threads=4, timeout_s=TIMEOUT_S, grace_s=GRACE_S, keepalive_s=5)
    HangingServer(Paths(data, data / "run"), Settings(), [listener], None, tuning).run()
