# SPDX-License-Identifier: Apache-2.0
"""linnet status, get, set, update, notify, why: at an agent that is not there, does not let us in, or
talks nonsense; and what they show of each answer. What an agent answers is played by a socket here."""

import json
import os
import pty
import socket
import subprocess
import threading

import pytest

from drive import BUILD, LINNET, linnet
from peers import PSK_KEY, Program

COMMANDS = [["status"], ["get", "/3/0"], ["set", "/3/0/14", "+01:00"], ["update"],
            ["notify", "/3/0/13"], ["why"]]
SECONDS = 30

REFUSED, ABSENT, DENIED, BROKEN = 10, 11, 12, 13


class Agent:
    """Listens, notes each request, and sends the pieces of its answer."""

    def __init__(self, folder, *pieces, stay=False):
        self.path = folder / "agent.sock"
        self.requests = []
        self.pieces = pieces
        self.stay = stay  # keep the connection when all is said
        self.over = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        connection, _ = self.listener.accept()
        with connection:
            line = connection.makefile().readline()
            if line:
                self.requests.append(json.loads(line))
            try:
                for piece in self.pieces:
                    connection.sendall(piece if isinstance(piece, bytes) else to_line(piece))
            except (BrokenPipeError, ConnectionResetError):
                return  # it has heard enough
            if self.stay:
                self.over.wait(SECONDS)

    def stop(self):
        self.over.set()
        self.thread.join(SECONDS)
        self.listener.close()


def to_line(members):
    return json.dumps(members).encode() + b"\n"


@pytest.fixture
def agent(tmp_path):
    running = []

    def start(*pieces, **how):
        running.append(Agent(tmp_path, *pieces, **how))
        return running[-1]
    yield start
    for one in running:
        one.stop()


def ask(agent, *words):
    return linnet(words[0], "--socket", agent.path, *words[1:], seconds=SECONDS)


# ---- no agent, or none that we may ask ----

@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_no_agent(tmp_path, command):
    path = tmp_path / "nothing.sock"
    told = linnet(*command, "--socket", path)
    assert (told.status, told.out) == (ABSENT, "")
    assert told.err == (f"linnet {command[0]}: no agent is running: there is no socket {path}; start it "
                        "(systemctl start linnet-agent, or see linnet-agent --help), or say with --socket "
                        "where it is\n")
    as_json = linnet(*command, "--json", "--socket", path)
    assert (as_json.status, as_json.err) == (ABSENT, "")
    assert as_json.report.error.word == "not_running" and str(path) in as_json.report.error.text


def test_an_agent_that_has_ended(tmp_path):
    path = tmp_path / "agent.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    told = linnet("status", "--socket", path)
    assert told.status == ABSENT and "has ended; start it" in told.err


def test_no_socket(tmp_path):
    (tmp_path / "file").write_text("")
    told = linnet("status", "--socket", tmp_path / "file")
    assert told.status == ABSENT and "is no socket" in told.err
    told = linnet("status", "--socket", tmp_path / ("x" * 108))
    assert told.status == 2 and "at most 107 bytes" in told.err


def as_nobody(*words):
    """As a user who is in no group of ours, if we may become one."""
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *map(str, words)] \
        if os.geteuid() == 0 else list(map(str, words))


def test_permission(agent, tmp_path_factory):
    one = agent()
    one.path.chmod(0o660 if os.geteuid() == 0 else 0)
    for folder in [one.path.parent, *one.path.parent.parents]:
        if os.geteuid() == 0 and str(folder) != "/" and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o011)  # the way there is open
    # What is tested may stand where nobody else may read.
    program = tmp_path_factory.mktemp("bin") / "linnet"
    program.write_bytes(LINNET.read_bytes())
    program.chmod(0o755)
    program.parent.chmod(0o755)
    told = subprocess.run(as_nobody(program, "status", "--socket", one.path), capture_output=True,
                          text=True, timeout=SECONDS, check=False)
    assert told.returncode == DENIED, told
    assert "you may not speak with the agent" in told.stderr and "the group 'root'" in told.stderr \
        or os.geteuid() != 0
    one.path.chmod(0o660)
    with socket.socket(socket.AF_UNIX) as s:  # else it waits for somebody
        s.connect(str(one.path))


def test_the_environment_names_it(agent):
    one = agent({"done": True, "agent": {"endpoint": "by-environment"}})
    told = linnet("status", env={**os.environ, "LINNET_SOCKET": str(one.path)})
    assert told.status == 0 and told.out.startswith("by-environment")


# ---- nonsense ----

@pytest.mark.parametrize("pieces, wanted", [
    ([], "has ended, or closed the connection"),
    ([b'{"done":tr'], "ended in the middle of its answer"),
    ([{"path": "/3/0/0", "type": "string", "value": "x"}], "has ended, or closed the connection"),
    ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "a line that is no JSON object"),
    ([b"\n"], "a line that is no JSON object"),
    ([b"[1]\n"], "a line that is no JSON object"),
    ([b'{"done":true} {}\n'], "a line that is no JSON object"),
    ([b'{"done":true\0}\n'], "a line that is no JSON object"),
    ([b"[" * 5000 + b"\n"], "a line that is no JSON object"),
    ([b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"\n"], "a line that is no JSON object"),
    ([b"x" * 70000] * 20, "a line without an end"),
    ([b"{}\n" * 50000] * 3, "an answer without an end"),
], ids=range(12))
@pytest.mark.parametrize("command", [["status"], ["get", "/"]], ids=["status", "get"])
def test_nonsense(agent, pieces, wanted, command):
    told = ask(agent(*pieces), *command)
    assert (told.status, told.out) == (BROKEN, "")
    assert wanted in told.err and told.err.count("\n") == 1


def test_silence(agent):
    told = ask(agent(b'{"do', stay=True), "status", "--timeout", "0.2")
    assert told.status == BROKEN and "did not answer within 0.2 s" in told.err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("answer", [
    {}, {"agent": 1, "servers": {"a": 1}, "values": 3, "firmware": [], "problems": "x"},
    {"agent": None, "servers": [None, 1, "x", {}], "values": [1, None, {}, {"path": "/"}],
     "firmware": {"download": {"offset": "x"}}, "problems": [1]},
    {"servers": [{"ssid": -1e300, "expires_ms": 1e300, "waits_for": 7, "failure": {}}],
     "firmware": {"download": {"offset": 1e308, "total": 0}}, "values": [
         {"path": "/99999999999999999999/0/1", "type": "time", "value": 1e300},
         {"path": "3/0", "type": "time", "value": None}]}], ids=range(4))
def test_answers_that_lack_what_is_wanted(agent, command, answer):
    """Of an agent of another version: shown as far as it goes."""
    told = ask(agent({**answer, "done": True}), *command)
    assert (told.status, told.err) == (0, "")


def test_terminals_are_safe(agent):
    """Values come from servers; none of them steers the terminal of whoever looks."""
    evil = "\x1b]0;owned\x07\x7f\u009b31m\r"
    told = ask(agent({"path": "/3/0/0", "type": "string", "value": evil}, {"done": True, "count": 1}),
               "get", "/3/0/0")
    assert told.out == '/3/0/0         Manufacturer = "?]0;owned????31m?"\n'


def test_refusals_are_safe(agent):
    told = ask(agent({"done": True, "error": {"word": "x", "text": "no\x1b[2J"}}), "get", "/")
    assert (told.status, told.err) == (REFUSED, "linnet get: no?[2J\n")


# ---- what is asked, and what is shown ----

@pytest.mark.parametrize("words, request_", [
    (["status"], {"command": "status"}),
    (["get", "/3/0"], {"command": "get", "path": "/3/0"}),
    (["set", "/3/0/14", "+02:00"], {"command": "set", "path": "/3/0/14", "value": "+02:00"}),
    (["set", "--", "/9/0/1", "-5"], {"command": "set", "path": "/9/0/1", "value": "-5"}),
    (["set", "/9/0/1", 'a"\\\n'], {"command": "set", "path": "/9/0/1", "value": 'a"\\\n'}),
    (["update"], {"command": "update"}),
    (["update", "--server", "7"], {"command": "update", "ssid": 7}),
    (["notify", "/3/0/13"], {"command": "notify", "path": "/3/0/13"}),
    (["why"], {"command": "why"})])
def test_requests(agent, words, request_):
    one = agent({"done": True})
    assert ask(one, *words).status == 0
    assert one.requests == [request_]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_refusals(agent, command, tmp_path):
    refusal = {"done": True, "error": {"word": "not_found", "text": "there is no resource /3/0/99"}}
    told = ask(agent(refusal), *command)
    assert (told.status, told.out) == (REFUSED, "")
    assert told.err == f"linnet {command[0]}: there is no resource /3/0/99\n"
    (tmp_path / "agent.sock").unlink()
    told = ask(agent(refusal), *command, "--json")
    assert (told.status, told.report) == (REFUSED, {"error": refusal["error"]})


VALUES = [{"path": "/3/0/0", "type": "string", "value": "Linnet"},
          {"path": "/3/0/11/0", "type": "integer", "value": 0},
          {"path": "/3/0/13", "type": "time", "value": 1764316861},
          {"path": "/9999/0/1", "type": "opaque", "value": "00ff"}]


def test_get(agent, tmp_path):
    answer = [*VALUES, {"done": True, "count": len(VALUES)}]
    told = ask(agent(*answer), "get", "/")
    assert told.out == ('/3/0/0         Manufacturer = "Linnet"\n'
                        "/3/0/11/0      Error Code = 0\n"
                        "/3/0/13        Current Time = 1764316861 (2025-11-28 08:01:01 UTC)\n"
                        "/9999/0/1      = 00ff\n")
    (tmp_path / "agent.sock").unlink()
    told = ask(agent(*answer), "get", "--json", "/")
    assert told.report == {"values": VALUES, "count": len(VALUES)}


def download(offset, total=6 << 20, state="running"):
    return {"state": state, "reason": "none", "offset": offset, "total": total, "wait_ms": None}


def status(**firmware):
    return {
        "agent": {"version": "0.1.0", "pid": 12, "endpoint": "lamp", "state": "running", "uptime_s": 74,
                  "tls_library": "openssl", "clock": {"wall": 0, "trusted": False}},
        "servers": [
            {"ssid": 1, "uri": "coaps://a:5684", "state": "registered", "registered": True,
             "lwm2m": "1.1", "expires_ms": 86399000, "waits_for": "the next Update", "waits_ms": 74000,
             "observations": 2, "tls": {"version": "DTLS 1.2", "suite": "X", "cid": True}},
            {"ssid": 2, "uri": "coaps://b:5684", "state": "backoff", "registered": False, "attempt": 1,
             "failure": {"since": 1764316861, "category": "psk_key", "text": "the keys differ",
                         "advice": "check the PSK key on both sides"}}],
        "firmware": {"state": "downloading", "result": "initial", "result_number": 0,
                     "uri": "https://x/fw", "hook": None, "download": download(3 << 20), **firmware},
        "problems": [{"about": "state", "since": 1764316861, "text": "the folder is read-only"}]}


def test_status(agent):
    told = ask(agent({**status(), "done": True}), "status")
    assert told.out == """\
lamp  running for 1 min 14 s
  linnet-agent 0.1.0, process 12, TLS by openssl
  the clock is not trusted yet: it says 1970-01-01 00:00:00 UTC

server 1  coaps://a:5684
  registered, LwM2M 1.1, DTLS 1.2 X, Connection ID
  expires in 23 h 59 min
  waits for the next Update, in 1 min 14 s
  2 observations

server 2  coaps://b:5684
  backoff
  1 failed attempt
  FAILED: psk_key
    what  the keys differ
    try   check the PSK key on both sides
    since 2025-11-28 08:01:01 UTC

firmware  downloading
  https://x/fw
  running  50% [===================>                   ] 3.0 MiB of 6.0 MiB

problems
  state: the folder is read-only
"""


def test_status_as_json(agent):
    told = ask(agent({**status(), "done": True}), "status", "--json")
    assert (told.status, told.report) == (0, status())


def test_following(agent):
    """Each change once; the end of the agent is told."""
    told = ask(agent(status(), status(), status(state="downloaded", download=None)), "status", "--follow")
    assert [line[10:] for line in told.out.splitlines()] == [
        "server 1: registered", "server 2: backoff; the keys differ", "firmware: downloading, initial",
        "problem with state: the folder is read-only", "firmware: downloaded, initial"]
    assert told.status == BROKEN and "has ended" in told.err


def test_following_as_json(agent):
    one = agent(status(), status(state="idle"))
    told = subprocess.run([LINNET, "status", "--follow", "--json", "--socket", one.path],
                          capture_output=True, text=True, timeout=SECONDS, check=False)
    lines = [json.loads(line) for line in told.stdout.splitlines()[:2]]
    assert lines == [status(), status(state="idle")]
    assert one.requests == [{"command": "status", "follow": True}]


def test_a_bar_that_moves(agent):
    """On a terminal, in place; gone when the download is."""
    one = agent(status(), status(download=download(6 << 20)), status(state="downloaded", download=None))
    ours, theirs = pty.openpty()
    with subprocess.Popen([LINNET, "status", "-f", "--socket", one.path], stdout=theirs,
                          stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 65536):
                seen += chunk
        except OSError:
            pass  # the other side is closed
        process.wait(SECONDS)
    os.close(ours)
    shown = seen.decode()
    assert "download  50% [" in shown and "download 100% [" in shown
    assert shown.index(" 50% ") < shown.index("\r\x1b[K") < shown.index("100% ")
    assert shown.rstrip().endswith("firmware: downloaded, initial")


def test_why(agent):
    told = ask(agent({"done": True, "servers": [{
        "ssid": 1, "uri": "coaps://a", "state": "registered", "waits_for": "an answer", "waits_ms": 300,
        "observations": [{"path": "/3/0/9", "waits_for": "pmax", "waits_ms": 3000}],
        "notifications": [{"id": 7, "path": "/3/0/9", "state": "sent", "confirmable": True, "age_ms": 120,
                           "waits_for": "the server's acknowledgement"}]}],
        "firmware": {"state": "downloaded", "waits_for": "the server's Update"}}), "why")
    assert told.out == """\
server 1  coaps://a  registered
  waits for an answer, in 0.3 s
  observed /3/0/9
    waits for pmax, in 3.0 s
  notification 7 of /3/0/9, sent, confirmable, 0.1 s old
    waits for the server's acknowledgement
firmware  downloaded
  waits for the server's Update
"""


def test_what_was_done(agent, tmp_path):
    for answer, words, said in [
            ({"servers": [1, 3]}, ["update"],
             "an Update is on its way to server 1, 3; 'linnet status' shows how it went\n"),
            ({"path": "/3/0/14"}, ["set", "/3/0/14", "+02:00"], "/3/0/14 is set\n"),
            ({"observations": 2}, ["notify", "/3/0/13"],
             "/3/0/13: it concerns 2 observations; 'linnet why' shows what they wait for\n"),
            ({"observations": 0}, ["notify", "/3/0/13"], "/3/0/13: nobody observes it\n")]:
        assert ask(agent({**answer, "done": True}), *words).out == said
        (tmp_path / "agent.sock").unlink()


# ---- at the real agent ----

class Real:
    """linnet-agent, registered at linnet-lab; the commands by name."""

    def __init__(self, lab, folder):
        self.path = folder / "real.sock"
        (folder / "state").mkdir(mode=0o700)
        (folder / "key").write_text(PSK_KEY + "\n")
        (folder / "key").chmod(0o600)
        lab.add_psk("asked", "asked", PSK_KEY)
        self.program = Program([str(BUILD / "bin/linnet-agent"), "--server", lab.coaps_uri, "--endpoint",
                                "asked", "--psk-identity", "asked", "--psk-key", f"@{folder}/key",
                                "--state", str(folder / "state"), "--socket", str(self.path)])

    def report(self, *words):
        told = ask(self, *words, "--json")
        assert told.status == 0, (told.out, self.program.log)
        return told.report

    def refusal(self, *words):
        told = ask(self, *words, "--json")
        assert told.status == REFUSED, told.out
        return told.report.error.word


@pytest.fixture
def real(lab, tmp_path):
    if not (BUILD / "bin/linnet-agent").exists():
        pytest.skip("linnet-agent was not built (Debian package libinih-dev)")
    one = Real(lab, tmp_path)
    one.program.wait_for("registered at")  # it knows: the server knew before
    yield one
    one.program.process.terminate()
    assert one.program.process.wait(SECONDS) == 0, one.program.log
    one.program.stop()


def test_a_real_agent(real, lab):
    told = real.report("status")
    assert told.agent.endpoint == "asked"
    server, = told.servers
    assert (server.uri, server.state, server.tls.version) == (lab.coaps_uri, "registered", "DTLS 1.2")
    page = ask(real, "status").out
    assert page.startswith("asked  running") and f"server 1  {lab.coaps_uri}\n  registered" in page

    values = {item.path: item for item in real.report("get", "/3/0")["values"]}
    assert values["/3/0/16"].value == "U"
    assert real.report("get", "/3/0/16")["values"] == [values["/3/0/16"]]
    assert real.refusal("get", "/3/0/99") == "not_found"
    assert real.refusal("get", "/0/0") == "denied"
    assert real.refusal("get", "x") == "bad_path"

    lab.observe("asked", "/3/0/14")
    since = lab.mark()
    real.report("set", "/3/0/14", "+02:30")
    event = lab.wait("notification", "asked", "/3/0/14", since=since)
    assert event.answer.value == "+02:30"
    assert real.refusal("set", "/3/0/99", "1") == "not_found"
    assert real.report("notify", "/3/0/14").observations == 1
    assert real.report("notify", "/3/0/15").observations == 0
    assert real.report("status").servers[0].observations == 1

    since = lab.mark()
    assert real.report("update").servers == [1]
    lab.wait("updated", "asked", since=since)
    assert real.refusal("update", "--server", "7") == "not_found"

    why, = real.report("why").servers
    assert why.state == "registered" and why.waits_for
    assert ask(real, "why").out.startswith(f"server 1  {lab.coaps_uri}  registered\n  waits for ")


# ---- the command line ----

def test_command_lines():
    for words in (["get"], ["set", "/3/0/14"], ["notify"], ["status", "x"], ["why", "--follow"],
                  ["update", "--server", "0"], ["status", "--timeout", "x"]):
        told = linnet(*words)
        assert (told.status, told.out) == (2, ""), words
        assert told.err.startswith(f"linnet {words[0]}: "), told.err
        assert told.err.endswith(f"'linnet help {words[0]}' shows the options\n")


def test_help_and_unknown_commands():
    """The list of commands, the help of each and the manual page agree."""
    listed = linnet("help").out
    assert linnet("--help").out == linnet("-h").out == linnet("help", "help").out == listed
    assert not [line for name in ("", "download", "probe") for line in
                linnet("help", *name.split()).out.splitlines() if line != line.rstrip()]
    names = [line.split()[0] for line in listed.split("commands:\n")[1].splitlines()]
    assert names == ["probe", "download", "status", "get", "set", "update", "notify", "why", "help"]
    for name in names[:-1]:
        assert linnet("help", name).out == linnet(name, "--help").out
        assert linnet("help", name).out.startswith(f"usage: linnet {name} ")
    for words in (["help", "nonsense"], ["nonsense"], []):
        told = linnet(*words)
        assert (told.status, told.out) == (2, "")
        assert told.err.endswith(listed)
        assert ("there is no command 'nonsense'" in told.err) == bool(words)
