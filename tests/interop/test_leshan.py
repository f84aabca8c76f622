# SPDX-License-Identifier: Apache-2.0
"""Leshan and what drives it, proven with a device that cannot be misunderstood: one of our tests."""

import minidevice
import pytest
from drive import exit_status, file, probe, psk
from leshan import Refused
from minidevice import (ACCEPT, CON, CONTENT_FORMAT, DELETE, GET, LINKS, NON, OBSERVE, POST, PUT, RST,
                        TEXT, TLV)
from peers import PSK_ID, PSK_KEY

MODEL = (TEXT, b"a small one")


def tlv(kind, identifier, value):
    """`kind` with its length in it; identifiers and values here are that short."""
    return bytes([kind, identifier]) + value


@pytest.fixture(name="device")
def fixture_device(leshan, request):
    # a name of its own for each test: the server keeps what earlier tests left
    with minidevice.Device(leshan.coap_port, request.node.name) as device:
        yield device
        if device.location:
            device.deregister()


@pytest.fixture(name="registered")
def fixture_registered(leshan, device):
    device.register()
    leshan.events.wait("REGISTRATION", device.endpoint)
    return device


def test_nobody_is_registered(leshan):
    assert leshan.clients() == []


def test_life_of_a_registration(leshan, device):
    device.register("</>;rt=\"oma.lwm2m\",</1>;ver=1.1,</1/0>,</3/0>", lifetime=77)
    event = leshan.events.wait("REGISTRATION", device.endpoint)
    assert event.data["lifetime"] == 77
    client = leshan.client(device.endpoint)
    assert (client["lwM2mVersion"], client["secure"]) == ("1.1", False)
    assert [link["url"] for link in client["objectLinks"]] == ["/", "/1", "/1/0", "/3/0"]
    assert client["address"] == f"127.0.0.1:{device.link.local_port}"

    device.update(["lt=99"])
    event = leshan.events.wait("UPDATED", device.endpoint)
    assert event.data["registration"]["lifetime"] == 99
    assert [c["endpoint"] for c in leshan.clients()] == [device.endpoint]

    device.deregister()
    leshan.events.wait("DEREGISTRATION", device.endpoint)
    device.location = None
    assert leshan.clients() == []
    with pytest.raises(Refused) as refusal:
        leshan.client(device.endpoint)
    assert refusal.value.status == 400


def test_what_it_refuses(leshan, device):
    asked = ["ep=x", "lt=60", "lwm2m=1.1"]
    assert device.request(POST, "/rd", asked, b"</3/0>", LINKS, type=NON).text == "4.00"
    assert device.request(POST, "/rd", asked[1:], b"</3/0>", LINKS).text == "4.00"
    assert device.request(POST, "/rd/nobody").text == "4.04"
    assert leshan.clients() == []


def test_read(leshan, registered):
    registered.values["/3/0/1"] = MODEL
    answer = leshan.read(registered.endpoint, "/3/0/1", "TEXT")
    assert answer["status"] == "CONTENT(205)" and answer["success"] is True
    assert answer["content"] == {"id": 1, "value": "a small one"}
    assert registered.requests(GET, "/3/0/1")[0].number(ACCEPT) == TEXT
    assert leshan.read(registered.endpoint, "/3/0/2")["status"] == "NOT_FOUND(404)"

    registered.values["/1/0"] = (TLV, bytes.fromhex("c10065c40100015180c10601"))
    content = leshan.read(registered.endpoint, "/1/0", "TLV")["content"]
    assert {r["id"]: r["value"] for r in content["resources"]} == {0: 101, 1: 86400, 6: True}


def test_a_definition_of_ours(leshan, device):
    """What an instance of the test object holds in TLV has the types that its definition gives."""
    device.register("</3442/0>")
    device.values["/3442/0"] = (TLV, tlv(0xC1, 110, b"x") + tlv(0xC1, 120, b"\x07")
                                    + tlv(0xC1, 140, b"\x01") + tlv(0xC2, 150, b"\0\xff")
                                    + tlv(0xC4, 170, bytes.fromhex("00030001")))
    content = leshan.read(device.endpoint, "/3442/0", "TLV")["content"]
    assert {r["id"]: r["value"] for r in content["resources"]} == {
        110: "x", 120: 7, 140: True, 150: "00ff", 170: {"objectId": 3, "objectInstanceId": 1}}


def test_write_both_ways(leshan, registered):
    endpoint = registered.endpoint
    assert leshan.write(endpoint, "/1/0/1", {"id": 1, "value": 60},
                        format="TLV")["status"] == "CHANGED(204)"
    request, = registered.requests(PUT, "/1/0/1")
    assert (request.number(CONTENT_FORMAT), request.payload) == (TLV, bytes.fromhex("c1013c"))

    node = {"id": 0, "resources": [{"id": 1, "value": 61}, {"id": 6, "value": False}]}
    leshan.write(endpoint, "/1/0", node, replace=True)
    assert registered.requests(PUT, "/1/0")[0].payload == bytes.fromhex("c1013dc10600")
    leshan.write(endpoint, "/1/0", node, replace=False)
    assert registered.requests(POST, "/1/0")[0].payload == bytes.fromhex("c1013dc10600")


def test_write_attributes(leshan, registered):
    leshan.write_attributes(registered.endpoint, "/3/0", pmin=1, pmax=5)
    request, = registered.requests(PUT, "/3/0")
    assert sorted(request.query) == ["pmax=5", "pmin=1"]
    assert (request.number(CONTENT_FORMAT), request.payload) == (None, b"")


def test_execute(leshan, registered):
    assert leshan.execute(registered.endpoint, "/3/0/4")["status"] == "CHANGED(204)"
    assert leshan.execute(registered.endpoint, "/3/0/5", "0='a',1")["success"] is True
    assert registered.requests(POST, "/3/0/4")[0].payload == b""
    assert registered.requests(POST, "/3/0/5")[0].payload == b"0='a',1"


def test_create_and_delete(leshan, registered):
    answer = leshan.create(registered.endpoint, "/3303",
                           {"id": 5, "resources": [{"id": 5750, "value": "x"}]})
    assert answer["status"] == "CREATED(201)"
    assert registered.requests(POST, "/3303")[0].payload == bytes.fromhex("0405e1167678")
    assert leshan.create(registered.endpoint, "/3303",
                         {"resources": [{"id": 5750, "value": "x"}]})["location"] == "3303/7"
    assert leshan.delete(registered.endpoint, "/3303/5")["status"] == "DELETED(202)"
    assert len(registered.requests(DELETE, "/3303/5")) == 1


def test_discover(leshan, registered):
    registered.values["/3"] = (LINKS, b"</3>;pmin=10,</3/0>,</3/0/1>,</3/0/7>;dim=2")
    links = leshan.discover(registered.endpoint, "/3")["objectLinks"]
    assert [link["url"] for link in links] == ["/3", "/3/0", "/3/0/1", "/3/0/7"]
    assert links[3]["attributes"]["dim"] in (2, "2")
    assert registered.requests(GET, "/3")[0].number(ACCEPT) == LINKS


def test_observe_and_cancel(leshan, registered):
    endpoint = registered.endpoint
    registered.values["/3/0/9"] = (TEXT, b"95")
    assert leshan.observe(endpoint, "/3/0/9", "TEXT")["content"]["value"] == 95
    assert registered.requests(GET, "/3/0/9")[0].number(OBSERVE) == 0
    for kind, value in ((NON, b"94"), (CON, b"93")):
        mid = registered.notify("/3/0/9", value, kind)
        leshan.events.wait("NOTIFICATION", endpoint, lambda data, v=value: data["val"]["value"] == int(v))
    registered.wait(lambda m: m.mid == mid and m.type == minidevice.ACK)

    leshan.cancel(endpoint, "/3/0/9")
    mid = registered.notify("/3/0/9", b"92")
    registered.wait(lambda m: m.mid == mid and m.type == RST)
    values = [e.data["val"]["value"] for e in leshan.events.all("NOTIFICATION", endpoint)]
    assert values == [94, 93]


def test_a_device_that_does_not_answer(leshan, registered):
    registered.answer = lambda request: None
    with pytest.raises(Refused) as refusal:
        leshan.http("GET", f"/api/clients/{registered.endpoint}/3/0/1", timeout=1)
    assert refusal.value.status == 504
    registered.answer = registered.answer_from_values


def test_dtls_without_rfc_5746(leshan, drive):
    """This Leshan's DTLS does not know secure renegotiation: a client says so, and says what to do."""
    drive.config(kind="dtls", **psk())
    drive.new("dtls")
    drive.connect(leshan.coaps_port, "127.0.0.1", expect="LN_DENIED")
    assert drive.diag().category == "legacy_server"


def test_psk(leshan, drive):
    leshan.add_psk("keyed", PSK_ID, PSK_KEY)
    drive.config(kind="dtls", **psk(), suites=[0xC0A8], legacy_server=True)  # TLS_PSK_WITH_AES_128_CCM_8
    link = minidevice.SecureLink(drive, leshan.coaps_port)
    with minidevice.Device(0, "keyed", link) as device:
        device.register()
        assert leshan.client("keyed")["secure"] is True
        device.values["/3/0/1"] = MODEL
        assert leshan.read("keyed", "/3/0/1", "TEXT")["content"]["value"] == "a small one"
        device.deregister()
    leshan.remove_security("keyed")


def test_probe_of_a_legacy_server(leshan):
    leshan.add_psk("probed", PSK_ID, PSK_KEY)
    uri = f"coaps://127.0.0.1:{leshan.coaps_port}"
    options = ["--psk-identity", PSK_ID, "--psk-key", PSK_KEY]
    refused = probe(uri, *options)
    assert refused.status == exit_status("legacy_server"), refused.out
    assert probe(uri, *options, "--insecure-legacy-server").status == 0
    leshan.remove_security("probed")


def test_certificates(leshan, drive, pki):
    leshan.add_x509("client")  # the common name in client.pem
    drive.config(kind="dtls", trust=file(pki / "root.pem"), chain=file(pki / "client-chain.pem"),
                 key=file(pki / "client.key"), legacy_server=True,
                 suites=[0xC0AE])  # TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8
    link = minidevice.SecureLink(drive, leshan.coaps_port)
    with minidevice.Device(0, "client", link) as device:
        device.register()
        assert leshan.client("client")["secure"] is True
        device.deregister()
    leshan.remove_security("client")


def test_an_event_that_does_not_come(leshan):
    with pytest.raises(AssertionError, match="no UPDATED of nobody"):
        leshan.events.wait("UPDATED", "nobody", seconds=0.1)


def test_security_store(leshan, device):
    assert leshan.security() == {}
    leshan.add_psk("by-key", "id-1", "00112233")
    leshan.add_x509("by-certificate")
    entries = leshan.security()
    assert entries["by-key"]["psk"]["identity"] == "id-1"
    assert entries["by-certificate"]["x509"] is True
    with pytest.raises(Refused) as refusal:
        leshan.add_psk("another", "id-1", "44556677")  # an identity belongs to one endpoint
    assert refusal.value.status == 400
    leshan.add_psk(device.endpoint, "id-2", "8899")
    device.register(expect="4.03")  # its entry says that it must come secured
    for endpoint in ("by-key", "by-certificate", device.endpoint):
        leshan.remove_security(endpoint)
    assert leshan.security() == {}
    with pytest.raises(Refused) as refusal:
        leshan.remove_security("by-key")
    assert refusal.value.status == 404

