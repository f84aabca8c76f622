# SPDX-License-Identifier: Apache-2.0
"""tools/size.py on a map as GNU ld writes it: what is counted, and what is not."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools/size.py"

MAP = """
Discarded input sections

 .text.unused   0x00000000       0x99 CMakeFiles/linnet.dir/src/base/diag.c.obj

Linker script and memory map

LOAD CMakeFiles/linnet.dir/src/base/diag.c.obj
 .text.go       0x00008000       0x10 CMakeFiles/linnet.dir/src/coap/server.c.obj
 .text.a_name_that_is_longer
                0x00008010       0x20 CMakeFiles/linnet.dir/src/coap/tcp.c.o
                0x00008010                a_name_that_is_longer
 .rodata.str1.1
                0x00008030        0x4 CMakeFiles/linnet.dir/src/net/mem/link.c.o
                                  0x9 (size before relaxing)
 .data.table    0x00009000        0x8 CMakeFiles/linnet.dir/src/net/sock.c.o
 .bss.state     0x0000a000      0x100 CMakeFiles/linnet.dir/src/net/sock.c.o
 .text.whole    0x0000a800        0x6 /tmp/ccAb12.ltrans0.ltrans.o
 .text.main     0x0000b000       0x40 CMakeFiles/size.dir/examples/device.c.obj
 .text          0x0000c000       0x80 /usr/lib/libc.a(libc_a-memcpy.o)
 .ARM.attributes
                0x00000000       0x2e CMakeFiles/linnet.dir/src/net/sock.c.o
"""


def run(tmp_path, text, *options):
    path = tmp_path / "program.map"
    path.write_text(text)
    return subprocess.run([sys.executable, TOOL, *options, path], capture_output=True, text=True,
                          check=False)


def test_folders(tmp_path):
    done = run(tmp_path, MAP, "--folders")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["coap 48", "lto 6", "net 8", "net/mem 4", "all 66"]


def test_files_and_symbols(tmp_path):
    words = [line.split() for line in run(tmp_path, MAP).stdout.splitlines()]
    assert ["32", "coap/tcp"] in words and words[-1] == ["66", "all"]
    assert run(tmp_path, MAP, "--symbols", "coap/server").stdout.split() == ["16", ".text.go"]


def test_a_map_of_something_else(tmp_path):
    done = run(tmp_path, MAP.replace("linnet.dir", "other.dir").replace("ltrans", "other"))
    assert done.returncode == 1 and "nothing of the library" in done.stderr
