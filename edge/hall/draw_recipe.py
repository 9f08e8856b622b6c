"""The arithmetic of a lucky draw, which anybody can do again with what is printed.

A draw has a **seed**, 64 hexadecimal digits in lower case, used as that text. Before anything else is known its
**commitment** is published, the SHA-256 of the text. The **list** is a text of one line a ticket, `1 <ticket id>`,
`2 <ticket id>` …, each line with a newline at its end; its SHA-256 is published too. Then the room calls out the
**call**. Numbers come from HMAC-SHA256 with the seed as its key over four lines, the last without a newline:

    <draw id>
    <SHA-256 of the list>
    <call>
    <counter>

The first 12 hexadecimal digits of an HMAC are a number below 2^48. With n tickets, a number not below the largest
multiple of n is passed over, so that no ticket has more numbers than another; else the ticket is the number mod n,
plus 1. The counter begins at 0 and grows by one; a ticket that has won already is passed over. As many tickets win
as there are prizes, in the order in which they come.

All texts are UTF-8.
"""

import hashlib
import hmac
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from edge.facts import content_hash

SPACE = 1 << 48  # of the numbers
DIGITS = 12

What = Literal["won", "again", "over"]


@dataclass(frozen=True, slots=True)
class Step:
    """One number of a draw: its HMAC in hex, the number, its ticket, and whether that won, had won already, or the
    number was passed over because it lies over the largest multiple (no ticket then)."""

    counter: int
    hmac: str
    number: int
    ticket: int | None
    what: What


@dataclass(frozen=True, slots=True)
class Recipe:
    """A draw that was held, all of it: what `check` and the two programs need."""

    draw_id: str
    commitment: str
    tickets: tuple[str, ...]
    entries_hash: str
    call: str
    seed: str
    prizes: int
    winners: tuple[int, ...]

    @property
    def steps(self) -> list[Step]:
        """The numbers, one by one, as they follow from the rest."""
        return steps(self.seed, self.draw_id, self.entries_hash, self.call, (len(self.tickets), self.prizes))


def commitment(seed: str) -> str:
    """What is published of a seed before the draw."""
    return content_hash(seed)


def entries_text(tickets: Sequence[str]) -> str:
    """The list: the ids of the tickets with their numbers."""
    return "".join(f"{number} {ticket}\n" for number, ticket in enumerate(tickets, 1))


def entries_hash(tickets: Sequence[str]) -> str:
    """What is published of the list."""
    return content_hash(entries_text(tickets))


def message(draw_id: str, entries: str, call: str, counter: int) -> str:
    """What an HMAC is made of; `entries` is the hash of the list."""
    return f"{draw_id}\n{entries}\n{call}\n{counter}"


def steps(seed: str, draw_id: str, entries: str, call: str, counts: tuple[int, int]) -> list[Step]:
    """The numbers of a draw up to the last winner, of so many tickets and prizes."""

    def digest(counter: int) -> str:
        text = message(draw_id, entries, call, counter)
        return hmac.new(seed.encode(), text.encode(), hashlib.sha256).hexdigest()

    return choose(digest, *counts)


def choose(digest: Callable[[int], str], tickets: int, prizes: int) -> list[Step]:
    """The numbers and their tickets, from the HMAC for each counter; at least as many tickets as prizes."""
    if not 1 <= prizes <= tickets <= SPACE:
        raise ValueError(f"{prizes} of {tickets} tickets can't win")
    taken: list[Step] = []
    won: set[int] = set()
    while len(won) < prizes:
        step = _step(len(taken), digest(len(taken)), tickets, won)
        taken.append(step)
        if step.what == "won" and step.ticket is not None:
            won.add(step.ticket)
    return taken


def winners(taken: Sequence[Step]) -> tuple[int, ...]:
    """The tickets that won, in their order."""
    return tuple(step.ticket for step in taken if step.what == "won" and step.ticket is not None)


def check(recipe: Recipe) -> bool:
    """Whether everything of a draw fits together."""
    return (
        commitment(recipe.seed) == recipe.commitment
        and entries_hash(recipe.tickets) == recipe.entries_hash
        and winners(recipe.steps) == recipe.winners
    )


def shell_program(recipe: Recipe) -> str:
    """A program for any POSIX shell, with openssl and sha256sum, that does the draw again."""
    quoted = shlex.quote(recipe.call)
    return f"""\
draw={recipe.draw_id}
commitment={recipe.commitment}
entries={recipe.entries_hash}
call={quoted}
seed={recipe.seed}
tickets={len(recipe.tickets)}
prizes={recipe.prizes}
list() {{ cat <<'END'
{entries_text(recipe.tickets)}END
}}
sum() {{ sha256sum | cut -c 1-64; }}
[ "$(printf %s "$seed" | sum)" = "$commitment" ] || {{ echo 'another seed'; exit 1; }}
[ "$(list | sum)" = "$entries" ] || {{ echo 'another list'; exit 1; }}
[ "$(list | wc -l)" -eq "$tickets" ] || {{ echo 'another number of tickets'; exit 1; }}
limit=$(({SPACE} - {SPACE} % tickets)) counter=0 won=' '
while [ "$prizes" -gt 0 ]; do
  text=$(printf '%s\\n%s\\n%s\\n%s' "$draw" "$entries" "$call" "$counter")
  hmac=$(printf %s "$text" | openssl dgst -sha256 -hmac "$seed" | sed 's/.* //')
  number=$((0x$(printf %.{DIGITS}s "$hmac"))) counter=$((counter + 1))
  [ "$number" -lt "$limit" ] || continue
  ticket=$((number % tickets + 1))
  case $won in *" $ticket "*) continue ;; esac
  won="$won$ticket " prizes=$((prizes - 1))
done
echo "winning tickets:${{won% }}"
"""


def python_program(recipe: Recipe) -> str:
    """The same for Python."""
    return f"""\
import hashlib, hmac
draw, entries, commitment = {recipe.draw_id!r}, {recipe.entries_hash!r}, {recipe.commitment!r}
call, seed, prizes = {recipe.call!r}, {recipe.seed!r}, {recipe.prizes}
tickets = {" ".join(recipe.tickets)!r}.split()
text = "".join(f"{{n}} {{ticket}}\\n" for n, ticket in enumerate(tickets, 1))
assert hashlib.sha256(seed.encode()).hexdigest() == commitment, "another seed"
assert hashlib.sha256(text.encode()).hexdigest() == entries, "another list"
won, counter, limit = [], 0, {SPACE} - {SPACE} % len(tickets)
while len(won) < prizes:
    message = f"{{draw}}\\n{{entries}}\\n{{call}}\\n{{counter}}".encode()
    number = int(hmac.new(seed.encode(), message, "sha256").hexdigest()[:{DIGITS}], 16)
    if number < limit and number % len(tickets) + 1 not in won:
        won.append(number % len(tickets) + 1)
    counter += 1
print("winning tickets:", *won)
"""


def _step(counter: int, hmac_hex: str, tickets: int, won: set[int]) -> Step:
    number = int(hmac_hex[:DIGITS], 16)
    if number >= SPACE - SPACE % tickets:
        return Step(counter, hmac_hex, number, None, "over")
    ticket = number % tickets + 1
    return Step(counter, hmac_hex, number, ticket, "again" if ticket in won else "won")
