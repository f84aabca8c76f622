# SPDX-License-Identifier: Apache-2.0
"""A CoAP server with files, over UDP: blocks (RFC 7959) with Size2 and an ETag that stays the same as
long as the file does. libcoap gives each GET another one, so that nothing could go on after a cut."""

import hashlib
import socket
import threading

from minidevice import ACK, BLOCK2, CON, ETAG, SIZE2, Message, code, decode, uint


class CoapFiles:
    """Files by path ("/fw.bin"); what is put may be replaced at any time."""

    def __init__(self, ):
        self.files = {}
        self.requests = 0
        self.sent = 0  # bytes of files
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.socket.sendto(b"", ("127.0.0.1", self.port))  # wakes it
        self.thread.join(10)
        self.socket.close()

    def put(self, path, content):
        self.files[path] = content
        return hashlib.sha256(content).hexdigest()

    def uri(self, path):
        return f"coap://127.0.0.1:{self.port}{path}"

    def _serve(self):
        while not self.closing.is_set():
            data, peer = self.socket.recvfrom(2048)
            if len(data) < 4:
                continue
            asked = decode(data)
            if asked.type == CON and asked.code == 1:
                self.requests += 1
                self.socket.sendto(self._answer(asked).encode(), peer)

    def _answer(self, asked):
        answer = Message(ACK, code("4.04"), asked.mid, asked.token)
        content = self.files.get(asked.path)
        if content is None:
            return answer
        block = asked.number(BLOCK2) or 0
        szx = min(block & 7, 6) if asked.value(BLOCK2) is not None else 6
        size, number = 16 << szx, block >> 4
        if number > 0 and number * size >= len(content):
            answer.code = code("4.00")
            return answer
        part = content[number * size:(number + 1) * size]
        more = (number + 1) * size < len(content)
        answer.code = code("2.05")
        answer.payload = part
        answer.options = [(ETAG, hashlib.sha256(content).digest()[:8]),
                          (BLOCK2, uint(number << 4 | more << 3 | szx))]
        if asked.value(SIZE2) is not None:
            answer.options.append((SIZE2, uint(len(content))))
        self.sent += len(part)
        return answer
