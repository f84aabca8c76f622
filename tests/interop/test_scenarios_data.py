# SPDX-License-Identifier: Apache-2.0
"""Data after the handshake: boundaries, truncation, time limits, and the ends of a connection."""

import contextlib
import hashlib
import os
import signal
import ssl
import threading

import pytest
import wire
from broken import Cut, Reset, TcpPeer, TcpProxy, UdpPeer, UdpProxy, reset, silent, wait
from drive import TLS_1_2, TLS_1_3, psk, trusting

# A call may take this much longer than its deadline (and 5 ms less: clocks are read twice).
SLACK_MS = 60


def about(took, expected):
    return expected - 5 <= took <= expected + SLACK_MS


def tls_peer(pki, version, handler):
    """A TLS server (Python's ssl, which is OpenSSL) that writes exactly the records we want."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server-chain.pem", pki / "server.key")
    numbers = {TLS_1_2: ssl.TLSVersion.TLSv1_2, TLS_1_3: ssl.TLSVersion.TLSv1_3}
    context.minimum_version = context.maximum_version = numbers[version]

    def serve(conn):
        with contextlib.suppress(ssl.SSLError):
            handler(context.wrap_socket(conn, server_side=True))
    return TcpPeer(serve)


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize("cap, record, count", [
    (1, 1, 300), (7, 1, 300), (1024, 1, 300),
    (1, 2000, 1), (7, 16384, 1), (1024, 16384, 20), (16384, 16384, 20), (65536, 16384, 20)])
# scenario: S41
def test_streams_have_no_boundaries(drive, pki, version, cap, record, count):
    """The bytes come in order, however records and room are cut."""
    data = os.urandom(record * count)

    def handler(conn):
        for start in range(0, len(data), record):
            conn.sendall(data[start:start + record])
        conn.recv(1)  # until the client closes
    with tls_peer(pki, version, handler) as peer:
        drive.config(**trusting(pki))
        drive.new()
        drive.connect(peer.port)
        assert drive.recv_exactly(len(data), cap=cap) == data
        assert drive.info().app_received == len(data)
        drive.close()


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
# scenario: S3, S41
def test_ten_megabytes_from_nginx(drive, peers, pki, version):
    server = peers.nginx(["listen 127.0.0.1:PORT ssl; ssl_protocols TLSv1.2 TLSv1.3;"
                          "ssl_certificate PKI/server-chain.pem;"
                          "ssl_certificate_key PKI/server.key;"])
    image = os.urandom(10 << 20)
    (server.html / "image.bin").write_bytes(image)
    drive.config(**trusting(pki), min_version=version, max_version=version, alpn=["http/1.1"])
    drive.new()
    drive.connect(server.port)
    assert drive.info().tls.alpn == "http/1.1"
    drive.send(b"GET /image.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    got = b""
    while True:
        part = drive.recv(1 << 16).data
        if not part:
            break  # the proven end: nginx said close_notify
        got += part
    head, body = got.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200")
    assert hashlib.sha256(body).digest() == hashlib.sha256(image).digest()


@pytest.mark.parametrize("cap, status, kept", [(99, "LN_NO_SPACE", 99), (100, "LN_OK", 100),
                                               (101, "LN_OK", 100)])
# scenario: S43
def test_part_of_a_dtls_record_is_an_error(drive, peers, cap, status, kept):
    server = peers.s_server(cert=None, psk=True, dtls=True)
    drive.config(kind="dtls", **psk())
    drive.new("dtls")
    drive.connect(server.port, "127.0.0.1")
    first, second = bytes(range(100)), b"the next one"
    drive.send(b"go\n")
    server.wait_for("go")  # so that it reads its input as one piece
    server.write(first)
    answer = drive.recv(cap, expect=status)
    assert answer.data == first[:kept]
    assert answer.full == 100
    server.write(second)
    assert drive.recv().data == second


@pytest.mark.parametrize("cap, status, kept", [(0, "LN_OK", 0), (99, "LN_NO_SPACE", 99),
                                               (100, "LN_OK", 100), (101, "LN_OK", 100)])
# scenario: S43
def test_part_of_a_datagram_is_an_error(drive, cap, status, kept):
    def handler(peer, data, sender):
        for _ in range(2):
            peer.send(data, sender)
    with UdpPeer(handler) as peer:
        drive.new("udp")
        drive.connect(peer.port, "127.0.0.1")
        data = bytes(range(100))
        drive.send(data)
        answer = drive.recv(cap, expect=status)
        assert answer.data == data[:kept]
        if cap:
            assert answer.full == 100
        assert drive.recv(200).data == data  # with no room it was a question: nothing is gone


# scenario: S43
def test_an_empty_datagram_is_not_an_end(drive):
    def handler(peer, data, sender):
        peer.send(b"", sender)
        peer.send(data, sender)
    with UdpPeer(handler) as peer:
        drive.new("udp")
        drive.connect(peer.port, "127.0.0.1")
        drive.send(b"x")
        assert drive.recv().data == b""
        assert drive.recv().data == b"x"
        drive.send(b"")
        assert drive.recv().data == b""
        assert peer.datagrams[-1] == b""


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize("resumed", [False, True], ids=["full", "resumed"])
# scenario: S44, S45
def test_what_is_decrypted_is_given_without_waiting(drive, peers, pki, version, resumed):
    """4 KiB come as one record; then the server is silent. Nothing may wait for its next packet."""
    server = peers.s_server()
    drive.config(**trusting(pki), min_version=version, max_version=version,
                 sessions={"slot": True})
    drive.new()
    if resumed:
        drive.connect(server.port)
        drive.recv(ms=300, expect=None)
        drive.close()
    drive.connect(server.port)
    assert drive.info().tls.resumed is resumed
    drive.send(b"go\n")
    server.wait_for("go")
    data = os.urandom(4096).replace(b"\n", b" ")
    server.write(data)
    got = drive.recv(100).data
    while len(got) < len(data):
        interest = drive.do("interest", sock="s", events=1)
        assert interest.ready, f"{len(got)} bytes read, the rest is not announced"
        part = drive.recv(100, ms=5000)
        assert part.took_ms < 1000
        got += part.data
    assert got == data
    assert not drive.do("interest", sock="s", events=1).ready
    assert about(drive.recv(100, ms=150, expect="LN_TIMEOUT").took_ms, 150)


@pytest.fixture(name="quiet", params=["udp", "tcp", "dtls", "tls1.2", "tls1.3"])
def fixture_quiet(request, drive, peers, pki):
    """A connected socket whose peer says nothing, and what makes it speak."""
    kind = request.param
    if kind in ("udp", "tcp"):
        peer = UdpPeer(silent) if kind == "udp" else TcpPeer(wait)
        with peer:
            drive.new(kind)
            drive.connect(peer.port, "127.0.0.1")
            if kind == "udp":
                local = drive.info().local.port
                yield lambda: peer.send(b"now", ("127.0.0.1", local))
            else:
                yield lambda: peer.connections[0].sendall(b"now")
            drive.close()
        return
    if kind == "dtls":
        server = peers.s_server(cert=None, psk=True, dtls=True)
        drive.config(kind="dtls", **psk())
        drive.new("dtls")
        drive.connect(server.port, "127.0.0.1")
    else:
        server = peers.s_server("-tls1_2" if kind == "tls1.2" else "-tls1_3", "-num_tickets", "0")
        drive.config(**trusting(pki))
        drive.new()
        drive.connect(server.port)
    drive.send(b"hello\n")
    server.wait_for("hello")
    yield lambda: server.write(b"now")


# scenario: S46
def test_time_limits(drive, quiet):
    assert about(drive.recv(ms=200, expect="LN_TIMEOUT").took_ms, 200)
    assert about(drive.recv(ms=1, expect="LN_TIMEOUT").took_ms, 1)
    assert drive.recv(ms=0, expect="LN_TIMEOUT").took_ms <= SLACK_MS
    drive.post("recv", sock="s", cap=100, ms=-1)  # for ever
    quiet()
    answer = drive.answer(20)
    assert (answer.status, answer.data) == ("LN_OK", b"now")
    assert drive.info().state == "open"


# scenario: S46
def test_signals_do_not_restart_the_clock(drive, quiet):
    stop = threading.Event()

    def storm():
        while not stop.wait(0.002):
            drive.process.send_signal(signal.SIGUSR1)
    drive.recv(ms=1, expect="LN_TIMEOUT")  # its handler is installed
    thread = threading.Thread(target=storm)
    thread.start()
    try:
        took = drive.recv(ms=300, expect="LN_TIMEOUT").took_ms
    finally:
        stop.set()
        thread.join()
    assert about(took, 300)
    quiet()
    assert drive.recv().data == b"now"


@pytest.mark.parametrize("tickets", [1, 8])
# scenario: S27
def test_records_without_data_do_not_stretch_a_receive(drive, peers, pki, tickets):
    """The server's tickets make the socket readable, and give nothing to read."""
    server = peers.s_server("-tls1_3", "-num_tickets", str(tickets))
    drive.config(**trusting(pki))
    drive.new()
    drive.connect(server.port)
    assert about(drive.recv(ms=200, expect="LN_TIMEOUT").took_ms, 200)
    assert drive.info().state == "open"
    drive.send(b"still here\n")
    server.wait_for("still here")


# scenario: S27, S46
def test_a_trickle_of_bad_datagrams_does_not_stretch_a_receive(drive, peers):
    """Records that are dropped (RFC 6347 4.1.2.7) do not restart the clock."""
    server = peers.s_server(cert=None, psk=True, dtls=True)
    with UdpProxy(server.port, lambda _direction, datagram: [datagram]) as proxy:
        drive.config(kind="dtls", **psk())
        drive.new("dtls")
        drive.connect(proxy.port, "127.0.0.1")
        client = proxy.client
        stop = threading.Event()

        def trickle():
            forged = wire.dtls_record(wire.APPLICATION, os.urandom(40), epoch=1, sequence=99)
            while not stop.wait(0.01):
                proxy.front.sendto(forged, client)
        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            took = drive.recv(ms=300, expect="LN_TIMEOUT").took_ms
        finally:
            stop.set()
            thread.join()
        assert about(took, 300)
        drive.send(b"alive\n")
        server.wait_for("alive")
        server.write(b"both ways\n")
        assert drive.recv().data == b"both ways\n"


# ---- ends ----

@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
# scenario: S47
def test_close_notify_is_the_proven_end(drive, pki, version):
    def handler(conn):
        conn.sendall(b"the end")
        with contextlib.suppress(OSError):
            conn.unwrap()
    with tls_peer(pki, version, handler) as peer:
        drive.config(**trusting(pki))
        drive.new()
        drive.connect(peer.port)
        assert drive.recv_exactly(7) == b"the end"
        answer = drive.recv()
        assert (answer.len, answer.status) == (0, "LN_OK")
        assert drive.recv().len == 0  # it stays the end
        drive.close()


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
# scenario: S47
def test_fin_without_close_notify_is_an_error(drive, pki, version):
    def handler(conn):
        conn.sendall(b"not the end")
        os.close(conn.detach())
    with tls_peer(pki, version, handler) as peer:
        drive.config(**trusting(pki))
        drive.new()
        drive.connect(peer.port)
        assert drive.recv_exactly(11) == b"not the end"
        answer = drive.recv(expect="LN_BAD_PEER")
        assert answer.len == 0
        diag = drive.diag()
        assert (diag.category, diag.phase) == ("truncated", "transfer")
        assert drive.info().state == "failed"
        drive.close()


def cut_at_third_record(error):
    seen = [0]

    def change(direction, record):
        if direction == "down" and record[0] == wire.APPLICATION:
            seen[0] += 1
            if seen[0] == 3:
                raise error
        return record
    return change


@pytest.mark.parametrize("error, status, category", [
    (Reset(), "LN_CLOSED", "reset"), (Cut(), "LN_BAD_PEER", "truncated"),
    (Cut(b"\x17\x03\x03\x00\x40half a record"), "LN_BAD_PEER", "truncated")],
    ids=["RST", "FIN", "half"])
# scenario: S47
def test_cut_in_the_middle(drive, peers, pki, error, status, category):
    server = peers.s_server("-tls1_2")
    with TcpProxy(server.port, cut_at_third_record(error)) as proxy:
        drive.config(**trusting(pki))
        drive.new()
        drive.connect(proxy.port)
        drive.send(b"go\n")
        server.wait_for("go")
        for number in range(2):
            server.write(b"part %d\n" % number)
            assert drive.recv().data == b"part %d\n" % number
        server.write(b"never arrives\n")
        drive.recv(expect=status)
        diag = drive.diag()
        assert (diag.category, diag.phase) == (category, "transfer")
        drive.close()
        assert drive.info().state == "closed"


# scenario: S47
def test_ends_of_plain_tcp(drive):
    with TcpPeer(lambda conn: conn.sendall(b"bye")) as peer:
        drive.new("tcp")
        drive.connect(peer.port, "127.0.0.1")
        assert drive.recv_exactly(3) == b"bye"
        assert drive.recv().len == 0
        drive.close()

    def cut(conn):
        conn.recv(1)
        reset(conn)
    with TcpPeer(cut) as peer:
        drive.connect(peer.port, "127.0.0.1")
        drive.send(b"x")
        drive.recv(expect="LN_CLOSED")
        assert drive.diag().category == "reset"
        drive.close()


# scenario: S47
def test_close_notify_over_dtls(drive, peers):
    server = peers.coap("openssl")
    drive.config(kind="dtls", **psk(key=server.psk_key))
    drive.new("dtls")
    drive.connect(server.secure_port, "127.0.0.1")
    server.process.send_signal(signal.SIGINT)  # it says close_notify to its clients before it ends
    drive.recv(expect="LN_CLOSED")
    assert drive.diag().category == "closed_by_peer"


@pytest.mark.parametrize("kind", ["udp", "tcp", "dtls", "tls"])
# scenario: S42, S19
def test_one_api_for_all_kinds(drive, peers, pki, kind):
    """The same calls in the same order; twice, on the same object."""
    server = peers.coap("openssl", cert="server", psk=True)
    secure = kind in ("dtls", "tls")
    if secure:
        drive.config(kind=kind, **psk(key=server.psk_key), alpn=["coap"] if kind == "tls" else [])
    drive.new(kind)
    assert drive.do("send", sock="s", hex="00", ms=0).status == "LN_BAD_STATE"
    counters = []
    for _ in range(2):
        drive.connect(server.secure_port if secure else server.port, "127.0.0.1")
        assert drive.do("connect", sock="s", host="127.0.0.1", port=1, ms=0).status \
            == "LN_BAD_STATE"
        info = drive.info()
        assert (info.state, info.host) == ("open", "127.0.0.1")
        assert info.peer.ip == "127.0.0.1" and info.local.port != 0
        assert info.inner_mtu > 0 if kind in ("udp", "dtls") else info.inner_mtu == 0
        # GET /, or our CSM and a ping
        request = b"\x40\x01\x01\x02" if kind in ("udp", "dtls") else b"\x00\xe1\x00\xe2"
        drive.send(request)
        assert drive.recv().len >= 2
        assert drive.do("shutdown", sock="s").status == "LN_OK"
        info = drive.info()
        assert info.state == "shut" and info.peer.ip == "127.0.0.1"
        assert drive.do("send", sock="s", hex="00", ms=0).status == "LN_BAD_STATE"
        drive.close()
        info = drive.info()
        assert (info.state, info.host) == ("closed", "")
        counters.append(info.app_sent)
    assert counters == [len(request), 2 * len(request)]
