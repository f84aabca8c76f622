# SPDX-License-Identifier: Apache-2.0
"""The example for microcontrollers, on the board that has sockets, at linnet-lab. scripts/test --ci runs it
again with the program of the preset min, which has no texts, no TLS and no port, and with that of least, which
is without all that LN_WITHOUT can name: LINNET_MICROCONTROLLER is its path, LINNET_WITHOUT what it is without."""

import os
import pathlib

import pytest
from drive import BUILD
from peers import Program

DEVICE = pathlib.Path(os.environ.get("LINNET_MICROCONTROLLER",
                                     BUILD / "bin/example_08_microcontroller"))
WITHOUT = os.environ.get("LINNET_WITHOUT", "").split(";")
NAME = "small"

# Commands of the lab, and the codes of their answers with the feature and without it. The second comes in
# blocks, since it is long.
FEATURES = [
    ("attributes", ["write-attributes", NAME, "/1/0/1", "pmin=0", "pmax=60"], "2.04", "4.05"),
    ("blocks", ["write", NAME, "/1/0/7", "U" * 2000], "4.00", "4.02"),
    ("discover", ["discover", NAME, "/3/0"], "2.05", "4.06"),
]


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
    assert lab.read(NAME, "/0/0/0").code == "4.01"
    assert lab.read(NAME, "/3/0/42").code == "4.04"

    # what it may be without, and how that is refused
    for feature, command, has, lacks in FEATURES:
        assert lab.ask(*command).code == (lacks if feature in WITHOUT else has), command

    # a Write of a Server resource, and what its observer hears
    since = lab.mark()
    assert lab.command("observe", NAME, "/1/0/1")["observing"] == ("observe" not in WITHOUT)
    assert lab.write(NAME, "/1/0/1", 120).code == "2.04"
    if "observe" not in WITHOUT:
        lab.wait("notification", NAME, "/1/0/1", since=since)
    assert lab.read(NAME, "/1/0/1", "TEXT").value == 120

    # the restart: an answer, a farewell, the end
    assert lab.execute(NAME, "/3/0/4").code == "2.04"
    lab.wait("deregistered", NAME)
    device.wait_for("restart")
    assert device.process.wait(timeout=20) == 0
