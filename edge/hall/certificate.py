"""The box's own certificate for HTTPS, in one file with its key, which only the box's own user reads.

No authority vouches for a box in a hall's network, so it vouches for itself, and whoever sits down at the counter
compares the fingerprint once. That is why it is made anew as seldom as can be: when the box goes by a name that it
lacks, and when it ends. An address that the network hands out is noted as it is made, and missed by nobody later:
a browser asks once more at a new address anyway.

The file's first line says what it was made for. Without that line it is a certificate of the hall's, and is left
alone.
"""

import hashlib
import ipaddress
import json
import logging
import os
import re
import ssl
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from calibration.whole_file import replace_file
from edge.clock import from_stamp, stamp

log = logging.getLogger(__name__)

LASTS = timedelta(days=3653)
# A box without a clock of its own may believe that it is yesterday, or 1970: nobody is to see a certificate of
# tomorrow, nor one that ended before this program was written.
BEGINS_BEFORE = timedelta(days=366)
NOT_BEFORE_THIS = datetime(2026, 1, 1, tzinfo=UTC)
RENEWED_BEFORE_END = timedelta(days=30)

_PRIVATE = stat.S_IRUSR | stat.S_IWUSR
_FIRST = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*")


class CertificateError(Exception):
    """There is no HTTPS; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key in one file. `fingerprint` is the SHA-256 that browsers show, `3F:0A:…`."""

    path: Path
    fingerprint: str

    def context(self) -> ssl.SSLContext:
        """For a server. Raises CertificateError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.path)
        except OSError as error:  # ssl.SSLError is one
            raise CertificateError(_unusable(self.path)) from error
        return context


def load_certificate(path: Path, names: Iterable[str], also: Iterable[str], now: datetime) -> Certificate:
    """The certificate in that file; made anew where it lacks one of `names` or ends soon.

    `also` are addresses that a new one is good for. Raises CertificateError.
    """
    wanted = {name for name in (one.lower() for one in names) if _is_name(name) or _is_address(name)}
    try:
        text = _read(path)
        if text is None or _is_over(text, wanted, now):
            _make(path, wanted | {address for address in also if _is_address(address)}, now)
            text = _read(path)
    except OSError as error:
        raise CertificateError(f"{path} can't be used: {error.strerror or error}") from error
    found = _FIRST.search(text or "")
    try:
        der = ssl.PEM_cert_to_DER_cert(found[0]) if found else b""
    except ValueError:
        der = b""
    if not der:
        raise CertificateError(_unusable(path))
    return Certificate(path, fingerprint_of(der))


def fingerprint_of(der: bytes) -> str:
    """The SHA-256 of a certificate as browsers show it: `3F:0A:…`."""
    return hashlib.sha256(der).digest().hex(":").upper()


def _unusable(path: Path) -> str:
    return f"{path} holds no certificate with its key: move it away to have a new one made"


def _is_over(text: str, wanted: set[str], now: datetime) -> bool:
    """Whether a certificate of the box's own is to be made anew."""
    first = text.partition("\n")[0]
    if not first.startswith("{"):
        return False  # the hall's own
    try:
        made: dict[str, Any] = json.loads(first)
        return not wanted <= set(made["names"]) or from_stamp(made["ends"]) - now < RENEWED_BEFORE_END
    except (ValueError, KeyError, TypeError):
        return True


def _make(path: Path, names: set[str], now: datetime) -> None:
    begins = max(now, NOT_BEFORE_THIS)
    ends = begins + LASTS
    pem = _signed(sorted(names), begins - BEGINS_BEFORE, ends)
    head = json.dumps({"schema": 1, "names": sorted(names), "ends": stamp(ends)})
    replace_file(path, head.encode() + b"\n" + pem, durable=True, private=True)
    log.info("a new certificate was made in %s", path)


def _signed(names: list[str], begins: datetime, ends: datetime) -> bytes:
    """A new key and its certificate, signed by itself: good for a server of these names, and for nothing else."""
    # Some 10 MB that a kiosk needs once in ten years.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Action Ladder")])
    addressed = [
        x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name) for name in names
    ]
    uses = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number(), begins, ends)
        .add_extension(x509.SubjectAlternativeName(addressed), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(uses, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)


def _read(path: Path) -> str | None:
    """What is in the file, or None when there is none. One that others may read is made private."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with open(descriptor, encoding="ascii", errors="replace") as file:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & ~_PRIVATE:
            with suppress(PermissionError):  # the hall's own may belong to somebody else
                os.fchmod(descriptor, _PRIVATE)
                log.warning("%s could be read by other users of this machine; it is private now", path)
        return file.read()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_name(name: str) -> bool:
    return len(name) <= 253 and _NAME.fullmatch(name) is not None
