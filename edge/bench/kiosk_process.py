"""A kiosk process of this program, for benchmarks that ask it for pages."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator

from edge.runtime.paths import Paths
from edge.runtime.supervisor import Service, answers, ladder_child

KIOSK_STARTS_S = 30.0


@contextlib.contextmanager
def kiosk_process(paths: Paths) -> Iterator[str]:
    """The address of a kiosk that serves the box at `paths` on a free port.

    Raises RuntimeError when it does not start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = ladder_child(Service("kiosk", ("kiosk", "--data", str(paths.data), "--port", str(port))))
    process = subprocess.Popen(command, env={**os.environ, "LADDER_RUN": str(paths.run)})
    try:
        give_up_s = time.monotonic() + KIOSK_STARTS_S
        while not answers("127.0.0.1", port):
            if time.monotonic() > give_up_s or process.poll() is not None:
                raise RuntimeError("the kiosk did not start: run ladder kiosk by itself to see why")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
