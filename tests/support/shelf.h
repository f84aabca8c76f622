/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_SHELF_H
#define LN_TESTS_SHELF_H
/**
 * @file shelf.h
 * A session store that a test can look into, count, spoil and let fail.
 */
#include <linnet/tls.h>

enum { SHELF_MAX = 16 };

struct shelf_slot {
    char key[33];
    size_t len; /**< 0 = removed */
    uint8_t blob[LN_SESSION_MAX];
};

struct shelf {
    size_t count;
    struct shelf_slot slot[SHELF_MAX]; /**< in the order of their first save */
    unsigned loads, saves, removes;
    enum ln_status fail_load, fail_save; /**< LN_OK = they work */
    struct ln_session_store store;
};

/** Empty, and everything works. @return its store; good as long as the shelf */
const struct ln_session_store *shelf_init(struct shelf *s);

/** A store that never has anything. */
extern const struct ln_session_store shelf_nothing;

#endif
