"""What vision says of the camera. It is never opened here: that would take it from whoever watches."""

from typing import Any

from edge.health.check import Check, Finding, Scene

SHOWN = 2
SKIPPED_SHARE = 0.03  # of the pictures that come, as on the kiosk
_ADVICE = {
    "no-camera": "Check its cable and its power; it is opened again by itself.",
    "no-table": "Switch on the table light and clear the view, or calibrate.",
    "camera-moved": "Put it back as it stood, or calibrate again.",
}


def look(scene: Scene) -> Finding:
    live = scene.live
    if live is None:
        return Finding("unknown", "Nobody watches the table, so nothing is known of the camera.")
    status, message = str(live.get("status")), _sentence(live)
    if status in ("no-camera", "no-table"):
        return Finding("bad", message, _ADVICE[status])
    if status == "camera-moved":
        return Finding("warn", message, _ADVICE[status], scene.command("calibrate", scene.settings.camera.source))
    if status != "live":  # it starts, or a recording has ended
        return Finding("ok" if status == "ended" else "unknown", message)
    return _flow(live)


def _flow(live: dict[str, Any]) -> Finding:
    comes, followed, skipped = (
        _number(live, "camera", f"{name}_fps") for name in ("camera", "process", "skipped")
    )
    if comes is None:
        return Finding("ok", "The camera gives pictures.")
    text = f"{comes:.0f} pictures a second come, {followed or 0.0:.0f} are followed."
    if skipped is not None and skipped > SKIPPED_SHARE * comes:
        text = f"{text[:-1]}, {skipped:.0f} are skipped for want of time."
        return Finding("warn", text, "End what else runs on this machine, or choose a smaller picture or rate.")
    health = live.get("health")
    warnings = health.get("warnings") if isinstance(health, dict) else None
    if isinstance(warnings, list) and warnings:
        told = "; ".join(str(one) for one in warnings[:SHOWN])
        return Finding("warn", f"{text} It says: {told}.", "Look it up in the technician's guide.")
    return Finding("ok", text)


def _number(live: dict[str, Any], part: str, name: str) -> float | None:
    figures = live.get(part)
    value = figures.get(name) if isinstance(figures, dict) else None
    return float(value) if isinstance(value, (int, float)) else None


def _sentence(live: dict[str, Any]) -> str:
    return str(live.get("message") or f"The camera's state is {live.get('status')}.")[:300]


CHECK = Check("camera", look)
