# SPDX-License-Identifier: Apache-2.0
"""linnet-agent on a machine whose clock is wrong: in 1970, where one without a battery starts; ahead; and set
while it runs. libfaketime gives the machine's wall clock; the monotonic one stays the kernel's."""

import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from agent import assert_failure, assert_problem, assert_well, hook, page, problem
from peers import need

YEAR_2100 = 4102444800
RELEASE = 1793491200  # LN_TIME_FLOOR of linnet/tls.h
IMAGE = random.Random(1970).randbytes(100_000)


class Clock:
    """The wall clock of the programs that are started with .env."""

    def __init__(self, folder):
        program = Path(need("faketime")).resolve()
        library, = program.parent.parent.glob("lib/*/faketime/libfaketimeMT.so.1")
        self.file = folder / "clock"
        self.env = {**os.environ, "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self.file),
                    "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
                    "TZ": "UTC"}
        self.set("@1970-01-01 00:00:10")  # at the start of each program

    def set(self, text):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(text + "\n")
        fresh.replace(self.file)

    def set_right(self):
        """As NTP does."""
        self.set("+0")


@pytest.fixture
def clock(tmp_path):
    yield Clock(tmp_path)
    for left in Path("/dev/shm").glob("*faketime_*"):  # of programs that were killed
        if not Path("/proc", left.name.rpartition("_")[2]).exists():
            left.unlink(missing_ok=True)


@pytest.fixture
def web(peers):
    """The image over HTTPS, for those who have a certificate."""
    server = peers.nginx([
        "listen 127.0.0.1:PORT ssl; ssl_certificate PKI/server-chain.pem; ssl_certificate_key PKI/server.key;"
        "ssl_client_certificate PKI/root.pem; ssl_verify_client on; ssl_verify_depth 3;"])
    (server.html / "image.bin").write_bytes(IMAGE)
    server.uri = f"https://127.0.0.1:{server.port}/image.bin"
    return server


@pytest.fixture
def config(pki, tmp_path):
    """For the agent's downloads."""
    path = tmp_path / "agent.ini"
    path.write_text("\n".join([
        "[firmware]", f"hook = {hook(tmp_path, 'exit 0')}", f"ca = {pki / 'root.pem'}",
        f"certificate = {pki / 'client-chain.pem'}", f"key = {pki / 'client.key'}", ""]))
    return path


def pull(lab, agent, endpoint, uri):
    """What became of it: (state, result)."""
    assert lab.write(endpoint, "/5/0/1", uri).code == "2.04"
    firmware = agent.wait(lambda s: s["firmware"]["state"] == "downloaded"
                          or s["firmware"]["result"] != "initial")["firmware"]
    return firmware["state"], firmware["result"]


def assert_image(tmp_path):
    assert (tmp_path / "state/firmware.image").read_bytes() == IMAGE


def kept_time(state):
    """Of the newer of the record's two files: a head of 20 bytes with a number, the record, a sum."""
    files = [path.read_bytes() for path in state.glob("time.?")]
    newest = max(files, key=lambda data: data[8:16])
    return int.from_bytes(newest[20:28], "big")


def keep_time(state, seconds):
    """As if the agent had been trusted at that time before."""
    record = seconds.to_bytes(8, "big")
    head = b"LNAS\x01\0\0\0" + (1).to_bytes(8, "big") + len(record).to_bytes(4, "big") + record
    state.mkdir(mode=0o700)
    (state / "time.0").write_bytes(head + hashlib.sha256(head).digest())


# ---- in 1970 ----

def test_what_is_tested_with(clock):
    """The wall clock is in 1970 till it is set, and the monotonic clock knows nothing of it."""
    program = "import time; print(time.time(), time.monotonic()); input(); print(time.time(), time.monotonic())"
    before = time.monotonic()
    with subprocess.Popen([sys.executable, "-uc", program], env=clock.env, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as running:
        first = [float(word) for word in running.stdout.readline().split()]
        clock.set_right()
        second = [float(word) for word in running.communicate("\n")[0].split()]
    assert 10 <= first[0] < 3600 and abs(second[0] - time.time()) < 3600
    assert before <= first[1] <= second[1] <= time.monotonic()


def test_with_a_kept_time(certified, config, clock, web, tmp_path):
    """It was right yesterday: certificates are good enough, for the server and for a download."""
    agent = certified("both", "--config", config)
    agent.wait_registered()
    assert certified.lab.write("client", "/3/0/14", "+05:30").code == "2.04"
    assert problem(agent.ask("status"), "clock") == ""
    was = kept_time(tmp_path / "state")
    agent.kill()
    agent.env = clock.env
    agent.start()
    agent.wait_registered()
    assert_problem(agent, "clock", "1970-01-01", "NTP")
    assert certified.lab.read("client", "/3/0/13").value >= was  # which it tells others, too
    assert certified.lab.read("client", "/3/0/14").value == "+05:30"
    assert pull(certified.lab, agent, "client", web.uri) == ("downloaded", "initial")
    assert_image(tmp_path)
    assert kept_time(tmp_path / "state") >= was
    clock.set_right()
    assert_well(agent)
    assert agent.logged("clock: all is well again")


@pytest.mark.parametrize("how", ["set", "restarted"])
def test_without_a_kept_time(certified, clock, how, tmp_path):
    """Certificates of today are not yet valid; whoever reads of it knows that it is the clock. When it is set,
    nothing else is to be done."""
    agent = certified("both", env=clock.env)
    assert_failure(agent, "not_yet_valid", "check this machine's clock")
    assert_problem(agent, "clock", "1970-01-01", "set the clock, by NTP or by hand")
    assert not list((tmp_path / "state").glob("time.?"))  # there is no trusted one yet
    assert agent.log.count("clock: ") == 1
    if how == "restarted":
        assert agent.stop() == 0
        agent.env = None
        agent.start()
    else:
        clock.set_right()
    assert_well(agent)
    assert kept_time(tmp_path / "state") > RELEASE


def test_a_download_without_a_kept_time(lab, keyed, config, start_agent, clock, web, tmp_path):
    """The server is known by its key: the download alone has to wait for the clock."""
    agent = start_agent("--config", config, *keyed, env=clock.env)
    agent.wait_registered()
    assert_problem(agent, "clock", "1970-01-01", "NTP")
    assert pull(lab, agent, "dev", web.uri) == ("idle", "connection_lost")
    failure = agent.ask("status")["firmware"]["failure"]
    assert failure["category"] == "not_yet_valid" and failure["advice"] in failure["line"], failure
    assert agent.logged(failure["line"]) and failure["advice"] in page(agent)
    assert RELEASE <= kept_time(tmp_path / "state") < RELEASE + 3600  # and not 1970
    clock.set_right()
    assert pull(lab, agent, "dev", web.uri) == ("downloaded", "initial")
    assert_image(tmp_path)
    assert_well(agent)
    assert agent.ask("status")["firmware"]["failure"] is None


# ---- behind, and ahead ----

def test_clock_behind(keyed, start_agent, tmp_path):
    """As on a machine that starts in 1970: the kept time is ahead of its clock."""
    keep_time(tmp_path / "state", YEAR_2100)
    agent = start_agent(*keyed)
    status = agent.wait_registered()
    assert_problem(agent, "clock", "2100-01-01", "NTP")
    assert status["agent"]["clock"]["wall"] >= YEAR_2100
    assert not status["agent"]["clock"]["trusted"]
    assert "the clock is not trusted yet" in page(agent)


def test_clock_behind_and_certificates(certified, tmp_path):
    """They are checked against the later time, so a clock that was far ahead is found."""
    keep_time(tmp_path / "state", YEAR_2100)
    agent = certified("both")
    assert_failure(agent, "expired")
    assert_problem(agent, "clock", "2100-01-01")


def test_clock_that_catches_up(keyed, start_agent, tmp_path):
    keep_time(tmp_path / "state", int(time.time()) + 3)
    agent = start_agent(*keyed)
    assert agent.logged("certificates are checked against the later one")
    assert_well(agent)
    assert agent.logged("clock: all is well again")
