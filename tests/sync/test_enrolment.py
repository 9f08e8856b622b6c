"""A box comes into a hall: with a code, with the certificate that it sees, with nothing of its own, and once."""

import json
import logging
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fresh_store import fresh_store
from hall_of_boxes import HubBox, TableBox, another_keeps_the_copy
from https_server import HttpsServer
from werkzeug.wrappers import Request, Response

from edge.hall import devices
from edge.hall.certificate import load_certificate
from edge.hall.devices import DeviceError, clean_code, shown_code
from edge.hall.keys import load_keys
from edge.hall.players import sign_up
from edge.runtime.paths import Paths
from edge.store import changes
from edge.store.database import Store
from sync.enrolment import EnrolmentError, enrol, fingerprint_at
from sync.hub_client import HubClient, OutOfReachError
from sync.hub_file import HubFileError, load_hub, save_hub, with_key
from sync.protocol import ProblemError
from sync.table_service import TableService


@pytest.fixture
def box(tmp_path: Path) -> Iterator[tuple[Paths, Store]]:
    paths = Paths(tmp_path / "box", tmp_path / "box" / "run")
    fresh_store(paths.store)
    with Store(paths.store) as store:
        yield paths, store


def test_an_enrolled_box_knows_its_hub_and_the_halls_keys(hub: HubBox, box: tuple[Paths, Store]) -> None:
    paths, store = box
    typed = shown_code(hub.code("Table 3")).lower().replace("-", " ")
    found = enrol(paths, store, hub.address, typed, "Table 3")
    assert (found.hall, found.address, found.table_label, found.term) == ("Chalk City", hub.address, "Table 3", 1)
    assert found.fingerprint == hub.certificate.fingerprint == fingerprint_at(hub.address)
    assert load_hub(paths.hub) == found
    assert stat.S_IMODE(paths.hub.stat().st_mode) == 0o600
    assert load_keys(paths.secrets) == load_keys(hub.paths.secrets)
    with store.read() as conn, hub.store.read() as there:
        assert (changes.role_of(conn), changes.is_noting(conn)) == ("table", True)
        assert (changes.role_of(there), changes.is_noting(there)) == ("hub", True)


def test_a_wrong_code_is_said_and_changes_nothing(hub: HubBox, box: tuple[Paths, Store]) -> None:
    paths, store = box
    hub.code("Table 3")
    with pytest.raises(EnrolmentError, match="No code that is out fits"):
        enrol(paths, store, hub.address, "ABCD-EFGH-JKLM", "Table 3")
    assert load_hub(paths.hub) is None
    assert not paths.secrets.exists()
    with store.read() as conn:
        assert changes.role_of(conn) == "hub"


@pytest.mark.parametrize("typed", ["", "ABC", "ABCD-EFGH-JKL", "ABCD-EFGH-JKLMN", "ABCD-EFGH-JKÄM", "0" * 12])
def test_what_can_be_no_code_never_leaves_the_box(hub: HubBox, box: tuple[Paths, Store], typed: str) -> None:
    with pytest.raises(DeviceError):
        enrol(*box, hub.address, typed, "Table 3")


def test_a_code_is_read_however_it_is_typed() -> None:
    code = "".join(devices.CODE_CHARS[i] for i in (0, 5, 9, 13, 20, 31, 2, 7, 11, 17, 23, 29))
    for typed in (code, shown_code(code), code.lower(), f"  {shown_code(code)}\n", " ".join(code)):
        assert clean_code(typed) == code


def test_a_code_is_for_the_table_it_was_made_for(hub: HubBox, box: tuple[Paths, Store]) -> None:
    with pytest.raises(EnrolmentError, match="the code is for Table 5, and this box is Table 3"):
        enrol(*box, hub.address, hub.code("Table 5"), "Table 3")
    assert load_hub(box[0].hub) is None


def test_a_box_with_players_of_its_own_is_not_taken_in(hub: HubBox, box: tuple[Paths, Store]) -> None:
    paths, store = box
    with store.write() as conn:
        sign_up(conn, "Ana", "2026-01-01T00:00:00.000Z")
    with pytest.raises(EnrolmentError, match="players of its own"):
        enrol(paths, store, hub.address, hub.code("Table 3"), "Table 3")


def test_where_no_hub_is_it_is_said(box: tuple[Paths, Store]) -> None:
    for address in ("127.0.0.1:1", "127.0.0.1:nothing"):
        with pytest.raises(EnrolmentError, match="no hub answers"):
            enrol(*box, address, "ABCDEFGHJKLM", "Table 3")


class Impostor:
    """Stands between a box and its hub, with a certificate of its own, and hands on what it hears."""

    def __init__(self, folder: Path, hub: HubBox, *, answers: dict[str, Any] | None = None) -> None:
        self.heard: list[bytes] = []
        certificate = load_certificate(folder / "impostor.pem", [], [], datetime.now(UTC))

        @Request.application
        def app(request: Request) -> Response:
            self.heard.append(request.get_data())
            if answers is not None:
                return Response(json.dumps(answers), content_type="application/json")
            client = HubClient(hub.address, fingerprint_at(hub.address), None)
            try:
                said = client.post(request.path, json.loads(self.heard[-1]))
            except ProblemError as problem:
                return Response(
                    json.dumps(problem.body()), problem.status, content_type="application/problem+json"
                )
            finally:
                client.close()
            return Response(json.dumps(said), content_type="application/json")

        server = HttpsServer(app, certificate)
        self.address, self.close = server.address, server.close


def test_who_stands_between_learns_nothing_and_is_found_out(
    tmp_path: Path, hub: HubBox, box: tuple[Paths, Store]
) -> None:
    between = Impostor(tmp_path, hub)
    code = hub.code("Table 3")
    with pytest.raises(EnrolmentError, match="No code that is out fits"):
        enrol(*box, between.address, code, "Table 3")
    between.close()
    assert not any(code.encode() in heard for heard in between.heard)
    with hub.store.read() as conn:
        assert devices.devices(conn) == []


def test_who_pretends_to_be_the_hub_is_found_out(tmp_path: Path, hub: HubBox, box: tuple[Paths, Store]) -> None:
    told = {
        "proof": "0" * 64,
        "hall": "x",
        "table_label": "Table 3",
        "key_id": "k",
        "key": "00",
        "secrets": {},
        "term": 1,
    }
    for answers in (told, {}, {**told, "proof": None}):
        pretender = Impostor(tmp_path, hub, answers=answers)
        with pytest.raises(EnrolmentError, match="it is not the hub"):
            enrol(*box, pretender.address, "ABCDEFGHJKLM", "Table 3")
        pretender.close()
    assert load_hub(box[0].hub) is None


def test_another_certificate_at_the_hubs_address_is_not_spoken_to(tmp_path: Path, hub: HubBox) -> None:
    table = TableBox(tmp_path / "three", hub, "Table 3")
    between = Impostor(tmp_path, hub)
    client = HubClient(between.address, table.hub.fingerprint, table.hub.signer)
    with pytest.raises(OutOfReachError, match="another certificate"):
        client.post("/v1/hello", {})
    assert between.heard == []
    client.close()
    between.close()
    table.close()


def test_the_same_box_is_enrolled_again_and_goes_on(tmp_path: Path, hub: HubBox) -> None:
    table = TableBox(tmp_path / "three", hub, "Table 3")
    with hub.store.write() as conn:
        sign_up(conn, "Ana", "2026-01-01T00:00:00.000Z")
    table.sync.once()
    again = enrol(table.paths, table.store, hub.address, hub.code("Table 3"), "Table 3")
    assert (again.device, again.key_id != table.hub.key_id) == (table.hub.device, True)
    with pytest.raises(ProblemError, match="enrol it anew"):
        table.sync.hello()
    another_keeps_the_copy(hub)
    service = TableService(table.paths, table.store)
    service.turn(0.0)
    assert service.status == "the hub has all"
    table.close()


def test_a_box_has_a_new_key_now_and_then_and_its_old_one_is_good_no_more(
    tmp_path: Path, hub: HubBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = TableBox(tmp_path / "three", hub, "Table 3")
    another_keeps_the_copy(hub)
    service = TableService(table.paths, table.store)
    service.turn(0.0)
    first = load_hub(table.paths.hub)
    monkeypatch.setattr("sync.table_service.KEY_LASTS_S", -1.0)
    service.turn(100.0)
    monkeypatch.setattr("sync.table_service.KEY_LASTS_S", 1e9)
    second = load_hub(table.paths.hub)
    assert first is not None
    assert second is not None
    assert (second.key_id != first.key_id, second.key != first.key) == (True, True)
    service.turn(200.0)
    assert service.status == "the hub has all"
    with pytest.raises(ProblemError, match="enrol it anew"):
        table.sync.hello()
    table.close()


def test_a_box_that_was_removed_is_told_so_and_keeps_what_it_has(tmp_path: Path, hub: HubBox) -> None:
    table = TableBox(tmp_path / "three", hub, "Table 3")
    with hub.store.write() as conn:
        sign_up(conn, "Ana", "2026-01-01T00:00:00.000Z")
    service = TableService(table.paths, table.store)
    service.turn(0.0)
    with hub.store.write() as conn:
        assert devices.remove_device(conn, table.hub.device, None, datetime.now(UTC))
        assert not devices.remove_device(conn, table.hub.device, None, datetime.now(UTC))
    service.turn(1.0)
    assert "not enrolled here" in service.status
    with table.store.read() as conn:
        assert conn.execute("SELECT count(*) FROM players").fetchone()[0] == 1
    table.close()


def test_what_a_box_knows_of_its_hub_is_read_or_said_to_be_unreadable(tmp_path: Path, hub: HubBox) -> None:
    table = TableBox(tmp_path / "three", hub, "Table 3")
    path = tmp_path / "hub.json"
    assert load_hub(path) is None
    save_hub(path, with_key(table.hub, "other", "ab"))
    found = load_hub(path)
    assert found is not None
    assert (found.key_id, found.key, found.device) == ("other", "ab", table.hub.device)
    whole = json.loads(path.read_text())
    for text in ("", "[]", "{", json.dumps({**whole, "more": 1}), json.dumps({"schema": 1})):
        path.write_text(text)
        with pytest.raises(HubFileError, match=r"names no hub|newer version"):
            load_hub(path)
    path.write_text(json.dumps({**whole, "schema": 2}))
    with pytest.raises(HubFileError, match="newer version"):
        load_hub(path)
    table.close()


def test_no_secret_of_a_box_is_written_down(
    tmp_path: Path, hub: HubBox, box: tuple[Paths, Store], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    code = hub.code("Table 3")
    paths, store = box
    found = enrol(paths, store, hub.address, code, "Table 3")
    service = TableService(paths, store)
    service.turn(0.0)
    hub.stop()
    service.turn(1.0)
    hub.start()
    save_hub(paths.hub, with_key(found, found.key_id, "00" * 32))
    service.turn(2.0)
    said = "\n".join(record.getMessage() + (record.exc_text or "") for record in caplog.records) + repr(found)
    assert "is enrolled" in said
    for word in (code, shown_code(code), found.key, "00" * 32, *json.loads(paths.secrets.read_text()).values()):
        assert str(word) == "1" or str(word) not in said
