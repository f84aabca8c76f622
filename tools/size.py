#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a linked program holds of this library, from the linker's map (-Wl,-Map=FILE of GNU ld).

  tools/size.py build/min-m4/size/size_microcontroller.map            by folder and by file
  tools/size.py --folders FILE                                        "folder bytes" lines, then "all"
  tools/size.py --symbols coap/server FILE                            the sections of one file

Counts code, constants, initial values and unwinding tables: what is in flash or on disk, not .bss. The C
library, libgcc and the program's own files are not counted. Strings that the linker merges belong to the
first file that has them. What was optimised at link time (-flto) is one file, "lto/all". Exit status: 0; 1 if the map shows nothing of the library.
"""

import argparse
import collections
import re
import sys

COUNTED = re.compile(r"^\.(text|rodata|data|eh_frame|ARM\.ex|init_array|fini_array)\b")
SECTION = re.compile(r"^ (\.\S+)(?:\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)\s+(\S.*))?$")
BEHIND = re.compile(r"^\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)\s+(\S.*)$")
OBJECT = re.compile(r"linnet\.dir/src/(\S+)\.c\.o(?:bj)?$|\.ltrans\d*\.ltrans\.o$")


def sections(lines):
    """(file, section, bytes) of each input section that was linked: "coap/server", ".text.go", 726."""
    linked = False
    name = None
    for line in lines:
        line = line.rstrip("\n")
        if line.startswith("Linker script and memory map"):
            linked = True  # before it stands what was discarded
        if not linked:
            continue
        start = SECTION.match(line)
        if start:
            name, size, path = start.groups()
            if size is None:
                continue  # a long name has its figures on the next line
        else:
            behind = BEHIND.match(line)
            if name is None or not behind:
                name = None
                continue
            size, path = behind.groups()
        found = OBJECT.search(path)
        if found and COUNTED.match(name) and int(size, 16) > 0:
            yield found[1] or "lto/all", name, int(size, 16)
        name = None


def table(counted, by):
    total = collections.Counter()
    for file, _, size in counted:
        total[by(file)] += size
    return total


def main():
    parser = argparse.ArgumentParser(description="Sizes of the library's files in a linker's map.")
    parser.add_argument("map")
    parser.add_argument("--folders", action="store_true", help="for programs: folder and bytes")
    parser.add_argument("--symbols", metavar="FILE", help="sections of one file, largest first")
    args = parser.parse_args()
    with open(args.map, encoding="utf-8", errors="replace") as lines:
        counted = list(sections(lines))
    if not counted:
        print(f"{args.map}: nothing of the library is in it", file=sys.stderr)
        return 1
    total = sum(size for _, _, size in counted)
    folders = table(counted, lambda file: file.rpartition("/")[0])
    if args.symbols:
        for file, name, size in sorted(counted, key=lambda row: -row[2]):
            if file == args.symbols:
                print(f"{size:7}  {name}")
        return 0
    if args.folders:
        for folder in sorted(folders):
            print(folder, folders[folder])
        print("all", total)
        return 0
    for what in folders, table(counted, lambda file: file):
        for name, size in what.most_common():
            print(f"{size:7}  {name}")
        print()
    print(f"{total:7}  all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
