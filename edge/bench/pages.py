"""How fast the kiosk's pages are in a big hall, and how late a shot reaches the pages that are open.

One client at the table's screen, checked in as the player who plays most, asks for every page again and again, in
random order; first alone, then with pages open on the live stream as in a hall of many screens. Meanwhile the live
state is rewritten as often as vision does. `ladder bench --pages` runs it.
"""

import random
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from urllib.parse import quote

from edge.bench.big_hall import PIN, BigHall
from edge.bench.counter_deeds import enter_results
from edge.bench.hall_life import Shooter, Stored, live_states, open_pages
from edge.bench.kiosk_process import kiosk_process
from edge.bench.page_list import PAGES, Page
from edge.bench.page_report import PagesReport, PageTimes, Seat, spread
from edge.bench.streams import Seen
from edge.bench.visitor import Answer, VisitError, Visitor
from edge.clock import stamp
from edge.hall.ladders.pages import my_ladders, whom_to_challenge
from edge.hall.sessions import sessions_of
from edge.runtime.paths import Paths
from edge.store.database import Store
from edge.store.shots import recent_shots

SEATS: tuple[Seat, ...] = ("practice", "match", "nobody")


STREAMS = 20
EVENTS = 60  # shots whose events are timed, at most
SHOT_EVERY_S = 10.0  # while pages are measured
MANY = 2_000  # shots and sessions that pages are asked about
FIRST_SHOTS = 20  # of the practice and of the match that go on

_LAST_S = 1.0  # for the last card to come before others push it off the pages
_FIELD = re.compile(r"\{(\w+)\}")
_ICON = re.compile(r'rel="icon" href="([^"]+)"')

Told = Callable[[float], None]
Asked = dict[Page, list[Answer]]


def measure_pages(
    paths: Paths, hall: BigHall, *, rounds: int = 200, streams: int = STREAMS, told: Told | None = None
) -> PagesReport:
    """Measures the pages of a box in which a big hall was made. `told` is told how much is done, from 0 to 1.

    Raises RuntimeError when the kiosk does not start, VisitError when it does not answer as it should.
    """
    told = told or (lambda _: None)
    with (
        Store(paths.store) as store,
        live_states(paths),
        kiosk_process(paths) as url,
        closing(Visitor(url)) as visitor,
    ):
        visitor.post(f"/check-in/pin?name={quote(hall.big_name)}", "/check-in/pin", name=hall.big_name, pin=PIN)
        clients = _Clients(visitor, Shooter(store), _known(store, hall), rounds, random.Random(1))
        weight = visitor.weight_bytes("/check-in")
        alone = clients.ask_all(lambda share: told(share / 2))
        with open_pages(url, streams) as opened:
            clients.sit_down("practice")
            shots = clients.play(min(rounds, EVENTS))
            busy = clients.ask_all(lambda share: told(0.5 + share / 2))
            taps = clients.enter_results()
            seen, open_s = opened.close()
    if seen.lost:
        raise VisitError(f"/stream: {seen.lost} of {streams} pages were cut off")
    there = [page for page in (*PAGES, clients.empty) if page in busy]
    times = {page: _times(page, alone[page], busy[page]) for page in there}
    return PagesReport(
        hall,
        rounds,
        streams,
        times.pop(clients.empty),
        tuple(times.values()),
        spread(_delays_s(shots, seen)),
        spread(shot.took_s for shot in shots),
        spread(taps),
        round(sum(seen.live_events) / streams / open_s, 1),
        weight / 1000,
        tuple(page.path for page in PAGES if page not in times),
    )


class _Clients:
    """Whoever asks for the pages, and whoever plays meanwhile."""

    def __init__(
        self,
        visitor: Visitor,
        shooter: Shooter,
        known: Mapping[str, Sequence[str]],
        rounds: int,
        order: random.Random,
    ) -> None:
        icon = _ICON.search(visitor.page("/check-in").text)
        if icon is None:
            raise VisitError("/check-in has no icon")
        self.empty = Page(icon[1], 100)
        self._visitor, self._shooter, self._known = visitor, shooter, known
        self._rounds, self._order = rounds, order

    def ask_all(self, told: Told) -> Asked:
        """Every page so many times, whoever sits at the table by turns; those that are not there are left out."""
        asked: Asked = {}
        for number, seat in enumerate(SEATS):
            self.sit_down(seat)
            pages = [page for page in PAGES if page.seat == seat]
            if seat == "practice":
                pages.append(self.empty)
            with self._shooter.every(SHOT_EVERY_S):
                asked |= self._ask(pages, told, (number / len(SEATS), (number + 1) / len(SEATS)))
        return asked

    def sit_down(self, seat: Seat) -> None:
        """Begins what is to go on at the table."""
        self._visitor.post("/start/match", "/end")
        if seat == "practice":
            self._visitor.post("/start/practice", "/start/practice", goal="makes:100")
        if seat == "match":
            self._visitor.post("/start/match", "/start/match", game="9-ball", race="5", against="guest")
        for _ in range(FIRST_SHOTS):
            self._shooter.shoot()

    def play(self, count: int) -> list[Stored]:
        """So many shots, at moments that have nothing to do with when the kiosk looks."""
        shots = []
        for _ in range(count):
            time.sleep(self._order.uniform(0.3, 0.9))
            shots.append(self._shooter.shoot())
        time.sleep(_LAST_S)
        return shots

    def enter_results(self) -> list[float]:
        """The seconds of each tap that enters a match's result, while somebody plays."""
        with self._shooter.every(SHOT_EVERY_S):
            return enter_results(self._visitor, self._known["person"])

    def _ask(self, pages: Sequence[Page], told: Told, part: tuple[float, float]) -> Asked:
        there = [page for page in pages if self._answer(page) is not None]
        asked: Asked = defaultdict(list)
        turns = [page for page in there for _ in range(self._rounds)]
        self._order.shuffle(turns)
        for number, page in enumerate(turns):
            answer = self._answer(page)
            if answer is None:
                raise VisitError(f"{page.path} was there and answers 404")
            asked[page].append(answer)
            told(part[0] + (part[1] - part[0]) * number / len(turns))
        return dict(asked)

    def _answer(self, page: Page) -> Answer | None:
        """The page, which must be the one that is meant; None when this kiosk, or this hall, has none."""
        named = {name: self._order.choice(values) for name, values in self._known.items() if values}
        if not set(_FIELD.findall(page.path)) <= named.keys():
            return None
        answer = self._visitor.get(page.path.format(**named))
        if answer.status == 404:
            return None
        if answer.status != 200 or len(answer.text) < page.least:
            raise VisitError(f"{page.path} answers {answer.status} with {len(answer.text)} characters")
        return answer


def _known(store: Store, hall: BigHall) -> dict[str, list[str]]:
    """What may stand in the pages' addresses; of shots many, since the kiosk remembers those it drew of late."""
    with store.read() as conn:
        found = {**_of_the_table(conn, hall), **_of_the_hall(conn, hall)}
    return {name: [quote(value, safe="") for value in values] for name, values in found.items()}


def _of_the_table(conn: sqlite3.Connection, hall: BigHall) -> dict[str, list[str]]:
    latest = [stored.id for stored in recent_shots(conn, MANY)]
    own = conn.execute(
        "SELECT shot_id FROM plays WHERE player_id = ? ORDER BY played_at DESC LIMIT ?", [hall.big_id, MANY]
    ).fetchall()
    sessions = sessions_of(conn, hall.big_id, MANY)
    return {
        "name": [hall.big_name],
        "shot": latest,
        "own_shot": [row["shot_id"] for row in own],
        "session": [session.id for session in sessions],
        "moment": [stamp(session.started_at) for session in sessions[: len(sessions) // 2]],
    }


def _of_the_hall(conn: sqlite3.Connection, hall: BigHall) -> dict[str, list[str]]:
    """Ids of what staff made; of each kind those that its pages are about."""
    who = {"big": hall.big_id}
    mine = "SELECT ladder_id FROM ladder_standings WHERE player_id = :big"
    wanted = {
        "table": "SELECT id FROM hall_tables",
        "clock": "SELECT id FROM clocks",
        "evening": "SELECT id FROM game_sessions ORDER BY started_at DESC LIMIT 50",
        "paired": "SELECT game_session_id FROM game_pairings LIMIT 1",
        "pairing": "SELECT id FROM game_pairings WHERE game_session_id ="
        " (SELECT game_session_id FROM game_pairings LIMIT 1)",
        "match": "SELECT id FROM matches WHERE game_session_id IS NOT NULL ORDER BY ended_at DESC LIMIT 500",
        "ladder": f"{mine} ORDER BY ladder_id LIMIT 1",
        "division": "SELECT division_id FROM ladder_standings WHERE player_id = :big ORDER BY ladder_id LIMIT 1",
        "challenge": "SELECT id FROM ladder_challenges WHERE challenger = :big LIMIT 1",
        "draw": "SELECT id FROM lucky_draws WHERE drawn_at IS NULL",
        "drawn": "SELECT id FROM lucky_draws WHERE drawn_at IS NOT NULL",
        "championship": "SELECT id FROM championships",
        "entrant": "SELECT player_id FROM championship_seeds",
        "month": "SELECT max(month) FROM points_monthly",
        "month_before": "SELECT DISTINCT month FROM monthly_awards",
        "trained_month": "SELECT period FROM training_periods",
        "trained": "SELECT session_id FROM training_sessions WHERE player_id = :big AND scored"
        " AND period = (SELECT max(period) FROM training_sessions) ORDER BY ended_at DESC LIMIT 500",
        "person": "SELECT id FROM players WHERE id != :big AND NOT guest LIMIT 100",
        "other": "SELECT id FROM players WHERE id != :big AND NOT guest ORDER BY id DESC LIMIT 1",
    }
    found = {name: [row[0] for row in conn.execute(sql, who)] for name, sql in wanted.items()}
    quiet = [one for one in my_ladders(conn, hall.big_id) if not one.challenges]
    above = [(one.ladder.id, other.player_id) for one in quiet for other in whom_to_challenge(conn, one)][:1]
    return {**found, "quiet_ladder": [ladder for ladder, _ in above], "above": [other for _, other in above]}


def _times(page: Page, alone: Sequence[Answer], busy: Sequence[Answer]) -> PageTimes:
    return PageTimes(
        page.path,
        page.seat,
        max(len(answer.text) for answer in busy),
        max(answer.sent_bytes for answer in busy),
        spread(answer.seconds for answer in alone),
        spread(answer.seconds for answer in busy),
    )


def _delays_s(shots: Sequence[Stored], seen: Seen) -> list[float]:
    """From each shot's commit until its card came, on every page. Raises VisitError for one that never came."""
    missing = sum(shot.shot_id not in cards for shot in shots for cards in seen.cards)
    if missing:
        raise VisitError(f"/stream: {missing} cards of {len(shots)} shots never came")
    return [cards[shot.shot_id] - shot.committed_s for shot in shots for cards in seen.cards]
