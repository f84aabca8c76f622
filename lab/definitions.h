/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_DEFINITIONS_H
#define LAB_DEFINITIONS_H
/**
 * @file definitions.h
 * Object definitions that the lab was given: XML files in OMA's form (LWM2M.xsd), as its registry and
 * editor write them. What is given counts before the registry that is built in; see names.h.
 *
 * A file with a DOCTYPE is refused, for it could name other files or grow without end; so is one
 * that is longer than DEFINITIONS_FILE_MAX. They are kept until definitions_free().
 */
#include <linnet/value.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEFINITIONS_FILE_MAX (4u << 20)

struct defined_resource {
    uint16_t id;
    bool multiple;
    enum ln_value_type type; /**< NONE: it is executed, or has no type */
    char *name;
};

struct defined_object {
    uint16_t id;
    char *name;
    struct defined_resource *resources;
    size_t count;
};

/**
 * Read a file, or each file of a folder whose name ends in ".xml".
 * @return NULL, or what is wrong and where; free() it
 */
char *definitions_read(const char *path);

/** How many there are; `i` is below that. They stand in the order in which they came. */
size_t definitions_count(void);
const struct defined_object *definitions_at(size_t i);

/** NULL: none was given. */
const struct defined_object *definitions_find(uint16_t object);
const struct defined_resource *definitions_resource(const struct defined_object *object,
                                                    uint16_t resource);

void definitions_free(void);

#endif
