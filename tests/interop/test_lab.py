# SPDX-License-Identifier: Apache-2.0
"""linnet-lab alone: what it does with odd devices, and how people and scripts use it."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading

import minidevice
import pytest
from drive import psk
from minidevice import (ACK, BLOCK1, BLOCK2, CON, CONTENT_FORMAT, DELETE, GET, LINKS, LOCATION_PATH,
                        NON, OBSERVE, OPAQUE, POST, PUT, RST, SIZE2, TEXT, TLV, URI_PATH, URI_QUERY,
                        Message, code, uint)
from peers import PSK_ID, PSK_KEY, Program, wait_readable
from servers import LAB, NoAnswer

NAMES = ["ep=dev", "lt=60", "lwm2m=1.1"]


@pytest.fixture(name="device")
def fixture_device(lab):
    with minidevice.Device(lab.coap_port, "dev") as device:
        yield device


@pytest.fixture(name="registered")
def fixture_registered(lab, device):
    device.register("</1/0>,</3/0>,</5/0>")
    lab.wait("registered", "dev")
    return device


# ---- registrations ----

@pytest.mark.parametrize("why, query, payload, format, wanted", [
    ("no endpoint name", NAMES[1:], b"</3/0>", LINKS, "4.00"),
    ("an empty endpoint name", ["ep=", *NAMES[1:]], b"</3/0>", LINKS, "4.00"),
    ("two endpoint names", ["ep=a", *NAMES], b"</3/0>", LINKS, "4.00"),
    ("no lifetime in 1.1", ["ep=dev", "lwm2m=1.1"], b"</3/0>", LINKS, "4.00"),
    ("lifetime 0 in 1.1", ["ep=dev", "lt=0", "lwm2m=1.1"], b"</3/0>", LINKS, "4.00"),
    ("a lifetime that is no number", ["ep=dev", "lt=1x", "lwm2m=1.1"], b"</3/0>", LINKS, "4.00"),
    ("a lifetime beyond 32 bits", ["ep=dev", "lt=4294967296", "lwm2m=1.1"], b"</3/0>", LINKS, "4.00"),
    ("a version of three numbers", ["ep=dev", "lt=60", "lwm2m=1.1.1"], b"</3/0>", LINKS, "4.12"),
    ("a version to come", ["ep=dev", "lt=60", "lwm2m=2.0"], b"</3/0>", LINKS, "4.12"),
    ("Q with a value", [*NAMES, "Q=true"], b"</3/0>", LINKS, "4.00"),
    ("queue mode of 1.0 in 1.1", [*NAMES, "b=UQ"], b"</3/0>", LINKS, "4.00"),
    ("Q in 1.0", ["ep=dev", "lt=60", "lwm2m=1.0", "Q"], b"</3/0>", LINKS, "4.00"),
    ("an unknown binding", [*NAMES, "b=X"], b"</3/0>", LINKS, "4.00"),
    ("no list of objects", NAMES, b"", LINKS, "4.00"),
    ("no Content-Format", NAMES, b"</3/0>", None, "4.00"),
    ("another Content-Format", NAMES, b"</3/0>", TEXT, "4.00"),
    ("no links", NAMES, b"hello", LINKS, "4.00"),
    ("a link without its end", NAMES, b"</3/0", LINKS, "4.00"),
    ("a quote without its end", NAMES, b'</>;rt="oma', LINKS, "4.00"),
    ("the Security object", NAMES, b"</0/0>,</3/0>", LINKS, "4.00"),
    ("the OSCORE object", NAMES, b"</21/0>,</3/0>", LINKS, "4.00"),
    ("a resource", NAMES, b"</3/0/1>", LINKS, "4.00"),
    ("a NUL in a name", ["ep=d\0v", *NAMES[1:]], b"</3/0>", LINKS, "4.00"),
    ("a name that clears the screen", ["ep=d\x1b[2Jv", *NAMES[1:]], b"</3/0>", LINKS, "4.00"),
    ("a name of two lines", ["ep=dev\nregistered", *NAMES[1:]], b"</3/0>", LINKS, "4.00"),
    ("a name that is no text", [b"ep=d\xffv", *NAMES[1:]], b"</3/0>", LINKS, "4.00"),
    ("more queries than anybody needs", [*NAMES, *["x=y"] * 40], b"</3/0>", LINKS, "4.00"),
])
def test_registrations_that_are_refused(lab, device, why, query, payload, format, wanted):
    answer = device.request(POST, "/rd", query, payload, format)
    assert answer.text == wanted, why
    assert lab.endpoints() == []


@pytest.mark.parametrize("query, payload", [
    (["ep=dev"], b"</3/0>"),  # 1.0: all else has a default
    (["ep=dev", "b=UQS", "lt=60"], b"</3/0>"),
    ([*NAMES, "b=UT", "Q"], b'</>;rt="oma.lwm2m";ct=11543,</1>;ver=1.1,</1/0>,</3/0>'),
    (["ep=dev", "lt=0", "lwm2m=1.2"], b"</3/0>"),  # for ever
    ([*NAMES, "x=y", "z"], b"</3/0>,</lwm2m>;rt=x"),  # what later versions may add
    (["ep=" + "n" * 128, *NAMES[1:]], b"</3/0>"),
])
def test_registrations_that_are_accepted(lab, device, query, payload):
    assert device.request(POST, "/rd", query, payload, LINKS).text == "2.01"
    assert lab.endpoints() == [query[0][3:]]


def test_a_register_that_comes_twice(lab, device):
    """Retransmitted, it is the same registration; with another message id it is a new one."""
    options = [(URI_PATH, b"rd"), *[(URI_QUERY, name.encode()) for name in NAMES],
               (CONTENT_FORMAT, uint(LINKS))]
    places = []
    for mid in (7, 7, 8):
        since = len(device.received)
        device.send(Message(CON, POST, mid, b"tok", options, b"</3/0>"))
        answer = device.wait(lambda m: m.type == ACK and m.token == b"tok", since=since)
        assert (answer.text, answer.mid) == ("2.01", mid)
        places.append(answer.values(LOCATION_PATH))
    assert places[0] == places[1] != places[2]
    assert lab.endpoints() == ["dev"]  # its answer stands behind the events that came before it
    assert [e.kind for e in lab.events_since(0, "dev")] == ["registered", "registered"]
    # the same with a De-register: done once, answered twice alike
    gone = [(URI_PATH, part) for part in places[2]]
    for _ in range(2):
        since = len(device.received)
        device.send(Message(CON, DELETE, 9, b"end", gone))
        assert device.wait(lambda m: m.token == b"end", since=since).text == "2.02"
    assert lab.endpoints() == []


def test_registrations_end_in_time(lab, device):
    device.register(lifetime=1)
    lab.wait("registered", "dev")
    lab.wait("expired", "dev")
    assert lab.endpoints() == []
    device.update(expect="4.04")


def test_an_update_keeps_it_alive(lab, device):
    """A lifetime of a second, made one of minutes before it is over."""
    device.register(lifetime=1)
    device.update(["lt=300"])
    with minidevice.Device(lab.coap_port, "short") as other:
        other.register(lifetime=1)
        lab.wait("expired", "short")  # later than the first one would have ended
    assert lab.endpoints() == ["dev"]


def test_places_that_do_not_exist(lab, registered):
    for method in (POST, DELETE):
        assert registered.request(method, "/rd/0000000000").text == "4.04"
        assert registered.request(method, "/elsewhere").text == "4.04"
        assert registered.request(method, "/rd/a/b").text == "4.04"
    assert registered.request(GET, registered.location).text == "4.05"
    assert registered.request(DELETE, "/rd").text == "4.05"
    assert lab.endpoints() == ["dev"]


@pytest.mark.parametrize("query, links", [
    (["ep=other"], None), (["lwm2m=1.0"], None), (["lt=x"], None), (["b=UQ"], None),
    ([], "</0/0>"), ([], "nothing")])
def test_updates_that_are_refused(lab, registered, query, links):
    before = lab.registration("dev")
    registered.update(query, links, expect="4.00")
    assert lab.registration("dev") == before


def test_an_update_from_another_address(lab, registered):
    """As behind a NAT that forgot: requests go to where the device spoke last."""
    with minidevice.Device(lab.coap_port, "dev") as moved:
        moved.location = registered.location
        moved.update()
        moved.values["/3/0/1"] = (TEXT, b"moved")
        assert lab.read("dev", "/3/0/1").value == "moved"


# ---- security ----

class Wire:
    """Between a device and the lab, on one port of its own: what is behind it may die and come back,
    and somebody may forge what comes from there."""

    def __init__(self, port):
        self.outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # as the lab sees the device
        self.outer.connect(("127.0.0.1", port))
        self.inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.inner.bind(("127.0.0.1", 0))
        self.port = self.inner.getsockname()[1]
        self.address = f"127.0.0.1:{self.outer.getsockname()[1]}"
        self.device = None
        self.hello = None  # the last datagram that began with a ClientHello
        self.threads = [threading.Thread(target=run, daemon=True)
                        for run in (self._to_lab, self._to_device)]
        for thread in self.threads:
            thread.start()

    def _to_lab(self):
        while True:
            data, device = self.inner.recvfrom(65536)
            if not data:
                return
            self.device = device
            if data[0] == 22 and data[13:14] == b"\1":
                self.hello = data
            try:
                self.outer.send(data)
            except (ConnectionRefusedError, BrokenPipeError):
                continue  # the lab, or this wire, is at its end

    def _to_device(self):
        while True:
            try:
                data = self.outer.recv(65536)
            except ConnectionRefusedError:
                continue
            if not data:
                return
            self.inner.sendto(data, self.device)

    def close(self):
        own = self.inner.getsockname()
        self.outer.shutdown(socket.SHUT_RDWR)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", own)
        for thread in self.threads:
            thread.join(10)
        self.outer.close()
        self.inner.close()


@pytest.fixture(name="wire")
def fixture_wire(lab):
    lab.add_psk("dev", PSK_ID, PSK_KEY)
    wire = Wire(lab.coaps_port)
    yield wire
    wire.close()


def test_a_device_that_died_comes_back_from_its_port(lab, drive, wire):
    """Without a word of farewell: libcoap has an association with that address, and would ignore the
    ClientHello of another one."""
    drive.config(kind="dtls", **psk())
    devices = []
    for number in range(3):
        link = minidevice.SecureLink(drive, wire.port, sock=f"s{number}")
        devices.append(minidevice.Device(0, "dev", link))
        devices[-1].register()
        assert lab.registration("dev")["address"] == wire.address
        devices[-1].values["/3/0/1"] = (TEXT, b"life %d" % number)
        assert lab.read("dev", "/3/0/1").value == f"life {number}"
    for device in devices:  # now that it is over
        device.stop()


def forged(hello):
    """The same ClientHello with another random."""
    return hello[:27] + bytes(32) + hello[59:]


def test_a_forged_hello_ends_nothing(lab, drive, wire):
    """Whoever can send from a device's address cannot end its association with a ClientHello."""
    drive.config(kind="dtls", **psk())
    with minidevice.Device(0, "dev", minidevice.SecureLink(drive, wire.port)) as device:
        device.register()
        for _ in range(3):
            wire.outer.send(forged(wire.hello))
            device.values["/3/0/1"] = (TEXT, b"still here")
            assert lab.read("dev", "/3/0/1").value == "still here"
            device.update()


def test_many_hellos(lab, drive, wire):
    """A hundred that come to nothing, and devices are served."""
    drive.config(kind="dtls", **psk())
    with minidevice.Device(0, "dev", minidevice.SecureLink(drive, wire.port)) as device:
        device.register()
        for number in range(100):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.sendto(forged(wire.hello)[:27] + number.to_bytes(32, "big") + wire.hello[59:],
                         ("127.0.0.1", lab.coaps_port))
        device.update()
        device.values["/3/0/1"] = (TEXT, b"fine")
        assert lab.read("dev", "/3/0/1").value == "fine"


def test_a_farewell_and_a_new_handshake(lab, drive, wire):
    drive.config(kind="dtls", **psk())
    for _ in range(2):
        with minidevice.Device(0, "dev", minidevice.SecureLink(drive, wire.port)) as device:
            device.register()
            device.deregister()


def test_a_registration_is_its_owners(lab, drive, wire):
    """Over another association with the same identity it goes on; with another identity, or without
    any, it is not theirs."""
    lab.add_psk("other", "other-id", "00112233")
    drive.config(kind="dtls", **psk())
    drive.config("o", kind="dtls", **psk("other-id", "00112233"))
    first = minidevice.Device(0, "dev", minidevice.SecureLink(drive, wire.port))
    first.register()
    second = minidevice.Device(0, "dev", minidevice.SecureLink(drive, lab.coaps_port, sock="s2"))
    second.location = first.location
    second.update()
    assert lab.registration("dev")["address"] != wire.address
    other = minidevice.Device(
        0, "other", minidevice.SecureLink(drive, lab.coaps_port, sock="o", config="o"))
    with minidevice.Device(lab.coap_port, "plain") as plain:
        for thief in (other, plain):
            thief.location = first.location
            thief.update(expect="4.03")
            thief.deregister(expect="4.03")
    for device in (first, second, other):
        device.stop()
    assert lab.endpoints() == ["dev"]


def test_the_name_may_be_left_to_the_identity(lab, drive, wire):
    drive.config(kind="dtls", **psk())
    with minidevice.Device(0, "dev", minidevice.SecureLink(drive, wire.port)) as device:
        answer = device.request(POST, "/rd", NAMES[1:], b"</3/0>", LINKS)
        assert answer.text == "2.01"
        assert lab.endpoints() == ["dev"]


def test_garbage_changes_nothing(lab, registered):
    noise = [b"", b"\0", b"\x40", b"\x4f\x01\0\0", b"\x40\x01\0\0\xff", b"\xff" * 100,
             bytes(2000), b"\x50\x02\x12\x34" + b"\xb2rd" * 200, b"\x16\xfe\xfd" + bytes(60000)]
    for port in (lab.coap_port, lab.coaps_port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(("127.0.0.1", port))
            for data in noise * 10:
                s.send(data)
    registered.values["/3/0/1"] = (TEXT, b"fine")
    assert lab.read("dev", "/3/0/1").value == "fine"
    assert lab.endpoints() == ["dev"]


# ---- operations ----

def blockwise_reader(values, size=64):
    """Answers a GET of a value in blocks (RFC 7959), and keeps what was asked."""
    def answer(request):
        if request.code != GET or request.path not in values:
            return "4.04", [], b""
        kind, body = values[request.path]
        number = (request.number(BLOCK2) or 0) >> 4
        szx = {16: 0, 32: 1, 64: 2, 128: 3, 1024: 6}[size]
        piece = body[number * size:(number + 1) * size]
        more = (number + 1) * size < len(body)
        options = [(CONTENT_FORMAT, uint(kind)), (BLOCK2, uint(number << 4 | more << 3 | szx))]
        if number == 0:
            options.append((SIZE2, uint(len(body))))
        return "2.05", options, piece
    return answer


def test_a_value_in_blocks(lab, registered):
    body = bytes(range(256)) * 5
    registered.answer = blockwise_reader({"/5/0/0": (OPAQUE, body)})
    assert lab.read("dev", "/5/0/0").value == body
    assert len(registered.requests(GET, "/5/0/0")) == 20


def test_a_write_in_blocks(lab, registered):
    got = bytearray()

    def answer(request):
        block = request.number(BLOCK1)
        assert len(got) == (block >> 4) << (block & 7) + 4, "a block out of order"
        got.extend(request.payload)
        return "2.31" if block & 8 else "2.04", [(BLOCK1, uint(block))], b""
    registered.answer = answer
    body = bytes(range(256)) * 17
    assert lab.write("dev", "/5/0/0", body, format="OPAQUE").code == "2.04"
    assert bytes(got) == body


def test_a_registration_in_blocks(lab, device):
    links = ",".join(f"</3303/{i}>" for i in range(200)).encode()
    options = [(URI_PATH, b"rd"), *[(URI_QUERY, name.encode()) for name in NAMES],
               (CONTENT_FORMAT, uint(LINKS))]
    pieces = [links[at:at + 512] for at in range(0, len(links), 512)]
    for number, piece in enumerate(pieces):
        more = number + 1 < len(pieces)
        block = uint(number << 4 | more << 3 | 5)
        device.send(Message(CON, POST, 100 + number, b"blk%d" % number, [*options, (BLOCK1, block)],
                            piece))
        answer = device.wait(lambda m, n=number: m.token == b"blk%d" % n)
        assert answer.text == ("2.31" if more else "2.01")
    assert len(lab.registration("dev")["objects"]) == 200


def test_a_registration_with_a_block_missing(lab, device):
    options = [(URI_PATH, b"rd"), *[(URI_QUERY, name.encode()) for name in NAMES],
               (CONTENT_FORMAT, uint(LINKS))]
    answers = []
    for mid, block in enumerate((0x08, 0x20)):  # the first one, and the third as the last
        device.send(Message(CON, POST, mid, b"gap%d" % mid, [*options, (BLOCK1, uint(block))],
                            b"</3303/1>,</3/0>"))
        answers.append(device.wait(lambda m, n=mid: m.token == b"gap%d" % n).text)
    assert answers == ["2.31", "4.08"]
    assert lab.endpoints() == []


def test_bodies_that_never_end(lab, device):
    """What is for nobody is not gathered, and of one device only a few at a time."""
    def block(path, number):
        mid = device.next_mid()
        options = [(URI_PATH, part) for part in path]
        device.send(Message(CON, POST, mid, b"%d" % mid, [
            *options, (CONTENT_FORMAT, uint(LINKS)), (BLOCK1, uint(number << 4 | 8))], b"</3303/1>,</3/0>"))
        return device.wait(lambda m: m.token == b"%d" % mid).text
    assert block([b"nothing"], 0) == "4.04"
    places = [[b"rd", b"%d" % i] for i in range(20)]
    assert [block(place, 0) for place in places] == ["2.31"] * 20
    assert [block(place, 1) for place in (places[-1], places[0])] == ["2.31", "4.08"]


def test_a_notification_in_blocks(lab, registered):
    """The first block is notified, and has the Observe option; the others are fetched."""
    values = {"/3/0/14": (TEXT, b"x" * 100)}
    reader = blockwise_reader(values)
    observed = []

    def answer(request):
        kind, options, payload = reader(request)
        if request.number(OBSERVE) == 0:
            observed.append(request.token)
            options = [*options, (OBSERVE, uint(len(observed)))]
        return kind, options, payload
    registered.answer = answer
    assert lab.observe("dev", "/3/0/14").value == "x" * 100
    values["/3/0/14"] = (TEXT, b"y" * 150)
    registered.send(Message(NON, code("2.05"), registered.next_mid(), observed[0], [
        (OBSERVE, uint(9)), (CONTENT_FORMAT, b""), (BLOCK2, uint(0x0A))], b"y" * 64))
    event = lab.wait("notification", "dev", "/3/0/14")
    assert event.answer.value == "y" * 150
    assert event.data["sequence"] == 9 and "ended" not in event.data


def test_a_separate_response(lab, registered):
    """An empty acknowledgement first, the answer as a message of its own."""
    def answer(request):
        registered.send(Message(ACK, 0, request.mid))
        registered.send(Message(CON, code("2.05"), registered.next_mid(), request.token,
                                [(CONTENT_FORMAT, b"")], b"late"))
    registered.answer = answer
    assert lab.read("dev", "/3/0/1").value == "late"
    registered.wait(lambda m: m.type == ACK and m.code == 0)


def test_an_answer_of_nobody_is_reset(lab, registered):
    registered.send(Message(CON, code("2.05"), 4711, b"nobody's", [], b"x"))
    registered.wait(lambda m: m.type == RST and m.mid == 4711)


def test_a_device_that_resets(lab, registered):
    def answer(request):
        registered.send(Message(RST, 0, request.mid))
    registered.answer = answer
    with pytest.raises(NoAnswer, match="Reset"):
        lab.read("dev", "/3/0/1")


def test_payloads_that_make_no_sense(lab, registered):
    """They are shown as they are, and nothing breaks."""
    for kind, payload in ((TLV, b"\xc8\x00\xff"), (TLV, b"\x00"), (LINKS, b"<"), (60, b"\xff"),
                          (9999, b"x"), (TEXT, b"\xff\xfe")):
        registered.values["/3/0"] = registered.values["/3/0/1"] = (kind, payload)
        told = lab.command("read", "dev", "/3/0/1" if kind == TEXT else "/3/0")
        assert told["code"] == "2.05"
        assert told.get("payload") == payload.hex() or "error" in told["values"][0], told


NO_TEXT = b"\x1b]0;theirs\x07 \xff \xc2\x9b \x7f"  # for a terminal: its title, CSI, a character to delete
AS_TEXT = "?]0;theirs? ? ?? ?"


def test_what_is_no_text_is_not_told_as_text(lab, device):
    """Whoever reads the lab's JSON gets UTF-8, and what is shown to people moves no cursor."""
    links = b'</3/0>;x="' + NO_TEXT + b'",</a\xff>'
    assert device.request(POST, "/rd", NAMES, links, LINKS).text == "2.01"
    assert lab.command("clients")["clients"][0]["objects"] == [
        {"path": "/3/0", "attributes": {"x": AS_TEXT}}, {"path": "/a?"}]
    device.answer = lambda request: ("2.05", [(CONTENT_FORMAT, uint(LINKS))], links)
    assert lab.command("discover", "dev", "/3")["links"][0]["attributes"] == {"x": AS_TEXT}
    device.answer = lambda request: ("4.04", [], NO_TEXT)
    assert lab.command("read", "dev", "/3/0")["diagnostic"] == AS_TEXT
    device.answer = lambda request: ("2.01", [(LOCATION_PATH, b"3"), (LOCATION_PATH, NO_TEXT)], b"")
    assert lab.command("create", "dev", "/3")["location"] == f"/3/{AS_TEXT}"
    lab.program.output.decode()  # all of it is UTF-8


def test_an_answer_that_nobody_can_read(lab, registered):
    """A few bytes of a device must not become gigabytes here."""
    registered.answer = blockwise_reader({"/3/0": (TLV, b"\xc0\x01" * 10001),
                                          "/3": (LINKS, b"</3>," * 14000 + b"</3>")}, 1024)
    assert "too many values" in lab.command("read", "dev", "/3/0")["malformed"]
    assert "links" in lab.command("discover", "dev", "/3")["malformed"]


def test_an_observation_ends(lab, registered):
    registered.values["/3/0/9"] = (TEXT, b"95")
    assert lab.observe("dev", "/3/0/9").value == 95
    token, _ = registered.observers["/3/0/9"]
    registered.send(Message(NON, code("4.04"), registered.next_mid(), token))
    event = lab.wait("notification", "dev", "/3/0/9")
    assert (event.data["code"], event.data["ended"]) == ("4.04", True)
    mid = registered.notify("/3/0/9", b"94", CON)
    registered.wait(lambda m: m.type == RST and m.mid == mid)
    with pytest.raises(NoAnswer, match="not observed"):
        lab.cancel("dev", "/3/0/9")


def test_a_new_registration_drops_observations(lab, registered):
    registered.values["/3/0/9"] = (TEXT, b"95")
    lab.observe("dev", "/3/0/9")
    since = lab.mark()
    registered.register()
    lab.wait("registered", "dev", since=since)
    mid = registered.notify("/3/0/9", b"94")
    registered.wait(lambda m: m.type == RST and m.mid == mid)


def test_a_device_that_does_not_observe(lab, registered):
    """Its answer has no Observe option: the value is given, and nothing will follow."""
    registered.answer = lambda request: ("2.05", [(CONTENT_FORMAT, b"")], b"95")
    told = lab.command("observe", "dev", "/3/0/9")
    assert (told["code"], told["observing"]) == ("2.05", False)


def test_a_passive_cancel(lab, registered):
    registered.values["/3/0/9"] = (TEXT, b"95")
    lab.observe("dev", "/3/0/9")
    lab.ask("cancel", "dev", "/3/0/9", "--passive")
    assert len(registered.requests(GET, "/3/0/9")) == 1
    mid = registered.notify("/3/0/9", b"94")
    registered.wait(lambda m: m.type == RST and m.mid == mid)


@pytest.mark.parametrize("line, why", [
    ("read", "name a path"), ("read dev", "name a path"), ("read nobody /3/0/1", "not registered"),
    ("read /3/0/1/2/3", "too many parts"), ("read /3/x", "no number"), ("read 3/0/1", "not registered"),
    ("read /", "cannot be done"), ("read /65535", "no number"), ("read /3/0/1 more", "too many words"),
    ("read /3/0/1 --format nothing", "wants a format"), ("read /3/0/1 --fast", "no option"),
    ("write /3/0/14", "one value"), ("write /3/0/14 a b", "one value"), ("write /1/0 60", "ID=VALUE"),
    ("write /1/0/1 sixty", "an integer"), ("write /1/0/6 maybe", "true or false"),
    ("write /1/0 nothing=1", "no resource"), ("write /5/0/0 0g", "hexadecimal"),
    ("execute /3/0", "cannot be done"), ("delete /3", "cannot be done"),
    ("write-attributes /3/0", "name the attributes"), ("cancel /3/0/9", "not observed"),
    ("write /3/0/14 +02 --format 9999", "cannot write this format"),
    ('read "/3/0/1', "not closed"), ("dance", "no such command"), ("timeout 0", "seconds"),
    ("psk dev", "ENDPOINT=IDENTITY:HEXKEY"), ("psk dev=id:0g", "not hexadecimal"),
    ("forget nobody", "no entry"), ("use", "name one endpoint"),
])
def test_commands_that_make_no_sense(lab, registered, line, why):
    told = lab.command(line)
    assert why in told["error"], told
    assert [m for m in registered.received if 0 < m.code < 0x40] == []


# ---- people and scripts ----

def run(*options, text="", seconds=60):
    return subprocess.run([LAB, "--address", "127.0.0.1", "--port", "0", "--secure-port", "0",
                           *options], input=text, capture_output=True, text=True, timeout=seconds,
                          check=False)


@pytest.fixture(name="script")
def fixture_script(tmp_path):
    """Runs a script against a device: the program, and the device once it has registered."""
    started = []

    def start(text):
        path = tmp_path / "test.lab"
        path.write_text(text)
        program = Program([str(LAB), "--address", "127.0.0.1", "--port", "0", "--secure-port", "0",
                           "--timeout", "20", "--script", str(path)])
        port = int(program.wait_for(rb"listening on coap://127.0.0.1:(\d+)")[1])
        device = minidevice.Device(port, "dev")
        started.extend([device, program])
        device.values = {"/3/0/0": (TEXT, b"Linnet"), "/3/0/9": (TEXT, b"95"),
                         "/3": (LINKS, b"</3>;pmin=10,</3/0>,</3/0/7>;dim=2"),
                         "/1/0": (TLV, bytes.fromhex("c10065c40100015180c10601"))}
        device.register()
        return device, program
    yield start
    for one in started:
        one.stop()


GOOD = """
# what a person would check by hand
expect registered dev within 20
use dev
read /3/0/0
expect 2.05
expect /3/0/0 = Linnet
expect /device/0/manufacturer ~ "^Lin.*t$"
read /device/0/battery-level
expect /3/0/9 > 90
expect /3/0/9 <= 95
read /1/0
expect /1/0/1 = 86400
expect /1/0/6 = true
expect /1/0/6 != false
expect no /1/0/7
read /3/0/77
expect 4.04
discover /3
expect link /3 pmin=10
expect link /3/0/7 dim=2
expect no /3/0/9
read /4/0/0 --format nothing
expect error "wants a format"
observe /3/0/9
expect notification dev /3/0/9
expect /3/0/9 = 94
expect deregistered dev
"""


def test_a_script_that_holds(script):
    device, program = script(GOOD)
    program.wait_for(r"(?s)2\.05 /3/0/9 .*2\.05 /3/0/9 ")  # the Read, and the answer to Observe
    device.notify("/3/0/9", b"94")
    program.wait_for("notification dev")
    device.deregister()
    assert program.process.wait(30) == 0, program.log
    assert "Battery Level = 94" in program.log


@pytest.mark.parametrize("lines, number, why", [
    ("read dev /3/0/0\nexpect 2.04", 3, "expected 2.04, got 2.05"),
    ("read dev /3/0/0\nexpect /3/0/0 = Other", 3, "/3/0/0 is Linnet, expected = Other"),
    ("read dev /3/0/0\n\nexpect /3/0/1 = x", 4, "no value of /3/0/1"),
    ("read dev /3/0/0\nexpect no /3/0/0", 3, "/3/0/0 is there"),
    ("discover dev /3\nexpect link /3 pmin=11", 3, "/3 has pmin=10"),
    ("discover dev /3\nexpect link /4", 3, "no link /4"),
    ("expect updated dev within 1", 2, "updated dev did not come in time"),
    ("read dev /3/0/0\nexpect error", 3, "did not fail"),
    ("read dev /3/0/0\nexpect", 3, "expect what"),
    ("read nobody /3/0/0\nread dev /3/0/0", 2, "this command failed, and no 'expect error' follows"),
    ("read nobody /3/0/0\n# why\n\nread dev /3/0/0", 2, "this command failed"),
    ("read nobody /3/0/0", 2, "this command failed"),
    ("dance", 2, "this command failed"),
])
def test_a_script_that_does_not_hold(script, lines, number, why):
    _, program = script(f"expect registered dev\n{lines}")
    assert program.process.wait(30) == 1, program.log
    program.reader.join(10)
    assert f"test.lab:{number}: " in program.log, program.log
    assert why in program.log


def test_a_pipe():
    done = run(text="clients\nread /3/0/0\n")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == ["nobody is registered", "failed: nobody is registered"]
    assert run(text="expect 2.05\n").returncode == 1


def test_json_is_an_object_a_line():
    done = run("--json", text="clients\nhelp\ndance\n")
    kinds = [list(json.loads(line))[0] for line in done.stdout.splitlines()]
    assert kinds == ["event", "answer", "answer", "answer"]


@pytest.mark.parametrize("options, why", [
    (["--port", "65536"], "a port is a number"), (["--port", "x"], "a port is a number"),
    (["--psk", "dev"], "ENDPOINT=IDENTITY:HEXKEY"), (["--psk", "dev=id:0"], "not hexadecimal"),
    (["--psk", "a=id:00", "--psk", "b=id:01"], "belongs to another"),
    (["--psk", "a=id:00", "--psk", "a=ie:01"], "has an entry"),
    (["--psk-file", "/nowhere"], "No such file"), (["--cert", "x"], "belong together"),
    (["--ca", "x"], "needs --cert"), (["--timeout", "0"], "seconds"),
    (["--script", "/nowhere"], "No such file"), (["--script", "x", "--serve"], "has commands"),
    (["--address", "localhost"], "an address of IPv4"), (["--fast"], "fast"), (["word"], "no argument"),
])
def test_wrong_usage(options, why):
    done = run(*options)
    assert done.returncode == 2
    assert why in done.stderr


OBJECT = "<Object><Name>Thing</Name><ObjectID>{}</ObjectID><Resources>{}</Resources></Object>"
ITEM = '<Item ID="{}"><Name>{}</Name><Type>{}</Type></Item>'


@pytest.mark.parametrize("text, why", [
    ("", "no element found"), ("{}", "not well-formed"), ("<LWM2M>", "no element found"),
    ("<LWM2M/>", "no Object in it"),
    ('<!DOCTYPE x [<!ENTITY a "aaaa">]><LWM2M>&a;</LWM2M>', "line 1: it has a DOCTYPE"),
    (OBJECT.format("65535", ""), "no ObjectID"), (OBJECT.format("x", ""), "no ObjectID"),
    ("<LWM2M>" + OBJECT.format(7, "") * 2 + "</LWM2M>", "was defined before"),
    (OBJECT.format(7, ITEM.format(65535, "a", "Integer")), "no ID from 0 to 65534"),
    (OBJECT.format(7, ITEM.format(1, "a", "Number")), "none of LwM2M's"),
    (OBJECT.format(7, ITEM.format(1, "a", "Integer") * 2), "stands twice"),
    (OBJECT.format(7, '<Item ID="1"><Type>Integer</Type></Item>'), "no Name"),
    pytest.param("<LWM2M>" + " " * (4 << 20) + "</LWM2M>", "too long", id="4 MiB"),
])
# scenario: H122
def test_definitions_that_make_no_sense(tmp_path, text, why):
    path = tmp_path / "thing.xml"
    path.write_text(text)
    done = run("--definitions", path)
    assert done.returncode == 2 and why in done.stderr, done.stderr
    assert str(path) in done.stderr and done.stderr.count("\n") == 1
    assert run("--definitions", tmp_path).stderr == done.stderr  # the folder that it is in


def test_definitions_of_a_folder(tmp_path):
    for number in (7, 8):
        (tmp_path / f"{number}.xml").write_text(
            OBJECT.format(number, ITEM.format(1, "A Thing", "Integer")))
    (tmp_path / "readme.txt").write_text("no XML")
    assert run("--definitions", tmp_path).returncode == 0
    assert "No such file" in run("--definitions", tmp_path / "nowhere").stderr
    (tmp_path / "empty").mkdir()
    assert "no file in this folder" in run("--definitions", tmp_path / "empty").stderr


def test_help_and_version():
    done = run("--help")
    assert done.returncode == 0 and "--psk-file FILE" in done.stdout
    assert re.fullmatch(r"linnet-lab \d+\.\d+\.\d+\n", run("--version").stdout)


def test_keys_from_a_file(tmp_path, start_lab, drive):
    path = tmp_path / "keys"
    path.write_text(f"# who may come\n\ndev={PSK_ID}:{PSK_KEY}\n  other=a:b=c:0011  \n")
    lab = start_lab("--psk-file", path)
    drive.config(kind="dtls", **psk())
    with minidevice.Device(0, "dev", minidevice.SecureLink(drive, lab.coaps_port)) as device:
        device.register()
        device.deregister()
    secret = "c0ffee5ec2e7"  # no number: the folders of pytest have those in their names
    path.write_text(f"dev=id:00\ndev=id:{secret}\n")
    done = run("--psk-file", path)
    assert done.returncode == 2 and "line 2" in done.stderr and secret not in done.stderr


def test_a_port_in_use(lab):
    done = run("--port", str(lab.coap_port))
    assert done.returncode == 2 and "cannot listen" in done.stderr


def test_it_ends_on_a_signal():
    for number in (signal.SIGINT, signal.SIGTERM):
        program = Program([str(LAB), "--address", "127.0.0.1", "--port", "0", "--secure-port", "0",
                           "--serve"])
        program.wait_for("listening")
        program.process.send_signal(number)
        assert program.process.wait(10) == 0
        program.stop()


class Terminal:
    """The lab at a prompt."""

    def __init__(self, home):
        self.process, self.fd = pty.fork()
        if self.process == 0:
            os.environ.update(TERM="vt100", HOME=str(home), XDG_STATE_HOME=str(home))
            os.execv(LAB, [str(LAB), "--address", "127.0.0.1", "--port", "0", "--secure-port", "0"])
        self.seen = b""

    def wait_for(self, pattern):
        while True:
            found = re.search(pattern.encode(), self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            assert wait_readable(self.fd, 20), self.seen
            self.seen += os.read(self.fd, 65536)

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """Its exit status; what it still prints is read, so that it can end."""
        try:
            while True:
                os.read(self.fd, 65536)
        except OSError:
            pass  # Linux says so when the other side of a terminal is gone
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def test_the_terminal_is_not_theirs(tmp_path):
    """A text that a device made may be anything, and is shown as text."""
    terminal = Terminal(tmp_path)
    port = int(terminal.wait_for(r"listening on coap://127.0.0.1:(\d+)")[1])
    with minidevice.Device(port, "dev") as device:
        device.values["/25/0/3"] = (TEXT, b"\x1b]0;theirs\x07</3>\n\xc2\x9b")
        device.values["/3/0/0"] = (TEXT, b"\x1b]0;theirs\x07 \xe2\x80\xae")
        device.register()
        terminal.wait_for("registered dev")
        terminal.type("read /25/0/3\r")
        terminal.wait_for(r"IoT Device Objects = \?\]0;theirs\?</3> \?\?\r")
        terminal.type("read /3/0/0\r")
        terminal.wait_for(r'Manufacturer = "\\u001b\]0;theirs\\u0007 \?\?\?"')
        terminal.type("quit\r")
    assert terminal.end() == 0


def test_the_prompt(tmp_path):
    terminal = Terminal(tmp_path)
    port = int(terminal.wait_for(r"listening on coap://127.0.0.1:(\d+)")[1])
    terminal.wait_for("lab> ")
    with minidevice.Device(port, "dev") as device:
        device.values["/3/0/9"] = (TEXT, b"95")
        device.register()
        terminal.wait_for(r"registered dev[^\n]*\n")  # told above the line that is typed
        terminal.type("rea\t/device/0/batt\tl\t\r")
        terminal.wait_for("/3/0/9 +Battery Level = 95")
        terminal.type("dance\r")
        terminal.wait_for("no such command")
        terminal.type("read /3/0/99\r")
        terminal.wait_for("4.04 Not Found /3/0/99")
        terminal.type("write /3/0/14 \"Küche\"\r")  # UTF-8, whatever the locale
        terminal.wait_for("2.04 /3/0/14")
        assert device.values["/3/0/14"] == (TEXT, "Küche".encode())
        terminal.type("read /dev\t\t")  # several objects begin so: it lists them
        terminal.wait_for("(?s)/device-metadata/.*/device/ .*lab> read /dev")
        terminal.type("ice/0/manu\t")
        terminal.wait_for("facturer")
        terminal.type("\r")
        terminal.wait_for("4.04 Not Found /3/0/0")
        terminal.type("psk x=y:00\r")
        terminal.type("\x1b[A" * 5 + "\r")  # over a line that is no history: read again
        terminal.wait_for("Battery Level = 95")
        device.answer = lambda request: None
        terminal.type("read /3/0/1\r")
        device.wait(lambda m: m.path == "/3/0/1")
        terminal.type("\x03")  # not the end, but the end of waiting
        terminal.wait_for("interrupted")
        device.answer = device.answer_from_values
        device.deregister()
        terminal.wait_for("deregistered dev")
    terminal.type("\x04")
    assert terminal.end() == 0
    history = (tmp_path / "linnet-lab-history").read_text()
    assert "dance" in history and "psk" not in history
