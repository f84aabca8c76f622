# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` puts down: a program of ten lines builds on it and runs, found by pkg-config and
by find_package; with the static library, and with the shared one. And the unit of the agent, which systemd
takes."""

import os
import shutil
import subprocess

import pytest

from drive import BUILD, ROOT
from peers import need

DEPENDENCIES = ROOT / "build/deps/mbedtls"  # where the system's Mbed TLS is too old (scripts/setup)

PROGRAM = r"""
#include <linnet/objects.h>
#include <stdio.h>

int main(void)
{
    struct ln_env *env = NULL;
    struct ln_client *client = NULL;
    struct ln_client_config config = LN_CLIENT_CONFIG_INIT;
    enum ln_status st = ln_env_posix_new(&env);
    config.env = env;
    config.endpoint = "ten-lines";
    if (st == LN_OK)
        st = ln_client_new(&config, NULL, &client);
    if (st == LN_OK)
        st = ln_core_objects_add(client);
    printf("%s\n", ln_status_name(st));
    ln_client_free(client);
    ln_env_posix_free(env);
    return st != LN_OK;
}
"""

NAMES = r"""
#include <linnet/registry.h>

int main(void)
{
    struct ln_registry_object device;
    return !ln_registry_object(3, &device);
}
"""

TESTKIT = r"""
#include <linnet/testkit.h>

int main(void)
{
    struct ln_testkit *kit = NULL;
    enum ln_status st = ln_testkit_new(NULL, &kit);
    ln_testkit_free(kit);
    return st != LN_OK;
}
"""

CPP = r"""
#include <cstdio>
#include <linnet/firmware.h>
#include <linnet/http.h>
#include <linnet/objects.h>

struct everything {
    bool b; int8_t i8; uint8_t u8; int16_t i16; uint16_t u16; int32_t i32; uint32_t u32;
    int64_t i64; uint64_t u64; float f; double d; char text[8]; const char *constant; ln_objlnk link;
    LN_BYTES(4) bytes;
    LN_MULTI(double, 3) many;
    LN_MULTI_TEXT(8, 2) texts;
};

#define ONE(id, member) LN_RESOURCE(id, LN_VALUE_INTEGER, LN_RES_READ, everything, member)

static const ln_resource resources[] = {
    ONE(0, b), ONE(1, i8), ONE(2, u8), ONE(3, i16), ONE(4, u16), ONE(5, i32), ONE(6, u32),
    ONE(7, i64), ONE(8, u64), ONE(9, f), ONE(10, d), ONE(11, text), ONE(12, constant), ONE(13, link),
    LN_RESOURCE_BYTES(14, LN_VALUE_OPAQUE, LN_RES_READ, everything, bytes),
    LN_RESOURCE_MULTI(15, LN_VALUE_FLOAT, LN_RES_READ, everything, many),
    LN_RESOURCE_MULTI(16, LN_VALUE_STRING, LN_RES_READ, everything, texts),
    LN_RESOURCE_OPS(17, LN_VALUE_STRING, LN_RES_READ),
    LN_RESOURCE_EXECUTE(18, 0),
};

int main()
{
    const ln_client_config client = LN_CLIENT_CONFIG_INIT;
    const ln_account account = LN_ACCOUNT_INIT;
    const ln_tls_options tls = LN_TLS_OPTIONS_INIT;
    const ln_sock_options sock = LN_SOCK_OPTIONS_INIT;
    const ln_download_options download = LN_DOWNLOAD_OPTIONS_INIT;
    const ln_firmware_config firmware = LN_FIRMWARE_CONFIG_INIT;
    const ln_http_options http = LN_HTTP_OPTIONS_INIT;
    ln_env *env = nullptr;
    bool good = client.size == sizeof client && client.max_version == LN_LWM2M_1_1 &&
                account.ssid == 1 && account.usage == 3 && account.lifetime_s == 86400 &&
                account.store && tls.size == sizeof tls && download.size == sizeof download &&
                firmware.size == sizeof firmware && http.size == sizeof http && sock.mtu == 0;
    for (const ln_resource &r : resources)
        std::printf("%d ", r.store);
    good = good && ln_env_posix_new(&env) == LN_OK;
    ln_env_posix_free(env);
    return good ? 0 : 1;
}
"""

PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(user C)
find_package(Linnet {version} REQUIRED)
foreach(name IN ITEMS {names})
    add_executable(${{name}} ${{name}}.c)
endforeach()
target_link_libraries(program PRIVATE Linnet::linnet)
target_link_libraries(names PRIVATE Linnet::registry)
if(TARGET testkit)
    target_link_libraries(testkit PRIVATE Linnet::testkit)
endif()
"""


def run(*argv, **how):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False, **how)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done.stdout


def built_shared(folder):
    """The dev build is static, for its tests; a shared library is a build of its own."""
    run("cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DBUILD_SHARED_LIBS=ON", "-DLN_LAB=OFF",
        "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "--build", folder)
    return folder


@pytest.fixture(scope="module", params=["static", "shared"])
def installed(request, tmp_path_factory):
    """A prefix, moved after it was filled: nothing in it may know where it was made."""
    folder = tmp_path_factory.mktemp(request.param)
    build = BUILD if request.param == "static" else built_shared(folder / "build")
    run("cmake", "--install", build, "--prefix", folder / "made")
    (folder / "made").rename(folder / "moved")
    return request.param, folder / "moved"


def sources(folder, kind):
    names = {"program": PROGRAM, "names": NAMES}
    if kind == "static":
        names["testkit"] = TESTKIT
    for name, text in names.items():
        (folder / f"{name}.c").write_text(text)
    return list(names)


def environment(kind, prefix):
    """In which pkg-config and the dynamic linker find what was installed."""
    folder = next(prefix.glob("lib/**/linnet.pc")).parent
    env = {**os.environ, "PKG_CONFIG_PATH": f"{folder}:{DEPENDENCIES}/lib/pkgconfig"}
    if kind == "shared":
        env["LD_LIBRARY_PATH"] = str(folder.parent)
    return env


def test_a_program_by_pkg_config(installed, tmp_path):
    kind, env = installed[0], environment(*installed)
    for name in sources(tmp_path, kind):
        package = {"program": "linnet", "names": "linnet-registry", "testkit": "linnet-testkit"}[name]
        flags = run("pkg-config", "--cflags", "--libs", package, env=env).split()
        run("cc", "-std=c11", "-Wall", "-Werror", tmp_path / f"{name}.c", "-o", tmp_path / name, *flags)
        said = run(tmp_path / name, env=env)
        assert said == ("LN_OK\n" if name == "program" else "")


def test_a_program_in_cpp(installed, tmp_path):
    """C++17 has neither designated initialisers nor _Generic; the macros work all the same."""
    env = environment(*installed)
    flags = run("pkg-config", "--cflags", "--libs", "linnet", env=env).split()
    (tmp_path / "program.cpp").write_text(CPP)
    for compiler in ("g++", "clang++"):
        run(compiler, "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
            tmp_path / "program.cpp", "-o", tmp_path / "program", *flags)
        assert run(tmp_path / "program", env=env).split() == \
            [str(store) for store in (*range(1, 14), 15, 14, 11, 12, 0, 0)]


def test_a_program_by_find_package(installed, tmp_path):
    kind, prefix = installed
    version = run(prefix / "bin/linnet", "--version").split()[1]
    names = sources(tmp_path, kind)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT.format(version=version, names=" ".join(names)))
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={prefix};{DEPENDENCIES}")
    run("cmake", "--build", tmp_path / "build")
    for name in names:
        said = run(tmp_path / "build" / name)
        assert said == ("LN_OK\n" if name == "program" else "")


def test_another_version_is_refused(installed, tmp_path):
    _, prefix = installed
    (tmp_path / "CMakeLists.txt").write_text(PROJECT.format(version="99.0", names=""))
    done = subprocess.run(["cmake", "-S", tmp_path, "-B", tmp_path / "build",
                           f"-DCMAKE_PREFIX_PATH={prefix};{DEPENDENCIES}"],
                          capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "99.0" in done.stderr and "Linnet" in done.stderr


def test_programs_and_their_pages(installed):
    """Each program runs where it was put, and has its manual page."""
    kind, prefix = installed
    programs = sorted(p.name for p in (prefix / "bin").iterdir())
    built = sorted(p for p in ("linnet", "linnet-agent", "linnet-lab") if (BUILD / "bin" / p).exists())
    assert programs == [p for p in built if kind == "static" or p != "linnet-lab"]
    for program in programs:
        assert run(prefix / "bin" / program, "--version").startswith(f"{program} ")
    if shutil.which("scdoc") is None:
        pytest.skip("scdoc is not installed (Debian package scdoc)")
    pages = {page.name for page in prefix.glob("share/man/man*/*")}
    absent = {"linnet-agent", "linnet-lab"} - set(programs)  # all other pages are those of linnet
    wanted = {page.stem for page in (ROOT / "man").glob("*.scd") if page.name.split(".")[0] not in absent}
    assert pages == wanted
    for page in prefix.glob("share/man/man*/*"):
        assert page.read_text().splitlines()[0].startswith(".\\\"")


def test_what_systemd_says_of_the_unit(tmp_path):
    """It understands all of it, and its program is confined: 2.5 of 10 at most, where 10 is a program that may do
    anything."""
    analyze = need("systemd-analyze")
    run("cmake", "--install", BUILD, "--prefix", tmp_path)
    unit = tmp_path / "lib/systemd/system/linnet-agent.service"
    done = subprocess.run([analyze, "verify", "--man=no", "--recursive-errors=no", unit], capture_output=True,
                          text=True, check=False)
    said = done.stdout + done.stderr  # also of the machine's units that it goes with
    assert done.returncode == 0 and "linnet-agent" not in said, said
    run(analyze, "security", "--offline=true", "--threshold=25", unit)
