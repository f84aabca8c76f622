# SPDX-License-Identifier: Apache-2.0
"""tools/scenarios.py on a small tree: which marks it reads, which it refuses, what it makes of them."""

import importlib
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
    assert found["S1"].endswith("| no test |")


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
    ("/* scenario: S1 */\nstatic void helper(int x)\n", "directly above a test"),
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


def junit(*functions, program="conform/tls", went="OK"):
    cases = "".join(f"[ RUN      ] {name}\n[       {went} ] {name}\n" for name in functions)
    return (f'<testsuite><testcase name="{program}" status="run"><system-out>{cases}'
            "</system-out></testcase></testsuite>")


CUT = "/* scenario: S43 */\nstatic void test_cut(void **state)\n{ }\n"
WAIT = "/* scenario: S44, S43 */\nstatic void test_wait(void **state)\n{ }\n"


def about(output, *tags):
    return [line for line in output.splitlines() if line.split(":")[0] in tags]


def test_a_page_of_other_tests_is_told(tree):
    """A test more, and a test less: the page in the tree has to follow."""
    write(tree, "tests/conform/test_tls.c", CUT)
    write(tree, "build/results/dev/ctest.xml", junit("test_cut"))
    assert rows(tree)["S43"].endswith("`test_cut` | passed |")
    assert not about(scenarios(tree, "--check")[1], "S43")
    write(tree, "tests/conform/test_tls.c", CUT + WAIT)
    assert about(scenarios(tree, "--check")[1], "S43") == ["S43: the page is older than the tests"]
    write(tree, "tests/conform/test_tls.c", "")
    assert about(scenarios(tree, "--check")[1], "S43") == ["S43: the page is older than the tests"]


def test_a_page_that_tells_of_no_success_is_told(tree):
    write(tree, "tests/conform/test_tls.c", CUT)
    assert rows(tree)["S43"].endswith("| not run |")
    assert about(scenarios(tree, "--check")[1], "S43") == ["S43: the page says 'not run'"]


def test_a_part_of_the_tests_renews_its_own_rows(tree):
    """Who adds a test runs that one; all others keep their result."""
    write(tree, "tests/conform/test_tls.c", CUT)
    write(tree, "tests/unit/test_a.c", "/* scenario: S12 */\nstatic void test_zero(void **s)\n{\n}\n")
    write(tree, "build/results/dev/ctest.xml", junit("test_cut"))
    assert rows(tree)["S12"].endswith("| not run |")
    write(tree, "build/results/dev/ctest.xml", junit("test_zero", program="unit/a"))
    found = rows(tree)
    assert found["S12"].endswith("| passed |") and found["S43"].endswith("| passed |")
    write(tree, "build/results/dev/ctest.xml", junit("test_cut", went="FAILED"))
    found = rows(tree)
    assert found["S12"].endswith("| passed |") and found["S43"].endswith("| failed |")
    write(tree, "build/results/dev/ctest.xml", junit("test_zero", program="unit/a"))
    assert rows(tree)["S43"].endswith("| not run |")  # a failure is not carried on, nor forgotten


@pytest.mark.parametrize("results, says", [
    (junit("test_cut", "test_wait"), None),
    (junit("test_cut", "test_wait", went="FAILED"), "this run 'failed': conform/tls: test_cut, conform/tls: test_wait"),
    (junit("test_cut"), "this run 'not run': conform/tls: test_wait"),
    (junit("test_cut", "test_wait", went="SKIPPED"), "this run 'skipped'")])
def test_a_run_is_compared_with_the_page(tree, results, says):
    """A test that has a mark and is in no table of tests never runs: that shows here."""
    write(tree, "tests/conform/test_tls.c", CUT + WAIT)
    write(tree, "build/results/dev/ctest.xml", junit("test_cut", "test_wait"))
    rows(tree)
    write(tree, "build/results/dev/ctest.xml", results)
    status, output = scenarios(tree, "--compare")
    told = about(output, "S43")
    assert (told == []) == (says is None) and all(says in line for line in told)
    assert status == (says is not None)


# Pains (T) and hostile inputs (H) of CoAP and LwM2M: first and last number.
PROTOCOL = [("T", 4, 7), ("T", 12, 12), ("T", 15, 15), ("H", 1, 25), ("H", 30, 42), ("H", 50, 58),
            ("H", 65, 68), ("H", 72, 76), ("H", 80, 83)]


def test_each_hostile_input_of_the_protocol_has_a_test(monkeypatch):
    """Of this tree, which the other tests do not look at; each H has one without a real peer."""
    monkeypatch.syspath_prepend(TOOLS)
    by_tag = importlib.import_module("scenarios").tests_by_tag()
    wanted = [f"{letter}{number:02}" if letter == "H" else f"{letter}{number}"
              for letter, first, last in PROTOCOL for number in range(first, last + 1)]
    found = {tag for tag, tests in by_tag.items()
             if tag[0] == "T" or any(not program.startswith("interop/") for program, _ in tests)}
    assert [tag for tag in wanted if tag not in found] == []
