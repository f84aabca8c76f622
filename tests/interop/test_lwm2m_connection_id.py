# SPDX-License-Identifier: Apache-2.0
"""DTLS with Connection ID (RFC 9146) at Leshan: the device's address changes, as behind a NAT, and the
association goes on without a handshake."""

import agent as agent_module
import pytest
from conftest import backends
from drive import Drive
from leshan_library import LibraryServer
from lwdevice import LwDevice
from peers import PSK_ID, PSK_KEY
from relay import HANDSHAKE, Relay

NAME = "roaming"
PATH = "/4/0/2"  # Radio Signal Strength
TLS12_CID = 25   # ContentType of a record with a Connection ID, RFC 9146 3


@pytest.fixture(name="library", scope="module")
def fixture_library():
    """A TLS library of the build that has Connection ID."""
    drive = Drive()
    able = [b["name"] for b in drive.do("backends").backends
            if "connection_id" in b["capabilities"]]
    drive.stop()
    if not able:
        pytest.skip(f"no TLS library of this build has Connection ID: {', '.join(backends())}")
    return able[0]


@pytest.fixture(name="world")
def fixture_world(request, library):
    """A server, a relay, and a device that is registered through it and observed."""
    server = LibraryServer(NAME, PSK_ID, PSK_KEY, getattr(request, "param", 6))
    relay = Relay(server.coaps_port)
    device = LwDevice(NAME, {"uri": f"coaps://127.0.0.1:{relay.port}", "ssid": 1, "mode": 0,
                             "identity": PSK_ID.encode().hex(), "secret": PSK_KEY}, tls=library)
    try:
        address = server.next("registered")
        assert address == f"127.0.0.1:{relay.outer_port}"
        device.wait("registered", ssid=1)
        assert server.ask("observe", PATH) == ("205", "-70")
        yield server, relay, device
        assert device.program.process.poll() is not None or device.stop() == 0
    finally:
        device.kill()
        relay.close()
        server.stop()


# scenario: C2
def test_the_address_changes(world):
    """The next notification arrives; neither it nor what follows needs a handshake."""
    server, relay, device = world
    assert device.info()["cid"] is True
    shaken = relay.records(HANDSHAKE)
    assert shaken > 0
    for value in (-60, -50):
        protected = relay.records(TLS12_CID)
        relay.rebind()
        device.set(PATH, "integer", value)
        assert server.next("notification") == f"{PATH} {value}"
        assert relay.records(TLS12_CID) > protected

    assert device.do("update", ssid=1)["status"] == "LN_OK"
    assert server.next("updated") == f"127.0.0.1:{relay.outer_port}"
    assert server.ask("read", PATH) == ("205", "-50")  # its requests find the new address
    assert device.stop() == 0
    server.next("deregistered")
    assert relay.records(HANDSHAKE) == shaken


@pytest.mark.parametrize("world", [0], indirect=True)
def test_a_server_without_it(world):
    """It is negotiated, not presumed: the client uses none, and what it needs then is a handshake."""
    server, relay, device = world
    assert device.info()["cid"] is False
    assert relay.records(TLS12_CID) == 0
    device.set(PATH, "integer", -60)
    assert server.next("notification") == f"{PATH} -60"


# scenario: C2
def test_the_agent_restarts(library, tmp_path):
    """What it keeps of the association outlives it: registered again, and no handshake."""
    if not agent_module.AGENT.exists():
        pytest.skip("linnet-agent was not built (Debian package libinih-dev)")
    key = tmp_path / "key"
    key.write_text(PSK_KEY)
    server = LibraryServer(NAME, PSK_ID, PSK_KEY)
    relay = Relay(server.coaps_port)
    agent = agent_module.Agent(
        tmp_path, "--server", f"coaps://127.0.0.1:{relay.port}", "--endpoint", NAME,
        "--psk-identity", PSK_ID, "--psk-key", f"@{key}", "--tls-library", library)
    try:
        tls = agent.wait_registered()["servers"][0]["tls"]
        assert tls["cid"] is True and tls["cid_restored"] is False
        shaken = relay.records(HANDSHAKE)
        assert agent.stop() == 0
        server.next("deregistered")
        agent.start()
        tls = agent.wait_registered()["servers"][0]["tls"]
        assert tls["cid"] is True and tls["cid_restored"] is True
        assert agent.stop() == 0
        server.next("deregistered")
        assert relay.records(HANDSHAKE) == shaken > 0
    finally:
        agent.program.stop()
        relay.close()
        server.stop()
