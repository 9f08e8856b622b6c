"""Whether the light, button and buzzer that the settings name can be used."""

from edge.hardware import why_not
from edge.health.check import Check, Finding, Scene


def look(scene: Scene) -> Finding:
    pins = scene.settings.hardware
    if not pins.named:
        return Finding("ok", "The settings name no light, button or buzzer.")
    trouble = why_not(pins)
    if trouble is not None:
        return Finding("warn", f"Light, button and buzzer do not work: {trouble}.", "The box works without them.")
    if not any((scene.machine.root / "dev").glob("gpiochip*")):
        text = "Light, button and buzzer do not work: this machine has no pins."
        return Finding("warn", text, "Take the pins out of [hardware] in settings.toml.")
    return Finding("ok", f"Light, button and buzzer are at {len(pins.named)} pins.")


CHECK = Check("pins", look)
