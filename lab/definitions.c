/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file definitions.c
 * Names and types of the objects that devices of ours have, as the OMA registry gives them: the
 * newest version of each.
 */
#include "definitions.h"

#define ONE false
#define MANY true

static const struct definition_resource object_1[] = {
    { 0, LN_VALUE_INTEGER, ONE, "Short Server ID" },
    { 1, LN_VALUE_INTEGER, ONE, "Lifetime" },
    { 2, LN_VALUE_INTEGER, ONE, "Default Minimum Period" },
    { 3, LN_VALUE_INTEGER, ONE, "Default Maximum Period" },
    { 4, LN_VALUE_NONE, ONE, "Disable" },
    { 5, LN_VALUE_INTEGER, ONE, "Disable Timeout" },
    { 6, LN_VALUE_BOOLEAN, ONE, "Notification Storing When Disabled or Offline" },
    { 7, LN_VALUE_STRING, ONE, "Binding" },
    { 8, LN_VALUE_NONE, ONE, "Registration Update Trigger" },
    { 9, LN_VALUE_NONE, ONE, "Bootstrap-Request Trigger" },
    { 10, LN_VALUE_OBJLNK, ONE, "APN Link" },
    { 11, LN_VALUE_UNSIGNED, ONE, "TLS-DTLS Alert Code" },
    { 12, LN_VALUE_TIME, ONE, "Last Bootstrapped" },
    { 13, LN_VALUE_UNSIGNED, ONE, "Registration Priority Order" },
    { 14, LN_VALUE_UNSIGNED, ONE, "Initial Registration Delay Timer" },
    { 15, LN_VALUE_BOOLEAN, ONE, "Registration Failure Block" },
    { 16, LN_VALUE_BOOLEAN, ONE, "Bootstrap on Registration Failure" },
    { 17, LN_VALUE_UNSIGNED, ONE, "Communication Retry Count" },
    { 18, LN_VALUE_UNSIGNED, ONE, "Communication Retry Timer" },
    { 19, LN_VALUE_UNSIGNED, ONE, "Communication Sequence Delay Timer" },
    { 20, LN_VALUE_UNSIGNED, ONE, "Communication Sequence Retry Count" },
    { 21, LN_VALUE_BOOLEAN, ONE, "Trigger" },
    { 22, LN_VALUE_STRING, ONE, "Preferred Transport" },
    { 23, LN_VALUE_BOOLEAN, ONE, "Mute Send" },
    { 24, LN_VALUE_OBJLNK, MANY, "Alternate APN Links" },
    { 25, LN_VALUE_STRING, MANY, "Supported Server Versions" },
    { 26, LN_VALUE_INTEGER, ONE, "Default Notification Mode" },
    { 27, LN_VALUE_UNSIGNED, ONE, "Profile ID Hash Algorithm" },
};

static const struct definition_resource object_2[] = {
    { 0, LN_VALUE_INTEGER, ONE, "Object ID" },
    { 1, LN_VALUE_INTEGER, ONE, "Object Instance ID" },
    { 2, LN_VALUE_INTEGER, MANY, "ACL" },
    { 3, LN_VALUE_INTEGER, ONE, "Access Control Owner" },
};

static const struct definition_resource object_3[] = {
    { 0, LN_VALUE_STRING, ONE, "Manufacturer" },
    { 1, LN_VALUE_STRING, ONE, "Model Number" },
    { 2, LN_VALUE_STRING, ONE, "Serial Number" },
    { 3, LN_VALUE_STRING, ONE, "Firmware Version" },
    { 4, LN_VALUE_NONE, ONE, "Reboot" },
    { 5, LN_VALUE_NONE, ONE, "Factory Reset" },
    { 6, LN_VALUE_INTEGER, MANY, "Available Power Sources" },
    { 7, LN_VALUE_INTEGER, MANY, "Power Source Voltage" },
    { 8, LN_VALUE_INTEGER, MANY, "Power Source Current" },
    { 9, LN_VALUE_INTEGER, ONE, "Battery Level" },
    { 10, LN_VALUE_INTEGER, ONE, "Memory Free" },
    { 11, LN_VALUE_INTEGER, MANY, "Error Code" },
    { 12, LN_VALUE_NONE, ONE, "Reset Error Code" },
    { 13, LN_VALUE_TIME, ONE, "Current Time" },
    { 14, LN_VALUE_STRING, ONE, "UTC Offset" },
    { 15, LN_VALUE_STRING, ONE, "Timezone" },
    { 16, LN_VALUE_STRING, ONE, "Supported Binding and Modes" },
    { 17, LN_VALUE_STRING, ONE, "Device Type" },
    { 18, LN_VALUE_STRING, ONE, "Hardware Version" },
    { 19, LN_VALUE_STRING, ONE, "Software Version" },
    { 20, LN_VALUE_INTEGER, ONE, "Battery Status" },
    { 21, LN_VALUE_INTEGER, ONE, "Memory Total" },
    { 22, LN_VALUE_OBJLNK, MANY, "ExtDevInfo" },
};

static const struct definition_resource object_4[] = {
    { 0, LN_VALUE_INTEGER, ONE, "Network Bearer" },
    { 1, LN_VALUE_INTEGER, MANY, "Available Network Bearer" },
    { 2, LN_VALUE_INTEGER, ONE, "Radio Signal Strength" },
    { 3, LN_VALUE_INTEGER, ONE, "Link Quality" },
    { 4, LN_VALUE_STRING, MANY, "IP Addresses" },
    { 5, LN_VALUE_STRING, MANY, "Router IP Addresses" },
    { 6, LN_VALUE_INTEGER, ONE, "Link Utilization" },
    { 7, LN_VALUE_STRING, MANY, "APN" },
    { 8, LN_VALUE_INTEGER, ONE, "Cell ID" },
    { 9, LN_VALUE_INTEGER, ONE, "SMNC" },
    { 10, LN_VALUE_INTEGER, ONE, "SMCC" },
    { 11, LN_VALUE_INTEGER, ONE, "SignalSNR" },
    { 12, LN_VALUE_INTEGER, ONE, "LAC" },
    { 13, LN_VALUE_INTEGER, ONE, "Coverage Enhancement Level" },
};

static const struct definition_resource object_5[] = {
    { 0, LN_VALUE_OPAQUE, ONE, "Package" },
    { 1, LN_VALUE_STRING, ONE, "Package URI" },
    { 2, LN_VALUE_NONE, ONE, "Update" },
    { 3, LN_VALUE_INTEGER, ONE, "State" },
    { 5, LN_VALUE_INTEGER, ONE, "Update Result" },
    { 6, LN_VALUE_STRING, ONE, "PkgName" },
    { 7, LN_VALUE_STRING, ONE, "PkgVersion" },
    { 8, LN_VALUE_INTEGER, MANY, "Firmware Update Protocol Support" },
    { 9, LN_VALUE_INTEGER, ONE, "Firmware Update Delivery Method" },
    { 10, LN_VALUE_NONE, ONE, "Cancel" },
    { 11, LN_VALUE_INTEGER, ONE, "Severity" },
    { 12, LN_VALUE_TIME, ONE, "Last State Change Time" },
    { 13, LN_VALUE_UNSIGNED, ONE, "Maximum Defer Period" },
    { 14, LN_VALUE_BOOLEAN, ONE, "Automatic Upgrade at Download" },
};

static const struct definition_resource object_6[] = {
    { 0, LN_VALUE_FLOAT, ONE, "Latitude" },  { 1, LN_VALUE_FLOAT, ONE, "Longitude" },
    { 2, LN_VALUE_FLOAT, ONE, "Altitude" },  { 3, LN_VALUE_FLOAT, ONE, "Radius" },
    { 4, LN_VALUE_OPAQUE, ONE, "Velocity" }, { 5, LN_VALUE_TIME, ONE, "Timestamp" },
    { 6, LN_VALUE_FLOAT, ONE, "Speed" },
};

static const struct definition_resource object_7[] = {
    { 0, LN_VALUE_INTEGER, ONE, "SMS Tx Counter" },
    { 1, LN_VALUE_INTEGER, ONE, "SMS Rx Counter" },
    { 2, LN_VALUE_INTEGER, ONE, "Tx Data" },
    { 3, LN_VALUE_INTEGER, ONE, "Rx Data" },
    { 4, LN_VALUE_INTEGER, ONE, "Max Message Size" },
    { 5, LN_VALUE_INTEGER, ONE, "Average Message Size" },
    { 6, LN_VALUE_NONE, ONE, "Start" },
    { 7, LN_VALUE_NONE, ONE, "Stop" },
    { 8, LN_VALUE_INTEGER, ONE, "Collection Period" },
};

static const struct definition_resource object_3303[] = {
    { 5518, LN_VALUE_TIME, ONE, "Timestamp" },
    { 5601, LN_VALUE_FLOAT, ONE, "Min Measured Value" },
    { 5602, LN_VALUE_FLOAT, ONE, "Max Measured Value" },
    { 5603, LN_VALUE_FLOAT, ONE, "Min Range Value" },
    { 5604, LN_VALUE_FLOAT, ONE, "Max Range Value" },
    { 5605, LN_VALUE_NONE, ONE, "Reset Min and Max Measured Values" },
    { 5700, LN_VALUE_FLOAT, ONE, "Sensor Value" },
    { 5701, LN_VALUE_STRING, ONE, "Sensor Units" },
    { 5750, LN_VALUE_STRING, ONE, "Application Type" },
    { 6042, LN_VALUE_INTEGER, ONE, "Measurement Quality Indicator" },
    { 6049, LN_VALUE_INTEGER, ONE, "Measurement Quality Level" },
    { 6050, LN_VALUE_FLOAT, ONE, "Fractional Timestamp" },
};

static const struct definition_resource object_3333[] = {
    { 5506, LN_VALUE_TIME, ONE, "Current Time" },
    { 5507, LN_VALUE_FLOAT, ONE, "Fractional Time" },
    { 5750, LN_VALUE_STRING, ONE, "Application Type" },
    { 6042, LN_VALUE_INTEGER, ONE, "Measurement Quality Indicator" },
    { 6049, LN_VALUE_INTEGER, ONE, "Measurement Quality Level" },
};

static const struct definition_resource object_3441[] = {
    { 0, LN_VALUE_NONE, ONE, "Reset values" },
    { 1, LN_VALUE_NONE, ONE, "Randomize values" },
    { 2, LN_VALUE_NONE, ONE, "Clear values" },
    { 3, LN_VALUE_NONE, ONE, "Exec With Arguments" },
    { 4, LN_VALUE_STRING, MANY, "Arguments List" },
    { 110, LN_VALUE_STRING, ONE, "String Value" },
    { 120, LN_VALUE_INTEGER, ONE, "Integer Value" },
    { 130, LN_VALUE_FLOAT, ONE, "Float Value" },
    { 140, LN_VALUE_BOOLEAN, ONE, "Boolean Value" },
    { 150, LN_VALUE_OPAQUE, ONE, "Opaque Value" },
    { 160, LN_VALUE_TIME, ONE, "Time Value" },
    { 170, LN_VALUE_OBJLNK, ONE, "ObjLink Value" },
    { 1110, LN_VALUE_STRING, MANY, "Multiple String Value" },
    { 1120, LN_VALUE_INTEGER, MANY, "Multiple Integer Value" },
    { 1130, LN_VALUE_FLOAT, MANY, "Multiple Float Value" },
    { 1140, LN_VALUE_BOOLEAN, MANY, "Multiple Boolean Value" },
    { 1150, LN_VALUE_OPAQUE, MANY, "Multiple Opaque Value" },
    { 1160, LN_VALUE_TIME, MANY, "Multiple Time Value" },
    { 1170, LN_VALUE_OBJLNK, MANY, "Multiple ObjLink Value" },
};

static const struct definition_resource object_3442[] = {
    { 0, LN_VALUE_NONE, ONE, "Reset values" },
    { 1, LN_VALUE_NONE, ONE, "Randomize values" },
    { 2, LN_VALUE_NONE, ONE, "Clear values" },
    { 3, LN_VALUE_NONE, ONE, "Exec With Arguments" },
    { 4, LN_VALUE_STRING, MANY, "Arguments List" },
    { 5, LN_VALUE_NONE, ONE, "Send Data" },
    { 6, LN_VALUE_STRING, MANY, "Resources to Send" },
    { 110, LN_VALUE_STRING, ONE, "String Value" },
    { 120, LN_VALUE_INTEGER, ONE, "Integer Value" },
    { 125, LN_VALUE_UNSIGNED, ONE, "Unsigned Integer Value" },
    { 130, LN_VALUE_FLOAT, ONE, "Float Value" },
    { 140, LN_VALUE_BOOLEAN, ONE, "Boolean Value" },
    { 150, LN_VALUE_OPAQUE, ONE, "Opaque Value" },
    { 160, LN_VALUE_TIME, ONE, "Time Value" },
    { 170, LN_VALUE_OBJLNK, ONE, "ObjLink Value" },
    { 180, LN_VALUE_CORELNK, ONE, "CoreLnk Value" },
    { 1110, LN_VALUE_STRING, MANY, "Multiple String Value" },
    { 1120, LN_VALUE_INTEGER, MANY, "Multiple Integer Value" },
    { 1125, LN_VALUE_UNSIGNED, MANY, "Multiple Unsigned Integer Value" },
    { 1130, LN_VALUE_FLOAT, MANY, "Multiple Float Value" },
    { 1140, LN_VALUE_BOOLEAN, MANY, "Multiple Boolean Value" },
    { 1150, LN_VALUE_OPAQUE, MANY, "Multiple Opaque Value" },
    { 1160, LN_VALUE_TIME, MANY, "Multiple Time Value" },
    { 1170, LN_VALUE_OBJLNK, MANY, "Multiple ObjLink Value" },
    { 1180, LN_VALUE_CORELNK, MANY, "Multiple CoreLnk Value" },
};

#define OBJECT(id, name) { id, name, object_##id, sizeof object_##id / sizeof *object_##id }

const struct definition_object definitions[] = {
    OBJECT(1, "LwM2M Server"),
    OBJECT(2, "LwM2M Access Control"),
    OBJECT(3, "Device"),
    OBJECT(4, "Connectivity Monitoring"),
    OBJECT(5, "Firmware Update"),
    OBJECT(6, "Location"),
    OBJECT(7, "Connectivity Statistics"),
    OBJECT(3303, "Temperature"),
    OBJECT(3333, "Time"),
    OBJECT(3441, "LwM2M v1.0 Test Object"),
    OBJECT(3442, "LwM2M v1.1 Test Object"),
};

const size_t definitions_count = sizeof definitions / sizeof *definitions;
