# SPDX-License-Identifier: Apache-2.0
"""The program `linnet probe`: what it shows, what it takes, how it ends."""

import fcntl
import os
import pty
import re
import socket
import struct
import subprocess
import time

import pytest
from broken import TcpPeer, UdpPeer, closed_port, silent, wait
from certs import DANE_EE, SHA256, ders, tlsa
from drive import CATEGORIES, LINNET, exit_status, linnet, probe
from peers import PSK_ID, PSK_KEY

PSK = ["--psk-identity", PSK_ID, "--psk-key", PSK_KEY]


@pytest.fixture(name="server")
def fixture_server(peers):
    """TLS 1.2 and 1.3 with the certificate "server"."""
    return peers.s_server()


def uri(server, scheme="tls", host="localhost"):
    return f"{scheme}://{host}:{server.port}"


def ca(pki, name="root.pem"):
    return ["-4", "--ca", pki / name]


# ---- help, versions, mistakes ----

def test_version_and_help():
    assert re.fullmatch(r"linnet \d+\.\d+\.\d+\n", linnet("--version").out)
    for arguments in (["--help"], ["help"]):
        result = linnet(*arguments)
        assert result.status == 0 and "probe" in result.out
    long = linnet("help", "probe")
    assert long.status == 0
    assert long.out == linnet("probe", "--help").out


def test_help_names_every_category_with_its_status():
    text = linnet("help", "probe").out
    for number, word in enumerate(CATEGORIES):
        if number > 0:
            assert re.search(rf"^ +{20 + number}  {word} ", text, re.M), word


def test_help_names_every_option_of_the_manual():
    manual = (os.path.dirname(__file__) + "/../../man/linnet-probe.1.scd")
    with open(manual, encoding="utf-8") as page:
        documented = set(re.findall(r"\*(--[a-z0-9-]+)", page.read()))
    shown = set(re.findall(r"(--[a-z0-9-]+)", linnet("help", "probe").out))
    assert documented - shown == set()
    assert shown - documented == set()


@pytest.mark.parametrize("arguments, says", [
    ([], "usage"),
    (["prob"], "no command 'prob'"),
    (["probe"], "expected a URI"),
    (["probe", "--pks-key", "00", "tls://h:1"], r"--pks-key; did you mean --psk-key\?"),
    (["probe", "-x", "tls://h:1"], "unknown option -x"),
    (["probe", "--nothing-like-it", "tls://h:1"], "unknown option --nothing-like-it$"),
    (["probe", "--timeout", "soon", "tls://h:1"], "--timeout 'soon': expected seconds"),
    (["probe", "--timeout=-1", "tls://h:1"], "--timeout '-1': expected seconds"),
    (["probe", "--count", "0", "tls://h:1"], "--count '0': expected a number from 1 to 10000"),
    (["probe", "--mtu", "99999", "tls://h:1"], "--mtu '99999': expected a number"),
    (["probe", "--json=yes", "tls://h:1"], "--json takes no value"),
    (["probe", "tls://h:1", "tls://h:2"], "unexpected argument 'tls://h:2'"),
    (["probe", "tls://h:1", "--ca"], "--ca: expected FILE"),
    (["probe", "-4", "-6", "tls://h:1"], "-4 and -6"),
    (["probe", "tls://h"], "must name one"),
    (["probe", "gopher://h:1"], "scheme"),
    (["probe", "http://h"], "only https"),
    (["probe", "tls://u:p@h:1"], "user name or password"),
    (["probe", "tls://h:0"], "port"),
    (["probe", "localhost:443"], "scheme"),
    (["probe", "--psk-identity", "a", "dtls://h:1"], "belong together"),
    (["probe", "--psk-key", "00", "dtls://h:1"], "belong together"),
    (["probe", "--psk-identity", "a", "--psk-key", "0g", "dtls://h:1"], "hexadecimal"),
    (["probe", "--psk-identity", "a", "--psk-key", "@/does/not/exist", "dtls://h:1"],
     "cannot open /does/not/exist"),
    (["probe", "--tlsa", "3 1 1", "tls://h:1"], "--tlsa: expected usage"),
    (["probe", "--tlsa", "3 1 1 0x", "tls://h:1"], "--tlsa: expected usage"),
    (["probe", "--tlsa", "4 1 1 00", "tls://h:1"], "--tlsa: expected usage"),
    (["probe", "--tlsa", "3 1 3 00", "tls://h:1"], "--tlsa: expected usage"),
    (["probe", "--dane=maybe", "tls://h:1"], "opportunistic"),
    (["probe", "--ciphers", "TLS_NO_SUCH", "tls://h:1"], "'TLS_NO_SUCH' is neither"),
    (["probe", "--ciphers", "0xc0a8,,0x1301", "tls://h:1"], "neither"),
    (["probe", "--groups", "x25520", "tls://h:1"], "'x25520' is neither"),
    (["probe", "--alpn", "a,,b", "tls://h:1"], "empty"),
    (["probe", "--min-version", "1.4", "tls://h:1"], "--min-version '1.4': expected 1.2 or 1.3"),
    (["probe", "--min-version", "tls1.2", "dtls://h:1"], "--min-version"),
    (["probe", "--insecure", "tcp://h:1"], "tcp.*not encrypted"),
    (["probe", "--ca", "x", "coap://h"], "coap.*not encrypted"),
])
# scenario: S26
def test_mistakes_on_the_command_line(arguments, says):
    result = linnet(*arguments)
    assert result.status == 2
    assert re.search(says, result.err, re.M), result.err
    assert result.out == ""


@pytest.mark.parametrize("options, says", [
    (["--ca", "/does/not/exist.pem"], "trust.*exist"),
    (["--ca", "PKI/server.key"], "trust"),
    (["--cert", "PKI/client.pem", "--key", "PKI/server.key"], "match"),
    (["--cert", "PKI/client.pem"], "key"),
    (["--cert", "PKI/server.pem", "--key", "PKI/server-encrypted.key"], "password"),
    (["--cert", "PKI/server.pem", "--key", "PKI/server-encrypted.key", "--key-password", "no"],
     "password"),
    (["--crl", "PKI/root.pem"], "crl"),
    (["--sni", "not a name"], "sni|name"),
    (["--min-version", "1.3", "--max-version", "1.2"], "version"),
    (["--min-version", "1.1"], "version"),
    (["--ciphers", "0x1234"], "suite"),
    (["--keylog", "/does/not/exist/keys"], "keylog"),
])
# scenario: S26, S8
def test_settings_that_are_refused(pki, options, says):
    """Exit status 2, and a sentence that names the field; the network is not touched."""
    options = [o.replace("PKI", str(pki)) for o in options]
    port = closed_port()
    result = probe(f"tls://localhost:{port}", *options)
    assert result.status == 2, result.report
    failure = result.failure
    assert (failure.category, failure.phase) == ("configuration", "configure")
    assert re.search(says, failure.text, re.I), failure.text
    assert result.report.attempts == []
    human = linnet("probe", *options, f"tls://localhost:{port}")
    assert human.status == 2
    assert "configuration" in human.out


# ---- what it says when it works ----

def test_text_for_a_person(server, pki):
    result = linnet("probe", *ca(pki), uri(server))
    assert result.status == 0, result.out
    for part in ("TLS 1.3", "TLS_AES_", "x25519", "verified", "localhost", "CN=server",
                 "CN=Linnet test CA", "days left", "round trips", "bytes sent", "resolve",
                 "handshake"):
        assert part in result.out, (part, result.out)
    assert result.err == ""
    assert "\033" not in result.out  # no colour but on a terminal
    assert all(len(line) <= 100 for line in result.out.splitlines())


def test_json_of_a_good_connection(server, pki):
    report = probe(uri(server), *ca(pki)).report
    assert report.ok is True and report.exit_status == 0
    assert (report.scheme, report.host, report.port) == ("tls", "localhost", server.port)
    assert report.warnings == [] and report.connected == 1
    attempt = report.attempts[0]
    assert attempt.tls.version == {"id": 0x0304, "name": "TLS 1.3"}
    assert attempt.tls.suite.name.startswith("TLS_")
    assert attempt.tls.group.name == "x25519"
    assert attempt.tls.verify == "ok"
    assert attempt.tls.resumed is False
    assert attempt.peer == {"ip": "127.0.0.1", "port": server.port}
    assert set(attempt.milliseconds) == {"resolve", "connect", "handshake", "total"}
    assert attempt.bytes.sent > 200 and attempt.bytes.received > 500
    assert attempt.flights.retransmissions == 0
    leaf, issuer = report.certificates
    assert leaf.subject == "CN=server" and leaf.ca is False
    assert "DNS:localhost" in leaf.names and "IP:127.0.0.1" in leaf.names
    assert leaf.issuer == issuer.subject == "CN=Linnet test CA"
    assert issuer.ca is True and issuer.self_issued is False
    assert 300 < leaf.days_left < 400
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", leaf.not_after)


def test_round_trips(peers, pki):
    """A full handshake of TLS 1.2 takes two, TLS 1.3 takes one, DTLS with its cookie three."""
    server = peers.s_server()
    for version, trips in (("1.2", 2), ("1.3", 1)):
        result = probe(uri(server), *ca(pki), "--min-version", version, "--max-version", version)
        assert result.attempt.flights.received == trips, version
    dtls = peers.coap()
    result = probe(f"coaps://127.0.0.1:{dtls.secure_port}", "--psk-identity", PSK_ID,
                   "--psk-key", dtls.psk_key)
    assert result.attempt.flights.received == 3


SCHEMES = ["udp", "tcp", "dtls", "tls", "coap", "coaps", "coap+tcp", "coaps+tcp"]


@pytest.mark.parametrize("scheme", SCHEMES)
# scenario: S1, S2
def test_every_scheme_with_libcoap(peers, scheme):
    server = peers.coap("openssl")
    secure = scheme in ("dtls", "tls", "coaps", "coaps+tcp")
    options = ["--psk-identity", PSK_ID, "--psk-key", server.psk_key] if secure else []
    port = server.secure_port if secure else server.port
    result = probe(f"{scheme}://127.0.0.1:{port}", *options)
    assert result.status == 0, result.report
    assert result.report.scheme == scheme
    if scheme == "coap":
        assert "reset" in result.attempt.note and "CoAP endpoint" in result.attempt.note
    if scheme == "udp":
        assert "does not tell" in result.attempt.note
    assert ("tls" in result.attempt) is secure


def test_ipv6(peers, pki):
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        return  # a machine without IPv6 has nothing to show
    server = peers.gnutls()
    result = probe(f"tls://[::1]:{server.port}", "--ca", pki / "root.pem")
    assert result.status == 0
    assert result.attempt.peer == {"ip": "::1", "port": server.port}
    human = linnet("probe", "--ca", pki / "root.pem", f"tls://[::1]:{server.port}")
    assert human.out.startswith("tls://[::1] port")
    assert f"[::1]:{server.port}" in human.out


def test_https(peers, pki):
    server = peers.nginx(["listen 127.0.0.1:PORT ssl; ssl_protocols TLSv1.2 TLSv1.3;"
                          "ssl_certificate PKI/server-chain.pem;"
                          "ssl_certificate_key PKI/server.key;"])
    result = probe(f"https://localhost:{server.port}/image.bin", *ca(pki))
    assert result.status == 0
    assert result.tls.alpn == "http/1.1"


def test_the_system_trusts_no_test_certificate(server):
    result = probe(uri(server), "-4")
    assert result.failure.category in ("untrusted", "chain_incomplete")


# ---- what it says when it does not ----

def test_failure_for_a_person(server, pki):
    result = linnet("probe", *ca(pki), "--sni", "elsewhere.example", uri(server))
    assert result.status == exit_status("wrong_name")
    for part in ("FAILED", "handshake", "wrong_name", "elsewhere.example", "try", "we sent"):
        assert part in result.out, (part, result.out)


def test_a_refused_certificate_is_shown(peers, pki):
    """Without verification, without our credentials, and not counted as an attempt."""
    server = peers.s_server("-verify", "3", cert="wrong-name", quiet=False)
    options = [*ca(pki), "--cert", pki / "client-chain.pem", "--key", pki / "client.key"]
    result = probe(uri(server), *options)
    assert result.status == exit_status("wrong_name")
    assert result.report.second_look is True and len(result.report.attempts) == 1
    assert result.report.certificates[0].names == "DNS:elsewhere.example"
    assert "CN=client" not in server.log.replace(" ", "")
    human = linnet("probe", *options, uri(server))
    assert "DNS:elsewhere.example" in human.out and "second look" in human.out
    assert probe(uri(server), *options, "--sni", "elsewhere.example").report.second_look is False


def test_an_offer_is_shown_where_it_matters(peers):
    server = peers.s_server("-cipher", "PSK-AES256-GCM-SHA384", cert=None, psk=True, dtls=True)
    result = linnet("probe", *PSK, "--ciphers", "0xc0a8", uri(server, "dtls", "127.0.0.1"))
    assert "TLS_PSK_WITH_AES_128_CCM_8 (0xc0a8)" in result.out
    assert "guess" in result.out  # handshake_failure has more than one cause


def test_secrets_are_never_printed(peers, tmp_path):
    server = peers.s_server("-cipher", "PSK", cert=None, psk=True)
    wrong = "c0ffee" * 8
    (tmp_path / "key").write_text(wrong + "\n")
    for key in (wrong, f"@{tmp_path / 'key'}"):
        for form in (["--json"], [], ["--verbose"]):
            result = linnet("probe", *form, "--psk-identity", PSK_ID, "--psk-key", key,
                            uri(server, host="127.0.0.1"))
            assert result.status == exit_status("psk_key")
            assert wrong not in (result.out + result.err).lower().replace(":", "").replace(" ", "")


def test_a_key_on_the_command_line_is_warned_about_and_hidden(tmp_path):
    with UdpPeer(silent) as peer:
        running = subprocess.Popen(
            [LINNET, "probe", "--timeout", "5", *PSK, f"dtls://127.0.0.1:{peer.port}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 10
        while not peer.datagrams:  # then the arguments have been read
            assert time.monotonic() < deadline
            os.sched_yield()
        with open(f"/proc/{running.pid}/cmdline", "rb") as arguments:
            assert PSK_KEY.encode() not in arguments.read()
        _, errors = running.communicate(timeout=30)
        assert "list of processes" in errors
        (tmp_path / "key").write_text(PSK_KEY)
        quiet = linnet("probe", "--timeout", "0.2", "--psk-identity", PSK_ID,
                       "--psk-key", f"@{tmp_path / 'key'}", f"dtls://127.0.0.1:{peer.port}")
        assert "list of processes" not in quiet.err


def test_colour_on_a_terminal_only(server, pki):
    def output(environment):
        parent, child = pty.openpty()
        fcntl.ioctl(child, 0x5414, struct.pack("HHHH", 24, 80, 0, 0))  # TIOCSWINSZ
        running = subprocess.Popen([LINNET, "probe", *ca(pki), uri(server)], stdout=child,
                                   env={**os.environ, **environment})
        os.close(child)
        text = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
        os.close(parent)
        assert running.wait(30) == 0
        return text
    assert b"\033[" in output({"NO_COLOR": ""})
    assert b"\033[" not in output({"NO_COLOR": "1"})


# ---- options ----

def test_psk_from_files(peers, tmp_path):
    server = peers.s_server("-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", cert=None, psk=True, dtls=True)
    (tmp_path / "identity").write_text(PSK_ID + "\n")
    (tmp_path / "key").write_text(":".join(re.findall("..", PSK_KEY)) + "\r\n")
    result = probe(uri(server, "dtls", "127.0.0.1"), "--psk-identity", f"@{tmp_path / 'identity'}",
                   "--psk-key", f"@{tmp_path / 'key'}")
    assert result.status == 0
    assert result.tls.suite.name == "TLS_PSK_WITH_AES_128_CCM_8"
    assert result.report.certificates == []


@pytest.mark.parametrize("trust", [["root.pem"], ["root.der"], ["trust-dir"],
                                   ["other-root.pem", "root.pem"]])
def test_ca(server, pki, trust):
    options = [o for name in trust for o in ("--ca", pki / name)]
    assert probe(uri(server), "-4", *options).status == 0


def test_system_trust_is_added(server, pki):
    assert probe(uri(server), *ca(pki), "--system-trust").status == 0


def test_crl(peers, pki):
    server = peers.s_server(cert="revoked")
    assert probe(uri(server), *ca(pki)).status == 0
    result = probe(uri(server), *ca(pki), "--crl", pki / "crl.pem")
    assert result.status == exit_status("revoked")


def test_sni(server, pki):
    assert probe(uri(server, host="127.0.0.1"), *ca(pki), "--sni", "server.example").status == 0


def test_tlsa(server, pki):
    record = tlsa(ders(pki / "server-chain.pem")[0], DANE_EE, 1, SHA256)
    text = "3 1 1 " + record["data"].upper()
    wrong = "3 1 1 " + "00" * 32
    assert probe(uri(server), "-4", "--tlsa", wrong, "--tlsa", text).status == 0
    assert probe(uri(server), "-4", "--dane", "--tlsa", text).status == 0
    assert probe(uri(server), "-4", "--tlsa", wrong).status == exit_status("dane_mismatch")
    assert probe(uri(server), "-4", "--dane=opportunistic").status == 0
    result = probe(uri(server), *ca(pki), "--dane")
    assert result.status == 0 and "--tlsa" in result.report.warnings[0]


def test_insecure(peers, pki):
    server = peers.s_server(cert="expired")
    result = probe(uri(server), *ca(pki), "--insecure")
    assert result.status == 0
    assert result.tls.verify == "expired"
    assert any("--insecure" in warning for warning in result.report.warnings)
    human = linnet("probe", *ca(pki), "--insecure", uri(server))
    assert "NOT VERIFIED" in human.out and "expired" in human.out
    assert "warning" in human.err


def test_client_certificate(peers, pki):
    server = peers.s_server("-Verify", "3", "-verify_return_error", "-CAfile", pki / "root.pem")
    good = ["--cert", pki / "client-chain.pem", "--key", pki / "client.key"]
    assert probe(uri(server), *ca(pki), *good).status == 0
    together = pki / "client-together.pem"
    together.write_text((pki / "client-chain.pem").read_text() + (pki / "client.key").read_text())
    assert probe(uri(server), *ca(pki), "--cert", together).status == 0


def test_key_password(peers, pki, tmp_path):
    server = peers.s_server()
    (tmp_path / "password").write_text("secret\n")
    options = ["--cert", pki / "server-chain.pem", "--key", pki / "server-encrypted.key"]
    for password in ("secret", f"@{tmp_path / 'password'}"):
        result = probe(uri(server), *ca(pki), *options, "--key-password", password)
        assert result.status == 0


def test_what_is_offered(server, pki):
    result = probe(uri(server), *ca(pki), "--max-version", "1.2", "--ciphers",
                   "tls_ecdhe_ecdsa_with_aes_256_gcm_sha384,0xc02b", "--groups", "secp384r1,23")
    assert result.tls.version.name == "TLS 1.2"
    assert result.tls.suite.id == 0xC02C
    assert result.tls.group.name == "secp384r1"
    result = probe(uri(server), *ca(pki), "--min-version", "tls1.3")
    assert result.tls.version.name == "TLS 1.3"


def test_alpn(peers, pki):
    server = peers.s_server("-alpn", "coap,http/1.1")
    assert probe(uri(server), *ca(pki)).tls.alpn == ""
    assert probe(uri(server, "coaps+tcp"), *ca(pki)).tls.alpn == "coap"
    assert probe(uri(server, "https"), *ca(pki)).tls.alpn == "http/1.1"
    assert probe(uri(server, "https"), *ca(pki), "--alpn", "none").tls.alpn == ""
    assert probe(uri(server), *ca(pki), "--alpn", "x,coap").tls.alpn == "coap"


def test_old_versions(peers, pki):
    server = peers.s_server("-tls1_1", "-cipher", "ALL:@SECLEVEL=0", cert="rsa")
    assert probe(uri(server), *ca(pki)).status == exit_status("version")
    result = probe(uri(server), *ca(pki), "--insecure-old-versions", "--ciphers", "0xc013,0x002f")
    assert result.status == 0 and result.tls.version.name == "TLS 1.1"
    assert "old" in result.report.warnings[0]


def test_mtu(peers, pki):
    server = peers.gnutls(cert="rsa4096", dtls=True)
    result = probe(f"dtls://127.0.0.1:{server.port}", "--ca", pki / "rsa4096-root.pem",
                   "--mtu", "400", "--cert", pki / "rsa4096-chain.pem",
                   "--key", pki / "rsa4096.key")
    assert result.status == 0


def test_family(peers):
    server = peers.coap()
    port = server.port
    assert probe(f"coap://localhost:{port}", "-4").status == 0
    result = probe(f"coap://localhost:{port}", "-6", timeout=2)
    assert result.failure.category in ("refused", "dns", "unreachable")


@pytest.mark.parametrize("scheme, options", [("tls", ["--insecure"]), ("dtls", PSK), ("coap", [])])
def test_timeout(scheme, options):
    peer = TcpPeer(wait) if scheme == "tls" else UdpPeer(silent)
    with peer:
        start = time.monotonic()
        result = probe(f"{scheme}://127.0.0.1:{peer.port}", *options, timeout=0.7)
        took = time.monotonic() - start
    assert result.status in (exit_status("no_answer"), exit_status("stalled_in_handshake"))
    assert 0.65 < took < 2
    times = result.attempt.milliseconds
    assert 650 < times.total < 1500
    if scheme != "coap":
        assert 600 < times.handshake <= times.total  # where the time went


def test_count(server, pki):
    result = probe(uri(server), *ca(pki), "--count", "5")
    assert result.status == 0
    assert len(result.report.attempts) == result.report.connected == 5
    assert all(not a.tls.resumed for a in result.report.attempts)
    sizes = {a.bytes.sent for a in result.report.attempts}
    assert max(sizes) < 2 * min(sizes)  # each counts its own bytes
    human = linnet("probe", *ca(pki), "--count", "3", uri(server))
    assert "3 of 3 connected" in human.out and "median" in human.out


def test_count_with_failures(peers):
    """Some fail: the first failure is explained and gives the exit status."""
    server = peers.coap()
    asked = []

    def every_other(peer, data, sender):
        if data not in asked:
            asked.append(data)
        if asked.index(data) != 1:  # the second ping, however often it is sent, gets no answer
            peer.send(b"\x70\x00" + data[2:], sender)
    with UdpPeer(every_other) as peer:
        result = probe(f"coap://127.0.0.1:{peer.port}", "--count", "3", timeout=0.3)
    assert [a.ok for a in result.report.attempts] == [True, False, True]
    assert result.status == exit_status("no_answer")
    result = probe(f"tcp://127.0.0.1:{server.port}", "--count", "3")
    assert result.status == 0 and result.report.connected == 3
    result = probe(f"tcp://127.0.0.1:{closed_port()}", "--count", "3")
    assert result.status == exit_status("refused")
    assert result.report.connected == 0 and len(result.report.attempts) == 3


@pytest.mark.parametrize("version", ["1.2", "1.3"])
# scenario: S17, S30
def test_resume_in_the_second_run(server, pki, tmp_path, version):
    options = [*ca(pki), "--resume", tmp_path / "session", "--min-version", version,
               "--max-version", version]
    first = probe(uri(server), *options)
    assert first.tls.resumed is False and first.tls.session_stored is True
    assert os.stat(tmp_path / "session").st_mode & 0o077 == 0  # as secret as a key
    second = probe(uri(server), *options)
    assert second.tls.resumed is True
    assert "resumed" in linnet("probe", *options, uri(server)).out
    # the file belongs to that peer and those settings
    other = probe(uri(server), *options, "--sni", "server.example")
    assert other.status == 0 and other.tls.resumed is False


@pytest.mark.parametrize("content", [b"", b"x", b"0" * 32 + b"\n", b"\0" * 3000, os.urandom(50000)],
                         ids=["empty", "short", "head", "zeros", "long"])
# scenario: S38
def test_resume_from_a_damaged_file(server, pki, tmp_path, content):
    (tmp_path / "session").write_bytes(content)
    result = probe(uri(server), *ca(pki), "--resume", tmp_path / "session")
    assert result.status == 0 and result.tls.resumed is False
    again = probe(uri(server), *ca(pki), "--resume", tmp_path / "session")
    assert again.tls.resumed is True


# scenario: S17
def test_resume_over_dtls(peers, tmp_path):
    server = peers.coap("openssl")
    options = ["--psk-identity", PSK_ID, "--psk-key", server.psk_key,
               "--resume", tmp_path / "session"]
    runs = [probe(f"coaps://127.0.0.1:{server.secure_port}", *options) for _ in range(3)]
    assert [run.tls.resumed for run in runs] == [False, True, True]
    assert runs[1].attempt.flights.received < runs[0].attempt.flights.received


def test_resume_and_count(server, pki, tmp_path):
    result = probe(uri(server), *ca(pki), "--resume", tmp_path / "session", "--count", "3")
    assert [a.tls.resumed for a in result.report.attempts] == [False, True, True]


def test_keylog(server, pki, tmp_path):
    keys = tmp_path / "keys"
    assert probe(uri(server), *ca(pki), "--keylog", keys).status == 0
    lines = keys.read_text().splitlines()
    assert any(re.fullmatch(r"SERVER_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]{64,96}", line)
               for line in lines)
    assert os.stat(keys).st_mode & 0o077 == 0
    probe(uri(server), *ca(pki), "--keylog", keys)
    assert len(keys.read_text().splitlines()) > len(lines)  # appended


def test_verbose_goes_to_standard_error(server, pki):
    quiet = linnet("probe", *ca(pki), uri(server))
    loud = linnet("probe", "-v", *ca(pki), uri(server))
    assert quiet.err == ""
    assert loud.status == 0


def test_capabilities():
    result = linnet("probe", "--capabilities")
    assert result.status == 0
    assert "openssl" in result.out and "OpenSSL 3" in result.out
    assert "connection_id" in result.out.split("cannot")[1]
    report = linnet("probe", "--capabilities", "--json").report
    (library,) = [x for x in report.tls_libraries if x.name == "openssl"]
    assert library.can.psk is True and library.can.connection_id is False
    version = tuple(int(n) for n in re.search(r"(\d+)\.(\d+)\.(\d+)", library.version).groups())
    if version <= (3, 0, 22):  # known holes in DTLS
        assert "DTLS" in library.warning


def test_the_backend_is_chosen_by_name(server, pki):
    """Each of those that --capabilities shows, and nothing else."""
    names = [x.name for x in linnet("probe", "--capabilities", "--json").report.tls_libraries]
    assert "openssl" in names
    for name in names:
        result = probe(uri(server), *ca(pki), "--backend", name)
        assert result.status == 0 and result.report.backend == name
    assert probe(uri(server), *ca(pki)).report.backend == names[0]
    wrong = linnet("probe", "--backend", "nothing", uri(server))
    assert wrong.status == 2
    assert "'nothing' is none of: " + " ".join(names) in wrong.err


# ---- what only the transport can tell ----

def test_udp_tells_what_it_can():
    with UdpPeer(silent) as peer:
        result = probe(f"udp://127.0.0.1:{peer.port}", timeout=0.3)
        assert result.status == 0 and "does not tell" in result.attempt.note
        assert peer.datagrams == [b""]
    with UdpPeer(lambda p, _d, sender: p.send(b"hi", sender)) as peer:
        assert "answered" in probe(f"udp://127.0.0.1:{peer.port}").attempt.note
    result = probe(f"udp://127.0.0.1:{closed_port(socket.SOCK_DGRAM)}")
    assert result.status == exit_status("refused")


def test_coap_ping_is_four_bytes_and_is_repeated():
    def third_time(peer, data, sender):
        if len(peer.datagrams) == 2:
            peer.send(b"\x70\x00" + data[2:], sender)
    with UdpPeer(third_time) as peer:
        result = probe(f"coap://127.0.0.1:{peer.port}")
        assert result.status == 0 and "reset" in result.attempt.note
        assert len(peer.datagrams) == 2
        assert all(len(d) == 4 and d[:2] == b"\x40\x00" for d in peer.datagrams)
        assert peer.datagrams[0] == peer.datagrams[1]
    with UdpPeer(lambda p, _d, sender: p.send(b"nonsense", sender)) as peer:
        assert "not as a CoAP endpoint" in probe(f"coap://127.0.0.1:{peer.port}").attempt.note
