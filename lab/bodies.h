/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_BODIES_H
#define LAB_BODIES_H
/**
 * @file bodies.h
 * Bodies that come in blocks (RFC 7959), until they are whole.
 *
 * libcoap asks for the blocks and could put them together, too. But 4.3.1 cannot do so without a
 * Size1 option, which need not be there, and reads through a null pointer when the last block of
 * such a request comes twice. So it gives us each block.
 */
#include <linnet/span.h>
#include <stdbool.h>
#include <stdint.h>

struct bodies {
    struct body *first;
};

enum bodies_result {
    BODIES_MORE,      /**< fine so far */
    BODIES_WHOLE,     /**< *whole is all of it, until the next call */
    BODIES_GAP,       /**< a block is missing: what there was is dropped */
    BODIES_TOO_LARGE, /**< what there was is dropped */
};

/**
 * Add a block.
 *
 * @param owner  of the body, with the key; its bodies can be dropped together. Of each, a few are kept
 *               at a time, and another one drops the oldest.
 * @param key    NUL-terminated
 * @param offset  0 begins anew
 * @param note   of the first block, the caller's: kept, and given back with the others
 */
enum bodies_result bodies_add(struct bodies *bodies, const void *owner, const char *key,
                              size_t offset, struct ln_span block, bool last, size_t max,
                              int32_t *note, struct ln_span *whole);

/** Drop what is half there, and what was whole. */
void bodies_drop(struct bodies *bodies, const void *owner);
void bodies_drop_all(struct bodies *bodies);

#endif
