"""Whether there is memory: a machine without swap ends a program when there is none."""

from edge.health.check import Check, Finding, Scene, State

MB = 1_000_000
WARN_BYTES, LEAST_BYTES = 300 * MB, 100 * MB  # looking for the table takes some 200 MB for a moment


def look(scene: Scene) -> Finding:
    memory = scene.machine.memory()
    if memory is None:
        return Finding("unknown", "This machine does not tell its memory.")
    text = f"{memory.available_bytes / MB:.0f} of {memory.total_bytes / MB:.0f} MB of memory are free for use."
    if memory.available_bytes >= WARN_BYTES:
        return Finding("ok", text)
    state: State = "bad" if memory.available_bytes < LEAST_BYTES else "warn"
    return Finding(state, text, "End what else runs here; a box takes 400 MB.", "ps aux --sort=-rss | head")


CHECK = Check("memory", look)
