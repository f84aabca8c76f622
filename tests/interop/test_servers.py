# SPDX-License-Identifier: Apache-2.0
"""Leshan and linnet-lab through the driver that other tests use, and what each sends to a device.

The device is a test's own (minidevice.py), so that nothing of ours judges the servers.
"""

import minidevice
import pytest
from drive import file, psk
from minidevice import (ACCEPT, ACK, CON, CONTENT_FORMAT, DELETE, GET, LINKS, NON, OBSERVE, OPAQUE,
                        POST, PUT, RST, TEXT, TLV)
from peers import PSK_ID, PSK_KEY
from servers import Link, NoAnswer, Time


@pytest.fixture(name="device")
def fixture_device(server, request):
    # a name of its own for each test: Leshan keeps what earlier tests left
    with minidevice.Device(server.coap_port, request.node.originalname) as device:
        yield device
        if device.location:
            device.deregister()


@pytest.fixture(name="registered")
def fixture_registered(server, device):
    device.register("</1/0>,</3/0>,</3303>,</3442/0>")
    server.wait("registered", device.endpoint)
    return device


def test_life_of_a_registration(server, device):
    device.register('</>;rt="oma.lwm2m",</1>;ver=1.1,</1/0>,</3/0>', lifetime=77)
    server.wait("registered", device.endpoint)
    registration = server.registration(device.endpoint)
    assert registration == {
        "lifetime": 77, "version": "1.1", "binding": "U", "secure": False,
        "address": f"127.0.0.1:{device.link.local_port}", "objects": ["/", "/1", "/1/0", "/3/0"]}

    since = server.mark()
    device.update(["lt=99"])
    server.wait("updated", device.endpoint, since=since)
    assert server.registration(device.endpoint)["lifetime"] == 99
    device.update(links="</1/0>,</3/0>,</3303/7>")
    server.wait("updated", device.endpoint, since=since + 1)
    assert "/3303/7" in server.registration(device.endpoint)["objects"]
    assert server.endpoints() == [device.endpoint]

    device.deregister()
    device.location = None
    server.wait("deregistered", device.endpoint)
    assert server.endpoints() == []
    assert device.request(POST, "/rd/nobody").text == "4.04"


def test_what_both_refuse(server, device):
    asked = ["ep=x", "lt=60", "lwm2m=1.1"]
    assert device.request(POST, "/rd", asked, b"</3/0>", LINKS, type=NON).text == "4.00"
    assert device.request(POST, "/rd", asked[1:], b"</3/0>", LINKS).text == "4.00"
    assert server.endpoints() == []


def test_read(server, registered):
    registered.values["/3/0/1"] = (TEXT, b"a small one")
    answer = server.read(registered.endpoint, "/3/0/1", "TEXT")
    assert (answer.code, answer.value) == ("2.05", "a small one")
    assert registered.requests(GET, "/3/0/1")[0].number(ACCEPT) == TEXT
    assert server.read(registered.endpoint, "/3/0/2").code == "4.04"

    registered.values["/3442/0/150"] = (OPAQUE, b"\0\xff")
    assert server.read(registered.endpoint, "/3442/0/150", "OPAQUE").value == b"\0\xff"

    registered.values["/1/0"] = (TLV, bytes.fromhex("c10065c40100015180c10601"))
    answer = server.read(registered.endpoint, "/1/0", "TLV")
    assert answer.values == {"/1/0/0": 101, "/1/0/1": 86400, "/1/0/6": True}


def test_values_of_each_type(server, registered):
    """TLV of the test object; identifiers above 255 stand in two bytes."""
    registered.values["/3442/0"] = (TLV, bytes.fromhex(
        "c16e78"            # 110, string
        "c178f9"            # 120, integer -7
        "c4823fc00000"      # 130, float 1.5
        "c18c01"            # 140, boolean
        "c29600ff"          # 150, opaque
        "c4a05f5e1000"      # 160, time
        "c4aa00030001"      # 170, object link
        "a70460" "410005" "42040100"))  # 1120, integers 0: 5, 4: 256
    values = server.read(registered.endpoint, "/3442/0", "TLV").values
    assert values == {
        "/3442/0/110": "x", "/3442/0/120": -7, "/3442/0/130": 1.5, "/3442/0/140": True,
        "/3442/0/150": b"\0\xff", "/3442/0/160": Time(0x5F5E1000), "/3442/0/170": Link(3, 1),
        "/3442/0/1120/0": 5, "/3442/0/1120/4": 256}


def test_write_both_ways(server, registered):
    endpoint = registered.endpoint
    assert server.write(endpoint, "/1/0/1", 60, format="TLV").code == "2.04"
    request, = registered.requests(PUT, "/1/0/1")
    assert (request.number(CONTENT_FORMAT), request.payload) == (TLV, bytes.fromhex("c1013c"))

    assert server.write(endpoint, "/1/0", {1: 61, 6: False}).code == "2.04"
    assert registered.requests(PUT, "/1/0")[0].payload == bytes.fromhex("c1013dc10600")
    assert server.write(endpoint, "/1/0", {1: 62}, replace=False).code == "2.04"
    assert registered.requests(POST, "/1/0")[0].payload == bytes.fromhex("c1013e")


@pytest.mark.parametrize("resource, value, payload", [
    (110, "x y", "c36e782079"), (120, -7, "c178f9"), (140, True, "c18c01"),
    (150, b"\0\xff", "c29600ff"), (160, Time(0x5F5E1000), "c4a05f5e1000"),
])
def test_write_of_each_type(server, registered, resource, value, payload):
    assert server.write(registered.endpoint, f"/3442/0/{resource}", value, format="TLV").code == "2.04"
    assert registered.requests(PUT, f"/3442/0/{resource}")[0].payload.hex() == payload


def test_write_of_many(server, registered):
    server.write(registered.endpoint, "/3442/0/1120", {0: 5, 4: 256}, format="TLV")
    request, = registered.requests(PUT, "/3442/0/1120")
    assert request.payload.hex() == "a70460" "410005" "42040100"


def test_write_attributes(server, registered):
    assert server.write_attributes(registered.endpoint, "/3/0", pmin=1, pmax=5).code == "2.04"
    request, = registered.requests(PUT, "/3/0")
    assert sorted(request.query) == ["pmax=5", "pmin=1"]
    assert (request.number(CONTENT_FORMAT), request.payload) == (None, b"")


def test_execute(server, registered):
    assert server.execute(registered.endpoint, "/3/0/4").code == "2.04"
    assert server.execute(registered.endpoint, "/3/0/5", "0='a',1").code == "2.04"
    assert registered.requests(POST, "/3/0/4")[0].payload == b""
    assert registered.requests(POST, "/3/0/5")[0].payload == b"0='a',1"


def test_create_and_delete(server, registered):
    endpoint = registered.endpoint
    assert server.create(endpoint, 3303, {5750: "x"}, instance=5).code == "2.01"
    assert registered.requests(POST, "/3303")[0].payload == bytes.fromhex("0405e1167678")
    assert server.create(endpoint, 3303, {5750: "x"}).location == "/3303/7"
    assert registered.requests(POST, "/3303")[1].payload == bytes.fromhex("e1167678")
    assert server.delete(endpoint, "/3303/5").code == "2.02"
    assert len(registered.requests(DELETE, "/3303/5")) == 1


def test_discover(server, registered):
    registered.values["/3"] = (LINKS, b"</3>;pmin=10,</3/0>,</3/0/1>,</3/0/7>;dim=2")
    links = server.discover(registered.endpoint, "/3").links
    assert list(links) == ["/3", "/3/0", "/3/0/1", "/3/0/7"]
    assert links["/3/0/7"] == {"dim": "2"}
    assert registered.requests(GET, "/3")[0].number(ACCEPT) == LINKS


def test_observe_and_cancel(server, registered):
    endpoint = registered.endpoint
    registered.values["/3/0/9"] = (TEXT, b"95")
    assert server.observe(endpoint, "/3/0/9", "TEXT").value == 95
    assert registered.requests(GET, "/3/0/9")[0].number(OBSERVE) == 0
    since = server.mark()
    for kind, value in ((NON, b"94"), (CON, b"93")):
        mid = registered.notify("/3/0/9", value, kind)
        server.wait("notification", endpoint, "/3/0/9",
                    lambda event, v=value: event.answer.value == int(v))
    registered.wait(lambda m: m.mid == mid and m.type == ACK)

    observer = registered.observers["/3/0/9"]
    server.cancel(endpoint, "/3/0/9")
    if server.cancels_actively:
        assert registered.requests(GET, "/3/0/9")[-1].number(OBSERVE) == 1
        assert registered.requests(GET, "/3/0/9")[-1].token == observer[0]
    registered.observers["/3/0/9"] = observer  # as a device that did not hear of it
    mid = registered.notify("/3/0/9", b"92")
    registered.wait(lambda m: m.mid == mid and m.type == RST)
    values = [e.answer.value for e in server.events_since(since, endpoint) if e.kind == "notification"]
    assert values == [94, 93]


def test_a_device_that_does_not_answer(server, registered):
    registered.answer = lambda request: None
    server.set_timeout(1)
    with pytest.raises(NoAnswer):
        server.read(registered.endpoint, "/3/0/1")
    registered.answer = registered.answer_from_values


# ---- security ----

def secure_device(drive, server, endpoint, **options):
    drive.config(kind="dtls", legacy_server=True, **options)  # Leshan's DTLS is an old one
    return minidevice.Device(0, endpoint, minidevice.SecureLink(drive, server.coaps_port))


def test_psk(server, drive):
    server.add_psk("keyed", PSK_ID, PSK_KEY)
    with secure_device(drive, server, "keyed", **psk(), suites=[0xC0A8]) as device:
        device.register()
        assert server.registration("keyed")["secure"] is True
        device.values["/3/0/1"] = (TEXT, b"a small one")
        assert server.read("keyed", "/3/0/1", "TEXT").value == "a small one"
        device.deregister()
    server.remove_security("keyed")


def test_certificates(server, drive, pki):
    server.add_x509("client")  # the common name in client.pem
    with secure_device(drive, server, "client", trust=file(pki / "root.pem"),
                       chain=file(pki / "client-chain.pem"), key=file(pki / "client.key"),
                       suites=[0xC0AE]) as device:
        device.register()
        assert server.registration("client")["secure"] is True
        device.deregister()
    server.remove_security("client")


def test_an_endpoint_that_must_come_secured(server, device):
    server.add_psk(device.endpoint, "id-2", "8899aabb")
    device.register(expect="4.03")
    assert server.endpoints() == []
    server.remove_security(device.endpoint)


def test_an_identity_is_of_one_endpoint(server, drive):
    server.add_psk("keyed", PSK_ID, PSK_KEY)
    with secure_device(drive, server, "somebody", **psk()) as device:
        device.register(expect="4.03")
    server.remove_security("keyed")


@pytest.mark.parametrize("identity, key", [("nobody", PSK_KEY), (PSK_ID, "00" * 16)])
def test_wrong_keys(server, drive, identity, key):
    server.add_psk("keyed", PSK_ID, PSK_KEY)
    drive.config(kind="dtls", legacy_server=True, **psk(identity, key), first_ms=500, max_ms=1000)
    drive.new("dtls")
    drive.connect(server.coaps_port, "127.0.0.1", ms=5000, expect=None)
    assert drive.info().state != "open"
    server.remove_security("keyed")


def test_a_certificate_that_nobody_signed(server, drive, pki):
    server.add_x509("client")
    drive.config(kind="dtls", legacy_server=True, trust=file(pki / "root.pem"),
                 chain=file(pki / "client-other.pem"), key=file(pki / "client-other.key"), first_ms=500, max_ms=1000)
    drive.new("dtls")
    drive.connect(server.coaps_port, "127.0.0.1", ms=5000, expect=None)
    assert drive.info().state != "open"
    server.remove_security("client")
