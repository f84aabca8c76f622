# SPDX-License-Identifier: Apache-2.0
"""The main job, end to end: Leshan and linnet-lab, over DTLS-PSK, each have a device fetch its firmware
(from an nginx that demands a client certificate, over HTTP, over CoAP and CoAPS) or push it block by
block; the device restarts and reports Update Result 1, observed all the way."""

import hashlib
import random
import subprocess
import threading

import drive
import pytest
from coapfiles import CoapFiles
from peers import need

DEVICE = drive.BUILD / "bin" / "example_03_firmware_https"
KEY = "00112233445566778899aabbccddeeff"
SECONDS = 30
SIZE = 1_000_000
PUSHED = 8_000  # Leshan's own limit for a body is 8,192


class Device:
    """example_03_firmware_https, started again by us as often as it ends with status 42."""

    def __init__(self, server, folder, endpoint, *more):
        self.command = [
            str(DEVICE), "--server", f"coaps://127.0.0.1:{server.coaps_port}", "--endpoint", endpoint,
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


class Update:
    """One update of one device by one server."""

    def __init__(self, server, folder, endpoint, *more):
        self.server = server
        self.endpoint = endpoint
        self.folder = folder / "device"
        self.folder.mkdir()
        server.add_psk(endpoint, endpoint, KEY)
        mark = server.mark()
        self.device = Device(server, self.folder, endpoint, *more)
        server.wait("registered", endpoint, since=mark)
        assert self.number("/5/0/3") == 0
        self.mark = server.mark()
        server.observe(endpoint, "/5/0/3")
        server.observe(endpoint, "/5/0/5")

    def number(self, path):
        """Leshan does not know version 1.1 of object 5 and gives its texts."""
        return int(self.server.read(self.endpoint, path).value)

    def until(self, path, wanted):
        """Notifications of `path` until one has the value; what was seen on the way."""
        self.server.wait("notification", self.endpoint, path, since=self.mark, seconds=SECONDS,
                         matches=lambda event: int(event.answer.value) == wanted)
        return self.told(path)

    def told(self, path):
        return [int(event.answer.value) for event in
                self.server.events_since(self.mark, self.endpoint)
                if event.kind == "notification" and event.path == path]

    def has(self, name, digest):
        assert hashlib.sha256((self.folder / name).read_bytes()).hexdigest() == digest

    def install(self, digest):
        """Updating is told before the device goes; it comes back, and whoever observes it anew learns
        how it went."""
        self.has("image", digest)
        mark = self.server.mark()
        assert self.server.execute(self.endpoint, "/5/0/2").code == "2.04"
        assert self.until("/5/0/3", 3)[-2:] == [2, 3]
        assert set(self.told("/5/0/5")) <= {0}
        self.device.wait_for("firmware: idle, success")
        self.server.wait("registered", self.endpoint, since=mark)
        assert self.device.starts == 2
        assert int(self.server.observe(self.endpoint, "/5/0/5").value) == 1
        assert int(self.server.observe(self.endpoint, "/5/0/3").value) == 0
        self.has("installed", digest)

    def pull(self, uri, digest):
        assert self.server.write(self.endpoint, "/5/0/1", uri).code == "2.04"
        seen = self.until("/5/0/3", 2)
        assert [state for state in seen if state != 0] == [1, 2], seen
        self.install(digest)

    def stop(self):
        self.device.stop()
        self.server.remove_security(self.endpoint)


@pytest.fixture(name="update")
def fixture_update(server, tmp_path, request):
    running = []

    def start(*more):
        name = "".join(c if c.isalnum() else "-" for c in request.node.name)
        running.append(Update(server, tmp_path, name, *more))
        return running[-1]
    yield start
    for one in running:
        one.stop()


@pytest.fixture(name="image")
def fixture_image():
    data = random.Random(5).randbytes(SIZE)
    return data, hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
# scenario: S3, S5, S10, S48
def test_pulled_over_https(update, peers, pki, image, version):
    data, digest = image
    web = peers.nginx([
        "listen 127.0.0.1:PORT ssl; ssl_certificate PKI/server-chain.pem;"
        f"ssl_certificate_key PKI/server.key; ssl_protocols {version};"
        "ssl_client_certificate PKI/root.pem; ssl_verify_client on; ssl_verify_depth 3;"])
    (web.html / "image.bin").write_bytes(data)
    keys = ["--https-ca", pki / "root.pem", "--https-cert", pki / "client-chain.pem",
            "--https-key", pki / "client.key"]
    update(*keys).pull(f"https://localhost:{web.port}/image.bin", digest)


def test_pulled_over_http(update, peers, image):
    data, digest = image
    web = peers.nginx(["listen 127.0.0.1:PORT;"])
    (web.html / "image.bin").write_bytes(data)
    update().pull(f"http://127.0.0.1:{web.port}/image.bin", digest)


def test_pulled_over_coap(update, image):
    data, digest = image
    with CoapFiles() as files:
        files.put("/image.bin", data)
        update().pull(files.uri("/image.bin"), digest)


@pytest.mark.parametrize("scheme", ["coaps", "coaps+tcp"])
def test_pulled_over_coap_secured(update, peers, pki, tmp_path, image, scheme):
    """From libcoap, which sends its own certificate only: the issuers must be known."""
    data, digest = image
    files = peers.coap("openssl", "-d", "50", "-v", "3", "-n", psk=False, cert="server")
    issuers = tmp_path / "issuers.pem"
    issuers.write_text((pki / "root.pem").read_text() + (pki / "server-chain.pem").read_text())
    (tmp_path / "up.bin").write_bytes(data)
    subprocess.run([need("coap-client-openssl"), "-m", "put", "-b", "1024", "-f",
                    tmp_path / "up.bin", f"coap://127.0.0.1:{files.port}/image.bin"],
                   check=True, timeout=60)
    keys = ["--https-ca", issuers, "--https-cert", pki / "client-chain.pem",
            "--https-key", pki / "client.key"]
    update(*keys).pull(f"{scheme}://localhost:{files.secure_port}/image.bin", digest)


def test_pushed(update, image):
    data = image[0][:PUSHED]
    one = update()
    assert one.server.write(one.endpoint, "/5/0/0", data).code == "2.04"
    assert one.until("/5/0/3", 2)[-1] == 2
    one.install(hashlib.sha256(data).hexdigest())


# scenario: S11
def test_without_credentials(update, peers, image):
    """Nothing says how to verify the server: Update Result 9, and it is not asked."""
    web = peers.nginx(["listen 127.0.0.1:PORT ssl; ssl_certificate PKI/server-chain.pem;"
                       "ssl_certificate_key PKI/server.key;"])
    (web.html / "image.bin").write_bytes(image[0])
    one = update()
    uri = f"https://localhost:{web.port}/image.bin"
    assert one.server.write(one.endpoint, "/5/0/1", uri).code == "2.04"
    assert one.until("/5/0/5", 9)[-1] == 9
    assert (one.number("/5/0/3"), one.number("/5/0/5")) == (0, 9)
