/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_FORMATS_H
#define LAB_FORMATS_H
/**
 * @file formats.h
 * The payload formats that the lab knows, and values in them.
 */
#include "codec/format.h"

#include <cjson/cJSON.h>
#include <linnet/path.h>

/** "tlv" -> 11542; also "11542". @return false: nothing of that name */
bool formats_number(const char *name, int32_t *out);

/** 11542 -> "tlv". NULL: not known. */
const char *formats_name(int32_t number);

/** The i-th name, for completion; NULL: no more. */
const char *formats_name_at(size_t i);

/**
 * A payload as JSON: [{"path": "/3/0/9", "name": "Battery Level", "type": "integer", "value": 95}].
 *
 * @param path    of the request
 * @param number  SERVER_NO_FORMAT counts as text
 * @return NULL: it cannot be read, and *wrong says why
 */
cJSON *formats_read(const struct ln_path *path, int32_t number, struct ln_span payload,
                    const char **wrong);

/** One value on its way to a device. */
struct formats_item {
    struct ln_path path;
    struct ln_value value; /**< its bytes are of `memory` */
    uint8_t *memory;
};

/**
 * A value as people write it.
 *
 * @param type   that it must have; NONE: what it looks like
 * @param quoted  it is text, whatever it looks like
 * @return NULL, or what is wrong
 */
const char *formats_read_value(const char *text, bool quoted, enum ln_value_type type,
                               struct formats_item *out);

/**
 * Values in the order of their paths as a payload.
 *
 * @param path   of the request
 * @param out    free() it
 * @return NULL, or what is wrong
 */
const char *formats_write(const struct ln_path *path, int32_t number, struct formats_item *items,
                          size_t count, uint8_t **out, size_t *len);

#endif
