"""Prometheus' text format, version 0.0.4."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure, or, with a label, one for each of the label's values. What is not known is None or left out."""

    name: str
    help: str
    value: float | Mapping[str, float] | None
    kind: str = "gauge"
    label: str = ""

    def lines(self) -> Iterator[str]:
        """The figure's lines; none where nothing is known."""
        values = self.value if isinstance(self.value, Mapping) else {"": self.value}
        known = {which: value for which, value in values.items() if value is not None}
        if not known:
            return
        yield f"# HELP {self.name} {_escaped(self.help)}"
        yield f"# TYPE {self.name} {self.kind}"
        for which, value in known.items():
            labels = f'{{{self.label}="{_escaped(which, quotes=True)}"}}' if self.label else ""
            yield f"{self.name}{labels} {_number(value)}"


def text(metrics: Iterable[Metric]) -> str:
    """All of them, as they are sent."""
    return "\n".join(line for metric in metrics for line in metric.lines()) + "\n"


def _number(value: float) -> str:
    """Counts and bytes whole, others with nine figures."""
    whole = abs(value) < 1e15 and float(value).is_integer()
    return f"{value:.0f}" if whole else f"{value:.9g}"


def _escaped(words: str, *, quotes: bool = False) -> str:
    words = words.replace("\\", "\\\\").replace("\n", "\\n")
    return words.replace('"', '\\"') if quotes else words
