# SPDX-License-Identifier: Apache-2.0
"""The examples that are about sockets alone do what their first lines say."""

import re
import socket
import subprocess

from broken import closed_port
from drive import BUILD
from peers import PSK_ID, PSK_KEY

SECURE_SOCKET = BUILD / "bin/example_00_secure_socket"
CUSTOM_TRANSPORT = BUILD / "bin/example_04_custom_transport"


def run(*argv):
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=60,
                          check=False)


# scenario: S1
def test_a_secure_socket(peers):
    server = peers.s_server("-cipher", "PSK-AES128-GCM-SHA256", cert=None, psk=True, dtls=True)
    done = run(SECURE_SOCKET, "127.0.0.1", server.port, PSK_ID, PSK_KEY)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    server.wait_for("hello from Linnet\n")


def test_a_secure_socket_says_why_not():
    port = closed_port(socket.SOCK_DGRAM)
    done = run(SECURE_SOCKET, "127.0.0.1", port, PSK_ID, PSK_KEY)
    assert done.returncode == 1
    assert re.fullmatch(r"handshake failed \(refused\): .*\n", done.stderr)
    bad = run(SECURE_SOCKET, "127.0.0.1", port, "", PSK_KEY)
    assert bad.returncode == 1
    assert re.fullmatch(r"configure failed \(configuration\): psk_identity.*\n", bad.stderr)
    for key in ("5ec2et", "5ec2e", "5e" * 65):  # never half of a key
        bad = run(SECURE_SOCKET, "127.0.0.1", port, PSK_ID, key)
        assert bad.returncode == 1
        assert re.fullmatch(r"configure failed \(configuration\): psk_key.*\n", bad.stderr)
    assert run(SECURE_SOCKET).stderr.startswith("usage: ")


# scenario: S32, C4
def test_a_transport_of_ones_own():
    done = run(CUSTOM_TRANSPORT)
    assert (done.returncode, done.stderr) == (0, "")
    hello, answer, cost = done.stdout.splitlines()
    assert (hello, answer) == ("heard: hello", "heard: hello yourself")
    assert re.fullmatch(r"TLS_\w+, \d+ bytes up, \d+ bytes down, \d+ bytes of overhead per packet", cost)
