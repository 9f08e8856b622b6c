"""What the browser's tests share: a fake box, the real kiosk serving it, and a browser that tells on the page."""

import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_box import FakeBox, worn_table
from waiting import wait_until

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Served:
    """A fake box and a real kiosk process in front of it."""

    def __init__(self, data: Path) -> None:
        self.box = FakeBox(data, seed=4)
        self._learnt = {False: self.box.learnt, True: worn_table()}
        self.data = data
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._frames: list[Any] = []
        self._thread = threading.Thread(target=self._perform, daemon=True)
        self._thread.start()

    def _perform(self) -> None:
        """Writes live states all the time: the frames of a shot while there are some, the resting table else."""
        while not self._stop.wait(1 / 20):
            with self._lock:
                frame = self._frames.pop(0) if self._frames else None
                self.box.write_live(frame, phase="shot" if frame else "still")

    def learn(self, worn: bool) -> None:
        """From now on the table is a worn one, or one that nothing is known of."""
        with self._lock:
            self.box.learnt = self._learnt[worn]

    def play(self) -> Any:
        """Begins a shot on the live table; returns it, not stored."""
        with self._lock:
            played, shot = self.box.shoot()
            self._frames = played.frames
        return shot

    def start(self) -> None:
        program = shutil.which("ladder", path=str(Path(sys.executable).parent)) or "ladder"
        self.process = subprocess.Popen([program, "kiosk", "--data", str(self.data), "--port", str(self.port)])
        wait_until(self._answers, lambda: "the kiosk did not start")

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/api/live", timeout=2).close()
        except (OSError, urllib.error.URLError):
            return False
        return True

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)
            self.process = None

    def close(self) -> None:
        self.stop()
        self._stop.set()
        self._thread.join()
        self.box.close()
        shutil.rmtree(self.box.paths.run, ignore_errors=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there: apt install chromium")
    served = Served(tmp_path_factory.mktemp("box"))
    served.start()
    yield served
    served.close()


@pytest.fixture(scope="module")
def browser(served: Served) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


class Told:
    """What a page complained of and asked for."""

    def __init__(self, page: Any) -> None:
        self.errors: list[str] = []
        self.addresses: list[str] = []
        page.on("console", lambda m: self._complain(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._complain(str(error)))
        page.on("request", lambda request: self.addresses.append(request.url))

    def _complain(self, text: str) -> None:
        # A fade between two pages that the next page cuts short: Chromium's own word, and no page's fault.
        if "Transition was" not in text:
            self.errors.append(text)


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Any]:
    """A page that must neither complain nor ask anyone but the kiosk; `allow_errors` on it lifts the first."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.told = Told(page)
    page.allow_errors = False
    yield page
    context.close()
    assert all(a.startswith((served.url, "data:")) for a in page.told.addresses), page.told.addresses
    assert page.allow_errors or page.told.errors == []
