# SPDX-License-Identifier: Apache-2.0
"""The path: timers, loss, small packets, settings of the transport, sockets around sockets."""

import socket
import ssl

import pytest
import wire
from broken import BadNetwork, TcpPeer, UdpPeer, UdpProxy, closed_port, silent, wait
from drive import TLS_1_2, file, psk, trusting

COAP_GET = b"\x40\x01"  # GET /, and then its message id


def intervals(times):
    return [round(1000 * (b - a)) for a, b in zip(times, times[1:])]


@pytest.mark.parametrize("first, longest, waits", [
    (100, 100, [100]),
    (100, 400, [100, 200, 400]),
    (150, 500, [150, 300, 500]),
    (200, 200, [200]),
])
# scenario: S24
def test_retransmission_schedule(drive, first, longest, waits):
    """Doubled up to the longest; a last wait of that length, and it gives up. Scaled: by default
    1, 2, 4, 8, 16, 32, 60 s, 123 s in all."""
    with UdpPeer(silent) as peer:
        drive.config(kind="dtls", **psk(), first_ms=first, max_ms=longest)
        drive.new("dtls")
        answer = drive.connect(peer.port, "127.0.0.1", ms=30000, expect="LN_TIMEOUT")
        hellos = [wire.client_hello_of_datagram(d) for d in peer.datagrams]
        times = list(peer.times)
    assert len(hellos) == len(waits)  # the first one, and one per wait but the last
    assert all(h is not None for h in hellos)
    assert len({tuple(h.suites) for h in hellos}) == 1
    for seen, wanted in zip(intervals(times), waits):
        assert wanted - 10 <= seen <= wanted + 80
    assert sum(waits) - 10 <= answer.took_ms <= sum(waits) + 150
    diag = drive.diag()
    assert (diag.category, diag.phase) == ("no_answer", "handshake")
    assert diag.retransmissions == len(waits) - 1
    assert (diag.flights_sent > 0, diag.flights_received) == (True, 0)


# scenario: S24
def test_a_new_port_after_a_failed_handshake(drive):
    """A stale association at the server, or a middlebox, may be what was in the way."""
    with UdpPeer(silent) as peer:
        drive.config(kind="dtls", **psk(), first_ms=50, max_ms=50)
        drive.new("dtls")
        ports = []
        for _ in range(2):
            drive.post("connect", sock="s", host="127.0.0.1", port=peer.port, ms=10000)
            assert drive.answer(30).status == "LN_TIMEOUT"
            drive.close()
        ports = {d for d in peer.senders}
    assert len(ports) == 2


# scenario: S37
def test_timers_of_dtls_do_not_run_for_tls(drive, pki):
    """A silent TLS server gets one ClientHello, and the handshake ends by its own limit."""
    seen = []

    def handler(conn):
        while True:
            part = conn.recv(65536)
            if not part:
                return
            seen.append(part)
    drive.config(expect="LN_BAD_ARG", **trusting(pki), first_ms=50, max_ms=100)
    with TcpPeer(handler) as peer:
        drive.config(**trusting(pki), total_ms=600)
        drive.new()
        answer = drive.connect(peer.port, expect="LN_TIMEOUT")
        drive.close()
    assert len(seen) == 1
    assert 590 <= answer.took_ms <= 750


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("drop, duplicate, swap", [
    (0.1, 0.0, 0.0), (0.1, 0.1, 0.1), (0.2, 0.2, 0.2), (0.3, 0.1, 0.3)])
# scenario: S40
def test_bad_network(drive, peers, seed, drop, duplicate, swap):
    """Datagrams are lost, doubled and swapped; none is damaged, and the session stays up."""
    server = peers.coap("openssl")
    drive.config(kind="dtls", **psk(key=server.psk_key), first_ms=100, max_ms=1600)
    drive.new("dtls")
    with UdpProxy(server.secure_port, BadNetwork(seed, drop, duplicate, swap)) as proxy:
        for _ in range(4):  # some seeds lose seven transmissions in a row
            answer = drive.connect(proxy.port, "127.0.0.1", ms=20000, expect=None)
            if answer.status == "LN_OK":
                break
            diag = drive.diag()
            assert diag.category in ("no_answer", "stalled_in_handshake", "psk_key"), diag.line
            drive.close()
        assert drive.info().state == "open"
        answered = set()
        for round_ in range(40):
            number = bytes([1, round_])
            drive.send(COAP_GET + number)
            while True:
                got = drive.recv(ms=25, expect=None)
                if got.status == "LN_TIMEOUT":
                    break
                assert got.status == "LN_OK"
                assert got.data[:3] == b"\x60\x45\x01" and b"libcoap" in got.data
                answered.add(got.data[3])
            if round_ >= 9 and len(answered) >= 5:
                break
        assert len(answered) >= 5
        assert drive.info().state == "open"


# scenario: S40
def test_replayed_and_foreign_records_are_dropped(drive, peers):
    server = peers.coap("openssl")
    drive.config(kind="dtls", **psk(key=server.psk_key))
    drive.new("dtls")
    held = []

    def policy(direction, datagram):
        if direction == "up":
            return [datagram]
        held.append(datagram)
        foreign = wire.dtls_record(wire.APPLICATION, b"x" * 40, epoch=7, sequence=1)
        damaged = datagram[:-1] + bytes([datagram[-1] ^ 1])
        if datagram[0] == wire.APPLICATION:
            return [foreign, damaged, b"", b"\x17", datagram, *held]  # held: all again
        return [datagram]
    with UdpProxy(server.secure_port, policy) as proxy:
        drive.connect(proxy.port, "127.0.0.1")
        for number in range(3):
            drive.send(COAP_GET + bytes([2, number]))
            assert drive.recv().data[:4] == bytes([0x60, 0x45, 2, number])
            drive.recv(ms=100, expect="LN_TIMEOUT")
        assert drive.info().state == "open"


@pytest.mark.parametrize("mtu", [300, 576, 1200, 1500])
# scenario: S40, T19
def test_large_chain_over_a_small_mtu(drive, peers, pki, mtu):
    """Three certificates of RSA-4096 both ways; no datagram is larger than the path allows."""
    inner = mtu - 28
    server = peers.gnutls("--mtu", str(inner), "--require-client-cert", cert="rsa4096", dtls=True,
                          priority="NORMAL:-VERS-ALL:+VERS-DTLS1.2")
    drive.config(kind="dtls", trust=file(pki / "rsa4096-root.pem"),
                 chain=file(pki / "rsa4096-chain.pem"), key=file(pki / "rsa4096.key"))
    drive.new("dtls", mtu=mtu)

    def policy(direction, datagram):
        return [datagram] if len(datagram) <= inner else []
    with UdpProxy(server.port, policy) as proxy:
        drive.connect(proxy.port)
        drive.send(b"through the eye of a needle\n")
        assert drive.recv().data == b"through the eye of a needle\n"
        assert max(proxy.sizes["up"]) <= inner
        info = drive.info()
        assert info.mtu == mtu
        assert 0 < info.inner_mtu == inner - info.overhead
        drive.send(b"x" * info.inner_mtu)
        drive.send(b"x" * (info.inner_mtu + 1), expect="LN_NO_SPACE")
        assert max(proxy.sizes["up"]) <= inner


# ---- settings of the transport ----

@pytest.mark.parametrize("dscp", [0, 46, 63])
# scenario: S20
def test_dscp_is_on_the_packets(drive, dscp):
    seen = []

    def read(peer, _data, _sender):
        seen.append(peer.tos)
    with TosPeer(read) as peer:
        drive.config(kind="dtls", **psk(), first_ms=50, max_ms=50)
        drive.new("dtls", dscp=dscp)
        drive.connect(peer.port, "127.0.0.1", expect="LN_TIMEOUT")
    assert seen and all(tos >> 2 == dscp for tos in seen)
    answer = drive.do("new", sock="t", kind="udp", dscp=64)
    assert answer.status == "LN_BAD_ARG" and "dscp" in answer.diag.text


class TosPeer(UdpPeer):
    def __init__(self, handler):
        self.tos = None
        super().__init__(handler)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)

    def receive(self):
        data, ancillary, _, sender = self.socket.recvmsg(65536, 64)
        self.tos = next(a[2][0] for a in ancillary if a[1] == socket.IP_TOS)
        return data, sender


@pytest.mark.parametrize("kind", ["udp", "dtls"])
# scenario: S20
def test_forced_mtu(drive, peers, kind):
    server = peers.coap("openssl")
    drive.config(kind="dtls", **psk(key=server.psk_key))
    drive.new(kind, mtu=600)
    drive.connect(server.secure_port if kind == "dtls" else server.port, "127.0.0.1")
    info = drive.info()
    assert info.mtu == 600
    assert info.inner_mtu == 600 - 28 - info.overhead
    assert info.overhead == 0 if kind == "udp" else info.overhead > 0


@pytest.mark.parametrize("family, host", [(4, "::1"), (6, "127.0.0.1")])
# scenario: S20
def test_family_is_a_hard_choice(drive, pki, family, host):
    with TcpPeer(wait) as peer:
        drive.config(**trusting(pki))
        drive.new(family=family)
        drive.connect(peer.port, host, expect=None)
        assert drive.info().state == "failed"
        assert drive.diag().category in ("dns", "unreachable", "configuration")


# scenario: S20
def test_every_address_is_tried(drive, peers):
    """localhost is ::1 and 127.0.0.1 nearly everywhere; the server has the second one only."""
    server = peers.coap("openssl")
    drive.config(kind="dtls", **psk(key=server.psk_key))
    for kind, port in (("udp", server.port), ("tcp", server.port), ("dtls", server.secure_port)):
        drive.new(kind, sock=kind)
        drive.connect(port, "localhost", sock=kind)
    drive.send(COAP_GET + b"\x01\x01", sock="dtls")
    assert drive.recv(sock="dtls").data[:4] == b"\x60\x45\x01\x01"
    assert drive.info("dtls").peer.ip == "127.0.0.1"


# ---- a socket around a socket ----

class LineServer(TcpPeer):
    """Speaks lines, and TLS from the line STARTTLS on."""

    def __init__(self, pki):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pki / "server-chain.pem", pki / "server.key")
        super().__init__(self.talk)

    def talk(self, conn):
        conn.sendall(b"220 ready\n")
        assert wire.receive(conn, 9) == b"STARTTLS\n"
        conn.sendall(b"220 go\n")
        secure = self.context.wrap_socket(conn, server_side=True)
        self.connections.append(secure)
        while True:
            data = secure.recv(100)
            if not data:
                return
            secure.sendall(data.upper())


@pytest.mark.parametrize("name, works", [("localhost", True), (None, True),
                                         ("elsewhere.example", False)])
# scenario: C4
def test_starttls(drive, pki, name, works):
    """TLS around a socket that already talks; the name comes from it, or is given."""
    with LineServer(pki) as peer:
        drive.config(**trusting(pki))
        drive.new("tcp")
        drive.connect(peer.port)
        assert drive.recv_exactly(10) == b"220 ready\n"
        drive.send(b"STARTTLS\n")
        assert drive.recv_exactly(7) == b"220 go\n"
        named = {} if name is None else {"name": name}
        assert drive.do("wrap", sock="s", config="c", **named).status == "LN_OK"
        assert drive.info().state == "connecting"
        answer = drive.do("open", sock="s", ms=5000)
        assert answer.status == ("LN_OK" if works else "LN_DENIED")
        if works:
            drive.send(b"secret\n")
            assert drive.recv_exactly(7) == b"SECRET\n"
            info = drive.info()
            assert info.wire_received > info.app_received
        else:
            assert drive.diag().category == "wrong_name"
        drive.close()
        peer.errors.clear()  # its handshake failed too, as it should


@pytest.mark.parametrize("lower, kind", [("tcp", "tls"), ("udp", "dtls")])
# scenario: C4
def test_wrapped_while_closed(drive, peers, lower, kind):
    server = peers.coap("openssl")
    drive.config(kind=kind, **psk(key=server.psk_key))
    drive.new(lower)
    assert drive.do("wrap", sock="s", config="c").status == "LN_OK"
    assert drive.info().state == "closed"
    for _ in range(2):
        drive.connect(server.secure_port, "127.0.0.1")
        assert drive.info().tls.suite != 0
        drive.close()


@pytest.mark.parametrize("lower, kind", [("udp", "tls"), ("tcp", "dtls")])
# scenario: C4, S14
def test_wrapping_the_wrong_nature(drive, lower, kind):
    drive.config(kind=kind, **psk())
    drive.new(lower)
    answer = drive.do("wrap", sock="s", config="c")
    assert answer.status == "LN_BAD_ARG"
    assert answer.diag.category == "configuration"
    assert drive.info().state == "closed"
    assert drive.do("bind", sock="s", ip="127.0.0.1", port=0).status == "LN_OK"  # untouched


# scenario: C4
def test_wrap_in_the_wrong_state(drive):
    drive.config(**psk())
    drive.new("tcp")
    port = closed_port()
    drive.connect(port, "127.0.0.1", expect="LN_REFUSED")
    assert drive.do("wrap", sock="s", config="c").status == "LN_BAD_STATE"
    drive.close()
    assert drive.do("wrap", sock="s", config="c").status == "LN_OK"


# scenario: S39
def test_the_same_object_connects_after_a_failure(drive, peers):
    """FAILED until closed; then as good as new."""
    server = peers.coap("openssl")
    drive.config(kind="tls", **psk(key=server.psk_key), max_version=TLS_1_2)
    drive.new()
    for _ in range(3):
        drive.connect(closed_port(), "127.0.0.1", expect="LN_REFUSED")
        assert drive.info().state == "failed"
        assert drive.do("connect", sock="s", host="127.0.0.1", port=server.secure_port,
                        ms=1000).status == "LN_BAD_STATE"
        drive.close()
        assert drive.diag().category == "refused"  # it survives close, for whoever asks later
        drive.connect(server.secure_port, "127.0.0.1")
        assert drive.diag().status == "LN_OK"
        drive.close()
