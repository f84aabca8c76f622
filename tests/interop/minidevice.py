# SPDX-License-Identifier: Apache-2.0
"""A CoAP device that says what a test wants, right or wrong: the judge of the servers, not of us.

It knows messages (RFC 7252 section 3), answers requests from a table of values, and keeps every
message it got. There is no retransmission: on the loopback interface nothing is lost, and a test that
wants a repetition sends one.
"""

import socket
import struct
import threading
import time
from dataclasses import dataclass, field

CON, NON, ACK, RST = range(4)
GET, POST, PUT, DELETE = range(1, 5)
(IF_MATCH, URI_HOST, ETAG, IF_NONE_MATCH, OBSERVE, URI_PORT, LOCATION_PATH, URI_PATH, CONTENT_FORMAT,
 MAX_AGE, URI_QUERY, ACCEPT, BLOCK2, BLOCK1, SIZE2, SIZE1) = (
     1, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 17, 23, 27, 28, 60)
TEXT, LINKS, OPAQUE, CBOR, TLV = 0, 40, 42, 60, 11542

SECONDS = 15


def code(text):
    """"2.05" -> 0x45"""
    return int(text[0]) << 5 | int(text[2:])


def uint(number):
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


@dataclass
class Message:
    type: int = CON
    code: int = 0
    mid: int = 0
    token: bytes = b""
    options: list = field(default_factory=list)  # of (number, bytes)
    payload: bytes = b""

    def values(self, number):
        return [value for option, value in self.options if option == number]

    def value(self, number):
        found = self.values(number)
        return found[0] if found else None

    def number(self, number):
        """An option that is a number; None when it is not there."""
        value = self.value(number)
        return None if value is None else int.from_bytes(value, "big")

    @property
    def path(self):
        return "/" + "/".join(part.decode() for part in self.values(URI_PATH))

    @property
    def query(self):
        return [part.decode() for part in self.values(URI_QUERY)]

    @property
    def text(self):
        return f"{self.code >> 5}.{self.code & 31:02}"

    def encode(self):
        out = struct.pack(">BBH", 0x40 | self.type << 4 | len(self.token), self.code, self.mid)
        out += self.token
        last = 0
        for number, value in sorted(self.options, key=lambda option: option[0]):
            delta, more_delta = extended(number - last)
            length, more_length = extended(len(value))
            out += bytes([delta << 4 | length]) + more_delta + more_length + value
            last = number
        return out + (b"\xff" + self.payload if self.payload else b"")


def extended(number):
    if number < 13:
        return number, b""
    if number < 269:
        return 13, bytes([number - 13])
    return 14, struct.pack(">H", number - 269)


def decode(data):
    first, kind, mid = struct.unpack_from(">BBH", data)
    message = Message(first >> 4 & 3, kind, mid, data[4:4 + (first & 15)])
    at, number = 4 + (first & 15), 0
    while at < len(data) and data[at] != 0xFF:
        parts = [data[at] >> 4, data[at] & 15]
        at += 1
        for i, part in enumerate(parts):
            if part == 13:
                parts[i], at = data[at] + 13, at + 1
            elif part == 14:
                parts[i], at = struct.unpack_from(">H", data, at)[0] + 269, at + 2
        number += parts[0]
        message.options.append((number, data[at:at + parts[1]]))
        at += parts[1]
    message.payload = data[at + 1:]
    return message


class UdpLink:
    """Datagrams to a server from one port, which a test may choose: a device that comes back."""

    def __init__(self, port, local_port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", local_port))
        self.socket.connect(("127.0.0.1", port))
        self.local_port = self.socket.getsockname()[1]

    def send(self, data):
        self.socket.send(data)

    def recv(self):
        """The next datagram; None when the link was closed."""
        while True:
            try:
                return self.socket.recv(65536) or None
            except ConnectionRefusedError:
                continue  # nobody listens any more: the test sees that it gets no answer
            except OSError:
                return None

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


class SecureLink:
    """The same over DTLS, through a sockdrive with a configuration "c" (see drive.py)."""

    TURN_MS = 20  # one command at a time: a send waits so long for a receive that has nothing to do

    locks = {}  # of each sockdrive: it does one thing at a time

    def __init__(self, drive, port, sock="s", config="c"):
        self.drive = drive
        self.sock = sock
        self.lock = self.locks.setdefault(id(drive), threading.Lock())
        self.open = True
        with self.lock:
            drive.new("dtls", sock, config)
            drive.connect(port, "127.0.0.1", sock)
            self.local_port = drive.info(sock).local.port

    def send(self, data):
        with self.lock:
            self.drive.send(data, self.sock)

    def recv(self):
        while self.open:
            with self.lock:
                got = self.drive.recv(sock=self.sock, ms=self.TURN_MS, expect=None) if self.open else None
            if got and got.status == "LN_OK":
                return got.data
            if got and got.status != "LN_TIMEOUT":
                return None
        return None

    def close(self):
        """With a close_notify."""
        with self.lock:
            self.open = False
            self.drive.close(self.sock)


class Device:
    """One endpoint. `values` maps a path to (content format, bytes); a request for a path that is not
    there is answered 4.04. `answer` may be replaced: it gets a request and returns (code, options,
    payload), or None for no answer at all."""

    def __init__(self, port, endpoint="mini", link=None):
        self.endpoint = endpoint
        self.link = link or UdpLink(port)
        self.values = {}
        self.answer = self.answer_from_values
        self.received = []   # every message, in order
        self.observers = {}  # path -> (token, content format)
        self.location = None
        self.mid = int.from_bytes(endpoint.encode()[-2:], "big")
        self.sequence = 1
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self):
        self.link.close()
        self.thread.join(SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # ---- what comes ----

    def _run(self):
        while True:
            data = self.link.recv()
            if data is None:
                return
            message = decode(data)
            with self.changed:  # before the answer: who hears that may look here
                self.received.append(message)
                self.changed.notify_all()
            if message.code and message.code < 0x40:
                self._reply(message)
            elif message.code and message.type == CON:
                self.send(Message(ACK, 0, message.mid))

    def _reply(self, request):
        answer = self.answer(request)
        if answer is None:
            return
        kind, options, payload = answer
        confirmable = request.type == CON
        self.send(Message(ACK if confirmable else NON, code(kind),
                          request.mid if confirmable else self.next_mid(),
                          request.token, options, payload))

    def answer_from_values(self, request):
        path = request.path
        if request.code == GET and request.number(OBSERVE) == 1:
            self.observers.pop(path, None)
        if request.code == GET and path in self.values:
            kind, payload = self.values[path]
            options = [(CONTENT_FORMAT, uint(kind))]
            if request.number(OBSERVE) == 0:
                self.observers[path] = (request.token, kind)
                options.append((OBSERVE, uint(self.next_sequence())))
            return "2.05", options, payload
        if request.code == PUT and request.value(CONTENT_FORMAT) is not None:
            self.values[path] = (request.number(CONTENT_FORMAT), request.payload)
            return "2.04", [], b""
        if request.code == PUT:
            return "2.04", [], b""  # Write-Attributes
        if request.code == POST and path.count("/") == 1:
            return "2.01", [(LOCATION_PATH, path[1:].encode()), (LOCATION_PATH, b"7")], b""
        if request.code == POST:
            return "2.04", [], b""
        if request.code == DELETE:
            return "2.02", [], b""
        return "4.04", [], b""

    def wait(self, matches, seconds=SECONDS, since=0):
        """The first message received, from number `since` on, for which matches(message) holds."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                for message in self.received[since:]:
                    if matches(message):
                        return message
                left = deadline - time.monotonic()
                assert left > 0, f"it did not come; what came: {self.received[since:]}"
                self.changed.wait(left)

    def requests(self, method, path=None):
        with self.changed:
            return [m for m in self.received
                    if m.code == method and (path is None or m.path == path)]

    # ---- what goes ----

    def next_mid(self):
        self.mid = self.mid + 1 & 0xFFFF
        return self.mid

    def next_sequence(self):
        self.sequence += 1
        return self.sequence

    def send(self, message):
        self.link.send(message.encode())

    def request(self, method, path, query=(), payload=b"", format=None, type=CON, options=(),
                seconds=SECONDS):
        """Send a request, wait for its response, piggybacked or separate."""
        mid = self.next_mid()
        token = struct.pack(">HH", self.link.local_port & 0xFFFF, mid)
        parts = path if isinstance(path, list) else [p.encode() for p in path.split("/") if p]
        all_options = [(URI_PATH, part) for part in parts]
        all_options += [(URI_QUERY, part if isinstance(part, bytes) else part.encode())
                        for part in query]
        if format is not None:
            all_options.append((CONTENT_FORMAT, uint(format)))
        self.send(Message(type, method, mid, token, all_options + list(options), payload))
        return self.wait(lambda m: (m.token == token and m.code >= 0x40)
                         or (m.type == RST and m.mid == mid), seconds)

    def register(self, links="</1/0>,</3/0>", lifetime=300, version="1.1", query=(), expect="2.01"):
        wanted = [f"ep={self.endpoint}", f"lt={lifetime}", f"lwm2m={version}", *query]
        answer = self.request(POST, "/rd", wanted, links.encode(), LINKS)
        assert answer.text == expect, answer
        if answer.code == code("2.01"):
            self.location = answer.values(LOCATION_PATH)
            assert self.location, answer
        return answer

    def update(self, query=(), links=None, expect="2.04"):
        answer = self.request(POST, self.location, query, (links or "").encode(),
                              None if links is None else LINKS)
        assert answer.text == expect, answer
        return answer

    def deregister(self, expect="2.02"):
        answer = self.request(DELETE, self.location)
        assert answer.text == expect, answer
        return answer

    def notify(self, path, payload, type=NON):
        """A notification to whoever observes the path; returns its message id."""
        token, kind = self.observers[path]
        mid = self.next_mid()
        self.values[path] = (kind, payload)
        self.send(Message(type, code("2.05"), mid, token,
                          [(OBSERVE, uint(self.next_sequence())), (CONTENT_FORMAT, uint(kind))],
                          payload))
        return mid
