# SPDX-License-Identifier: Apache-2.0
"""One way to drive an LwM2M server, so that the same test runs against Leshan and linnet-lab.

Values are Python's: str, int, float, bool, bytes for opaque, Time for times, Link for object links; a
resource of many instances is a dict of them. What comes back is an Answer.
"""

import calendar
import json
import threading
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import leshan as leshan_module
from drive import BUILD
from peers import Program

LAB = BUILD / "bin/linnet-lab"
EVENT_SECONDS = 30
ANSWER_SECONDS = 60
DEVICE_SECONDS = leshan_module.DEVICE_SECONDS


class Time(int):
    """Seconds since 1970."""


class Link(NamedTuple):
    object: int
    instance: int


class NoAnswer(AssertionError):
    """The device did not answer, or the request could not be sent."""


@dataclass
class Answer:
    code: str
    values: dict = field(default_factory=dict)  # path -> value; an array as its instances
    links: dict = field(default_factory=dict)   # path -> {attribute: text}
    location: str = ""
    diagnostic: str = ""

    @property
    def value(self):
        """The only one."""
        value, = self.values.values()
        return value


class Event(NamedTuple):
    kind: str      # registered updated deregistered notification
    endpoint: str
    path: str      # of a notification
    answer: object
    data: dict     # what this server told, in its own form


class Server:
    """What both can do. Paths are text; `values` of an instance are {resource: value}."""

    secure_uri_host = "127.0.0.1"
    formats = ["CBOR"]  # that it and our client know, beside text, octets and TLV

    @property
    def coap_uri(self):
        return f"coap://127.0.0.1:{self.coap_port}"

    @property
    def coaps_uri(self):
        return f"coaps://127.0.0.1:{self.coaps_port}"

    def set_timeout(self, seconds):
        """How long a device may take to answer from now on."""
        raise NotImplementedError

    def mark(self):
        """A place in the order of events, to wait for what comes after it."""
        raise NotImplementedError

    def events_since(self, mark, endpoint):
        """What happened to this endpoint since then."""
        raise NotImplementedError

    def wait(self, kind, endpoint, path=None, matches=lambda event: True, since=0,
             seconds=EVENT_SECONDS):
        raise NotImplementedError


# ---- linnet-lab ----

def lab_text(value):
    """As the command line of linnet-lab takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex() if value else '""'
    if isinstance(value, Link):
        return f"{value.object}:{value.instance}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value) if isinstance(value, float) else str(int(value))


def lab_words(values):
    """{1: 60, 6: {0: 1}} -> 1=60 6/0=1"""
    words = []
    for number, value in values.items():
        if isinstance(value, dict):
            words += [f"{number}/{index}={lab_text(one)}" for index, one in value.items()]
        else:
            words.append(f"{number}={lab_text(value)}")
    return words


def lab_value(item):
    kind, value = item["type"], item.get("value")
    if kind == "opaque":
        return bytes.fromhex(value)
    if kind == "time":
        return Time(value)
    if kind == "objlnk":
        return Link(*map(int, value.split(":")))
    if kind == "float" and isinstance(value, int):
        return float(value)
    return value


class Lab(Server):
    name = "linnet-lab"
    cancels_actively = True
    writes_links = True
    unsets_attributes = True

    def __init__(self, folder, *options):
        self.folder = folder
        self.program = Program([str(LAB), "--json", "--address", "127.0.0.1", "--port", "0",
                                "--secure-port", "0", "--timeout", str(DEVICE_SECONDS), *map(str, options)])
        self.answers = []
        self.events = []
        self.rest = b""
        self.seen = 0
        self.changed = threading.Condition()
        self.lock = threading.Lock()
        self.told = {}
        try:
            self.program.wait_for(rb'"event":"listening"[^\n]*\n')
            listening = self._next_line(0)
            self.coap_port = int(listening["coap"].rsplit(":", 1)[1])
            self.coaps_port = int(listening["coaps"].rsplit(":", 1)[1])
        except BaseException:
            self.program.stop()
            raise

    def stop(self):
        """Let it end by itself: that is when a sanitizer reports leaks."""
        self.program.close_input()
        status = self.program.process.wait(ANSWER_SECONDS)
        log = self.program.log
        self.program.stop()
        return status, log

    def _next_line(self, number):
        return json.loads(self.lines()[number])

    def lines(self):
        """Whole lines of its output so far; standard error has none of JSON."""
        return [line for line in self.program.log.split("\n")[:-1] if line.startswith("{")]

    def _wait_lines(self, pick, seconds):
        """Until pick(lines) gives something."""
        deadline = time.monotonic() + seconds
        with self.program.changed:
            while True:
                found = pick([json.loads(line) for line in
                              self.program.output.decode(errors="replace").split("\n")[:-1]
                              if line.startswith("{")])
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                assert left > 0, f"it did not come: {self.program.output.decode()[-3000:]}"
                assert self.program.process.poll() is None, f"linnet-lab ended: {self.log}"
                self.program.changed.wait(min(left, 1))

    @property
    def log(self):
        return self.program.log

    # ---- commands ----

    def command(self, *words, seconds=ANSWER_SECONDS):
        """One command, and the object that answers it."""
        with self.lock:
            before = len([1 for line in self.lines() if '"answer"' in line[:12]])
            self.program.write(" ".join(words).encode() + b"\n")

            def pick(lines):
                answers = [line for line in lines if "answer" in line]
                return answers[before] if len(answers) > before else None
            return self._wait_lines(pick, seconds)

    def ask(self, *words, seconds=ANSWER_SECONDS):
        told = self.command(*words, seconds=seconds)
        if "error" in told:
            raise NoAnswer(f"{' '.join(words)}: {told['error']}")
        return self._answer(told)

    @staticmethod
    def _answer(told):
        assert "malformed" not in told, told
        values = {}
        for item in told.get("values", []):
            assert "error" not in item, told
            if item["type"] not in ("array", "instance"):
                values[item["path"]] = lab_value(item)
        links = {link["path"]: link.get("attributes", {}) for link in told.get("links", [])}
        return Answer(told.get("code", ""), values, links, told.get("location", ""),
                      told.get("diagnostic", ""))

    def set_timeout(self, seconds):
        self.command("timeout", str(seconds))

    @staticmethod
    def _format(format):
        return [] if format is None else ["--format", format.lower().replace("_", "-")]

    def read(self, endpoint, path, format=None):
        return self.ask("read", endpoint, path, *self._format(format))

    def write(self, endpoint, path, value, replace=True, format=None):
        words = ["write", endpoint, path]
        if path.count("/") == 2:
            words += lab_words(value)
        elif isinstance(value, dict):
            words += ["--multiple"] + [f"{i}={lab_text(one)}" for i, one in value.items()]
        else:
            words.append(lab_text(value))
        return self.ask(*words, *([] if replace else ["--update"]), *self._format(format))

    def write_attributes(self, endpoint, path, **attributes):
        words = [name if value is None else f"{name}={value}" for name, value in attributes.items()]
        return self.ask("write-attributes", endpoint, path, *words)

    def execute(self, endpoint, path, arguments=None):
        return self.ask("execute", endpoint, path, *([] if arguments is None else [arguments]))

    def create(self, endpoint, object, values, instance=None, format=None):
        path = f"/{object}" + ("" if instance is None else f"/{instance}")
        return self.ask("create", endpoint, path, *lab_words(values), *self._format(format))

    def delete(self, endpoint, path):
        return self.ask("delete", endpoint, path)

    def discover(self, endpoint, path):
        return self.ask("discover", endpoint, path)

    def observe(self, endpoint, path, format=None):
        return self.ask("observe", endpoint, path, *self._format(format))

    def cancel(self, endpoint, path):
        return self.ask("cancel", endpoint, path)

    def endpoints(self):
        return [client["endpoint"] for client in self.command("clients")["clients"]]

    def registration(self, endpoint):
        for client in self.command("clients")["clients"]:
            if client["endpoint"] == endpoint:
                return {"lifetime": client["lifetime"], "version": client["version"],
                        "binding": client["binding"], "secure": client["secure"],
                        "address": client["address"],
                        "objects": [link["path"] for link in client["objects"]]}
        return None

    def add_psk(self, endpoint, identity, key):
        told = self.command("psk", f"{endpoint}={identity}:{key}")
        assert "error" not in told, told

    def add_x509(self, endpoint):
        told = self.command("certified", endpoint)
        assert "error" not in told, told

    def remove_security(self, endpoint):
        told = self.command("forget", endpoint)
        assert "error" not in told, told

    # ---- events ----

    def _events(self, lines):
        return [Event(line["event"], line.get("endpoint"), line.get("path"),
                      self._answer(line) if line["event"] == "notification" else None, line)
                for line in lines if "event" in line]

    def mark(self):
        return len([1 for line in self.lines() if '"event"' in line[:11]])

    def events_since(self, mark, endpoint):
        events = self._events([json.loads(line) for line in self.lines()])[mark:]
        return [event for event in events if event.endpoint == endpoint]

    def wait(self, kind, endpoint, path=None, matches=lambda event: True, since=0,
             seconds=EVENT_SECONDS):
        def pick(lines):
            for event in self._events(lines)[since:]:
                if (event.kind, event.endpoint) == (kind, endpoint) \
                        and path in (None, event.path) and matches(event):
                    return event
            return None
        return self._wait_lines(pick, seconds)


# ---- Leshan ----

LESHAN_KINDS = {"REGISTRATION": "registered", "UPDATED": "updated", "DEREGISTRATION": "deregistered",
                "NOTIFICATION": "notification"}


def leshan_json(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Time):
        return int(value) * 1000
    return value


def leshan_resource(number, value):
    if isinstance(value, dict):
        return {"id": number, "values": {str(i): leshan_json(one) for i, one in value.items()}}
    return {"id": number, "value": leshan_json(value)}


class Leshan(Server):
    name = "Leshan"
    cancels_actively = False
    writes_links = False
    unsets_attributes = False  # it wants a value for each

    def __init__(self, server):
        self.server = server
        self.coap_port = server.coap_port
        self.coaps_port = server.coaps_port
        self.types = {}

    @property
    def log(self):
        return self.server.log_since_mark()

    def set_timeout(self, seconds):
        self.server.timeout = seconds

    # ---- values ----

    def _type(self, endpoint, object, resource):
        """From the definitions that Leshan uses for this device."""
        if endpoint not in self.types:
            self.types[endpoint] = {
                (spec["id"], definition["id"]): definition["type"]
                for spec in self.server.get(f"/api/objectspecs/{endpoint}")
                for definition in spec["resourcedefs"]}
        return self.types[endpoint].get((object, resource), "")

    def _value(self, endpoint, path, value):
        parts = [int(part) for part in path.split("/")[1:]]
        kind = self._type(endpoint, parts[0], parts[2]).lower()
        if kind == "opaque":
            return bytes.fromhex(value)
        if kind == "time":
            return Time(calendar.timegm(time.strptime(value, "%Y-%m-%dT%H:%M:%SZ")))
        if kind == "objlnk":
            return Link(value["objectId"], value["objectInstanceId"])
        if kind == "float":
            return float(value)
        return value

    def _values(self, endpoint, path, node):
        """A node of Leshan's and its path -> {path: value}"""
        values = {}
        if node is None:
            return values
        for child in node.get("instances", []):
            values.update(self._values(endpoint, f"{path}/{child['id']}", child))
        for child in node.get("resources", []):
            values.update(self._values(endpoint, f"{path}/{child['id']}", child))
        if "values" in node:
            for index, value in node["values"].items():
                values[f"{path}/{index}"] = self._value(endpoint, path, value)
        elif "value" in node:
            values[path] = self._value(endpoint, path, node["value"])
        return values

    def _answer(self, endpoint, path, call):
        try:
            told = call()
        except leshan_module.Refused as refusal:
            raise NoAnswer(str(refusal)) from refusal
        digits = told["status"].rsplit("(", 1)[1]
        links = {link["url"]: {name: str(value) for name, value in link["attributes"].items()}
                 for link in told.get("objectLinks", []) if link}
        location = told.get("location")
        return Answer(f"{digits[0]}.{digits[1:3]}",
                      self._values(endpoint, path, told.get("content")), links,
                      f"/{location}" if location else "", told.get("errormessage", ""))

    # ---- commands ----

    def read(self, endpoint, path, format=None):
        return self._answer(endpoint, path, lambda: self.server.read(endpoint, path, format))

    def write(self, endpoint, path, value, replace=True, format=None):
        number = int(path.rsplit("/", 1)[1])
        node = leshan_resource(number, value)
        if path.count("/") == 2:
            node = {"id": number, "resources": [leshan_resource(i, v) for i, v in value.items()]}
        return self._answer(endpoint, path,
                            lambda: self.server.write(endpoint, path, node, replace, format))

    def write_attributes(self, endpoint, path, **attributes):
        return self._answer(endpoint, path,
                            lambda: self.server.write_attributes(endpoint, path, **attributes))

    def execute(self, endpoint, path, arguments=None):
        return self._answer(endpoint, path, lambda: self.server.execute(endpoint, path, arguments))

    def create(self, endpoint, object, values, instance=None, format=None):
        node = {"resources": [leshan_resource(i, v) for i, v in values.items()]}
        if instance is not None:
            node["id"] = instance
        path = f"/{object}"
        return self._answer(endpoint, path,
                            lambda: self.server.create(endpoint, path, node, format))

    def delete(self, endpoint, path):
        return self._answer(endpoint, path, lambda: self.server.delete(endpoint, path))

    def discover(self, endpoint, path):
        return self._answer(endpoint, path, lambda: self.server.discover(endpoint, path))

    def observe(self, endpoint, path, format=None):
        return self._answer(endpoint, path, lambda: self.server.observe(endpoint, path, format))

    def cancel(self, endpoint, path):
        """It forgets the observation; the next notification gets a Reset."""
        self.server.cancel(endpoint, path)
        return Answer("")

    def endpoints(self):
        return [client["endpoint"] for client in self.server.clients()]

    def registration(self, endpoint):
        for client in self.server.clients():
            if client["endpoint"] == endpoint:
                return {"lifetime": client["lifetime"], "version": client["lwM2mVersion"],
                        "binding": client["bindingMode"], "secure": client["secure"],
                        "address": client["address"],
                        "objects": [link["url"] for link in client["objectLinks"]]}
        return None

    def add_psk(self, endpoint, identity, key):
        self.server.add_psk(endpoint, identity, key)

    def add_x509(self, endpoint):
        self.server.add_x509(endpoint)

    def remove_security(self, endpoint):
        self.server.remove_security(endpoint)

    # ---- events ----

    def _event(self, event):
        kind = LESHAN_KINDS.get(event.kind)
        path = event.data.get("res") if kind == "notification" else None
        answer = None
        if path is not None:
            answer = Answer("2.05", self._values(event.endpoint, path, event.data["val"]))
        return Event(kind, event.endpoint, path, answer, event.data)

    def mark(self):
        return self.server.events.count()

    def events_since(self, mark, endpoint):
        with self.server.events.changed:
            kept = self.server.events.kept[mark:]
        return [self._event(event) for event in kept if event.endpoint == endpoint]

    def wait(self, kind, endpoint, path=None, matches=lambda event: True, since=0,
             seconds=EVENT_SECONDS):
        name = next(name for name, ours in LESHAN_KINDS.items() if ours == kind)

        def fits(data):
            event = self._event(leshan_module.Event(name, data))
            return path in (None, event.path) and matches(event)
        return self._event(self.server.events.wait(name, endpoint, fits, since, seconds))
