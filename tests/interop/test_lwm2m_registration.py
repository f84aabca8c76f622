# SPDX-License-Identifier: Apache-2.0
"""Registration, update and de-registration of our client at servers that are not ours."""

import hashlib
import os
import subprocess

import pytest
from certs import ders
from lwdevice import account, certificate_account, psk_account
from peers import PSK_ID, PSK_KEY
from servers import NoAnswer

OBJECTS = ["/1/0", "/2", "/3/0", "/4/0", "/3333/0", "/3441/0", "/3442/0"]


@pytest.fixture(name="name")
def fixture_name(request):
    return request.node.originalname  # Leshan keeps what earlier tests left


def registered_objects(server, name):
    return [path for path in server.registration(name)["objects"]
            if path != "/" and path.count("/") == 2 or path == "/2"]


def test_over_udp(server, start_device, name):
    device = start_device(name, account(server, lifetime=123))
    server.wait("registered", name)
    device.wait("registered", ssid=1)
    registration = server.registration(name)
    assert (registration["lifetime"], registration["version"], registration["secure"]) == \
        (123, "1.1", False)
    assert registered_objects(server, name) == OBJECTS

    assert device.do("update", ssid=1)["status"] == "LN_OK"
    server.wait("updated", name)
    device.wait("updated", ssid=1)

    assert device.stop() == 0
    server.wait("deregistered", name)
    assert name not in server.endpoints()


def test_version_1_0(server, start_device, name):
    start_device(name, account(server), max_version=10)
    server.wait("registered", name)
    assert server.registration(name)["version"] == "1.0"
    assert server.read(name, "/3/0/1", "TEXT").value == "lwdevice"


def test_queue_mode(server, start_device, name):
    """It tells the server, and answers while its window is open."""
    start_device(name, account(server), queue=True)
    event = server.wait("registered", name)
    data = event.data
    assert data.get("queue_mode", data.get("queuemode")) is True
    assert server.read(name, "/3/0/1", "TEXT").value == "lwdevice"


def test_it_updates_in_time(server, start_device, name):
    """A lifetime of four seconds, and it is registered after more than that."""
    start_device(name, account(server, lifetime=4))
    server.wait("registered", name)
    for count in range(3):
        server.wait("updated", name, since=server.mark())
    assert name in server.endpoints()
    events = [e.kind for e in server.events_since(0, name)]
    assert events[0] == "registered" and set(events[1:]) == {"updated"}


def test_a_new_lifetime_is_told_at_once(server, start_device, name):
    device = start_device(name, account(server, lifetime=300))
    server.wait("registered", name)
    device.wait("registered", ssid=1)
    assert server.write(name, "/1/0/1", 200).code == "2.04"
    server.wait("updated", name)
    assert server.registration(name)["lifetime"] == 200


def test_the_update_trigger(server, start_device, name):
    device = start_device(name, account(server))
    server.wait("registered", name)
    device.wait("registered", ssid=1)
    assert server.execute(name, "/1/0/8").code == "2.04"
    server.wait("updated", name)


def test_new_instances_are_told(server, start_device, name):
    device = start_device(name, account(server))
    server.wait("registered", name)
    device.wait("registered", ssid=1)
    since = server.mark()
    assert server.create(name, 3442, {110: "new"}, instance=7).code == "2.01"
    server.wait("updated", name, since=since)
    assert "/3442/7" in server.registration(name)["objects"]
    since = server.mark()
    assert server.delete(name, "/3442/7").code == "2.02"
    server.wait("updated", name, since=since)
    assert "/3442/7" not in server.registration(name)["objects"]


def test_it_can_be_disabled(server, start_device, name):
    """/1/x/4: it de-registers, and comes back after /1/x/5 seconds."""
    device = start_device(name, account(server))
    server.wait("registered", name)
    device.wait("registered", ssid=1)  # a server tells of it before its answer is there
    assert server.write(name, "/1/0/5", 1).code == "2.04"
    since = server.mark()
    try:
        assert server.execute(name, "/1/0/4").code == "2.04"
    except NoAnswer as told:  # the De-register is behind the answer: Leshan's threads may take it first
        assert "cancel" in str(told)
    device.wait("disabled", ssid=1)
    server.wait("deregistered", name, since=since)
    server.wait("registered", name, since=since)


def test_a_device_that_died_registers_again(server, start_device, name):
    start_device(name, account(server)).kill()
    since = server.mark()
    start_device(name, account(server))
    server.wait("registered", name, since=since)
    assert server.endpoints().count(name) == 1
    assert server.read(name, "/3/0/1", "TEXT").value == "lwdevice"


def test_a_server_that_lost_everything(start_lab, start_device, name):
    """Its Update is answered 4.04, and it registers at once."""
    first = start_lab()
    device = start_device(name, account(first))
    first.wait("registered", name)
    device.wait("registered", ssid=1)
    port = first.coap_port
    first.program.process.kill()
    first.program.process.wait(10)
    second = start_lab("--port", port)
    assert device.do("update", ssid=1)["status"] == "LN_OK"
    second.wait("registered", name)
    device.wait("registered", count=2)


@pytest.mark.parametrize("owner", ["lab", "leshan"])
def test_two_servers_at_once(lab, leshan_driver, start_device, name, owner):
    """It is registered at both, each manages it, and what each may do stands in Access Control, which
    is read, written, discovered and observed as any other object."""
    first, second = (lab, leshan_driver) if owner == "lab" else (leshan_driver, lab)
    name = f"{name}-{owner}"
    device = start_device(name, account(first, ssid=1), account(second, ssid=2))
    for server in (first, second):
        server.wait("registered", name)
    device.wait("registered", ssid=1)
    device.wait("registered", ssid=2)
    # the first server owns what was there, so it may do all; the other one has no right yet
    assert first.read(name, "/3/0/1", "TEXT").value == "lwdevice"
    assert second.read(name, "/3/0/1", "TEXT").code == "4.01"
    acl = next(path.rsplit("/", 1)[0] for path, value in first.read(name, "/2", "TLV").values.items()
               if path.endswith("/0") and path.count("/") == 3 and value == 3)
    links = first.discover(name, acl).links
    assert [acl, f"{acl}/0", f"{acl}/1", f"{acl}/2", f"{acl}/3"] == list(links)
    assert f"{acl}/2" in first.discover(name, "/2").links

    assert first.observe(name, acl, "TLV").code == "2.05"
    since = first.mark()
    assert first.write(name, f"{acl}/2", {2: 1}, format="TLV").code == "2.04"  # Read for server 2
    event = first.wait("notification", name, acl, since=since)
    assert event.answer.values[f"{acl}/2/2"] == 1
    assert second.read(name, "/3/0/1", "TEXT").value == "lwdevice"
    assert second.write(name, "/3/0/14", "+01", format="TEXT").code == "4.01"
    assert second.write(name, f"{acl}/2", {2: 31}, format="TLV").code == "4.01"

    first.cancel(name, acl)
    if not first.cancels_actively:  # a Reset to the next notification ends it
        assert first.write(name, f"{acl}/2", {2: 3}, format="TLV").code == "2.04"
    device.wait_observations(0)
    assert device.stop() == 0
    for server in (first, second):
        server.wait("deregistered", name)


# ---- security ----

# scenario: S1
def test_psk(server, start_device, name):
    server.add_psk(name, PSK_ID, PSK_KEY)
    device = start_device(name, psk_account(server, PSK_ID, PSK_KEY))
    server.wait("registered", name)
    assert server.registration(name)["secure"] is True
    assert server.read(name, "/3/0/1", "TEXT").value == "lwdevice"
    assert server.read(name, "/0/0").code == "4.01"
    assert device.stop() == 0
    server.wait("deregistered", name)
    server.remove_security(name)


def check_that_it_fails(server, device, name, categories):
    failure = device.wait("failed", ssid=1, seconds=200)
    assert failure["category"] in categories, failure
    assert name not in server.endpoints()


# Servers fall silent at a wrong key. With the default times the handshake fails after two minutes,
# which the full form waits for; else the device is told to give up sooner.
GIVES_UP_SOON = {} if os.environ.get("LN_TEST_FULL") else {
    "handshake_first_ms": 500, "handshake_max_ms": 1000}


# What of that a device can know: GnuTLS (the lab's) tells that it knows no identity.
@pytest.mark.parametrize("identity, key, categories", [
    ("nobody", PSK_KEY, {"Leshan": "psk_key", "linnet-lab": "psk_identity"}),
    (PSK_ID, "00" * 16, {"Leshan": "psk_key", "linnet-lab": "psk_key"})])
def test_wrong_psk(server, start_device, name, identity, key, categories):
    server.add_psk(name, PSK_ID, PSK_KEY)
    device = start_device(name, psk_account(server, identity, key), **GIVES_UP_SOON)
    check_that_it_fails(server, device, name, (categories[server.name],))
    server.remove_security(name)


# scenario: C3
def test_the_last_alert_is_kept(server, start_device, name):
    """TLS-DTLS Alert Code, /1/x/11: what the lab's GnuTLS sends, handshake_failure; Leshan is silent."""
    server.add_psk(name, PSK_ID, PSK_KEY)
    device = start_device(name, psk_account(server, "nobody", PSK_KEY), **GIVES_UP_SOON)
    assert device.do("get", path="/1/0/11")["status"] == "LN_NOT_FOUND"
    check_that_it_fails(server, device, name, ("psk_identity", "psk_key"))
    kept = device.do("get", path="/1/0/11")
    assert kept == ({"value": 40, "status": "LN_OK"} if server.name == "linnet-lab"
                    else {"status": "LN_NOT_FOUND"})
    server.remove_security(name)


def test_a_certificate_that_the_server_does_not_trust(server, start_device, pki):
    server.add_x509(CLIENT)
    device = start_device(CLIENT, certificate_account(
        server, *client_identity(pki, "client-other"), server_certificates(pki)["leaf"]))
    check_that_it_fails(server, device, CLIENT, ("client_certificate_rejected",))
    server.remove_security(CLIENT)


def test_somebody_elses_psk(server, start_device, name):
    """The handshake is fine, and the registration is refused."""
    server.add_psk("another", PSK_ID, PSK_KEY)
    device = start_device(name, psk_account(server, PSK_ID, PSK_KEY))
    assert device.wait("failed", ssid=1)["code"] == 0x83  # 4.03
    assert name not in server.endpoints()
    server.remove_security("another")


CLIENT = "client"  # the common name in client.pem: what both servers compare with the endpoint


def client_identity(pki, name="client"):
    """Certificate and private key, DER."""
    key = subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", pki / f"{name}.key",
                          "-outform", "DER"], capture_output=True, check=True).stdout
    return ders(pki / f"{name}.pem")[0], key


def server_certificates(pki):
    leaf, intermediate = ders(pki / "both-chain.pem")
    return {"leaf": leaf, "intermediate": intermediate, "root": ders(pki / "root.pem")[0],
            "other root": ders(pki / "other-root.pem")[0],
            "other leaf": ders(pki / "server-chain.pem")[0]}


def digest(data, matching):
    return [data, hashlib.sha256(data).digest(), hashlib.sha384(data).digest(),
            hashlib.sha512(data).digest()][matching]


USAGES = [
    (0, "root", True), (0, "intermediate", True),  # a CA of the chain, which must lead to an anchor
    (1, "leaf", True),                             # this certificate, and it must lead to one
    (2, "root", False), (2, "intermediate", False),  # an anchor of its own
    (3, "leaf", False),                            # this certificate, whoever signed it
]


# A server need not send its root, and a digest alone is no anchor.
@pytest.mark.parametrize("usage, which, trust, matching", [
    (*usage, matching) for matching in range(4) for usage in USAGES
    if usage[:2] != (2, "root") or matching == 0])
def test_certificate_usages(server, start_device, pki, usage, which, trust, matching):
    server.add_x509(CLIENT)
    certificate, key = client_identity(pki)
    wanted = digest(server_certificates(pki)[which], matching)
    config = {"trust": str(pki / "root.pem")} if trust else {}
    since = server.mark()
    device = start_device(CLIENT, certificate_account(
        server, certificate, key, wanted, usage=usage, matching=matching), **config)
    server.wait("registered", CLIENT, since=since)
    assert server.registration(CLIENT)["secure"] is True
    assert server.read(CLIENT, "/3/0/1", "TEXT").value == "lwdevice"
    assert device.stop() == 0
    server.wait("deregistered", CLIENT, since=since)
    server.remove_security(CLIENT)


@pytest.mark.parametrize("why, usage, which, trust, sni", [
    ("another CA", 0, "other root", "root.pem", None),
    ("the CA is in the chain, but leads nowhere", 0, "intermediate", "other-root.pem", None),
    ("a CA constraint names a leaf", 0, "other leaf", "root.pem", None),
    ("another certificate", 1, "other leaf", "root.pem", None),
    ("the certificate, but it leads nowhere", 1, "leaf", "other-root.pem", None),
    ("an anchor that signed nothing", 2, "other root", None, None),
    ("another certificate, of the same CA", 3, "other leaf", None, None),
    ("a CA instead of the certificate", 3, "root", None, None),
    ("another name", 0, "root", "root.pem", "elsewhere.example"),
    ("another name", 1, "leaf", "root.pem", "elsewhere.example"),
    ("another name", 2, "intermediate", None, "elsewhere.example"),
])
def test_certificates_that_do_not_fit(server, start_device, pki, why, usage, which, trust, sni):
    server.add_x509(CLIENT)
    certificate, key = client_identity(pki)
    more = {} if sni is None else {"sni": sni}
    config = {} if trust is None else {"trust": str(pki / trust)}
    device = start_device(CLIENT, certificate_account(
        server, certificate, key, server_certificates(pki)[which], usage=usage, **more), **config)
    failure = device.wait("failed", ssid=1)
    categories = ("wrong_name",) if sni else ("dane_mismatch", "untrusted", "chain_incomplete")
    assert failure["category"] in categories, (why, failure)
    assert CLIENT not in server.endpoints()
    server.remove_security(CLIENT)
