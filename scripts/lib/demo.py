# SPDX-License-Identifier: Apache-2.0
"""The story that scripts/demo tells: a device registers over DTLS-PSK, is read and observed, downloads
its firmware over HTTPS with a client certificate, installs it and comes back updated.

What is told is what the LwM2M server saw (linnet-lab --json) and, between its notifications, how far the
download is (the socket of linnet-agent). Every wait has a deadline; every program ends with this one, however it ends.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ENDPOINT = "demo-device"
IMAGE_BYTES = 6 << 20
BYTES_PER_SECOND = "2m"  # of nginx, so that there is something to watch
STEP_SECONDS = 30
HOOK = Path(__file__).resolve().parents[2] / "examples/hooks/versioned_folder"

STATE, RESULT, URI, UPDATE = "/5/0/3", "/5/0/5", "/5/0/1", "/5/0/2"
IDLE, DOWNLOADING, DOWNLOADED, UPDATING = range(4)
TIME = "/3333/0/5506"


class Failed(Exception):
    """A sentence for whoever watches."""


# ---- what is shown ----

class Story:
    """Lines with the seconds since the start, and one bar that moves where it is looked at."""

    def __init__(self, out):
        self.out = out
        self.began = time.monotonic()
        self.moving = out.isatty()

    def tell(self, text):
        print(f"{self.stamp()}{text}", file=self.out, flush=True)

    def stamp(self):
        return f"{time.monotonic() - self.began:6.1f} s  "

    def bar(self, done, total, last=False):
        """Only its last state where nothing can move."""
        if not self.moving and not last:
            return
        width = 30
        full = width * done // total
        gauge = ("=" * full + ">" * (full < width)).ljust(width)
        line = (f"{self.stamp()}[{gauge}] {100 * done // total:3d} %  "
                f"{done / 2**20:.1f} of {total / 2**20:.1f} MiB")
        print(("\r" if self.moving else "") + line, end="\n" if last else "", file=self.out, flush=True)


# ---- programs ----

class Program:
    """One that runs beside us. Its output is a log that is shown if the story fails."""

    def __init__(self, name, argv, folder, **streams):
        self.name = name
        self.log = folder / f"{name}.log"
        with open(self.log, "ab") as log:
            # setpriv: it ends when we do, even if we are killed. Its own session: Ctrl-C is for us.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *map(str, argv)], stdin=subprocess.PIPE,
                start_new_session=True, text=True, **{"stdout": log, "stderr": log, **streams})

    def must_run(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} ended with status {self.process.returncode}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def tail(self):
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return "".join(f"    {line}\n" for line in lines)


class Heard(Program):
    """One whose lines on "stdout" or "stderr" are waited for; they are in the log, too."""

    def __init__(self, name, argv, folder, stream, parse=str):
        self.lines = []
        self.changed = threading.Condition()
        super().__init__(name, argv, folder, **{stream: subprocess.PIPE})
        threading.Thread(target=self._read, args=(getattr(self.process, stream), parse),
                         daemon=True).start()

    def _read(self, stream, parse):
        with open(self.log, "a", encoding="utf-8") as log:
            for line in stream:
                log.write(line)
                log.flush()
                with self.changed:
                    self.lines.append(parse(line))
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait(self, pick, what, meanwhile=None):
        """What pick(lines) finds; meanwhile() is called now and then."""
        deadline = time.monotonic() + STEP_SECONDS
        with self.changed:
            while True:
                found = pick(self.lines)
                if found is not None:
                    return found
                self.must_run()
                if time.monotonic() > deadline:
                    raise Failed(f"{what} did not come within {STEP_SECONDS} s")
                self.changed.wait(0.1)
                if meanwhile is not None:
                    meanwhile()


class Lab(Heard):
    """linnet-lab: commands go in, JSON comes out."""

    def __init__(self, build, folder, key):
        keys = folder / "lab.keys"
        keys.write_text(f"{ENDPOINT}={ENDPOINT}:{key}\n")
        self.seen = 0  # events before this one are told
        super().__init__("linnet-lab", [
            build / "bin/linnet-lab", "--json", "--address", "127.0.0.1", "--port", "0",
            "--secure-port", "0", "--psk-file", keys, "--timeout", STEP_SECONDS], folder,
            "stdout", json.loads)
        self.uri = self.event("listening")["coaps"]

    def event(self, kind, path=None, meanwhile=None, what=None):
        """The next event of this kind; those before it count as seen."""
        def pick(lines):
            for number, line in enumerate(lines[self.seen:], self.seen):
                if line.get("event") == kind and path in (None, line.get("path")):
                    self.seen = number + 1
                    return line
            return None
        return self.wait(pick, what or f"the event '{kind}'", meanwhile)

    def command(self, line):
        with self.changed:
            before = sum("answer" in line for line in self.lines)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.wait(lambda lines: next(
            iter([one for one in lines if "answer" in one][before:]), None), f"the answer to {line}")

    def ask(self, *words):
        answer = self.command(" ".join(words))
        if "error" in answer or not answer.get("code", "2").startswith("2"):
            raise Failed(f"{' '.join(words)}: {answer.get('error') or answer.get('code')}")
        return answer

    def read(self, path):
        return value_of(self.ask("read", ENDPOINT, path))


def value_of(told):
    return told["values"][-1]["value"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_nginx(folder):
    """On a port that was free a moment ago; should somebody take it meanwhile, on another one."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if nginx is None:
        raise Failed("nginx is not installed; scripts/setup installs it")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    for _ in range(5):
        port = free_port()
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr notice;\n"
            f"events {{}}\nhttp {{ access_log {folder}/access.log; {temporary}"
            f"server {{ listen 127.0.0.1:{port} ssl; server_name localhost; root {folder}/www;\n"
            f"ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;\n"
            f"ssl_client_certificate {folder}/ca.pem; ssl_verify_client on;\n"
            f"limit_rate {BYTES_PER_SECOND}; }} }}\n")
        program = Heard("nginx", [nginx, "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"],
                        folder, "stderr")
        try:
            # it says so behind the opening of its ports
            program.wait(lambda lines: next((one for one in lines if "event method" in one), None),
                         "nginx's choice of an event method")
            return program, port
        except Failed:
            program.stop()
    raise Failed(f"nginx does not start:\n{program.tail()}")


CONFIGURATION = """\
[agent]
endpoint = {endpoint}
state = {device}/state
socket = {device}/agent.sock

[server]
uri = {server}
lifetime = 600
psk_identity = {endpoint}
psk_key = @{device}/key.psk

[device]
manufacturer = Linnet
model = demo
firmware = {version}

[firmware]
hook = {hook}
ca = {folder}/ca.pem
certificate = {folder}/device.pem
key = {folder}/device.key
"""


class Device(Program):
    """linnet-agent. What it runs with is in its current release, so that an update changes it."""

    def __init__(self, build, folder, server, key):
        self.folder = folder / "device"
        self.releases = self.folder / "releases"
        self.socket = self.folder / "agent.sock"
        self.configuration = {"endpoint": ENDPOINT, "device": self.folder, "server": server,
                              "hook": HOOK, "folder": folder}
        (self.folder / "state").mkdir(parents=True, mode=0o700)
        (self.folder / "key.psk").write_text(key + "\n")
        (self.folder / "key.psk").chmod(0o600)
        self.write_release(self.releases / "versions/1.0", "1.0")
        (self.releases / "current").symlink_to("versions/1.0")
        (folder / "signer.pub").rename(self.releases / "key.pem")
        self.status = {}
        super().__init__("linnet-agent", [
            "env", f"LINNET_RELEASES={self.releases}", build / "bin/linnet-agent",
            "--config", self.releases / "current/agent.ini"], folder)
        self.follower = None

    def write_release(self, folder, version):
        folder.mkdir(parents=True)
        (folder / "VERSION").write_text(version + "\n")
        (folder / "agent.ini").write_text(CONFIGURATION.format(version=version, **self.configuration))

    def follow(self):
        """Keep what the agent tells of itself in self.status, until it ends or restarts."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.socket))
        connection.sendall(b'{"command":"status","follow":true}\n')

        def read():
            with connection, connection.makefile() as lines:
                for line in lines:
                    self.status = json.loads(line)
        self.follower = threading.Thread(target=read, daemon=True)
        self.follower.start()

    def download(self):
        """Bytes so far and in all, or None."""
        download = (self.status.get("firmware") or {}).get("download")
        return (download["offset"], download["total"]) if download and download["total"] else None

    def wait_restart(self):
        self.follower.join(STEP_SECONDS)
        if self.follower.is_alive():
            raise Failed(f"the device did not restart within {STEP_SECONDS} s")

    def release(self):
        return os.readlink(self.releases / "current")


# ---- the PKI ----

def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"openssl {arguments[0]}: {done.stderr.strip()}")


def make_certificate(folder, name, subject, extensions, issuer=None):
    signed = ["-CA", folder / f"{issuer}.pem", "-CAkey", folder / f"{issuer}.key"] if issuer else []
    added = [word for extension in extensions for word in ("-addext", extension)]
    openssl("req", "-x509", "-config", folder / "openssl.cnf", "-newkey", "ec",
            "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={subject}", "-keyout", folder / f"{name}.key",
            "-out", folder / f"{name}.pem", *signed, *added)


def make_pki(folder):
    """ca, server and device, each .pem and .key."""
    (folder / "openssl.cnf").write_text("[req]\ndistinguished_name = name\n[name]\n")
    make_certificate(folder, "ca", "Linnet demo CA", [
        "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
        "subjectKeyIdentifier=hash"])
    leaf = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
            "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"]
    make_certificate(folder, "server", "localhost",
                     [*leaf, "extendedKeyUsage=serverAuth", "subjectAltName=DNS:localhost"], "ca")
    make_certificate(folder, "device", ENDPOINT, [*leaf, "extendedKeyUsage=clientAuth"], "ca")


def make_image(folder, device, version):
    """A signed release, as examples/hooks/versioned_folder wants it. Returns its size."""
    release, www = folder / "release", folder / "www"
    device.write_release(release, version)
    (release / "payload").write_bytes(secrets.token_bytes(IMAGE_BYTES))
    www.mkdir()
    subprocess.run(["tar", "-C", release, "-cf", folder / "release.tar", "."], check=True)
    openssl("dgst", "-sha256", "-sign", folder / "signer.key", "-out", folder / "release.sig",
            folder / "release.tar")
    subprocess.run(["tar", "-C", folder, "-cf", www / "firmware.tar", "release.tar", "release.sig"],
                   check=True)
    return (www / "firmware.tar").stat().st_size


def make_signer(folder):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-out", folder / "signer.key")
    openssl("pkey", "-in", folder / "signer.key", "-pubout", "-out", folder / "signer.pub")


# ---- the story ----

def tell_device(story, lab):
    registered = lab.event("registered")
    story.tell(f"registered over DTLS-PSK: {registered['endpoint']}, LwM2M {registered['version']}, "
               f"for {registered['lifetime']:.0f} s")
    objects = [item for item in lab.ask("read", ENDPOINT, "/3/0")["values"] if "/3/0/" in item["path"]]
    known = {item["path"]: item["value"] for item in objects if item["path"].count("/") == 3}
    story.tell(f"Device read: {known['/3/0/0']} {known['/3/0/1']}, firmware {known['/3/0/3']}, "
               f"{len(objects)} values")
    lab.ask("write-attributes", ENDPOINT, TIME, "pmin=1", "pmax=1")
    clock = value_of(lab.ask("observe", ENDPOINT, TIME))
    later = value_of(lab.event("notification", TIME))
    story.tell(f"Time observed: {time.strftime('%H:%M:%S', time.gmtime(clock))} UTC, then by itself "
               f"{time.strftime('%H:%M:%S', time.gmtime(later))}")
    lab.ask("cancel", ENDPOINT, TIME)


def tell_download(story, lab, device, uri, size):
    lab.ask("observe", ENDPOINT, STATE)
    device.follow()
    lab.ask("write", ENDPOINT, URI, uri)
    story.tell(f"firmware written by URI: {uri}")

    def bar():
        at = device.download()
        if at is not None:
            story.bar(*at)
    state = IDLE
    while state != DOWNLOADED:
        before, state = state, value_of(lab.event("notification", STATE, bar, "the end of the download"))
        if state == IDLE and before == DOWNLOADING:
            raise Failed(f"the download failed with Update Result {lab.read(RESULT)}")
    story.bar(size, size, last=True)
    story.tell("verified: its signature is that of the vendor")


def tell_update(story, lab, device):
    lab.ask("execute", ENDPOINT, UPDATE)
    story.tell("installing")
    device.wait_restart()
    story.tell("restarted")
    lab.event("registered", what="the device, after its restart,")
    lab.ask("observe", ENDPOINT, STATE)
    state = lab.read(STATE)
    while state == UPDATING:  # until the hook has confirmed
        state = value_of(lab.event("notification", STATE, what="the end of the update"))
    result, version = lab.read(RESULT), lab.read("/3/0/3")
    story.tell(f"registered again over DTLS-PSK, firmware {version}")
    if (result, version, device.release()) != (1, "2.0", "versions/2.0"):
        raise Failed(f"the update failed: Update Result {result}, {device.release()}")
    story.tell("Update Result 1: the update succeeded")


def run(story, build, folder, running, keep):
    key = secrets.token_hex(16)
    make_pki(folder)
    make_signer(folder)
    story.tell("made a CA, certificates for firmware server and device, a pre-shared key")
    nginx, port = start_nginx(folder)
    running.append(nginx)
    story.tell(f"firmware server: nginx at https://localhost:{port}, wants a client certificate")
    lab = Lab(build, folder, key)
    running.append(lab)
    story.tell(f"LwM2M server: linnet-lab at {lab.uri}")
    device = Device(build, folder, lab.uri, key)
    running.append(device)
    size = make_image(folder, device, "2.0")
    tell_device(story, lab)
    tell_download(story, lab, device, f"https://localhost:{port}/firmware.tar", size)
    tell_update(story, lab, device)
    if keep:
        play(lab, device, build)


def play(lab, device, build):
    print(f"\nIt is left running. In another terminal:\n\n"
          f"  export LINNET_SOCKET={device.socket}\n"
          f"  {build}/bin/linnet status\n"
          f"  {build}/bin/linnet get /3/0\n\n"
          f"Here, commands for linnet-lab:\n\n"
          f"  read {ENDPOINT} /3/0\n"
          f"  observe {ENDPOINT} {TIME}\n\n"
          f"Everything is stopped and removed at Ctrl-C.", flush=True)
    try:
        for line in sys.stdin:
            if line.strip():
                print(json.dumps(lab.command(line.strip())), flush=True)
        threading.Event().wait()  # no more input, as from /dev/null: until a signal
    except KeyboardInterrupt:
        print()


def on_signal(number, frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("build", type=Path)
    args = parser.parse_args()
    for name in ("linnet", "linnet-agent", "linnet-lab"):
        if not (args.build / "bin" / name).exists():
            print(f"demo: {args.build}/bin/{name} was not built; without --no-setup, scripts/demo "
                  "installs what it needs", file=sys.stderr)
            return 1
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, on_signal)
    running = []
    story = Story(sys.stdout)
    folder = Path(tempfile.mkdtemp(prefix="linnet-demo-"))
    try:
        run(story, args.build.resolve(), folder, running, args.keep)
        return 0
    except Failed as failure:
        print(f"demo: {failure}", file=sys.stderr)
        for program in running:
            print(f"\nThe end of the log of {program.name}:\n{program.tail()}", end="", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for program in reversed(running):
            program.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
