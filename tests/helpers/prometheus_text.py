"""A strict reader of Prometheus' text format, version 0.0.4, as its documentation has it."""

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
_VALUE = re.compile(r"[+-]?(\d+(\.\d+)?(e[+-]?\d+)?|Inf)|NaN")
KINDS = ("counter", "gauge", "histogram", "summary", "untyped")


@dataclass
class Family:
    """A metric with its samples, by their labels."""

    help: str
    kind: str
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Family]:
    """The families of a page; raises AssertionError for what a scraper would not take, or should not be given.

    Every family has HELP, then TYPE, then its samples together; no sample comes twice; a counter's name ends so.
    """
    assert text.endswith("\n"), "the last line must end"
    families: dict[str, Family] = {}
    name, told = "", ""
    for line in text.removesuffix("\n").split("\n"):
        assert line == line.strip(), repr(line)
        if line.startswith("# HELP "):
            _, _, name, told = line.split(" ", 3)
            assert name not in families, f"{name} comes twice"
        elif line.startswith("# TYPE "):
            _, _, typed, kind = line.split(" ")
            assert (typed, kind in KINDS) == (name, True), line
            assert (kind == "counter") == name.endswith("_total"), f"{name} is a {kind}"
            families[name] = Family(told, kind)
        else:
            _read_sample(line, name, families)
    assert all(family.samples for family in families.values())
    return families


def _read_sample(line: str, name: str, families: dict[str, Family]) -> None:
    found = _SAMPLE.fullmatch(line)
    assert found is not None, line
    assert found[1] == name, f"{line} is not beside its family"
    assert _VALUE.fullmatch(found[3]), line
    labels = _labels(found[2] or "")
    assert labels not in families[name].samples, f"{line} comes twice"
    families[name].samples[labels] = float(found[3])


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    found, place = [], 0
    while place < len(text):
        label = _LABEL.match(text, place)
        assert label is not None, text
        value = re.sub(r"\\(.)", lambda part: "\n" if part[1] == "n" else part[1], label[2])
        found.append((label[1], value))
        place = label.end()
    return tuple(found)
