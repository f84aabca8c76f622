# SPDX-License-Identifier: Apache-2.0
"""Sessions that are resumed: with real servers, over restarts, and damaged in every way."""

import os

import pytest
import wire
from broken import TcpProxy
from drive import TLS_1_2, TLS_1_3, Drive, file, psk, trusting

FULL = os.environ.get("LN_TEST_FULL")


def visit(drive, port, host="localhost", listen=True):
    """Connect, let tickets arrive, close. @return the info before the close"""
    drive.connect(port, host)
    if listen and drive.info().tls.version == TLS_1_3:
        drive.recv(ms=300, expect=None)  # tickets come behind the handshake
    info = drive.info()
    drive.close()
    return info


@pytest.fixture(name="store")
def fixture_store(tmp_path):
    folder = tmp_path / "sessions"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("tickets", [[], ["-no_ticket"]], ids=["ticket", "no_ticket"])
# scenario: S17, S28
def test_tls_resumes(drive, peers, pki, version, tickets):
    """By ticket, and by session id or a stateful ticket."""
    server = peers.s_server(version, *tickets, quiet=False)
    drive.config(**trusting(pki), sessions={"slot": True})
    drive.new()
    first = visit(drive, server.port)
    assert first.tls.resumed is False
    assert first.tls.session_stored is True
    second = visit(drive, server.port)
    assert second.tls.resumed is True
    server.wait_for("Reused session-id")
    assert second.tls.suite == first.tls.suite


@pytest.mark.parametrize("tickets", [[], ["-no_ticket"]], ids=["ticket", "no_ticket"])
@pytest.mark.parametrize("auth", ["psk", "certificate"])
# scenario: S17
def test_dtls_resumes(drive, peers, pki, tickets, auth):
    server = peers.s_server(*tickets, psk=auth == "psk", dtls=True, quiet=False,
                            cert=None if auth == "psk" else "server")
    options = psk() if auth == "psk" else trusting(pki)
    # s_server serves one client at a time: it must hear that we leave
    drive.config(kind="dtls", **options, sessions={"slot": True}, close="notify")
    drive.new("dtls")
    assert visit(drive, server.port).tls.resumed is False
    assert visit(drive, server.port).tls.resumed is True
    server.wait_for("Reused session-id")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
# scenario: S28
def test_without_a_store_nothing_is_resumed(drive, peers, pki, version):
    server = peers.s_server(version, quiet=False)
    hellos = []

    def change(direction, record):
        if direction == "up" and record[0] == wire.HANDSHAKE and record[5] == wire.CLIENT_HELLO:
            hellos.append(wire.parse_client_hello(record[9:]))
        return record
    drive.config(**trusting(pki))
    drive.new()
    with TcpProxy(server.port, change) as proxy:
        for _ in range(2):
            info = visit(drive, proxy.port)
            assert info.tls.resumed is False
            assert info.tls.session_stored is False
    assert "Reused session-id" not in server.log
    assert hellos[1].extensions.get(35, b"") == b""  # no ticket of TLS 1.2
    assert 41 not in hellos[1].extensions            # no pre_shared_key of TLS 1.3


@pytest.mark.parametrize("tickets", [0, 1, 4])
# scenario: S30
def test_number_of_tickets(drive, peers, pki, tickets):
    server = peers.s_server("-tls1_3", "-num_tickets", str(tickets))
    drive.config(**trusting(pki), sessions={"slot": True})
    drive.new()
    first = visit(drive, server.port)
    assert first.tls.session_stored is (tickets > 0)
    assert visit(drive, server.port).tls.resumed is (tickets > 0)


# scenario: S30
def test_without_reading_there_is_no_ticket(drive, peers, pki):
    """A session of TLS 1.3 can be used only if a ticket was read: never resumed by guess."""
    server = peers.s_server("-tls1_3", "-num_tickets", "2")
    drive.config(**trusting(pki), sessions={"slot": True})
    drive.new()
    first = visit(drive, server.port, listen=False)
    if not first.tls.session_stored:
        assert visit(drive, server.port).tls.resumed is False


@pytest.mark.parametrize("version", ["TLS1.2", "TLS1.3"])
# scenario: S30
def test_resumes_with_gnutls(drive, peers, pki, version):
    server = peers.gnutls(priority=f"NORMAL:-VERS-ALL:+VERS-{version}")
    drive.config(**trusting(pki), sessions={"slot": True})
    drive.new()
    assert visit(drive, server.port).tls.resumed is False
    assert visit(drive, server.port).tls.resumed is True


# scenario: S17
def test_dtls_resumes_with_gnutls(drive, peers, pki):
    server = peers.gnutls(dtls=True, priority="NORMAL:-VERS-ALL:+VERS-DTLS1.2")
    drive.config(kind="dtls", **trusting(pki), sessions={"slot": True}, close="notify")
    drive.new("dtls")
    assert visit(drive, server.port).tls.resumed is False
    assert visit(drive, server.port).tls.resumed is True


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize("tickets", ["on", "off"])
# scenario: S30
def test_resumes_with_nginx(drive, peers, pki, version, tickets):
    server = peers.nginx(
        ["listen 127.0.0.1:PORT ssl; ssl_protocols TLSv1.2 TLSv1.3;"
         "ssl_certificate PKI/server-chain.pem; ssl_certificate_key PKI/server.key;"
         f"ssl_session_cache shared:s:1m; ssl_session_tickets {tickets};"])
    drive.config(**trusting(pki), sessions={"slot": True}, min_version=version,
                 max_version=version)
    drive.new()
    assert visit(drive, server.port).tls.resumed is False
    assert visit(drive, server.port).tls.resumed is True


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
# scenario: S17
def test_survives_a_restart(peers, pki, store, version):
    server = peers.s_server(version)
    resumed = []
    for _ in range(2):
        drive = Drive()
        drive.config(**trusting(pki), sessions={"folder": str(store)})
        drive.new()
        resumed.append(visit(drive, server.port).tls.resumed)
        drive.stop()
    assert resumed == [False, True]


# scenario: S17
def test_is_bound_to_peer_and_credentials(drive, peers, pki, store):
    """A session skips verification: it must not be used for another name or with other trust."""
    server = peers.s_server("-tls1_2")
    folder = {"sessions": {"folder": str(store)}}
    drive.config("c", **trusting(pki), **folder)
    drive.new()
    assert visit(drive, server.port).tls.resumed is False
    assert visit(drive, server.port).tls.resumed is True
    drive.do("name", sock="s", name="server.example")
    assert visit(drive, server.port).tls.resumed is False
    drive.config("other", trust=[file(pki / "root.pem"), file(pki / "other-root.pem")], **folder)
    drive.new(sock="t", config="other")
    drive.connect(server.port, sock="t")
    assert drive.info("t").tls.resumed is False
    drive.close("t")  # s_server serves one at a time
    drive.config("strict", trust=file(pki / "other-root.pem"), **folder)
    drive.new(sock="u", config="strict")
    drive.connect(server.port, sock="u", expect="LN_DENIED")


# scenario: S17
def test_can_be_forgotten(drive, peers, pki):
    server = peers.s_server("-tls1_2")
    drive.config(**trusting(pki), sessions={"slot": True})
    drive.new()
    visit(drive, server.port)
    drive.connect(server.port)
    assert drive.info().tls.resumed is True
    drive.do("forget", sock="s")
    drive.close()
    assert visit(drive, server.port).tls.resumed is False


def stored_blob(drive, port, store):
    visit(drive, port)
    (path,) = store.iterdir()
    return path, path.read_bytes()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
# scenario: S17, S38
def test_every_damaged_byte_costs_a_full_handshake_only(drive, peers, pki, store, version):
    server = peers.s_server(version)
    drive.config(**trusting(pki), sessions={"folder": str(store)})
    drive.new()
    path, blob = stored_blob(drive, server.port, store)
    assert visit(drive, server.port).tls.resumed is True
    step = 1 if FULL else 17
    for position in range(0, len(blob), step):
        damaged = bytearray(blob)
        damaged[position] ^= 0x40
        path.write_bytes(damaged)
        info = visit(drive, server.port, listen=False)
        assert info.tls.resumed is False, f"byte {position} of {len(blob)}"


@pytest.mark.parametrize("content", [
    b"", b"\0", b"\0" * 1024, b"garbage\n" * 100, os.urandom(5000), b"x" * 100000,
], ids=["empty", "one-byte", "zeros", "text", "random", "too-large"])
# scenario: S38
def test_garbage_in_the_store(drive, peers, pki, store, content):
    server = peers.s_server("-tls1_2")
    drive.config(**trusting(pki), sessions={"folder": str(store)})
    drive.new()
    path, _ = stored_blob(drive, server.port, store)
    path.write_bytes(content)
    assert visit(drive, server.port).tls.resumed is False
    assert visit(drive, server.port).tls.resumed is True  # the garbage was replaced


# scenario: S38
def test_a_session_cut_short(drive, peers, pki, store):
    server = peers.s_server("-tls1_2")
    drive.config(**trusting(pki), sessions={"folder": str(store)})
    drive.new()
    path, blob = stored_blob(drive, server.port, store)
    for length in range(0, len(blob), 1 if FULL else 61):
        path.write_bytes(blob[:length])
        assert visit(drive, server.port).tls.resumed is False


# scenario: S17
def test_the_server_forgot_it(drive, peers, pki):
    """A restarted server knows no session: a full handshake follows, in the same connect."""
    first = peers.s_server("-tls1_2")
    drive.config(**trusting(pki), sessions={"slot": True})
    drive.new()
    visit(drive, first.port)
    first.stop()
    argv = first.argv
    again = peers._start(argv, first.port, "tcp")
    info = visit(drive, again.port)
    assert info.tls.resumed is False
    assert info.tls.verify == 1
