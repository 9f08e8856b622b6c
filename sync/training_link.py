"""What a hub tells the cloud of training: the scores of a month, whenever they are other than were told last."""

from datetime import datetime

from edge.hall.training_periods import facts_to_tell
from edge.store import outbox
from edge.store.database import Store


def note_training(store: Store, now: datetime) -> int:
    """Puts the scores of months in line that are to be told; returns how many. Raises StoreError."""
    with store.write() as conn:
        facts = facts_to_tell(conn, now)
        for fact in facts:
            outbox.append_for_cloud(conn, fact)
    return len(facts)
