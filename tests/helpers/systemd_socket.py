"""The end of systemd: a real datagram socket, and what arrives at it."""

import socket
from collections.abc import Callable
from pathlib import Path

from waiting import wait_until


class SystemdSocket:
    """What a service sends to $NOTIFY_SOCKET. `address` is as systemd writes it: an abstract name has an @."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.got: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)

    @classmethod
    def at(cls, folder: Path) -> "SystemdSocket":
        return cls(str(folder / "notify"))

    def messages(self) -> list[str]:
        """All that has come so far."""
        while True:
            try:
                self.got.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self.got

    def count(self, message: str) -> int:
        return self.messages().count(message)

    def wait_for(self, message: str, times: int = 1, told: Callable[[], object] = str) -> None:
        wait_until(lambda: self.count(message) >= times, lambda: (self.got, told()))

    def wait_for_status(self, words: str) -> None:
        wait_until(
            lambda: any(one.startswith("STATUS=") and words in one for one in self.messages()), lambda: self.got
        )

    def forget(self) -> None:
        self.messages()
        self.got.clear()

    def close(self) -> None:
        self._socket.close()
