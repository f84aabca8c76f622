/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_DEFINITIONS_H
#define LAB_DEFINITIONS_H
/**
 * @file definitions.h
 * Object definitions, sorted by their ids. names.c looks things up in them.
 */
#include <linnet/value.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct definition_resource {
    uint16_t id;
    enum ln_value_type type; /**< NONE: executable */
    bool multiple;
    const char *name;
};

struct definition_object {
    uint16_t id;
    const char *name;
    const struct definition_resource *resources;
    size_t count;
};

extern const struct definition_object definitions[];
extern const size_t definitions_count;

#endif
