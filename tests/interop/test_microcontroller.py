# SPDX-License-Identifier: Apache-2.0
"""The example for microcontrollers, on the board that has sockets, at linnet-lab. scripts/test --ci runs it
a second time with the program of the preset min, which has no texts, no TLS and no port:
LINNET_MICROCONTROLLER is its path."""

import os
import pathlib

import pytest
from drive import BUILD
from peers import Program

DEVICE = pathlib.Path(os.environ.get("LINNET_MICROCONTROLLER",
                                     BUILD / "bin/example_08_microcontroller"))
NAME = "small"


@pytest.fixture(name="device")
def fixture_device(lab):
    program = Program([str(DEVICE), lab.coap_uri, NAME])
    lab.wait("registered", NAME)
    program.wait_for("registered at server 1")
    yield program
    program.stop()


def test_it_is_managed(lab, device):
    assert {"/1/0", "/3/0"} <= set(lab.registration(NAME)["objects"])
    assert lab.read(NAME, "/3/0/0", "TEXT").value == "Linnet"
    assert lab.read(NAME, "/3/0/9", "TEXT").value == 77
    values = lab.read(NAME, "/3/0", "TLV").values
    assert values["/3/0/1"] == "example 08"
    assert lab.ask("discover", NAME, "/3/0").code == "2.05"
    assert lab.read(NAME, "/0/0/0").code == "4.01"
    assert lab.read(NAME, "/3/0/42").code == "4.04"

    # a Write of a Server resource, and what its observer hears
    assert lab.write_attributes(NAME, "/1/0/1", pmin=0, pmax=60).code == "2.04"
    since = lab.mark()
    assert lab.observe(NAME, "/1/0/1").code == "2.05"
    assert lab.write(NAME, "/1/0/1", 120).code == "2.04"
    lab.wait("notification", NAME, "/1/0/1", since=since)
    assert lab.read(NAME, "/1/0/1", "TEXT").value == 120

    # the restart: an answer, a farewell, the end
    assert lab.execute(NAME, "/3/0/4").code == "2.04"
    lab.wait("deregistered", NAME)
    device.wait_for("restart")
    assert device.process.wait(timeout=20) == 0
