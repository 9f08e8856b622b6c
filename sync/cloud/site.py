"""Where the cloud is found, and what is believed of a request: its host, its scheme, where it came from."""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sync.protocol import cloud_address

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
FORWARDED = "ladder.forwarded"

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Site:
    """`address` is how halls and owners reach the cloud, written as `cloud_address` writes it; `proxies` are those
    whose word on a request's scheme and origin is taken."""

    address: str
    proxies: tuple[Network, ...] = ()

    @property
    def secure(self) -> bool:
        return self.address.startswith("https:")

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine itself can reach it by its address."""
        return self.host.rsplit(":", 1)[0] in LOOPBACK or self.host in LOOPBACK

    def knows(self, host: str) -> bool:
        """Whether a request for that host is for us. A page elsewhere can give its own name our address."""
        return host.lower() == self.host or _without_port(host.lower()) in LOOPBACK


def parse_proxies(texts: Iterable[str]) -> tuple[Network, ...]:
    """Raises ValueError for what is neither an address nor a network."""
    return tuple(ipaddress.ip_network(text.strip()) for text in texts)


def parse_site(address: str, proxies: Iterable[str] = ()) -> Site:
    """Raises ValueError."""
    return Site(cloud_address(address), parse_proxies(proxies))


class BehindProxy:
    """Takes the word of the proxies that are named, and of nobody else, for where a request came from and how."""

    def __init__(self, app: WsgiApp, site: Site) -> None:
        self._app = app
        self._site = site

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        said_proto = environ.pop("HTTP_X_FORWARDED_PROTO", "")
        said_for = environ.pop("HTTP_X_FORWARDED_FOR", "")
        if self._is_proxy(environ.get("REMOTE_ADDR", "")):
            environ[FORWARDED] = bool(said_for or said_proto)
            if said_proto.strip().lower() in ("http", "https"):
                environ["wsgi.url_scheme"] = said_proto.strip().lower()
            last = said_for.rsplit(",", 1)[-1].strip()  # what the proxy itself has seen; the others are hearsay
            if _is_address(last):
                environ["REMOTE_ADDR"] = last
        return self._app(environ, start_response)

    def _is_proxy(self, address: str) -> bool:
        return _is_address(address) and any(
            ipaddress.ip_address(address) in network for network in self._site.proxies
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() and not name.endswith(":") else host
