# SPDX-License-Identifier: Apache-2.0
"""The program `linnet download` against nginx."""

import fcntl
import hashlib
import os
import random
import signal
import subprocess
import threading

import pytest
from drive import LINNET, linnet

TLS = ("listen 127.0.0.1:PORT ssl; ssl_certificate PKI/server-chain.pem; "
       "ssl_certificate_key PKI/server.key; ")
MUTUAL = TLS + "ssl_client_certificate PKI/root.pem; ssl_verify_client on; ssl_verify_depth 3; "
PLAIN = "listen 127.0.0.1:PORT; location /moved { return 302 /fw.bin; } "
KILLS = 100 if os.environ.get("LN_TEST_FULL") else 5
LARGE = 1 << 30 if os.environ.get("LN_TEST_FULL") else 64 << 20


def put(server, size, name="fw.bin"):
    content = random.Random(size).randbytes(size)
    (server.html / name).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def download(uri, *options, folder):
    return linnet("download", "--json", "-4", "-o", folder / "out.bin", *options, uri, seconds=120)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
# scenario: S3
def test_https_with_a_client_certificate(peers, pki, tmp_path, version):
    server = peers.nginx([MUTUAL + f"ssl_protocols TLSv{version};"])
    digest = put(server, 10_000_000)
    uri = f"https://localhost:{server.port}/fw.bin"
    keys = ["--ca", pki / "root.pem", "--cert", pki / "client-chain.pem",
            "--key", pki / "client.key"]
    result = download(uri, *keys, "--sha256", digest, folder=tmp_path)
    assert result.status == 0, result.err
    assert result.report.sha256 == digest
    assert result.report.tls.version.name == f"TLS {version}"
    assert result.report.tls.alpn == "http/1.1"
    assert hashlib.sha256((tmp_path / "out.bin").read_bytes()).hexdigest() == digest
    assert sorted(p.name for p in tmp_path.glob("out.bin*")) == ["out.bin"]

    wrong = download(uri, *keys, "--sha256", "00" * 32, folder=tmp_path)
    assert wrong.status == 14 and wrong.report.reason == "digest"
    nobody = download(uri, "--ca", pki / "root.pem", folder=tmp_path)
    assert nobody.status in (10, 13)  # nginx answers 400 where TLS lets it
    stranger = download(uri, "--ca", pki / "other-root.pem", *keys[2:], folder=tmp_path)
    assert stranger.status == 13 and stranger.report.failure.category == "untrusted"


def test_redirects_and_refusals(peers, tmp_path):
    server = peers.nginx([PLAIN])
    digest = put(server, 1000)
    moved = download(f"http://127.0.0.1:{server.port}/moved", folder=tmp_path)
    assert moved.status == 0 and moved.report.sha256 == digest
    gone = download(f"http://127.0.0.1:{server.port}/nothing", folder=tmp_path)
    assert gone.status == 10 and gone.report.reason == "not_found" and gone.report.requests == 1


# scenario: T3
def test_killed_at_random_points(peers, tmp_path):
    size = 20_000_000
    server = peers.nginx([PLAIN + "limit_rate 8m;"])
    digest = put(server, size)
    uri = f"http://127.0.0.1:{server.port}/fw.bin"
    out = tmp_path / "out.bin"
    dice = random.Random(1)
    points = sorted(dice.randrange(size) for _ in range(KILLS))
    for point in points:
        process = subprocess.Popen([LINNET, "download", "-q", "-4", "-o", out, uri])
        pause = threading.Event()
        part = tmp_path / "out.bin.part"
        while process.poll() is None and not (part.exists() and part.stat().st_size >= point):
            pause.wait(0.002)  # a file's growth tells nobody
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
    done = download(uri, folder=tmp_path)
    assert done.status == 0, done.err
    assert done.report.sha256 == digest
    assert done.report.restarts == 0 and done.report.resumed_at > 0
    assert hashlib.sha256(out.read_bytes()).hexdigest() == digest


def interrupt_at_a_megabyte(uri, folder):
    """A run to folder/out.bin that is ended by Ctrl-C when a megabyte has come."""
    part = folder / "out.bin.part"
    process = subprocess.Popen([LINNET, "download", "-q", "-4", "-o", folder / "out.bin", uri])
    pause = threading.Event()
    while not (part.exists() and part.stat().st_size >= 1_000_000):
        assert process.poll() is None
        pause.wait(0.002)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130


# scenario: T3
def test_swapped_between_two_runs(peers, tmp_path):
    server = peers.nginx([PLAIN + "limit_rate 2m;"])
    put(server, 5_000_000)
    uri = f"http://127.0.0.1:{server.port}/fw.bin"
    interrupt_at_a_megabyte(uri, tmp_path)
    digest = put(server, 4_000_000)
    done = download(uri, folder=tmp_path)
    assert done.status == 0 and done.report.sha256 == digest
    assert done.report.restarts == 1


def test_limited_rate(peers, tmp_path):
    server = peers.nginx([PLAIN])
    digest = put(server, 300_000)
    done = download(f"http://127.0.0.1:{server.port}/fw.bin", "--limit-rate", "200000", folder=tmp_path)
    assert done.status == 0 and done.report.sha256 == digest
    assert done.report.milliseconds >= 1400


def test_one_at_a_time(peers, tmp_path):
    server = peers.nginx([PLAIN + "limit_rate 8m;"])
    digest = put(server, 5_000_000)
    uri = f"http://127.0.0.1:{server.port}/fw.bin"
    interrupt_at_a_megabyte(uri, tmp_path)
    part, state = tmp_path / "out.bin.part", tmp_path / "out.bin.part.state"
    kept = part.read_bytes(), state.read_bytes()
    with open(part, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as a download does that goes on with it
        for options in ([], ["--restart"]):
            second = download(uri, *options, folder=tmp_path)
            assert second.report.reason == "store"
            assert "is being written by another download" in second.report.failure.text
            assert (part.read_bytes(), state.read_bytes()) == kept
    done = download(uri, folder=tmp_path)
    assert done.status == 0 and done.report.sha256 == digest
    assert done.report.resumed_at > 0


def peak_kib(uri, folder):
    """Peak resident memory of a download, in KiB."""
    process = subprocess.Popen([LINNET, "download", "-q", "-4", "--restart", "-o", folder / "out.bin", uri])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


# scenario: T3
def test_memory_does_not_grow_with_the_file(peers, tmp_path):
    server = peers.nginx([PLAIN])
    for name, size in (("small", 1 << 20), ("large", LARGE)):
        with open(server.html / name, "wb") as file:
            file.truncate(size)
    small, large = (peak_kib(f"http://127.0.0.1:{server.port}/{name}", tmp_path)
                    for name in ("small", "large"))
    assert (tmp_path / "out.bin").stat().st_size == LARGE
    assert large <= small + 512, (small, large)  # pages that the kernel happens to give
