# SPDX-License-Identifier: Apache-2.0
"""The example that lives in libuv's event loop, against linnet-lab."""

import pathlib
import signal

import pytest
from drive import BUILD
from peers import PSK_ID, PSK_KEY, Program

EXAMPLE = pathlib.Path(BUILD) / "bin" / "example_05_own_event_loop"
NAME = "uv-device"


# scenario: T7
@pytest.mark.parametrize("secure", [False, True], ids=["coap", "coaps"])
def test_a_client_in_libuv(lab, secure):
    if not EXAMPLE.exists():
        pytest.skip("libuv is not installed")
    options = ["--server", lab.coap_uri, "--endpoint", NAME]
    if secure:
        lab.add_psk(NAME, PSK_ID, PSK_KEY)
        options[1] = lab.coaps_uri
        options += ["--psk-identity", PSK_ID, "--psk-key", PSK_KEY]
    device = Program([EXAMPLE, *options])
    try:
        lab.wait("registered", NAME)
        device.wait_for("registered at server 1")
        assert lab.registration(NAME)["secure"] is secure
        assert lab.write(NAME, "/3333/0/5750", "a clock").code == "2.04"
        assert lab.read(NAME, "/3333/0/5750").value == "a clock"
        since = lab.mark()
        assert lab.observe(NAME, "/3333/0/5750").code == "2.05"
        assert lab.write(NAME, "/3333/0/5750", "another").code == "2.04"
        lab.wait("notification", NAME, since=since)
        device.process.send_signal(signal.SIGTERM)
        device.wait_for("left server 1")
        assert device.process.wait(timeout=20) == 0
        lab.wait("deregistered", NAME)
    finally:
        device.process.kill()
        device.process.wait()
