# SPDX-License-Identifier: Apache-2.0
"""A relay of datagrams between a device and a server, on the loopback interface.

It stands where a NAT stands: the server sees the relay's port, and `rebind()` changes it, as a NAT does
that forgot. It keeps the first bytes of what passes, so that a test can count DTLS handshakes.
"""

import select
import socket
import threading

HANDSHAKE = 22  # ContentType of a DTLS record


class Relay:
    def __init__(self, port):
        """To this port of the loopback interface; `self.port` is where the device sends to."""
        self.server = ("127.0.0.1", port)
        self.inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.inner.bind(("127.0.0.1", 0))
        self.port = self.inner.getsockname()[1]
        self.left = []  # the sockets before each rebind: nobody reads them, as nobody answers at a NAT
        self.outer = self._outside()
        self.lock = threading.Lock()
        self.passed = []  # (from the device?, content type), in order
        self.wake, self.waker = socket.socketpair()
        self.device = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _outside(self):
        outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        outer.bind(("127.0.0.1", 0))
        return outer

    def _run(self):
        while True:
            ready, _, _ = select.select([self.inner, self.outer, self.wake], [], [])
            if self.wake in ready and not self.wake.recv(1):
                return
            with self.lock:
                for sock in (self.inner, self.outer):
                    if sock in ready:
                        self._pass(sock)

    def _pass(self, sock):
        try:
            data, sender = sock.recvfrom(65536, socket.MSG_DONTWAIT)
        except OSError:
            return  # a peer that is gone
        outwards = sock is self.inner
        self.passed.append((outwards, data[0] if data else None))
        if outwards:
            self.device = sender
            self.outer.sendto(data, self.server)
        elif self.device is not None:
            self.inner.sendto(data, self.device)

    @property
    def outer_port(self):
        return self.outer.getsockname()[1]

    def rebind(self):
        """Another port towards the server from now on; what still comes to the old one is lost."""
        with self.lock:
            self.left.append(self.outer)
            self.outer = self._outside()
        self.waker.send(b"x")

    def records(self, content_type):
        """How many datagrams began with a record of this type so far."""
        with self.lock:
            return sum(1 for _, first in self.passed if first == content_type)

    def close(self):
        self.waker.close()
        self.thread.join(10)
        for sock in (self.inner, self.outer, self.wake, *self.left):
            sock.close()
