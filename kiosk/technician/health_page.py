"""What the health page shows: what the box's checks found, what calls loudest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.health.check import STATES, Finding, State
from kiosk.texts import Translate, catalogue

# A shape for each state, so that no colour is needed to tell them apart.
ICONS: dict[State, str] = {"bad": "miss", "warn": "care", "unknown": "unknown", "ok": "make"}


@dataclass(frozen=True, slots=True)
class Row:
    """A check with its finding: its name and state in words, and the state's shape."""

    title: str
    state: State
    word: str
    icon: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class HealthPage:
    """`state` is the gravest that was found, and `title` says so; `calling` is what wants somebody's hand, `quiet`
    what does not."""

    state: State
    icon: str
    title: str
    calling: list[Row]
    quiet: list[Row]


def health_page(found: Sequence[Finding], t: Translate) -> HealthPage:
    rows = [_row(finding, t) for state in STATES for finding in found if finding.state == state]
    calling = [row for row in rows if row.state in ("bad", "warn")]
    state: State = calling[0].state if calling else "ok"
    return HealthPage(
        state, ICONS[state], t(f"health.verdict.{state}"), calling, [row for row in rows if row not in calling]
    )


def _row(finding: Finding, t: Translate) -> Row:
    return Row(
        _title(finding.check, t), finding.state, t(f"health.state.{finding.state}"), ICONS[finding.state], finding
    )


def _title(check: str, t: Translate) -> str:
    """A room above may have checks that nobody has named yet."""
    return t(f"health.name.{check}") if f"health.name.{check}" in catalogue() else check.capitalize()
