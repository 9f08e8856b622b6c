"""Whether the box's other services run, and none was started again alone; vision has a check of its own."""

from edge.health.check import Check, Finding, Scene, span

NEEDED, WANTED = "kiosk", "jobs"
# Younger than the one, while another is older than the other: it was started again.
YOUNG_S, SETTLED_S = 60.0, 600.0


def look(scene: Scene) -> Finding:
    services = scene.services
    if not services:
        return Finding("unknown", "None of the box's services is seen to run.")
    if NEEDED not in services:
        text, advice = f"The service {NEEDED} does not run, though the box does.", "Start it, and see its log."
        return Finding("bad", text, advice, scene.log_of(NEEDED))
    if WANTED not in services:
        text = f"The service {WANTED} does not run: no backups are taken, and nothing is cleared away."
        return Finding("warn", text, "Start it, and see its log.", scene.log_of(WANTED))
    young = min(services, key=lambda name: services[name])
    if services[young] < YOUNG_S and max(services.values()) > SETTLED_S:
        text = f"The service {young} began anew {services[young]:.0f} s ago, long after the others."
        return Finding("warn", text, "If it comes back, see its log.", scene.log_of(young))
    return Finding("ok", f"Running: {', '.join(f'{name} ({span(services[name])})' for name in sorted(services))}.")


CHECK = Check("services", look)
