# SPDX-License-Identifier: Apache-2.0
"""What the pages promise is there: their C compiles, their links lead somewhere, the files and options
that they name exist.

The C of a page stands in a frame, snippets/<page>.c, at the lines /* snippet N */; the compiler then
names the line of the page. Pages that show pieces of one program name it in PROGRAMS instead, and each
piece has to stand there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRAMES = Path(__file__).resolve().parent / "snippets"
PAGES = [path for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
         if not path.name.endswith(".in.md")]
PROGRAMS = {"howto-testkit": "tests/unit/test_testkit_example.c"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
COMPILE = ["-c", "-o", "/dev/null", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
           "-Wno-unused-variable", "-Wno-unused-function", "-Wno-unused-but-set-variable",
           "-Wno-unused-parameter", f"-I{ROOT}/include"]


def fences(page, kind):
    """(line, text) of each block of that kind."""
    text = page.read_text()
    return [(text[:m.start(2)].count("\n") + 1, m[2]) for m in FENCE.finditer(text) if m[1] == kind]


WITH_C = [page for page in PAGES if fences(page, "c")]


def fill(frame, page):
    """The frame with the page's C in it."""
    snippets = fences(page, "c")
    used = []

    def put(match):
        used.append(int(match[1]))
        line, text = snippets[int(match[1]) - 1]
        behind = frame[:match.end()].count("\n") + 2
        return f'#line {line} "{page}"\n{text}#line {behind} "frame"'
    filled = re.sub(r"^ */\* snippet (\d+) \*/$", put, frame, flags=re.M)
    assert sorted(used) == list(range(1, len(snippets) + 1)), "the frame has each snippet once"
    return filled


def compile_c(source):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    return subprocess.run([compiler, *COMPILE, "-x", "c", "-"], input=source, text=True,
                          capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("page", [page for page in WITH_C if page.stem not in PROGRAMS],
                         ids=lambda page: page.stem)
def test_snippets_compile(page):
    done = compile_c(fill((FRAMES / f"{page.stem}.c").read_text(), page))
    assert done.returncode == 0, done.stderr


def test_a_snippet_that_does_not_compile_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# x\n\n```c\nint a = ln_no_such();\n```\n")
    done = compile_c(fill("void f(void);\nvoid f(void)\n{\n/* snippet 1 */\n}\n", page))
    assert done.returncode != 0 and f"{page}:4:" in done.stderr


@pytest.mark.parametrize("page", [page for page in WITH_C if page.stem in PROGRAMS],
                         ids=lambda page: page.stem)
def test_snippets_stand_in_their_program(page):
    def words(text):
        return " ".join(text.split())
    program = words((ROOT / PROGRAMS[page.stem]).read_text())
    for line, text in fences(page, "c"):
        assert words(text) in program, f"{page}:{line} is not in {PROGRAMS[page.stem]}"


# ---- links, files, options ----

def anchor(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page):
    return {anchor(re.sub(r"[`*]", "", m[1])) for m in
            re.finditer(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.M)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://")):
            continue
        path, _, place = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists() and ROOT in [found, *found.parents], f"{page.name}: {target}"
        assert not place or place in anchors(found), f"{page.name}: no heading {target}"


def test_every_page_is_found_from_the_first():
    """Whoever begins at README.md finds every page by links."""
    reached, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in re.findall(r"\]\(([^)\s#]+\.md)[^)]*\)", page.read_text()):
            if not target.startswith("http"):
                left.append((page.parent / target).resolve())
    assert set(PAGES) - reached == set()


PLACE = re.compile(r"`((?:src|include|docs|examples|tests|tools|scripts|cmake|agent|cli|lab|man)/[\w./-]+)`")


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem not in ("CHANGELOG", "scenarios")],
                         ids=lambda page: page.stem)
def test_files_that_are_named_exist(page):
    for place in PLACE.findall(FENCE.sub("", page.read_text())):
        if "NN_" in place:  # any of them
            continue
        assert (ROOT / place).exists(), f"{page.name}: `{place}`"


OURS = re.compile(r"^(?:\$ )?(?:build/\S*?bin/)?"
                  r"(linnet(?:-agent|-lab)? |scripts/\w+ |example_\w+ )(.*)$")
SOURCES = {"linnet ": "cli/*.c", "linnet-agent ": "agent/*.c", "linnet-lab ": "lab/*.c"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_options_that_are_shown_exist(page):
    lines = [line for kind in ("sh", "console") for _, text in fences(page, kind)
             for line in text.replace("\\\n", " ").splitlines()]
    for program, words in (m.groups() for m in map(OURS.match, lines) if m):
        where = SOURCES.get(program, "examples/**/*.[ch]") if not program.startswith("scripts/") \
            else program.strip()
        known = "".join(path.read_text() for path in ROOT.glob(where))
        for option in re.findall(r"(?<!\S)--([a-z][\w-]*)", words.split(" #")[0]):
            assert f'"{option}"' in known or f"--{option}" in known, f"{page.name}: {program}--{option}"
