# SPDX-License-Identifier: Apache-2.0
"""tools/test_summary.py: what it counts, and that nothing that went wrong is lost."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools/test_summary.py"


def summary(folder, *options):
    done = subprocess.run([sys.executable, TOOL, *options, folder],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def write(folder, path, text):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


def ctest(folder, *testcases, preset="dev"):
    write(folder, f"{preset}/ctest.xml", f"<testsuite>{''.join(testcases)}</testsuite>")


def program(output, name="unit/span", status="run", inside=""):
    return (f'<testcase name="{name}" status="{status}">{inside}'
            f"<system-out>{output}</system-out></testcase>")


GOOD = "[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n[       OK ] b\n"
SKIP = "[ RUN      ] c\nskip: no peer\n[  SKIPPED ] c\n"
BAD = "[ RUN      ] d\n[  ERROR   ] --- 0x1 != 0x2\n[  FAILED  ] d\n"
CRASH = "[ RUN      ] e\nabout to crash\n"
LISTS = "[==========] 2 test(s) run.\n[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] d\n"


def test_counts_cases_and_not_programs(tmp_path):
    ctest(tmp_path, program(GOOD))
    assert summary(tmp_path) == (0, ["2 passed, 0 failed, 0 skipped"])


def test_a_program_without_cases_is_one(tmp_path):
    ctest(tmp_path, program("12 inputs\n", "fuzz/coap"))
    assert summary(tmp_path) == (0, ["1 passed, 0 failed, 0 skipped"])


def test_a_failure_is_shown_and_counted_once(tmp_path):
    ctest(tmp_path, program(GOOD + BAD + LISTS, status="fail", inside='<failure message=""/>'))
    status, lines = summary(tmp_path)
    assert status == 1
    assert lines == ["failed: dev/unit/span: d", "    [  ERROR   ] --- 0x1 != 0x2",
                     "2 passed, 1 failed, 0 skipped"]


def test_a_crash_fails_the_case_that_ran(tmp_path):
    ctest(tmp_path, program(GOOD + CRASH, status="fail", inside='<failure message=""/>'))
    status, lines = summary(tmp_path)
    assert status == 1
    assert lines[0] == "failed: dev/unit/span: e: did not end"
    assert lines[-1] == "2 passed, 1 failed, 0 skipped"


def test_a_failure_outside_of_the_cases_counts(tmp_path):
    ctest(tmp_path, program(GOOD + "Direct leak of 8 bytes", status="fail"))
    status, lines = summary(tmp_path)
    assert status == 1
    assert "    Direct leak of 8 bytes" in lines
    assert lines[-1] == "2 passed, 1 failed, 0 skipped"


def test_a_program_that_is_missing_failed(tmp_path):
    ctest(tmp_path, program("", status="notrun",
                            inside='<skipped message="Unable to find executable"/>'))
    status, lines = summary(tmp_path)
    assert (status, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")


def test_output_without_a_line_break_hides_no_case(tmp_path):
    ctest(tmp_path, program("[ RUN      ] a\n12 %[       OK ] a\nx[ RUN      ] b\n[       OK ] b\n"))
    assert summary(tmp_path) == (0, ["2 passed, 0 failed, 0 skipped"])


def test_results_that_cannot_be_read_are_a_failure(tmp_path):
    write(tmp_path, "dev/ctest.xml", "<testsuite><testcase")
    status, lines = summary(tmp_path)
    assert (status, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")


def test_skips_tell_why_and_fail_only_when_strict(tmp_path):
    ctest(tmp_path, program(SKIP))
    expected = ["skipped: dev/unit/span: c: no peer", "0 passed, 0 failed, 1 skipped"]
    assert summary(tmp_path) == (0, expected)
    status, lines = summary(tmp_path, "--strict")
    assert status == 1
    assert lines[0] == expected[0] and lines[-1] == expected[1]


def test_pytest_and_checks_are_counted_too(tmp_path):
    write(tmp_path, "dev/interop.xml", """<testsuites><testsuite>
        <testcase classname="tests.interop.test_dtls" name="test_psk[ccm8]"/>
        <testcase classname="tests.interop.test_dtls" name="test_cert">
            <failure message="assert 1 == 2">where it was</failure></testcase>
        <testcase classname="tests.interop.test_dtls" name="test_cid">
            <skipped message="no such peer"/></testcase></testsuite></testsuites>""")
    write(tmp_path, "checks/format.log", "x.c:1: not formatted\n")
    write(tmp_path, "checks/checks.tsv", "layers\tpassed\t\t\n"
          f"format\tfailed\texit status 1\t{tmp_path}/checks/format.log\n")
    status, lines = summary(tmp_path)
    assert status == 1
    assert lines == ["failed: checks: format: exit status 1", "    x.c:1: not formatted",
                     "failed: dev/interop/dtls: test_cert: assert 1 == 2", "    where it was",
                     "skipped: dev/interop/dtls: test_cid: no such peer",
                     "2 passed, 2 failed, 1 skipped"]


def test_no_results_are_a_failure(tmp_path):
    assert summary(tmp_path) == (1, ["0 passed, 0 failed, 0 skipped"])
