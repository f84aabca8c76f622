# SPDX-License-Identifier: Apache-2.0
"""Pre-shared keys, over DTLS and TLS, with the servers that devices meet."""

import pytest
from drive import DTLS_1_2, TLS_1_2, TLS_1_3, psk, trusting
from peers import PSK_ID, PSK_KEY, only_suite_13

PSK_CCM_8 = 0xC0A8

COAP_GET_ROOT = bytes([0x40, 1, 0x12, 0x34])


# scenario: S1
def test_dtls_psk_ccm_8_with_openssl(drive, peers):
    server = peers.s_server("-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", cert=None, psk=True, dtls=True)
    drive.config(kind="dtls", **psk(), suites=[PSK_CCM_8])
    drive.new("dtls")
    drive.connect(server.port, "127.0.0.1")
    info = drive.info()
    assert (info.tls.version, info.tls.suite) == (DTLS_1_2, PSK_CCM_8)
    assert info.tls.resumed is False
    assert info.state == "open"
    drive.send(b"to the server\n")
    server.wait_for("to the server")
    server.write(b"to the client\n")
    assert drive.recv().data == b"to the client\n"


@pytest.mark.parametrize("build", ["openssl", "gnutls"])
# scenario: S1
def test_coaps_with_libcoap(drive, peers, build):
    """A CoAP request over DTLS with a pre-shared key and nothing configured but that."""
    server = peers.coap(build)
    drive.config(kind="dtls", **psk(key=server.psk_key))
    drive.new("dtls")
    drive.connect(server.secure_port, "127.0.0.1")
    assert drive.info().tls.version == DTLS_1_2
    drive.send(COAP_GET_ROOT)
    answer = drive.recv().data
    assert answer[1] == 0x45 and answer[2:4] == COAP_GET_ROOT[2:4]  # 2.05, piggybacked
    assert b"libcoap" in answer


@pytest.mark.parametrize("suite, name", [
    (0xC0A8, "AES-128-CCM-8"), (0xC0A4, "AES-128-CCM"), (0x00A8, "AES-128-GCM")])
# scenario: S1
def test_dtls_psk_with_gnutls(drive, peers, suite, name):
    server = peers.gnutls(
        cert=None, psk=[(PSK_ID, PSK_KEY)], dtls=True,
        priority=f"NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+{name}")
    drive.config(kind="dtls", **psk(), suites=[suite])
    drive.new("dtls")
    drive.connect(server.port, "127.0.0.1")
    assert drive.info().tls.suite == suite
    drive.send(b"echo this\n")
    assert drive.recv().data == b"echo this\n"


def coap_tcp_messages(drive, count):
    """Codes of the first messages on a CoAP/TCP connection (RFC 8323 3.2), none larger than 268."""
    data = b""
    codes = []
    while len(codes) < count:
        data += drive.recv().data
        while len(data) >= 3 and len(codes) < count:
            length, head = data[0] >> 4, 1
            if length == 13:
                length, head = data[1] + 13, 2
            whole = head + 1 + (data[0] & 15) + length
            if len(data) < whole:
                break
            codes.append(data[head])
            data = data[whole:]
        if len(data) == 2 and len(codes) < count:
            codes.append(data[1])
            data = b""
    return codes


@pytest.mark.parametrize("build", ["openssl", "gnutls"])
# scenario: S2
def test_coaps_over_tcp(drive, peers, build):
    server = peers.coap(build)
    drive.config(**psk(key=server.psk_key), alpn=["coap"])
    drive.new()
    drive.connect(server.secure_port, "127.0.0.1")
    assert drive.info().tls.alpn == ""  # libcoap 4.3.1 knows no ALPN, and may be used all the same
    drive.send(bytes([0x00, 0xE1]))  # our CSM: 7.01, no options
    assert coap_tcp_messages(drive, 1) == [0xE1]
    drive.send(bytes([0x00, 0xE2]))  # 7.02 Ping
    assert coap_tcp_messages(drive, 1) == [0xE3]  # 7.03 Pong


@pytest.mark.parametrize("kind", ["openssl", "gnutls"])
@pytest.mark.parametrize("offered, chosen", [(["coap"], "coap"), (["h2", "coap"], "coap")])
# scenario: S2
def test_alpn_is_agreed_on(drive, peers, pki, kind, offered, chosen):
    server = peers.s_server("-alpn", "coap") if kind == "openssl" else peers.gnutls("--alpn", "coap")
    drive.config(**trusting(pki), alpn=offered)
    drive.new()
    drive.connect(server.port)
    assert drive.info().tls.alpn == chosen


# scenario: S2
def test_coap_without_tls(drive, peers):
    server = peers.coap("notls", psk=False)
    drive.new("tcp")
    drive.connect(server.port, "127.0.0.1")
    drive.send(bytes([0x00, 0xE1]))
    assert coap_tcp_messages(drive, 1) == [0xE1]
    drive.new("udp", "u")
    drive.connect(server.port, "127.0.0.1", "u")
    drive.send(COAP_GET_ROOT, "u")
    assert drive.recv(sock="u").data[:4] == bytes([0x60, 0x45, 0x12, 0x34])


@pytest.mark.parametrize("kind", ["tls", "dtls"])
# scenario: S4
def test_the_same_key_over_both_kinds(drive, peers, kind):
    server = peers.s_server("-cipher", "PSK", cert=None, psk=True, dtls=kind == "dtls")
    drive.config(kind=kind, **psk())
    drive.new(kind)
    for _ in range(2):
        drive.connect(server.port, "127.0.0.1")
        info = drive.info()
        assert info.tls.version == (DTLS_1_2 if kind == "dtls" else TLS_1_3)
        assert info.tls.resumed is False
        drive.send(b"both kinds\n")
        server.wait_for("both kinds")
        drive.close()


@pytest.mark.parametrize("psk_hash, ciphersuite, suite", [
    ("sha256", "TLS_AES_128_GCM_SHA256", 0x1301),
    ("sha256", "TLS_AES_128_CCM_8_SHA256", 0x1305),
])
# scenario: S1, S29
def test_external_psk_of_tls_1_3(drive, peers, psk_hash, ciphersuite, suite):
    """It is no resumption, whatever the library calls it."""
    server = peers.s_server(*only_suite_13(ciphersuite), cert=None, psk=True)
    drive.config(**psk(psk_hash=psk_hash), min_version=TLS_1_3, suites=[suite])
    drive.new()
    drive.connect(server.port, "127.0.0.1")
    info = drive.info()
    assert (info.tls.version, info.tls.suite) == (TLS_1_3, suite)
    assert info.tls.resumed is False


KEY_MAX = {"mbedtls": 48}  # MBEDTLS_PSK_MAX_LEN of its default build; of the others: LN_PSK_KEY_MAX


def is_too_long_for(drive, kind, identity, key):
    """Whether the library takes no such key; then that is said when the configuration is made."""
    if len(key) // 2 <= KEY_MAX.get(drive.backend, 256):
        return False
    answer = drive.config(kind=kind, expect="LN_UNSUPPORTED", **psk(identity, key))
    assert "psk_key" in answer.diag.text and str(KEY_MAX[drive.backend]) in answer.diag.text
    return True


@pytest.mark.parametrize("kind", ["tls", "dtls"])
@pytest.mark.parametrize("identity_len, key_len", [(1, 1), (32, 16), (255, 48), (255, 64), (255, 256)])
# scenario: S15
def test_sizes_with_openssl(drive, peers, kind, identity_len, key_len):
    identity = ("device-" * 40)[:identity_len]
    key = bytes(range(1, 256)) + b"\x01"
    if is_too_long_for(drive, kind, identity, key[:key_len].hex()):
        return
    server = peers.s_server("-cipher", "PSK", "-psk_identity", identity, "-psk",
                            key[:key_len].hex(), cert=None, dtls=kind == "dtls", quiet=False)
    limits = {} if kind == "dtls" else {"max_version": TLS_1_2}
    drive.config(kind=kind, **psk(identity, key[:key_len].hex()), **limits)
    drive.new(kind)
    drive.connect(server.port, "127.0.0.1")
    drive.send(b"accepted\n")
    server.wait_for("accepted")
    assert "PSK warning" not in server.log  # that is how s_server says: another identity


@pytest.mark.parametrize("kind", ["tls", "dtls"])
# scenario: S15
def test_sizes_with_gnutls(drive, peers, kind):
    identity, key = "gateway-" * 15, "5a" * KEY_MAX.get(drive.backend, 64)
    version = "DTLS1.2" if kind == "dtls" else "TLS1.2"
    server = peers.gnutls(cert=None, psk=[("someone-else", "00ff"), (identity, key)],
                          dtls=kind == "dtls", priority=f"NORMAL:-VERS-ALL:+VERS-{version}:+PSK")
    drive.config(kind=kind, **psk(identity, key))
    drive.new(kind)
    drive.connect(server.port, "127.0.0.1")
    drive.send(b"echo this\n")
    assert drive.recv().data == b"echo this\n"


@pytest.mark.parametrize("identity, key, names", [
    ("", "00", "psk_identity"), ("i" * 256, "00", "psk_identity"),
    ("i", "", "psk_key"), ("i", "00" * 257, "psk_key")])
# scenario: S15, S26
def test_sizes_that_are_refused(drive, identity, key, names):
    answer = drive.config(expect="LN_BAD_ARG", **psk(identity, key))
    assert answer.diag.category == "configuration"
    assert names in answer.diag.text


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
# scenario: C3
def test_wrong_key_is_told_by_an_alert(drive, peers, version):
    server = peers.s_server("-cipher", "PSK", cert=None, psk=True)
    drive.config(**psk(key="ff" * 16), min_version=version, max_version=version)
    drive.new()
    drive.connect(server.port, "127.0.0.1", expect="LN_REFUSED")
    diag = drive.diag()
    assert diag.category == "psk_key"
    assert diag.alert_from == "received"
    assert diag.alert_number in (20, 40, 47, 51)  # what OpenSSL calls a key that does not fit
    assert drive.info().state == "failed"
    drive.close()
    assert drive.info().state == "closed"


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
# scenario: S23
def test_server_with_certificate_only_is_refused(drive, peers, version):
    """Never a certificate handshake where a key was agreed."""
    server = peers.s_server()
    drive.config(**psk(), min_version=version, max_version=version)
    drive.new()
    drive.connect(server.port, "127.0.0.1", expect=None)
    assert drive.info().state == "failed"
    assert drive.diag().status in ("LN_REFUSED", "LN_DENIED", "LN_BAD_PEER")


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
# scenario: S23
def test_server_with_both_takes_the_key(drive, peers, version):
    server = peers.s_server(psk=True)
    drive.config(**psk(), min_version=version, max_version=version)
    drive.new()
    drive.connect(server.port, "127.0.0.1")
    assert drive.do("certs", sock="s").certs == []
