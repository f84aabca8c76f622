#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compile each header alone, and twice in one file: it includes what it needs and has a guard.

All headers as C11; those in include/linnet also as C++17. Compilers: $CC (cc) and $CXX (c++).
Exit status: 0 all compile, 1 one does not.
"""

import argparse
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wundef", "-Werror"]
C = [*shlex.split(os.environ.get("CC", "cc")), "-std=c11", "-x", "c", *WARNINGS,
     "-Wshadow", "-Wstrict-prototypes"]
# No -Wshadow here: `struct ln_span` beside `ln_span()` is good C, as `struct stat` and `stat()` are.
CXX = [*shlex.split(os.environ.get("CXX", "c++")), "-std=c++17", "-x", "c++", *WARNINGS]
ERROR_LINES = 20  # shown of a header: the first ones; the rest mostly follows from them
POSIX = ["-D_POSIX_C_SOURCE=200809L", "-D_DEFAULT_SOURCE"]


def library_flags():
    """Include paths of the libraries, where they are not the system's own, as headers of the system."""
    flags = []
    built = ROOT / "build/deps/mbedtls/lib/pkgconfig"  # by scripts/setup
    env = {**os.environ, "PKG_CONFIG_PATH": f"{built}:{os.environ.get('PKG_CONFIG_PATH', '')}"}
    for package in ("openssl", "mbedtls", "libcares", "cmocka"):
        found = subprocess.run(["pkg-config", "--cflags", package], env=env,
                               capture_output=True, text=True, check=False)
        flags += shlex.split(found.stdout) if found.returncode == 0 else []
    return [flag.replace("-I", "-isystem", 1) if flag.startswith("-I") else flag for flag in flags]


def jobs():
    """(header, compiler and flags) for each compilation."""
    libraries = library_flags()
    public = sorted((ROOT / "include/linnet").glob("*.h"))
    for header in public:
        name = f"<linnet/{header.name}>"
        for compiler in (C, CXX):
            yield name, [*compiler, "-Iinclude"]
    # Mbed TLS is a package, or was built by scripts/setup
    own = [f"-I{path}" for path in [ROOT / "build/deps/mbedtls/include"] if path.exists()]
    internal = [*C, "-Iinclude", "-Isrc", *own, *libraries]
    for header in sorted((ROOT / "src").rglob("*.h")):
        path = header.relative_to(ROOT / "src").as_posix()
        posix = POSIX if path.startswith(("port/posix/", "net/posix/")) else []
        yield f'"{path}"', internal + posix
    for header in sorted((ROOT / "tests").rglob("*.h")):
        path = header.relative_to(ROOT / "tests").as_posix()
        yield f'"{path}"', [*internal, *POSIX[:1], "-Itests", "-I."]  # "agent/store.h"


def compile_one(job):
    name, command = job
    # the typedef: an empty file is not C
    source = f"#include {name}\n#include {name}\ntypedef int ln_check_headers;\n"
    done = subprocess.run([*command, "-fsyntax-only", "-"], input=source, cwd=ROOT,
                          capture_output=True, text=True, check=False)
    return name, command[0], done.returncode == 0, done.stderr


def main():
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    failed = 0
    count = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, compiler, ok, errors in pool.map(compile_one, jobs()):
            count += 1
            if not ok:
                failed += 1
                print(f"{name} does not compile alone with {compiler}:")
                print(*errors.splitlines()[:ERROR_LINES], sep="\n")
    print(f"headers: {count} compilations, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
