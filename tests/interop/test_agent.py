# SPDX-License-Identifier: Apache-2.0
"""linnet-agent against linnet-lab: it registers, is asked over its socket, keeps what is written, reads its
configuration, and updates by its hook. What goes wrong is in test_agent_troubles.py."""

import hashlib
import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

import agent as agent_module
from agent import Refused, hook, problem
from conftest import AGENT_KEY

IMAGE = bytes(range(256)) * 12  # three blocks

if not agent_module.AGENT.exists():
    pytest.skip("linnet-agent was not built (Debian package libinih-dev)", allow_module_level=True)


# ---- the good case ----

# scenario: S5
def test_registers_and_answers(lab, keyed, start_agent):
    agent = start_agent(*keyed)
    status = agent.wait_registered()
    server, = status["servers"]
    assert server["uri"] == lab.coaps_uri and server["failure"] is None
    assert server["tls"]["version"] == "DTLS 1.2" and "PSK" in server["tls"]["suite"]
    assert status["problems"] == [] and status["firmware"] is None
    values = agent.get("/3/0")
    assert values["/3/0/16"] == "U" and values["/3/0/11/0"] == 0
    assert lab.read("dev", "/3/0/10").value > 0
    assert "/4/0/0" in agent.get("/") and not any(p.startswith("/0/") for p in agent.get("/"))
    assert agent.stop() == 0
    lab.wait("deregistered", "dev")


def test_values_are_set_and_observers_told(lab, keyed, start_agent):
    agent = start_agent(*keyed)
    agent.wait_registered()
    lab.observe("dev", "/3/0/14")
    agent.ask("set", path="/3/0/14", value="+05:30")
    event = lab.wait("notification", "dev", "/3/0/14")
    assert event.answer.value == "+05:30"
    mark = lab.mark()
    lab.observe("dev", "/3/0/13")
    told = agent.ask("notify", path="/3/0/13")
    assert told["observations"] == 1
    server, = agent.ask("why")["servers"]
    assert {o["path"] for o in server["observations"]} == {"/3/0/14", "/3/0/13"}
    assert all(n["waits_for"] for n in server["notifications"])
    assert agent.ask("update")["servers"] == [1]
    lab.wait("updated", "dev", since=mark)


@pytest.mark.parametrize("request_, word", [
    ({"command": "get", "path": "/3/0/99"}, "not_found"),
    ({"command": "get", "path": "/0"}, "denied"),
    ({"command": "get", "path": "3"}, "bad_path"),
    ({"command": "set", "path": "/1/0/1", "value": "soon"}, "bad_value"),
    ({"command": "set", "path": "/0/0/5", "value": "00"}, "denied"),
    ({"command": "set", "path": "/3/0/4", "value": "1"}, "unsupported"),
    ({"command": "set", "path": "/5/0/1", "value": "http://x"}, "unsupported"),
    ({"command": "notify", "path": "/3/7"}, "not_found"),
    ({"command": "update", "ssid": 9}, "not_found"),
    ({"command": "dance"}, "unknown_command"),
])
def test_what_is_wrong_is_refused(keyed, start_agent, request_, word):
    agent = start_agent(*keyed, "--hook", "/bin/true")
    with pytest.raises(Refused) as refusal:
        agent.lines(**request_)
    assert refusal.value.args[0] == word


def test_garbage_ends_nothing(keyed, start_agent):
    agent = start_agent(*keyed)
    with agent.connect() as peer, peer.makefile("r") as answers:
        peer.sendall(b"nonsense\n" + b"[" * 200000 + b"\n" + b'{"command":"status"}\n' +
                     b'{"command":"set","path":"/3/0/14","value":"\xff"}\n')
        words = [json.loads(answers.readline()).get("error", {}).get("word") for _ in range(4)]
    assert words == ["bad_request", "bad_request", None, "bad_request"]


def test_who_does_not_read_is_dropped(keyed, start_agent):
    """And while it asks and asks, others are answered."""
    agent = start_agent(*keyed)
    with agent.connect() as deaf:
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(1000):
                deaf.sendall(b'{"command":"get","path":"/"}\n' * 100)
                agent.ask("status")


def test_a_crowd(keyed, start_agent):
    """Sixteen are heard, half a line or none; the next one sees an end, and comes in when one has left."""
    agent = start_agent(*keyed)
    peers = [agent.connect() for _ in range(16)]
    for peer in peers:
        peer.sendall(b'{"command":"sta')
    with agent.connect() as late:
        assert late.recv(1) == b""
    peers.pop().close()
    with agent.connect() as late, late.makefile("r") as answers:
        late.sendall(b'{"command":"status"}\n')
        assert json.loads(answers.readline())["done"]
    for peer in peers:
        with peer, peer.makefile("r") as answers:
            peer.sendall(b'tus"}\n')
            assert json.loads(answers.readline())["done"]


def test_values_survive_a_restart(lab, keyed, start_agent):
    agent = start_agent(*keyed)
    agent.wait_registered()
    assert lab.write("dev", "/3/0/14", "+05:30").code == "2.04"
    assert lab.write("dev", "/1/0", {1: 1234}, replace=False).code == "2.04"
    lab.wait("updated", "dev", matches=lambda e: e.data["lifetime"] == 1234)
    agent.kill()
    mark = lab.mark()
    agent.start()
    lab.wait("registered", "dev", since=mark, matches=lambda e: e.data["lifetime"] == 1234)
    assert agent.get("/3/0/14") == {"/3/0/14": "+05:30"}
    agent.stop()
    agent.options += ["--lifetime", "4321"]  # the configuration has changed: it wins
    mark = lab.mark()
    agent.start()
    lab.wait("registered", "dev", since=mark, matches=lambda e: e.data["lifetime"] == 4321)


def test_reload(lab, keyed, start_agent, tmp_path):
    path = tmp_path / "agent.ini"
    text = (f"[agent]\nendpoint = dev\n[server]\nuri = {lab.coaps_uri}\npsk_identity = dev-id\n"
            f"psk_key = @key\n[device]\nmodel = %s\n")
    path.write_text(text % "one")
    agent = start_agent("--config", path)
    agent.wait_registered()
    path.write_text("[server]\nuri = 7\n")
    agent.program.process.send_signal(signal.SIGHUP)
    status = agent.wait(lambda s: problem(s, "config"))
    assert status["servers"][0]["registered"]
    path.write_text(text % "two")
    agent.program.process.send_signal(signal.SIGHUP)
    agent.wait(lambda s: not problem(s, "config") and s["servers"][0]["registered"])
    assert agent.get("/3/0/1") == {"/3/0/1": "two"}


# ---- what goes wrong ----

AGENT = "[agent]\nendpoint = dev\n"
SERVER = f"{AGENT}[server]\nuri = coap://x\n"
CONFIGURATIONS = [
    ("[agent]\nendpiont = dev\n", 2, "did you mean 'endpoint'"),
    ("[agent]\nendpoint = dev\n[servers]\nuri = coap://x\n", 4, "no section [servers]"),
    ("[agent]\nendpoint = dev\n[server]\nuri = coap://x\nlifetime = soon\n", 5,
     "[server] lifetime: 'soon'; expected a number from 20"),
    ("[agent]\nendpoint = dev\nendpoint = again\n", 3, "given twice"),
    ("[agent]\nqueue_mode = maybe\n", 2, "expected yes or no"),
    ("[agent]\nlog = loud\n", 2, "expected one of off, error, warn, info, debug"),
    ("[agent]\nstate = here\n", 2, "expected an absolute path"),
    ("[agent\n", 1, "expected [section] or key = value"),
    ("endpoint = dev\n", 1, "before any section"),
    ("[agent]\nendpoint = dev\n[server]\nuri = coaps://x\npsk_identity = a\n", 4,
     "[server] psk_key: it is missing; psk_identity needs it"),
    ("[agent]\nendpoint = dev\n[server]\nuri = coaps://x\npsk_identity = a\npsk_key = xyz\n", 6,
     "[server] psk_key: the key cannot be read; expected 1 to 64 bytes as pairs of hexadecimal"),
    ("[agent]\nendpoint = dev\n[server]\nuri = http://x\n", 4, "expected coaps:// or coap://"),
    ("[server]\nuri = coap://x\n", 0, "[agent] endpoint: it is missing; expected the name"),
    (AGENT, 0, "[server] uri: there is no server; expected at least one"),
    ("[agent]\nendpoint = \xff\n", 2, "[agent] endpoint: it is not UTF-8"),
    ("[agent]\nendpoint = \xed\xa0\x80\n", 2, "[agent] endpoint: it is not UTF-8"),
    (f"{SERVER}[server]\nuri = coap://y\n", 6, "uri: it is given twice; expected it once, and [server NAME]"),
    # what belongs together, each at the line of its own key
    (f"{AGENT}[server a]\nuri = coap://x\nssid = 7\n[server b]\nuri = coap://y\nssid = 7\n", 8,
     "[server b] ssid: another server has this number; expected a different one"),
    (f"{SERVER}psk_identity = a\npsk_key = 00\n", 4, "uri: coap has no security, and there are keys"),
    (f"{AGENT}[server]\nlifetime = 60\nuri = coaps://x\n", 5, "uri: coaps needs keys; expected"),
    (f"{AGENT}[server]\nlifetime = 60\npsk_identity = a\nuri = coaps://x\npsk_key = @no\n", 7,
     "psk_key: {folder}/no does not exist"),
    (f"{AGENT}[server]\nuri = coaps://x\nca = x\n", 5, "has no key 'ca'"),
    (f"{AGENT}ca = x\n[server]\nuri = coaps://x\nkey = y\n", 5,
     "certificate: it is missing; certificate and key belong together"),
    (f"{AGENT}system_trust = yes\n[server]\nuri = coaps://x\ncertificate = a\nkey = b\n", 6,
     "certificate: {folder}/a does not exist"),
    (f"{AGENT}tls_library = none\n[server]\nuri = coap://x\n", 3,
     "tls_library: it is not in this program; linnet-agent --version names those that are"),
    (f"{SERVER}[firmware]\nkey = x\n", 0, "[firmware] certificate: it is missing"),
    # what the library refuses
    (f"{AGENT}[server]\nuri = coap://x/rd\n", 4, "uri: Security /0/0/0: a server URI with a path"),
    (f"{SERVER}binding = T\n", 5, "binding must be letters of U, T, S, N and hold U"),
    (f"{AGENT}[server]\nuri = coaps://x\nserver_certificate = agent.ini\n", 5,
     "[server] server_certificate: tlsa[0]: its data is not one whole certificate"),
    (f"{AGENT}ca = agent.ini\n[server]\nuri = coaps://x\n", 3, "[agent] ca: trust: "),
    # what is not on this machine
    (f"{AGENT}ca = x.pem\n[server]\nuri = coap://x\n", 3, "ca: {folder}/x.pem does not exist"),
    (f"{AGENT}ca = .\n[server]\nuri = coap://x\n", 3, "is a folder; expected a file"),
    (f"{SERVER}[firmware]\nhook = /nowhere\n", 6, "hook: /nowhere does not exist; expected a program"),
    (f"{SERVER}[firmware]\nhook = /dev/null\n", 6, "cannot be executed"),
    (f"{SERVER}[firmware]\nca = x\n", 6, "[firmware] ca: {folder}/x does not exist"),
    (f"{SERVER}[device]\nreboot = /nowhere\n", 6, "reboot: /nowhere does not exist"),
    (f"{AGENT}socket_group = no-such\n[server]\nuri = coap://x\n", 3, "no-such is no group here"),
    (f"{AGENT}socket = /{'x' * 107}\n[server]\nuri = coap://x\n", 3, "is too long for a socket"),
]


@pytest.mark.parametrize("text, line, said", CONFIGURATIONS)
def test_check_names_what_is_wrong(tmp_path, text, line, said):
    said = said.replace("{folder}", str(tmp_path))
    path = tmp_path / "agent.ini"
    path.write_text(text, encoding="latin-1")
    run = subprocess.run([agent_module.AGENT, "--config", path, "--check"],
                         capture_output=True, text=True, timeout=30)
    assert run.returncode == 1 and said in run.stderr, run
    if line:
        assert f"{path}:{line}:" in run.stderr, run
    assert "xyz" not in run.stderr  # a key is never shown


def test_check_is_content(tmp_path):
    path = tmp_path / "agent.ini"
    path.write_text("# a comment\n[agent]\nendpoint = dev\n\n[server]\nuri = coap://localhost\n")
    run = subprocess.run([agent_module.AGENT, "--config", path, "--check"],
                         capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stderr) == (0, ""), run


def test_check_warns_of_a_key_that_all_may_read(tmp_path):
    path, key = tmp_path / "agent.ini", tmp_path / "key"
    key.write_text("00112233\n")
    path.write_text(f"{AGENT}[server]\nuri = coaps://x\npsk_identity = a\npsk_key = @key\n")
    for mode, said in ((0o644, f"warning: {path}:6: [server] psk_key: every user may read {key}; "
                               "run chmod o-r on it\n"), (0o640, "")):
        key.chmod(mode)
        run = subprocess.run([agent_module.AGENT, "--config", path, "--check"],
                             capture_output=True, text=True, timeout=30)
        assert (run.returncode, run.stderr) == (0, said), run


def test_what_is_not_on_the_machine_is_no_reason_not_to_run(lab, start_agent, tmp_path):
    agent = start_agent("--server", lab.coap_uri, "--endpoint", "dev", "--hook", "/nowhere")
    agent.wait_registered()
    assert agent.logged("warning: --hook: /nowhere does not exist; expected a program")


def test_nothing_at_all_says_what_to_do():
    run = subprocess.run([agent_module.AGENT, "--config", "/nowhere/agent.ini"],
                         capture_output=True, text=True, timeout=30)
    assert run.returncode == 1
    assert run.stderr == ("linnet-agent: error: /nowhere/agent.ini: it cannot be opened: No such "
                          "file or directory; expected an INI file there, another one by --config, "
                          "or --server and --endpoint\n")


def test_what_the_library_refuses_is_told_with_its_line(tmp_path):
    path = tmp_path / "agent.ini"
    path.write_text(f"{SERVER}binding = T\n")
    run = subprocess.run([agent_module.AGENT, "--config", path, "--state", tmp_path / "state"],
                         capture_output=True, text=True, timeout=30)
    assert run.returncode == 1
    assert f"linnet-agent: error: {path}:5: [server] binding: account: binding must be" in run.stderr


# ---- the command line, and the service manager ----

def test_a_key_on_the_command_line(lab, keyed, start_agent):
    """It works, others cannot read it there, and a line says what is better."""
    keyed[keyed.index("--psk-key") + 1] = AGENT_KEY
    agent = start_agent(*keyed)
    agent.wait_registered()
    said = "--psk-key: other users of this machine may see a key on the command line; better @FILE"
    assert agent.logged(f"linnet-agent: warning: {said}")
    agent.program.process.send_signal(signal.SIGHUP)
    agent.wait(lambda s: agent.logged("the configuration was read anew"))
    assert "is not used" not in agent.log  # a warning is no mistake
    shown = Path(f"/proc/{agent.program.process.pid}/cmdline").read_bytes()
    assert b"--psk-key" in shown and AGENT_KEY.encode() not in shown
    assert AGENT_KEY not in agent.log


def test_credentials_of_systemd(lab, keyed, start_agent, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "psk_key").write_text(AGENT_KEY)
    keyed[keyed.index("--psk-key") + 1] = "credential:psk_key"
    agent = start_agent(*keyed, env={**os.environ, "CREDENTIALS_DIRECTORY": str(credentials)})
    agent.wait_registered()
    assert "command line" not in agent.log
    assert agent.stop() == 0
    (credentials / "psk_key").unlink()
    agent.start()
    assert agent.ended() == 1
    assert "psk_key" in agent.log


def test_readiness_and_watchdog(keyed, start_agent, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(agent_module.SECONDS)
        agent = start_agent(*keyed, env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"),
                                         "WATCHDOG_USEC": "200000"})
        heard = [manager.recv(4096).decode() for _ in range(5)]
        assert heard[0].startswith("READY=1")
        assert heard[1:] == ["WATCHDOG=1"] * 4
        agent.program.process.send_signal(signal.SIGHUP)
        heard = []
        while "READY=1" not in heard:
            heard.append(manager.recv(4096).decode())
        assert "RELOADING=1" in heard
        agent.program.process.send_signal(signal.SIGTERM)
        while heard[-1] != "STOPPING=1":
            heard.append(manager.recv(4096).decode())
        assert agent.ended() == 0


@pytest.mark.parametrize("level, shown", [("off", []), ("error", ["error: "]), ("warn", ["error: "]),
                                          ("info", ["error: ", "registered at"]),
                                          ("debug", ["error: ", "registered at", "debug: "])])
def test_log_levels(lab, keyed, start_agent, level, shown):
    agent = start_agent(*keyed, "--log", level, state="/proc/linnet/state")
    agent.wait_registered()
    mark = lab.mark()
    agent.ask("update")
    lab.wait("updated", "dev", since=mark)
    agent.wait(lambda s: s["servers"][0]["state"] == "registered")  # it has heard the answer
    assert agent.stop() == 0
    for word in ("error: ", "registered at", "debug: "):
        assert (word in agent.log) == (word in shown), (word, agent.log)


def test_priorities_of_the_journal(keyed, start_agent, tmp_path):
    """Lines go out with their priority where stderr is the journal, and only there."""
    agent = start_agent(*keyed, state="/proc/linnet/state", journal=tmp_path / "journal")
    agent.wait_registered()
    assert agent.stop() == 0
    lines = (tmp_path / "journal").read_text().splitlines()
    assert any(line.startswith("<3>state: ") for line in lines), lines
    assert any(line.startswith("<6>server 1: registered at") for line in lines), lines
    assert not any("linnet-agent: " in line for line in lines)


# ---- firmware ----

# scenario: T17
def test_update_by_the_hook(lab, keyed, start_agent, tmp_path):
    trace = tmp_path / "trace"
    program = hook(tmp_path, f'echo "I $1"; echo "$1 $(sha256sum <"$2" | cut -c1-64) $LINNET_SHA256"'
                             f' >> {trace}\n')
    agent = start_agent(*keyed, "--hook", program)
    agent.wait_registered()
    pid = agent.ask("status")["agent"]["pid"]
    mark = lab.mark()
    assert lab.write("dev", "/5/0/0", IMAGE).code == "2.04"
    agent.wait(lambda s: s["firmware"]["state"] == "downloaded")
    assert lab.execute("dev", "/5/0/2").code == "2.04"
    lab.wait("registered", "dev", since=mark)
    status = agent.wait(lambda s: s["firmware"]["result"] == "success")
    assert status["firmware"]["state"] == "idle" and status["agent"]["pid"] == pid
    agent.wait_registered()
    assert lab.read("dev", "/5/0/5").value == 1 and lab.read("dev", "/5/0/3").value == 0
    digest = hashlib.sha256(IMAGE).hexdigest()
    verbs = [line.split() for line in trace.read_text().splitlines()]
    assert [v[0] for v in verbs] == ["verify", "install", "confirm"]
    assert all(v[1] == digest for v in verbs) and verbs[0][2] == digest
    assert agent.logged("hook verify: I verify")
    assert not any(e.kind == "deregistered" for e in lab.events_since(mark, "dev"))
    agent.stop()
    agent.start()  # told once: after another start nothing is confirmed again
    agent.wait_registered()
    assert len(trace.read_text().splitlines()) == 3


@pytest.mark.parametrize("text, result, said", [
    ("exit 6\n", 6, "status 6 (package_type)"),
    ("exit 77\n", 5, "status 77"),
    ("kill -9 $$\n", 5, "signal 9"),
    ("sleep 600\n", 5, "took too long to verify"),
])
def test_hook_that_refuses_the_image(lab, keyed, start_agent, tmp_path, text, result, said):
    config = tmp_path / "agent.ini"
    config.write_text(f"[firmware]\nhook = {hook(tmp_path, text)}\nverify_timeout = 1\n")
    agent = start_agent("--config", config, *keyed)
    agent.wait_registered()
    assert lab.write("dev", "/5/0/0", IMAGE).code == "2.04"
    status = agent.wait(lambda s: s["firmware"]["result_number"] == result)
    assert status["firmware"]["state"] == "idle"
    assert said in problem(status, "hook") and agent.logged(said)
    assert lab.read("dev", "/5/0/5").value == result


def test_hook_that_cannot_install_now(lab, keyed, start_agent, tmp_path):
    program = hook(tmp_path, 'test "$1" != install || exit 11\n')
    agent = start_agent(*keyed, "--hook", program)
    agent.wait_registered()
    assert lab.write("dev", "/5/0/0", IMAGE).code == "2.04"
    agent.wait(lambda s: s["firmware"]["state"] == "downloaded")
    assert lab.execute("dev", "/5/0/2").code == "2.04"
    status = agent.wait(lambda s: s["firmware"]["result"] == "deferred")
    assert status["firmware"]["state"] == "downloaded"


def test_hook_that_does_not_confirm(lab, keyed, start_agent, tmp_path):
    program = hook(tmp_path, 'test "$1" != confirm\n')
    agent = start_agent(*keyed, "--hook", program)
    agent.wait_registered()
    assert lab.write("dev", "/5/0/0", IMAGE).code == "2.04"
    agent.wait(lambda s: s["firmware"]["state"] == "downloaded")
    assert lab.execute("dev", "/5/0/2").code == "2.04"
    status = agent.wait(lambda s: s["firmware"]["result"] == "failed")
    assert "refused to confirm" in problem(status, "hook")


def test_hook_that_is_missing(lab, keyed, start_agent, tmp_path):
    agent = start_agent(*keyed, "--hook", tmp_path / "missing")
    agent.wait_registered()
    assert lab.write("dev", "/5/0/0", IMAGE).code == "2.04"
    status = agent.wait(lambda s: problem(s, "hook"))
    assert "missing cannot run" in problem(status, "hook")
    assert status["firmware"]["result"] == "failed"
