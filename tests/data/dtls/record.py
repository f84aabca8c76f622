#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the handshakes in this folder were recorded: real programs, and a relay between them.

Needs the programs of OpenSSL 3.0 and of GnuTLS 3.7. Writes NAME.txt: a datagram per line, ">" from
the client or "<" from the server, then its bytes in hexadecimal digits. Keys are thrown away.
"""

import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = 8  # until a handshake is over
QUIET = 2.5  # so long nothing more came: longer than the first retransmission
PSK = "000102030405060708090a0b0c0d0e0f"

SERVER = "openssl s_server -dtls1_2 -accept 127.0.0.1:{port} -quiet"
CLIENT = "openssl s_client -dtls1_2 -connect 127.0.0.1:{relay}"
OWN = " -cert server.pem -key server.key"
MINE = " -cert client.pem -key client.key"
ASK = " -CAfile ca.pem -Verify 2"
WITH_PSK = f" -psk {PSK} -cipher PSK-AES128-GCM-SHA256"
GNUTLS = " --udp --mtu 400 --priority NORMAL:-VERS-ALL:+VERS-DTLS1.2"
GNUTLS_SERVER = ("gnutls-serv --port {port} --x509certfile server.pem --x509keyfile server.key"
                 " --x509cafile ca.pem --require-client-cert --quiet" + GNUTLS)
GNUTLS_CLIENT = ("gnutls-cli --port {relay} --x509certfile client.pem --x509keyfile client.key"
                 " --insecure 127.0.0.1" + GNUTLS)

# name, server, client, what a first client has besides (None: there is none), what the recorded one
# has besides, numbers of the datagrams that do not arrive
HANDSHAKES = [
    ("certificate", SERVER + OWN, CLIENT, None, "", ()),
    ("mutual_mtu_300", SERVER + OWN + ASK + " -mtu 300 -listen", CLIENT + MINE + " -mtu 300",
     None, "", ()),
    ("psk_cookie", SERVER + " -nocert -listen" + WITH_PSK, CLIENT + WITH_PSK, None, "", ()),
    ("ticket", SERVER + OWN, CLIENT, " -sess_out session", " -sess_in session", ()),
    ("ticket_last_flight_lost", SERVER + OWN, CLIENT, " -sess_out session", " -sess_in session",
     (4,)),
    ("session_id", SERVER + OWN + " -no_ticket", CLIENT, " -sess_out session",
     " -sess_in session", ()),
    ("lost_flights", SERVER + OWN + ASK + " -mtu 300", CLIENT + MINE + " -mtu 300", None, "",
     (1, 4, 9)),
    ("gnutls_mutual", GNUTLS_SERVER, GNUTLS_CLIENT, None, "", ()),
]


def udp_socket():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    return s


def relay(front, server, lose):
    back = udp_socket()
    client, seen, end = None, [], time.monotonic() + SECONDS
    while time.monotonic() < end:
        ready, _, _ = select.select([front, back], [], [], QUIET)
        if not ready:
            break
        for s in ready:
            data, sender = s.recvfrom(65536)
            seen.append((">" if s is front else "<", data))
            if s is front:
                client = sender
            if len(seen) - 1 in lose:
                continue
            if s is front:
                back.sendto(data, server)
            elif client is not None:
                front.sendto(data, client)
    back.close()
    return seen


def wait_until_bound(port):
    """A datagram server is ready when its port is taken."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return
        select.select([], [], [], 0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def start(command, log, **fill):
    return subprocess.Popen(command.format(**fill).split(), stdin=subprocess.PIPE, stdout=log,
                            stderr=log)


def connect(command, port, lose, log):
    front = udp_socket()
    client = start(command, log, relay=front.getsockname()[1])
    seen = relay(front, ("127.0.0.1", port), lose)
    try:
        client.communicate(b"Q\n", timeout=1)  # so that it says goodbye
    except subprocess.TimeoutExpired:
        client.terminate()
        client.wait()
    # its goodbye goes to the server by hand
    front.setblocking(False)
    try:
        front.sendto(front.recv(65536), ("127.0.0.1", port))
    except BlockingIOError:
        pass
    front.close()
    return seen


def record(name, server, client, first, second, lose):
    with udp_socket() as s:
        port = s.getsockname()[1]
    with open("log", "a", encoding="utf-8") as log:
        peer = start(server, log, port=port)
        wait_until_bound(port)
        if first is not None:
            connect(client + first, port, (), log)
        seen = connect(client + second, port, lose, log)
        peer.terminate()
        peer.communicate()
    lines = [f"{way} {data.hex()}\n" for way, data in seen]
    program = " ".join(client.split()[:2])
    (HERE / f"{name}.txt").write_text(f"# {name}, {program}\n" + "".join(lines))
    print(f"{name}: {len(seen)} datagrams, {sum(len(d) for _, d in seen)} bytes")


def openssl(command):
    subprocess.run(["openssl", *command.split()], check=True, stderr=subprocess.DEVNULL)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for who in ("ca", "server", "client"):
            openssl(f"ecparam -name prime256v1 -genkey -noout -out {who}.key")
        openssl("req -x509 -new -key ca.key -subj /CN=ca -days 3650 -out ca.pem")
        for who in ("server", "client"):
            openssl(f"req -new -key {who}.key -subj /CN={who} -out {who}.csr")
            openssl(f"x509 -req -in {who}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650"
                    f" -out {who}.pem")
        for handshake in HANDSHAKES:
            record(*handshake)
        os.chdir(HERE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
