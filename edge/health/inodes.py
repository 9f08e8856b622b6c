"""Whether the disk can hold more files: one with room for bytes may have none for names."""

from edge.health.check import Check, Finding, Scene, State

WARN_SHARE, LEAST_SHARE = 0.05, 0.01


def look(scene: Scene) -> Finding:
    room = scene.machine.room(scene.paths.data)
    if room is None:
        return Finding("unknown", "The disk does not tell how many files it can hold.")
    if room.files == 0:  # btrfs and the like
        return Finding("ok", "The disk sets no limit to the number of files.")
    share = room.free_files / room.files
    text = f"{room.free_files} more files fit on the disk ({share:.0%})."
    if share >= WARN_SHARE:
        return Finding("ok", text)
    advice = "Find the directory with the most files, and delete what is not needed there."
    state: State = "bad" if share < LEAST_SHARE else "warn"
    return Finding(state, text, advice, f"sudo du --inodes -xd2 {scene.paths.data.anchor} | sort -n | tail")


CHECK = Check("inodes", look)
