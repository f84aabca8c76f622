# SPDX-License-Identifier: Apache-2.0
"""Versions, cipher suites and groups: what is offered, and what comes of it."""

import pytest
import wire
from broken import TcpPeer, UdpPeer
from drive import DTLS_1_2, TLS_1_2, TLS_1_3, psk, trusting
from peers import only_suite_13

TLS_1_1 = 0x0302
DTLS_1_3 = 0xFEFC
SCSV = {0x00FF, 0x5600}  # signals, not suites: renegotiation info, fallback


@pytest.mark.parametrize("server_has, low, high, chosen", [
    (["-tls1_2"], 0, 0, TLS_1_2),
    (["-tls1_3"], 0, 0, TLS_1_3),
    ([], 0, 0, TLS_1_3),
    ([], 0, TLS_1_2, TLS_1_2),
    ([], TLS_1_3, 0, TLS_1_3),
    ([], TLS_1_2, TLS_1_2, TLS_1_2),
])
# scenario: S22
def test_version_that_is_chosen(drive, peers, pki, server_has, low, high, chosen):
    server = peers.s_server(*server_has)
    drive.config(**trusting(pki), min_version=low, max_version=high)
    drive.new()
    drive.connect(server.port)
    assert drive.info().tls.version == chosen


@pytest.mark.parametrize("server_has, low, high", [
    (["-tls1_2"], TLS_1_3, 0),
    (["-tls1_3"], 0, TLS_1_2),
    (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], 0, 0),
])
# scenario: S22, C3
def test_no_version_in_common(drive, peers, pki, server_has, low, high):
    server = peers.s_server(*server_has, cert="rsa")
    drive.config(**trusting(pki), min_version=low, max_version=high)
    drive.new()
    drive.connect(server.port, expect="LN_REFUSED")
    diag = drive.diag()
    assert (diag.category, diag.likely) == ("version", False)
    assert (diag.alert_from, diag.alert_number) == ("received", 70)


# scenario: S22
def test_old_versions_only_by_opting_in(drive, peers, pki):
    server = peers.s_server("-tls1_1", "-cipher", "ALL:@SECLEVEL=0", cert="rsa")
    answer = drive.config(**trusting(pki), min_version=TLS_1_1, expect="LN_BAD_ARG")
    assert "insecure_old_versions" in answer.diag.text
    old = {"min_version": TLS_1_1, "old_versions": True, "suites": [0xC013, 0x002F]}
    if drive.backend == "mbedtls":
        answer = drive.config(**trusting(pki), **old, expect="LN_UNSUPPORTED")
        assert "min_version" in answer.diag.text and "begins with TLS 1.2" in answer.diag.text
        return
    drive.config(**trusting(pki), **old)
    drive.new()
    drive.connect(server.port)
    assert drive.info().tls.version == TLS_1_1


@pytest.mark.parametrize("kind, low, high", [
    ("tls", TLS_1_3, TLS_1_2),       # lowest above highest
    ("tls", DTLS_1_2, 0),            # a number of the other kind
    ("dtls", TLS_1_2, 0),
    ("tls", 0x0399, 0),
    ("tls", 0x0300, 0),              # SSL 3.0
])
# scenario: S22, S26
def test_versions_that_are_refused(drive, pki, kind, low, high):
    answer = drive.do("config", id="c", kind=kind, **trusting(pki), min_version=low,
                      max_version=high)
    assert answer.status in ("LN_BAD_ARG", "LN_UNSUPPORTED")
    assert "version" in answer.diag.text


# scenario: S31
def test_dtls_1_3_is_refused_clearly(drive):
    answer = drive.config(kind="dtls", **psk(), min_version=DTLS_1_3, expect="LN_UNSUPPORTED")
    assert "version" in answer.diag.text and "DTLS 1.3" in answer.diag.text


ECDSA, RSA, PSK = "server", "rsa", None
SUITES = [
    (0xC02B, "ECDHE-ECDSA-AES128-GCM-SHA256", ECDSA),
    (0xC02C, "ECDHE-ECDSA-AES256-GCM-SHA384", ECDSA),
    (0xCCA9, "ECDHE-ECDSA-CHACHA20-POLY1305", ECDSA),
    (0xC0AC, "ECDHE-ECDSA-AES128-CCM", ECDSA),
    (0xC0AE, "ECDHE-ECDSA-AES128-CCM8", ECDSA),
    (0xC023, "ECDHE-ECDSA-AES128-SHA256", ECDSA),
    (0xC02F, "ECDHE-RSA-AES128-GCM-SHA256", RSA),
    (0xC030, "ECDHE-RSA-AES256-GCM-SHA384", RSA),
    (0xCCA8, "ECDHE-RSA-CHACHA20-POLY1305", RSA),
    (0x00A8, "PSK-AES128-GCM-SHA256", PSK),
    (0x00A9, "PSK-AES256-GCM-SHA384", PSK),
    (0x00AE, "PSK-AES128-CBC-SHA256", PSK),
    (0xC0A4, "PSK-AES128-CCM", PSK),
    (0xC0A8, "PSK-AES128-CCM8", PSK),
    (0xCCAB, "PSK-CHACHA20-POLY1305", PSK),
    (0xC037, "ECDHE-PSK-AES128-CBC-SHA256", PSK),
]


@pytest.mark.parametrize("kind", ["tls", "dtls"])
@pytest.mark.parametrize("suite, name, cert", SUITES, ids=[s[1] for s in SUITES])
# scenario: S25
def test_one_suite(drive, peers, pki, kind, suite, name, cert):
    server = peers.s_server("-cipher", f"{name}:@SECLEVEL=0", cert=cert, psk=cert is None,
                            dtls=kind == "dtls")
    options = psk() if cert is None else trusting(pki)
    if kind == "tls":
        options["max_version"] = TLS_1_2
    drive.config(kind=kind, **options, suites=[suite])
    drive.new(kind)
    drive.connect(server.port)
    assert drive.info().tls.suite == suite
    drive.send(b"with " + name.encode() + b"\n")
    server.wait_for(f"with {name}")


@pytest.mark.parametrize("suite, name", [
    (0x1301, "TLS_AES_128_GCM_SHA256"), (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"), (0x1304, "TLS_AES_128_CCM_SHA256"),
    (0x1305, "TLS_AES_128_CCM_8_SHA256")])
# scenario: S29
def test_one_suite_of_tls_1_3(drive, peers, pki, suite, name):
    server = peers.s_server(*only_suite_13(name))
    drive.config(**trusting(pki), suites=[suite])
    drive.new()
    drive.connect(server.port)
    assert (drive.info().tls.version, drive.info().tls.suite) == (TLS_1_3, suite)


# scenario: S29
def test_a_list_without_suites_of_tls_1_3_means_no_tls_1_3(drive, peers, pki):
    server = peers.s_server()
    drive.config(**trusting(pki), suites=[0xC02B])
    drive.new()
    drive.connect(server.port)
    assert drive.info().tls.version == TLS_1_2


def hello_over_tcp(drive, options, host="127.0.0.1", name=None):
    """The ClientHello that these options make."""
    seen = []
    with TcpPeer(lambda conn: seen.append(wire.read_client_hello(conn)[0])) as peer:
        drive.config(**options)
        drive.new()
        if name is not None:
            assert drive.do("name", sock="s", name=name).status == "LN_OK"
        drive.connect(peer.port, host, expect=None)
        drive.close()
    return seen[0]


@pytest.mark.parametrize("options, suites", [
    ({"max_version": TLS_1_2}, [0xC0AE, 0xC02B, 0xCCA9, 0xC0AC, 0xC02C]),
    ({"min_version": TLS_1_3}, [0x1304, 0x1303, 0x1301, 0x1305, 0x1302]),
    ({}, [0x1302, 0x1301, 0xC02C, 0xC02B]),
])
# scenario: S25
def test_suites_are_offered_in_order(drive, pki, options, suites):
    hello = hello_over_tcp(drive, {**trusting(pki), **options, "suites": suites})
    assert [s for s in hello.suites if s not in SCSV] == suites


# scenario: S25
def test_suites_are_offered_in_order_over_dtls(drive):
    suites = [0xC0A4, 0xC0A8, 0x00A8, 0x00AE]
    with UdpPeer(lambda *_: None) as peer:
        drive.config(kind="dtls", **psk(), suites=suites, first_ms=50, max_ms=50)
        drive.new("dtls")
        drive.connect(peer.port, "127.0.0.1", expect="LN_TIMEOUT")
        hello = wire.client_hello_of_datagram(peer.datagrams[0])
    assert [s for s in hello.suites if s not in SCSV] == suites


@pytest.mark.parametrize("auth", ["certificate", "psk"])
# scenario: S25, S23
def test_only_suites_of_the_mode_are_offered(drive, pki, auth):
    options = psk() if auth == "psk" else trusting(pki)
    hello = hello_over_tcp(drive, {**options, "max_version": TLS_1_2})
    family = {0xA8, 0xA9, 0xAE, 0xAF, *range(0xC0A4, 0xC0AC), 0xCCAB, 0xCCAC, 0xC035, 0xC036,
              0xC037, 0xC038, 0xD001, 0xD002, 0xD003, 0xD005, 0x8C, 0x8D, 0xAA, 0xAB, 0xCCAD}
    suites = {s for s in hello.suites if s not in SCSV}
    assert suites
    assert suites <= family if auth == "psk" else not suites & family


@pytest.mark.parametrize("options, suites", [
    (trusting, [0xC0A8]),            # a suite of the other mode
    (trusting, [0x1234]),            # no suite at all
    (trusting, [0xC02B, 0x0001]),    # one good, one that the library lacks
])
# scenario: S25, S26
def test_suites_that_are_refused(drive, pki, options, suites):
    answer = drive.do("config", id="c", kind="tls", **options(pki), suites=suites)
    assert answer.status in ("LN_BAD_ARG", "LN_UNSUPPORTED")
    assert "suite" in answer.diag.text


@pytest.mark.parametrize("group, name", [(29, "X25519"), (23, "P-256"), (24, "P-384"),
                                         (25, "P-521")])
@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
# scenario: S25
def test_one_group(drive, peers, pki, group, name, version):
    server = peers.s_server("-groups", name if group == 23 else f"{name}:P-256")
    drive.config(**trusting(pki), min_version=version, max_version=version,
                 groups=[group] if group == 23 else [group, 23])
    drive.new()
    drive.connect(server.port)
    assert drive.info().tls.group == group


# scenario: S2
def test_alpn_is_offered_in_order(drive, pki):
    hello = hello_over_tcp(drive, {**trusting(pki), "alpn": ["coap", "http/1.1"]})
    assert hello.alpn == ["coap", "http/1.1"]


@pytest.mark.parametrize("host, name, sent", [
    ("localhost", None, "localhost"),
    ("127.0.0.1", None, None),                       # RFC 6066 3: no literals
    ("127.0.0.1", "server.example", "server.example"),
    ("127.0.0.1", "Server.Example.", "server.example"),
    ("localhost", "192.0.2.1", None),
    ("localhost", "2001:db8::1", None),
])
# scenario: S35
def test_sni(drive, pki, host, name, sent):
    seen = hello_over_tcp(drive, trusting(pki), host, name).name
    assert seen == sent if sent is None else seen.lower() == sent


# scenario: S18
def test_sni_of_255_bytes(drive, pki):
    name = ".".join(["a" * 63] * 4)
    assert len(name) == 255
    assert hello_over_tcp(drive, trusting(pki), "127.0.0.1", name).name == name
    drive.new(sock="t")
    assert drive.do("name", sock="t", name="a" + name).status == "LN_BAD_ARG"
    assert drive.do("name", sock="t", name="").status == "LN_BAD_ARG"
