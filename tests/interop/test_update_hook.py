# SPDX-License-Identifier: Apache-2.0
"""examples/hooks/versioned_folder alone: what it takes, what it refuses with which Update Result, and that
the release that runs is never anything but a whole one."""

import os
import subprocess

import pytest

from drive import ROOT

HOOK = ROOT / "examples/hooks/versioned_folder"
NO_SPACE, INTEGRITY, PACKAGE_TYPE, FAILED = 2, 5, 6, 8


def run(*argv):
    subprocess.run([str(a) for a in argv], check=True, capture_output=True)


class Product:
    def __init__(self, folder):
        self.folder = folder
        self.releases = folder / "releases"
        (self.releases / "versions/1.0").mkdir(parents=True)
        (self.releases / "versions/1.0/VERSION").write_text("1.0\n")
        (self.releases / "current").symlink_to("versions/1.0")
        self.make_key("signer")
        run("openssl", "pkey", "-in", folder / "signer", "-pubout", "-out", self.releases / "key.pem")

    def make_key(self, name):
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-out", self.folder / name)

    def image(self, version="2.0", signer="signer", check=None, members=("release.tar", "release.sig")):
        release = self.folder / "release"
        release.mkdir(exist_ok=True)
        (release / "data").write_text("what the product is\n")
        if version is not None:
            (release / "VERSION").write_text(f"{version}\n")
        if check is not None:
            (release / "check").write_text(f"#!/bin/sh\n{check}\n")
            (release / "check").chmod(0o755)
        run("tar", "-C", release, "-cf", self.folder / "release.tar", ".")
        run("openssl", "dgst", "-sha256", "-sign", self.folder / signer,
            "-out", self.folder / "release.sig", self.folder / "release.tar")
        run("tar", "-C", self.folder, "-cf", self.folder / "image", *members)
        return self.folder / "image"

    def hook(self, verb, image):
        done = subprocess.run([HOOK, verb, image], capture_output=True, text=True, check=False,
                              env={**os.environ, "LINNET_RELEASES": str(self.releases)})
        return done.returncode, done.stdout + done.stderr

    @property
    def current(self):
        return (self.releases / "current/VERSION").read_text().strip()


@pytest.fixture
def product(tmp_path):
    return Product(tmp_path)


def test_an_update(product):
    image = product.image(check="exit 0")
    assert product.hook("verify", image) == (0, "release 2.0, the signature is right\n")
    assert product.current == "1.0"
    assert product.hook("install", image)[0] == 0
    assert product.current == "2.0"
    assert (product.releases / "current/data").read_text() == "what the product is\n"
    assert os.readlink(product.releases / "previous") == "versions/1.0"
    # as after a loss of power: each step once more
    assert product.hook("install", image)[0] == 0
    assert os.readlink(product.releases / "previous") == "versions/1.0"
    assert product.hook("confirm", image) == (0, "")
    assert sorted(p.name for p in product.releases.iterdir()) == ["current", "key.pem", "previous", "versions"]


def test_a_release_that_does_not_run(product):
    image = product.image(check="exit 1")
    assert product.hook("install", image)[0] == 0
    status, said = product.hook("confirm", image)
    assert status == FAILED and "current again" in said
    assert product.current == "1.0"


@pytest.mark.parametrize("verb", ["verify", "install"])
@pytest.mark.parametrize("what, status", [
    ({"signer": "stranger"}, INTEGRITY), ({"version": None}, PACKAGE_TYPE), ({"version": ""}, PACKAGE_TYPE),
    ({"version": "../../x"}, PACKAGE_TYPE), ({"version": ".x"}, PACKAGE_TYPE), ({"version": "a\nb"}, PACKAGE_TYPE),
    ({"members": ["release.tar"]}, PACKAGE_TYPE),
    ({"members": ["release.tar", "release.sig", "signer"]}, PACKAGE_TYPE)], ids=range(8))
def test_what_is_refused(product, verb, what, status):
    product.make_key("stranger")
    image = product.image(**what)
    assert product.hook(verb, image)[0] == status
    assert product.current == "1.0" and not (product.releases / "previous").exists()


def test_no_image_at_all(product):
    image = product.folder / "garbage"
    image.write_bytes(os.urandom(10000))
    assert product.hook("verify", image)[0] == PACKAGE_TYPE
    assert product.hook("verify", product.folder / "nothing")[0] == PACKAGE_TYPE
    assert product.hook("dance", image)[0] == NO_SPACE
