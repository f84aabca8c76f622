#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What linnet-agent costs while nothing happens: registered at linnet-lab with a lifetime of a day.

usage: agent_rest.py BIN SECONDS FOLDER

BIN has linnet-agent and linnet-lab. Somebody follows the status of each agent all the time. They rest together
for that many seconds, once nothing was told for a second; who tells something then did not rest, which is an
error. One line for each, of fields name=value: resident, private, heap (kilobytes at the end:
Rss and the private pages of /proc/PID/smaps_rollup, and those of [heap]), wakeups (voluntary context
switches of the rest) and seconds.
"""

import json
import os
import re
import select
import socket
import subprocess
import sys
from pathlib import Path

KEY = "00112233445566778899aabbccddeeff"
DEADLINE = 60


def libraries(binary):
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"TLS: ([^)]*)", told).group(1).split(", ")


class Agent:
    def __init__(self, name, folder, command, env=None):
        self.name = name
        self.socket = folder / f"{name}.sock"
        self.process = subprocess.Popen(
            [*command, "--endpoint", name, "--state", folder / f"{name}.state", "--socket", self.socket,
             "--log", "error"], env={**os.environ, "NOTIFY_SOCKET": str(self.listen(folder)), **(env or {})})
        self.follower = None

    def listen(self, folder):
        """Where the agent tells that it is ready, as it tells systemd."""
        path = folder / f"{self.name}.notify"
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(path))
        self.notify.settimeout(DEADLINE)
        return path

    def wait_registered(self):
        while b"READY=1" not in self.notify.recv(4096):
            pass
        self.follower = socket.socket(socket.AF_UNIX)
        self.follower.settimeout(DEADLINE)
        self.follower.connect(str(self.socket))
        self.follower.sendall(b'{"command":"status","follow":true}\n')
        for line in self.follower.makefile():
            if json.loads(line)["servers"][0]["registered"]:
                return
        raise SystemExit(f"{self.name} does not register")

    def tells(self):
        """What came from it, so that the next wait is for something new."""
        if not self.follower.recv(65536):
            raise SystemExit(f"{self.name} ended")

    def switches(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", text, re.M).group(1))

    def memory(self):
        """Resident, private and heap, in kilobytes."""
        def total(text, *fields):
            return sum(int(n) for f in fields for n in re.findall(rf"^{f}:\s*(\d+) kB", text, re.M))
        whole = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        maps = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{self.process.pid}/smaps").read_text(), flags=re.M)
        heap = sum(total(part, "Rss") for part in maps if "[heap]" in part.split("\n")[0])
        return total(whole, "Rss"), total(whole, "Private_Clean", "Private_Dirty"), heap


def speaking(agents, seconds):
    """Those that tell something within that time: none, if they rest."""
    followers = {one.follower: one for one in agents}
    return [followers[s] for s in select.select(list(followers), [], [], seconds)[0]]


def main():
    programs, seconds, folder = Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    lab = subprocess.Popen([programs / "linnet-lab", "--json", "--serve", "--address", "127.0.0.1", "--port", "0",
                            "--secure-port", "0", *(word for name in ("openssl", "mbedtls", "watchdog")
                                                    for word in ("--psk", f"{name}={name}:{KEY}"))],
                           stdout=subprocess.PIPE, text=True)
    where = next(json.loads(line) for line in lab.stdout if '"listening"' in line)
    agent = programs / "linnet-agent"
    key = folder / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    agents = [Agent("udp", folder, [agent, "--server", where["coap"]])]
    found = libraries(agent)
    secured = [(name, name, None) for name in found if name in ("openssl", "mbedtls")]
    secured.append(("watchdog", found[0], {"WATCHDOG_USEC": "60000000"}))
    for name, library, env in secured:
        agents.append(Agent(name, folder, [agent, "--server", where["coaps"], "--psk-identity", name, "--psk-key",
                                           f"@{key}", "--tls-library", library], env))
    try:
        for one in agents:
            one.wait_registered()
        while restless := speaking(agents, 1):
            for one in restless:
                one.tells()
        before = [one.switches() for one in agents]
        if restless := speaking(agents, seconds):
            raise SystemExit("no rest: " + ", ".join(one.name for one in restless))
        for one, then in zip(agents, before):
            resident, private, heap = one.memory()
            print(f"name={one.name} resident={resident} private={private} heap={heap} "
                  f"wakeups={one.switches() - then} seconds={seconds:g}")
    finally:
        for one in agents:
            one.process.terminate()
            one.process.wait(DEADLINE)
        lab.terminate()
        lab.wait(DEADLINE)


if __name__ == "__main__":
    main()
