# SPDX-License-Identifier: Apache-2.0
"""Real servers that we did not write, each on a free port of the loopback interface.

Nothing here sleeps for luck: a server counts as ready when the kernel lists its port, and a line of
its log is waited for with a deadline. A program that is not installed skips the test and names the
package that has it.
"""

import os
import re
import select
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

PACKAGES = {
    "openssl": "openssl",
    "gnutls-serv": "gnutls-bin",
    "gnutls-cli": "gnutls-bin",
    "nginx": "nginx",
    "coap-server-openssl": "libcoap3-bin",
    "coap-server-gnutls": "libcoap3-bin",
    "coap-server-notls": "libcoap3-bin",
    "coap-client-openssl": "libcoap3-bin",
    "coap-client-gnutls": "libcoap3-bin",
    "coap-client-notls": "libcoap3-bin",
    "softhsm2-util": "softhsm2",
    "faketime": "faketime",
    "systemd-analyze": "systemd",
}

PSK_ID = "device-1"
PSK_KEY = "000102030405060708090a0b0c0d0e0f"

READY_SECONDS = 15


def only_suite_13(name):
    """Options of s_server for one suite of TLS 1.3; CCM_8 is below its default level since 3.2."""
    return ["-tls1_3", "-ciphersuites", name, "-cipher", "ALL:@SECLEVEL=0"]


# Mbed TLS's own programs, which no package has: scripts/setup builds them.
MBEDTLS = Path(__file__).resolve().parent.parent.parent / "build/deps/mbedtls/bin"


def need(program):
    """The path of a program, or a skip that says what to install."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed (Debian package {PACKAGES[program]})")
    return found


def need_mbedtls(program):
    """The path of a program of Mbed TLS, or a skip."""
    if not (MBEDTLS / program).exists():
        pytest.skip(f"{program} is not built (scripts/setup builds it with Mbed TLS)")
    return MBEDTLS / program


def free_port(kinds=("tcp", "udp"), count=1):
    """A port that nobody uses now, nor the `count` - 1 after it."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port + count <= 65535 and all(_is_free(port + i, kinds) for i in range(count)):
            return port
    raise RuntimeError("no free port")


def _is_free(port, kinds):
    for kind in kinds:
        sort = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
        for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            try:
                with socket.socket(family, sort) as s:
                    if kind == "tcp":
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind((any_address, port))
            except OSError as error:
                if family == socket.AF_INET6 and error.errno in (97, 99):
                    continue  # no IPv6 here
                return False
    return True


def port_is_open(port, kind):
    """Whether the kernel lists a listener (tcp) or a bound socket (udp) on that port."""
    suffix = f":{port:04X}"
    for table in (f"/proc/net/{kind}", f"/proc/net/{kind}6"):
        try:
            with open(table, encoding="ascii") as lines:
                next(lines)
                for line in lines:
                    fields = line.split()
                    if fields[1].endswith(suffix) and (kind == "udp" or fields[3] == "0A"):
                        return True
        except (FileNotFoundError, StopIteration):
            continue
    return False


class Program:
    """A running program: its output as it comes, its input, its end."""

    def __init__(self, argv, cwd=None, env=None):
        self.argv = argv
        self.output = b""
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            argv, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, bufsize=0,
            start_new_session=True)  # nobody asks for a password at a terminal
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            chunk = os.read(self.process.stdout.fileno(), 65536)
            with self.changed:
                self.output += chunk
                self.changed.notify_all()
            if not chunk:
                return

    @property
    def log(self):
        with self.changed:
            return self.output.decode(errors="replace")

    def wait_for(self, pattern, seconds=READY_SECONDS):
        """Until its output matches."""
        expression = re.compile(pattern.encode() if isinstance(pattern, str) else pattern)
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                match = expression.search(self.output)
                if match:
                    return match
                left = deadline - time.monotonic()
                assert left > 0, f"no {pattern!r} in the output of {self.argv}: {self.output!r}"
                self.changed.wait(left)

    def wait_port(self, port, kind, seconds=READY_SECONDS):
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while not port_is_open(port, kind):
            assert self.process.poll() is None, f"{self.argv} ended at once: {self.log}"
            assert time.monotonic() < deadline, f"{self.argv} opened no port: {self.log}"
            pause.wait(0.005)  # the kernel tells nobody when a port opens: a poll, with a deadline

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def close_input(self):
        self.process.stdin.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.reader.join(5)
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                pass


class Peers:
    """Starts servers for one test and stops them all at its end."""

    def __init__(self, pki, folder):
        self.pki = pki
        self.folder = folder
        self.running = []

    def stop(self):
        while self.running:
            self.running.pop().stop()

    def _start(self, argv, port, kind, **how):
        program = Program([str(a) for a in argv], **how)
        self.running.append(program)
        program.wait_port(port, kind)
        program.port = port
        return program

    # ---- OpenSSL ----

    def s_server(self, *options, cert="server", issuers=True, psk=False, dtls=False, quiet=True):
        """`cert` names a chain and a key of the test PKI; None for a server without one. Without
        `issuers` it sends its own certificate only."""
        port = free_port(("udp",) if dtls else ("tcp",))
        argv = [need("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-no_dhe"]
        if cert is None:
            argv += ["-nocert"]
        else:
            argv += self.identity(cert, issuers)
        if psk:
            argv += ["-psk_identity", PSK_ID, "-psk", PSK_KEY]
        if dtls:
            argv += ["-dtls1_2"]
        if quiet:
            argv += ["-quiet"]
        return self._start([*argv, *options], port, "udp" if dtls else "tcp")

    def identity(self, name, with_issuers):
        """Options of s_server for NAME-chain.pem (or NAME.pem) and NAME.key."""
        chain = self.pki / f"{name}-chain.pem"
        if not chain.exists():
            chain = self.pki / f"{name}.pem"
        options = ["-cert", chain, "-key", self.pki / f"{name}.key"]
        mark = "-----BEGIN CERTIFICATE-----"
        issuers = chain.read_text().split(mark)[2:]
        if issuers and with_issuers:  # s_server sends a chain file behind the certificate: the leaf must not be in it
            path = self.folder / f"{name}-issuers.pem"
            path.write_text("".join(mark + issuer for issuer in issuers))
            options += ["-cert_chain", path]
        return options

    # ---- GnuTLS ----

    def gnutls(self, *options, cert="server", psk=None, dtls=False, priority="NORMAL"):
        """`psk` is a list of (identity, key in hexadecimal)."""
        port = free_port(("udp",) if dtls else ("tcp",))
        argv = [need("gnutls-serv"), "--port", port, "--echo", "--priority", priority]
        if cert is not None:
            argv += ["--x509certfile", self.pki / f"{cert}-chain.pem",
                     "--x509keyfile", self.pki / f"{cert}.key"]
        if psk is not None:
            passwords = self.folder / f"psk-{port}.txt"
            passwords.write_text("".join(f"{name}:{key}\n" for name, key in psk))
            argv += ["--pskpasswd", passwords]
        if dtls:
            argv += ["--udp"]
        return self._start([*argv, *options], port, "udp" if dtls else "tcp")

    # ---- Mbed TLS ----

    def ssl_server2(self, *options, cert="server", psk=False, exchanges=1000):
        """A DTLS server with Connection ID. It connects its socket to the client it has, so that it
        cannot follow one to another port; to each datagram it answers with "HTTP/1.0 200 OK"."""
        port = free_port(("udp",))
        argv = [need_mbedtls("ssl_server2"), "server_addr=127.0.0.1", f"server_port={port}", "dtls=1",
                "ca_file=none", f"exchanges={exchanges}", "cid=1", "cid_val=c1d0c1d0c1d0c1d0"]
        if cert is None:
            argv += ["crt_file=none", "key_file=none"]
        else:
            argv += [f"crt_file={self.pki}/{cert}-chain.pem", f"key_file={self.pki}/{cert}.key"]
        if psk:
            argv += [f"psk_identity={PSK_ID}", f"psk={PSK_KEY}"]
        return self._start([*argv, *options], port, "udp")

    def udp_proxy(self, server, *options):
        """In front of `server`, with a seed, so that its bad luck is always the same."""
        port = free_port(("udp",))
        return self._start(
            [need_mbedtls("udp_proxy"), "listen_addr=127.0.0.1", f"listen_port={port}",
             "server_addr=127.0.0.1", f"server_port={server.port}", "seed=1", *options], port, "udp")

    # ---- nginx ----

    def nginx(self, servers, http=""):
        """`servers` are bodies of server blocks; PORT in them is the port, PKI the test PKI."""
        port = free_port(("tcp",))
        folder = self.folder / f"nginx-{port}"
        (folder / "html").mkdir(parents=True)
        (folder / "html" / "index.html").write_text("hello from nginx\n")
        blocks = "".join(f"server {{ {body} root {folder}/html; }}\n" for body in servers)
        blocks = blocks.replace("PORT", str(port)).replace("PKI", str(self.pki))
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; worker_processes 1;\n"
            f"pid {folder}/pid; error_log {folder}/error.log info;\n"
            f"events {{ worker_connections 64; }}\n"
            f"http {{ access_log {folder}/access.log; {http}\n"
            + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
            + blocks + "}\n")
        program = self._start(
            [need("nginx"), "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"],
            port, "tcp")
        program.html = folder / "html"
        return program

    # ---- libcoap ----

    def coap(self, build="openssl", *options, psk=True, cert=None):
        """Plain CoAP on .port (UDP and TCP), secured on .secure_port (both)."""
        port = free_port(count=2)
        argv = [need(f"coap-server-{build}"), "-A", "127.0.0.1", "-p", port, "-v", "7"]
        if psk:
            argv += ["-k", "secretkey0123456"]
        if cert is not None:
            argv += ["-c", self.pki / f"{cert}-chain.pem", "-j", self.pki / f"{cert}.key",
                     "-C", self.pki / "root.pem"]
        program = self._start([*argv, *options], port, "udp")
        for kind in ("tcp", "udp"):
            program.wait_port(port + (1 if build != "notls" else 0), kind)
        program.secure_port = port + 1
        program.psk_key = b"secretkey0123456".hex()
        return program


def wait_readable(descriptor, seconds):
    return bool(select.select([descriptor], [], [], seconds)[0])
