# SPDX-License-Identifier: Apache-2.0
"""Device management of our client by servers that are not ours: every operation, on every object but
/0, which is nobody's, in TLV and in each format that both sides know."""

import pytest
from lwdevice import account
from servers import Link, NoAnswer, Time

# resource of the test objects -> the value that it begins with, another one
VALUES = {110: ("initial value", "ein Wort, \"zwei\" \\ drei \u00e4"), 120: (1024, -9223372036854775808),
          130: (3.14159, -2.5e-3), 140: (True, False), 150: (bytes.fromhex("0123456789abcdef"), b"\0\xff"),
          160: (Time(946684800), Time(1)), 170: (Link(3, 0), Link(65535, 65535))}


@pytest.fixture(name="name")
def fixture_name(request):
    return request.node.originalname  # Leshan keeps what earlier tests left


@pytest.fixture(name="device")
def fixture_device(server, start_device, name):
    since = server.mark()
    device = start_device(name, account(server))
    server.wait("registered", name, since=since)
    device.wait("registered", ssid=1)
    return device


@pytest.fixture(name="managed")
def fixture_managed(device, name):
    return name


def close_to(a, b):
    return a == b or (isinstance(a, float) and abs(a - b) < 1e-6)


# ---- Read ----

@pytest.mark.parametrize("path, some", [
    ("/1/0", {"/1/0/0": 1, "/1/0/1": 300, "/1/0/6": True, "/1/0/7": "U"}),
    ("/3/0", {"/3/0/0": "Linnet", "/3/0/1": "lwdevice", "/3/0/9": 95, "/3/0/11/0": 0, "/3/0/16": "U"}),
    ("/4/0", {"/4/0/0": 41, "/4/0/1/0": 21, "/4/0/1/1": 41, "/4/0/2": -70}),
    ("/3333/0", {"/3333/0/5750": ""}),
    ("/3441/0", {f"/3441/0/{i}": first for i, (first, _) in VALUES.items()}),
    ("/3442/0", {f"/3442/0/{i}": first for i, (first, _) in VALUES.items()}),
])
@pytest.mark.parametrize("whole", [False, True])
def test_read_in_tlv(server, managed, path, some, whole):
    """An instance, and the object that it is of."""
    asked = path.rsplit("/", 1)[0] if whole else path
    answer = server.read(managed, asked, "TLV")
    assert answer.code == "2.05"
    for wanted, value in some.items():
        assert close_to(answer.values[wanted], value), (wanted, answer.values)


def test_read_without_a_format(server, managed):
    """One value comes as text, an opaque one as octets, all else as TLV."""
    assert server.read(managed, "/3/0/0").value == "Linnet"
    assert server.read(managed, "/3442/0/150").value == VALUES[150][0]
    assert server.read(managed, "/3/0").values["/3/0/0"] == "Linnet"


@pytest.mark.parametrize("number", [3441, 3442])
@pytest.mark.parametrize("resource", VALUES)
def test_read_of_one_value(server, managed, number, resource):
    formats = ["TLV", "OPAQUE" if resource == 150 else "TEXT", *server.formats]
    for format in formats:
        answer = server.read(managed, f"/{number}/0/{resource}", format)
        assert answer.code == "2.05" and close_to(answer.value, VALUES[resource][0]), format


@pytest.mark.parametrize("path, value", [
    ("/1/0/1", 300), ("/1/0/6", True), ("/3/0/0", "Linnet"), ("/3/0/9", 95), ("/3/0/11/0", 0),
    ("/4/0/0", 41), ("/4/0/2", -70), ("/3333/0/5750", "")])
def test_read_of_one_value_of_other_objects(server, managed, path, value):
    for format in ["TLV", "TEXT", *server.formats]:
        answer = server.read(managed, path, format)
        assert answer.code == "2.05", format
        if server.name == "linnet-lab" or path.count("/") == 3:  # of others Leshan tells no value
            assert answer.value == value, format


@pytest.mark.parametrize("resource", VALUES)
def test_read_of_many(server, managed, resource):
    many = resource + 1000
    answer = server.read(managed, f"/3442/0/{many}", "TLV")
    assert list(answer.values) == [f"/3442/0/{many}/0"]
    assert close_to(answer.value, VALUES[resource][0])


def test_nothing_of_access_control_with_one_server(server, managed):
    answer = server.read(managed, "/2", "TLV")
    assert (answer.code, answer.values) == ("2.05", {})


@pytest.mark.parametrize("path, code", [
    ("/0", "4.01"), ("/0/0", "4.01"), ("/0/0/5", "4.01"),
    ("/3303", "4.04"), ("/3/1", "4.04"), ("/3/0/99", "4.04"), ("/3442/9", "4.04"),
    ("/3/0/4", "4.05"), ("/1/0/8", "4.05"),
])
def test_reads_that_are_refused(server, managed, path, code):
    assert server.read(managed, path).code == code


def test_formats_that_are_not_known(server, managed):
    old_json = "JSON" if server.name == "Leshan" else "11543"
    assert server.read(managed, "/3/0/0", old_json).code == "4.06"
    assert server.read(managed, "/3/0", "TEXT").code == "4.06"


# ---- Write ----

@pytest.mark.parametrize("resource", VALUES)
@pytest.mark.parametrize("format", ["TLV", "single", "CBOR"])
def test_write_of_each_type(server, managed, resource, format):
    if not server.writes_links and (resource == 170 or (resource, format) == (150, "single")):
        return  # this Leshan has no way to write that
    if format == "single":
        format = "OPAQUE" if resource == 150 else "TEXT"
    path, value = f"/3442/0/{resource}", VALUES[resource][1]
    assert server.write(managed, path, value, format=format).code == "2.04"
    assert close_to(server.read(managed, path, "TLV").value, value)


@pytest.mark.parametrize("resource", VALUES)
def test_write_of_many(server, managed, resource):
    if resource == 170 and not server.writes_links:
        return  # this Leshan has no way to write one
    first, second = VALUES[resource]
    path = f"/3442/0/{resource + 1000}"
    assert server.write(managed, path, {1: first, 5: second}, format="TLV").code == "2.04"
    values = server.read(managed, path, "TLV").values
    assert list(values) == [f"{path}/1", f"{path}/5"]
    assert close_to(values[f"{path}/1"], first) and close_to(values[f"{path}/5"], second)


@pytest.mark.parametrize("path, first, second", [
    ("/1/0", {1: 250, 2: 3, 6: False, 7: "U"}, {1: 260, 6: True, 7: "U"}),
    ("/3/0", {14: "+03", 15: "Europe/Vienna"}, {14: "+04"}),
    ("/3333/0", {5506: Time(1700000000), 5750: "a"}, {5506: Time(1800000000)}),
    ("/3441/0", {110: "a", 120: 7}, {110: "b"}),
    ("/3442/0", {110: "a", 120: 7}, {110: "b"}),
])
def test_write_both_ways_on_each_object(server, managed, path, first, second):
    """Update leaves what is not listed; Replace takes away what may be missing."""
    def has(values, wanted):
        return all(values[f"{path}/{i}"] - value in range(600) if isinstance(value, Time)  # it runs
                   else values[f"{path}/{i}"] == value for i, value in wanted.items())
    before = server.read(managed, path, "TLV").values
    assert server.write(managed, path, first, replace=False, format="TLV").code == "2.04"
    after = server.read(managed, path, "TLV").values
    written = {f"{path}/{i}" for i in first}
    assert has(after, first)
    assert set(before) <= set(after) and all(
        after[i] == value for i, value in before.items()
        if i not in written and not isinstance(value, (int, float)))
    assert server.write(managed, path, second, replace=True, format="TLV").code == "2.04"
    last = server.read(managed, path, "TLV").values
    assert has(last, second)
    gone = [i for i in first if i not in second]
    assert all(last.get(f"{path}/{i}") != first[i] for i in gone)


def test_write_both_ways(server, managed):
    """Update leaves what is not listed, Replace does not."""
    assert server.write(managed, "/3442/0", {110: "a", 120: 7}, replace=False).code == "2.04"
    values = server.read(managed, "/3442/0", "TLV").values
    assert (values["/3442/0/110"], values["/3442/0/120"]) == ("a", 7)
    assert values["/3442/0/140"] is True
    assert server.write(managed, "/3442/0", {110: "b"}, replace=True).code == "2.04"
    values = server.read(managed, "/3442/0", "TLV").values
    assert values["/3442/0/110"] == "b"
    assert values.get("/3442/0/120") != 7


@pytest.mark.parametrize("path, value, code", [
    ("/3/0/0", "x", "4.05"), ("/3/0/9", 1, "4.05"), ("/3442/9/110", "x", "4.04"),
    ("/0/0/0", "coap://x", "4.01"), ("/3442/0/120", "no number", "4.00"), ("/1/0/1", "x", "4.00"),
])
def test_writes_that_are_refused(server, managed, path, value, code):
    format = "TEXT"
    if server.name == "linnet-lab" and value == "no number":
        return  # it would not send that
    if server.name == "linnet-lab" and path == "/1/0/1":
        return
    try:
        assert server.write(managed, path, value, format=format).code == code
    except NoAnswer as refusal:  # Leshan itself refuses what does not fit the definition
        assert "400" in str(refusal)


def test_a_write_changes_all_or_nothing(server, managed):
    """The second value cannot be: neither is written."""
    before = server.read(managed, "/1/0", "TLV").values
    assert server.write(managed, "/1/0", {1: 250, 0: 5}, replace=False).code in ("4.00", "4.05")
    assert server.read(managed, "/1/0", "TLV").values == before


# ---- Execute ----

def test_execute(server, device, managed):
    assert server.execute(managed, "/3/0/4").code == "2.04"
    device.wait("reboot")
    assert server.execute(managed, "/3442/0/3", "0='a',1").code == "2.04"
    values = server.read(managed, "/3442/0/4", "TLV").values
    assert values == {"/3442/0/4/0": "a", "/3442/0/4/1": ""}
    assert server.execute(managed, "/3442/0/2").code == "2.04"
    values = server.read(managed, "/3442/0", "TLV").values
    assert values["/3442/0/110"] == "" and values["/3442/0/120"] == 0
    assert server.execute(managed, "/3442/0/0").code == "2.04"
    assert server.read(managed, "/3442/0/110", "TEXT").value == VALUES[110][0]
    assert server.execute(managed, "/3441/0/2").code == "2.04"
    assert server.read(managed, "/3441/0/120", "TEXT").value == 0


@pytest.mark.parametrize("path, arguments, code", [
    ("/3442/0/110", None, "4.05"), ("/3/0/99", None, "4.04"), ("/3442/0/3", "0='a", "4.00"),
    ("/3442/0/3", "x", "4.00"), ("/3442/0/3", "1,1", "4.00"), ("/0/0/0", None, "4.01"),
])
def test_executions_that_are_refused(server, managed, path, arguments, code):
    try:
        assert server.execute(managed, path, arguments).code == code
    except NoAnswer as refusal:  # Leshan itself refuses arguments that are malformed
        assert "400" in str(refusal)


# ---- Create and Delete ----

@pytest.mark.parametrize("number", [3441, 3442])
def test_create_and_delete(server, managed, number):
    answer = server.create(managed, number, {110: "fifth", 120: 5}, instance=5)
    assert answer.code == "2.01"
    values = server.read(managed, f"/{number}/5", "TLV").values
    assert (values[f"/{number}/5/110"], values[f"/{number}/5/120"]) == ("fifth", 5)
    location = server.create(managed, number, {110: "any"}).location
    assert location.rsplit("/", 1)[0] == f"/{number}"
    assert server.read(managed, f"{location}/110", "TEXT").value == "any"
    assert server.create(managed, number, {110: "again"}, instance=5).code == "4.00"
    for path in (f"/{number}/5", location):
        assert server.delete(managed, path).code == "2.02"
        assert server.read(managed, path).code == "4.04"
    assert server.delete(managed, f"/{number}/5").code == "4.04"


@pytest.mark.parametrize("path, code", [("/3/0", "4.05"), ("/1/0", "4.05"), ("/0/0", "4.01"),
                                        ("/3/7", "4.04")])
def test_deletions_that_are_refused(server, managed, path, code):
    assert server.delete(managed, path).code == code


@pytest.mark.parametrize("number, codes", [(3, ("4.05", "4.00")), (1, ("4.05", "4.01")),
                                           (3303, ("4.04",))])
def test_creations_that_are_refused(server, managed, number, codes):
    assert server.create(managed, number, {1: "x"} if number == 3 else {5750: "x"}
                         if number == 3303 else {1: 60}, instance=7).code in codes


# ---- Discover and Write-Attributes ----

@pytest.mark.parametrize("number, some", [
    (1, ["/1/0/0", "/1/0/8"]), (3, ["/3/0/0", "/3/0/4"]), (4, ["/4/0/0", "/4/0/1"]),
    (3333, ["/3333/0/5506"]), (3441, ["/3441/0/110", "/3441/0/3"]), (3442, ["/3442/0/1110"])])
def test_discover(server, managed, number, some):
    links = server.discover(managed, f"/{number}").links
    assert list(links)[:2] == [f"/{number}", f"/{number}/0"]
    assert set(some) <= set(links)
    links = server.discover(managed, f"/{number}/0").links
    assert list(links)[0] == f"/{number}/0" and set(some) <= set(links)
    assert list(server.discover(managed, some[0]).links)[0] == some[0]


def test_dimensions(server, managed):
    assert server.discover(managed, "/4/0").links["/4/0/1"] == {"dim": "2"}


def test_discovers_that_are_refused(server, managed):
    assert server.discover(managed, "/0").code == "4.01"
    assert server.discover(managed, "/3303").code == "4.04"


def test_write_attributes(server, managed):
    """Inherited from the object to the resource, and unset one by one."""
    assert server.write_attributes(managed, "/3", pmin=1, pmax=50).code == "2.04"
    assert server.write_attributes(managed, "/3/0", pmax=30).code == "2.04"
    assert server.write_attributes(managed, "/3/0/9", gt=90, lt=10, st=2.5).code == "2.04"
    links = server.discover(managed, "/3/0/9").links
    assert {name: float(value) for name, value in links["/3/0/9"].items()} == {
        "pmin": 1, "pmax": 30, "gt": 90, "lt": 10, "st": 2.5}
    if server.unsets_attributes:
        assert server.write_attributes(managed, "/3/0/9", gt=None).code == "2.04"
        assert "gt" not in server.discover(managed, "/3/0/9").links["/3/0/9"]


@pytest.mark.parametrize("path", [
    "/1", "/1/0", "/1/0/1", "/2", "/4/0/2", "/3333/0/5506", "/3441", "/3441/0/120", "/3442/0/1120"])
def test_write_attributes_on_each_object(server, managed, path):
    assert server.write_attributes(managed, path, pmin=2, pmax=40).code == "2.04"
    links = server.discover(managed, path).links
    told = {name: links[path].get(name) for name in ("pmin", "pmax")}
    assert told == {"pmin": "2", "pmax": "40"}


@pytest.mark.parametrize("path, attributes, code", [
    ("/3/0/9", {"gt": 10, "lt": 90}, "4.00"), ("/3/0", {"gt": 10}, "4.00"),
    ("/3303", {"pmin": 1}, "4.04"), ("/0/0", {"pmin": 1}, "4.01"),
    ("/3/0/17", {"pmin": 1}, "4.04"),  # optional, and this device has none
    ("/3/0/4", {"pmin": 1}, "4.05"),
])
def test_attributes_that_are_refused(server, managed, path, attributes, code):
    try:
        assert server.write_attributes(managed, path, **attributes).code == code
    except NoAnswer as refusal:
        assert "400" in str(refusal)


# ---- Observe and Cancel ----

def change_by_write(path, values):
    def change(server, device, name, number):
        assert server.write(name, path, values[number % 2], format="TLV").code == "2.04"
    return change


def change_by_device(path, kind, values):
    def change(server, device, name, number):
        device.set(path, kind, values[number % 2])
    return change


@pytest.mark.parametrize("path, resource, change", [
    ("/1", "/1/0/5", change_by_write("/1/0/5", [100, 200])),
    ("/3", "/3/0/14", change_by_write("/3/0/14", ["+01", "+02"])),
    ("/4", "/4/0/2", change_by_device("/4/0/2", "integer", [-60, -50])),
    ("/3333", "/3333/0/5750", change_by_device("/3333/0/5750", "string", ["a", "b"])),
    ("/3441", "/3441/0/120", change_by_write("/3441/0/120", [1, 2])),
    ("/3442", "/3442/0/120", change_by_write("/3442/0/120", [1, 2])),
])
@pytest.mark.parametrize("level", ["object", "instance", "resource"])
def test_observe_and_cancel(server, device, name, path, resource, change, level):
    observed = {"object": path, "instance": f"{path}/0", "resource": resource}[level]
    values = []
    change(server, device, name, 0)
    answer = server.observe(name, observed, "TLV")
    assert answer.code == "2.05" and resource in answer.values
    values.append(answer.values[resource])
    for number in (1, 2):
        since = server.mark()
        change(server, device, name, number)
        event = server.wait("notification", name, observed, since=since)
        values.append(event.answer.values[resource])
    assert values[0] == values[2] != values[1]

    server.cancel(name, observed)
    if not server.cancels_actively:  # a Reset to the next notification ends it
        change(server, device, name, 3)
    device.wait_observations(0)
    since = server.mark()
    change(server, device, name, 4)
    change(server, device, name, 5)
    assert server.read(name, resource).code == "2.05"  # had there been one, it would be here
    assert [e for e in server.events_since(since, name) if e.kind == "notification"] == []


@pytest.mark.parametrize("format", ["TEXT", "TLV", "CBOR"])
def test_observe_in_each_format(server, device, name, format):
    assert server.observe(name, "/3442/0/120", format).value == 1024
    since = server.mark()
    assert server.write(name, "/3442/0/120", 5, format="TLV").code == "2.04"
    assert server.wait("notification", name, "/3442/0/120", since=since).answer.value == 5


def test_observe_of_access_control(server, managed):
    assert server.observe(managed, "/2", "TLV").code == "2.05"


def test_observations_that_are_refused(server, managed):
    assert server.observe(managed, "/0").code == "4.01"
    assert server.observe(managed, "/3303").code == "4.04"


def test_thresholds(server, device, name):
    """gt 50: crossing it is told, moving on either side is not."""
    assert server.write(name, "/3442/0/120", 10, format="TLV").code == "2.04"
    assert server.write_attributes(name, "/3442/0/120", gt=50).code == "2.04"
    assert server.observe(name, "/3442/0/120", "TLV").value == 10
    since = server.mark()
    for value in (20, 60, 70, 40):
        assert server.write(name, "/3442/0/120", value, format="TLV").code == "2.04"
    server.wait("notification", name, since=since, matches=lambda e: e.answer.value == 40)
    told = [e.answer.value for e in server.events_since(since, name) if e.kind == "notification"]
    assert told == [60, 40]


def test_a_period(server, device, name):
    """pmax 1: a notification each second, though nothing changes."""
    assert server.write_attributes(name, "/3442/0/120", pmax=1).code == "2.04"
    assert server.observe(name, "/3442/0/120", "TLV").value == 1024
    since = server.mark()
    for _ in range(2):
        server.wait("notification", name, since=since, matches=lambda e: e.answer.value == 1024)
        since = server.mark()


def test_the_end_of_an_observed_instance(server, device, name):
    """It is told by a 4.04, and the observation has ended."""
    assert server.create(name, 3442, {110: "x"}, instance=8).code == "2.01"
    assert server.observe(name, "/3442/8", "TLV").code == "2.05"
    assert server.delete(name, "/3442/8").code == "2.02"
    if server.name == "linnet-lab":
        event = server.wait("notification", name, "/3442/8")
        assert (event.answer.code, event.data["ended"]) == ("4.04", True)
    device.wait_observations(0)
