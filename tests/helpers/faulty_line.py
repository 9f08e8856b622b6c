"""A line between a table and its hub on which everything goes wrong that can: seeded, and healed when it is
told."""

import random
from collections.abc import Callable

import requests

from sync.hub_client import HubClient, OutOfReachError
from sync.hub_file import Hub
from sync.protocol import ProblemError

FAULTS = ("request lost", "answer lost", "twice", "cut off", "an old one again", "an old one again after")


class FaultyClient(HubClient):
    """A client whose requests are lost, come twice, late, or cut off; whose answers are lost. `rate` is how many
    of them are hit; `happened` counts what befell them."""

    def __init__(self, hub: Hub, chance: random.Random, rate: float) -> None:
        super().__init__(hub.address, hub.fingerprint, hub.signer)
        self.rate = rate
        self.happened: dict[str, int] = {}
        self._chance = chance
        self._sent: list[tuple[str, bytes, dict[str, str]]] = []

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        fine: tuple[int, ...] = (200,),
        stream: bool = False,
    ) -> requests.Response:
        def send(how: Callable[[], None] | None = None) -> requests.Response:
            if how is not None:
                how()
            return super(FaultyClient, self).send(method, path, body, headers, fine=fine, stream=stream)

        fault = self._chance.choice(FAULTS) if self._chance.random() < self.rate else ""
        if path == "/v1/facts":
            self._sent.append((path, body, dict(headers or {})))
        self.happened[fault] = self.happened.get(fault, 0) + 1
        if fault == "request lost":
            raise OutOfReachError("the request was lost")
        if fault == "cut off":
            if body:
                self._again(path, body[: self._chance.randrange(len(body))], dict(headers or {}))
            raise OutOfReachError("the request was cut off")
        if fault == "twice":
            send()
        if fault == "an old one again":
            self._an_old_one()
        answer = send()
        if fault == "answer lost":
            answer.close()
            raise OutOfReachError("the answer was lost")
        if fault == "an old one again after":
            self._an_old_one()
        return answer

    def _an_old_one(self) -> None:
        if self._sent:
            self._again(*self._chance.choice(self._sent))

    def _again(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        try:
            super().send("POST", path, body, headers, fine=(200, 409))
        except (ProblemError, OutOfReachError):
            return
