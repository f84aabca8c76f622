# SPDX-License-Identifier: Apache-2.0
"""Our CoAP client and server: the program `coapdrive`, one command and one answer at a time."""

import os
import subprocess
import time
from urllib.parse import unquote_to_bytes

from drive import ALLOWANCE, BUILD
from peers import wait_readable

COAPDRIVE = BUILD / "tests/support/coapdrive"

# enum ln_coap_outcome of linnet/coap.h
(RESPONSE, SENT, ACKNOWLEDGED, TIMED_OUT, WAS_RESET, BROKEN, REPLACED, TOO_LONG,
 DROPPED) = range(9)


def pattern(size):
    """The body of that many bytes that coapdrive sends and expects."""
    return bytes((i * 31 + (i >> 8)) & 255 for i in range(size))


class Answer(dict):
    """Its members are also attributes; numbers are numbers."""

    __getattr__ = dict.__getitem__

    @property
    def text(self):
        return unquote_to_bytes(self["text"]).decode(errors="replace")


class CoapDrive:
    def __init__(self):
        self.process = subprocess.Popen(
            [COAPDRIVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.left = b""

    def do(self, command, ms=10000, **members):
        words = [command, f"ms={ms}", *(f"{name}={value}" for name, value in members.items())]
        self.process.stdin.write((" ".join(words) + "\n").encode())
        deadline = time.monotonic() + ms / 1000 + ALLOWANCE
        while b"\n" not in self.left:
            assert wait_readable(self.process.stdout, max(0, deadline - time.monotonic())), \
                f"coapdrive did not answer to {words}"
            chunk = os.read(self.process.stdout.fileno(), 65536)
            assert chunk, f"coapdrive ended, status {self.process.wait(5)}"
            self.left += chunk
        line, self.left = self.left.split(b"\n", 1)
        members = (word.split("=", 1) for word in line.decode().split(" "))
        answer = Answer({name: value if name in ("text", "code") or not value.isdigit()
                         else int(value) for name, value in members})
        assert "error" not in answer, answer
        return answer

    def connect(self, kind, port, **options):
        answer = self.do("connect", kind=kind, host="127.0.0.1", port=port, **options)
        assert answer.state == "open", answer
        return answer

    def ask(self, method, path, **options):
        """The number of the request."""
        answer = self.do("request", method=method, path=path, **options)
        assert answer.status == "LN_OK", answer
        return answer.id

    def wait(self, request, **options):
        return self.do("wait", id=request, **options)

    def get(self, path, **options):
        return self.whole(self.ask("GET", path, **options))

    def put(self, path, **options):
        return self.whole(self.ask("PUT", path, **options))

    def whole(self, request):
        answer = self.wait(request)
        assert answer.over == 1 and answer.outcome == RESPONSE, answer
        return answer

    def stop(self):
        """Let it end by itself: that is when a sanitizer reports leaks."""
        self.process.stdin.close()
        status = self.process.wait(ALLOWANCE)
        self.process.stdout.close()
        assert status == 0, f"coapdrive ended with {status}"
