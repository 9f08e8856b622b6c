"""How a box comes into a hall: with a code that is read off the hub and typed here."""

import hmac
import secrets
import socket
import ssl

from edge.hall import keys
from edge.hall.certificate import fingerprint_of
from edge.hall.devices import Proof, clean_code
from edge.runtime.paths import Paths
from edge.store import changes
from edge.store.database import Store
from edge.store.replicas import BY_TABLE
from sync.hub_client import CONNECT_S, FAILURES, HubClient
from sync.hub_file import Hub, save_hub

HUB_PORT = 8444


class EnrolmentError(Exception):
    """This box is not taken in; the text says why and what to do."""


def enrol(paths: Paths, store: Store, address: str, typed: str, label: str) -> Hub:
    """Takes this box, that of the table of that label, into the hall of the hub at `address`.

    Its store must hold no players of its own: what two halls know can't be one. Raises EnrolmentError, DeviceError
    for what is no code, StoreError, OSError.
    """
    code = clean_code(typed)
    address = address if ":" in address else f"{address}:{HUB_PORT}"
    with store.read() as conn:
        device = str(conn.execute("SELECT device FROM identity").fetchone()["device"])
        known = changes.role_of(conn) == "table"
        if not known and conn.execute("SELECT 1 FROM players LIMIT 1").fetchone() is not None:
            raise EnrolmentError(
                "this box has players of its own, which are not the hall's: put its data aside"
                f" (mv {paths.data} {paths.data}.before) and enrol it with an empty directory"
            )
    proof = Proof(device, secrets.token_hex(16), fingerprint_at(address))
    client = HubClient(address, proof.fingerprint, None)
    try:
        told = client.post("/v1/enrol", {"device": device, "nonce": proof.nonce, "proof": proof.by(code, "box")})
    except FAILURES as error:
        raise EnrolmentError(str(error)) from error
    finally:
        client.close()
    if not hmac.compare_digest(proof.by(code, "hub"), str(told.get("proof", ""))):
        raise EnrolmentError("what answers does not know the code: it is not the hub, or somebody stands between")
    if told["table_label"] != label:
        raise EnrolmentError(
            f"the code is for {told['table_label']}, and this box is {label} by its settings: set label in [table]"
            f" of {paths.settings}, or have a code made for {label}"
        )
    hub = Hub(
        told["hall"], address, proof.fingerprint, device, told["table_label"], told["key_id"], told["key"],
        int(told["term"]),
    )  # fmt: skip
    keys.put_keys(paths.secrets, told["secrets"])
    save_hub(paths.hub, hub)
    with store.write() as conn:
        changes.begin_noting(conn, "table")
        # What was seen before is in line already, and refers to where it was seen.
        changes.mention(conn, BY_TABLE["sources"])
    return hub


def fingerprint_at(address: str) -> str:
    """The fingerprint of the certificate that is shown there. Raises EnrolmentError."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is the proof that tells who it is
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S) as plain,
            context.wrap_socket(plain) as line,
        ):
            shown = line.getpeercert(binary_form=True)
    except (OSError, ValueError) as error:
        raise EnrolmentError(f"no hub answers at {address}: is that its address, and does it run?") from error
    assert shown is not None
    return fingerprint_of(shown)
