# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import drive as drive_module  # noqa: E402
from peers import Peers  # noqa: E402


def pytest_sessionstart(session):
    for program in (drive_module.LINNET, drive_module.SOCKDRIVE, drive_module.MKPKI):
        if not program.exists():
            raise pytest.UsageError(f"{program} is not built; LINNET_BUILD_DIR names the build")


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """A fresh PKI; what is in it stands at the top of tests/support/mkpki.c."""
    folder = tmp_path_factory.mktemp("pki")
    subprocess.run([drive_module.MKPKI, folder], check=True)
    return folder


@pytest.fixture
def peers(pki, tmp_path):
    servers = Peers(pki, tmp_path)
    yield servers
    servers.stop()


def backends():
    """The TLS libraries of the build, by name, the default one first."""
    driver = drive_module.Drive()
    names = [b.name for b in driver.do("backends").backends]
    driver.stop()
    return names


def pytest_generate_tests(metafunc):
    if "drive" in metafunc.fixturenames:
        metafunc.parametrize("drive", backends(), indirect=True)


@pytest.fixture
def drive(request):
    """Our side, with each TLS library in turn."""
    driver = drive_module.Drive(request.param)
    yield driver
    driver.stop()
