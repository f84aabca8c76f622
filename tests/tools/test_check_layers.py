# SPDX-License-Identifier: Apache-2.0
"""tools/check_layers.py against small trees: each bad line must be named, each good one left alone."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools/check_layers.py"


def check(root, files):
    """Exit status and the reported lines for a tree of these files (path -> text)."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    done = subprocess.run([sys.executable, TOOL, "--root", root],
                          capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()[:-1]


# file, text, line that must be named, words of the message
BAD = [
    # who may include whom
    ("src/base/a.c", '#include "net/core.h"\n', 1, "src/base must not include net/core.h"),
    ("src/base/a.c", "#include <linnet/sock.h>\n", 1, "must not include <linnet/sock.h>"),
    ("src/codec/a.c", '#include "base/alloc.h"\n', 1, "pure functions"),
    ("src/codec/a.c", "#include <linnet/env.h>\n", 1, "pure functions"),
    ("src/codec/a.c", "int x;\n#include <linnet/tls.h>\n", 2, "must not include <linnet/tls.h>"),
    ("src/net/a.c", '#include "codec/coap.h"\n', 1, "src/net must not include codec/coap.h"),
    ("src/net/a.c", '#include "net/posix/fd.h"\n', 1, "src/net must not include net/posix/fd.h"),
    ("src/net/mem/a.c", '#include "net/posix/fd.h"\n', 1, "must not include net/posix/fd.h"),
    ("src/tls/a.c", '#include "tls/openssl/engine.h"\n', 1, "must not include tls/openssl"),
    ("src/tls/openssl/a.c", '#include "tls/filter.h"\n', 1, "must not include tls/filter.h"),
    ("src/tls/openssl/a.c", "#include <linnet/sock.h>\n", 1, "must not include <linnet/sock.h>"),
    ("src/tls/mbedtls/a.c", '#include "tls/openssl/error.h"\n', 1, "must not include tls/openssl"),
    ("src/coap/a.c", '#include "net/core.h"\n', 1, "must not include net/core.h"),
    ("src/coap/a.c", "#include <linnet/tls.h>\n", 1, "must not include <linnet/tls.h>"),
    ("src/http/a.c", '#include "coap/match.h"\n', 1, "must not include coap/match.h"),
    ("src/download/a.c", '#include "lwm2m/model.h"\n', 1, "must not include lwm2m/model.h"),
    ("src/lwm2m/a.c", '#include "objects/time.h"\n', 1, "must not include objects/time.h"),
    ("src/objects/a.c", '#include "lwm2m/model.h"\n', 1, "must not include lwm2m/model.h"),
    ("src/base/a.c", '#include "../net/core.h"\n', 1, "include path with .."),
    ("src/base/a.c", '#include "missing.h"\n', 1, "no missing.h beside this file"),
    ("src/base/a.c", '#include "nowhere/x.h"\n', 1, "in no folder of src/"),
    ("src/base/a.c", '#include "base/b.c"\n', 1, "includes a .c file"),
    ("src/attic/a.c", "int x;\n", 1, "not in the layering table"),
    # foreign headers
    ("src/net/a.c", "#include <sys/socket.h>\n", 1, "operating system"),
    ("src/base/a.c", "#include <unistd.h>\n", 1, "operating system"),
    ("src/base/a.c", "#include <assert.h>\n", 1, "operating system"),
    ("src/base/a.c", "#include <time.h>\n", 1, "<time.h> may be included only in"),
    ("src/tls/a.c", "#include <openssl/ssl.h>\n", 1, "only in src/tls/openssl"),
    ("src/tls/openssl/a.c", "#include <sys/socket.h>\n", 1, "operating system"),
    ("src/tls/openssl/a.c", "#include <mbedtls/ssl.h>\n", 1, "only in src/tls/mbedtls"),
    ("src/net/posix/a.c", "#include <ares.h>\n", 1, "only in src/port/posix"),
    # the public headers
    ("include/linnet/span.h", "#include <linnet/sock.h>\n", 1, "must not include <linnet/sock.h>"),
    ("include/linnet/sock.h", "#include <linnet/tls.h>\n", 1, "must not include <linnet/tls.h>"),
    ("include/linnet/sock.h", "#include <sys/socket.h>\n", 1, "no foreign types"),
    ("include/linnet/tls.h", "#include <openssl/ssl.h>\n", 1, "no foreign types"),
    # programs and tests
    ("cli/probe.c", '#include "net/core.h"\n', 1, "cli must not include net/core.h"),
    ("examples/01_hello.c", '#include "base/span.h"\n', 1, "must not include base/span.h"),
    ("lab/a.c", '#include "lwm2m/model.h"\n', 1, "must not include lwm2m/model.h"),
    ("tests/unit/test_a.c", '#include "net/core.c"\n', 1, "must not include a .c"),
    ("tests/unit/test_a.c", "void f(void)\n{\n    usleep(5);\n}\n", 3, "never usleeps"),
    # banned calls
    ("src/base/a.c", "void *f(void) { return malloc(3); }\n", 1, "banned call malloc()"),
    ("src/net/posix/a.c", "void f(void *p) { free (p); }\n", 1, "banned call free()"),
    ("src/base/a.c", "\n\nvoid f(void)\n{\n    printf(\"x\");\n}\n", 5, "banned call printf()"),
    ("src/net/a.c", "long f(void) { return time(0); }\n", 1, "banned call time()"),
    ("src/port/posix/a.c", "void f(char *a, char *b) { strcpy(a, b); }\n", 1, "strcpy()"),
    ("src/port/posix/a.c", "int f(void) { return getaddrinfo(0, 0, 0, 0); }\n", 1, "getaddrinfo"),
    ("src/port/posix/a.c", "void f(void) { sleep(1); }\n", 1, "banned call sleep()"),
    ("src/base/a.c", "void f(void) { assert(1 > 0); }\n", 1, "banned call assert()"),
    ("src/base/a.c", "#define F(p) \\\n    free(p)\n", 2, "banned call free()"),
    # rule 1
    ("src/base/a.c", "void f(void)\n{\n#ifdef X\n#endif\n}\n", 3, "#if between braces"),
    ("src/base/a.c", "enum e {\n    A,\n#if X\n    B,\n#endif\n};\n", 3, "#if between braces"),
    ("src/base/a.h", 'extern "C" {\nstatic int f(void)\n{\n#if X\n#endif\n}\n}\n', 4, "#if between"),
    ("include/linnet/span.h", "struct s {\n#ifdef X\n    int x;\n#endif\n};\n", 2, "#if between"),
]


@pytest.mark.parametrize("path, text, line, words", BAD, ids=lambda v: str(v).strip()[:40])
def test_names_the_bad_line(tmp_path, path, text, line, words):
    status, problems = check(tmp_path, {path: text})
    assert status == 1
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"{path}:{line}: ")
    assert words in problems[0]


GOOD = {
    "include/linnet/span.h": "#include <stdint.h>\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
                             "struct s { int x; };\n#ifdef __cplusplus\n}\n#endif\n",
    "include/linnet/sock.h": "#include <linnet/env.h>\n#include <linnet/span.h>\n",
    "src/base/buffer.h": "#include <linnet/span.h>\n",
    "src/base/buffer.c": '#include "buffer.h"\n#include "base/buffer.h"\n#include <string.h>\n'
                         "#include <stdio.h>\n",
    "src/base/words.c": "/* free(p); #include \"net/x.h\" and { */\n// malloc(1) {\n"
                        "const char *s = \"{ printf(x); \\\" abort()\";\nchar c = '{';\n"
                        "#if X\nint y;\n#endif\n",
    "src/base/alloc.c": "void f(struct a *a, void *p)\n{\n    a->free(a, p);\n    a->x.free(p);\n"
                        "    conn_free(p);\n    snprintf(p, 3, \"x\");\n}\n",
    "src/base/macro.h": "#define OPEN(x) \\\n    if (x) {\n#if X\n#endif\n",
    "src/codec/coap.c": '#include "base/buffer.h"\n#include <linnet/span.h>\n',
    "src/net/core.h": "#include <linnet/filter.h>\n",
    "src/net/posix/udp.c": '#include "net/core.h"\n#include <sys/socket.h>\n#include <errno.h>\n'
                           "long f(void) { return time(0); }\n",
    "src/net/mem/mem.c": '#include "net/core.h"\n#include <linnet/testkit.h>\n',
    "src/port/posix/heap.c": "#include <stdlib.h>\nvoid *f(void) { return malloc(1); }\n",
    "src/port/posix/resolver_cares.c": "#include <ares.h>\n#include <netdb.h>\n",
    "src/tls/filter.c": '#include "net/core.h"\n#include <linnet/tls_backend.h>\n',
    "src/tls/openssl/engine.c": "#include <openssl/ssl.h>\n#include <sys/time.h>\n"
                                "#include <linnet/tls_backend.h>\n"
                                "void f(void *p) { OPENSSL_free(p); }\n",
    "src/coap/endpoint.c": '#include <linnet/sock.h>\n#include "codec/coap.h"\n#include <linnet/coap.h>\n',
    "src/lwm2m/engine.c": "#include <linnet/tls.h>\n#include <linnet/client.h>\n",
    "src/objects/device.c": "#include <linnet/object.h>\n",
    "cli/probe.c": '#include "cli.h"\n#include <linnet/tls.h>\n#include <stdio.h>\n'
                   "int main(void) { printf(\"x\"); return 0; }\n",
    "cli/cli.h": "int x;\n",
    "lab/lab.c": '#include "codec/coap.h"\n#include <coap3/coap.h>\n',
    "tests/unit/test_a.c": '#include "net/core.h"\n#include <cmocka.h>\n',
}


def test_leaves_good_code_alone(tmp_path):
    status, problems = check(tmp_path, GOOD)
    assert problems == []
    assert status == 0


def test_an_empty_tree_is_fine(tmp_path):
    assert check(tmp_path, {}) == (0, [])
