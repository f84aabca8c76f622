# SPDX-License-Identifier: Apache-2.0
"""Our device with every object of the library, through the program lwdevice (see its source)."""

import json
import time

from drive import BUILD
from peers import Program

LWDEVICE = BUILD / "tests/support/lwdevice"
SECONDS = 40


class LwDevice:
    def __init__(self, endpoint, *accounts, **config):
        self.endpoint = endpoint
        self.program = Program([str(LWDEVICE)])
        self.post(endpoint=endpoint, accounts=list(accounts), **config)
        self.started = self._wait(lambda lines: next((x for x in lines if "status" in x), None))
        self.answers = 1

    def post(self, **members):
        self.program.write(json.dumps(members).encode() + b"\n")

    def _lines(self):
        return [json.loads(line) for line in
                self.program.output.decode(errors="replace").split("\n")[:-1] if line[:1] == "{"]

    def _wait(self, pick, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        with self.program.changed:
            while True:
                found = pick(self._lines())
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                assert left > 0, f"it did not come; what the device told: {self.program.output}"
                self.program.changed.wait(left)

    def do(self, op, **members):
        """A command, and its answer."""
        self.post(op=op, **members)
        self.answers += 1
        wanted = self.answers

        def pick(lines):
            answers = [line for line in lines if "status" in line]
            return answers[wanted - 1] if len(answers) >= wanted else None
        return self._wait(pick)

    def set(self, path, kind, value):
        assert self.do("set", path=path, type=kind, value=value)["status"] == "LN_OK"

    def info(self, ssid=1):
        return self.do("info", ssid=ssid)

    def wait_observations(self, count):
        """Until it has so many. Nothing tells of a Reset to a notification that was not confirmable,
        so it is asked again and again, with a deadline."""
        deadline = time.monotonic() + SECONDS
        while self.info()["observations"] != count:
            assert time.monotonic() < deadline, f"not {count} observations: {self.info()}"

    def events(self, kind):
        with self.program.changed:
            return [line for line in self._lines() if line.get("event") == kind]

    def wait(self, kind, count=1, seconds=SECONDS, **members):
        """The count-th event of this kind with these members."""
        def pick(lines):
            found = [line for line in lines if line.get("event") == kind
                     and all(line.get(name) == value for name, value in members.items())]
            return found[count - 1] if len(found) >= count else None
        return self._wait(pick, seconds)

    def settle(self):
        """Until an answer to a Register has come: the server tells of a registration before that, and
        a device that is stopped in between cannot de-register, for it has no place yet."""
        count = len(self.events("registered"))
        if self.info().get("state") == "registering":
            self.wait("registered", count + 1)

    def stop(self):
        """De-register and end. The exit status says whether all was well, leaks included."""
        if self.program.process.poll() is None:
            self.program.close_input()
        status = self.program.process.wait(SECONDS)
        self.program.stop()
        return status

    def kill(self):
        """As when the power fails."""
        self.program.process.kill()
        self.program.stop()


def account(server, ssid=1, lifetime=300, **more):
    return {"uri": server.coap_uri, "ssid": ssid, "mode": 3, "lifetime": lifetime, **more}


def psk_account(server, identity, key, **more):
    return {**account(server), "uri": server.coaps_uri, "mode": 0,
            "identity": identity.encode().hex(), "secret": key, **more}


def certificate_account(server, certificate, private_key, server_key=b"", **more):
    """All DER."""
    return {**account(server), "uri": server.coaps_uri, "mode": 2, "identity": certificate.hex(),
            "secret": private_key.hex(), "server_key": server_key.hex(), **more}
