"""Whether the table is watched: vision runs, and what it tells is of now."""

from edge.health.check import Check, Finding, Scene, span


def look(scene: Scene) -> Finding:
    if scene.live is not None:
        return Finding("ok", f"Vision tells of the table, {max(0.0, scene.live_age_s or 0.0):.1f} s ago.")
    if "vision" in scene.services:
        last = "nothing yet" if scene.live_age_s is None else f"nothing for {span(scene.live_age_s)}"
        text = f"Vision runs since {span(scene.services['vision'])} and tells {last}."
        advice = "It is started again by itself; if not, start it again and see its log."
        return Finding("bad", text, advice, scene.log_of("vision"))
    if scene.box_runs:
        text, advice = "Nobody watches the table: vision does not run.", "Start it, and see its log."
        return Finding("bad", text, advice, scene.log_of("vision"))
    return Finding("unknown", "The box is stopped: nobody watches the table.", "Start it.", scene.start())


CHECK = Check("vision", look)
