# SPDX-License-Identifier: Apache-2.0
"""DTLS Connection ID (RFC 9146) with the server of Mbed TLS: restarts, a crash, and a bad network.

ssl_server2 connects its socket to the client it has: whoever restarts must come from the same port.
What changes its port is tested against our own server, in tests/conform/test_cid_wake_mbedtls.c.
"""

import itertools
import socket

import pytest
import wire
from broken import UdpProxy, closed_port
from drive import Drive, Ended, psk, trusting

CONNECTION_ID = 25  # the type of a record that carries one
CID = bytes.fromhex("c1d0c1d0c1d0c1d0")
FIRST_NUMBER = bytes.fromhex("0001 000000000000")  # epoch and number of an association's first record
MESSAGE = b"GET / HTTP/1.0\r\n\r\n"


class Capture:
    """A policy for UdpProxy that lets everything pass and looks at it.

    The server gives every association the same Connection ID: a new one is what begins with the first
    number, if a ClientHello went before."""

    def __init__(self):
        self.handshakes = 0  # records in plain text, of both sides
        self.sent = []       # with a Connection ID: association, epoch and sequence number
        self.associations = 0
        self.hello = False   # since the last association began

    def __call__(self, direction, datagram):
        rest = datagram
        while rest:
            has_cid = direction == "up" and rest[0] == CONNECTION_ID
            head = 11 + (len(CID) if has_cid else 0)
            if has_cid:
                assert rest[11:head] == CID
                if rest[3:11] == FIRST_NUMBER and self.hello:
                    self.associations += 1
                    self.hello = False
                self.sent.append((self.associations, rest[3:11]))
            if rest[0] == wire.HANDSHAKE and rest[3:5] == b"\0\0":
                self.handshakes += 1
                self.hello |= direction == "up" and rest[13] == wire.CLIENT_HELLO
            rest = rest[head + 2 + int.from_bytes(rest[head:head + 2], "big"):]
        return [datagram]


@pytest.fixture(name="store")
def fixture_store(tmp_path):
    folder = tmp_path / "sessions"
    folder.mkdir()
    return folder


@pytest.fixture(name="cid_backend")
def fixture_cid_backend():
    """The name of the library that has Connection ID."""
    drive = Drive()
    names = [b.name for b in drive.do("backends").backends]
    drive.stop()
    if "mbedtls" not in names:
        pytest.skip("Mbed TLS is not linked")
    return "mbedtls"


def options_of(auth, pki):
    return psk() if auth == "psk" else trusting(pki)


def start(peers, auth, *options):
    return peers.ssl_server2(*options, psk=auth == "psk", cert=None if auth == "psk" else "server")


def connect(drive, port, auth, pki, store, local):
    drive.config(kind="dtls", **options_of(auth, pki), sessions={"folder": str(store)})
    drive.new("dtls")
    if auth != "psk":
        drive.do("name", sock="s", name="localhost")
    assert drive.do("bind", sock="s", ip="127.0.0.1", port=local).status == "LN_OK"
    drive.connect(port, "127.0.0.1")
    return drive.info()


def exchange(drive):
    drive.send(MESSAGE)
    assert drive.recv().data.startswith(b"HTTP/1.0 200 OK")


AUTHS = pytest.mark.parametrize("auth", ["psk", "certificate"])


@AUTHS
# scenario: C2, T2
def test_restarts_need_no_handshake(cid_backend, peers, pki, store, auth):
    """Two restarts of our process, from the same port: not one byte of a handshake."""
    server = start(peers, auth)
    local = closed_port(socket.SOCK_DGRAM)
    capture = Capture()
    with UdpProxy(server.port, capture) as proxy:
        drive = Drive(cid_backend)
        info = connect(drive, proxy.port, auth, pki, store, local)
        assert info.tls.cid_in_use is True
        assert info.tls.cid_restored is False
        server.wait_for("Use of Connection ID has been negotiated")
        exchange(drive)
        drive.stop()
        handshakes = capture.handshakes
        assert handshakes > 0
        for _ in range(2):
            drive = Drive(cid_backend)
            info = connect(drive, proxy.port, auth, pki, store, local)
            assert info.tls.cid_restored is True
            assert (info.wire_sent, info.wire_received) == (0, 0)
            assert info.local.port == local
            exchange(drive)
            drive.stop()
        assert capture.handshakes == handshakes
        assert len(set(capture.sent)) == len(capture.sent) > 3


# scenario: C2, T2, PIT-24
def test_a_crash_costs_an_abbreviated_handshake(cid_backend, peers, pki, store):
    """Killed after one, two, three messages: no record number is on the wire twice, and what follows
    is no full handshake. What ends well goes on without any."""
    server = start(peers, "psk")
    local = closed_port(socket.SOCK_DGRAM)
    capture = Capture()
    expected = [(False, False)]  # resumed, cid_restored
    with UdpProxy(server.port, capture) as proxy:
        for messages in range(1, 4):
            for dies in (False, True):
                drive = Drive(cid_backend)
                tls = connect(drive, proxy.port, "psk", pki, store, local).tls
                assert (tls.resumed, tls.cid_restored) == expected.pop()
                assert tls.cid_in_use is True
                for _ in range(messages):
                    exchange(drive)
                if dies:
                    drive.kill()
                else:
                    drive.stop()
                expected = [(True, not dies)]
    assert len(set(capture.sent)) == len(capture.sent) > 12


# What leaves the process, and what outlives it.
STEPS = ("sendto", "sendmsg", "fsync", "rename", "renameat", "renameat2", "unlink", "unlinkat")


def live(drive, port, pki, store, local):
    """A whole life: connect, two messages, an orderly end. Raises Ended where it is killed."""
    tls = connect(drive, port, "psk", pki, store, local).tls
    exchange(drive)
    exchange(drive)
    drive.stop()
    return tls


def is_killed(call, number, backend, *life):
    """Whether it was, by SIGKILL and instead of that call; the first one has the number 1."""
    strace = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={call}",
              "-e", f"inject={call}:signal=KILL:when={number}"]
    drive = Drive(backend, under=strace)
    try:
        live(drive, *life)
    except Ended:
        drive.kill()
        return True
    return False


@pytest.mark.parametrize("begins", ["restored", "full"])
# scenario: C2, T2, PIT-24
def test_killed_at_every_step(cid_backend, peers, pki, store, begins):
    """SIGKILL instead of each datagram and of each change in the folder of sessions: whatever was kept by
    then, no record number is on the wire twice, and the next life connects and loses nothing."""
    server = start(peers, "psk", "hs_timeout=100-400")
    capture = Capture()
    with UdpProxy(server.port, capture) as proxy:
        life = proxy.port, pki, store, closed_port(socket.SOCK_DGRAM)
        steps = 0
        for call in STEPS:
            for number in itertools.count(1):
                live(Drive(cid_backend), *life)
                for file in store.iterdir() if begins == "full" else ():
                    file.unlink()
                if not is_killed(call, number, cid_backend, *life):
                    break
                steps += 1
        assert live(Drive(cid_backend), *life).cid_restored is True
    assert len(set(capture.sent)) == len(capture.sent)
    assert steps > 9, f"killed at {steps} steps only"


@AUTHS
@pytest.mark.parametrize("trouble", [
    ["drop=5"], ["duplicate=3"], ["delay=4"], ["bad_ad=1"], ["bad_cid=2"], ["mtu=512"],
    ["drop=7", "duplicate=5", "delay=5", "bad_ad=1"]], ids=" ".join)
# scenario: C2, S40
def test_behind_a_bad_network(cid_backend, peers, pki, auth, trouble):
    """The proxy of Mbed TLS drops, doubles, delays and damages what passes."""
    server = start(peers, auth, "mtu=512", "hs_timeout=100-3000")
    proxy = peers.udp_proxy(server, *trouble)
    drive = Drive(cid_backend)
    drive.config(kind="dtls", **options_of(auth, pki), first_ms=100, max_ms=3000, mtu=512)
    drive.new("dtls")
    if auth != "psk":
        drive.do("name", sock="s", name="localhost")
    drive.connect(proxy.port, "127.0.0.1", ms=60000)
    assert drive.info().tls.cid_in_use is True
    answered = 0
    for _ in range(200):
        drive.send(MESSAGE)
        answer = drive.recv(ms=100, expect=None)
        if answer.status == "LN_OK":
            assert answer.data.startswith(b"HTTP/1.0 200 OK")
            answered += 1
        if answered == 10:
            break
    assert answered == 10
    drive.stop()
