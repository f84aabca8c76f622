# SPDX-License-Identifier: Apache-2.0
"""tools/oma_table.py on small definitions: what it takes from them, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools/oma_table.py"

ITEM = """<Item ID="{id}"><Name>{name}</Name><Operations>{operations}</Operations>
<MultipleInstances>{multiple}</MultipleInstances><Mandatory>{mandatory}</Mandatory>
<Type>{type}</Type><RangeEnumeration></RangeEnumeration><Units></Units>
<Description><![CDATA[not a fact]]></Description></Item>"""

OBJECT = """<?xml version="1.0" encoding="UTF-8"?>{doctype}
<LWM2M><Object ObjectType="MODefinition"><Name>{name}</Name><Description1>not a fact</Description1>
<ObjectID>{id}</ObjectID><ObjectURN>{urn}</ObjectURN><ObjectVersion>{version}</ObjectVersion>
<MultipleInstances>{multiple}</MultipleInstances><Mandatory>{mandatory}</Mandatory>
<Resources>{items}</Resources></Object></LWM2M>"""


def item(**fields):
    values = {"id": 0, "name": "Level", "operations": "R", "multiple": "Single",
              "mandatory": "Optional", "type": "Integer"}
    return ITEM.format(**{**values, **fields})


def definition(**fields):
    number = fields.get("id", 9000)
    values = {"doctype": "", "name": "Thing", "id": number, "urn": f"urn:oma:lwm2m:ext:{number}",
              "version": "1.0", "multiple": "Multiple", "mandatory": "Optional", "items": item()}
    return OBJECT.format(**{**values, **fields})


def run(folder, files, *arguments):
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return subprocess.run([sys.executable, TOOL, folder, "-o", "-", *arguments],
                          capture_output=True, text=True, check=False)


def lines_of(done):
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith(("OBJECT(9", "RESOURCE(9"))]


def test_facts(tmp_path):
    items = item(id=5, name="Level  of\n\u00a0Water ", type="Float", operations="RW") + item(
        id=1, name='Reset "now"', operations="E", type="", mandatory="Mandatory") + item(
        id=3, operations="", type="Unsigned Integer", multiple="Multiple")
    done = run(tmp_path, {"9000.xml": definition(items=items, version="2.1",
                                                 urn="urn:oma:lwm2m:ext:9000:2.1")})
    assert lines_of(done) == [
        'OBJECT(9000, "Thing", "2.1", "urn:oma:lwm2m:ext:9000:2.1", MULTIPLE, OPTIONAL)',
        'RESOURCE(9000, 1, "Reset \\"now\\"", E, NONE, SINGLE, MANDATORY)',
        'RESOURCE(9000, 3, "Level", 0, UNSIGNED, MULTIPLE, OPTIONAL)',
        'RESOURCE(9000, 5, "Level of Water", RW, FLOAT, SINGLE, OPTIONAL)',
    ]
    assert "not a fact" not in done.stdout


def test_objects_are_ordered_and_other_files_left_out(tmp_path):
    done = run(tmp_path, {
        "10.xml": definition(id=9010), "9.xml": definition(id=9009),
        "units.xml": "<units/>", "DDF.xml": "<DDFList/>",
        "Common.xml": f"<LWM2M><Object><Resources>{item()}</Resources></Object></LWM2M>"})
    assert [line.split(",")[0] for line in lines_of(done)] == [
        "OBJECT(9009", "RESOURCE(9009", "OBJECT(9010", "RESOURCE(9010"]


BAD = [
    ("no-xml", "<LWM2M>", "no XML"),
    ("empty", "", "no XML"),
    ("object-id", definition(id=65535), "the id of the object is '65535'"),
    ("negative", definition(id=-1), "the id of the object"),
    ("resource-id", definition(items=item(id="x")), "the id of a resource is 'x'"),
    ("twice", definition(items=item() + item()), "resource 0 is there twice"),
    ("type", definition(items=item(type="Double")), "Type is 'Double'"),
    ("operations", definition(items=item(operations="X")), "Operations is 'X'"),
    ("multiple", definition(items=item(multiple="Many")), "MultipleInstances is 'Many'"),
    ("mandatory", definition(mandatory="Yes"), "Mandatory is 'Yes'"),
    ("version", definition(version="1"), "the version is '1'"),
    ("urn", definition(urn="urn:x"), "the URN is 'urn:x'"),
    ("other-urn", definition(urn="urn:oma:lwm2m:ext:9001"), "the URN is"),
    ("no-name", definition(name=" "), "the name of object 9000 is ''"),
    ("control", definition(items=item(name="a\u0080b")), "the name of resource 0"),
]


@pytest.mark.parametrize("text,words", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_is_wrong_is_named(tmp_path, text, words):
    done = run(tmp_path, {"9000.xml": text})
    assert done.returncode == 1
    assert done.stdout == ""
    assert "9000.xml" in done.stderr and words in done.stderr


# scenario: H122
@pytest.mark.parametrize("doctype", [
    "<!DOCTYPE LWM2M>",
    '<!DOCTYPE LWM2M SYSTEM "http://127.0.0.1:9/x.dtd">',
    '<!DOCTYPE LWM2M [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE LWM2M [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
])
def test_a_doctype_is_refused(tmp_path, doctype):
    done = run(tmp_path, {"9000.xml": definition(doctype=doctype, name="&e;")})
    assert done.returncode == 1
    assert done.stdout == ""
    assert "DOCTYPE" in done.stderr


# scenario: H122
def test_xinclude_means_nothing(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    include = ('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" '
               f'href="{secret.as_uri()}"/>')
    done = run(tmp_path, {"9000.xml": definition(name=f"Thing{include}")})
    assert lines_of(done)[0].startswith('OBJECT(9000, "Thing",')
    assert "secret" not in done.stdout


def test_one_object_in_two_files(tmp_path):
    done = run(tmp_path, {"a.xml": definition(), "b.xml": definition()})
    assert done.returncode == 1
    assert "b.xml: object 9000 is in another file, too" in done.stderr


def test_nothing_to_read(tmp_path):
    assert run(tmp_path, {}).returncode == 1
    assert run(tmp_path, {"u.xml": "<units/>"}).returncode == 1


def test_check(tmp_path):
    table = tmp_path / "objects.inc"
    (tmp_path / "9000.xml").write_text(definition(), encoding="utf-8")
    command = [sys.executable, TOOL, tmp_path, "-o", table]
    assert subprocess.run(command, check=False).returncode == 0
    assert subprocess.run([*command, "--check"], check=False).returncode == 0
    table.write_text(table.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert subprocess.run([*command, "--check"], capture_output=True, check=False).returncode == 1
