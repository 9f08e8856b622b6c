"""How good labels with probabilities are: right, said, right where surest, and whether the probabilities hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vision.evaluate import statistics as st
from vision.evaluate.statistics import Metric

UNKNOWN = "unknown"
SUREST = 0.7
_BINS = 10


@dataclass(frozen=True, slots=True)
class Said:
    """One label: what it should be, what was said, and with which probability, where one was given."""

    true: str
    label: str
    confidence: float | None = None

    @property
    def right(self) -> bool:
        return self.true == self.label


def score_labels(name: str, labels: Sequence[Said]) -> list[Metric]:
    """Figures for labels of one kind. `unknown` counts as wrong where it is not left out."""
    said = [s for s in labels if s.label != UNKNOWN]
    if not said:
        return [st.not_reported(f"{name} right where said", len(labels))]
    surest = ranked(labels)[: round(SUREST * len(labels))]
    pairs = [(s.true, s.label) for s in labels]
    error = calibration_error(said)
    return [
        st.share(f"{name} right, unknown counting as wrong", sum(s.right for s in labels), len(labels)),
        st.share(f"{name} right where said", sum(s.right for s in said), len(said)),
        st.share(f"{name} said", len(said), len(labels)),
        st.share(f"{name} right on the surest {SUREST:.0%}", sum(s.right for s in surest), len(surest)),
        Metric(f"{name} calibration error", error, len(said) if error is not None else 0, "%"),
        Metric(f"{name} macro-F1", macro_f1(pairs), len(labels), "%"),
        Metric(f"{name}, the commonest label always", commonest(labels), len(labels), "%"),
    ]


def ranked(labels: Sequence[Said]) -> list[Said]:
    """The labels, the surest first and the unknown last."""
    return sorted(labels, key=lambda s: -1.0 if s.label == UNKNOWN else s.confidence or 0.0, reverse=True)


def calibration_error(said: Sequence[Said]) -> float | None:
    """The expected calibration error in percent: in ten bins of probability, the mean distance between the mean
    probability and the share that was right, weighted by counts [Naeini, Cooper & Hauskrecht 2015]."""
    given = [(s.confidence, s.right) for s in said if s.confidence is not None]
    if not given:
        return None
    p = np.array([c for c, _ in given], dtype=np.float64)
    right = np.array([r for _, r in given], dtype=np.float64)
    bins = np.minimum((p * _BINS).astype(int), _BINS - 1)
    off = np.bincount(bins, weights=p - right, minlength=_BINS)
    return 100 * float(np.abs(off).sum()) / len(p)


def macro_f1(labels: Sequence[tuple[str, str]]) -> float | None:
    """The mean over true labels of each one's F1 in percent, of (true, reported) pairs."""
    each = []
    for label in sorted({true for true, _ in labels}):
        hits = sum(true == seen == label for true, seen in labels)
        each.append(2 * hits / sum((true == label) + (seen == label) for true, seen in labels))
    return 100 * float(np.mean(each)) if each else None


def commonest(labels: Sequence[Said]) -> float | None:
    """How often the commonest true label, always said, would be right, in percent: the plain baseline."""
    true = [s.true for s in labels]
    return 100 * max(true.count(label) for label in set(true)) / len(true) if true else None
