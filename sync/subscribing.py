"""What a player at the kiosk wants of the cloud: to start a subscription, to look after it, to be known here
too."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from edge.runtime.paths import Paths
from edge.store.database import Store
from sync.cloud_link import CloudLinkError, load_cloud
from sync.hall_link import hear_hall
from sync.hub_client import FAILURES, HubClient
from sync.protocol import ProblemError

T = TypeVar("T")
Why = Literal["away", "refused", "subscribed", "wrong-code", "too-many", "no-plan", "no-cloud"]
_WHYS: dict[str, Why] = {
    "subscribed": "subscribed",
    "wrong-code": "wrong-code",
    "too-many-tries": "too-many",
    "no-plan": "no-plan",
    "no-stripe": "no-plan",
    "no-subscription": "no-plan",
    "stripe-refused": "refused",
}


class SubscribingError(Exception):
    """It can't be done now; `why` says which of a few things it is."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class Subscribing:
    """The cloud, for the players of this hall. Every method asks over the network, and raises SubscribingError."""

    def __init__(self, paths: Paths, client_of: Callable[..., HubClient] = HubClient) -> None:
        self._paths = paths
        self._client_of = client_of

    def start(self, player_id: str) -> str:
        """The address of a page at Stripe where a subscription is started; asked again, the same while it is
        open."""
        return str(self._ask("/v1/checkout", {"player": player_id})["url"])

    def portal(self, player_id: str) -> str:
        """The address of Stripe's page where a subscription is looked after."""
        return str(self._ask("/v1/portal", {"player": player_id})["url"])

    def link(self, player_id: str, code: str) -> None:
        """The player is the member of that code, who subscribed in another hall."""
        self._ask("/v1/member", {"player": player_id, "code": code})

    def hear(self, store: Store) -> bool:
        """Asks how the hall's subscriptions stand, sooner than `ladder sync` does; whether anything was new.

        Raises StoreError too.
        """
        return self._with(lambda client: hear_hall(store, client, datetime.now(UTC)))

    def _ask(self, path: str, said: dict[str, Any]) -> dict[str, Any]:
        return self._with(lambda client: client.post(path, said))

    def _with(self, ask: Callable[[HubClient], T]) -> T:
        try:
            cloud = load_cloud(self._paths.cloud)
        except CloudLinkError as error:
            raise SubscribingError("no-cloud") from error
        if cloud is None:
            raise SubscribingError("no-cloud")
        client = self._client_of(cloud.address, None, cloud.signer)
        try:
            return ask(client)
        except ProblemError as problem:
            raise SubscribingError(_WHYS.get(problem.slug, "away")) from problem
        except FAILURES as error:
            raise SubscribingError("away") from error
        finally:
            client.close()
