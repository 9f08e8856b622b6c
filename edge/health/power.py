"""Whether a Raspberry Pi gets the voltage it needs: with less it slows down, and cards and cameras fail."""

from edge.health.check import SELDOM_S, Check, Finding, Scene

LOW_NOW = 1
LOW_ONCE = LOW_NOW << 16
_ADVICE = "Use the power supply made for it, and a short cable; power a camera by a hub of its own."


def look(scene: Scene) -> Finding:
    bits = scene.machine.throttled()
    if bits is None:
        return Finding("unknown", "This machine does not tell of its power.")
    if bits & LOW_NOW:
        return Finding("bad", "The machine gets too little voltage.", _ADVICE)
    if bits & LOW_ONCE:
        return Finding("warn", "The machine had too little voltage since its start.", _ADVICE)
    return Finding("ok", "The machine has the voltage it needs.")


CHECK = Check("power", look, None, SELDOM_S)
