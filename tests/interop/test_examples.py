# SPDX-License-Identifier: Apache-2.0
"""The examples that are devices, at linnet-lab: each registers over UDP and DTLS-PSK, does what its
first lines say, and tells in one sentence what is wrong with its command line."""

import signal
import subprocess

import pytest
from drive import BUILD, ROOT
from peers import PSK_ID, PSK_KEY, Program

HELLO = BUILD / "bin/example_01_hello"
OBJECT = BUILD / "bin/example_02_object"


@pytest.fixture(name="start")
def fixture_start():
    running = []

    def start(*argv):
        running.append(Program([str(word) for word in argv]))
        return running[-1]
    yield start
    for program in running:
        program.stop()


def secure(lab):
    return ("--server", lab.coaps_uri, "--psk-identity", PSK_ID)


def test_they_are_small():
    """What a reader is promised."""
    lines = {path.name: len(path.read_text().splitlines())
             for path in (ROOT / "examples").glob("*.c")}
    assert lines["01_hello.c"] < 60
    assert max(lines.values()) < 300


@pytest.mark.parametrize("program", [HELLO, OBJECT], ids=["01_hello", "02_object"])
def test_it_registers(lab, start, tmp_path, program):
    """Over UDP; and over DTLS with a key from the command line, and from a file."""
    key = tmp_path / "key"
    key.write_text(PSK_KEY + "\n")
    lab.add_psk("dev", PSK_ID, PSK_KEY)
    for name, how in (("plain", ("--server", lab.coap_uri)),
                      ("dev", (*secure(lab), "--psk-key", PSK_KEY)),
                      ("dev", (*secure(lab), "--psk-key", f"@{key}"))):
        since = lab.mark()
        device = start(program, *how, "--endpoint", name, "--lifetime", 70)
        lab.wait("registered", name, since=since)
        device.wait_for("registered at server 1")
        registration = lab.registration(name)
        assert (registration["lifetime"], registration["secure"]) == (70, name == "dev")
        assert lab.read(name, "/3333/0/5506", "TEXT").value > 1_700_000_000
        device.stop()


def test_what_the_object_does(lab, start):
    device = start(OBJECT, "--server", lab.coap_uri, "--endpoint", "thermometer")
    name = "thermometer"
    lab.wait("registered", name)
    assert lab.read(name, "/3/0/0").value == "Linnet"
    resources = {path.split("/")[3] for path in lab.read(name, "/33000/0", "TLV").values}
    assert resources == {str(i) for i in range(11)}  # each type, and 11 is executed

    assert lab.observe(name, "/33000/0/7", "TEXT").code == "2.05"
    lab.wait("notification", name, "/33000/0/7")  # it measures
    assert lab.ask("write", name, "/33000/0/5", "false", "--format", "text").code == "2.04"
    assert lab.ask("write", name, "/33000/0/4", '"the kitchen"').code == "2.04"
    assert lab.read(name, "/33000/0/4").value == "the kitchen"
    assert lab.ask("execute", name, "/33000/0/11").code == "2.04"
    values = lab.read(name, "/33000/0", "TLV").values
    assert values["/33000/0/0"] == values["/33000/0/1"] == values["/33000/0/2"]

    assert lab.ask("write", name, "/33000/0/9", "0x00").code == "4.00"  # an odd length
    assert lab.ask("write", name, "/33000/0/9", "0x0001").code == "2.04"
    since = lab.mark()
    assert lab.ask("create", name, "/33000").location == "/33000/1"
    assert lab.read(name, "/33000/1/3").value == "Cel"
    lab.wait("updated", name, since=since)
    assert lab.delete(name, "/33000/1").code == "2.02"

    device.process.send_signal(signal.SIGTERM)
    lab.wait("deregistered", name)
    assert device.process.wait(20) == 0


def test_what_the_object_is_called(start_lab, start):
    """With its definition the lab has names and types for it."""
    lab = start_lab("--definitions", ROOT / "examples/02_object.xml")
    start(OBJECT, "--server", lab.coap_uri, "--endpoint", "thermometer")
    name = "thermometer"
    lab.wait("registered", name)
    told = lab.command("read", name, "/thermometer/0")
    items = {item["path"]: (item["name"], item["type"]) for item in told["values"]}
    assert items["/33000/0/0"] == ("Value", "float")
    assert items["/33000/0/3"] == ("Unit", "string")
    assert items["/33000/0/10/0"] == ("Last Values", "float")
    assert {kind for _, kind in items.values()} >= {
        "float", "string", "boolean", "time", "unsigned", "objlnk", "opaque"}
    values = lab.read(name, "/33000/0", "TLV").values
    assert (values["/33000/0/3"], values["/33000/0/5"], values["/33000/0/8"]) == \
        ("Cel", True, (3, 0))
    assert lab.ask("write", name, "/thermometer/0", "place=cellar", "on=false",
                   "--update").code == "2.04"
    assert lab.read(name, "/thermometer/0/place").value == "cellar"
    assert "true or false" in lab.command("write", name, "/Thermometer/0/On", "5")["error"]
    assert "no resource" in lab.command("write", name, "/thermometer/0", "height=5")["error"]
    assert lab.read(name, "/device/0/manufacturer").value == "Linnet"  # the registry still counts


GOOD = ["--server", "coaps://127.0.0.1", "--endpoint", "x"]


@pytest.mark.parametrize("argv, why", [
    (["--server", "foo", *GOOD[2:]], "/0/0/0: the URI has no scheme"),
    (["--server", "http://h", *GOOD[2:]], "the scheme must be coap or coaps"),
    (["--server", "coap://127.0.0.1:99999", *GOOD[2:]], "the port is not from 1 to 65535"),
    (["--server", "coap://127.0.0.1", "--endpoint", ""], "endpoint must have 1 to 128 bytes"),
    (GOOD, "coaps needs a security mode"),
    ([*GOOD, "--psk-identity", "id"], "needs identity and secret"),
    ([*GOOD, "--psk-key", PSK_KEY], "needs identity and secret"),
    ([*GOOD, "--psk-identity", "id", "--psk-key", "5e" * 65], "2 to 128 digits"),
    ([*GOOD, "--psk-identity", "id", "--psk-key", "5ec2e"], "two for each byte"),
    ([*GOOD, "--psk-identity", "id", "--psk-key", "5ec2et"], "is not in hexadecimal"),
    ([*GOOD, "--psk-identity", "id", "--psk-key", "@/nowhere"], "@/nowhere: No such file"),
    ([*GOOD, "--cert", "/nowhere"], "--cert /nowhere: No such file"),
    ([*GOOD, "--cert", "/dev/null"], "is empty"),
    ([*GOOD, "--lifetime", "soon"], "--lifetime soon: is not a number"),
    ([*GOOD, "--usage", "4"], "is too large"),
    ([*GOOD, "--fast", "yes"], "--fast yes: there is no such option; --help shows those there are"),
    ([*GOOD, "--fast"], "--fast: there is no such option"),
    ([*GOOD, "--psk-key"], "--psk-key: a value is missing behind it"),
    ([], "--server is missing; "),
    (GOOD[:2], "--endpoint is missing; "),
    ([*GOOD[:2], "--endpoint", "x", "--cert", "/etc/passwd", "--key", "/etc/passwd", "--ca",
      "/nowhere"], "trust: /nowhere: "),
    (["--server", "coap://127.0.0.1", *GOOD[2:], "--psk-identity", "id", "--psk-key", PSK_KEY],
     "needs coaps"),
])
@pytest.mark.parametrize("program", [HELLO, OBJECT], ids=["01_hello", "02_object"])
def test_one_clear_sentence(program, argv, why):
    done = subprocess.run([program, *argv], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert why in done.stderr and done.stderr.count("\n") == 1
    assert "5ec2e" not in done.stderr and PSK_KEY not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("program", ["01_hello", "02_object", "03_firmware_https",
                                     "05_own_event_loop"])
def test_usage(program):
    done = subprocess.run([BUILD / f"bin/example_{program}", "--help"], capture_output=True, text=True,
                          timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ") and "--server URI" in done.stdout
    assert ("--https-ca FILE" in done.stdout) == (program == "03_firmware_https")


def test_a_server_that_refuses(lab, start):
    """It knows this endpoint by a key only."""
    lab.add_psk("keyed", PSK_ID, PSK_KEY)
    device = start(HELLO, "--server", lab.coap_uri, "--endpoint", "keyed")
    device.wait_for(r"server 1 refuses the registration: 4\.\d\d \w+")


def test_nobody_listens(start):
    """The device goes on trying; the first failure is told at once."""
    with_nobody = ("--server", "coaps://127.0.0.1:1", "--endpoint", "x", "--psk-identity", "id",
                   "--psk-key", PSK_KEY)
    device = start(HELLO, *with_nobody)
    device.wait_for("nothing listens there: check the port and that the server runs")
    assert device.process.poll() is None
