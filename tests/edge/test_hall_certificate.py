"""The box's certificate: private, good for the names it goes by, and made anew as seldom as can be."""

import hashlib
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.hall.certificate import Certificate, CertificateError, load_certificate

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
NAMES, ADDRESSES = ("localhost", "Box", "box.local"), ("127.0.0.1", "::1", "192.168.1.5")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "https.pem"


def load(file: Path, *more: str, now: datetime = NOW, also: tuple[str, ...] = ADDRESSES) -> Certificate:
    return load_certificate(file, (*NAMES, *more), also, now)


def parsed(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(file.read_bytes())[0]


def test_it_is_good_for_a_server_of_its_names_and_for_nothing_else(file: Path) -> None:
    load(file, "pool.example", "192.168.1.9")
    made = parsed(file)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "box", "box.local", "pool.example"}
    assert {str(ip) for ip in names.get_values_for_type(x509.IPAddress)} == {*ADDRESSES, "192.168.1.9"}
    uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    key = made.public_key()
    assert isinstance(key, EllipticCurvePublicKey)
    assert isinstance(key.curve, SECP256R1)
    made.verify_directly_issued_by(made)


def test_it_is_made_once_and_its_fingerprint_is_what_browsers_show(file: Path) -> None:
    made = load(file)
    der = ssl.PEM_cert_to_DER_cert(file.read_text("ascii").partition("-----END PRIVATE KEY-----\n")[2])
    assert made.fingerprint.replace(":", "").lower() == hashlib.sha256(der).hexdigest()
    assert len(made.fingerprint.split(":")) == 32
    assert load(file) == made


def test_only_the_owner_may_read_it(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = load(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    assert load(file) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "could be read by other users" in caplog.text


def test_it_is_made_anew_for_a_new_name_and_not_for_a_new_address(file: Path) -> None:
    made = load(file)
    assert load(file, also=("127.0.0.1", "10.0.0.7")) == made
    anew = load(file, "pool.example")
    assert anew != made
    assert load(file, "pool.example") == anew
    assert load(file) == anew, "it is good for more than is asked"


@pytest.mark.parametrize(("days", "stays"), [(3600, True), (3640, False), (9000, False), (-20_000, True)])
def test_it_is_made_anew_before_its_end_and_for_no_clock_that_fell_back(
    file: Path, days: int, stays: bool
) -> None:
    made = load(file)
    assert (load(file, now=NOW + timedelta(days=days)) == made) == stays


@pytest.mark.parametrize("now", [NOW, datetime(1970, 1, 1, tzinfo=UTC), datetime(2031, 5, 1, tzinfo=UTC)])
def test_whatever_the_clock_said_it_is_good_for_years(file: Path, now: datetime) -> None:
    load(file, now=now)
    made = parsed(file)
    really = max(now, datetime(2026, 1, 1, tzinfo=UTC))
    assert made.not_valid_before_utc < really - timedelta(days=300)
    assert made.not_valid_after_utc > really + timedelta(days=3600)


def test_names_that_no_certificate_takes_are_left_out(file: Path) -> None:
    made = load_certificate(file, ("localhost", "", "ä", "a b", "x" * 64, "*", "-a"), ("", "no address"), NOW)
    names = parsed(file).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["localhost"]
    assert load_certificate(file, ("localhost", "ä"), (), NOW) == made


def test_the_halls_own_is_left_alone(file: Path, tmp_path: Path) -> None:
    load(tmp_path / "other.pem")
    own = (tmp_path / "other.pem").read_text().partition("\n")[2]
    file.write_text(own)
    file.chmod(0o600)
    found = load(file, "pool.example", now=NOW + timedelta(days=9000))
    assert file.read_text() == own
    found.context()


def test_one_that_was_cut_short_is_made_anew_and_no_power_cut_stands_in_the_way(file: Path) -> None:
    file.write_text('{"schema": 1, "names": [')
    file.with_name(file.name + ".part").write_text("half")
    load(file).context()


@pytest.mark.parametrize(
    "content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_said(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(CertificateError, match="move it away"):
        load(file).context()


def test_a_certificate_without_its_key_is_said(file: Path) -> None:
    load(file)
    file.write_text(file.read_text().partition("-----END PRIVATE KEY-----\n")[2])
    with pytest.raises(CertificateError, match="move it away"):
        load(file).context()


def test_a_directory_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="can't be used"):
        load(tmp_path / "none" / "https.pem")
