# SPDX-License-Identifier: Apache-2.0
"""linnet-agent as a service of systemd itself, by the unit that is installed: its user and its cage, its
credential, readiness, watchdog, reload, restart, update and stop.

Only in the full form, and as root:
    LN_TEST_FULL=1 python3 -m pytest tests/interop/test_systemd.py
"""

import json
import os

import pytest
from conftest import AGENT_KEY

UNIT = "linnet-agent"
IMAGE = bytes(range(256)) * 12  # three blocks
HOOK = """#!/bin/sh
echo "I $1"
test "$1" != install || test ! -e $LINNET_STATE/gate || read -r go < $LINNET_STATE/gate
"""


if os.environ.get("LN_TEST_FULL"):
    from systemd import System

    pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="systemd is booted by root alone")

    @pytest.fixture(scope="module", name="system")
    def fixture_system():
        booted = System()
        yield booted
        booted.stop()

    class Service:
        def __init__(self, system, lab):
            self.system, self.lab = system, lab
            lab.add_psk("dev", "dev-id", AGENT_KEY)
            system.write("/etc/linnet/psk_key", AGENT_KEY + "\n", "600")
            system.write("/usr/lib/linnet/hook", HOOK, "755")
            self.configure("one")
            self.drop_in("LoadCredential=psk_key:/etc/linnet/psk_key")

        def configure(self, model):
            self.system.write("/etc/linnet/agent.ini", "\n".join([
                "[agent]", "endpoint = dev", "[server]", f"uri = {self.lab.coaps_uri}", "psk_identity = dev-id",
                "psk_key = credential:psk_key", "[device]", f"model = {model}",
                "[firmware]", "hook = /usr/lib/linnet/hook", ""]))

        def drop_in(self, *lines):
            self.system.write(f"/etc/systemd/system/{UNIT}.service.d/test.conf",
                              "\n".join(["[Service]", "LoadCredential=psk_key:/etc/linnet/psk_key", *lines, ""]))
            self.system.run("systemctl", "daemon-reload")

        def start(self):
            """Until it is registered; it says that it is ready, or systemd would not come back."""
            mark = self.lab.mark()
            status, out = self.system.ask("systemctl", "start", UNIT)
            assert status == 0, (out, [e["MESSAGE"] for e in self.system.journal(UNIT)])
            self.lab.wait("registered", "dev", since=mark)

        def show(self, name):
            return self.system.show(UNIT, name)

        def status(self):
            """None while it executes itself anew."""
            status, out = self.system.ask("linnet", "status", "--json")
            return json.loads(out) if status == 0 else None

        def wait(self, matches, name):
            def well():
                status = self.status()
                return status is not None and matches(status)
            return self.system.until(well, name)

        def process(self, field):
            """A line of /proc/PID/status."""
            text = self.system.run("cat", f"/proc/{self.show('MainPID')}/status")
            return next(line.split()[1:] for line in text.splitlines() if line.startswith(field + ":"))

        def updated(self):
            assert self.lab.write("dev", "/5/0/0", IMAGE).code == "2.04"
            self.wait(lambda s: s["firmware"]["state"] == "downloaded", "downloaded image")
            assert self.lab.execute("dev", "/5/0/2").code == "2.04"

        def stop(self):
            self.system.ask("systemctl", "stop", UNIT)
            self.system.ask("systemctl", "reset-failed", UNIT)

    @pytest.fixture
    def service(system, lab):
        one = Service(system, lab)
        yield one
        one.stop()
        system.run("sh", "-c", "rm -rf /var/lib/private/linnet /var/lib/linnet")

    def test_it_starts_in_its_cage(service, system):
        service.start()
        assert service.show("ActiveState") == "active" and service.show("StatusText") == "Running"
        assert service.process("Uid")[0] != "0" and service.process("CapEff") == ["0" * 16]
        assert service.process("NoNewPrivs") == ["1"] and service.process("Seccomp") == ["2"]
        user = service.process("Uid")[0]
        state = system.run("stat", "-c", "%u %a %n", "/var/lib/private/linnet", "/var/lib/private/linnet/time.0",
                           "/run/linnet/agent.sock").split()
        assert [state[i] for i in (0, 1, 3, 4)] == [user, "700", user, "600"]
        assert state[6:8] == [user, "660"]
        assert service.status()["servers"][0]["registered"]
        assert system.ask("setpriv", "--reuid", "65534", "--clear-groups", "linnet", "status")[0] != 0
        entries = system.journal(UNIT)
        assert any("registered at" in e["MESSAGE"] and e["PRIORITY"] == "6" for e in entries), entries
        assert not any(AGENT_KEY in e["MESSAGE"] for e in entries)

    def test_reload(service, system):
        service.start()
        pid = service.show("MainPID")
        service.configure("two")
        mark = service.lab.mark()
        system.run("systemctl", "reload", UNIT)
        service.lab.wait("registered", "dev", since=mark)
        assert service.lab.read("dev", "/3/0/1").value == "two"
        system.write("/etc/linnet/agent.ini", "[agent]\nendpiont = dev\n")
        system.run("systemctl", "reload", UNIT)
        service.wait(lambda s: any(p["about"] == "config" for p in s["problems"]), "problem")
        assert service.show("ActiveState") == "active" and service.show("MainPID") == pid
        assert service.lab.read("dev", "/3/0/1").value == "two"

    def test_clean_stop(service, system):
        service.start()
        mark = service.lab.mark()
        system.run("systemctl", "stop", UNIT)
        service.lab.wait("deregistered", "dev", since=mark)
        assert (service.show("ActiveState"), service.show("Result")) == ("inactive", "success")
        assert service.show("ExecMainStatus") == "0"

    def test_killed(service, system):
        service.start()
        mark = service.lab.mark()
        system.run("systemctl", "kill", "--signal", "KILL", UNIT)
        service.lab.wait("registered", "dev", since=mark)
        assert service.show("NRestarts") == "1"

    def test_watchdog(service, system):
        """It is fed in time; and who does not feed it is replaced."""
        service.drop_in("WatchdogSec=2")
        service.start()
        first = int(service.show("WatchdogTimestampMonotonic"))
        system.until(lambda: int(service.show("WatchdogTimestampMonotonic")) > first + 5_000_000, "food")
        assert service.show("NRestarts") == "0"
        mark = service.lab.mark()
        system.run("kill", "-STOP", service.show("MainPID"))
        service.lab.wait("registered", "dev", since=mark)
        assert service.show("NRestarts") == "1"
        assert any("Watchdog timeout" in e["MESSAGE"] for e in system.journal(UNIT))

    def test_update(service):
        """The agent is executed anew, and is the same process to systemd."""
        service.start()
        pid = service.show("MainPID")
        service.updated()
        service.wait(lambda s: s["firmware"]["result"] == "success", "success")
        assert service.show("MainPID") == pid and service.show("NRestarts") == "0"
        assert service.lab.read("dev", "/5/0/5").value == 1

    def test_stopped_while_it_installs(service, system):
        """It asks for the time that this takes; TimeoutStopSec would have killed it."""
        service.drop_in("TimeoutStopSec=2")
        service.start()
        system.run("mkfifo", "-m", "666", "/var/lib/private/linnet/gate")
        service.updated()
        service.wait(lambda s: s["firmware"]["hook"] == "install", "hook")
        system.run("systemctl", "stop", "--no-block", UNIT)
        system.until(lambda: "Waiting for the hook" in service.show("StatusText"), "word of the wait")
        began = int(service.show("StateChangeTimestampMonotonic"))
        system.until(lambda: float(system.run("cat", "/proc/uptime").split()[0]) * 1e6 > began + 5e6, "time")
        assert service.show("ActiveState") == "deactivating"
        mark = service.lab.mark()
        system.run("sh", "-c", "echo go >/var/lib/private/linnet/gate")
        service.lab.wait("deregistered", "dev", since=mark)
        system.until(lambda: service.show("ActiveState") == "inactive", "end")
        assert service.show("Result") == "success"
        system.run("rm", "/var/lib/private/linnet/gate")
        service.start()
        service.wait(lambda s: s["firmware"]["result"] == "success", "success")
