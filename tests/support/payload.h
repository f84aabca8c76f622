/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_PAYLOAD_H
#define LN_TESTS_PAYLOAD_H
/**
 * @file payload.h
 * Payloads of LwM2M in tests: what a reader finds in one, as text, and all the ways to write one.
 *
 * In these tests the type of a resource is its id modulo 10, in the order of enum ln_value_type:
 * /1/0/3 is an integer, /1/0/12 and /1/0/2 are opaque, /1/0/10 is taken as it comes.
 */
#include "codec/format.h"

/** How a payload is read: in pieces of so many bytes (0: in one), values piecewise or whole. */
struct payload_way {
    size_t step;
    bool piecewise;
    size_t room; /**< for a value, 0: 512 */
};

/**
 * What a reader finds, each followed by a space:
 *
 *     /1/0[   an instance      /1/0/13{   an array      /1/0/3?   a name     /1/0/13/0-   remove
 *     /1/0/1="text"  /1/0/2=00ff  /1/0/3=-5  /1/0/5=2.5  /1/0/6=true  /1/0/8=3:0   values
 *     /1/0/3=5@1500  with a time in milliseconds
 *     /1/0/3=!LN_BAD_PEER   a value that is not taken
 *     .                     the end, or the status that ended it: LN_BAD_PEER
 *
 * @return valid until the process ends
 */
const char *payload_dump(const struct ln_format *format, const char *path, struct ln_span payload,
                         struct payload_way way);

/** The dump of reading it whole, after asserting that all ways of reading it agree. */
const char *payload_read(const struct ln_format *format, const char *path, struct ln_span payload);

enum payload_call {
    PAYLOAD_VALUE = 0,
    PAYLOAD_OPEN,
    PAYLOAD_CLOSE,
    PAYLOAD_TIME,    /**< `value` is an integer of milliseconds */
    PAYLOAD_STREAM,  /**< `value` as ln__writer_stream() writes it */
    PAYLOAD_NAME,    /**< no value */
    PAYLOAD_REFUSED, /**< LN_UNSUPPORTED */
};

/** One call of the writer. */
struct payload_item {
    enum payload_call call;
    const char *path;
    struct ln_value value;
};

/**
 * What a writer makes of the items, after asserting that every window on it shows the same bytes.
 * @return valid until the process ends
 */
struct ln_span payload_write(const struct ln_format *format, const char *path,
                             const struct payload_item *items, size_t count);

/** "/3/0" as a path; a mistake fails the test. */
struct ln_path payload_path(const char *text);

#endif
