#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn OMA's object definitions into the table src/registry/objects.inc.

  tools/oma_table.py FOLDER            write the table
  tools/oma_table.py FOLDER --check    write nothing; exit 1 if the table is not what it would be
  tools/oma_table.py FOLDER -o FILE    write it to FILE, "-" is standard output

FOLDER holds one XML file per object, as a clone of https://github.com/OpenMobileAlliance/lwm2m-registry
has them; files in its subfolders are older versions and not read. The table has the facts and
nothing of the descriptions: ids, names, versions, types, operations.

Definitions come from the network. A file with a DOCTYPE is refused before anything of it is used: it
could name other files, or grow without end. exit: 0 done; 1 a file is wrong or the table differs;
2 wrong usage
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from xml.parsers import expat

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src/registry/objects.inc"

TYPES = {
    "String": "STRING", "Opaque": "OPAQUE", "Integer": "INTEGER", "Unsigned Integer": "UNSIGNED",
    "Float": "FLOAT", "Boolean": "BOOLEAN", "Time": "TIME", "Objlnk": "OBJLNK",
    "Corelnk": "CORELNK", "": "NONE",
}
OPERATIONS = {"": "0", "R": "R", "W": "W", "RW": "RW", "E": "E"}
MULTIPLE = {"Single": "SINGLE", "Multiple": "MULTIPLE"}
MANDATORY = {"Optional": "OPTIONAL", "Mandatory": "MANDATORY"}
ID_MAX = 65534

HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of OMA's registry and their resources. Made by tools/oma_table.py; do not edit.
 *
 * OBJECT(id, name, version, urn, instances, presence)
 * RESOURCE(object, id, name, operations, type, instances, presence)
 *
 * Ordered by id; the resources of an object follow it.
 */
"""


class Wrong(Exception):
    """A definition that cannot be used; the text says why."""


def refuse_doctype(*_):
    raise Wrong("it has a DOCTYPE, which no object definition needs")


def parse(path):
    """The root element; nothing is built from a file that has a DOCTYPE."""
    data = path.read_bytes()
    try:
        guard = expat.ParserCreate()
        guard.StartDoctypeDeclHandler = refuse_doctype
        guard.Parse(data, True)
        return ET.fromstring(data)
    except (expat.ExpatError, ET.ParseError) as error:
        raise Wrong(f"no XML: {error}") from error


def text_of(element, tag):
    """The text in a child with all white space, no-break spaces too, made single spaces."""
    return " ".join((element.findtext(tag) or "").split())


def one_of(table, element, tag):
    word = text_of(element, tag)
    if word not in table:
        raise Wrong(f"{tag} is '{word}', which is none of {', '.join(filter(None, table))}")
    return table[word]


def id_of(word, what):
    if not re.fullmatch(r"[0-9]{1,5}", word) or int(word) > ID_MAX:
        raise Wrong(f"the id of {what} is '{word}'")
    return int(word)


def name_of(element, what):
    name = text_of(element, "Name")
    if not name or not name.isascii() or not name.isprintable():
        raise Wrong(f"the name of {what} is '{name}'")
    return name


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def resource_line(object_id, item):
    number = id_of(item.get("ID", "").strip(), "a resource")
    name = name_of(item, f"resource {number}")
    operations = one_of(OPERATIONS, item, "Operations")
    # the type of what is executed is nothing, whatever stands there
    kind = "NONE" if operations == "E" else one_of(TYPES, item, "Type")
    line = (f"RESOURCE({object_id}, {number}, {quoted(name)}, {operations}, {kind}, "
            f"{one_of(MULTIPLE, item, 'MultipleInstances')}, "
            f"{one_of(MANDATORY, item, 'Mandatory')})")
    return number, line


def object_lines(element):
    """(id, its line and those of its resources)"""
    number = id_of(text_of(element, "ObjectID"), "the object")
    name = name_of(element, f"object {number}")
    version = text_of(element, "ObjectVersion") or "1.0"
    if not re.fullmatch(r"[0-9]+\.[0-9]+", version):
        raise Wrong(f"the version is '{version}'")
    urn = text_of(element, "ObjectURN")
    if not re.fullmatch(rf"urn:oma:lwm2m:(oma|ext|x):{number}(:[0-9]+\.[0-9]+)?", urn):
        raise Wrong(f"the URN is '{urn}'")
    lines = {}
    for item in element.iterfind("Resources/Item"):
        resource, line = resource_line(number, item)
        if resource in lines:
            raise Wrong(f"resource {resource} is there twice")
        lines[resource] = line
    head = (f"OBJECT({number}, {quoted(name)}, {quoted(version)}, {quoted(urn)}, "
            f"{one_of(MULTIPLE, element, 'MultipleInstances')}, "
            f"{one_of(MANDATORY, element, 'Mandatory')})")
    return number, [head] + [lines[key] for key in sorted(lines)]


def definitions(root):
    """The objects of a file; lists of files, of units and of reusable resources have none."""
    if root.tag != "LWM2M":
        return []
    return [o for o in root.iterfind("Object") if o.find("ObjectID") is not None]


def make_table(folder):
    objects = {}
    paths = sorted(folder.glob("*.xml"))
    if not paths:
        raise Wrong(f"{folder} has no .xml files")
    for path in paths:
        try:
            for element in definitions(parse(path)):
                number, lines = object_lines(element)
                if number in objects:
                    raise Wrong(f"object {number} is in another file, too")
                objects[number] = lines
        except Wrong as error:
            raise Wrong(f"{path}: {error}") from error
    if not objects:
        raise Wrong(f"no file in {folder} defines an object")
    return HEAD + "".join(line + "\n" for key in sorted(objects) for line in objects[key])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="where the .xml files are")
    parser.add_argument("-o", "--output", default=TABLE, help="default: %(default)s")
    parser.add_argument("--check", action="store_true", help="only compare")
    arguments = parser.parse_args()
    try:
        table = make_table(arguments.folder)
        if arguments.check and Path(arguments.output).read_text(encoding="utf-8") != table:
            raise Wrong(f"{arguments.output} is not what {arguments.folder} says")
    except Wrong as error:
        sys.exit(f"oma_table: {error}")
    if arguments.check:
        return
    if arguments.output == "-":
        sys.stdout.write(table)
    else:
        Path(arguments.output).write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
