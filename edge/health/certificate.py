"""Whether HTTPS, which the counter needs, has a certificate that holds. Its repair makes the file private."""

import json
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.clock import from_stamp
from edge.hall.certificate import RENEWED_BEFORE_END
from edge.health.check import SELDOM_S, Check, Finding, Scene
from edge.health.secrets import PRIVATE, make_private

WARN = timedelta(days=21)  # of a hall's own certificate, which nobody but the hall renews
_AWAY = "Move it away to have a new one made, or put your own right; then start the kiosk again."


def look(scene: Scene) -> Finding:
    path = scene.paths.certificate
    if scene.settings.kiosk.secure_port == 0:
        return Finding("ok", "The settings want no HTTPS.")
    try:
        mode, text = stat.S_IMODE(path.stat().st_mode), path.read_text(encoding="ascii", errors="replace")
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
    except FileNotFoundError:
        return Finding("ok", f"{path.name} is not there yet; the kiosk makes it when it first starts.")
    except OSError as error:
        is_none = isinstance(error, ssl.SSLError)
        why = "holds no certificate with its key" if is_none else f"can't be read ({error.strerror})"
        return Finding("bad", f"{path.name} {why}: there is no HTTPS.", _AWAY)
    found = _by_its_end(path, text, scene.now)
    if found.state == "ok" and mode & ~PRIVATE:
        advice = "Keep it to the box's own user."
        return Finding("warn", f"Other users of this machine can read {path.name}.", advice, f"chmod 600 {path}")
    return found


def mend(scene: Scene) -> str | None:
    return make_private(scene.paths.certificate)


def _by_its_end(path: Path, content: str, now: datetime) -> Finding:
    own = content.startswith("{")
    ends = _end_of_own(content) if own else _end_of_other(content)
    if ends is None:
        return Finding("bad", f"{path.name} does not tell when it ends.", _AWAY)
    advice = "Start the kiosk again, which makes a new one." if own else f"Put a new one into {path}."
    text = f"The certificate for HTTPS holds until {ends:%Y-%m-%d}."
    if ends <= now:
        return Finding("bad", f"The certificate for HTTPS ended on {ends:%Y-%m-%d}.", advice)
    if ends - now < (RENEWED_BEFORE_END if own else WARN):
        return Finding("warn", text, advice)
    return Finding("ok", text)


def _end_of_own(text: str) -> datetime | None:
    """As its first line says."""
    try:
        return from_stamp(json.loads(text.partition("\n")[0])["ends"])
    except (ValueError, KeyError, TypeError):
        return None


def _end_of_other(text: str) -> datetime | None:
    """As the first certificate says: the server's own."""
    from cryptography import x509  # noqa: PLC0415 (10 MB, for a hall with a certificate of its own)

    try:
        found = x509.load_pem_x509_certificates(text.encode("ascii", "replace"))
    except ValueError:
        return None
    return found[0].not_valid_after_utc.astimezone(UTC) if found else None


CHECK = Check("certificate", look, mend, SELDOM_S)
