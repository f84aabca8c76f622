/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer that is longer than a message, kept on the heap while it is read block by block, so that
 * all blocks are of one state. See links.h.
 */
#include "lwm2m/links.h"

static enum ln_status read_at(void *user, uint32_t offset, struct ln_mspan room, size_t *len,
                              bool *end)
{
    const struct ln__snapshot *s = user;
    if (offset > s->len)
        return LN_INTERNAL;
    size_t left = s->len - offset;
    *len = left < room.len ? left : room.len;
    memcpy(room.data, s->data + offset, *len);
    *end = *len == left;
    return LN_OK;
}

static void done(void *user, bool whole)
{
    (void)whole;
    ln__snapshot_free(user);
}

void ln__snapshot_free(struct ln__snapshot *snapshot)
{
    if (snapshot != NULL)
        ln_free_secret(snapshot->env, snapshot, sizeof *snapshot + snapshot->len);
}

enum ln_answer ln__snapshot_new(struct ln__request *rq, size_t length, struct ln__snapshot **out)
{
    const struct ln_env *env = rq->client->env;
    if (!LN__WITH_BLOCKS || length > rq->client->config.read_max) {
        ln_coap_reply_text(rq->reply, LN_COAP_INTERNAL_ERROR,
                           LN__WORDS("longer than this device can gather: read its parts"));
        return LN_ANSWER_INTERNAL;
    }
    struct ln__snapshot *s = ln_calloc(env, 1, sizeof *s + length);
    if (s == NULL)
        return LN_ANSWER_UNAVAILABLE;
    s->env = env;
    s->len = (uint32_t)length;
    *out = s;
    return LN_ANSWER_OK;
}

struct ln_coap_source ln__snapshot_source(struct ln__snapshot *snapshot)
{
    return (struct ln_coap_source) {
        .read = read_at, .done = done, .user = snapshot, .size = snapshot->len
    };
}

void ln__snapshot_answer(struct ln__request *rq, struct ln__snapshot *snapshot)
{
    rq->reply->source = ln__snapshot_source(snapshot);
}
