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


def test_what_it_refuses(leshan, device):
    asked = ["ep=x", "lt=60", "lwm2m=1.1"]
    assert device.request(POST, "/rd", asked, b"</3/0>", LINKS, type=NON).text == "4.00"
    assert device.request(POST, "/rd", asked[1:], b"</3/0>", LINKS).text == "4.00"
    assert device.request(POST, "/rd/nobody").text == "4.04"
    assert leshan.clients() == []


def test_a_definition_of_ours(leshan, device):
    """What an instance of the test object holds in TLV has the types that its definition gives."""
    device.register("</3442/0>")
    device.values["/3442/0"] = (TLV, tlv(0xC1, 110, b"x") + tlv(0xC1, 120, b"\x07")
                                    + tlv(0xC1, 140, b"\x01") + tlv(0xC2, 150, b"\0\xff")
                                    + tlv(0xC4, 170, bytes.fromhex("00030001")))
    content = leshan.read(device.endpoint, "/3442/0", "TLV")["content"]
    assert {r["id"]: r["value"] for r in content["resources"]} == {
        110: "x", 120: 7, 140: True, 150: "00ff", 170: {"objectId": 3, "objectInstanceId": 1}}


def test_dtls_without_rfc_5746(leshan, drive):
    """This Leshan's DTLS does not know secure renegotiation: no client of ours goes on with it."""
    drive.config(kind="dtls", **psk())
    drive.new("dtls")
    # Mbed TLS does not tell this from other messages that it dislikes
    status = "LN_BAD_PEER" if drive.backend == "mbedtls" else "LN_DENIED"
    drive.connect(leshan.coaps_port, "127.0.0.1", expect=status)
    if drive.backend != "mbedtls":
        assert drive.diag().category == "legacy_server"


def test_probe_of_a_legacy_server(leshan):
    leshan.add_psk("probed", PSK_ID, PSK_KEY)
    uri = f"coaps://127.0.0.1:{leshan.coaps_port}"
    options = ["--psk-identity", PSK_ID, "--psk-key", PSK_KEY]
    refused = probe(uri, *options)
    assert refused.status == exit_status("legacy_server"), refused.out
    assert probe(uri, *options, "--insecure-legacy-server").status == 0
    leshan.remove_security("probed")


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
