# SPDX-License-Identifier: Apache-2.0
"""Object definitions that Leshan needs and this version does not bring: the OMA test objects.

A resource without a definition is of unknown type to Leshan, and its value cannot be read. The
identifiers, names and types below are those of the OMA registry; but two that this version
cannot decode are told to be others: Corelnk a String, Unsigned Integer a row of octets.
"""

TYPES = {110: "String", 120: "Integer", 125: "Opaque", 130: "Float", 140: "Boolean",
         150: "Opaque", 160: "Time", 170: "Objlnk", 180: "String"}
LABELS = {125: "Unsigned Integer", 170: "ObjLink", 180: "CoreLnk"}

SCHEMAS = {"1.0": "LWM2M.xsd", "1.1": "LWM2M-v1_1.xsd"}

COMMANDS = [(0, "Reset values", "E", "Single", ""), (1, "Randomize values", "E", "Single", ""),
            (2, "Clear values", "E", "Single", ""), (3, "Exec With Arguments", "E", "Single", ""),
            (4, "Arguments List", "R", "Multiple", "String")]
SENDING = [(5, "Send Data", "E", "Single", ""), (6, "Resources to Send", "RW", "Multiple", "String")]


def test_object(without=()):
    """Each type once, and once more as many: resource 110 and 1110 are strings, and so on."""
    kinds = [(i, LABELS.get(i, kind), kind) for i, kind in TYPES.items() if i not in without]
    single = [(i, f"{label} Value", "RW", "Single", kind) for i, label, kind in kinds]
    many = [(i + 1000, f"Multiple {label} Value", "RW", "Multiple", kind) for i, label, kind in kinds]
    return single + many


# id -> (name, version of LwM2M, resources: id, name, operations, how many, type)
OBJECTS = {
    3441: ("LwM2M v1.0 Test Object", "1.0", COMMANDS + test_object(without=(125, 180))),
    3442: ("LwM2M v1.1 Test Object", "1.1", COMMANDS + SENDING + test_object()),
}


def definition(number):
    """An object in the form of OMA's schema, LWM2M.xsd."""
    name, version, resources = OBJECTS[number]
    items = "".join(
        f'<Item ID="{i}"><Name>{label}</Name><Operations>{operations}</Operations>'
        f"<MultipleInstances>{many}</MultipleInstances><Mandatory>Optional</Mandatory>"
        f"<Type>{kind}</Type><RangeEnumeration/><Units/><Description/></Item>\n"
        for i, label, operations, many, kind in resources)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<LWM2M xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation='
        f'"http://www.openmobilealliance.org/tech/profiles/{SCHEMAS[version]}">\n'
        f'<Object ObjectType="MODefinition">'
        f"<Name>{name}</Name><Description1/><ObjectID>{number}</ObjectID>"
        f"<ObjectURN>urn:oma:lwm2m:ext:{number}</ObjectURN><LWM2MVersion>{version}</LWM2MVersion>"
        f"<ObjectVersion>1.0</ObjectVersion><MultipleInstances>Multiple</MultipleInstances>"
        f"<Mandatory>Optional</Mandatory><Resources>\n{items}</Resources><Description2/>"
        f"</Object></LWM2M>\n")


def write(folder):
    folder.mkdir()
    for number in OBJECTS:
        (folder / f"{number}.xml").write_text(definition(number))
    return folder
