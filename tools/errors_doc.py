#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes docs/errors.md from the lists in include/linnet/status.h and diag.h.

  tools/errors_doc.py           write docs/errors.md
  tools/errors_doc.py --check   fail if it is not what the headers say

The text around the tables is docs/errors.in.md; a line "@@NAME@@" stands for a table.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LN_STRING = r'"((?:[^"\\]|\\.)*)"'


def rows(header, list_name):
    """The arguments of each X(...) of a list macro; adjacent string literals are joined."""
    text = (ROOT / "include/linnet" / header).read_text()
    match = re.search(r"#define " + list_name + r"\(X\)((?:[^\n]*\\\n)*[^\n]*\n)", text)
    if match is None:
        sys.exit(f"errors_doc: {header} has no {list_name}")
    body = match.group(1).replace("\\\n", "\n")
    for item in re.finditer(r"X\(\s*(\w+)\s*,((?:\s*" + LN_STRING + r"\s*,?)+)\s*\)", body):
        yield [item.group(1)] + re.findall(LN_STRING, item.group(2))


def status_table():
    lines = ["| status | it means | what to do |", "|---|---|---|"]
    lines += [f"| `LN_{name}` | {meaning} | {action} |"
              for name, meaning, action in rows("status.h", "LN_STATUS_LIST")]
    return lines


def category_table():
    lines = ["| category | `linnet probe` exits with | what to try |", "|---|---|---|"]
    for index, (_, word, advice) in enumerate(rows("diag.h", "LN_CATEGORY_LIST")):
        code = "0" if index == 0 else str(20 + index)
        lines.append(f"| `{word}` | {code} | {advice} |")
    return lines


def phase_table():
    words = [f"`{word}`" for _, word in rows("diag.h", "LN_PHASE_LIST")]
    return [", ".join(words)]


TABLES = {"STATUS": status_table, "CATEGORIES": category_table, "PHASES": phase_table}


def page():
    out = []
    for line in (ROOT / "docs/errors.in.md").read_text().splitlines():
        match = re.fullmatch(r"@@(\w+)@@", line)
        out += TABLES[match.group(1)]() if match else [line]
    return "\n".join(out) + "\n"


def main():
    target = ROOT / "docs/errors.md"
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    if sys.argv[1:] == ["--check"]:
        if not target.exists() or target.read_text() != page():
            sys.exit("docs/errors.md is not what the headers say: run tools/errors_doc.py")
        return
    target.write_text(page())


if __name__ == "__main__":
    main()
