/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file session.c
 * Sessions that are kept: whose they are, and when they may be used again.
 *
 * A frame (blob.h) carries its identity as it is, in two parts. The first names the peer, and so does
 * the key in the store: kind, port, host, name. The second stands for everything that a session must
 * not outlive: the back end, the credentials, trust, versions and ALPN (the digest of the
 * configuration), and the TLSA records. A resumption skips the verification of certificates, so a
 * session is used only where all of it is the same.
 */
#include "tls/kept.h"
#include <string.h>

#define NAME_LEN LN_KEPT_NAME_LEN
#define DIGEST_LEN LN_KEPT_DIGEST_LEN

static void add(struct ln_kept_identity *id, const void *data, size_t len)
{
    memcpy(id->bytes + id->len, data, len);
    id->len += len;
}

/** With its end, so that two names are not read as two others. Whoever gave a name was asked for at
 *  most LN_HOST_MAX bytes. */
static void add_name(struct ln_kept_identity *id, const char *name)
{
    add(id, name, strlen(name) + 1);
}

static void add_peer(struct ln_kept_identity *id, const struct ln_tls_sock *t)
{
    uint8_t head[] = { (uint8_t)t->config->kind, (uint8_t)(t->base.port >> 8),
                       (uint8_t)t->base.port };
    id->len = 0;
    add(id, head, sizeof head);
    add_name(id, t->base.host != NULL ? t->base.host : "");
    add_name(id, ln__tls_name(t));
    id->peer_len = id->len;
}

static void add_settings(struct ln_kept_identity *id, const struct ln_tls_sock *t)
{
    static const uint8_t no_records[DIGEST_LEN];
    const struct ln_tlsa_set *records = ln__tls_records(t);
    char backend[NAME_LEN] = "";
    for (size_t i = 0; i < NAME_LEN - 1 && t->config->backend->name[i] != '\0'; i++)
        backend[i] = t->config->backend->name[i];
    add(id, backend, sizeof backend);
    add(id, t->config->digest, DIGEST_LEN);
    add(id, records != NULL ? records->digest : no_records, DIGEST_LEN);
}

static struct ln_span whole(const struct ln_kept_identity *id)
{
    return ln_span(id->bytes, id->len);
}

void ln__kept_identify(const struct ln_tls_sock *t, struct ln_kept_identity *id)
{
    add_peer(id, t);
    add_settings(id, t);
}

void ln__kept_set_peer(struct ln_tls_sock *t, struct ln_kept_identity *id)
{
    ln__kept_identify(t, id);
    t->peer_id = ln__blob_peer(ln_span(id->bytes, id->peer_len));
}

static bool has_peer(const struct ln_tls_sock *t)
{
    return t->peer_id.half[0] != 0;
}

struct ln_span ln__kept_open(struct ln_span frame, enum ln_blob_kind kind, struct ln_span id)
{
    struct ln_blob blob;
    bool fits = ln__blob_read(frame, &blob) == LN_OK && blob.kind == kind &&
                ln_span_equal(blob.identity, id);
    return fits ? blob.payload : ln_span(NULL, 0);
}

size_t ln__tls_session_load(struct ln_tls_sock *t, struct ln_mspan room)
{
    const struct ln_session_store *store = &t->config->sessions;
    struct ln_kept_identity id;
    char key[LN_BLOB_KEY_MAX];
    size_t len = 0;
    if (!t->config->has_sessions)
        return 0;
    ln__kept_set_peer(t, &id);
    ln__blob_key(t->peer_id, LN_BLOB_SESSION, key);
    if (store->load(store->ctx, key, room, &len) != LN_OK || len > room.len)
        return 0;
    struct ln_span payload = ln__kept_open(ln_span(room.data, len), LN_BLOB_SESSION, whole(&id));
    if (payload.len == 0) {
        ln_log(t->base.env, LN_LOG_DEBUG, "tls", "a stored session does not fit or is damaged");
        ln_wipe(room.data, len);
        return 0;
    }
    memmove(room.data, payload.data, payload.len);
    ln_wipe(room.data + payload.len, len - payload.len);
    return payload.len;
}

void ln__tls_session_save(struct ln_tls_sock *t, struct ln_span session)
{
    const struct ln_session_store *store = &t->config->sessions;
    uint8_t frame[LN_SESSION_MAX];
    struct ln_kept_identity id;
    char key[LN_BLOB_KEY_MAX];
    if (!t->config->has_sessions || t->base.role != LN_CLIENT || !has_peer(t) || t->forgotten)
        return;
    ln__kept_identify(t, &id);
    struct ln_blob blob = { LN_BLOB_SESSION, whole(&id), session };
    size_t len = ln__blob_write(&blob, ln_mspan(frame, sizeof frame));
    if (len == 0) {
        ln_log(t->base.env, LN_LOG_WARN, "tls", "a session of %u bytes is too large to be stored",
               (unsigned)session.len);
        return;
    }
    ln__blob_key(t->peer_id, LN_BLOB_SESSION, key);
    enum ln_status st = store->save(store->ctx, key, ln_span(frame, len));
    ln_wipe(frame, len);
    t->session_stored = st == LN_OK;
    if (st != LN_OK)
        ln_log(t->base.env, LN_LOG_WARN, "tls", "a session could not be stored (%s)",
               ln_status_name(st));
}

bool ln__tls_session_is_kept(struct ln_tls_sock *t)
{
    const struct ln_session_store *store = &t->config->sessions;
    char key[LN_BLOB_KEY_MAX];
    size_t len = 0;
    if (!t->config->has_sessions || !has_peer(t))
        return false;
    ln__blob_key(t->peer_id, LN_BLOB_SESSION, key);
    return store->load(store->ctx, key, ln_mspan(NULL, 0), &len) == LN_NO_SPACE;
}

void ln__tls_session_forget(struct ln_tls_sock *t)
{
    static const enum ln_blob_kind kinds[] = { LN_BLOB_SESSION, LN_BLOB_SEAL, LN_BLOB_ASSOCIATION };
    const struct ln_session_store *store = &t->config->sessions;
    struct ln_kept_identity id;
    char key[LN_BLOB_KEY_MAX];
    bool current = has_peer(t) && t->base.host == NULL; /* of the last connect */
    if (!t->config->has_sessions)
        return;
    if (!current)
        ln__kept_set_peer(t, &id);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ln__blob_key(t->peer_id, kinds[i], key);
        (void)store->remove(store->ctx, key);
    }
    t->session_stored = false;
    t->forgotten = true;
}
