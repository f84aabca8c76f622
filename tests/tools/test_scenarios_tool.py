# SPDX-License-Identifier: Apache-2.0
"""tools/scenarios.py on a small tree: which marks it reads, which it refuses, what it makes of them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture(name="tree")
def fixture_tree(tmp_path):
    """A tree with the tools and no tests: the script looks at the tree it is in."""
    (tmp_path / "tools").mkdir()
    for tool in ("scenarios.py", "scenario_updates.py", "test_summary.py"):
        shutil.copy(TOOLS / tool, tmp_path / "tools")
    return tmp_path


def write(tree, path, text):
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(text)


def scenarios(tree, *options):
    done = subprocess.run([sys.executable, tree / "tools/scenarios.py", *options],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def rows(tree):
    assert scenarios(tree)[0] == 0
    page = (tree / "docs/scenarios.md").read_text()
    return {line.split(" | ")[0].strip("| "): line for line in page.splitlines()
            if line.startswith("| ")}


def test_reads_marks_and_results(tree):
    write(tree, "tests/conform/test_tls.c", """
        /* scenario: S43, T19 */
        static void test_cut(void **state)
        { }
        /* scenario: S44 */
        static void test_wait(void **state)
        { }
        """)
    write(tree, "tests/interop/test_nginx.py",
          "# scenario: S36\n@mark\ndef test_names(kind):\n    pass\n")
    write(tree, "build/results/dev/ctest.xml", """<testsuite>
        <testcase name="conform/tls" status="fail"><system-out>[ RUN      ] test_cut
[       OK ] test_cut
[ RUN      ] test_wait
[  FAILED  ] test_wait
</system-out></testcase></testsuite>""")
    write(tree, "build/results/dev/interop.xml", """<testsuite>
        <testcase classname="tests.interop.test_nginx" name="test_names[san]"/>
        </testsuite>""")
    found = rows(tree)
    assert "conform/tls: `test_cut` | passed |" in found["S43"]
    assert "conform/tls: `test_wait` | failed |" in found["S44"]
    assert "interop/nginx: `test_names` | passed |" in found["S36"]
    assert found["T19"] == "| T19 | conform/tls: `test_cut` | passed |"
    assert found["S1"].endswith("| no test; later: CoAP |")
    assert found["S9"].endswith("| later: firmware |")


def test_a_test_is_as_good_as_with_its_worst_pair(tree):
    write(tree, "tests/conform/test_tls.c", """
        /* scenario: S43 */
        static void test_cut(void **state)
        { }
        """)
    write(tree, "build/results/dev/ctest.xml", """<testsuite>
        <testcase name="conform/tls[openssl-openssl]" status="run"><system-out>[ RUN      ] test_cut
[       OK ] test_cut
</system-out></testcase>
        <testcase name="conform/tls[openssl-mbedtls]" status="fail"><system-out>[ RUN      ] test_cut
[  FAILED  ] test_cut
</system-out></testcase></testsuite>""")
    assert "conform/tls: `test_cut` | failed |" in rows(tree)["S43"]


def test_a_test_that_did_not_run_is_told(tree):
    write(tree, "tests/unit/test_a.c", "/* scenario: S12 */\nstatic void test_zero(void **s)\n{\n}\n")
    assert rows(tree)["S12"].endswith("| not run |")


@pytest.mark.parametrize("mark, words", [
    ("/* scenario: S99 */\nstatic void test_x(void **s)\n", "there is no scenario S99"),
    ("/* scenario: S1 */\nint x;\nstatic void test_x(void **s)\n", "directly above a test"),
    ("/* scenario: the lot */\nstatic void test_x(void **s)\n", "must name tags"),
])
def test_bad_marks_are_refused(tree, mark, words):
    write(tree, "tests/unit/test_a.c", mark)
    status, output = scenarios(tree, "--check")
    assert status == 1
    assert words in output


def test_a_pitfall_has_a_test_or_a_reason(tree):
    write(tree, "tests/unit/test_a.c",
          "/* scenario: PIT-20, PIT-09b */\nstatic void test_x(void **s)\n{\n}\n")
    found = rows(tree)
    assert "unit/a: `test_x` | not run |" in found["PIT-20"]
    assert "unit/a: `test_x` | not run |" in found["PIT-09b"]
    assert "| cannot happen: " in found["PIT-14"]
    write(tree, "tests/unit/test_a.c", "/* scenario: PIT-14 */\nstatic void test_x(void **s)\n{\n}\n")
    status, output = scenarios(tree, "--check")
    assert status == 1
    assert "PIT-14 cannot happen, and has a test: " in output


def test_check_names_rows_without_a_test(tree):
    status, output = scenarios(tree, "--check")
    assert status == 1
    assert "no test for S43: " in output
    assert "S9:" not in output
