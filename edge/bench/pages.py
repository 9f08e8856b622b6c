"""How fast the kiosk's pages are in a big hall, and how late a shot reaches the pages that are open.

One client at the table's screen, checked in as the player who plays most, asks for every page again and again, in
random order; first alone, then with pages open on the live stream as in a hall of many screens. Meanwhile the live
state is rewritten as often as vision does. `ladder bench --pages` runs it.
"""

import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

from edge.bench.big_hall import PIN, BigHall
from edge.bench.hall_life import Shooter, Stored, live_states, open_pages
from edge.bench.kiosk_process import kiosk_process
from edge.bench.page_report import PagesReport, PageTimes, Seat, spread
from edge.bench.streams import Seen
from edge.bench.visitor import Answer, VisitError, Visitor
from edge.clock import stamp
from edge.hall.sessions import sessions_of
from edge.runtime.paths import Paths
from edge.store.database import Store
from edge.store.shots import recent_shots

SEATS: tuple[Seat, ...] = ("practice", "match", "nobody")


@dataclass(frozen=True, slots=True)
class Page:
    """A page to ask for: `{shot}` and the like stand for what `_known` finds; shorter than `least` it would be
    another page than the one meant. `seat` is what goes on at the table then."""

    path: str
    least: int = 1500
    seat: Seat = "practice"


# Every page a person can open, and what pages ask for by themselves; a test holds it against the kiosk's routes.
PAGES: tuple[Page, ...] = (
    Page("/"),
    Page("/", seat="match"),
    Page("/", seat="nobody"),
    Page("/shots"),
    Page("/shots/{shot}"),
    Page("/shots/older?before={shot}"),
    Page("/check-in"),
    Page("/check-in/names?name=pl", 100),
    Page("/check-in/pin?name={name}"),
    Page("/sign-up"),
    Page("/sign-up/pin?name=Newcomer"),
    Page("/consent"),
    Page("/phone"),
    Page("/code/state", 10),
    Page("/start"),
    Page("/start/practice"),
    Page("/start/match"),
    Page("/start/opponent?game=9-ball&race=3"),
    Page("/start/opponent/pin?game=9-ball&race=3&name=Player+0002"),
    Page("/table/score", seat="match"),
    Page("/session/{session}"),
    Page("/me"),
    Page("/me/stats?range=day"),
    Page("/me/stats?range=week"),
    Page("/me/stats?range=month"),
    Page("/me/stats?range=month&ago=6"),
    Page("/me/stats?range=lifetime"),
    Page("/me/profile"),
    Page("/me/sessions"),
    Page("/me/sessions/older?before={moment}", 300),
    Page("/me/shots"),
    Page("/me/shots/older?before={own_shot}"),
    Page("/me/claim"),
    Page("/me/claimed"),
    Page("/me/delete"),
    Page("/me/delete/pin"),
    Page("/me/settings"),
    Page("/me/settings/name"),
    Page("/me/settings/play"),
    Page("/me/settings/notices"),
    Page("/me/settings/cards"),
    Page("/me/settings/pin"),
    Page("/gone"),
    Page("/boards"),
    Page("/boards/fame"),
    Page("/boards/groups"),
    Page("/condition"),
    Page("/api/live", 100),
    Page("/api/shots"),
    Page("/api/shots/{shot}", 500),
    Page("/api/sessions/{session}", 100),
    Page("/api/sessions/{session}/shots"),
    Page("/api/my-stats", 100),
    Page("/api/me/metrics?range=lifetime", 100),
    Page("/api/me/heatmap/misses", 100),
    Page("/api/leaderboard/monthly", 100),
    Page("/api/leaderboard/alltime", 100),
    Page("/api/openapi.json"),
    Page("/healthz", 10),
    Page("/metrics", 300),
)

STREAMS = 20
EVENTS = 60  # shots whose events are timed, at most
SHOT_EVERY_S = 10.0  # while pages are measured
MANY = 2_000  # shots and sessions that pages are asked about
FIRST_SHOTS = 20  # of the practice and of the match that go on

_LAST_S = 1.0  # for the last card to come before others push it off the pages
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
        """The page, which must be the one that is meant; None when this kiosk has none."""
        named = {name: self._order.choice(values) for name, values in self._known.items()}
        answer = self._visitor.get(page.path.format(**named))
        if answer.status == 404:
            return None
        if answer.status != 200 or len(answer.text) < page.least:
            raise VisitError(f"{page.path} answers {answer.status} with {len(answer.text)} characters")
        return answer


def _known(store: Store, hall: BigHall) -> dict[str, list[str]]:
    """What may stand in the pages' addresses; of shots many, since the kiosk remembers those it drew of late."""
    with store.read() as conn:
        latest = [stored.id for stored in recent_shots(conn, MANY)]
        own = conn.execute(
            "SELECT shot_id FROM plays WHERE player_id = ? ORDER BY played_at DESC LIMIT ?", [hall.big_id, MANY]
        ).fetchall()
        sessions = sessions_of(conn, hall.big_id, MANY)
    found = {
        "name": [hall.big_name],
        "shot": latest,
        "own_shot": [row["shot_id"] for row in own],
        "session": [session.id for session in sessions],
        "moment": [stamp(session.started_at) for session in sessions[: len(sessions) // 2]],
    }
    return {name: [quote(value, safe="") for value in values] for name, values in found.items()}


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
