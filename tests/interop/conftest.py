# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import agent as agent_module  # noqa: E402
import certs  # noqa: E402
import drive as drive_module  # noqa: E402
import leshan as leshan_module  # noqa: E402
import lwdevice  # noqa: E402
import servers  # noqa: E402
from peers import Peers, free_port  # noqa: E402


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


@pytest.fixture(scope="session")
def lwm2m_trust(pki, tmp_path_factory):
    """Whom servers trust: the root and the intermediate, for a device has one certificate in /0/x/3
    and sends no issuer. In cas.pem, and as files in anchors."""
    folder = tmp_path_factory.mktemp("trust")
    (folder / "anchors").mkdir()
    cas = [pki / "root.pem", pki / "intermediate.pem"]
    (folder / "cas.pem").write_text("".join(ca.read_text() for ca in cas))
    for ca in cas:
        (folder / "anchors" / f"{ca.stem}.der").write_bytes(certs.ders(ca)[0])
    return folder


@pytest.fixture(scope="session")
def leshan_server(pki, lwm2m_trust, tmp_path_factory):
    server = leshan_module.Leshan(
        tmp_path_factory.mktemp("leshan"), "-cert", pki / "both-chain.pem",
        "-prik", pki / "both-key.der", "-truststore", lwm2m_trust / "anchors")
    yield server
    server.stop()


@pytest.fixture
def leshan(leshan_server):
    """Leshan with nobody registered by this test; what a failed test saw of its log is shown."""
    leshan_server.mark()
    return leshan_server


@pytest.fixture
def start_lab(pki, lwm2m_trust, tmp_path):
    """Starts a linnet-lab with these options; it must end well, and by itself."""
    running = []

    def start(*options):
        running.append(servers.Lab(
            tmp_path, "--cert", pki / "both-chain.pem", "--key", pki / "both.key",
            "--ca", lwm2m_trust / "cas.pem", *options))
        return running[-1]
    if not servers.LAB.exists():
        pytest.skip("linnet-lab was not built (Debian packages libcoap3-dev, "
                    "libedit-dev and libexpat1-dev)")
    yield start
    for lab in running:
        if lab.program.process.poll() is None:  # else the test ended it
            status, log = lab.stop()
            assert status == 0, log


@pytest.fixture
def lab(start_lab):
    return start_lab()


@pytest.fixture
def leshan_driver(leshan):
    return servers.Leshan(leshan)


@pytest.fixture(params=["leshan_driver", "lab"], ids=["leshan", "lab"])
def server(request):
    """Each of the LwM2M servers, driven in one way (servers.py)."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def start_device():
    """Starts devices of ours; each must end well."""
    running = []

    def start(endpoint, *accounts, **config):
        running.append(lwdevice.LwDevice(endpoint, *accounts, legacy_server=True, **config))
        return running[-1]
    yield start
    for device in running:
        if device.program.process.poll() is None:
            device.settle()
            assert device.stop() == 0, device.program.log


@pytest.fixture
def start_agent(tmp_path):
    """Starts a linnet-agent with these options; it must end well, and by itself."""
    running = []

    def start(*options, **how):
        running.append(agent_module.Agent(tmp_path, *options, **how))
        return running[-1]
    if not agent_module.AGENT.exists():
        pytest.skip("linnet-agent was not built (Debian package libinih-dev)")
    yield start
    for one in running:
        if one.program.process.poll() is None:
            assert one.stop() == 0, one.log


AGENT_KEY = "00112233445566778899aabbccddeeff"


@pytest.fixture
def keyed(lab, tmp_path):
    """Options of an agent that the lab knows as "dev"."""
    lab.add_psk("dev", "dev-id", AGENT_KEY)
    key = tmp_path / "key"
    key.write_text(AGENT_KEY + "\n")
    return ["--server", lab.coaps_uri, "--endpoint", "dev", "--psk-identity", "dev-id",
            "--psk-key", f"@{key}"]


@pytest.fixture
def certified(start_lab, pki, start_agent):
    """Starts a lab with this certificate, and an agent with that; both by certificates. The last lab is .lab."""
    port = free_port(("udp",))

    def serve(name):
        start.lab = start_lab("--secure-port", port, "--certified", "client", "--cert",
                              pki / f"{name}-chain.pem", "--key", pki / f"{name}.key")

    def start(server, *options, client="client", ca="root", **how):
        serve(server)
        return start_agent("--server", f"coaps://127.0.0.1:{port}", "--endpoint", "client", "--ca",
                           pki / f"{ca}.pem", "--certificate", pki / f"{client}-chain.pem", "--key",
                           pki / f"{client}.key", *options, **how)

    def again(server):
        assert start.lab.stop()[0] == 0
        serve(server)
    start.again = again
    return start


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    server = getattr(item, "funcargs", {}).get("server") or item.funcargs.get("lab")
    if report.failed and server is not None:
        report.sections.append((f"the log of {server.name}", server.log))
