"""`ladder cloud` as a process of its own, and a hub that speaks to it over real HTTP."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime

from ports import free_port
from telling_hub import TellingHub
from waiting import wait_until

from edge.clock import stamp
from sync import protocol
from sync.protocol import Answer, read_answer


class CloudProcess:
    """A cloud on a database, started, killed and started again."""

    def __init__(self, database: str) -> None:
        self._database = database
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("ladder", path=str(os.path.dirname(sys.executable))) or "ladder"
        self._process = subprocess.Popen(
            [program, "cloud", "--db", self._database, "--port", str(self.port)],
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, lambda: "the cloud did not start")

    def kill(self) -> None:
        """As a power cut does: all of it at once, and nobody is told."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=20)
            self._process = None

    def stop(self) -> int:
        """Asks it to stop; returns its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(timeout=30)
        self._process = None
        return status

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the cloud has ended"
        try:
            urllib.request.urlopen(f"{self.url}/healthz", timeout=2).close()
        except (OSError, urllib.error.URLError):
            return False
        return True


class Line:
    """A hub's connection. Every call raises OSError or http.client.HTTPException where the cloud is gone."""

    def __init__(self, hub: TellingHub, port: int) -> None:
        self._hub = hub
        self._connection = http.client.HTTPConnection("localhost", port, timeout=20)

    def tell(self, batch: bytes) -> Answer:
        assert self._hub.signer is not None
        headers = self._hub.signer.sign("POST", "/v1/facts", batch, stamp(datetime.now(UTC)))
        self._connection.request("POST", "/v1/facts", batch, headers | {"Content-Type": protocol.BATCH_TYPE})
        with self._connection.getresponse() as answer:
            body = answer.read()
            assert answer.status == 200, body
        return read_answer(json.loads(body))

    def close(self) -> None:
        self._connection.close()
