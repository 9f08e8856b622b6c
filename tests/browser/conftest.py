"""What the browser's tests share: a fake box, the real kiosk serving it, and a browser that tells on the page."""

import shutil
import signal
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
from headless import headless_chromium, need_chromium
from ports import free_port
from waiting import wait_until


class Served:
    """A fake box and a real kiosk process in front of it.

    Its pages are asked for as at the table's screen, or at `counter`, an address of this machine, over HTTPS.
    """

    def __init__(self, data: Path, program: list[str], counter: str | None = None) -> None:
        self.box = FakeBox(data, seed=4)
        self._program = program
        self._learnt = {False: self.box.learnt, True: worn_table()}
        self.data = data
        self.port = free_port()
        self._plain = self.url = f"http://127.0.0.1:{self.port}"
        if counter is not None:
            secure = free_port()
            self.url = f"https://{counter}:{secure}"
            settings = f'[kiosk]\nhost = "0.0.0.0"\nsecure_port = {secure}\n'
            self.box.paths.settings.write_text(settings, encoding="utf-8")
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
        command = [*self._program, "kiosk", "--data", str(self.data), "--port", str(self.port)]
        self.process = subprocess.Popen(command)
        wait_until(self._answers, lambda: "the kiosk did not start")

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self._plain}/api/live", timeout=2).close()
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
def program() -> list[str]:
    """What a command of ladder's begins with; a module whose clock is turned has another."""
    return [shutil.which("ladder", path=str(Path(sys.executable).parent)) or "ladder"]


@pytest.fixture(scope="module")
def counter() -> str | None:
    """The address at which a module's pages are asked for as by the counter's computer; None for the screen."""
    return None


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, program: list[str], counter: str | None) -> Iterator[Served]:
    need_chromium()
    served = Served(tmp_path_factory.mktemp("box"), program, counter)
    served.start()
    yield served
    served.close()


@pytest.fixture(scope="module")
def browser(served: Served) -> Iterator[Any]:
    with headless_chromium() as made:
        yield made


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
    # The box's certificate is its own; staff compare its fingerprint once, and then trust it.
    context = browser.new_context(viewport={"width": 1280, "height": 800}, ignore_https_errors=True)
    page = context.new_page()
    page.told = Told(page)
    page.allow_errors = False
    yield page
    context.close()
    assert all(a.startswith((served.url, "data:")) for a in page.told.addresses), page.told.addresses
    assert page.allow_errors or page.told.errors == []
