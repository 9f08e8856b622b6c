"""The whole box with its simulated table, in a browser: a guest practises and every shot counts."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ports import free_port

PATIENCE_MS = 180_000  # a busy machine draws and follows its table slowly


@pytest.fixture
def whole_box(tmp_path: Path) -> Iterator[str]:
    """`ladder run` on a free port; the address of its kiosk."""
    port = free_port()
    program = shutil.which("ladder", path=str(Path(sys.executable).parent)) or "ladder"
    process = subprocess.Popen(
        [program, "run", "--data", str(tmp_path), "--port", str(port)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any("Kiosk: " in line for line in lines), "the box did not start"
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


@pytest.mark.slow
def test_practice_on_the_simulated_table(whole_box: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(whole_box)
    page.locator("button", has_text="Play as guest").click()
    page.wait_for_url("**/start")
    page.locator("a[href='/start/practice']").click()
    page.locator("button[value='minutes:15']").click()
    page.wait_for_selector(".score.practice")
    page.wait_for_function("() => document.querySelectorAll('.card .flag.by').length >= 2", timeout=PATIENCE_MS)
    page.locator("button.end").click()
    page.wait_for_url("**/session/**")
    assert int(page.locator(".attempts dd").inner_text()) >= 0
    assert page.locator(".minutes dd").inner_text() != "0"
    page.close()
