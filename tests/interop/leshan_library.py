# SPDX-License-Identifier: Apache-2.0
"""leshan/library/Server.java: an LwM2M server on a newer Leshan than the demo server's, for Connection
ID (RFC 9146). It has one endpoint, with a pre-shared key; see its first lines for what it tells."""

import shutil

import leshan
import pytest
from peers import Program

SOURCE = leshan.HERE / "leshan" / "library" / "Server.java"


class LibraryServer:
    def __init__(self, endpoint, identity, key, cid_bytes=6):
        if shutil.which("javac") is None:
            pytest.skip("javac is not installed (Debian package default-jdk-headless)")
        self.endpoint = endpoint
        self.program = Program(
            ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", leshan.jars("library"),
             str(SOURCE), endpoint, identity, key, str(cid_bytes)])
        self.seen = 0
        try:
            self.coaps_port = int(self.next("listening", leshan.START_SECONDS))
        except BaseException:
            self.program.stop()
            raise

    def next(self, kind, seconds=leshan.EVENT_SECONDS):
        """What is told of the next line of this kind; lines before it are passed over."""
        found = self.program.wait_for(
            rb"(?ms)\A.{%d}(?:[^\n]*\n)*?%s ?([^\n]*)\n" % (self.seen, kind.encode()), seconds)
        self.seen = found.end()
        return found[1].decode()

    def ask(self, command, path):
        """(code, value as text)"""
        self.program.write(f"{command} {path}\n".encode())
        code, _, value = self.next("answer").partition(" ")
        return code, value

    def stop(self):
        self.program.close_input()
        self.program.stop()
