# SPDX-License-Identifier: Apache-2.0
"""TLS and DTLS as bytes: enough to answer wrongly on purpose, and to read a ClientHello."""

import struct
from dataclasses import dataclass, field

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY = 1, 2, 3

# RFC 8446 section 6 and the registry of IANA; what a server may send to a client
ALERTS = {
    "unexpected_message": 10, "bad_record_mac": 20, "record_overflow": 22,
    "handshake_failure": 40, "bad_certificate": 42, "unsupported_certificate": 43,
    "certificate_revoked": 44, "certificate_expired": 45, "certificate_unknown": 46,
    "illegal_parameter": 47, "unknown_ca": 48, "access_denied": 49, "decode_error": 50,
    "decrypt_error": 51, "protocol_version": 70, "insufficient_security": 71,
    "internal_error": 80, "inappropriate_fallback": 86, "user_canceled": 90,
    "missing_extension": 109, "unsupported_extension": 110, "unrecognized_name": 112,
    "bad_certificate_status_response": 113, "unknown_psk_identity": 115,
    "certificate_required": 116, "no_application_protocol": 120,
}


def record(kind, body, version=0x0303):
    return struct.pack(">BHH", kind, version, len(body)) + body


def dtls_record(kind, body, epoch=0, sequence=0, version=0xFEFD):
    return struct.pack(">BHH", kind, version, epoch) + sequence.to_bytes(6, "big") \
        + struct.pack(">H", len(body)) + body


def alert(number, level=2, version=0x0303):
    return record(ALERT, bytes([level, number]), version)


def dtls_alert(number, level=2, sequence=0):
    return dtls_record(ALERT, bytes([level, number]), sequence=sequence)


def handshake(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def dtls_handshake(kind, body, message_seq=0):
    length = len(body).to_bytes(3, "big")
    return bytes([kind]) + length + struct.pack(">H", message_seq) + bytes(3) + length + body


def hello_verify(cookie, message_seq=0, sequence=0):
    body = b"\xfe\xff" + bytes([len(cookie)]) + cookie
    return dtls_record(HANDSHAKE, dtls_handshake(HELLO_VERIFY, body, message_seq),
                       sequence=sequence, version=0xFEFF)


def server_hello(version=0x0303, suite=0xC02B, extensions=b"", random=bytes(32), session=b""):
    body = struct.pack(">H", version) + random + bytes([len(session)]) + session \
        + struct.pack(">HB", suite, 0)
    if extensions:
        body += struct.pack(">H", len(extensions)) + extensions
    return handshake(SERVER_HELLO, body)


def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


# RFC 8446 4.1.3: the random that makes a ServerHello a HelloRetryRequest
HELLO_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def hello_retry(group, session, suite=0x1301):
    extensions = extension(43, b"\x03\x04") + extension(51, struct.pack(">H", group))
    return server_hello(0x0303, suite, extensions, HELLO_RETRY, session)


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        if count > len(self.data):
            raise ValueError("cut short")
        part, self.data = self.data[:count], self.data[count:]
        return part

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def vector(self, size):
        return self.take(self.number(size))


@dataclass
class ClientHello:
    version: int = 0
    session: bytes = b""
    cookie: bytes = b""
    suites: list = field(default_factory=list)
    extensions: dict = field(default_factory=dict)

    @property
    def name(self):
        """The name of SNI, or None."""
        if 0 not in self.extensions:
            return None
        entries = Reader(Reader(self.extensions[0]).vector(2))
        assert entries.number(1) == 0
        return entries.vector(2).decode()

    def _list(self, kind, length_size):
        if kind not in self.extensions:
            return []
        numbers = Reader(Reader(self.extensions[kind]).vector(length_size))
        found = []
        while numbers.data:
            found.append(numbers.number(2))
        return found

    @property
    def versions(self):
        return self._list(43, 1)

    @property
    def groups(self):
        return self._list(10, 2)

    @property
    def alpn(self):
        if 16 not in self.extensions:
            return []
        names = Reader(Reader(self.extensions[16]).vector(2))
        found = []
        while names.data:
            found.append(names.vector(1).decode())
        return found


def parse_client_hello(body, datagram=False):
    """The body of the handshake message, behind its header."""
    r = Reader(body)
    hello = ClientHello(version=r.number(2))
    r.take(32)
    hello.session = r.vector(1)
    if datagram:
        hello.cookie = r.vector(1)
    suites = Reader(r.vector(2))
    while suites.data:
        hello.suites.append(suites.number(2))
    r.vector(1)
    if r.data:
        extensions = Reader(r.vector(2))
        while extensions.data:
            kind = extensions.number(2)
            hello.extensions[kind] = extensions.vector(2)
    return hello


def read_client_hello(conn):
    """From a connected TCP socket: (hello, everything that was read)."""
    header = receive(conn, 5)
    body = receive(conn, int.from_bytes(header[3:5], "big"))
    assert header[0] == HANDSHAKE and body[0] == CLIENT_HELLO
    return parse_client_hello(body[4:]), header + body


def client_hello_of_datagram(datagram):
    """The ClientHello that a datagram starts with, or None."""
    if len(datagram) < 25 or datagram[0] != HANDSHAKE or datagram[13] != CLIENT_HELLO:
        return None
    return parse_client_hello(datagram[25:], datagram=True)


def receive(conn, count):
    data = b""
    while len(data) < count:
        part = conn.recv(count - len(data))
        if not part:
            raise ConnectionError("the client went away")
        data += part
    return data


def records_of(conn):
    """Whole TLS records from a socket, until it ends."""
    try:
        while True:
            header = receive(conn, 5)
            yield header + receive(conn, int.from_bytes(header[3:5], "big"))
    except OSError:
        return


def dtls_records_of(datagram):
    """The records in one datagram."""
    while len(datagram) >= 13:
        end = 13 + int.from_bytes(datagram[11:13], "big")
        yield datagram[:end]
        datagram = datagram[end:]
