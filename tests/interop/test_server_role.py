# SPDX-License-Identifier: Apache-2.0
"""Our side as the server, with clients that we did not write."""

import socket

import pytest
from drive import DTLS_1_2, TLS_1_2, TLS_1_3, file, psk, trusting
from peers import PSK_ID, PSK_KEY, Program, need


@pytest.fixture(name="clients")
def fixture_clients():
    running = []

    def start(*argv):
        running.append(Program([str(a) for a in argv]))
        return running[-1]
    yield start
    for program in running:
        program.stop()


def listen(drive, kind, **options):
    if kind in ("tls", "dtls"):
        drive.config(kind=kind, **options)
    # clients of a datagram listener share its port
    drive.new(kind, sock="server", reuse_addr=kind in ("udp", "dtls"))
    assert drive.do("bind", sock="server", ip="127.0.0.1", port=0).status == "LN_OK"
    info = drive.info("server")
    assert info.state == "bound"
    return info.local.port


def accept(drive, ms=15000):
    answer = drive.do("accept", sock="server", into="client", ms=ms)
    assert answer.status == "LN_OK", (answer, drive.diag("server").line)
    assert drive.info("client").role == 1


def talk(drive, program):
    program.write(b"from the client\n")
    assert drive.recv_exactly(16, "client") == b"from the client\n"
    drive.send(b"from the server\n", "client")
    program.wait_for("from the server")


def identity(pki):
    return {"chain": file(pki / "server-chain.pem"), "key": file(pki / "server.key")}


VERSIONS = [("tls", "-tls1_2", TLS_1_2), ("tls", "-tls1_3", TLS_1_3), ("dtls", "-dtls1_2", DTLS_1_2)]


@pytest.mark.parametrize("kind, version, number", VERSIONS)
# scenario: S4
def test_openssl_with_certificates(drive, clients, pki, kind, version, number):
    port = listen(drive, kind, **identity(pki))
    client = clients(need("openssl"), "s_client", version, "-quiet", "-connect",
                     f"127.0.0.1:{port}", "-CAfile", pki / "root.pem", "-verify_return_error")
    accept(drive)
    assert drive.info("client").tls.version == number
    talk(drive, client)


@pytest.mark.parametrize("kind, version, number", VERSIONS)
# scenario: S4
def test_openssl_with_psk(drive, clients, kind, version, number):
    port = listen(drive, kind, **psk())
    client = clients(need("openssl"), "s_client", version, "-quiet", "-connect",
                     f"127.0.0.1:{port}", "-psk_identity", PSK_ID, "-psk", PSK_KEY, "-cipher", "PSK")
    accept(drive)
    assert drive.info("client").tls.version == number
    talk(drive, client)


@pytest.mark.parametrize("kind, version", [("tls", "TLS1.2"), ("tls", "TLS1.3"),
                                           ("dtls", "DTLS1.2")])
# scenario: S4
def test_gnutls_with_certificates(drive, clients, pki, kind, version):
    port = listen(drive, kind, **identity(pki))
    client = clients(need("gnutls-cli"), "--x509cafile", pki / "root.pem", "--port", port,
                     "--priority", f"NORMAL:-VERS-ALL:+VERS-{version}",
                     *(["--udp"] if kind == "dtls" else []), "--sni-hostname", "localhost",
                     "--verify-hostname", "localhost", "127.0.0.1")
    accept(drive)
    talk(drive, client)


@pytest.mark.parametrize("kind, version, number", VERSIONS)
@pytest.mark.parametrize("cert, works", [("client", True), ("client-other", False), (None, False)])
# scenario: S4
def test_client_certificate_is_required(drive, clients, pki, kind, version, number, cert, works):
    port = listen(drive, kind, **identity(pki), **trusting(pki), client_auth="require")
    options = []
    if cert is not None:
        options = ["-cert", pki / f"{cert}.pem", "-key", pki / f"{cert}.key"]
        if cert == "client":
            options += ["-cert_chain", pki / "intermediate.pem"]
    client = clients(need("openssl"), "s_client", version, "-quiet", "-connect",
                     f"127.0.0.1:{port}", *options)
    if works:
        accept(drive)
        assert drive.info("client").tls.version == number
        talk(drive, client)
    else:
        answer = drive.do("accept", sock="server", into="client", ms=3000)
        assert answer.status != "LN_OK"


def test_several_clients_of_one_dtls_listener(drive, clients):
    """Each has its own socket; datagrams of one never reach another."""
    port = listen(drive, "dtls", **psk())
    programs = []
    for name in ("a", "b", "c"):
        programs.append(clients(
            need("openssl"), "s_client", "-dtls1_2", "-quiet", "-connect", f"127.0.0.1:{port}",
            "-psk_identity", PSK_ID, "-psk", PSK_KEY, "-cipher", "PSK"))
        answer = drive.do("accept", sock="server", into=name, ms=15000)
        assert answer.status == "LN_OK", drive.diag("server").line
    for number, (name, program) in enumerate(zip("abc", programs)):
        program.write(b"I am number %d\n" % number)
        assert drive.recv(sock=name).data == b"I am number %d\n" % number
    for number, (name, program) in enumerate(zip("abc", programs)):
        drive.send(b"you are number %d\n" % number, name)
        program.wait_for(f"you are number {number}")


def test_plain_kinds(drive):
    """UDP and TCP: what any program can connect to."""

    port = listen(drive, "tcp")
    with socket.create_connection(("127.0.0.1", port), 10) as conn:
        accept(drive)
        conn.sendall(b"hello")
        assert drive.recv_exactly(5, "client") == b"hello"
        drive.send(b"good day", "client")
        assert conn.recv(100) == b"good day"
    assert drive.recv(sock="client").len == 0
    drive.do("free", sock="client")
    drive.do("free", sock="server")
    port = listen(drive, "udp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as conn:
        conn.settimeout(10)
        conn.connect(("127.0.0.1", port))
        conn.send(b"x" * 50)
        answer = drive.do("recv_from", sock="server", cap=40, ms=5000)
        assert (answer.status, answer.len, answer.full) == ("LN_NO_SPACE", 40, 50)
        assert getattr(answer, "from").port == conn.getsockname()[1]
        assert drive.do("send_to", sock="server", host="127.0.0.1", port=conn.getsockname()[1],
                        hex="0102", ms=5000).status == "LN_OK"
        assert conn.recv(10) == b"\x01\x02"


