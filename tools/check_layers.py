#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Enforce who may include whom, which calls are banned, and where #if may stand.

The tables below are docs/architecture.md, section "Layering", in a form that a machine can check.
Each line of output names the file and line that breaks a rule. Exit status: 0 clean, 1 not.
"""

import argparse
import re
import sys
from pathlib import Path

# ---- the layering table -------------------------------------------------------------------------

# Public headers that belong to a layer. All others (status.h, span.h, env.h, ...) are vocabulary:
# value types that every layer may use.
PUBLIC_OWNER = {
    "sock": "net", "filter": "net", "blocking": "net",
    "tls": "tls", "tls_backend": "tls", "digest": "tls",
    "testkit": "testkit",
    "registry": "registry",
    "coap": "coap", "coap_link": "coap", "http": "http", "download": "download",
    "client": "lwm2m", "object": "lwm2m", "objects": "objects", "firmware": "objects",
}
SOCKET = {"sock", "filter", "blocking"}
ALL = None  # every public header

# folder -> (internal folders or single headers it may include besides its own,
#            public headers it may include besides the vocabulary)
LAYERS = {
    "base": (set(), set()),
    "codec": ({"base"}, set()),
    "registry": (set(), {"registry"}),
    "net": ({"base"}, SOCKET),
    "net/posix": ({"base", "net"}, SOCKET),
    "net/mem": ({"base", "net"}, SOCKET | {"testkit"}),
    "port/posix": ({"base", "net/posix"}, SOCKET),
    "testkit": ({"base", "net", "net/mem"}, ALL),
    # codec: names, DANE and chains are decided here, for which certificates must be read
    "tls": ({"base", "codec", "net"}, SOCKET | {"tls", "tls_backend", "digest"}),
    "tls/openssl": ({"base"}, {"tls", "tls_backend"}),
    # codec: Mbed TLS keeps to itself what tells one path from another (path lengths, key ids)
    "tls/mbedtls": ({"base", "codec"}, {"tls", "tls_backend"}),
    "coap": ({"base", "codec"}, {"sock", "coap", "coap_link"}),
    "http": ({"base", "codec", "net/sock.h"}, {"sock", "http"}),
    "download": ({"base", "codec", "coap", "http", "net/sock.h"},
                 {"sock", "tls", "digest", "coap", "coap_link", "http", "download"}),
    "lwm2m": ({"base", "codec", "coap", "download", "net/sock.h"},
              {"sock", "tls", "coap", "coap_link", "download", "client", "object"}),
    "objects": (set(), ALL),
}

# Programs see the public headers, their own folder, and any library.
PROGRAMS = {"cli": set(), "agent": set(), "fleet": set(), "examples": set(), "lab": {"base", "codec"}}

# Codecs are pure functions on the caller's buffers: no allocator, no clock, no log.
DENIED_TO_CODEC = re.compile(r"^(base/(alloc|log|timer|clock|time)\w*\.h|linnet/env\.h)$")

# ---- headers that are not ours ------------------------------------------------------------------

OS_FOLDERS = {"port/posix", "net/posix"}
C_HEADERS = {name + ".h" for name in (
    "ctype float inttypes iso646 limits math stdalign stdarg stdatomic stdbool stddef stdint "
    "stdio stdlib stdnoreturn string").split()}
PUBLIC_C_HEADERS = {name + ".h" for name in (
    "inttypes limits stdarg stdbool stddef stdint string").split()}
# Certificates speak in struct tm, the timer of DTLS in struct timeval.
TIME_FOLDERS = OS_FOLDERS | {"tls/openssl", "tls/mbedtls"}
VENDOR_FOLDERS = (
    (re.compile(r"^openssl/"), {"tls/openssl"}),
    (re.compile(r"^(mbedtls|psa)/"), {"tls/mbedtls"}),
    (re.compile(r"^ares(_\w+)?\.h$"), {"port/posix"}),
    (re.compile(r"^(sys/)?time\.h$"), TIME_FOLDERS),
)

# ---- banned calls in src/ -----------------------------------------------------------------------

NEVER = "unsafe, blocking, or the end of somebody else's process"
HEAP = "memory comes from the environment's allocator"
HOST = "clock, randomness, files and output come from the environment"

HEAP_CALLS = "malloc calloc realloc reallocarray free aligned_alloc posix_memalign strdup strndup"
HOST_CALLS = """
    printf fprintf vprintf vfprintf dprintf vdprintf puts fputs putchar putc fputc perror
    scanf fscanf vfscanf fopen fdopen freopen fclose fread fwrite fgets fgetc fseek ftell fflush
    time clock_gettime gettimeofday localtime gmtime localtime_r gmtime_r mktime getenv"""
NEVER_CALLS = """
    strcpy strncpy stpcpy strcat strncat sprintf vsprintf asprintf vasprintf gets sscanf strtok
    atoi atol atoll atof alloca rand srand rand_r random srandom drand48 tmpnam mktemp setenv putenv
    getaddrinfo gethostbyname gethostbyaddr getnameinfo sleep usleep nanosleep
    abort exit _exit _Exit quick_exit atexit assert system popen fork setjmp longjmp"""

# call -> (why it is banned, folders that may use it all the same)
# (the testkit runs on a developer's machine and stands in for the port there)
BANNED = {call: (HEAP, {"port/posix", "testkit"}) for call in HEAP_CALLS.split()}
BANNED.update({call: (HOST, OS_FOLDERS) for call in HOST_CALLS.split()})
BANNED.update({call: (NEVER, set()) for call in NEVER_CALLS.split()})
# A member of that name (env->alloc.free(...)) is not the C library's.
BANNED_CALL = re.compile(r"(?<![\w.])(?<!->)(" + "|".join(BANNED) + r")\s*\(")
SLEEP_CALL = re.compile(r"(?<![\w.])(?<!->)(sleep|usleep|nanosleep)\s*\(")

# ---- reading C ----------------------------------------------------------------------------------

COMMENT_OR_LITERAL = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]+)[>\"]", re.M)
EXTERN_C = re.compile(r"extern\s*\"\"\s*\{")


def blank(text):
    """Spaces instead of text, with the line breaks kept: line numbers stay true."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    return COMMENT_OR_LITERAL.sub(
        lambda m: blank(m[0]) if m[0].startswith("/") else m[0], text)


def without_literals(text):
    """No comments and no text in literals either; "..." becomes "" and blanks."""
    def empty(match):
        token = match[0]
        if token.startswith("/"):
            return blank(token)
        return token[0] * 2 + " " * (len(token) - 2)
    return COMMENT_OR_LITERAL.sub(empty, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


# ---- the rules ----------------------------------------------------------------------------------

def folder_of(parts):
    """Layer of a path below src/: ("net", "mem", "mem.c") -> "net/mem"."""
    return "/".join(parts[:-1])


class Checker:
    def __init__(self, root):
        self.root = root
        self.problems = []
        self.files = 0

    def run(self):
        for top in ("include", "src", *PROGRAMS, "tests"):
            for path in sorted((self.root / top).rglob("*.[ch]")):
                self.files += 1
                self.check_file(path, path.relative_to(self.root).parts)

    def check_file(self, path, parts):
        text = path.read_text(encoding="utf-8", errors="replace")
        code = without_literals(text)

        def report(line, message):
            self.problems.append(f"{'/'.join(parts)}:{line}: {message}")

        includes = [(line_of(text, m.start()), m[1], m[2])
                    for m in INCLUDE.finditer(without_comments(text))]
        if parts[0] == "tests":
            self.check_test(includes, code, report)
            return
        if parts[0] == "include":
            self.check_public_header(parts, includes, report)
        elif parts[0] == "src":
            folder = folder_of(parts[1:])
            if folder not in LAYERS:
                report(1, f"src/{folder} is not in the layering table of tools/check_layers.py")
                return
            self.check_layer(path, folder, includes, report)
            check_calls(folder, code, report)
        else:
            self.check_program(path, parts[0], includes, report)
        if parts[0] in ("include", "src"):
            check_conditionals(code, report)

    def check_test(self, includes, code, report):
        for line, _, name in includes:
            if name.endswith(".c"):
                report(line, f"a test must not include a .c file: {name}")
        for match in SLEEP_CALL.finditer(code):
            report(line_of(code, match.start()), f"a test waits for events and never {match[1]}s")

    def check_public_header(self, parts, includes, report):
        stem = Path(parts[-1]).stem
        owner = PUBLIC_OWNER.get(stem, "base")
        for line, _, name in includes:
            if name.startswith("linnet/"):
                check_public(owner, f"<linnet/{stem}.h>", name, line, report)
            elif name not in PUBLIC_C_HEADERS:
                report(line, f"a public header must not include <{name}>: no foreign types in the API")

    def check_layer(self, path, folder, includes, report):
        for line, quote, name in includes:
            if folder == "codec" and DENIED_TO_CODEC.match(name):
                report(line, f"codec must not include {name}: codecs are pure functions")
            elif name.startswith("linnet/"):
                check_public(folder, f"src/{folder}", name, line, report)
            elif quote == "<":
                check_foreign(folder, name, line, report)
            else:
                self.check_internal(path, folder, name, line, report)

    def check_internal(self, path, folder, name, line, report):
        """An include in quotes: a path from src/, or a file beside the including one."""
        if name.endswith(".c"):
            report(line, f"includes a .c file: {name}")
        elif ".." in Path(name).parts:
            report(line, f"include path with ..: {name}; write it from src/")
        elif "/" not in name:
            if not (path.parent / name).exists():
                report(line, f"no {name} beside this file; write the path from src/")
        else:
            target = folder_of(Path(name).parts)
            allowed = LAYERS[folder][0] | {folder}
            if target not in LAYERS:
                report(line, f"{name} is in no folder of src/")
            elif target not in allowed and name not in allowed:
                report(line, f"src/{folder} must not include {name}")

    def check_program(self, path, program, includes, report):
        for line, quote, name in includes:
            if quote == "<" or name.startswith("linnet/"):
                continue
            ours = (path.parent / name).exists() or (self.root / program / name).exists()
            if ".." in Path(name).parts:
                report(line, f"include path with ..: {name}")
            elif not ours and folder_of(Path(name).parts) not in PROGRAMS[program]:
                report(line, f"{program} must not include {name}: only <linnet/*.h> is open to it")


def check_public(folder, who, name, line, report):
    stem = Path(name).stem
    allowed = LAYERS[folder][1]
    if allowed is not ALL and stem in PUBLIC_OWNER and stem not in allowed:
        report(line, f"{who} must not include <{name}>")


def check_foreign(folder, name, line, report):
    """An include in angle brackets that is not <linnet/...>."""
    for pattern, folders in VENDOR_FOLDERS:
        if pattern.match(name):
            if folder not in folders:
                report(line, f"<{name}> may be included only in "
                             + ", ".join("src/" + f for f in sorted(folders)))
            return
    if name not in C_HEADERS and folder not in OS_FOLDERS:
        report(line, f"<{name}> is an operating system's header: only in "
                     + ", ".join("src/" + f for f in sorted(OS_FOLDERS)))


def check_calls(folder, code, report):
    for match in BANNED_CALL.finditer(code):
        why, folders = BANNED[match[1]]
        if folder not in folders:
            report(line_of(code, match.start()), f"banned call {match[1]}(): {why}")


def check_conditionals(code, report):
    """No #if between braces: not in a function, not in a structure, an enumeration or a table."""
    code = EXTERN_C.sub(lambda m: m[0].replace("{", " "), code)
    depth = 0
    lines = enumerate(code.split("\n"), start=1)
    for number, line in lines:
        if line.lstrip().startswith("#"):
            if depth > 0 and re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b", line):
                report(number, "#if between braces: a choice is a file or a table (rule 1)")
            while line.endswith("\\"):  # the braces of a macro are not the file's
                _, line = next(lines, (0, ""))
            continue
        # The closing brace of extern "C" has no partner left: never below zero.
        for brace in re.findall(r"[{}]", line):
            depth = depth + 1 if brace == "{" else max(0, depth - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent,
                        help="the tree to check (default: the one this script is in)")
    checker = Checker(parser.parse_args().root)
    checker.run()
    for problem in checker.problems:
        print(problem)
    print(f"layers: {checker.files} files, {len(checker.problems)} problems")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
