"""Idempotency keys: the first answer is kept for a day of the sandbox's clock, and given again; a 500 too."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sync.sandbox.errors import ApiError
from sync.sandbox.store import Store
from sync.sandbox.times import DAY

LONGEST = 255


def asked(method: str, path: str, params: object) -> str:
    """What a key stands for: the address and the parameters, in whatever order they were sent."""
    text = json.dumps([method, path, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Keys:
    """The keys that are in use at this moment; the answers are in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._busy: set[str] = set()
        self._guard = threading.Lock()

    @contextmanager
    def held(self, key: str | None) -> Iterator[None]:
        """Raises ApiError while another request has the same key."""
        if key is None:
            yield
            return
        if not 0 < len(key) <= LONGEST:
            raise ApiError(
                400,
                "invalid_request_error",
                f"Idempotency-Key must be between 1 and {LONGEST} characters; this one has {len(key)}.",
            )
        with self._guard:
            if key in self._busy:
                raise in_use()
            self._busy.add(key)
        try:
            yield
        finally:
            with self._guard:
                self._busy.discard(key)

    def kept(self, key: str, what: str, now: int) -> tuple[int, str, str] | None:
        """Status, body and request of the first answer. Raises ApiError where the key stood for something else."""
        rows = self._store.rows("SELECT asked, status, body, request, at FROM answers WHERE key=?", (key,))
        if not rows or rows[0][4] <= now - DAY:
            return None
        before, status, body, request, _ = rows[0]
        if before != what:
            raise ApiError(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were first used "
                "with. Try "
                f"using a key other than '{key}' if you meant to execute a different request.",
            )
        return int(status), str(body), str(request)

    def keep(self, key: str, what: str, now: int, *, status: int, body: str, request: str) -> None:
        """Within the transaction of what was done."""
        self._store.rows("DELETE FROM answers WHERE at<=?", (now - DAY,))
        self._store.rows(
            "INSERT OR REPLACE INTO answers(key, asked, status, body, request, at) VALUES (?, ?, ?, ?, ?, ?)",
            (key, what, status, body, request, now),
        )


def in_use() -> ApiError:
    """Another request with the same key runs at this moment."""
    return ApiError(
        409,
        "idempotency_error",
        "There is currently another in-progress request using this Idempotent Key (that probably means you "
        "submitted "
        "twice, and the other request is still going through). Please try again later.",
        "idempotency_key_in_use",
        should_retry=True,
    )
