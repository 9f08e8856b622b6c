"""An application over real HTTPS, in threads of this process."""

import threading
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from edge.hall.certificate import Certificate


class Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


class HttpsServer:
    """Serves until it is closed, at a port of its own or the one that is asked for."""

    def __init__(self, app: Any, certificate: Certificate, port: int = 0) -> None:
        self._server = make_server(
            "127.0.0.1", port, app, threaded=True, ssl_context=certificate.context(), request_handler=Quiet
        )
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
