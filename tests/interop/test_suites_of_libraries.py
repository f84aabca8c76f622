# SPDX-License-Identifier: Apache-2.0
"""The mandatory suites against every TLS library at hand: each connects, or both sides are told that
they have none in common, and what was offered.

LwM2M demands four suites (Transport 1.1, 5.2.8.1 and 5.2.8.2), TLS 1.3 one (RFC 8446 9.1) and LwM2M
over it the two of AES-CCM. Versions are those of the machine; the log of a run names them.
"""

import subprocess

import pytest
from drive import DTLS_1_2, TLS_1_2, TLS_1_3, psk, trusting
from peers import PSK_ID, PSK_KEY, need, only_suite_13


class Suite:
    def __init__(self, number, iana, openssl, gnutls, keyed=False, newest=False):
        self.number = number
        self.iana = iana          # what our diagnosis calls it
        self.openssl = openssl    # of -cipher, or -ciphersuites
        self.gnutls = gnutls      # of a priority string, behind -KX-ALL:-CIPHER-ALL:-MAC-ALL
        self.keyed = keyed        # with a pre-shared key
        self.newest = newest      # of TLS 1.3

    def __repr__(self):
        return self.iana

    def options(self, pki, kind, number=None):
        """Of a configuration that offers this suite alone."""
        base = psk() if self.keyed else trusting(pki)
        if kind == "tls":
            version = TLS_1_3 if self.newest else TLS_1_2
            base.update(min_version=version, max_version=version)
        return {**base, "suites": [number or self.number]}

    def version(self, kind):
        return DTLS_1_2 if kind == "dtls" else TLS_1_3 if self.newest else TLS_1_2


SUITES = [
    Suite(0xC0A8, "TLS_PSK_WITH_AES_128_CCM_8", "PSK-AES128-CCM8",
          "+PSK:+AES-128-CCM-8:+AEAD", keyed=True),
    Suite(0x00AE, "TLS_PSK_WITH_AES_128_CBC_SHA256", "PSK-AES128-CBC-SHA256",
          "+PSK:+AES-128-CBC:+SHA256", keyed=True),
    Suite(0xC0AE, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "ECDHE-ECDSA-AES128-CCM8",
          "+ECDHE-ECDSA:+AES-128-CCM-8:+AEAD"),
    Suite(0xC023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256",
          "+ECDHE-ECDSA:+AES-128-CBC:+SHA256"),
    Suite(0x1301, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256",
          "+ECDHE-ECDSA:+AES-128-GCM:+AEAD", newest=True),
    Suite(0x1304, "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_SHA256",
          "+ECDHE-ECDSA:+AES-128-CCM:+AEAD", newest=True),
    Suite(0x1305, "TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_8_SHA256",
          "+ECDHE-ECDSA:+AES-128-CCM-8:+AEAD", newest=True),
]
# Of the same mode and version, and none of the above: what a server has that has nothing in common.
OTHER = {
    (True, False): Suite(0x00A8, "TLS_PSK_WITH_AES_128_GCM_SHA256", "PSK-AES128-GCM-SHA256",
                         "+PSK:+AES-128-GCM:+AEAD", keyed=True),
    (False, False): Suite(0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                          "ECDHE-ECDSA-AES256-GCM-SHA384", "+ECDHE-ECDSA:+AES-256-GCM:+AEAD"),
    (False, True): Suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
                         "+ECDHE-ECDSA:+CHACHA20-POLY1305:+AEAD", newest=True),
}


def openssl(peers, suite, kind):
    if suite.newest:
        return peers.s_server(*only_suite_13(suite.openssl))
    return peers.s_server("-cipher", f"{suite.openssl}:@SECLEVEL=0", psk=suite.keyed,
                          cert=None if suite.keyed else "server", dtls=kind == "dtls")


def gnutls(peers, suite, kind):
    version = "DTLS1.2" if kind == "dtls" else "TLS1.3" if suite.newest else "TLS1.2"
    priority = f"NORMAL:-VERS-ALL:+VERS-{version}:-KX-ALL:-CIPHER-ALL:-MAC-ALL:{suite.gnutls}"
    return peers.gnutls(cert=None if suite.keyed else "server", dtls=kind == "dtls",
                        psk=[(PSK_ID, PSK_KEY)] if suite.keyed else None, priority=priority)


def version_of(program):
    done = subprocess.run([need(program), "version" if program == "openssl" else "--version"],
                          capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


# It sends no alert over UDP: all that is left to tell is what was offered.
SILENT = [("gnutls", "dtls")]
LIBRARIES = {"openssl": (openssl, "openssl"), "gnutls": (gnutls, "gnutls-serv")}
TABLE = [pytest.param(library, kind, suite, id=f"{library}-{kind}-{suite}")
         for library in LIBRARIES for suite in SUITES
         for kind in (("tls",) if suite.newest else ("tls", "dtls"))]


def serve(drive, peers, library, suite, kind):
    start, program = LIBRARIES[library]
    (ours,) = [b for b in drive.do("backends").backends if b.name == drive.backend]
    print(f"{ours.version} with {version_of(program)}: {suite}")
    return start(peers, suite, kind)


@pytest.mark.parametrize("library, kind, suite", TABLE)
# scenario: T10, S25
def test_a_mandatory_suite(drive, peers, pki, library, kind, suite):
    server = serve(drive, peers, library, suite, kind)
    drive.config(kind=kind, **suite.options(pki, kind))
    drive.new(kind)
    drive.connect(server.port)
    info = drive.info()
    assert (info.tls.version, info.tls.suite) == (suite.version(kind), suite.number)


@pytest.mark.parametrize("library, kind, suite", TABLE)
# scenario: T10, S39
def test_no_suite_in_common(drive, peers, pki, library, kind, suite):
    server = serve(drive, peers, library, OTHER[suite.keyed, suite.newest], kind)
    silent = (library, kind) in SILENT
    hurry = {"first_ms": 50, "max_ms": 400} if silent else {}  # no answer is said twice otherwise
    drive.config(kind=kind, **suite.options(pki, kind), **hurry)
    drive.new(kind)
    drive.connect(server.port, expect="LN_TIMEOUT" if silent else "LN_REFUSED")
    diag = drive.diag()
    assert diag.category == ("stalled_in_handshake" if silent else "suite")
    assert f"offered {suite}" in diag.line
