"""An evening at the counter for the benchmark: how long the taps take by which staff enter its results."""

import re
from collections.abc import Sequence

from edge.bench.visitor import VisitError, Visitor
from edge.facts import uuid7

ROUNDS = 5
COME = 16

_OPEN = re.compile(r'hx-post="(/counter/evening/[^"]+/pairings/[^"]+)"')


def enter_results(visitor: Visitor, people: Sequence[str]) -> list[float]:
    """Begins an evening, draws round after round of those people (ids) and taps the winners; the seconds of each
    tap that entered a result. Raises VisitError."""
    once = uuid7()
    way = f"/counter/evening/{once}"
    visitor.post("/counter/evening", "/counter/evening", once=once, game="9-ball", race="1", kind="singles")
    for player in people[:COME]:
        visitor.post(f"{way}/here", f"{way}/here", player=player, here="yes")
    taken: list[float] = []
    for number in range(1, ROUNDS + 1):
        visitor.post(way, f"{way}/pair", number=str(number), how="random")
        matches = dict.fromkeys(_OPEN.findall(visitor.page(way).text))
        if not matches:
            raise VisitError(f"{way} has no match to enter")
        taken += [visitor.post(way, match, winner="0", seen="").seconds for match in matches]
    return taken
