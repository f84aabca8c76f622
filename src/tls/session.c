/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file session.c
 * Sessions that are kept: whose they are, when they may be used again, and two stores.
 *
 * A frame (blob.h) carries its identity as it is, in two parts. The first names the peer, and so does
 * the key in the store: kind, port, host, name. The second stands for everything that a session must
 * not outlive: the back end, the credentials, trust, versions and ALPN (the digest of the
 * configuration), and the TLSA records. A resumption skips the verification of certificates, so a
 * session is used only where all of it is the same.
 */
#include "tls/filter.h"
#include <stdio.h>
#include <string.h>

#define NAME_LEN 16
#define DIGEST_LEN 32
#define PEER_MAX (1 + 2 + 2 * (LN_HOST_MAX + 1))
#define IDENTITY_MAX (PEER_MAX + NAME_LEN + 2 * DIGEST_LEN)

struct identity {
    uint8_t bytes[IDENTITY_MAX];
    size_t peer_len; /**< of the part that names the peer */
    size_t len;
};

static void add(struct identity *id, const void *data, size_t len)
{
    memcpy(id->bytes + id->len, data, len);
    id->len += len;
}

/** With its end, so that two names are not read as two others. Whoever gave a name was asked for at
 *  most LN_HOST_MAX bytes. */
static void add_name(struct identity *id, const char *name)
{
    add(id, name, strlen(name) + 1);
}

static void add_peer(struct identity *id, const struct ln_tls_sock *t)
{
    uint8_t head[] = { (uint8_t)t->config->kind, (uint8_t)(t->base.port >> 8),
                       (uint8_t)t->base.port };
    id->len = 0;
    add(id, head, sizeof head);
    add_name(id, t->base.host != NULL ? t->base.host : "");
    add_name(id, ln__tls_name(t));
    id->peer_len = id->len;
}

static void add_settings(struct identity *id, const struct ln_tls_sock *t)
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

static struct ln_span whole(const struct identity *id)
{
    return ln_span(id->bytes, id->len);
}

/** From here on the socket is one of this peer. */
static void identify(struct ln_tls_sock *t, struct identity *id)
{
    add_peer(id, t);
    t->peer_id = ln__blob_peer(ln_span(id->bytes, id->peer_len));
}

static bool has_peer(const struct ln_tls_sock *t)
{
    return t->peer_id.half[0] != 0;
}

/** The payload of a frame that is whole, ours and made for this peer and these settings. */
static struct ln_span open_frame(struct ln_span frame, enum ln_blob_kind kind, struct ln_span id)
{
    struct ln_blob blob;
    bool fits = ln__blob_read(frame, &blob) == LN_OK && blob.kind == kind &&
                ln_span_equal(blob.identity, id);
    return fits ? blob.payload : ln_span(NULL, 0);
}

size_t ln__tls_session_load(struct ln_tls_sock *t, struct ln_mspan room)
{
    const struct ln_session_store *store = &t->config->sessions;
    struct identity id;
    char key[LN_BLOB_KEY_MAX];
    size_t len = 0;
    if (!t->config->has_sessions)
        return 0;
    identify(t, &id);
    add_settings(&id, t);
    ln__blob_key(t->peer_id, LN_BLOB_SESSION, key);
    if (store->load(store->ctx, key, room, &len) != LN_OK || len > room.len)
        return 0;
    struct ln_span payload = open_frame(ln_span(room.data, len), LN_BLOB_SESSION, whole(&id));
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
    struct identity id;
    char key[LN_BLOB_KEY_MAX];
    if (!t->config->has_sessions || t->base.role != LN_CLIENT || !has_peer(t))
        return;
    add_peer(&id, t);
    add_settings(&id, t);
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

void ln__tls_session_forget(struct ln_tls_sock *t)
{
    const struct ln_session_store *store = &t->config->sessions;
    struct identity id;
    char key[LN_BLOB_KEY_MAX];
    bool current = has_peer(t) && t->base.host == NULL; /* of the last connect */
    if (!t->config->has_sessions)
        return;
    if (!current)
        identify(t, &id);
    ln__blob_key(t->peer_id, LN_BLOB_SESSION, key);
    (void)store->remove(store->ctx, key);
    t->session_stored = false;
}

/* ---- stores ---- */

#define PATH_MAX_LEN 256

static bool path_of(const struct ln_session_folder *folder, const char *key,
                    char path[PATH_MAX_LEN])
{
    int len = snprintf(path, PATH_MAX_LEN, "%s/%s.session", folder->path, key);
    return len > 0 && len < PATH_MAX_LEN;
}

static enum ln_status folder_load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    const struct ln_session_folder *f = ctx;
    char path[PATH_MAX_LEN];
    if (!path_of(f, key, path))
        return LN_BAD_ARG;
    return f->env->files.read(f->env->files.ctx, path, room, len);
}

static enum ln_status folder_save(void *ctx, const char *key, struct ln_span blob)
{
    const struct ln_session_folder *f = ctx;
    char path[PATH_MAX_LEN];
    if (!path_of(f, key, path))
        return LN_BAD_ARG;
    return f->env->files.replace(f->env->files.ctx, path, blob);
}

static enum ln_status folder_remove(void *ctx, const char *key)
{
    const struct ln_session_folder *f = ctx;
    char path[PATH_MAX_LEN];
    if (!path_of(f, key, path))
        return LN_BAD_ARG;
    return f->env->files.remove(f->env->files.ctx, path);
}

struct ln_session_store ln_session_store_folder(struct ln_session_folder *folder)
{
    struct ln_session_store store = { folder_load, folder_save, folder_remove, folder };
    return store;
}

static enum ln_status slot_load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    const struct ln_session_slot *slot = ctx;
    if (slot->len == 0 || strcmp(slot->key, key) != 0)
        return LN_NOT_FOUND;
    *len = slot->len;
    if (room.len < slot->len)
        return LN_NO_SPACE;
    memcpy(room.data, slot->blob, slot->len);
    return LN_OK;
}

static enum ln_status slot_save(void *ctx, const char *key, struct ln_span blob)
{
    struct ln_session_slot *slot = ctx;
    size_t key_len = strlen(key);
    if (blob.len > sizeof slot->blob || key_len >= sizeof slot->key)
        return LN_NO_SPACE;
    ln_wipe(slot->blob, slot->len);
    memcpy(slot->key, key, key_len + 1);
    memcpy(slot->blob, blob.data, blob.len);
    slot->len = blob.len;
    return LN_OK;
}

static enum ln_status slot_remove(void *ctx, const char *key)
{
    struct ln_session_slot *slot = ctx;
    if (slot->len == 0 || strcmp(slot->key, key) != 0)
        return LN_NOT_FOUND;
    ln_wipe(slot->blob, slot->len);
    slot->len = 0;
    return LN_OK;
}

struct ln_session_store ln_session_store_slot(struct ln_session_slot *slot)
{
    struct ln_session_store store = { slot_load, slot_save, slot_remove, slot };
    return store;
}
