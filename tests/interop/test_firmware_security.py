# SPDX-License-Identifier: Apache-2.0
"""Whose keys a pull uses: linnet-agent has an account at linnet-lab and another one elsewhere, and no
trust for downloads; what it is told to fetch from there, it fetches with the keys of that account."""

import hashlib
import random
import subprocess

import agent as agent_module
import pytest
from peers import need

KEY = "00112233445566778899aabbccddeeff"
SIZE = 100_000

if not agent_module.AGENT.exists():
    pytest.skip("linnet-agent was not built (Debian package libinih-dev)", allow_module_level=True)


@pytest.fixture(name="image")
def fixture_image():
    data = random.Random(9).randbytes(SIZE)
    return data, hashlib.sha256(data).hexdigest()


@pytest.fixture(name="start")
def fixture_start(lab, tmp_path):
    """Start an agent with the lab's account and one more; keys as lines of its section."""
    running = []

    def start(uri, *keys):
        lab.add_psk("dev", "dev-id", KEY)
        hook = tmp_path / "hook"
        hook.write_text("#!/bin/sh\n")
        hook.chmod(0o755)
        file = tmp_path / "agent.conf"
        file.write_text("\n".join([
            "[agent]", "endpoint = dev",
            "[server lab]", f"uri = {lab.coaps_uri}", "psk_identity = dev-id", f"psk_key = {KEY}",
            "[server other]", f"uri = {uri}", *keys,
            "[firmware]", f"hook = {hook}", ""]))
        running.append(agent_module.Agent(tmp_path, "--config", file))
        return running[-1]
    yield start
    for one in running:
        assert one.stop() == 0, one.log


def pull(lab, agent, uri):
    """What became of it: (state, result)."""
    agent.wait_registered()
    assert lab.write("dev", "/5/0/1", uri).code == "2.04"
    firmware = agent.wait(lambda s: s["firmware"]["state"] != "idle"
                          and s["firmware"]["state"] != "downloading"
                          or s["firmware"]["result"] != "initial")["firmware"]
    return firmware["state"], firmware["result"]


def image_of(tmp_path):
    return hashlib.sha256((tmp_path / "state/firmware.image").read_bytes()).hexdigest()


# scenario: S9, FW-20
def test_the_key_of_the_account(lab, start, peers, tmp_path, image):
    """The server knows one key, which is not the lab's, and says whose it was; over another scheme of
    the same server the key is not used."""
    files = peers.coap("openssl", "-d", "10")
    (tmp_path / "up.bin").write_bytes(image[0])
    subprocess.run([need("coap-client-openssl"), "-m", "put", "-b", "1024", "-f", tmp_path / "up.bin",
                    f"coap://127.0.0.1:{files.port}/image.bin"], check=True, timeout=60)
    agent = start(f"coaps://127.0.0.1:{files.secure_port}", "psk_identity = account-9",
                  f"psk_key = {files.psk_key}")
    secured = f"127.0.0.1:{files.secure_port}/image.bin"
    assert pull(lab, agent, f"coaps+tcp://{secured}") == ("idle", "protocol")
    assert pull(lab, agent, f"coaps://{secured}") == ("downloaded", "initial")
    assert image_of(tmp_path) == image[1]
    assert "account-9" in files.log and "dev-id" not in files.log


# scenario: S9, FW-20
def test_the_certificate_of_the_account(lab, start, peers, pki, tmp_path, image):
    """nginx demands a client certificate; it is the one of the account of the same host, and the
    server is who that account says. A host without an account is not asked."""
    web = peers.nginx([
        "listen 127.0.0.1:PORT ssl; ssl_certificate PKI/server-chain.pem;"
        "ssl_certificate_key PKI/server.key; ssl_client_certificate PKI/root.pem;"
        "ssl_verify_client on; ssl_verify_depth 3;"])
    (web.html / "image.bin").write_bytes(image[0])
    agent = start("coaps://localhost:9", f"certificate = {pki / 'client-chain.pem'}",
                  f"key = {pki / 'client.key'}", f"server_certificate = {pki / 'server-chain.pem'}")
    assert pull(lab, agent, f"https://127.0.0.1:{web.port}/image.bin") == ("idle", "protocol")
    assert pull(lab, agent, f"https://localhost:{web.port}/image.bin") == ("downloaded", "initial")
    assert image_of(tmp_path) == image[1]
