/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_NAMES_H
#define LAB_NAMES_H
/**
 * @file names.h
 * What object definitions say about objects and resources, for people: those that were given
 * (definitions.h), and for all other objects OMA's registry.
 */
#include <linnet/path.h>
#include <linnet/value.h>
#include <stdbool.h>

/** "Device". NULL: not known. */
const char *names_object(uint16_t object);

/** "Manufacturer". NULL: not known. */
const char *names_resource(uint16_t object, uint16_t resource);

/** NONE: not known, or nothing that has a value. */
enum ln_value_type names_type(uint16_t object, uint16_t resource);

/** Whether a resource may have several instances. */
bool names_is_multiple(uint16_t object, uint16_t resource);

/**
 * Read a path as people write it: "/3/0/9", or "/device/0/battery-level": names in any case, with
 * - or _ for a space.
 *
 * @return NULL, or what is wrong
 */
const char *names_read_path(const char *text, struct ln_path *out);

/** One resource of an object, by its number or name. @return false: there is none */
bool names_read_resource(uint16_t object, const char *text, uint16_t *out);

/** A name as it is typed: "Battery Level" -> "battery-level". free() it. */
char *names_word(const char *name);

/** Walk through all names, for completion: the i-th object, or resource of an object. NULL: no more. */
const char *names_object_at(size_t i);
const char *names_resource_at(uint16_t object, size_t i);

#endif
