#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count the test cases of a run, show its failures and its skips.

Reads a folder that scripts/test has filled:

  checks/checks.tsv       name, status, reason, log file: checks of the source, and builds
  <preset>/ctest.xml      what ctest --output-junit writes; the cases of a cmocka program are taken
                          from its output, so a program that crashes still tells how far it came
  **/*.xml                what pytest --junitxml writes

A cmocka test tells why it skips in a line of its own, "skip: <reason>", printed before skip().
The last line is "N passed, N failed, N skipped". Exit status: 0 nothing failed, 1 something did.
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
OUTPUT_LINES = 60  # shown of a failed case: its last ones


@dataclass
class Case:
    group: str    # the preset, or "checks"
    program: str  # "unit/span", "interop/dtls"; empty for a check
    name: str     # the function; empty where the program is the case
    status: str
    reason: str = ""
    output: str = ""

    def title(self):
        return ": ".join(part for part in (f"{self.group}/{self.program}".rstrip("/"), self.name)
                         if part)


# ---- checks -------------------------------------------------------------------------------------

def read_checks(path, group):
    for line in path.read_text(encoding="utf-8").splitlines():
        name, status, reason, log = (line.split("\t") + [""] * 4)[:4]
        output = ""
        if status == FAILED and log:
            output = Path(log).read_text(encoding="utf-8", errors="replace")
        yield Case(group, "", name, status, reason, output)


# ---- ctest and cmocka ---------------------------------------------------------------------------

# Not anchored at the left: a test may have printed there without a line break.
CASE_BEGINS = re.compile(r"\[ RUN      \] (.+)$")
CASE_ENDS = re.compile(r"\[\s+(OK|FAILED|ERROR|SKIPPED)\s+\] (.+)$")
CASE_STATUS = {"OK": PASSED, "FAILED": FAILED, "ERROR": FAILED, "SKIPPED": SKIPPED}
SKIP_REASON = re.compile(r"^skip: (.*)$", re.M)


def reason_of_skip(output):
    reasons = SKIP_REASON.findall(output)
    return reasons[-1] if reasons else "no reason given"


def cmocka_cases(group, program, output):
    """The cases that this output tells of; one that began and did not end has failed."""
    name, lines = None, []
    for line in output.splitlines():
        begins, ends = CASE_BEGINS.search(line), CASE_ENDS.search(line)
        if begins:
            if name is not None:
                yield Case(group, program, name, FAILED, "did not end", "\n".join(lines))
            name, lines = begins[1], []
        elif ends and ends[2] == name:
            status, text = CASE_STATUS[ends[1]], "\n".join(lines)
            reason = reason_of_skip(text) if status == SKIPPED else ""
            yield Case(group, program, name, status, reason, text)
            name = None
        else:
            lines.append(line)
    if name is not None:
        yield Case(group, program, name, FAILED, "did not end", "\n".join(lines))


def ctest_cases(group, element):
    program = element.get("name")
    output = element.findtext("system-out") or ""
    skipped = element.find("skipped")
    if skipped is not None:
        why = skipped.get("message", "")
        # Everything else that did not run (no such program, a fixture that failed) is a failure.
        if element.get("status") == "disabled" or why.startswith("SKIP_"):
            yield Case(group, program, "", SKIPPED, reason_of_skip(output))
        else:
            yield Case(group, program, "", FAILED, why or "not run", output)
        return
    cases = list(cmocka_cases(group, program, output))
    yield from cases
    went_well = element.get("status") == "run"
    if went_well and not cases:
        yield Case(group, program, "", PASSED)
    elif not went_well and not any(case.status == FAILED for case in cases):
        # A fixture, a leak found at exit, the time limit: no case has the blame.
        yield Case(group, program, "", FAILED, "the program failed, though none of its cases did",
                   output)


# ---- pytest -------------------------------------------------------------------------------------

def pytest_program(classname):
    """tests.interop.test_dtls.TestAlerts -> interop/dtls"""
    parts = classname.split(".")
    if parts[0] == "tests":
        parts = parts[1:]
    for i, part in enumerate(parts):
        if part.startswith("test_"):
            return "/".join([*parts[:i], part[len("test_"):]])
    return "/".join(parts)


def pytest_case(group, element):
    program = pytest_program(element.get("classname", ""))
    name = element.get("name", "")
    bad = element.find("failure")
    if bad is None:
        bad = element.find("error")
    skipped = element.find("skipped")
    if bad is not None:
        reason = (bad.get("message") or "").split("\n")[0]
        return Case(group, program, name, FAILED, reason, bad.text or "")
    if skipped is not None:
        return Case(group, program, name, SKIPPED, skipped.get("message") or "no reason given")
    return Case(group, program, name, PASSED)


# ---- a run --------------------------------------------------------------------------------------

def read_results(root):
    """All cases of the run whose results are in this folder."""
    cases = []
    for path in sorted(root.rglob("checks.tsv")):
        cases += read_checks(path, path.parent.relative_to(root).as_posix())
    for path in sorted(root.rglob("*.xml")):
        group = path.parent.relative_to(root).as_posix()
        try:
            elements = list(ElementTree.parse(path).iter("testcase"))
        except ElementTree.ParseError as error:
            cases.append(Case(group, path.name, "", FAILED, f"cut or damaged results: {error}"))
            continue
        for element in elements:
            if path.name == "ctest.xml":
                cases += ctest_cases(group, element)
            else:
                cases.append(pytest_case(group, element))
    return cases


def show(case):
    print(f"{case.status}: {case.title()}" + (f": {case.reason}" if case.reason else ""))
    if case.status == FAILED:
        for line in case.output.rstrip().splitlines()[-OUTPUT_LINES:]:
            print(f"    {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path, help="folder with the results of a run")
    parser.add_argument("--strict", action="store_true", help="a skip is a failure")
    arguments = parser.parse_args()

    cases = read_results(arguments.results)
    count = {status: [case for case in cases if case.status == status]
             for status in (FAILED, SKIPPED, PASSED)}
    for case in count[FAILED] + count[SKIPPED]:
        show(case)
    if arguments.strict and count[SKIPPED]:
        print("Here a skip is a failure: whatever is skipped was not tested.")
    print(f"{len(count[PASSED])} passed, {len(count[FAILED])} failed, "
          f"{len(count[SKIPPED])} skipped")
    if not cases:
        print("there are no results", file=sys.stderr)
        return 1
    return 1 if count[FAILED] or (arguments.strict and count[SKIPPED]) else 0


if __name__ == "__main__":
    sys.exit(main())
