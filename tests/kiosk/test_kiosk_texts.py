"""Texts: every name that is asked for is there, every text is asked for, and templates hold no English."""

import re
from pathlib import Path
from typing import get_args

import pytest

import kiosk
from calibration.table import POCKET_NAMES
from edge.hall.words import nowhere_word
from kiosk.live_state import KNOWN
from kiosk.texts import catalogue, translator
from vision.model import Kind, Result, SideSpin, VerticalSpin

ROOT = Path(kiosk.__file__).parent
TEXTS = catalogue()
NAME = re.compile(r"""\bt\(\s*["']([a-z0-9_.-]+)["']\s*[,)]""")
PREFIX = re.compile(r"""\bt\(\s*f?["']([a-z_.]+\.)(?:\{|["'] ~)""")
SOURCES = [*ROOT.rglob("*.py"), *ROOT.rglob("*.html")]


def asked(pattern: re.Pattern[str]) -> set[str]:
    return {name for path in SOURCES for name in pattern.findall(path.read_text(encoding="utf-8"))}


def test_every_name_asked_for_has_a_text() -> None:
    assert asked(NAME) <= set(TEXTS)


def test_every_text_is_asked_for() -> None:
    names, prefixes = asked(NAME), tuple(asked(PREFIX))
    unused = {name for name in TEXTS if name not in names and not name.startswith(prefixes)}
    assert unused == set()


def test_names_that_come_from_elsewhere_have_texts() -> None:
    spins = [*get_args(VerticalSpin.__annotations__["label"]), *get_args(SideSpin.__annotations__["label"])]
    wanted = [f"result.{r}" for r in get_args(Result)]
    wanted += [f"kind.{k}" for k in get_args(Kind) if k != "unknown"]
    wanted += [f"pocket.{p}" for p in POCKET_NAMES]
    wanted += [f"spin.{s}" for s in spins if s != "unknown"]
    wanted += [
        f"status.{s}.{part}"
        for s in (*KNOWN, "stalled", "overloaded", "camera-skips", "unknown")
        for part in ("title", "text")
    ]
    assert set(wanted) <= set(TEXTS)


@pytest.mark.parametrize("template", sorted(ROOT.rglob("*.html")), ids=lambda p: p.name)
def test_templates_hold_no_words(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    text = re.sub(r"\{% block page %\}[\w-]+", " ", text)  # a name for the style sheets
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", text, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]{2,}", text) == []


def test_no_text_shames_anybody() -> None:
    assert {name: text for name, text in TEXTS.items() if nowhere_word(text) is not None} == {}


def test_a_name_without_a_text_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        translator()("no.such.text")
