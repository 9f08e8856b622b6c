"""The demo's months, run as they would have been: the hub counts and tells, the cloud freezes, decides and pays,
and at the sandbox invoices meet the rewards.

Everything is done by the program's own functions at the moment at which it would have been done; what is drawn is
only who plays when (`edge.demo`) and who subscribes.
"""

from datetime import datetime, timedelta
from itertools import count

from edge.demo.calendar import DemoHall
from edge.demo.hall import LABEL
from edge.demo.people import HALL, OWNER_EMAIL, OWNER_PASSWORD, Person
from edge.hall.training_periods import bounds, make_final, waits_for
from edge.hall.training_scores import settle
from edge.store.database import Store
from sync.cloud import owners
from sync.cloud.closing import close_due
from sync.cloud.plans import ALL_HALLS
from sync.cloud_link import CloudSync, enrol
from sync.demo.others import Others
from sync.demo.place import WEBHOOK, DemoPlace, Note, Told
from sync.demo.stage import Stage, staged
from sync.hub_client import HubClient

HALL_SHARE = 0.4  # of all the time that making the demo takes, for the hall's own store
CENTS = 2900
SOON = timedelta(hours=1)
LOOKED = timedelta(hours=14)  # after the month's end: by then a month is decided by itself
LATER_DAYS = (5, 11)  # of the next month, on which the cloud looks whether invoices met rewards
SUBSCRIBE_DAYS = (2, 9)  # of a month, from which to which people begin to pay


def run_months(place: DemoPlace, hall: DemoHall, told: Told) -> None:
    """Runs every month of a hall that is made, up to its `now`, from which on the clock runs by itself.

    Raises StoreError of both stores, OSError.
    """
    begins = bounds(hall.months[0], hall.zone)[0] + SOON
    with staged(place, min(begins, hall.now)) as stage:
        _open_up(stage)
        others = Others(stage, hall)
        with Store(place.box_at_rest.store) as store:
            hub = _Hub(stage, place, store, hall)
            for number, month in enumerate(hall.months, 1):
                _run_month(stage, hub, others, month)
                told(HALL_SHARE + (1 - HALL_SHARE) * number / (len(hall.months) + 1))
            hub.catch_up()
            others.catch_up()
            stage.pay()
            hub.turn()
        place.keep(_note(stage, hub, others))
        stage.turn_to(hall.now)
        with stage.sandbox.store.transaction():
            stage.sandbox.clock.run()


def _open_up(stage: Stage) -> None:
    """The owner, and what a subscription costs."""
    stage.offer(ALL_HALLS, CENTS, "month")
    with stage.db.write() as conn:
        owners.keep(conn, OWNER_EMAIL, owners.hash_password(OWNER_PASSWORD), stage.now())


def _run_month(stage: Stage, hub: "_Hub", others: Others, month: str) -> None:
    """A month, and of the next the days in which it is decided and paid; not beyond now."""
    hall, (begins, ends) = hub.hall, bounds(month, hub.hall.zone)
    hub.subscribe(hall.ago(month), begins)
    others.subscribe(hall.ago(month), begins)
    if ends + SOON > hall.now:
        return
    stage.turn_to(ends + SOON)
    hub.close(month)
    others.tell(month, final=True)
    others.change_rules(month)
    close_due(stage.db, stage.now())
    for at in (ends + LOOKED, *(ends + timedelta(days=day) for day in LATER_DAYS)):
        if at <= hall.now:
            stage.turn_to(at)
            stage.pay()
    hub.turn()


class _Hub:
    """Chalk City's hub, as `ladder sync` and the night's job work for it."""

    def __init__(self, stage: Stage, place: DemoPlace, store: Store, hall: DemoHall) -> None:
        self.hall = hall
        self._stage, self._store = stage, store
        _, code = stage.new_hall(HALL)
        cloud = enrol(place.box_at_rest.cloud, store, stage.address, code)
        self.device = cloud.device
        self._client = HubClient(cloud.address, None, cloud.signer)
        self._sync = CloudSync(store, self._client, hall.zone, LABEL, lambda: {"worst": "ok"})
        self._mono_s = (1e6 * number for number in count(1))
        with store.write() as conn:
            settle(conn, stage.now(), hall.zone)  # the first month is the one it is
        self.turn()

    def subscribe(self, ago: int, begins: datetime) -> None:
        """Who begins to pay in that month does so on one of its first days."""
        for at, person in _begin_to_pay(self.hall.plan.people, ago, begins):
            if at <= self.hall.now:
                self._stage.turn_to(at)
                self._stage.subscribe(self._client.post, self.hall.ids[person.name], person.name)

    def close(self, period: str) -> None:
        """The month is over: all of it is counted, and told as final."""
        now = self._stage.now()
        with self._store.write() as conn:
            settle(conn, now, self.hall.zone)
            if not waits_for(conn, period, now, self.hall.zone):
                make_final(conn, period, now)
        self.turn()

    def catch_up(self) -> None:
        """The month that goes on is counted up to now, and the last two weeks are told by days."""
        now = self.hall.now
        self._stage.turn_to(now)
        self._sync.note_days(now - timedelta(days=7))
        with self._store.write() as conn:
            settle(conn, now, self.hall.zone)
        self.turn()

    def turn(self) -> None:
        """Tells what is due, and hears how the hall stands."""
        self._sync.turn(next(self._mono_s), self._stage.now())


def _begin_to_pay(people: tuple[Person, ...], ago: int, begins: datetime) -> list[tuple[datetime, Person]]:
    """When in a month who subscribes, in order."""
    some = [one for one in people if one.subscribed_since == ago]
    first, last = SUBSCRIBE_DAYS
    return [
        (begins + timedelta(days=first + (last - first) * place / max(1, len(some)), hours=11 + place), one)
        for place, one in enumerate(some)
    ]


def _note(stage: Stage, hub: _Hub, others: Others) -> Note:
    """Has the sandbox tell the cloud of what happens from now on."""
    address = f"{stage.address}{WEBHOOK}"  # another one as soon as it is served
    made = stage.stripe.v1.webhook_endpoints.create({"url": address, "enabled_events": ["*"]})
    return Note(hub.device, others.silent, str(made.secret), str(made.id))
