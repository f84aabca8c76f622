# SPDX-License-Identifier: Apache-2.0
"""CoAP over UDP, DTLS, TCP and TLS with libcoap, which we did not write: its server and its client,
built on OpenSSL, on GnuTLS and without TLS."""

import subprocess

import pytest
from coapdrive import RESPONSE, CoapDrive, pattern
from drive import BUILD
from peers import PSK_ID, PSK_KEY, need

TRANSPORTS = ["udp", "dtls", "tcp", "tls"]
SIZES = [0, 1, 1023, 1024, 1025, 5000]


@pytest.fixture(name="coap")
def fixture_coap():
    driver = CoapDrive()
    yield driver
    driver.stop()


def connect(coap, server, kind, **options):
    secure = kind in ("dtls", "tls")
    if secure:
        options["psk"] = f"device-1:{server.psk_key}"
    return coap.connect(kind, server.secure_port if secure else server.port, **options)


def start(peers, build="openssl"):
    return peers.coap(build, "-d", "50", psk=build != "notls")


# ---- we are the client ----

@pytest.mark.parametrize("kind, build", [
    ("udp", "notls"), ("tcp", "notls"), ("dtls", "openssl"), ("dtls", "gnutls"),
    ("tls", "openssl"), ("tls", "gnutls")])
# scenario: T5
def test_bodies_go_to_a_server_and_come_back(coap, peers, kind, build):
    connect(coap, start(peers, build), kind, ahead=4)
    assert "libcoap" in coap.get("").text
    for size in SIZES:
        stored = coap.put("example_data", size=size)
        assert stored.code in ("2.01", "2.04"), stored
        for options in ({}, {"bulk": 1}, {"bulk": 1, "unordered": 1}, {"szx": 2}):
            answer = coap.get("example_data", **options)
            assert (answer.code, answer.len, answer.right) == ("2.05", size, 1), (options, answer)
    blocks = coap.get("example_data", szx=2)
    assert blocks.pieces == -(-5000 // 64)
    info = coap.do("info")
    assert (info.malformed, info.busy) == (0, 0)


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_errors_are_answers(coap, peers, kind):
    connect(coap, start(peers), kind)
    assert coap.get("nowhere").code == "4.04"
    assert coap.whole(coap.ask("DELETE", "")).code == "4.05"


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_a_separate_answer(coap, peers, kind):
    """libcoap answers /async late: over UDP with an empty ACK first."""
    connect(coap, start(peers), kind)
    answer = coap.get("async", query="1")
    assert (answer.code, answer.text) == ("2.05", "done")


@pytest.mark.parametrize("kind", TRANSPORTS)
# scenario: H24
def test_a_clock_is_observed(coap, peers, kind):
    """/time notifies each second, every fifth or so confirmably."""
    server = start(peers)
    connect(coap, server, kind)
    clock = coap.ask("GET", "time", observe=1)
    seen = coap.wait(clock, count=4)
    assert seen.over == 0 and seen.count >= 4, seen
    assert coap.do("unobserve", id=clock).status == "LN_OK"
    ended = coap.wait(clock)
    assert (ended.over, ended.outcome, ended.code) == (1, RESPONSE, "2.05")
    assert coap.do("info").busy == 0


def test_a_notification_after_cancelling_is_reset(coap, peers):
    server = start(peers, "notls")
    connect(coap, server, "udp")
    clock = coap.ask("GET", "time", observe=1)
    coap.wait(clock, count=1)
    coap.do("cancel", id=clock)
    server.wait_for("t:RST")
    assert coap.get("").code == "2.05"


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_pings_are_answered(coap, peers, kind):
    connect(coap, start(peers), kind)
    assert coap.do("ping").outcome == RESPONSE


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_non_confirmable_requests_are_answered(coap, peers, kind):
    connect(coap, start(peers), kind)
    assert coap.get("", non=1).code == "2.05"


@pytest.mark.parametrize("kind, build", [
    ("tcp", "notls"), ("tls", "openssl"), ("tls", "gnutls")])
# scenario: S2
def test_signalling_with_a_server(coap, peers, kind, build):
    connect(coap, start(peers, build), kind)
    assert coap.get("").code == "2.05"
    info = coap.do("info")
    assert (info.ready, info.block_wise) == (1, 1)
    assert info.max_message > 1152
    assert coap.do("release").status == "LN_OK"
    assert coap.do("request", method="GET", path="").status == "LN_BAD_STATE"


# scenario: S2
def test_alpn_names_the_protocol(coap, peers):
    """RFC 8323 8.2. libcoap does not choose one; OpenSSL does."""
    server = peers.s_server("-alpn", "coap", cert=None, psk=True)
    assert coap.connect("tls", server.port, psk=f"{PSK_ID}:{PSK_KEY}").alpn == "coap"


@pytest.mark.parametrize("kind", ["dtls", "tls"])
def test_a_certificate_instead_of_a_key(coap, peers, pki, tmp_path, kind):
    """libcoap sends its own certificate only: the issuers must be known."""
    server = peers.coap("openssl", "-n", psk=False, cert="server")
    issuers = tmp_path / "issuers.pem"
    issuers.write_text((pki / "root.pem").read_text() + (pki / "server-chain.pem").read_text())
    answer = coap.do("connect", kind=kind, host="localhost", port=server.secure_port, ca=issuers)
    assert answer.state == "open", answer
    assert coap.get("").code == "2.05"


def test_a_server_that_went_away_ends_the_request(coap, peers):
    server = start(peers, "notls")
    connect(coap, server, "tcp")
    assert coap.get("").code == "2.05"
    clock = coap.ask("GET", "time", observe=1)
    coap.wait(clock, count=1)
    server.process.kill()  # asked to end, it would say goodbye to observers
    ended = coap.wait(clock)
    assert ended.over == 1 and ended.outcome != RESPONSE, ended


def test_the_example_reads_a_resource(peers):
    server = start(peers, "notls")
    done = subprocess.run([BUILD / "bin/example_07_coap", uri("udp", server.port, ".well-known/core")],
                          capture_output=True, timeout=30, check=False)
    assert (done.returncode, b"</time>" in done.stdout) == (0, True), done
    done = subprocess.run([BUILD / "bin/example_07_coap", uri("udp", server.port, "nowhere")],
                          capture_output=True, timeout=30, check=False)
    assert (done.returncode, b"4.04" in done.stderr) == (1, True), done


# ---- we are the server ----

def uri(kind, port, path):
    scheme = {"udp": "coap", "dtls": "coaps", "tcp": "coap+tcp", "tls": "coaps+tcp"}[kind]
    return f"{scheme}://127.0.0.1:{port}/{path}"


def serve(coap, kind):
    options = {"psk": "device-1:" + b"secretkey0123456".hex()} if kind in ("dtls", "tls") else {}
    return coap.do("listen", kind=kind, **options).port


class Client:
    """libcoap's coap-client."""

    def __init__(self, kind, port, folder):
        self.kind, self.port, self.folder = kind, port, folder

    def argv(self, path, *options, method="get", build=None):
        build = build or ("openssl" if self.kind in ("dtls", "tls") else "notls")
        keys = ["-k", "secretkey0123456", "-u", "device-1"] if self.kind in ("dtls", "tls") else []
        return [need(f"coap-client-{build}"), "-m", method, "-B", "20", *keys, *map(str, options),
                uri(self.kind, self.port, path)]

    def run(self, path, *options, **how):
        done = self.try_run(path, *options, **how)
        assert done.returncode == 0, done
        return done.stdout

    def try_run(self, path, *options, **how):
        return subprocess.run(self.argv(path, *options, **how), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60, check=False)


@pytest.fixture(name="client", params=TRANSPORTS)
def fixture_client(request, coap, tmp_path):
    return Client(request.param, serve(coap, request.param), tmp_path)


def test_a_client_reads(client):
    assert client.run("hello").strip() == b"hello from linnet"


def test_a_gnutls_client_reads(coap, tmp_path):
    client = Client("dtls", serve(coap, "dtls"), tmp_path)
    assert client.run("hello", build="gnutls").strip() == b"hello from linnet"


@pytest.mark.parametrize("block", [16, 64, 1024])
# scenario: T5
def test_a_client_fetches_a_body(client, block):
    out = client.folder / "body"
    size = 300 if block == 16 else 5000
    client.run(f"big?{size}", "-b", block, "-o", out)
    assert out.read_bytes() == pattern(size)


@pytest.mark.parametrize("block", [16, 64, 1024])
# scenario: T5
def test_a_client_sends_a_body(client, block):
    body = client.folder / "body"
    size = 300 if block == 16 else 5000
    body.write_bytes(pattern(size))
    answer = client.run("sink", "-b", block, "-f", body, method="put")
    assert answer.strip() == f"{size} bytes, right".encode()


def test_a_client_waits_for_a_late_answer(client):
    assert client.run("later").strip() == b"better late"


def test_a_client_is_told_what_is_wrong(client):
    assert b"4.04" in client.try_run("nowhere").stderr
    assert b"4.02" in client.try_run("hello", "-O", "65001,x").stderr


def test_a_client_asks_without_confirmation(coap, tmp_path):
    client = Client("udp", serve(coap, "udp"), tmp_path)
    assert client.run("hello", "-N").strip() == b"hello from linnet"


@pytest.mark.parametrize("con, size", [(0, 10), (1, 10), (0, 3000), (1, 3000)])
# scenario: H24
def test_a_client_observes(coap, client, con, size):
    out = client.folder / "body"
    process = subprocess.Popen(client.argv("obs", "-s", "60", "-o", out),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert coap.do("watch", observers=1).observers == 1
        assert coap.do("notify", size=size, con=con).count == 1
        if con and client.kind in ("udp", "dtls"):
            assert coap.do("watch", acks=1).acks == 1
        deadline_watch(coap, lambda: out.exists() and pattern(size) in out.read_bytes())
    finally:
        process.terminate()
        process.communicate(timeout=20)


def deadline_watch(coap, holds):
    """Let coapdrive serve until it holds."""
    for _ in range(500):
        if holds():
            return
        coap.do("watch", ms=20)
    raise AssertionError("it never held")
