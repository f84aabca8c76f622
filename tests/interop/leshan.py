# SPDX-License-Identifier: Apache-2.0
"""Eclipse Leshan's demo server: an LwM2M server that we did not write, driven by its REST API.

One server serves a whole pytest session, on ports that the kernel chose. What it is and where it
comes from stands in leshan/pom.xml. Its events come as a stream (server-sent events) that is opened
once, for all endpoints; a test waits in it for the event it wants.

Facts about this version (2.0.0-M4) that tests meet:
- it speaks LwM2M 1.0 and 1.1, and registers whatever version a device names;
- what a device does not list in its registration has no definition, and its values no type;
- an observation is cancelled passively only: it forgets it, and the next notification gets a Reset;
- a time is written as milliseconds since 1970 and read as text in ISO 8601;
- an object link can be read but not written; an opaque value is text in hexadecimal;
- a client certificate counts when its common name is the endpoint's, and an endpoint with an entry
  in the security store cannot register over plain CoAP.
"""

import http.client
import json
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import leshan_models
import minidevice
import pytest
from peers import Program

HERE = Path(__file__).resolve().parent
FETCH = HERE / "leshan" / "fetch"

OPEN_PACKAGES = ("java.lang", "java.net", "java.util")

START_SECONDS = 120  # it takes two; a machine under load, with sanitizers, may need far more
EVENT_SECONDS = 30
REST_SECONDS = 60
DEVICE_SECONDS = 20  # that Leshan waits for a device's answer


def jars(*folder):
    """The class path of the demo server, or of the "library", or a skip that says what to install."""
    done = subprocess.run([FETCH, *folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=600, check=False)
    line = done.stdout.strip()
    if done.returncode == 77:
        pytest.skip(line.removeprefix("skip: "))
    assert done.returncode == 0, f"leshan/fetch failed: {done.stderr}"
    return line


class Refused(AssertionError):
    """Leshan's web server answered with an error of HTTP."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


class Event:
    def __init__(self, kind, data):
        self.kind = kind
        self.data = data

    @property
    def endpoint(self):
        registration = self.data.get("registration", self.data)
        return registration.get("endpoint") or self.data.get("ep")

    def __repr__(self):
        return f"{self.kind} {self.data}"


class Events:
    """The stream of events, read by a thread; all of them are kept."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=None)
        self.connection.request("GET", "/api/event", headers={"Accept": "text/event-stream"})
        self.stream = self.connection.getresponse()
        assert self.stream.status == 200, self.stream.status
        self.kept = []
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        kind = None
        try:
            for line in self.stream:
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    with self.changed:
                        self.kept.append(Event(kind, json.loads(value)))
                        self.changed.notify_all()
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # the server was stopped, or the stream closed

    def count(self):
        with self.changed:
            return len(self.kept)

    def all(self, kind, endpoint):
        with self.changed:
            return [e for e in self.kept if e.kind == kind and e.endpoint == endpoint]

    def wait(self, kind, endpoint, matches=lambda data: True, since=0, seconds=EVENT_SECONDS):
        """The first such event, from number `since` on; .count() tells numbers."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                for event in self.kept[since:]:
                    if event.kind == kind and event.endpoint == endpoint and matches(event.data):
                        return event
                left = deadline - time.monotonic()
                assert left > 0, f"no {kind} of {endpoint}; what came: {self.kept[since:]}"
                self.changed.wait(left)

    def close(self):
        self.connection.close()


class Leshan:
    def __init__(self, folder, *options):
        self.folder = Path(folder)
        # It leaves files where it runs. It is of the days of Java 8 and looks into Java's own classes
        # to print them. The C1 compiler alone makes it start sooner.
        self.program = Program(
            ["java", *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPEN_PACKAGES),
             "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", jars(),
             "-lh", "127.0.0.1", "-lp", "0", "-slh", "127.0.0.1", "-slp", "0",
             "-wh", "127.0.0.1", "-wp", "0",
             "-oc",  # CCM_8 counts as old there, and is what LwM2M devices must have
             "-m", leshan_models.write(self.folder / "models"), *map(str, options)], cwd=self.folder)
        try:
            ready = self.program.wait_for(
                rb"Web server started at http://[^:]*:(\d+)|ERROR|Unable to|usage:", START_SECONDS)
            assert ready[1] is not None, f"Leshan did not start: {self.program.log}"
            self.web_port = int(ready[1])
            ports = self.get("/api/server/endpoint")
            self.coap_port = int(ports["unsecuredEndpointPort"])
            self.coaps_port = int(ports["securedEndpointPort"])
            self.marked = 0
            self.events = Events(self.web_port)
            self._prove_events()
        except BaseException:
            self.program.stop()
            raise

    def _prove_events(self):
        """Leshan answers to the opening of the stream before it adds the listener, so what happens
        between the two would be lost: go on when an event has come."""
        for _ in range(START_SECONDS):
            with minidevice.Device(self.coap_port, "first-event") as device:
                device.register()
                device.deregister()
            try:
                self.events.wait("DEREGISTRATION", "first-event", seconds=1)
                return
            except AssertionError:
                continue
        raise AssertionError("Leshan sends no events")

    def stop(self):
        self.events.close()
        self.program.stop()

    def mark(self):
        self.timeout = DEVICE_SECONDS
        self.marked = len(self.program.log)

    def log_since_mark(self):
        return self.program.log[self.marked:]

    # ---- HTTP ----

    def http(self, method, path, body=None, content_type="application/json", **query):
        """One request; the answer's JSON, or its text if it is none."""
        query = {name: value for name, value in query.items() if value is not None}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        headers = {} if body is None else {"Content-Type": f"{content_type}; charset=utf-8"}
        connection = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=REST_SECONDS)
        try:
            connection.request(method, quote(path) + ("?" + urlencode(query) if query else ""),
                               None if body is None else body.encode(), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(answer.status, text)
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else text

    def get(self, path, **query):
        return self.http("GET", path, **query)

    # ---- devices: each gives what the device answered, {"status": "CONTENT(205)", ...} ----

    def clients(self):
        return self.get("/api/clients")

    def client(self, endpoint):
        return self.get(f"/api/clients/{endpoint}")

    def ask(self, method, endpoint, path, body=None, **query):
        return self.http(method, f"/api/clients/{endpoint}{path}", body, timeout=self.timeout,
                         **query)

    def read(self, endpoint, path, format=None):
        return self.ask("GET", endpoint, path, format=format)

    def discover(self, endpoint, path):
        return self.ask("GET", endpoint, path + "/discover")

    def write(self, endpoint, path, node, replace=True, format=None):
        """`node` is {"id": .., "value": ..}, with "values" for several, or "resources"."""
        return self.ask("PUT", endpoint, path, node, replace=str(replace).lower(), format=format)

    def write_attributes(self, endpoint, path, **attributes):
        # The query is the list of attributes, so there is no room for a timeout.
        return self.http("PUT", f"/api/clients/{endpoint}{path}/attributes", **attributes)

    def execute(self, endpoint, path, arguments=None):
        return self.ask("POST", endpoint, path, arguments)

    def create(self, endpoint, path, node, format=None):
        """`node` is {"resources": [..]}, with "id" when the server chooses the instance."""
        return self.ask("POST", endpoint, path, node, format=format)

    def delete(self, endpoint, path):
        return self.ask("DELETE", endpoint, path)

    def observe(self, endpoint, path, format=None):
        return self.ask("POST", endpoint, path + "/observe", format=format)

    def cancel(self, endpoint, path):
        return self.ask("DELETE", endpoint, path + "/observe")

    # ---- who may come, and how ----

    def add_psk(self, endpoint, identity, key):
        """`key` in hexadecimal."""
        self.http("PUT", "/api/security/clients/",
                  {"endpoint": endpoint, "psk": {"identity": identity, "key": key}})

    def add_x509(self, endpoint):
        self.http("PUT", "/api/security/clients/", {"endpoint": endpoint, "x509": True})

    def add_rpk(self, endpoint, public_key):
        """`public_key`: bytes of a SubjectPublicKeyInfo."""
        self.http("PUT", "/api/security/clients/",
                  {"endpoint": endpoint, "rpk": {"key": public_key.hex()}})

    def security(self):
        return {entry["endpoint"]: entry for entry in self.get("/api/security/clients")}

    def remove_security(self, endpoint):
        self.http("DELETE", f"/api/security/clients/{endpoint}")
