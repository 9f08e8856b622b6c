"""The reward run of a month as the owner sees it: the halls by how far their month is, each with who wins and why.

A page looks at `AT_ONCE` halls, however many there are; which ones comes from indexes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from edge.clock import from_stamp
from edge.facts import canonical, content_hash
from sync.cloud import closing, halls, members, names, periods, rewards
from sync.cloud.closing import Preview
from sync.cloud.db import Conn
from sync.cloud.deciding import Award, Kind, Near, Score
from sync.cloud.halls import Hall
from sync.cloud.members import Member
from sync.cloud.owner.would import Would, would_apply
from sync.cloud.periods import Period
from sync.cloud.rewards import Reward
from sync.cloud.rules import Rules

AT_ONCE = 10
MOST_FOUND = 10  # halls by a part of their name
SHOWS = ("frozen", "grace", "open", "decided", "nothing")


class Closer(NamedTuple):
    """Somebody who was close, and why they don't win, in words."""

    player: str
    name: str | None
    score: Score
    words: str


class PassedOver(NamedTuple):
    player: str
    name: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Winner:
    """Who wins, or would. `reward` is there when it is decided, `would` before."""

    player: str
    name: str | None
    kind: Kind
    why: str
    slot: str
    ladder_name: str
    ladders: tuple[str, ...]
    total: float
    hours: float
    sessions: int | None
    coach_avg: float
    would: Would | None = None
    reward: Reward | None = None


@dataclass(frozen=True, slots=True)
class HallCard:
    """A hall's month. `looked` names all that is shown of it: what is confirmed is that, and nothing else.
    `ends` is when the month ends there, `until` when the hall is waited for no longer, `decides_at` when it is
    decided by itself."""

    hall: Hall
    month: str
    period: Period | None
    ends: datetime
    until: datetime | None = None
    decides_at: datetime | None = None
    rules: Rules | None = None
    winners: tuple[Winner, ...] = ()
    close: tuple[Closer, ...] = ()
    over: tuple[PassedOver, ...] = ()
    nobody: str = ""
    looked: str = ""

    @property
    def state(self) -> str:
        return "nothing" if self.period is None else self.period.state


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is in a run: at the halls in one state, at those whose name has a part, or at one alone."""

    show: str = ""
    page: int = 1
    find: str = ""
    only: str = ""

    def as_args(self) -> dict[str, str]:
        """What an address or a form carries of it."""
        found = {
            "show": self.show,
            "page": str(self.page) if self.page > 1 else "",
            "find": self.find,
            "only": self.only,
        }
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Run:
    """A page of a month's run. `halls` are counts by state of the period, `states` by state of the reward."""

    month: str
    place: Place
    more: bool
    halls: dict[str, int]
    states: dict[str, int]
    cards: tuple[HallCard, ...]


def look(conn: Conn, month: str, now: datetime, place: Place) -> Run:
    """The halls of a month at that place; at none, those in the state that needs a look first."""
    counts = _count_halls(conn, month)
    if not (place.show or place.find or place.only):
        place = replace(place, show=next((one for one in SHOWS if counts.get(one)), "nothing"))
    found = _halls_at(conn, month, place)
    shown = tuple(cards(conn, found[:AT_ONCE], month, now))
    return Run(month, place, len(found) > AT_ONCE, counts, rewards.count_by_state(conn, month), shown)


def _halls_at(conn: Conn, month: str, place: Place) -> list[Hall]:
    if place.only:
        return halls.some(conn, [place.only])
    if place.find:
        return _find(conn, place.find)
    return _in_state(conn, month, place.show, AT_ONCE + 1, AT_ONCE * (place.page - 1))


def card(conn: Conn, hall: Hall, month: str, now: datetime) -> HallCard:
    """A hall's month as it stands: decided, or as it would be."""
    return cards(conn, [hall], month, now)[0]


def cards(conn: Conn, some: Sequence[Hall], month: str, now: datetime) -> list[HallCard]:
    """The same of some halls, asked of the database together."""
    if not some:
        return []
    known = periods.found_of_halls(conn, [hall.id for hall in some], month)
    decided = [hall_id for hall_id, period in known.items() if period.state == "decided"]
    found = closing.previews(conn, [hall_id for hall_id in known if hall_id not in decided], month, now)
    booked = rewards.of_halls(conn, decided, month)
    named = names.names_in_halls(conn, [(one, it.player_id) for one, its in booked.items() for it in its])
    made = []
    for hall in some:
        if hall.id in found:
            made.append(_undecided(conn, hall, found[hall.id]))
        elif hall.id in booked:
            made.append(_decided(hall, known[hall.id], booked[hall.id], named.get(hall.id, {})))
        else:
            made.append(HallCard(hall, month, None, periods.end_of(month, hall.zone_info)))
    return made


def _undecided(conn: Conn, hall: Hall, found: Preview) -> HallCard:
    period = found.period
    made = HallCard(
        hall,
        period.period,
        period,
        periods.end_of(period.period, hall.zone_info),
        None if period.ended_at is None else from_stamp(period.ended_at) + periods.GRACE,
        found.decides_at,
        found.rules,
        tuple(_would_win(conn, one, found, hall) for one in found.decision.awards),
        _close(found),
        tuple(
            PassedOver(player, found.names.get(player), why) for player, why in sorted(found.passed_over.items())
        ),
        found.decision.nobody,
    )
    return _with_hash(made)


def _with_hash(made: HallCard) -> HallCard:
    assert made.period is not None
    assert made.rules is not None
    looked: dict[str, Any] = {
        "hall": made.hall.id,
        "month": made.month,
        "state": made.period.state,
        "scores": made.period.hash,
        "held": made.period.held,
        "rules": made.rules.to_json(),
        "winners": [
            [
                one.player,
                one.name,
                one.kind,
                one.why,
                one.total,
                one.hours,
                list(one.ladders),
                one.would and one.would.words,
            ]
            for one in made.winners
        ],
        "close": [[one.player, one.name, one.words] for one in made.close],
        "over": [[one.player, one.why] for one in made.over],
        "nobody": made.nobody,
    }
    return replace(made, looked=content_hash(canonical(looked)))


def _would_win(conn: Conn, one: Award, found: Preview, hall: Hall) -> Winner:
    score = one.score
    member = members.of_player(conn, hall.id, score.player)
    would = would_apply(one.kind, member, hall, found.period.period)
    return Winner(
        score.player, found.names.get(score.player), one.kind, one.why, one.slot, score.ladder_name, one.ladders,
        score.total, score.hours, score.sessions, score.coach_avg, would,
    )  # fmt: skip


def _decided(hall: Hall, period: Period, booked: Sequence[Reward], named: dict[str, str]) -> HallCard:
    winners = tuple(
        Winner(
            one.player_id, named.get(one.player_id), one.kind, one.why, one.slot, one.ladder_name, (), one.total,
            one.hours, None, one.coach_avg, None, one,
        )
        for one in booked
    )  # fmt: skip
    ends = periods.end_of(period.period, hall.zone_info)
    return HallCard(hall, period.period, period, ends, winners=winners, nobody=period.nobody)


def _close(found: Preview) -> tuple[Closer, ...]:
    """Who was close, each once, with why they don't win; who is passed over is told apart."""
    winning = {one.score.player for one in found.decision.awards}
    told: dict[str, Closer] = {}
    for near in found.decision.near.values():
        for one in near:
            player = one.score.player
            if player not in winning and player not in found.passed_over:
                told.setdefault(
                    player, Closer(player, found.names.get(player), one.score, _close_words(one, found))
                )
    return tuple(told.values())


def _close_words(one: Near, found: Preview) -> str:
    by_score = found.rules.by == "score"
    unit = "points" if by_score else "hours"
    behind = f"{one.behind:.2f} {unit} behind" if one.behind > 0 else ""
    if one.missing:
        return f"{behind}, and lacks {one.missing}" if behind else f"lacks {one.missing}"
    if one.behind < 0 or (one.behind == 0 and not found.decision.awards):
        return "has a reward of this month already"
    return behind or "just as good; hours, sessions or who got there first decided"


def _count_halls(conn: Conn, month: str) -> dict[str, int]:
    rows = conn.rows("SELECT state, count(*) AS n FROM periods WHERE period = ? GROUP BY state", [month])
    return {row["state"]: row["n"] for row in rows}


def _in_state(conn: Conn, month: str, state: str, limit: int, offset: int) -> list[Hall]:
    """Halls in the order in which they were made."""
    if state == "nothing":
        rows = conn.rows(
            "SELECT h.id, h.name, h.zone FROM halls h WHERE substr(h.made_at, 1, 7) <= ? AND NOT EXISTS"
            " (SELECT 1 FROM periods p WHERE p.hall_id = h.id AND p.period = ?) ORDER BY h.id LIMIT ? OFFSET ?",
            [month, month, limit, offset],
        )
    else:
        rows = conn.rows(
            "SELECT h.id, h.name, h.zone FROM (SELECT hall_id FROM periods WHERE period = ? AND state = ?"
            " ORDER BY hall_id LIMIT ? OFFSET ?) p JOIN halls h ON h.id = p.hall_id ORDER BY h.id",
            [month, state, limit, offset],
        )
    return [Hall(row["id"], row["name"], row["zone"]) for row in rows]


def _find(conn: Conn, text: str) -> list[Hall]:
    """Halls in whose name that stands."""
    part = "".join(f"\\{char}" if char in "\\%_" else char for char in text.casefold())
    rows = conn.rows(
        "SELECT id, name, zone FROM halls WHERE name_key LIKE ? ESCAPE '\\' ORDER BY name_key LIMIT ?",
        [f"%{part}%", MOST_FOUND],
    )
    return [Hall(row["id"], row["name"], row["zone"]) for row in rows]


# Rewards, wherever they are.


class Booked(NamedTuple):
    """A reward with how its hall and its player are called."""

    reward: Reward
    hall: Hall
    name: str | None


class Drifting(NamedTuple):
    """A member of whom Stripe says something else, with the halls and players that the member is."""

    member: Member
    players: tuple[tuple[Hall, str | None], ...]


def in_state(conn: Conn, month: str, state: str, limit: int, offset: int) -> list[Booked]:
    """A month's rewards in a state."""
    rows = conn.rows(
        "SELECT id FROM subscription_rewards WHERE period = ? AND state = ? ORDER BY id LIMIT ? OFFSET ?",
        [month, state, limit, offset],
    )
    return _booked(conn, [row["id"] for row in rows])


def to_look_at(conn: Conn, limit: int) -> list[Booked]:
    """Rewards of any month for which a person must do something, or with a drift; the latest month first."""
    rows = conn.rows(
        "SELECT id FROM subscription_rewards WHERE state = 'needs_review' OR drift <> ''"
        " ORDER BY period DESC, id DESC LIMIT ?",
        [limit],
    )
    return _booked(conn, [row["id"] for row in rows])


def drifting_members(conn: Conn, limit: int) -> list[Drifting]:
    rows = conn.rows("SELECT id FROM members WHERE drift <> '' ORDER BY id LIMIT ?", [limit])
    found = [one for row in rows if (one := members.get(conn, row["id"])) is not None]
    return [Drifting(one, tuple(players_of(conn, one.id))) for one in found]


def players_of(conn: Conn, member_id: str) -> list[tuple[Hall, str | None]]:
    """The halls in which a member plays, each with the name there."""
    rows = conn.rows(
        "SELECT h.id, h.name, h.zone, n.name AS player FROM member_players p JOIN halls h ON h.id = p.hall_id"
        " LEFT JOIN player_names n ON n.hall_id = p.hall_id AND n.player_id = p.player_id"
        " WHERE p.member_id = ? ORDER BY p.linked_at, h.id LIMIT 20",
        [member_id],
    )
    return [(Hall(row["id"], row["name"], row["zone"]), row["player"]) for row in rows]


def _booked(conn: Conn, ids: Sequence[str]) -> list[Booked]:
    found = [one for reward_id in ids if (one := rewards.get(conn, reward_id)) is not None]
    known = {hall.id: hall for hall in halls.some(conn, list({one.hall_id for one in found}))}
    named = names.names_in_halls(conn, [(one.hall_id, one.player_id) for one in found])
    return [Booked(one, known[one.hall_id], named.get(one.hall_id, {}).get(one.player_id)) for one in found]
