"""The documentation: its links resolve, it knows every command and no other, and it names no one's machine."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# A command is shown in backticks or at a line's beginning, with or without a prompt.
SHOWN = re.compile(r"(?:`|^\s*(?:\$ )?(?:\.venv/bin/)?)ladder ([a-z]+)\b", re.MULTILINE)
# Put together here, so that this file does not hold what it looks for.
MACHINE = re.compile("|".join(rf"(?<![\w.]){'/'}{name}/" for name in ("work", "root", "tmp", "home/[a-z]+")))


def tracked() -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    yield from (ROOT / name for name in listed.stdout.decode().split("\0") if name)


def anchors(page: Path) -> set[str]:
    """The names that links to a page's headings have."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link} leads nowhere"
        assert not heading or heading in anchors(target), f"{link}: no such heading"


def test_every_command_is_described_and_every_shown_one_exists() -> None:
    shown = {name for page in PAGES for name in SHOWN.findall(page.read_text(encoding="utf-8"))}
    assert shown == set(COMMANDS)


def test_the_readme_lists_every_command() -> None:
    rows = re.findall(r"^\| `ladder ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(COMMANDS)


def test_every_guide_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index


def test_no_file_names_a_place_on_somebody_s_machine() -> None:
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found = MACHINE.search(text)
        assert found is None, f"{path.relative_to(ROOT)} names {text[found.start() : found.start() + 60]!r}"
