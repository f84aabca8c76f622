# SPDX-License-Identifier: Apache-2.0
"""T1: peers that are broken on purpose. Each failure has its category, says whether that is certain,
has the right class of status, a sentence that names the cause, and its own exit status."""

import contextlib
import re
import socket
from dataclasses import dataclass, field

import pytest
import wire
from broken import (BlackHole, Cut, Reset, TcpPeer, TcpProxy, UdpPeer, UdpProxy, closed_port, reset,
                    silent, wait)
from drive import exit_status, probe
from peers import PSK_ID, PSK_KEY

CERTAIN, LIKELY, EITHER = False, True, None
WRONG_KEY = "ff" * 16


@dataclass
class Case:
    name: str
    peer: object          # (peers, pki) -> context manager of (URI, options of probe)
    category: str
    likely: object        # CERTAIN, LIKELY, or EITHER where both are honest
    status: str           # what a program may do about it
    phase: str            # or several, with |, where it is a matter of timing
    sentence: str         # a regular expression for the text, cases do not count
    alert: tuple = None   # (direction, number)
    timeout: float = 5
    extra: dict = field(default_factory=dict)


CASES = []


def case(name, category, likely, status, phase, sentence, **more):
    """Register a peer: a generator function that yields (URI, options)."""
    def register(function):
        CASES.append(Case(name, contextlib.contextmanager(function), category, likely, status, phase,
                          sentence, **more))
        return function
    return register


def psk(key=PSK_KEY, identity=PSK_ID, folder=None):
    return ["--psk-identity", identity, "--psk-key", key]


def trusting(pki):
    return ["--ca", pki / "root.pem"]


# ---- names and addresses ----

@case("name that does not exist", "dns", CERTAIN, "LN_NOT_FOUND", "resolve", r"no-such-host\.invalid")
def no_such_name(_peers, _pki):
    yield "tls://no-such-host.invalid:443", []


@case("no route to the address", "unreachable", CERTAIN, "LN_REFUSED", "connect",
      r"unreachable|no route")
def no_route(_peers, _pki):
    yield "tcp://224.0.0.1:9", []  # no kernel routes TCP to a group


@case("closed TCP port", "refused", CERTAIN, "LN_REFUSED", "connect", r"refused|nothing listens")
def closed_tcp(_peers, _pki):
    yield f"tls://127.0.0.1:{closed_port()}", []


@case("closed UDP port", "refused", CERTAIN, "LN_REFUSED", "handshake", r"refused|nothing listens")
def closed_udp(_peers, _pki):
    yield f"dtls://127.0.0.1:{closed_port(socket.SOCK_DGRAM)}", psk()


@case("TCP black hole", "no_answer", CERTAIN, "LN_TIMEOUT", "connect", r"no answer|did not answer",
      timeout=1)
def tcp_black_hole(_peers, _pki):
    with BlackHole() as peer:
        yield f"tls://127.0.0.1:{peer.port}", []


@case("UDP black hole", "no_answer", CERTAIN, "LN_TIMEOUT", "handshake",
      r"no answer|did not answer|nothing .*came", timeout=1.5)
def udp_black_hole(_peers, _pki):
    with UdpPeer(silent) as peer:
        yield f"dtls://127.0.0.1:{peer.port}", psk()


@case("CoAP black hole", "no_answer", CERTAIN, "LN_TIMEOUT", "transfer", r"ping", timeout=1)
def coap_black_hole(_peers, _pki):
    with UdpPeer(silent) as peer:
        yield f"coap://127.0.0.1:{peer.port}", []


@case("closed CoAP port", "refused", CERTAIN, "LN_REFUSED", "transfer", r"refused|nothing listens")
def closed_coap(_peers, _pki):
    yield f"coap://127.0.0.1:{closed_port(socket.SOCK_DGRAM)}", []


# ---- other protocols ----

def http(conn):
    conn.recv(65536)
    conn.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>no</html>\r\n")


@case("plain HTTP on the port", "not_tls", CERTAIN, "LN_BAD_PEER", "handshake",
      r"not TLS|no TLS|another protocol|HTTP")
def plain_http(_peers, _pki):
    with TcpPeer(http) as peer:
        yield f"https://127.0.0.1:{peer.port}", ["--insecure"]


@case("a server that greets first", "not_tls", CERTAIN, "LN_BAD_PEER", "handshake",
      r"not TLS|no TLS|another protocol")
def greeting(_peers, _pki):
    def smtp(conn):
        conn.sendall(b"220 mail.example ESMTP ready\r\n")
        wait(conn)
    with TcpPeer(smtp) as peer:
        yield f"tls://127.0.0.1:{peer.port}", ["--insecure"]


@case("binary garbage", "not_tls", CERTAIN, "LN_BAD_PEER", "handshake",
      r"not TLS|no TLS|another protocol")
def garbage(_peers, _pki):
    def noise(conn):
        conn.recv(65536)
        conn.sendall(bytes(range(200, 256)) * 20)
        wait(conn)
    with TcpPeer(noise) as peer:
        yield f"tls://127.0.0.1:{peer.port}", ["--insecure"]


@case("datagrams that are no DTLS", "not_tls", LIKELY, "LN_TIMEOUT", "handshake",
      r"DTLS|another protocol", timeout=1.5)
def udp_garbage(_peers, _pki):
    def noise(peer, _data, sender):
        peer.send(b"I am a clock: 12:00:00\r\n", sender)
    with UdpPeer(noise) as peer:
        yield f"dtls://127.0.0.1:{peer.port}", psk()


# ---- cut and silent ----

@case("RST after accept", "reset", CERTAIN, "LN_CLOSED", "connect|handshake", r"reset|cut")
def reset_at_once(_peers, _pki):
    with TcpPeer(reset) as peer:
        yield f"tls://127.0.0.1:{peer.port}", ["--insecure"]


@case("RST behind the ClientHello", "reset", CERTAIN, "LN_CLOSED", "handshake", r"reset|cut")
def reset_later(_peers, _pki):
    def handler(conn):
        wire.read_client_hello(conn)
        reset(conn)
    with TcpPeer(handler) as peer:
        yield f"tls://127.0.0.1:{peer.port}", ["--insecure"]


@case("RST behind the server's flight", "reset", CERTAIN, "LN_CLOSED", "handshake", r"reset|cut")
def reset_in_the_middle(peers, pki):
    def change(direction, record):
        if direction == "up" and record[0] == wire.CHANGE_CIPHER_SPEC:
            raise Reset
        return record
    server = peers.s_server("-tls1_2")
    with TcpProxy(server.port, change) as proxy:
        yield f"tls://localhost:{proxy.port}", ["-4", *trusting(pki)]


@case("FIN behind the ClientHello", "reset", EITHER, "LN_CLOSED", "handshake", r"closed|cut|ended")
def fin_in_the_handshake(_peers, _pki):
    def handler(conn):
        wire.read_client_hello(conn)
    with TcpPeer(handler) as peer:
        yield f"tls://127.0.0.1:{peer.port}", ["--insecure"]


@case("TCP open, silent to the ClientHello", "stalled_in_handshake", EITHER, "LN_TIMEOUT",
      "handshake", r"silent|no answer|did not answer|never answered|nothing", timeout=1)
def silent_server(_peers, _pki):
    with TcpPeer(wait) as peer:
        yield f"tls://127.0.0.1:{peer.port}", ["--insecure"]


@case("silent behind the server's flight", "stalled_in_handshake", CERTAIN, "LN_TIMEOUT",
      "handshake", r"silent|stopped|no more", timeout=1)
def silent_in_the_middle(peers, pki):
    gone = []

    def change(direction, record):
        if direction == "up" and record[0] == wire.CHANGE_CIPHER_SPEC:
            gone.append(True)
        return b"" if gone else record
    server = peers.s_server("-tls1_2")
    with TcpProxy(server.port, change) as proxy:
        yield f"tls://localhost:{proxy.port}", ["-4", *trusting(pki)]


@case("DTLS, silent behind HelloVerifyRequest", "stalled_in_handshake", EITHER, "LN_TIMEOUT",
      "handshake", r"silent|stopped|no more", timeout=1.5)
def silent_after_cookie(_peers, _pki):
    seen = set()

    def handler(peer, data, sender):
        if sender not in seen:
            seen.add(sender)
            peer.send(wire.hello_verify(b"c" * 16), sender)
    with UdpPeer(handler) as peer:
        yield f"dtls://127.0.0.1:{peer.port}", psk()


@case("HelloVerifyRequest without end", "stalled_in_handshake", EITHER, "LN_TIMEOUT", "handshake",
      r"HelloVerify|cookie|silent|stopped|went on", timeout=1.5)
def cookie_loop(_peers, _pki):
    count = [0]

    def handler(peer, data, sender):
        count[0] += 1
        assert count[0] < 200, "the client can be kept busy for ever"
        peer.send(wire.hello_verify(bytes([count[0]]) * 16, min(count[0] - 1, 65535), count[0]),
                  sender)
    with UdpPeer(handler) as peer:
        yield f"dtls://127.0.0.1:{peer.port}", psk()


# ---- versions, suites, groups ----

@case("server has TLS 1.1 only", "version", CERTAIN, "LN_REFUSED", "handshake", r"version",
      alert=("received", 70))
def old_server(peers, pki):
    server = peers.s_server("-tls1_1", "-cipher", "ALL:@SECLEVEL=0", cert="rsa")
    yield f"tls://localhost:{server.port}", ["-4", *trusting(pki)]


@case("client wants TLS 1.3, server has 1.2", "version", CERTAIN, "LN_REFUSED", "handshake",
      r"version", alert=("received", 70))
def no_tls_1_3(peers, pki):
    server = peers.s_server("-tls1_2")
    yield f"tls://localhost:{server.port}", ["-4", "--min-version", "1.3", *trusting(pki)]


@case("server answers with TLS 1.0", "version", CERTAIN, "LN_REFUSED", "handshake", r"version",
      alert=("sent", 70))
def ancient_hello(_peers, _pki):
    def handler(conn):
        wire.read_client_hello(conn)
        conn.sendall(wire.record(wire.HANDSHAKE, wire.server_hello(0x0301, 0x002F), 0x0301))
        wait(conn)
    with TcpPeer(handler) as peer:
        yield f"tls://127.0.0.1:{peer.port}", ["--insecure"]


@case("no suite in common, TLS 1.2", "suite", LIKELY, "LN_REFUSED", "handshake", r"suite",
      alert=("received", 40))
def no_suite(peers, pki):
    server = peers.s_server("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305")
    yield f"tls://localhost:{server.port}", [
        "-4", "--ciphers", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", *trusting(pki)]


@case("no suite in common, TLS 1.3", "suite", LIKELY, "LN_REFUSED", "handshake", r"suite",
      alert=("received", 40))
def no_suite_1_3(peers, pki):
    server = peers.s_server("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")
    yield f"tls://localhost:{server.port}", [
        "-4", "--ciphers", "TLS_AES_128_GCM_SHA256", "--min-version", "1.3", *trusting(pki)]


@case("no suite in common, DTLS 1.2 PSK", "suite", LIKELY, "LN_REFUSED", "handshake", r"suite",
      alert=("received", 40))
def no_suite_dtls(peers, _pki):
    server = peers.s_server("-cipher", "PSK-AES256-GCM-SHA384", cert=None, psk=True, dtls=True)
    yield f"dtls://127.0.0.1:{server.port}", ["--ciphers", "TLS_PSK_WITH_AES_128_CCM_8", *psk()]


@case("server picks a suite that was not offered", "suite", CERTAIN, "LN_BAD_PEER", "handshake",
      r"suite|cipher")
def foreign_suite(_peers, _pki):
    def handler(conn):
        wire.read_client_hello(conn)
        conn.sendall(wire.record(wire.HANDSHAKE, wire.server_hello(0x0303, 0x000A)))
        wait(conn)
    with TcpPeer(handler) as peer:
        yield f"tls://127.0.0.1:{peer.port}", ["--insecure", "--max-version", "1.2"]


@case("no group in common, TLS 1.3", "suite", LIKELY, "LN_REFUSED", "handshake", r"group",
      alert=("received", 40))
def no_group(peers, pki):
    # handshake_failure does not say of what: the sentence names what else it may be
    server = peers.s_server("-tls1_3", "-groups", "P-521")
    yield f"tls://localhost:{server.port}", [
        "-4", "--groups", "x25519", "--min-version", "1.3", *trusting(pki)]


@case("server asks for a group that was not offered", "group", CERTAIN, "LN_BAD_PEER", "handshake",
      r"group")
def foreign_group(_peers, _pki):
    def handler(conn):
        hello, _ = wire.read_client_hello(conn)
        conn.sendall(wire.record(wire.HANDSHAKE, wire.hello_retry(0x0019, hello.session)))
        wait(conn)
    with TcpPeer(handler) as peer:
        yield f"tls://127.0.0.1:{peer.port}", ["--insecure", "--groups", "x25519"]


# ---- pre-shared keys ----

@case("wrong key, TLS 1.2", "psk_key", EITHER, "LN_REFUSED", "handshake", r"key")
def wrong_key(peers, _pki):
    server = peers.s_server("-tls1_2", "-cipher", "PSK", cert=None, psk=True)
    yield f"tls://127.0.0.1:{server.port}", ["--max-version", "1.2", *psk(WRONG_KEY)]


@case("wrong key, TLS 1.3", "psk_key", EITHER, "LN_REFUSED", "handshake", r"key")
def wrong_key_1_3(peers, _pki):
    server = peers.s_server("-tls1_3", cert=None, psk=True)
    yield f"tls://127.0.0.1:{server.port}", ["--min-version", "1.3", *psk(WRONG_KEY)]


@case("wrong key, DTLS 1.2: silence", "psk_key", LIKELY, "LN_TIMEOUT", "handshake", r"key",
      timeout=2.5)
def wrong_key_dtls(peers, _pki):
    server = peers.s_server("-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", cert=None, psk=True, dtls=True)
    yield f"dtls://127.0.0.1:{server.port}", psk(WRONG_KEY)


@case("unknown identity, told by an alert", "psk_identity", CERTAIN, "LN_REFUSED", "handshake", r"identity",
      alert=("received", 115))
def unknown_identity(_peers, _pki):
    with TcpPeer(alert_after_hello(115)) as peer:
        yield f"tls://127.0.0.1:{peer.port}", psk(identity="stranger")


@case("unknown identity, GnuTLS tells nobody", "psk_key", LIKELY, "LN_REFUSED", "handshake",
      r"identity")
def hidden_identity(peers, _pki):
    # GnuTLS goes on with a random key, so that nobody can try identities: both are candidates.
    server = peers.gnutls(cert=None, psk=[(PSK_ID, PSK_KEY)],
                          priority="NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK")
    yield f"tls://127.0.0.1:{server.port}", ["--max-version", "1.2", *psk(identity="stranger")]


# ---- the server's certificate ----

def with_certificate(name, options=(), trust="root.pem", host="localhost", version="-tls1_2"):
    def peer(peers, pki):
        server = peers.s_server(version, cert=name)
        extra = [str(o).replace("PKI", str(pki)) for o in options]
        yield f"tls://{host}:{server.port}", ["-4", "--ca", pki / trust, *extra]
    return peer


def certificate(name, cert, category, sentence, likely=CERTAIN, status="LN_DENIED", alert=None,
                **how):
    case(name, category, likely, status, "handshake", sentence,
         alert=("sent", alert) if alert else None)(with_certificate(cert, **how))


certificate("expired certificate", "expired", "expired", r"expired|no longer valid", alert=45)
certificate("certificate of the future", "not-yet", "not_yet_valid", r"not yet valid|not valid yet", alert=42)
certificate("another CA", "server", "untrusted", r"trust", trust="other-root.pem", alert=48)
certificate("self-signed certificate", "self-signed", "untrusted", r"trust|self-signed", alert=48)
certificate("wrong name", "wrong-name", "wrong_name", r"name.*localhost|localhost.*name")
certificate("wrong address", "server", "wrong_name", r"name|address",
            options=["--sni", "192.0.2.99"])
certificate("only the CN has the name", "cn-only", "wrong_name", r"name")
certificate("revoked", "revoked", "revoked", r"revoked|withdrawn", alert=44,
            options=["--crl", "PKI/crl.pem"])
certificate("intermediate revoked", "server", "revoked", r"revoked|withdrawn", alert=44,
            options=["--crl", "PKI/crl-intermediate.pem"])
certificate("CRL too old", "server", "expired", r"CRL", options=["--crl", "PKI/crl-expired.pem"])
certificate("TLSA record of another certificate", "server", "dane_mismatch", r"TLSA|DANE",
            options=["--tlsa", "3 1 1 " + "00" * 32])


@case("intermediate missing", "chain_incomplete", EITHER, "LN_DENIED", "handshake",
      r"issuer|intermediate|chain|incomplete", alert=("sent", 48))
def incomplete(peers, pki):
    server = peers.s_server("-tls1_2", cert="server", issuers=False)
    yield f"tls://localhost:{server.port}", ["-4", *trusting(pki)]


@case("weak key and digest", "weak", CERTAIN, "LN_DENIED", "handshake", r"weak")
def weak(peers, pki):
    server = peers.s_server("-tls1_2", "-cipher", "ALL:@SECLEVEL=0", cert="weak")
    yield f"tls://localhost:{server.port}", ["-4", *trusting(pki)]


@case("a certificate where a key was agreed", "psk_identity", LIKELY, "LN_DENIED", "handshake",
      r"certificate instead of the pre-shared key")
def certificate_instead_of_psk(peers, _pki):
    server = peers.s_server("-tls1_3")
    yield f"tls://127.0.0.1:{server.port}", ["--min-version", "1.3", *psk()]


# ---- our certificate ----

@case("no client certificate, TLS 1.2", "client_certificate_wanted", EITHER, "LN_REFUSED",
      "handshake", r"client certificate", alert=("received", 40))
def no_client_certificate(peers, pki):
    server = peers.s_server("-tls1_2", "-Verify", "3", "-CAfile", pki / "root.pem")
    yield f"tls://localhost:{server.port}", ["-4", *trusting(pki)]


@case("no client certificate, TLS 1.3", "client_certificate_wanted", CERTAIN, "LN_REFUSED",
      "transfer", r"client certificate", alert=("received", 116))
def no_client_certificate_1_3(peers, pki):
    server = peers.s_server("-tls1_3", "-Verify", "3", "-CAfile", pki / "root.pem")
    yield f"tls://localhost:{server.port}", ["-4", *trusting(pki)]


def foreign_client(pki):
    return ["-4", "--cert", pki / "client-other.pem", "--key", pki / "client-other.key",
            *trusting(pki)]


@case("foreign client certificate, TLS 1.2", "client_certificate_rejected", CERTAIN, "LN_REFUSED",
      "handshake", r"client certificate", alert=("received", 48))
def foreign_client_certificate(peers, pki):
    server = peers.s_server("-tls1_2", "-Verify", "3", "-verify_return_error", "-CAfile",
                            pki / "root.pem")
    yield f"tls://localhost:{server.port}", foreign_client(pki)


@case("foreign client certificate, TLS 1.3", "client_certificate_rejected", CERTAIN, "LN_REFUSED",
      "transfer", r"client certificate", alert=("received", 48))
def foreign_client_certificate_1_3(peers, pki):
    server = peers.s_server("-tls1_3", "-Verify", "3", "-verify_return_error", "-CAfile",
                            pki / "root.pem")
    yield f"tls://localhost:{server.port}", foreign_client(pki)


@case("foreign client certificate, DTLS 1.2", "client_certificate_rejected", CERTAIN, "LN_REFUSED",
      "handshake", r"client certificate", alert=("received", 48))
def foreign_client_certificate_dtls(peers, pki):
    server = peers.s_server("-Verify", "3", "-verify_return_error", "-CAfile", pki / "root.pem",
                            dtls=True)
    yield f"dtls://localhost:{server.port}", foreign_client(pki)


# ---- the path ----

@case("large datagrams vanish", "fragments_lost", LIKELY, "LN_TIMEOUT", "handshake",
      r"large|fragment|MTU", timeout=4.5)  # two flights are repeated, after 1 s and 3 s
def small_path(peers, pki):
    server = peers.s_server("-mtu", "1400", cert="rsa4096", dtls=True)

    def policy(_direction, datagram):
        return [datagram] if len(datagram) <= 600 else []
    with UdpProxy(server.port, policy) as proxy:
        yield f"dtls://localhost:{proxy.port}", ["-4", "--ca", pki / "rsa4096-root.pem"]


@case("a damaged record, TLS 1.3", "record_damaged", CERTAIN, "LN_BAD_PEER", "handshake",
      r"damaged|decrypt|authentic", alert=("sent", 20))
def damaged(peers, pki):
    def change(direction, record):
        if direction == "down" and record[0] == wire.APPLICATION:
            return record[:-1] + bytes([record[-1] ^ 1])
        return record
    server = peers.s_server("-tls1_3")
    with TcpProxy(server.port, change) as proxy:
        yield f"tls://localhost:{proxy.port}", ["-4", *trusting(pki)]


@case("FIN without close_notify behind the handshake", "truncated", EITHER, "LN_BAD_PEER",
      "transfer", r"close_notify|end.* not proven|cut|truncated")
def truncated(peers, pki):
    seen = [0]

    def change(direction, record):
        if direction == "down" and record[0] == wire.APPLICATION:
            seen[0] += 1
            if seen[0] > 4:  # EncryptedExtensions, Certificate, CertificateVerify, Finished
                raise Cut
        return record
    server = peers.s_server("-tls1_3", "-num_tickets", "1")
    with TcpProxy(server.port, change) as proxy:
        yield f"tls://localhost:{proxy.port}", ["-4", *trusting(pki)]


# ---- alerts ----

def alert_after_hello(number):
    def handler(conn):
        wire.read_client_hello(conn)
        conn.sendall(wire.alert(number))
        wait(conn)
    return handler


@pytest.mark.parametrize("case", CASES, ids=[c.name.replace(" ", "-") for c in CASES])
# scenario: T1, S39, C3
def test_broken_peer(case, peers, pki):
    with case.peer(peers, pki) as (uri, options):
        result = probe(uri, *options, timeout=case.timeout)
    failure = result.failure
    assert failure is not None, f"it worked, and must not: {result.report}"
    told = f"{failure.line}\n{result.err}"
    assert failure.category == case.category, told
    assert case.likely in (None, failure.likely), told
    assert failure.status == case.status, told
    assert failure.phase in case.phase.split("|"), told
    assert re.search(case.sentence, failure.text, re.I), told
    assert result.status == exit_status(case.category), told
    if case.alert:
        assert (failure.alert.direction, failure.alert.number) == case.alert, told
    check_line(failure)


def check_line(failure):
    """One line, with category and advice, and no secret in it."""
    assert failure.text and failure.advice
    assert "\n" not in failure.line
    for part in (failure.phase, failure.category, failure.text, failure.advice):
        assert part in failure.line, (part, failure.line)
    assert ("likely" in failure.line) == failure.likely
    for secret in (PSK_KEY, WRONG_KEY):
        assert secret not in str(failure)


def test_there_are_enough_of_them():
    assert len(CASES) >= 20
    assert len({c.category for c in CASES}) >= 20


# The category of each alert, when it answers a ClientHello: number -> (with certificates, with PSK).
# Alerts that may have several causes are `likely`; what has no category of its own is alert_other.
ALERT_CATEGORIES = {
    20: ("record_damaged", "psk_key"),
    40: ("suite", "psk_identity"),  # with PSK mostly so: who knows no identity has no suite
    47: ("alert_other", "psk_key"),  # OpenSSL: the binder of TLS 1.3 does not verify
    51: (None, "psk_key"),
    70: ("version", "version"),
    71: ("suite", "suite"),
    109: ("alert_other", "psk_identity"),  # Mbed TLS: it knows no such key, and got no certificate's
    112: ("wrong_name", "wrong_name"),
    115: ("psk_identity", "psk_identity"),
    116: ("client_certificate_wanted", "client_certificate_wanted"),
}


@pytest.mark.parametrize("number", wire.ALERTS.values(), ids=wire.ALERTS.keys())
@pytest.mark.parametrize("mode", ["certificate", "psk"])
# scenario: S39, C3
def test_alert_answers_the_hello(number, mode):
    name = next(n for n, v in wire.ALERTS.items() if v == number)
    with TcpPeer(alert_after_hello(number)) as peer:
        options = psk() if mode == "psk" else ["--insecure"]
        result = probe(f"tls://127.0.0.1:{peer.port}", *options)
    failure = result.failure
    assert failure.status == "LN_REFUSED", failure.line
    assert failure.alert.number == number
    assert failure.alert.name == name
    assert failure.alert.level == 2
    assert failure.alert.direction == "received"
    assert failure.alert.derived is False
    expected = ALERT_CATEGORIES.get(number, ("alert_other", "alert_other"))[mode == "psk"]
    if expected is not None:
        assert failure.category == expected, failure.line
    assert result.status == exit_status(failure.category)
    assert name in failure.line
    check_line(failure)


@pytest.mark.parametrize("number", [40, 70, 80, 115])
# scenario: S39, C3
def test_alert_over_dtls(number):
    """Plaintext alerts can be forged, and still they are the best there is before Finished."""
    def handler(peer, _data, sender):
        peer.send(wire.dtls_alert(number, sequence=len(peer.datagrams)), sender)
    with UdpPeer(handler) as peer:
        result = probe(f"dtls://127.0.0.1:{peer.port}", *psk(), timeout=3)
    failure = result.failure
    assert failure.alert.number == number
    assert failure.alert.direction == "received"
    # before TLS 1.3 a ClientHello names no identity: 40 must be about what else it offers
    assert failure.category == {40: "suite", 70: "version", 80: "alert_other",
                                115: "psk_identity"}[number]
