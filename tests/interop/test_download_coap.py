# SPDX-License-Identifier: Apache-2.0
"""The program `linnet download` against libcoap's server: coap, coaps, coap+tcp, coaps+tcp."""

import hashlib
import os
import random
import signal
import subprocess
import threading

import pytest
from coapfiles import CoapFiles
from drive import LINNET, linnet
from peers import need

KILLS = 100 if os.environ.get("LN_TEST_FULL") else 5
SCHEMES = ["coap", "coap+tcp", "coaps", "coaps+tcp"]


def put(server, folder, size, name="fw.bin", seed=1):
    """Upload a file with libcoap's client; libcoap gives it a new ETag each time."""
    content = random.Random(f"{seed}{size}").randbytes(size)
    (folder / "up.bin").write_bytes(content)
    subprocess.run([need("coap-client-openssl"), "-m", "put", "-b", "1024", "-f",
                    folder / "up.bin", f"coap://127.0.0.1:{server.port}/{name}"],
                   check=True, timeout=60)
    return hashlib.sha256(content).hexdigest()


def uri_of(server, scheme, name="fw.bin"):
    port = server.secure_port if scheme.startswith("coaps") else server.port
    return f"{scheme}://localhost:{port}/{name}"


def keys(server, folder):
    (folder / "psk").write_text(server.psk_key)
    return ["--psk-identity", "device-1", "--psk-key", f"@{folder / 'psk'}"]


def download(uri, *options, folder):
    return linnet("download", "--json", "-4", "-o", folder / "out.bin", *options, uri, seconds=120)


def downloaded(folder):
    return hashlib.sha256((folder / "out.bin").read_bytes()).hexdigest()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("build", ["openssl", "gnutls"])
# scenario: S3
def test_every_scheme(peers, tmp_path, build, scheme):
    server = peers.coap(build, "-d", "50", "-v", "3")
    secure = scheme.startswith("coaps")
    options = keys(server, tmp_path) if secure else []
    for size in (1, 1024, 1025, 1_000_000):
        digest = put(server, tmp_path, size)
        result = download(uri_of(server, scheme), "--sha256", digest, *options, folder=tmp_path)
        assert result.status == 0, result.err
        assert result.report.answer == 205 and result.report.bytes == size
        assert result.report.requests == 1 and downloaded(tmp_path) == digest
    if scheme == "coaps+tcp":
        assert result.report.tls.version.name == "TLS 1.3"
    if scheme == "coaps":
        assert result.report.tls.version.name == "DTLS 1.2"
    gone = download(uri_of(server, scheme, "nothing"), *options, folder=tmp_path)
    assert (gone.status, gone.report.reason, gone.report.answer) == (10, "not_found", 404)
    assert gone.report.requests == 1


@pytest.mark.parametrize("scheme", ["coaps", "coaps+tcp"])
# scenario: H101
def test_certificates(peers, pki, tmp_path, scheme):
    """libcoap sends its own certificate only: the issuers must be known."""
    server = peers.coap("openssl", "-d", "50", "-v", "3", "-n", psk=False, cert="server")
    digest = put(server, tmp_path, 100_000)
    issuers = tmp_path / "issuers.pem"
    issuers.write_text((pki / "root.pem").read_text() + (pki / "server-chain.pem").read_text())
    own = ["--cert", pki / "client-chain.pem", "--key", pki / "client.key"]
    right = download(uri_of(server, scheme), "--ca", issuers, *own, folder=tmp_path)
    assert right.status == 0 and downloaded(tmp_path) == digest, right.report
    wrong = download(uri_of(server, scheme), "--ca", pki / "other-root.pem", *own, folder=tmp_path)
    assert wrong.status == 13 and wrong.report.reason == "handshake"


def kill_at(command, part, point):
    """Start it, and kill it when `part` has `point` bytes. @return how it ended"""
    process = subprocess.Popen(command)
    pause = threading.Event()
    while process.poll() is None and not (part.exists() and part.stat().st_size >= point):
        pause.wait(0.001)  # a file's growth tells nobody
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    return process.wait()


# scenario: T3
def test_killed_at_random_points(tmp_path):
    size = 1_500_000
    out = tmp_path / "out.bin"
    dice = random.Random(1)
    # The state is saved each 512 KiB, or more often where that takes long: the last one finds it saved.
    points = [dice.randrange(size) for _ in range(KILLS - 1)] + [1_200_000]
    with CoapFiles() as server:
        digest = server.put("/fw.bin", dice.randbytes(size))
        killed = 0
        for point in sorted(points):
            ended = kill_at([LINNET, "download", "-q", "-o", out, server.uri("/fw.bin")],
                            tmp_path / "out.bin.part", point)
            killed += ended == -signal.SIGKILL
        assert killed > 0
        done = download(server.uri("/fw.bin"), folder=tmp_path)
    assert done.status == 0, done.err
    assert done.report.sha256 == digest == downloaded(tmp_path)
    assert done.report.restarts == 0 and done.report.resumed_at > 0
    # what a kill costs is what was not saved yet, and what was asked for ahead
    assert server.sent <= size + killed * (512 * 1024 + 16 * 1024)


# scenario: T3
def test_swapped_between_two_runs(tmp_path):
    out = tmp_path / "out.bin"
    with CoapFiles() as server:
        server.put("/fw.bin", random.Random(1).randbytes(800_000))
        assert kill_at([LINNET, "download", "-q", "-o", out, server.uri("/fw.bin")],
                       tmp_path / "out.bin.part", 600_000) == -signal.SIGKILL
        digest = server.put("/fw.bin", random.Random(2).randbytes(800_000))
        done = download(server.uri("/fw.bin"), folder=tmp_path)
    assert done.status == 0 and done.report.sha256 == digest, done.err
    assert done.report.restarts == 1


def test_a_server_without_lasting_tags_begins_anew(peers, tmp_path):
    """libcoap's ETags are new for each GET: nothing proves that the file is the same."""
    server = peers.coap("openssl", "-d", "50", "-v", "3")
    digest = put(server, tmp_path, 3_000_000)
    uri = uri_of(server, "coap")
    kill_at([LINNET, "download", "-q", "-4", "-o", tmp_path / "out.bin", uri],
            tmp_path / "out.bin.part", 500_000)
    done = download(uri, folder=tmp_path)
    assert done.status == 0 and done.report.sha256 == digest, done.err
    assert done.report.restarts <= 1


def test_a_server_that_is_not_there(tmp_path):
    result = download("coap+tcp://127.0.0.1:9/fw", "--tries", "1", folder=tmp_path)
    assert result.status == 11 and result.report.failure.category == "refused"
