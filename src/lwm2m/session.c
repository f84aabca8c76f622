/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session in memory. See session.h.
 */
#include "lwm2m/session.h"

void ln__session_free(struct ln__session *session)
{
    ln_free_secret(session->env, session->blob, session->len);
    session->blob = NULL;
    session->len = 0;
    memset(session->key, 0, sizeof session->key);
}

static bool is_it(const struct ln__session *s, const char *key)
{
    return s->blob != NULL && strcmp(s->key, key) == 0;
}

static enum ln_status load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    const struct ln__session *s = ctx;
    if (!is_it(s, key))
        return LN_NOT_FOUND;
    *len = s->len;
    if (room.len < s->len)
        return LN_NO_SPACE;
    memcpy(room.data, s->blob, s->len);
    return LN_OK;
}

static enum ln_status save(void *ctx, const char *key, struct ln_span blob)
{
    struct ln__session *s = ctx;
    size_t key_len = strlen(key);
    if (key_len >= sizeof s->key || blob.len == 0)
        return LN_BAD_ARG;
    uint8_t *copy = ln_calloc(s->env, 1, blob.len);
    if (copy == NULL)
        return LN_NO_MEMORY;
    memcpy(copy, blob.data, blob.len);
    ln__session_free(s);
    s->blob = copy;
    s->len = blob.len;
    memcpy(s->key, key, key_len);
    return LN_OK;
}

static enum ln_status forget(void *ctx, const char *key)
{
    struct ln__session *s = ctx;
    if (!is_it(s, key))
        return LN_NOT_FOUND;
    ln__session_free(s);
    return LN_OK;
}

struct ln_session_store ln__session_store(struct ln__session *session, const struct ln_env *env)
{
    session->env = env;
    return (
        struct ln_session_store) { .load = load, .save = save, .remove = forget, .ctx = session };
}
