# SPDX-License-Identifier: Apache-2.0
"""examples/06_custom_tls: a TLS library that somebody else brought. Its client against real servers,
`linnet probe` with it, and its build against an installed Linnet."""

import pathlib
import re
import shutil
import subprocess

import pytest
from drive import BUILD, linnet, probe
from peers import PSK_ID, PSK_KEY

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENT = pathlib.Path(BUILD) / "bin" / "example_06_custom_tls"

pytestmark = pytest.mark.skipif(not CLIENT.exists(), reason="built without GnuTLS (libgnutls28-dev)")

PSK = ["--psk-identity", PSK_ID, "--psk-key", PSK_KEY]
PSK_SUITES = "NORMAL:+PSK:+ECDHE-PSK:+AES-128-CCM-8"


def client(*arguments):
    """What it prints, if it says that all is well."""
    result = subprocess.run([CLIENT, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                            check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def has_gnutls():
    libraries = linnet("probe", "--capabilities", "--json").report.tls_libraries
    return "gnutls" in [library.name for library in libraries]


# ---- the client ----

@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
def test_certificates_against_openssl(peers, pki, version):
    server = peers.s_server("-rev", f"-{version}", quiet=False)
    said = client("--ca", pki / "root.pem", "localhost", server.port)
    assert said.startswith(f"TLS {version[3]}.{version[5]}, ")
    assert said.endswith("tenniL morf olleh\n")


def test_certificates_against_gnutls(peers, pki):
    server = peers.gnutls()
    said = client("--ca", pki / "root.pem", "localhost", server.port)
    assert said.startswith("TLS 1.3, ") and said.endswith("hello from Linnet\n")


def test_datagrams_with_a_certificate_against_gnutls(peers, pki):
    server = peers.gnutls(dtls=True)
    said = client("--dtls", "--ca", pki / "root.pem", "localhost", server.port)
    assert said.startswith("DTLS 1.2, ") and said.endswith("hello from Linnet\n")


@pytest.mark.parametrize("dtls", [False, True])
def test_a_key_against_gnutls(peers, dtls):
    server = peers.gnutls(cert=None, psk=[(PSK_ID, PSK_KEY)], dtls=dtls, priority=PSK_SUITES)
    said = client(*(["--dtls"] if dtls else []), *PSK, "127.0.0.1", server.port)
    assert said.startswith("DTLS 1.2, " if dtls else "TLS 1.") and said.endswith("hello from Linnet\n")


def test_the_wrong_authority_is_refused(peers, pki):
    server = peers.s_server()
    result = subprocess.run([CLIENT, "--ca", pki / "other-root.pem", "localhost", str(server.port)],
                            capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "(untrusted)" in result.stderr


def test_its_command_line():
    for wrong in ([], ["localhost"], [*PSK, "--ca", "x", "localhost", "1"], ["--psk-key", "00", "a", "1"]):
        result = subprocess.run([CLIENT, *wrong], capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 2 and result.stderr.startswith("usage: ")


# ---- linnet probe ----

def test_probe_with_an_added_backend(peers, pki):
    if not has_gnutls():
        pytest.skip("linnet was built without LN_EXTRA_TLS=examples/06_custom_tls")
    server = peers.s_server()
    result = probe(f"tls://localhost:{server.port}", "-4", "--ca", pki / "root.pem", "--backend", "gnutls")
    assert result.status == 0 and result.report.backend == "gnutls"
    server = peers.s_server(cert=None, psk=True, dtls=True)
    result = probe(f"dtls://127.0.0.1:{server.port}", *PSK, "--backend", "gnutls")
    assert result.status == 0 and result.report.backend == "gnutls"


# ---- out of the tree ----

def test_it_builds_with_what_is_installed(tmp_path, peers, pki):
    """Copied elsewhere, so that nothing of the tree can be found by accident."""
    prefix, source, build = tmp_path / "prefix", tmp_path / "source", tmp_path / "build"
    shutil.copytree(ROOT / "examples" / "06_custom_tls", source)

    def cmake(*arguments):
        result = subprocess.run(["cmake", *map(str, arguments)], capture_output=True, text=True,
                                timeout=600, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
    cmake("--install", BUILD, "--prefix", prefix)
    cache = (pathlib.Path(BUILD) / "CMakeCache.txt").read_text(encoding="utf-8")
    sanitizers = re.search(r"^LN_SANITIZE:\w+=(.*)$", cache, re.M)[1]
    flags = f"-fsanitize={sanitizers}" if sanitizers else ""
    where = f"{prefix};{ROOT}/build/deps/mbedtls"  # as scripts/setup built it, if so
    cmake("-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={where}", f"-DCMAKE_C_FLAGS={flags}")
    cmake("--build", build)
    server = peers.gnutls()
    result = subprocess.run([build / "example_06_custom_tls", "--ca", pki / "root.pem", "localhost",
                             str(server.port)], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0 and result.stdout.endswith("hello from Linnet\n"), result.stderr
