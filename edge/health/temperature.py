"""How hot the machine is. A Raspberry Pi slows down from 80 °C on, and then frames are dropped."""

from edge.health.check import SELDOM_S, Check, Finding, Scene

WARN_C, MOST_C = 75.0, 82.0
SLOWED_NOW = 0b1110  # the clock was capped, throttled, or held by the soft limit
SLOWED_ONCE = SLOWED_NOW << 16
_ADVICE = "Give it air: check its fan, its case, and what it stands on."


def look(scene: Scene) -> Finding:
    hot_c, bits = scene.machine.temperature_c(), scene.machine.throttled() or 0
    if hot_c is None:
        return Finding("unknown", "This machine does not tell its temperature.")
    text = f"The machine is at {hot_c:.0f} °C"
    if hot_c >= MOST_C or bits & SLOWED_NOW:
        slowed = " and works slower to cool down" if bits & SLOWED_NOW else ""
        return Finding("bad", f"{text}{slowed}.", _ADVICE)
    if hot_c >= WARN_C:
        return Finding("warn", f"{text}.", _ADVICE)
    if bits & SLOWED_ONCE:
        return Finding("warn", f"{text}, but was held back for heat since its start.", _ADVICE)
    return Finding("ok", f"{text}.")


CHECK = Check("temperature", look, None, SELDOM_S)
