# SPDX-License-Identifier: Apache-2.0
"""Who the server is and who we are: names, chains, CRLs, DANE, client certificates."""

import subprocess

import pytest
from certs import (DANE_EE, DANE_TA, EXACT, PKIX_EE, PKIX_TA, SHA256, SHA384, SHA512, ders,
                   other_tlsa, tlsa)
from drive import (TLS_1_2, TLS_1_3, VERIFY_NOT_DONE, VERIFY_OK, VERIFY_UNTRUSTED, file, trusting)

KINDS = ["tls1_2", "tls1_3", "dtls1_2"]


def serve(peers, kind, cert, *options):
    if kind == "dtls1_2":
        return peers.s_server(*options, cert=cert, dtls=True)
    return peers.s_server(f"-{kind}", *options, cert=cert)


def our_kind(kind):
    return "dtls" if kind == "dtls1_2" else "tls"


# certificate, name to verify (None: the host localhost), category or None if it must work
NAMES = [
    ("server", None, None),
    ("server", "server.example", None),
    ("server", "SERVER.Example", None),
    ("server", "127.0.0.1", None),
    ("server", "::1", None),
    ("server", "a.wild.example", None),
    ("server", "192.0.2.1", "wrong_name"),
    ("server", "example", "wrong_name"),
    ("ip", "127.0.0.1", None),
    ("ip", None, "wrong_name"),
    ("wildcard", "a.wild.example", None),
    ("wildcard", "a.b.wild.example", "wrong_name"),
    ("wildcard", "wild.example", "wrong_name"),
    ("wildcard", ".wild.example", "refused-name"),
    ("wrong-name", None, "wrong_name"),
    ("cn-only", None, "wrong_name"),
    ("expired", None, "expired"),
    ("not-yet", None, "not_yet_valid"),
    ("self-signed", None, "untrusted"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cert, name, category", NAMES,
                         ids=[f"{c}-{n}" for c, n, _ in NAMES])
# scenario: S36, T9
def test_name_dates_and_trust(drive, peers, pki, kind, cert, name, category):
    drive.config(kind=our_kind(kind), **trusting(pki))
    drive.new(our_kind(kind))
    if name is not None:
        answer = drive.do("name", sock="s", name=name)
        if category == "refused-name":
            assert answer.status == "LN_BAD_ARG"
            return
        assert answer.status == "LN_OK"
    server = serve(peers, kind, cert)
    drive.connect(server.port, expect="LN_OK" if category is None else "LN_DENIED")
    if category is None:
        assert drive.info().tls.verify == VERIFY_OK
        return
    diag = drive.diag()
    assert diag.category == category
    assert diag.alert_from == "sent"
    assert diag.likely is False
    assert drive.info().state == "failed"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options, category", [
    ({}, "untrusted"),                                     # zero trusts nobody
    ({"trust": "other-root.pem"}, "untrusted"),
    ({"trust": "intermediate.pem"}, "untrusted"),          # an anchor must be self-signed ...
    ({"trust": "intermediate.pem", "partial_chain": True}, None),  # ... unless that is said
])
# scenario: S36, S12
def test_trust(drive, peers, pki, kind, options, category):
    options = dict(options)
    if "trust" in options:
        options["trust"] = file(pki / options["trust"])
    server = serve(peers, kind, "server")
    drive.config(kind=our_kind(kind), **options)
    drive.new(our_kind(kind))
    if category is None:
        drive.connect(server.port)
        return
    drive.connect(server.port, expect="LN_DENIED")
    assert drive.diag().category in (category, "chain_incomplete")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cert, crl, crl_all, category", [
    ("server", "crl.pem", False, None),
    ("server", "crl.pem", True, None),
    ("revoked", "crl.pem", False, "revoked"),
    ("revoked", None, False, None),
    ("server", "crl-intermediate.pem", False, "revoked"),
    ("server", "crl-expired.pem", False, "expired"),
])
# scenario: S36, T9
def test_revocation(drive, peers, pki, kind, cert, crl, crl_all, category):
    server = serve(peers, kind, cert)
    crls = {} if crl is None else {"crls": file(pki / crl)}
    drive.config(kind=our_kind(kind), **trusting(pki), **crls, crl_all=crl_all)
    drive.new(our_kind(kind))
    drive.connect(server.port, expect="LN_OK" if category is None else "LN_DENIED")
    if category is not None:
        assert drive.diag().category == category


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
# scenario: S36
def test_verification_switched_off_is_still_recorded(drive, peers, version):
    server = peers.s_server(version)
    drive.config(skip_verification=True)
    drive.new()
    drive.connect(server.port)
    assert drive.info().tls.verify not in (VERIFY_OK, VERIFY_NOT_DONE)


# ---- client certificates ----

HTTP_GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

MUTUAL = ["listen 127.0.0.1:PORT ssl; ssl_protocols TLSv1.2 TLSv1.3;"
          "ssl_certificate PKI/server-chain.pem; ssl_certificate_key PKI/server.key;"
          "ssl_verify_client on; ssl_verify_depth 3; ssl_client_certificate PKI/root.pem;"]


def http_status(drive):
    drive.send(HTTP_GET)
    return int(drive.recv(4096).data.split(b" ", 2)[1])


def client(pki, name="client-chain.pem", key="client.key", **more):
    return {"chain": file(pki / name), "key": file(pki / key, **more)}


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
# scenario: S10, S6
def test_client_certificate_with_nginx(drive, peers, pki, version):
    server = peers.nginx(MUTUAL)
    limits = {"min_version": version, "max_version": version}
    drive.config("with", **trusting(pki), **client(pki), **limits)
    drive.new(config="with")
    drive.connect(server.port)
    assert http_status(drive) == 200
    drive.config("without", **trusting(pki), **limits)
    drive.new(config="without")
    drive.connect(server.port)
    assert http_status(drive) == 400
    drive.config("foreign", **trusting(pki), **limits,
                 **client(pki, "client-other.pem", "client-other.key"))
    drive.new(config="foreign")
    drive.connect(server.port)
    assert http_status(drive) == 400
    drive.config("wrong-ca", trust=file(pki / "other-root.pem"), **client(pki), **limits)
    drive.new(config="wrong-ca")
    drive.connect(server.port, expect="LN_DENIED")
    assert drive.diag().category in ("untrusted", "chain_incomplete")


def encrypted_key(pki, folder, form):
    path = folder / f"client-{form}.key"
    argv = {"pkcs8-pem": ["-outform", "PEM"], "pkcs8-der": ["-outform", "DER"],
            "legacy-pem": ["-traditional"]}[form]
    subprocess.run(["openssl", "pkey" if form == "legacy-pem" else "pkcs8",
                    *(["-topk8", "-v2", "aes-256-cbc"] if form != "legacy-pem" else ["-aes256"]),
                    "-in", pki / "client.key", "-out", path, "-passout", "pass:hush", *argv],
                   check=True)
    return path


@pytest.mark.parametrize("form", ["pkcs8-pem", "pkcs8-der", "legacy-pem"])
# scenario: S13
def test_encrypted_key_with_nginx(drive, peers, pki, tmp_path, form):
    server = peers.nginx(MUTUAL)
    key = encrypted_key(pki, tmp_path, form)
    chain = {"chain": file(pki / "client-chain.pem")}
    drive.config(**trusting(pki), **chain, key=file(key, password="hush"))
    drive.new()
    drive.connect(server.port)
    assert http_status(drive) == 200
    for password in ("tell-nobody", None):
        answer = drive.config(expect="LN_DENIED", **trusting(pki), **chain,
                              key=file(key, **({"password": password} if password else {})))
        assert "password" in answer.diag.text
        assert "tell-nobody" not in str(answer)


# scenario: S13
def test_a_password_that_is_not_needed_is_harmless(drive, peers, pki):
    server = peers.nginx(MUTUAL)
    drive.config(**trusting(pki), **client(pki, password="whatever"))
    drive.new()
    drive.connect(server.port)
    assert http_status(drive) == 200


# scenario: C3
def test_missing_client_certificate_shows_at_the_first_read(drive, peers, pki):
    """TLS 1.3: connect succeeds, the alert comes afterwards."""
    server = peers.s_server("-tls1_3", "-Verify", "3", "-CAfile", pki / "root.pem")
    drive.config(**trusting(pki))
    drive.new()
    drive.connect(server.port)
    drive.recv(expect="LN_REFUSED")
    diag = drive.diag()
    assert (diag.category, diag.likely) == ("client_certificate_wanted", False)
    assert (diag.alert_from, diag.alert_number, diag.phase) == ("received", 116, "transfer")


@pytest.mark.parametrize("kind", KINDS)
# scenario: C3
def test_unknown_ca_of_the_client(drive, peers, pki, kind):
    server = serve(peers, kind, "server", "-Verify", "3", "-verify_return_error", "-CAfile",
                   pki / "root.pem")
    drive.config(kind=our_kind(kind), **trusting(pki),
                 **client(pki, "client-other.pem", "client-other.key"))
    drive.new(our_kind(kind))
    if kind == "tls1_3":
        drive.connect(server.port)
        drive.recv(expect="LN_REFUSED")
    else:
        drive.connect(server.port, expect="LN_REFUSED")
    diag = drive.diag()
    assert (diag.category, diag.alert_number) == ("client_certificate_rejected", 48)


# ---- chains of our own ----

def chain_seen_by_server(server):
    """Depths that `s_server -Verify` printed, without doubles."""
    return {int(line.split("depth=")[1].split()[0])
            for line in server.log.splitlines() if line.startswith("depth=")}


@pytest.mark.parametrize("kind", KINDS)
# scenario: C5
def test_own_chain_is_completed(drive, peers, pki, kind):
    server = serve_loud(peers, kind, "-Verify", "3", "-verify_return_error", "-CAfile",
                        pki / "root.pem")
    drive.config(kind=our_kind(kind), trust=[file(pki / "intermediate.pem"), file(pki / "root.pem")],
                 **client(pki, "client.pem"), complete_chain=True)
    drive.new(our_kind(kind))
    drive.connect(server.port)
    drive.send(b"known\n")
    server.wait_for("known")
    assert {0, 1, 2} <= chain_seen_by_server(server)


def serve_loud(peers, kind, *options):
    if kind == "dtls1_2":
        return peers.s_server(*options, dtls=True, quiet=False)
    return peers.s_server(f"-{kind}", *options, quiet=False)


@pytest.mark.parametrize("kind", ["tls1_2", "dtls1_2"])
# scenario: C5
def test_own_chain_is_not_completed_unasked(drive, peers, pki, kind):
    server = serve_loud(peers, kind, "-Verify", "3", "-verify_return_error", "-CAfile",
                        pki / "root.pem")
    drive.config(kind=our_kind(kind), trust=[file(pki / "intermediate.pem"), file(pki / "root.pem")],
                 **client(pki, "client.pem"))
    drive.new(our_kind(kind))
    drive.connect(server.port, expect="LN_REFUSED")
    assert drive.diag().category == "client_certificate_rejected"


# scenario: C5
def test_cross_signed_issuers_terminate(drive, peers, pki):
    server = serve_loud(peers, "tls1_2", "-Verify", "5", "-verify_return_error", "-CAfile",
                        pki / "root.pem")
    names = ("cross.pem", "intermediate.pem", "other-root.pem", "root.pem", "cross.pem")
    drive.config(trust=[file(pki / n) for n in names], **client(pki, "client.pem"),
                 complete_chain=True)
    drive.new()
    # whichever issuer was taken first: the configuration ends, and so does the handshake
    drive.connect(server.port, expect=None)
    assert drive.info().state in ("open", "failed")


# ---- SNI ----

@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
# scenario: S18
def test_virtual_hosts_of_nginx(drive, peers, pki, version):
    server = peers.nginx(http="ssl_protocols TLSv1.2 TLSv1.3;", servers=[
        "listen 127.0.0.1:PORT ssl default_server; server_name localhost;"
        "ssl_certificate PKI/server-chain.pem; ssl_certificate_key PKI/server.key;",
        "listen 127.0.0.1:PORT ssl; server_name a.wild.example;"
        "ssl_certificate PKI/wildcard-chain.pem; ssl_certificate_key PKI/wildcard.key;"])
    drive.config(**trusting(pki), min_version=version, max_version=version)
    drive.new()
    leaf = {}
    for name in ("localhost", "a.wild.example"):
        assert drive.do("name", sock="s", name=name).status == "LN_OK"
        drive.connect(server.port, "127.0.0.1")
        leaf[name] = bytes.fromhex(drive.do("certs", sock="s").certs[0].der)
        drive.close()
    assert leaf["localhost"] == ders(pki / "server-chain.pem")[0]
    assert leaf["a.wild.example"] == ders(pki / "wildcard-chain.pem")[0]


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
# scenario: S18, S39
def test_unknown_server_name(drive, peers, pki, version):
    server = peers.s_server(
        version, "-servername", "a.wild.example", "-servername_fatal",
        "-cert2", pki / "wildcard-chain.pem", "-key2", pki / "wildcard.key")
    drive.config(trust=[file(pki / "root.pem"), file(pki / "intermediate.pem")])
    drive.new()
    drive.do("name", sock="s", name="a.wild.example")
    drive.connect(server.port)
    drive.close()
    drive.do("name", sock="s", name="b.wild.example")
    drive.connect(server.port, expect="LN_REFUSED")
    diag = drive.diag()
    assert (diag.category, diag.alert_number) == ("wrong_name", 112)


# ---- where credentials come from ----

@pytest.mark.parametrize("trust", [
    {"file": "root.pem"}, {"file": "root.der"}, {"dir": "trust-dir"}, "hex-pem", "hex-der",
    [{"file": "other-root.pem"}, {"file": "root.der"}],
    [[{"file": "other-root.pem"}], [[{"dir": "trust-dir"}]]],
], ids=["pem", "der", "folder", "memory-pem", "memory-der", "list", "nested"])
# scenario: C1, S6, S7
def test_sources_of_trust(drive, peers, pki, trust):
    def at(source):
        if isinstance(source, list):
            return [at(s) for s in source]
        return {kind: str(pki / path) for kind, path in source.items()}
    if trust == "hex-pem":
        trust = {"hex": (pki / "root.pem").read_bytes().hex()}
    elif trust == "hex-der":
        trust = {"hex": (pki / "root.der").read_bytes().hex()}
    else:
        trust = at(trust)
    server = peers.s_server()
    drive.config(trust=trust)
    drive.new()
    drive.connect(server.port)
    assert drive.info().tls.verify == VERIFY_OK


# scenario: C1
def test_a_token_that_is_not_there(drive, pki):
    """Refused when the configuration is made; without a provider, by a sentence that names it."""
    answer = drive.do("config", id="c", kind="tls", **trusting(pki),
                      chain=file(pki / "client-chain.pem"),
                      key={"uri": "pkcs11:token=linnet;object=client;type=private"})
    assert answer.status in ("LN_UNSUPPORTED", "LN_NOT_FOUND")
    assert "pkcs11" in answer.diag.text.lower()
    if answer.status == "LN_UNSUPPORTED" and drive.backend == "openssl":
        assert "provider" in answer.diag.text


# ---- DANE ----

USAGES = {"PKIX-TA": PKIX_TA, "PKIX-EE": PKIX_EE, "DANE-TA": DANE_TA, "DANE-EE": DANE_EE}


@pytest.fixture(scope="module", name="chain")
def fixture_chain(pki):
    """Leaf, intermediate, root."""
    return ders(pki / "server-full.pem")


def dane(pki, usage, records, **more):
    """DANE with a store for the usages that need one, and with none for the others."""
    trust = trusting(pki) if usage in (PKIX_TA, PKIX_EE) else {}
    return {"auth": "dane", "tlsa": records, **trust, **more}


@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES.keys())
@pytest.mark.parametrize("version", ["tls1_2", "tls1_3", "dtls1_2"])
# scenario: S34
def test_dane(drive, peers, pki, chain, usage, version):
    """2 selectors x 4 matching types x match, mismatch and wrong role, on one server."""
    if version == "dtls1_2":
        server = peers.gnutls(cert="server", dtls=True)  # serves several clients
    else:
        server = peers.s_server(f"-{version}")
    ta = usage in (PKIX_TA, DANE_TA)
    right, wrong = (chain[1], chain[0]) if ta else (chain[0], chain[1])
    (stranger,) = ders(pki / ("other-root.pem" if ta else "client.pem"))
    kind = our_kind(version)
    for selector in (0, 1):
        for matching in (EXACT, SHA256, SHA384, SHA512):
            record = tlsa(right, usage, selector, matching)
            drive.config(kind=kind, **dane(pki, usage, [record]))
            drive.new(kind)
            drive.connect(server.port)
            drive.do("free", sock="s")
            for bad in (tlsa(stranger, usage, selector, matching),
                        tlsa(wrong, usage, selector, matching)):
                drive.config(kind=kind, **dane(pki, usage, [bad]))
                drive.new(kind)
                drive.connect(server.port, expect="LN_DENIED")
                assert drive.diag().category == "dane_mismatch", (selector, matching, bad)
                drive.do("free", sock="s")


@pytest.mark.parametrize("usage", [DANE_TA, DANE_EE])
# scenario: S34
def test_dane_with_gnutls(drive, peers, chain, usage):
    server = peers.gnutls()
    record = tlsa(chain[1] if usage == DANE_TA else chain[0], usage, 1, SHA256)
    drive.config(auth="dane", tlsa=[record])
    drive.new()
    drive.connect(server.port)
    drive.close()
    drive.config("bad", auth="dane", tlsa=[other_tlsa(record)])
    drive.new(sock="t", config="bad")
    drive.connect(server.port, sock="t", expect="LN_DENIED")
    assert drive.diag("t").category == "dane_mismatch"


# scenario: S34
def test_anchor_that_the_server_does_not_send(drive, peers, chain):
    """Usage 2: the whole certificate as record is an anchor by itself; a digest is not."""
    server = peers.s_server()  # sends leaf and intermediate
    drive.config(auth="dane", tlsa=[tlsa(chain[2], DANE_TA, 0, EXACT)])
    drive.new()
    drive.connect(server.port)
    drive.close()
    drive.config("digest", auth="dane", tlsa=[tlsa(chain[2], DANE_TA, 0, SHA256)])
    drive.new(sock="t", config="digest")
    drive.connect(server.port, sock="t", expect="LN_DENIED")


@pytest.mark.parametrize("usage, cert, name, category", [
    (PKIX_TA, "server", "elsewhere.example", "wrong_name"),
    (PKIX_EE, "server", "elsewhere.example", "wrong_name"),
    (DANE_TA, "server", "elsewhere.example", "wrong_name"),
    (DANE_EE, "server", "elsewhere.example", None),    # RFC 7671 5.1: neither name ...
    (DANE_EE, "expired", None, None),                  # ... nor dates
    (DANE_TA, "expired", None, "expired"),
    (PKIX_EE, "expired", None, "expired"),
    (PKIX_EE, "self-signed", None, "untrusted"),
])
# scenario: S34
def test_what_dane_still_checks(drive, peers, pki, usage, cert, name, category):
    server = peers.s_server(cert=cert)
    path = pki / f"{cert}-chain.pem"
    certs = ders(path if path.exists() else pki / f"{cert}.pem")
    record = tlsa(certs[1 if usage in (PKIX_TA, DANE_TA) else 0], usage, 0, SHA256)
    drive.config(**dane(pki, usage, [record]))
    drive.new()
    if name is not None:
        drive.do("name", sock="s", name=name)
    drive.connect(server.port, expect="LN_OK" if category is None else "LN_DENIED")
    if category is not None:
        assert drive.diag().category == category


# scenario: S34
def test_strict_dane_ee(drive, peers, pki):
    server = peers.s_server(cert="expired")
    record = tlsa(ders(pki / "expired-chain.pem")[0], DANE_EE, 1, SHA256)
    drive.config(auth="dane", tlsa=[record], dane_ee_strict=True)
    drive.new()
    drive.connect(server.port, expect="LN_DENIED")
    assert drive.diag().category == "expired"


# scenario: S34
def test_pkix_usages_need_a_store(drive, peers, pki, chain):
    server = peers.s_server()
    for usage in (PKIX_TA, PKIX_EE):
        record = tlsa(chain[1 if usage == PKIX_TA else 0], usage, 0, SHA256)
        answer = drive.do("config", id="c", kind="tls", auth="dane", tlsa=[record])
        if answer.status != "LN_OK":  # said at once
            assert "trust" in answer.diag.text
            continue
        drive.new()
        drive.connect(server.port, expect="LN_DENIED")
        assert drive.diag().category in ("untrusted", "chain_incomplete")
        drive.do("free", sock="s")


@pytest.mark.parametrize("usage, fits, works", [
    (DANE_TA, True, True), (DANE_TA, False, False),
    (DANE_EE, True, True), (DANE_EE, False, False),
    (PKIX_TA, False, True), (PKIX_EE, False, True),  # not usable: nobody is authenticated
    (None, True, True),
])
# scenario: S34
def test_opportunistic(drive, peers, chain, usage, fits, works):
    server = peers.s_server()
    records = []
    if usage is not None:
        record = tlsa(chain[1] if usage in (PKIX_TA, DANE_TA) else chain[0], usage, 0, SHA256)
        records = [record if fits else other_tlsa(record)]
    drive.config(auth="dane_opportunistic", tlsa=records)
    drive.new()
    drive.connect(server.port, expect="LN_OK" if works else "LN_DENIED")
    if not works:
        assert drive.diag().category == "dane_mismatch"


# scenario: S34
def test_dane_without_records_is_pkix(drive, peers, pki):
    server = peers.s_server()
    drive.config(auth="dane", **trusting(pki))
    drive.new()
    drive.connect(server.port)
    drive.close()  # s_server serves one at a time
    drive.config("nobody", auth="dane")
    drive.new(sock="t", config="nobody")
    drive.connect(server.port, sock="t", expect="LN_DENIED")
    assert drive.info("t").tls.verify in (VERIFY_NOT_DONE, VERIFY_UNTRUSTED)


@pytest.mark.parametrize("change", [{"usage": 4}, {"selector": 2}, {"matching": 3},
                                    {"data": "00"}, {"data": ""}], ids=str)
# scenario: S34
def test_records_that_nobody_can_use(drive, peers, chain, change):
    """Alone they are refused, at once or before anything is sent; they never open the door."""
    server = peers.s_server()
    good = tlsa(chain[0], DANE_EE, 1, SHA256)
    answer = drive.do("config", id="c", kind="tls", auth="dane", tlsa=[{**good, **change}])
    if answer.status != "LN_OK":
        assert answer.status in ("LN_BAD_ARG", "LN_UNSUPPORTED")
        assert "tlsa" in answer.diag.text.lower()
        return
    drive.new()
    drive.connect(server.port, expect=None)
    assert drive.info().state == "failed"
    assert drive.info().wire_sent == 0
    assert drive.diag().category in ("dane_mismatch", "configuration")


# scenario: S16, S34
def test_the_last_of_ten_records(drive, peers, chain):
    server = peers.s_server()
    good = tlsa(chain[0], DANE_EE, 0, EXACT)
    decoys = [other_tlsa(tlsa(chain[0], DANE_EE, 1, m)) for m in (SHA256, SHA512, EXACT)] * 3
    drive.config(auth="dane", tlsa=[*decoys, good])
    drive.new()
    drive.connect(server.port)
    drive.close()
    # those of the socket take their place
    assert drive.do("tlsa", sock="s", records=decoys).status == "LN_OK"
    drive.connect(server.port, expect="LN_DENIED")
    drive.close()
    assert drive.do("tlsa", sock="s", records=[*decoys, good]).status == "LN_OK"
    drive.connect(server.port)
    drive.close()
    assert drive.do("tlsa", sock="s", records=[good] * 33).status == "LN_BAD_ARG"
