"""Whether the settings can be read, and are those that the services began with."""

from edge.health.check import Check, Finding, Scene

GRACE_S = 2.0  # a service that began in the moment of writing has read it


def look(scene: Scene) -> Finding:
    if scene.settings_error:
        advice = "Correct the file, or move it away to have the defaults; then start the services again."
        return Finding("bad", f"The settings can't be used: {scene.settings_error}.", advice)
    try:
        written_s = scene.paths.settings.stat().st_mtime
    except FileNotFoundError:
        return Finding("ok", "There is no settings.toml: every setting is its default.")
    since_s = scene.now.timestamp() - written_s
    late = sorted(name for name, up_s in scene.services.items() if up_s > since_s + GRACE_S)
    if late:
        text = f"settings.toml was changed after {', '.join(late)} began, and does not hold there yet."
        return Finding("warn", text, "Start the services again.", scene.start("restart"))
    return Finding("ok", "settings.toml can be read.")


CHECK = Check("settings", look)
