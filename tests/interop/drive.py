# SPDX-License-Identifier: Apache-2.0
"""Our side: the program `linnet`, and the socket API through the program `sockdrive`."""

import json
import os
import subprocess
import time
from pathlib import Path

from peers import wait_readable

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("LINNET_BUILD_DIR", ROOT / "build/dev"))
LINNET = BUILD / "bin/linnet"
SOCKDRIVE = BUILD / "tests/support/sockdrive"
MKPKI = BUILD / "tests/support/mkpki"

# Positions in LN_CATEGORY_LIST of linnet/diag.h, on which exit statuses depend.
CATEGORIES = (
    "none dns no_answer unreachable refused reset stalled_in_handshake not_tls version suite group "
    "psk_identity psk_key client_certificate_wanted client_certificate_rejected untrusted "
    "chain_incomplete expired not_yet_valid wrong_name revoked weak dane_mismatch fragments_lost "
    "record_damaged truncated out_of_memory configuration alert_other closed_by_peer local_io "
    "internal legacy_server protocol answer").split()

TLS_1_2, TLS_1_3, DTLS_1_2 = 0x0303, 0x0304, 0xFEFD
ALLOWANCE = 30  # seconds that a slow machine may take beyond what a call was given

# enum ln_verify of linnet/diag.h
(VERIFY_NOT_DONE, VERIFY_OK, VERIFY_UNTRUSTED, VERIFY_INCOMPLETE, VERIFY_EXPIRED,
 VERIFY_NOT_YET_VALID, VERIFY_WRONG_NAME, VERIFY_REVOKED, VERIFY_CRL_EXPIRED, VERIFY_CRL_BAD,
 VERIFY_WEAK, VERIFY_BAD_SIGNATURE, VERIFY_BAD_USAGE, VERIFY_DANE, VERIFY_MALFORMED,
 VERIFY_UNWANTED) = range(16)


def exit_status(category):
    return 20 + CATEGORIES.index(category)


class Answer(dict):
    """What sockdrive said: its members are also attributes."""

    __getattr__ = dict.__getitem__

    @property
    def data(self):
        return bytes.fromhex(self["hex"])


class Ended(AssertionError):
    """The program ended before its time, or not as it should."""


class Drive:
    """One sockdrive; every method is one command. Configurations are for `backend`, a TLS library, if
    they do not name another. `under` is a program and its arguments that runs it."""

    def __init__(self, backend=None, under=()):
        self.backend = backend
        self.process = subprocess.Popen(
            [*under, SOCKDRIVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.left = b""

    def post(self, op, **members):
        """Send a command without waiting for its answer."""
        if op == "config" and self.backend is not None:
            members.setdefault("backend", self.backend)
        line = json.dumps({"op": op, **members}) + "\n"
        try:
            self.process.stdin.write(line.encode())
        except BrokenPipeError as broken:
            raise Ended("sockdrive ended before a command") from broken

    def answer(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.left:
            assert wait_readable(self.process.stdout, max(0, deadline - time.monotonic())), \
                "sockdrive did not answer in time: a call waited beyond its deadline"
            chunk = os.read(self.process.stdout.fileno(), 1 << 20)
            if not chunk:
                raise Ended(f"sockdrive ended, status {self.process.wait(ALLOWANCE)}")
            self.left += chunk
        line, self.left = self.left.split(b"\n", 1)
        answer = json.loads(line, object_hook=Answer)
        assert "error" not in answer, answer
        return answer

    def do(self, op, **members):
        self.post(op, **members)
        return self.answer(max(0, members.get("ms", 0)) / 1000 + ALLOWANCE)

    def stop(self):
        """Let it end by itself: that is when a sanitizer reports leaks."""
        self.process.stdin.close()
        status = self.process.wait(ALLOWANCE)
        self.process.stdout.close()
        if status != 0:
            raise Ended(f"sockdrive ended with {status}")

    def kill(self):
        """Its life ends here and now, with nothing kept, as that of a device without power."""
        self.process.kill()
        self.process.wait(ALLOWANCE)
        self.process.stdin.close()
        self.process.stdout.close()

    # ---- commands that tests use most ----

    def config(self, id="c", kind="tls", expect="LN_OK", **options):
        answer = self.do("config", id=id, kind=kind, **options)
        assert answer.status == expect, answer
        return answer

    def new(self, kind="tls", sock="s", config="c", **options):
        if kind in ("tls", "dtls"):
            options["config"] = config
        answer = self.do("new", sock=sock, kind=kind, **options)
        assert answer.status == "LN_OK", answer

    def connect(self, port, host="localhost", sock="s", ms=10000, expect="LN_OK"):
        answer = self.do("connect", sock=sock, host=host, port=port, ms=ms)
        if expect is not None:
            assert answer.status == expect, (answer, self.diag(sock).line)
        return answer

    def info(self, sock="s"):
        return self.do("info", sock=sock).info

    def diag(self, sock="s"):
        return self.do("diag", sock=sock).diag

    def send(self, data, sock="s", ms=10000, expect="LN_OK"):
        answer = self.do("send", sock=sock, hex=data.hex(), ms=ms)
        assert answer.status == expect, (answer, self.diag(sock).line)
        return answer

    def recv(self, cap=4096, sock="s", ms=10000, expect="LN_OK"):
        answer = self.do("recv", sock=sock, cap=cap, ms=ms)
        if expect is not None:
            assert answer.status == expect, (answer, self.diag(sock).line)
        return answer

    def recv_exactly(self, count, sock="s", cap=65536, ms=10000):
        got = b""
        while len(got) < count:
            part = self.recv(min(cap, count - len(got)), sock, ms).data
            assert part, f"the stream ended after {len(got)} of {count} bytes"
            got += part
        return got

    def close(self, sock="s"):
        self.do("close", sock=sock)


# ---- the program linnet ----

class Result:
    def __init__(self, done, report):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        self.report = report

    @property
    def attempt(self):
        return self.report.attempts[-1]

    @property
    def failure(self):
        if "failure" in self.report:
            return self.report.failure
        return next((a.failure for a in self.report.attempts if "failure" in a), None)

    @property
    def tls(self):
        return self.attempt.tls


def linnet(*arguments, seconds=60, env=None):
    """Run it; the result has .status, .out, .err and, for JSON, .report."""
    done = subprocess.run([LINNET, *map(str, arguments)], capture_output=True, text=True,
                          timeout=seconds, env=env, check=False)
    report = None
    if "--json" in arguments and done.stdout:
        report = json.loads(done.stdout, object_hook=Answer)
    assert done.returncode >= 0, f"linnet died: {done}"
    return Result(done, report)


def probe(uri, *options, timeout=5, seconds=60):
    return linnet("probe", "--json", "--timeout", timeout, *options, uri, seconds=seconds)


# ---- options of configurations ----

def file(path, **more):
    return {"file": str(path), **more}


def psk(identity="device-1", key="000102030405060708090a0b0c0d0e0f", **more):
    """Options of a configuration with a pre-shared key; that of peers.PSK_ID and PSK_KEY."""
    return {"auth": "psk", "psk_identity": identity.encode().hex(), "psk_key": key, **more}


def trusting(pki, **more):
    """Options of a configuration that trusts the root of the test PKI."""
    return {"trust": file(pki / "root.pem"), **more}
