# SPDX-License-Identifier: Apache-2.0
"""The main job, end to end: Leshan, over DTLS-PSK, has a device download its firmware over HTTPS from an
nginx that demands a client certificate; the device restarts and reports Update Result 1."""

import hashlib
import random
import subprocess
import threading

import pytest

import drive

DEVICE = drive.BUILD / "bin" / "example_03_firmware_https"
KEY = "00112233445566778899aabbccddeeff"
SECONDS = 30


class Device:
    """example_03_firmware_https, started again by us as often as it ends with status 42."""

    def __init__(self, leshan, pki, folder, endpoint, *more):
        self.command = [
            str(DEVICE), "--server", f"coaps://127.0.0.1:{leshan.coaps_port}", "--endpoint", endpoint,
            "--psk-identity", endpoint, "--psk-key", KEY, "--insecure-legacy-server", "yes",
            "--lifetime", "600", "--folder", str(folder), *map(str, more)]
        self.folder = folder
        self.lines = []
        self.starts = 0
        self.news = threading.Condition()
        self.stopping = False
        self.process = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping:
            with self.news:
                self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                                stderr=subprocess.STDOUT, text=True)
                self.starts += 1
            for line in self.process.stdout:
                with self.news:
                    self.lines.append(line.rstrip())
                    self.news.notify_all()
            if self.process.wait() != 42:
                break

    def wait_for(self, text):
        with self.news:
            assert self.news.wait_for(lambda: any(text in line for line in self.lines), SECONDS), \
                f"no '{text}' in {self.lines}"

    def stop(self):
        self.stopping = True
        with self.news:
            self.process.terminate()
        self.thread.join(SECONDS)


def value(leshan, endpoint, path):
    """A number. Leshan does not know version 1.1 of object 5 and gives its texts."""
    return int(leshan.read(endpoint, path)["content"]["value"])


def until(leshan, endpoint, path, wanted, device):
    """Notifications of `path` until one has the value; what was seen on the way."""
    seen = []
    since = 0
    while True:
        event = leshan.events.wait("NOTIFICATION", endpoint, since=since, seconds=SECONDS,
                                   matches=lambda data: data["res"] == path)
        got = int(event.data["val"]["value"])
        since = leshan.events.kept.index(event) + 1
        seen.append(got)
        if got == wanted:
            return seen
        assert len(seen) < 100, (seen, device.lines)


@pytest.fixture
def image(tmp_path):
    data = random.Random(5).randbytes(3_000_000)
    (tmp_path / "image.bin").write_bytes(data)
    return tmp_path / "image.bin", hashlib.sha256(data).hexdigest()


# scenario: S3, S5, S48
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_update_over_https(leshan, peers, pki, tmp_path, image, version):
    path, digest = image
    endpoint = f"updater-{version}"
    server = peers.nginx([
        "listen 127.0.0.1:PORT ssl; ssl_certificate PKI/server-chain.pem;"
        f"ssl_certificate_key PKI/server.key; ssl_protocols {version};"
        "ssl_client_certificate PKI/root.pem; ssl_verify_client on; ssl_verify_depth 3;"])
    (server.html / "image.bin").write_bytes(path.read_bytes())
    leshan.add_psk(endpoint, endpoint, KEY)
    folder = tmp_path / "device"
    folder.mkdir()
    device = Device(leshan, pki, folder, endpoint, "--https-ca", pki / "root.pem",
                    "--https-cert", pki / "client-chain.pem", "--https-key", pki / "client.key")
    try:
        leshan.events.wait("REGISTRATION", endpoint)
        assert value(leshan, endpoint, "/5/0/3") == 0
        leshan.observe(endpoint, "/5/0/3")
        leshan.write(endpoint, "/5/0/1", {"id": 1, "kind": "singleResource", "type": "string",
                                          "value": f"https://localhost:{server.port}/image.bin"})
        seen = until(leshan, endpoint, "/5/0/3", 2, device)
        assert seen == [1, 2], seen
        assert hashlib.sha256((folder / "image").read_bytes()).hexdigest() == digest
        before = leshan.events.count()
        leshan.execute(endpoint, "/5/0/2")
        device.wait_for("firmware: idle, success")
        leshan.events.wait("REGISTRATION", endpoint, since=before)
        assert device.starts == 2
        assert value(leshan, endpoint, "/5/0/3") == 0
        assert value(leshan, endpoint, "/5/0/5") == 1
        assert hashlib.sha256((folder / "installed").read_bytes()).hexdigest() == digest
    finally:
        device.stop()
        leshan.remove_security(endpoint)
