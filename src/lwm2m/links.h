/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_LWM2M_LINKS_H
#define LN_LWM2M_LINKS_H
/**
 * @file links.h
 * The list of objects of Register and Update, and answers that are longer than a message.
 */
#include "lwm2m/core.h"

/**
 * The bytes [skip, skip + room.len) of the list for a server of this LwM2M version.
 * @return the length of the whole list
 */
size_t ln__links_write(const struct ln_client *client, uint8_t version, size_t skip,
                       struct ln_mspan room);

/** An answer that is kept while it is read block by block. */
struct ln__snapshot {
    const struct ln_env *env;
    uint32_t len;
    uint8_t data[];
};

/** LN_ANSWER_INTERNAL: longer than config.read_max, and the reply says so. */
enum ln_answer ln__snapshot_new(struct ln__request *rq, size_t length, struct ln__snapshot **out);
void ln__snapshot_free(struct ln__snapshot *snapshot);
/** The reply's body is the snapshot; it is freed when it was read, or is not wanted any more. */
void ln__snapshot_answer(struct ln__request *rq, struct ln__snapshot *snapshot);
/** The same as a source for other messages. */
struct ln_coap_source ln__snapshot_source(struct ln__snapshot *snapshot);

#endif
