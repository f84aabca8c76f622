#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make docs/scenarios.md: what must work, which tests prove it, and how they went.

A test says what it proves in a comment directly above its function:

  C       /* scenario: S43, T19 */
  Python  # scenario: S43

S1..S48, C1..C5 and PIT-01..PIT-33 (mistakes that others made) are the rows below; those of
downloads and firmware updates are in scenario_updates.py. T<n> (pains seen in
the field) and H<n> (hostile inputs) are listed when a test names them.

Results come from what scripts/test, or ctest --output-junit build/results/dev/ctest.xml, left in
build/results. A test that is not there keeps the result that the page has for it. What holds the
page to the truth:

  --check    on the sources alone: each row has its tests; rows where the page is older are told
  --compare  at the end of scripts/test, which shows it: where this run and the page differ
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import scenario_updates
import test_summary

ROOT = Path(__file__).resolve().parent.parent
TEST_FOLDERS = ("unit", "prop", "fault", "sim", "conform", "golden", "interop")


@dataclass
class Row:
    tag: str
    statement: str
    never: str = ""  # why it cannot happen, so that there is nothing to test
    tests: list = field(default_factory=list)


ROWS = [
    Row("S1", "DTLS over UDP carries LwM2M to a server"),
    Row("S2", "TLS over TCP carries CoAP, agreed on by ALPN"),
    Row("S3", "A firmware image is downloaded over HTTPS and its digest agrees"),
    Row("S4", "One implementation serves TLS and DTLS and passes the same tests on both"),
    Row("S5", "A sample client offers the time and the firmware update objects"),
    Row("S6", "Credentials are read from files without help by the program"),
    Row("S7", "PEM and DER are accepted wherever a certificate or a key is"),
    Row("S8", "Missing, empty, unreadable and huge credential files fail cleanly"),
    Row("S9", "A download takes its credentials from the matching account of the client"),
    Row("S10", "Own trust anchor, client certificate and key, with verification on"),
    Row("S11", "Missing credentials of a download are reported as a result of the update"),
    Row("S12", "A configuration of zeros accepts no server"),
    Row("S13", "Private keys may be encrypted, and need not be"),
    Row("S14", "A socket knows its kind, and wrapping the wrong kind is refused"),
    Row("S15", "PSK identities and keys of every length that the specifications allow"),
    Row("S16", "Any number of TLSA records, copied, and the last one may be the match"),
    Row("S17", "A stored session resumes; a damaged one only costs a full handshake"),
    Row("S18", "Server names up to 255 bytes are sent as SNI; longer ones are refused"),
    Row("S19", "Sockets of all kinds are made and used in one way"),
    Row("S20", "Settings of the transport below a secure socket take effect"),
    Row("S21", "Failing allocations while a secure socket is made leak and break nothing"),
    Row("S22", "Lowest and highest protocol version are honoured, unknown ones refused"),
    Row("S23", "The kind of authentication is a choice; what is unsupported is said at once"),
    Row("S24", "DTLS handshake timers follow the configured schedule"),
    Row("S25", "Cipher suites are offered as configured and in that order"),
    Row("S26", "Every wrong setting is refused without a leak or a half-made object"),
    Row("S27", "Records without data do not stretch the time a receive may take"),
    Row("S28", "Sessions are kept only where a store is given"),
    Row("S29", "TLS 1.3 with its own cipher suites"),
    Row("S30", "TLS 1.3 tickets that come after the handshake are stored and resume"),
    Row("S31", "DTLS 1.3 is refused clearly where the TLS library lacks it"),
    Row("S32", "The TLS library works over any lower socket, even one without a descriptor"),
    Row("S33", "Calls on a socket that is not connected tell just that"),
    Row("S34", "DANE: usages, selectors and matching types, match and mismatch"),
    Row("S35", "SNI is sent without DANE too"),
    Row("S36", "Names, addresses, dates and trust of a certificate are verified"),
    Row("S37", "Retransmission timers run for DTLS and never for TLS"),
    Row("S38", "A stored session that cannot be read leads to a full handshake"),
    Row("S39", "A failed handshake tells why: alert, reset, silence, or not TLS at all"),
    Row("S40", "Datagrams stay whole, and lost, doubled or reordered ones do no harm"),
    Row("S41", "Streams keep their order, however they are cut into records and reads"),
    Row("S42", "The same calls serve streams and datagrams"),
    Row("S43", "A datagram too large for the buffer is told as such; a part of a stream is normal"),
    Row("S44", "Decrypted data that waits inside is announced, so no wait hides it"),
    Row("S45", "A receive that has something to give never waits for more"),
    Row("S46", "Timeouts: none, zero and finite ones, kept to the millisecond that was asked for"),
    Row("S47", "Reset, a cut stream and an orderly end are three different things"),
    Row("S48", "End to end: DTLS-PSK registration and an HTTPS firmware update"),
    Row("C1", "Other sources of credentials: memory, files, folders, tokens; format found by itself"),
    Row("C2", "Connection ID: traffic goes on after a change of address or a restart"),
    Row("C3", "Alerts reach the program, with number and name, from connect and receive"),
    Row("C4", "TLS may be put on a socket that is given, connected or not"),
    Row("C5", "An incomplete chain of the client certificate is completed from known ones"),
]

ROWS += [Row(tag, statement) for tag, statement in scenario_updates.ROWS]
ROWS += [Row(tag, statement, never=why) for tag, (statement, why) in scenario_updates.NEVER.items()]

# Mistakes that were found in other clients, each turned into what must be true here.
PITS = [
    Row("PIT-01", "What fails in one element of a list of sources fails the whole list"),
    Row("PIT-02", "Nothing is used before it was checked, and a start that fails frees all it made"),
    Row("PIT-03", "A datagram that fits exactly is whole; what was cut off never comes back"),
    Row("PIT-04", "Whole records that are not decrypted yet count as data that waits"),
    Row("PIT-05", "Waits survive signals and errors, and no length of time wraps around"),
    Row("PIT-06", "Records without data for the caller never make a receive wait without limit"),
    Row("PIT-07", "No data, an orderly end, a cut and an error are told apart"),
    Row("PIT-08", "A failed connect tells why, and the same socket connects again"),
    Row("PIT-09", "No setting that a library refuses is lost; records that nobody can use do not open "
                  "the door"),
    Row("PIT-09b", "Versions, suites of both kinds, files and stored sessions are taken as they are, "
                   "or refused"),
    Row("PIT-09c", "A download goes on where it was cut, and its state is written atomically"),
    Row("PIT-10", "Revocation lists that are given are enforced"),
    Row("PIT-11", "Data that waits is announced after a full handshake as after a resumed one"),
    Row("PIT-12", "The end of a stream without close_notify is never taken for its end"),
    Row("PIT-13", "A wall clock that jumps does not move the end of a handshake"),
    Row("PIT-14", "Giving up does not pull memory from under a function that runs",
        never="no call of a TLS library gives up: the filter ends a handshake between two calls, and "
              "callbacks may not call back (docs/lifecycle.md, rule 7)"),
    Row("PIT-15", "Lengths of any size are written in parts; nothing at all is no record"),
    Row("PIT-16", "An identity with a NUL is not cut; sockets share their configuration's context"),
    Row("PIT-17", "A stored session is good for its peer and its credentials only"),
    Row("PIT-20", "A forged leaf with the genuine anchor behind it is refused, and so is every other "
                  "fault below an anchor of DANE"),
    Row("PIT-21", "With a PSK configured no certificate is ever accepted in its place"),
    Row("PIT-22", "Verification that is switched off is off in TLS 1.3 too, and still recorded"),
    Row("PIT-23", "`resumed` and `cid_restored` are false until the peer proved them"),
    Row("PIT-24", "No record number is used twice with a restored Connection ID"),
    Row("PIT-25", "Connections that fail leak nothing and leave nothing behind for the next one"),
    Row("PIT-26", "Discarded records do not restart the time limit of a receive"),
    Row("PIT-30", "Counters count each byte once"),
    Row("PIT-31", "A server of datagrams accepts clients of both families and loses none half-way"),
    Row("PIT-32", "Descriptors are not inherited, options fit the family, names do not block, lists "
                  "are shuffled by real randomness and both families race"),
    Row("PIT-33", "TLSA records are refused where DANE is off, and may be set before the first connect"),
]

# ---- the tests ----------------------------------------------------------------------------------

TAG = r"(?:[A-Z]|PIT-|FW-|HTTP-)\d+[a-z]?"
TAGS = rf"{TAG}(?:[ \t]*,[ \t]*{TAG})*"
C_MARK = re.compile(r"/\*[ \t]*scenario:")
C_TEST = re.compile(
    rf"/\*[ \t]*scenario:[ \t]*({TAGS})[ \t]*\*/\s*(?:static\s+)?void\s+(\w+)\s*\(void\s*\*\*")
PY_MARK = re.compile(r"#[ \t]*scenario:")
PY_TEST = re.compile(  # decorators may stand between
    rf"#[ \t]*scenario:[ \t]*({TAGS})[ \t]*\n(?:[ \t]*@.*\n)*[ \t]*(?:async\s+)?def\s+(test_\w+)")


class BadMark(Exception):
    pass


def marked_tests(path):
    """Yields (tag, function) for each scenario comment in the file."""
    text = path.read_text(encoding="utf-8")
    mark, test = (C_MARK, C_TEST) if path.suffix == ".c" else (PY_MARK, PY_TEST)
    for found in mark.finditer(text):
        match = test.match(text, found.start())
        if match is None:
            line = text.count("\n", 0, found.start()) + 1
            raise BadMark(f"{path.relative_to(ROOT)}:{line}: "
                          "a scenario comment must name tags and stand directly above a test")
        for tag in re.split(r"\s*,\s*", match[1]):
            yield tag, match[2]


def tests_by_tag():
    """tag -> [("conform/tls", "test_x"), ...]"""
    by_tag = {}
    for folder in TEST_FOLDERS:
        for path in sorted((ROOT / "tests" / folder).rglob("test_*")):
            if path.suffix not in (".c", ".py"):
                continue
            program = f"{folder}/{path.stem[len('test_'):]}"
            for tag, function in marked_tests(path):
                by_tag.setdefault(tag, []).append((program, function))
    return by_tag


def all_rows():
    """The rows with their tests, the pitfalls likewise, then one for each T and H tag that a test names."""
    by_tag = tests_by_tag()
    for row in ROWS + PITS:
        row.tests = by_tag.pop(row.tag, [])
    extra = []
    for tag in sorted(by_tag, key=lambda t: (t[0], int(re.sub(r"\D", "", t)), t)):
        if not re.match(r"T([1-9]|1\d|2[0-5])[a-z]?$|H\d{2,3}$", tag):
            program, function = by_tag[tag][0]
            raise BadMark(f"{program}: {function}: there is no scenario {tag}")
        extra.append(Row(tag, "", tests=by_tag[tag]))
    return ROWS, PITS, extra


# ---- their results ------------------------------------------------------------------------------

NOT_RUN = "not run"


def results_of(folder):
    """(program, function) -> the statuses it had, over presets, pairs of libraries and parameters"""
    statuses = {}
    if folder.is_dir():
        for case in test_summary.read_results(folder):
            test = tuple(re.sub(r"\[.*$", "", part) for part in (case.program, case.name))
            statuses.setdefault(test, set()).add(case.status)
    return statuses


def result_of_test(statuses):
    """Passed somewhere and failed nowhere is passed."""
    for status in (test_summary.FAILED, test_summary.PASSED, test_summary.SKIPPED):
        if status in statuses:
            return status
    return NOT_RUN


def result_of_row(row, results):
    """As good as the worst of its tests."""
    if row.never:
        return "-"
    if not row.tests:
        return "no test"
    outcomes = {result_of_test(results.get(test, set())) for test in row.tests}
    for worst in (test_summary.FAILED, NOT_RUN, test_summary.SKIPPED):
        if worst in outcomes:
            return worst
    return test_summary.PASSED


PAGE_ROW = re.compile(r"\| (\S+) \| .* \| ([^|]+) \|")
PAGE_TEST = re.compile(r"([\w/]+): `(\w+)`")


def rows_of_page(text):
    """tag -> (line, result) of a page that is there"""
    return {found[1]: (found[0], found[2]) for found in map(PAGE_ROW.fullmatch, text.splitlines())
            if found and found[1] not in ("row", "tag")}


def results_of_page(text):
    """As results_of: a row that passed tells of its tests that they did."""
    return {(program, function): {test_summary.PASSED}
            for line, result in rows_of_page(text).values() if result == test_summary.PASSED
            for program, function in PAGE_TEST.findall(line)}


# ---- the page -----------------------------------------------------------------------------------

HEAD = """\
# Scenarios

<!-- Made by tools/scenarios.py from the comments in the tests: change those, not this page. -->

What must work, the tests that prove it, and how they went when this page was made. `scripts/test` shows at its end
which rows its own run tells otherwise.

| row | statement | tests | result |
|---|---|---|---|
"""
PITS_HEAD = """
## Pitfalls (PIT)

Mistakes that other clients made, turned around: what must be true here, and the tests that prove it.

| row | statement | tests, or why it cannot happen | result |
|---|---|---|---|
"""
EXTRA_HEAD = """
## Pains of the field (T) and hostile inputs (H)

| tag | tests | result |
|---|---|---|
"""


def cell_of_tests(row):
    return "<br>".join(f"{program}: `{function}`" for program, function in row.tests)


def line_of_row(row, results):
    proof = f"cannot happen: {row.never}" if row.never else cell_of_tests(row)
    return f"| {row.tag} | {row.statement} | {proof} | {result_of_row(row, results)} |\n"


def page(rows, pits, extra, results):
    text = HEAD + "".join(line_of_row(row, results) for row in rows)
    text += PITS_HEAD + "".join(line_of_row(row, results) for row in pits)
    if extra:
        text += EXTRA_HEAD
        for row in extra:
            text += f"| {row.tag} | {cell_of_tests(row)} | {result_of_row(row, results)} |\n"
    return text


def lacks(rows):
    """What is wrong with the marks of the tests."""
    for row in rows:
        if not row.never and not row.tests:
            yield f"no test for {row.tag}: {row.statement}"
        if row.never and row.tests:
            yield f"{row.tag} cannot happen, and has a test: {row.statement}"


def old_rows(text, rows, pits, extra):
    """What the page that is there says of other tests than those of today, or of no success."""
    found, wanted = rows_of_page(text), rows_of_page(page(rows, pits, extra, results_of_page(text)))
    for tag in sorted({*found, *wanted}):
        if tag not in found or tag not in wanted or found[tag][0] != wanted[tag][0]:
            yield f"{tag}: the page is older than the tests"
        elif found[tag][1] not in (test_summary.PASSED, "-"):
            yield f"{tag}: the page says '{found[tag][1]}'"


def compare(text, rows, results):
    """Where a run and the page differ."""
    said = rows_of_page(text)
    for row in rows:
        was = result_of_row(row, results)
        page_says = said.get(row.tag, ("", "nothing"))[1]
        if was == page_says:
            continue
        names = [f"{program}: {function}" for program, function in row.tests
                 if result_of_test(results.get((program, function), set())) == was]
        yield f"{row.tag}: the page says '{page_says}', this run '{was}': {', '.join(names)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path, nargs="?", default=ROOT / "build/results",
                        help="results of a run of scripts/test (default: build/results)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true",
                      help="write nothing; fail when a row that must have a test has none")
    what.add_argument("--compare", action="store_true",
                      help="write nothing; fail when the run went otherwise than the page says")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/scenarios.md")
    arguments = parser.parse_args()

    try:
        rows, pits, extra = all_rows()
    except BadMark as mistake:
        print(mistake)
        return 1
    every = rows + pits + extra
    text = arguments.page.read_text(encoding="utf-8") if arguments.page.exists() else ""
    if arguments.check:
        wrong, old = list(lacks(rows + pits)), list(old_rows(text, rows, pits, extra))
        print("".join(f"{line}\n" for line in wrong + old), end="")
        print(f"scenarios: {len(every)} rows, {len(wrong)} without what they need; of {len(old)} the "
              f"page is old" + (": run their tests, then tools/scenarios.py" if old else ""))
        return 1 if wrong else 0
    if arguments.compare:
        differences = list(compare(text, every, results_of(arguments.results)))
        print("".join(f"{line}\n" for line in differences), end="")
        print(f"scenarios: {len(every)} rows, {len(differences)} went otherwise than the page says" +
              (": tools/scenarios.py renews it" if differences else ""))
        return 1 if differences else 0

    results = {**results_of_page(text), **results_of(arguments.results)}
    arguments.page.parent.mkdir(parents=True, exist_ok=True)
    arguments.page.write_text(page(rows, pits, extra, results), encoding="utf-8")
    bad = [row for row in every if result_of_row(row, results) not in (test_summary.PASSED, "-")]
    for row in bad:
        print(f"{row.tag}: {result_of_row(row, results)}")
    print(f"scenarios: wrote {arguments.page}, {len(bad)} rows not passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
