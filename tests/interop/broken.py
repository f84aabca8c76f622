# SPDX-License-Identifier: Apache-2.0
"""Peers that are broken on purpose, and proxies that break what real peers say."""

import contextlib
import random
import select
import socket
import struct
import threading
import time

import wire


def reset(conn):
    """Close with a RST instead of a FIN."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        conn.shutdown(socket.SHUT_RD)  # wakes a thread that reads: it would keep the socket alive
    conn.close()


class TcpPeer:
    """Calls handler(conn) for each connection, each in a thread of its own; ends with the test.

    A handler that wants to stay silent returns wait(conn): it waits for the client to go away.
    """

    def __init__(self, handler, backlog=8):
        self.handler = handler
        self.connections = []
        self.errors = []
        self.threads = []
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(backlog)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            conn.settimeout(30)
            self.connections.append(conn)
            thread = threading.Thread(target=self._serve, args=(conn,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, conn):
        try:
            self.handler(conn)
        except OSError:
            pass  # the client went away: that is its right
        except Exception as error:  # noqa: BLE001 - a test shall see it
            self.errors.append(error)
        finally:
            with contextlib.suppress(OSError):
                conn.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for conn in self.connections:
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
        for thread in (self.thread, *self.threads):
            thread.join(10)
        assert not self.errors, self.errors


def wait(conn):
    """Say nothing, and read until the client has gone."""
    while conn.recv(65536):
        pass


class UdpPeer:
    """Calls handler(peer, datagram, sender) for each datagram; peer.send(data, to) answers."""

    def __init__(self, handler):
        self.handler = handler
        self.errors = []
        self.datagrams = []
        self.times = []
        self.senders = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.wake, self.waker = socket.socketpair()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            readable, _, _ = select.select([self.socket, self.wake], [], [])
            if self.wake in readable:
                return
            data, sender = self.receive()
            self.times.append(time.monotonic())
            self.datagrams.append(data)
            self.senders.append(sender)
            try:
                self.handler(self, data, sender)
            except OSError:
                pass
            except Exception as error:  # noqa: BLE001 - a test shall see it
                self.errors.append(error)

    def receive(self):
        return self.socket.recvfrom(65536)

    def send(self, data, to):
        self.socket.sendto(data, to)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.waker.close()
        self.thread.join(10)
        self.socket.close()
        self.wake.close()
        assert not self.errors, self.errors


def silent(*_):
    """A black hole."""


# ---- proxies ----

class TcpProxy(TcpPeer):
    """In front of a real server. change(direction, record) says what goes on: a record, b"" to
    drop it, or an exception: Cut ends both sides with a FIN, Reset with a RST.

    direction is "up" (from the client) or "down".
    """

    def __init__(self, target, change):
        self.target = target
        self.change = change
        super().__init__(self._relay)

    def _relay(self, client):
        server = socket.create_connection(("127.0.0.1", self.target), 10)
        server.settimeout(30)
        self.connections.append(server)
        up = threading.Thread(target=self._pump, args=("up", client, server, client), daemon=True)
        up.start()
        self._pump("down", server, client, client)
        up.join(10)

    def _pump(self, direction, source, sink, client):
        ended = "of itself"
        for record in wire.records_of(source):
            try:
                changed = self.change(direction, record)
            except Cut as cut:
                if cut.last:
                    sink.sendall(cut.last)
                ended = "cut"
                break
            except Reset:
                ended = "reset"
                break
            if changed:
                try:
                    sink.sendall(changed)
                except OSError:
                    break
        with contextlib.suppress(OSError):
            if ended == "reset":
                reset(client)
            elif ended == "cut":
                client.shutdown(socket.SHUT_WR)
            else:
                sink.shutdown(socket.SHUT_WR)


class Cut(Exception):
    def __init__(self, last=b""):
        super().__init__()
        self.last = last


class Reset(Exception):
    pass


class UdpProxy:
    """In front of a real DTLS server: policy(direction, datagram) gives the datagrams to pass on.

    One client address at a time; a new one takes its place, with a new socket to the server.
    """

    def __init__(self, target, policy):
        self.target = ("127.0.0.1", target)
        self.policy = policy
        self.errors = []
        self.sizes = {"up": [], "down": []}
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.port = self.front.getsockname()[1]
        self.back = None
        self.client = None
        self.wake, self.waker = socket.socketpair()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            sockets = [s for s in (self.front, self.back, self.wake) if s is not None]
            readable, _, _ = select.select(sockets, [], [])
            if self.wake in readable:
                return
            try:
                for s in readable:
                    if s is self.front:
                        self._up()
                    elif s is self.back:
                        self._down()
            except ConnectionError:
                pass  # ICMP
            except Exception as error:  # noqa: BLE001 - a test shall see it
                self.errors.append(error)

    def _up(self):
        datagram, client = self.front.recvfrom(65536)
        if client != self.client:
            if self.back is not None:
                self.back.close()
            self.client = client
            self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.back.connect(self.target)
        self.sizes["up"].append(len(datagram))
        for passed in self.policy("up", datagram):
            self.back.send(passed)

    def _down(self):
        datagram = self.back.recv(65536)
        self.sizes["down"].append(len(datagram))
        for passed in self.policy("down", datagram):
            self.front.sendto(passed, self.client)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.waker.close()
        self.thread.join(10)
        for s in (self.front, self.back, self.wake):
            if s is not None:
                s.close()
        assert not self.errors, self.errors


class BadNetwork:
    """A policy for UdpProxy: drops, duplicates and swaps with the chances given, by a seed."""

    def __init__(self, seed, drop=0.0, duplicate=0.0, swap=0.0):
        self.random = random.Random(seed)
        self.drop, self.duplicate, self.swap = drop, duplicate, swap
        self.held = {"up": [], "down": []}
        self.dropped = 0

    def __call__(self, direction, datagram):
        held = self.held[direction]
        if self.random.random() < self.drop:
            self.dropped += 1
            return []
        if self.random.random() < self.swap and not held:
            held.append(datagram)  # goes out behind the next one
            return []
        out = [datagram]
        if self.random.random() < self.duplicate:
            out.append(datagram)
        out += held
        held.clear()
        return out


class BlackHole:
    """A TCP port whose queue is full: the kernel drops every further SYN."""

    def __enter__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(8):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(s)
            if not select.select([], [s], [], 0.2)[1]:
                return self  # this one was dropped: the queue is full
        raise AssertionError("the queue never filled")

    def __exit__(self, *_):
        for s in (*self.fillers, self.listener):
            s.close()


def closed_port(kind=socket.SOCK_STREAM):
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
