# SPDX-License-Identifier: Apache-2.0
"""Rows of docs/scenarios.md about downloads and firmware updates; see tools/scenarios.py.

U<n>: what a server asks of Firmware Update /5, by state. R<n>: what becomes of each end of a download.
FW-<n>: what the application's functions and its credentials may rely on. HTTP-<n>: the HTTP client.
H<n>: hostile inputs that must have a test (others are listed when a test names them).
"""

ROWS = [
    ("U1", "Package in Idle: Downloading, then Downloaded; what fails is told in the result"),
    ("U2", "Package with a single NUL or nothing drops what is there, in every state but Updating"),
    ("U3", "Package while Downloading by a URI, or when Downloaded: 4.00"),
    ("U4", "Package while Updating: 4.05"),
    ("U5", "An empty Package URI drops what is there and is read as empty; while Updating: 4.05"),
    ("U6", "Package URI in Idle begins a download; an unknown scheme is 4.00 and result 9"),
    ("U7", "Package URI in other states: 4.00, and nothing changes"),
    ("U8", "Update when Downloaded: Updating is told, and the installation follows behind it"),
    ("U9", "Update in other states: 4.05"),
    ("U10", "Cancel while Downloading or when Downloaded: Idle and result 10; else 4.05"),
    ("U11", "Severity and Maximum Defer Period out of range: 4.00"),

    ("R1", "A URI that cannot be read, or a name that nobody has: result 7"),
    ("R2", "Not found, by HTTP or CoAP: result 7"),
    ("R3", "No memory: result 3"),
    ("R4", "A scheme that this build does not speak: result 9"),
    ("R5", "No security for that server: result 9, and it is not asked"),
    ("R6", "Connections, handshakes, certificates, silence, other answers: result 4"),
    ("R7", "The file is another one after a cut: it begins anew, and Downloading stays; for ever: result 4"),
    ("R8", "Storage that fails or is full: result 2"),
    ("R9", "A suspended download waits, and goes on"),
    ("R10", "Results are told before states, so that nobody sees a new state with an old result"),

    ("FW-10", "begin() comes before the first byte, once for each file, also for an empty one"),
    ("FW-11", "write() gets the bytes in order; when it fails, the image is dropped"),
    ("FW-12", "verify() comes once, behind the last byte; what it says is the result"),
    ("FW-13", "reset() may come at any time, also when there is nothing"),
    ("FW-14", "install() comes once for each Update; deferred, and deferred later, until the time is over"),
    ("FW-15", "Name and version of a package exist while there is one"),
    ("FW-16", "The application is asked for security first; an empty answer is none"),
    ("FW-17", "Times and repetitions of a download are the application's choice"),
    ("FW-18", "What a function of the application must not say is a failure, and never success"),
    ("FW-19", "ln_firmware_result() fits the state, or is refused; the URI stays to be read"),
    ("FW-20", "Security from the data model: same host, scheme and port; with certificates the host alone"),
    ("FW-21", "Files of trust, certificate and key are read for each connection, so that they may change"),
    ("FW-23", "A redirect to another host gets trust alone: no key, no certificate, no TLSA record"),

    ("HTTP-01", "Requests: Host with a port and brackets where they belong, path and query as they are"),
    ("HTTP-02", "Heads: any case, limits on lines, fields and all of it, lengths that contradict refused"),
    ("HTTP-03", "Bodies: chunks, lengths, the end of the connection; 1xx are skipped, early ends are errors"),
    ("HTTP-04", "Transfer codings but chunked are refused"),
    ("HTTP-05", "Identity is asked for, and an encoded body is refused"),
    ("HTTP-06", "Redirects: relative ones too, at most five, never to less security"),
    ("HTTP-07", "Basic: only where it was asked for or wanted, never in the clear unless it is insisted on"),
    ("HTTP-08", "Cookies are neither kept nor sent"),
    ("HTTP-09", "Connections are kept; one that died meanwhile costs one more request and nothing else"),
    ("HTTP-10", "Parts: If-Range with strong validators, and an answer that says exactly what it is"),
    ("HTTP-11", "Times for connecting, heads, silence, slowness and all of it"),
    ("HTTP-12", "Bytes that came with the head are handed out without a wait"),
    ("HTTP-14", "TLS: SNI is the host, ALPN is http/1.1, the name is verified on each hop"),
    ("HTTP-15", "A refusal carries its status"),
    ("HTTP-16", "Every way to end a request leaves nothing behind"),

    ("H84", "URIs: too long, unknown schemes, ports out of range, user names, CR and LF inside"),
    ("H101", "Downloads verify their server, whatever is left out of the configuration"),
    ("H102", "Without randomness nothing is guessed: it fails"),
    ("H110", "HTTP lines of 64 KiB, 10,000 fields, lines without an end"),
    ("H111", "Chunk sizes that overflow, are negative or are none; trailers that are missing"),
    ("H112", "Content-Length with Transfer-Encoding, two lengths, 2^64"),
    ("H113", "A part that starts or ends elsewhere, multipart, 200 for a part, 416"),
    ("H114", "Redirects in circles, from https to http, to other schemes, to other hosts"),
    ("H115", "Bodies longer or shorter than was announced"),
    ("H116", "A byte in a minute"),
    ("H117", "An encoding that nobody asked for"),
    ("H120", "Stored states that are cut, flipped, or of a later version"),
    ("H121", "A stored session of another version of the library"),
    ("H122", "XML of object models with DOCTYPE, entities or XInclude"),
]

# row -> why it cannot happen
NEVER = {
    "HTTP-13": ("Uploads: Expect, chunks that are sent, bodies that are sent again",
                "the client asks with GET and HEAD only"),
}
