# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around linnet-agent, each thing alone: one clear sentence that says what to do, in its log,
in `linnet status` and in its JSON; nothing is lost; and the first success clears it. Of the clock:
test_agent_clock.py."""

import os
import resource
import shutil
import signal
import socket
import tempfile
from pathlib import Path

import pytest
from agent import AGENT, assert_failure, assert_problem, assert_well, hook
from drive import linnet
from peers import free_port

IMAGE = bytes(range(256)) * 12  # three blocks


# ---- servers ----

def test_wrong_key(lab, keyed, start_agent, tmp_path):
    (tmp_path / "key").write_text("ff" * 16)
    agent = start_agent(*keyed)
    assert_failure(agent, "psk_key")  # GnuTLS says goodbye and no more
    lab.remove_security("dev")
    lab.add_psk("dev", "dev-id", "ff" * 16)
    agent.ask("update")  # at once, instead of after the back-off
    assert_well(agent)


def test_unknown_endpoint(lab, keyed, start_agent):
    """The key is right, and it is another device's."""
    keyed[keyed.index("dev")] = "stranger"
    agent = start_agent(*keyed)
    assert_failure(agent, "answer", "4.03", "endpoint")
    lab.remove_security("dev")
    lab.add_psk("stranger", "dev-id", "00112233445566778899aabbccddeeff")
    agent.ask("update")
    assert_well(agent)


def test_nobody_listens(start_lab, keyed, start_agent):
    port = free_port(("udp",))
    keyed[1] = f"coaps://127.0.0.1:{port}"
    agent = start_agent(*keyed)
    assert_failure(agent, "refused")
    status = agent.ask("status")
    assert status["servers"][0]["state"] == "backoff" and status["servers"][0]["waits_ms"] > 0
    assert agent.logged("next attempt in")
    late = start_lab("--secure-port", port)
    late.add_psk("dev", "dev-id", "00112233445566778899aabbccddeeff")
    agent.ask("update")
    assert_well(agent)


def test_a_name_that_does_not_exist(keyed, start_agent):
    keyed[1] = "coaps://no-such-host.invalid"
    agent = start_agent(*keyed)
    assert_failure(agent, "dns", "no-such-host.invalid")


# ---- certificates ----

@pytest.mark.parametrize("name, category, words", [
    ("expired", "expired", ["expired"]), ("not-yet", "not_yet_valid", ["clock"]),
    ("wrong-name", "wrong_name", ["127.0.0.1"])])
def test_wrong_certificate(certified, name, category, words):
    agent = certified(name)
    assert_failure(agent, category, *words)
    certified.again("both")
    agent.ask("update")
    assert_well(agent)


def test_nobody_we_trust(certified):
    agent = certified("both", ca="other-root")
    assert_failure(agent, "untrusted")


def test_our_own_certificate_has_expired(certified):
    agent = certified("both", client="expired")
    assert_failure(agent, "client_certificate_rejected", "not expired")


# ---- the state folder ----

def limit_files(agent, most):
    """No file may grow beyond that: every write fails, as on a full disk."""
    resource.prlimit(agent.program.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def test_full_disk(lab, keyed, start_agent, tmp_path):
    agent = start_agent(*keyed, "--hook", hook(tmp_path, "exit 0\n"))
    agent.wait_registered()
    assert lab.write("dev", "/3/0/14", "+01:00").code == "2.04"
    limit_files(agent, 0)
    answer = lab.write("dev", "/3/0/14", "+02:00")
    assert answer.code == "5.00"
    assert_problem(agent, "state", str(tmp_path / "state"), "make room on its disk")
    assert lab.read("dev", "/3/0/14").value == "+01:00"
    told = linnet("set", "--socket", agent.socket, "/3/0/14", "+03:00")
    assert told.status == 10 and "`linnet status` says why" in told.err
    assert agent.get("/3/0/14") == {"/3/0/14": "+01:00"}
    # an image is another matter of the same disk
    assert lab.write("dev", "/5/0/0", IMAGE).code == "5.00"
    status = agent.wait(lambda s: s["firmware"]["result"] == "no_space")
    failure = status["firmware"]["failure"]
    assert failure["category"] == "local_io" and "firmware.image" in failure["line"], failure
    assert failure["advice"] in failure["line"] and agent.logged(failure["line"])
    assert lab.read("dev", "/5/0/5").value == 2
    limit_files(agent, resource.RLIM_INFINITY)
    assert lab.write("dev", "/3/0/14", "+04:00").code == "2.04"
    assert lab.write("dev", "/5/0/0", IMAGE).code == "2.04"
    agent.wait(lambda s: s["firmware"]["state"] == "downloaded" and not s["firmware"]["failure"])
    assert_well(agent)
    agent.kill()
    agent.start()
    agent.wait_registered()
    assert agent.get("/3/0/14") == {"/3/0/14": "+04:00"}
    assert lab.read("dev", "/5/0/3").value == 2


def test_an_update_on_a_full_disk(lab, keyed, start_agent, tmp_path):
    """What cannot be saved does not begin."""
    agent = start_agent(*keyed, "--hook", hook(tmp_path, f"echo $1 >> {tmp_path}/trace\n"))
    agent.wait_registered()
    assert lab.write("dev", "/5/0/0", IMAGE).code == "2.04"
    agent.wait(lambda s: s["firmware"]["state"] == "downloaded")
    limit_files(agent, 0)
    assert lab.execute("dev", "/5/0/2").code == "5.00"
    assert_problem(agent, "state", "make room on its disk")
    assert lab.read("dev", "/5/0/3").value == 2
    limit_files(agent, resource.RLIM_INFINITY)
    assert lab.execute("dev", "/5/0/2").code == "2.04"
    agent.wait(lambda s: s["firmware"]["result"] == "success")
    assert_well(agent)
    assert (tmp_path / "trace").read_text().split() == ["verify", "install", "confirm"]


def as_nobody(folder):
    """How to start a program as a user whom permissions bind, and the program where he can reach it."""
    if os.geteuid() != 0:
        return [], AGENT
    program = folder / "linnet-agent"
    program.write_bytes(AGENT.read_bytes())
    program.chmod(0o755)
    folder.chmod(0o711)
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"], program


@pytest.fixture
def outside():
    """A folder for another user: each start of pytest closes the one around tmp_path to others."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_read_only_state_folder(lab, keyed, start_agent, outside):
    prefix, program = as_nobody(outside)
    state = outside / "state"
    for one in (state, outside / "run"):
        one.mkdir(mode=0o700)
        if prefix:
            os.chown(one, 65534, 65534)
    key = shutil.copy(keyed[-1].removeprefix("@"), outside)
    Path(key).chmod(0o644)
    keyed[-1] = f"@{key}"
    agent = start_agent(*keyed, state=state, prefix=prefix, program=program, socket=outside / "run/agent.sock")
    agent.wait_registered()
    assert lab.write("dev", "/3/0/14", "+01:00").code == "2.04"
    assert agent.stop() == 0
    state.chmod(0o500)
    agent.start()
    agent.wait_registered()
    assert_problem(agent, "state", str(state), "see that this user may write there", "read-only")
    assert lab.read("dev", "/3/0/14").value == "+01:00"  # what was kept can be read
    assert lab.write("dev", "/3/0/14", "+02:00").code == "5.00"
    assert lab.read("dev", "/3/0/14").value == "+01:00"
    state.chmod(0o700)
    assert_well(agent)  # found by itself
    assert lab.write("dev", "/3/0/14", "+03:00").code == "2.04"


def test_no_state_folder(keyed, start_agent):
    agent = start_agent(*keyed, state="/proc/linnet/state")
    agent.wait_registered()
    assert_problem(agent, "state", "/proc/linnet/state", "--state")


# ---- the hook ----

@pytest.mark.parametrize("text, said", [
    ("exit 6\n", "status 6 (package_type)"), ("sleep 600\n", "raise verify_timeout in [firmware]"),
    (None, "correct hook in [firmware]")])
def test_hook(lab, keyed, start_agent, tmp_path, text, said):
    program = hook(tmp_path, text or "")
    if text is None:
        program.unlink()
    config = tmp_path / "agent.ini"
    config.write_text(f"[firmware]\nhook = {program}\nverify_timeout = 1\n")
    agent = start_agent("--config", config, *keyed)
    agent.wait_registered()
    assert lab.write("dev", "/5/0/0", IMAGE).code == "2.04"
    assert_problem(agent, "hook", said)
    hook(tmp_path, "exit 0\n")
    assert lab.write("dev", "/5/0/0", IMAGE).code == "2.04"
    assert_well(agent)
    assert lab.read("dev", "/5/0/3").value == 2


# ---- the configuration ----

def test_broken_line(lab, keyed, start_agent, tmp_path):
    """At the start it ends; at a reload it goes on with what it has."""
    path = tmp_path / "agent.ini"
    path.write_text("[device]\nmodle = x\n")
    agent = start_agent("--config", path, *keyed)
    assert agent.ended() == 1
    assert f"{path}:2:" in agent.log and "did you mean 'model'" in agent.log
    path.write_text("[device]\nmodel = x\n")
    agent.start()
    agent.wait_registered()
    path.write_text("[device]\nmodle = y\n")
    agent.program.process.send_signal(signal.SIGHUP)
    assert_problem(agent, "config", f"{path}:2:", "did you mean 'model'")
    assert lab.read("dev", "/3/0/1").value == "x"
    path.write_text("[device]\nmodel = z\n")
    agent.program.process.send_signal(signal.SIGHUP)
    assert_well(agent)
    assert lab.read("dev", "/3/0/1").value == "z"


def test_socket_in_use(keyed, start_agent, tmp_path):
    """Two agents: the second one goes on without a control socket, and says so."""
    agent = start_agent(*keyed)
    agent.wait_registered()
    second = start_agent(*keyed, state=tmp_path / "second")
    assert second.logged("another agent listens at")
    assert socket.socket(socket.AF_UNIX).connect_ex(str(agent.socket)) == 0


def test_state_folder_in_use(keyed, start_agent, tmp_path):
    """Two agents in one folder would write into each other's records and image: the second one ends."""
    agent = start_agent(*keyed)
    agent.wait_registered()
    second = start_agent(*keyed, socket=tmp_path / "second.sock")
    assert second.ended() == 1
    assert "another agent uses the state folder" in second.log and "--state" in second.log
    agent.ask("set", path="/3/0/14", value="+05:00")
    agent.kill()  # and what is left of a dead one is in nobody's way
    second.start()
    second.wait_registered()
    assert second.get("/3/0/14")["/3/0/14"] == "+05:00"


def test_a_control_socket_whose_owner_is_busy(keyed, start_agent, tmp_path):
    """Who does not answer the door is not gone: its socket is not taken away."""
    path = tmp_path / "agent.sock"
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(path))
        busy.listen(0)
        knocks = []
        while not knocks or knocks[-1].connect_ex(str(path)) == 0:  # until nobody else gets in
            knocks.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
        before = os.stat(path).st_ino
        agent = start_agent(*keyed)
        assert agent.logged("another agent listens at")
        assert os.stat(path).st_ino == before
        for knock in knocks:
            knock.close()
