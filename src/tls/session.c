/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file session.c
 * Sessions that are kept: the name they are stored under, and the frame around the library's blob.
 *
 *   "LNS" 0x01 | back end, 16 bytes, zero filled | binding, 32 | length, 4 | payload | SHA-256, 32
 *
 * The name stands for the peer (kind, host, port, server name). The binding stands for everything
 * a session must not outlive: credentials, trust, TLSA records, versions, ALPN. A resumption skips
 * the verification of certificates, so a session made under other settings is not used. The digest
 * finds damage; it is no protection against somebody who can write to the store.
 */
#include "tls/filter.h"
#include <stdio.h>
#include <string.h>

static const uint8_t magic[4] = { 'L', 'N', 'S', 1 };

#define NAME_LEN 16
#define DIGEST_LEN 32
#define HEADER_LEN (sizeof magic + NAME_LEN + DIGEST_LEN + 4)
#define FRAME_LEN (HEADER_LEN + DIGEST_LEN)

static void backend_name(const struct ln_tls_config *c, uint8_t name[NAME_LEN])
{
    memset(name, 0, NAME_LEN);
    for (size_t i = 0; i < NAME_LEN && c->backend->name[i] != '\0'; i++)
        name[i] = (uint8_t)c->backend->name[i];
}

static bool hash(const struct ln_tls_config *c, const struct ln_span *parts, size_t count,
                 uint8_t out[LN_HASH_MAX])
{
    return ln__tls_hash(c->env, c->backend, LN_SHA256, parts, count, out) == LN_OK;
}

static void write_key(struct ln_tls_sock *t, const uint8_t *digest)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < 16; i++) {
        t->session_key[2 * i] = hex[digest[i] >> 4];
        t->session_key[2 * i + 1] = hex[digest[i] & 15];
    }
    t->session_key[32] = '\0';
}

/** Key and binding of this socket's peer. Where they cannot be computed there is no key, not that of
 *  the peer before. */
static bool identify(struct ln_tls_sock *t)
{
    const struct ln_tls_config *c = t->config;
    const struct ln_tlsa_set *records = ln__tls_records(t);
    uint8_t kind = (uint8_t)c->kind;
    uint8_t port[2] = { (uint8_t)(t->base.port >> 8), (uint8_t)t->base.port };
    const char *host = t->base.host != NULL ? t->base.host : "";
    const struct ln_span peer[] = { ln_span(&kind, 1), ln_span(port, 2),
                                    ln_span(host, strlen(host) + 1), ln_span_str(ln__tls_name(t)) };
    uint8_t digest[LN_HASH_MAX];
    uint8_t binding[LN_HASH_MAX];
    const struct ln_span all[] = { ln_span(digest, DIGEST_LEN), ln_span(c->digest, DIGEST_LEN),
                                   ln__tlsa_set_bytes(records) };
    t->session_key[0] = '\0';
    if (!hash(c, peer, sizeof peer / sizeof *peer, digest) ||
        !hash(c, all, sizeof all / sizeof *all, binding))
        return false;
    write_key(t, digest);
    memcpy(t->session_binding, binding, DIGEST_LEN);
    return true;
}

/** The payload of a frame that is whole, ours and made for this peer and these settings. */
static struct ln_span open_frame(const struct ln_tls_sock *t, struct ln_span frame)
{
    const struct ln_span none = { NULL, 0 };
    uint8_t name[NAME_LEN];
    uint8_t digest[LN_HASH_MAX];
    if (frame.len < FRAME_LEN || memcmp(frame.data, magic, sizeof magic) != 0)
        return none;
    const uint8_t *p = frame.data + sizeof magic;
    backend_name(t->config, name);
    if (memcmp(p, name, NAME_LEN) != 0)
        return none;
    p += NAME_LEN;
    if (memcmp(p, t->session_binding, DIGEST_LEN) != 0)
        return none;
    p += DIGEST_LEN;
    size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    p += 4;
    if (len != frame.len - FRAME_LEN)
        return none;
    const struct ln_span body = ln_span(frame.data, HEADER_LEN + len);
    if (!hash(t->config, &body, 1, digest) || memcmp(digest, p + len, DIGEST_LEN) != 0)
        return none;
    return ln_span(p, len);
}

size_t ln__tls_session_load(struct ln_tls_sock *t, struct ln_mspan room)
{
    const struct ln_session_store *store = &t->config->sessions;
    size_t len = 0;
    if (!t->config->has_sessions || !identify(t))
        return 0;
    if (store->load(store->ctx, t->session_key, room, &len) != LN_OK || len > room.len)
        return 0;
    struct ln_span payload = open_frame(t, ln_span(room.data, len));
    if (payload.len == 0) {
        ln_log(t->base.env, LN_LOG_DEBUG, "tls", "a stored session does not fit or is damaged");
        ln_wipe(room.data, len);
        return 0;
    }
    memmove(room.data, payload.data, payload.len);
    ln_wipe(room.data + payload.len, len - payload.len);
    return payload.len;
}

static size_t make_frame(const struct ln_tls_sock *t, struct ln_span blob, uint8_t *out)
{
    uint8_t digest[LN_HASH_MAX];
    uint8_t *p = out;
    memcpy(p, magic, sizeof magic);
    p += sizeof magic;
    backend_name(t->config, p);
    p += NAME_LEN;
    memcpy(p, t->session_binding, DIGEST_LEN);
    p += DIGEST_LEN;
    *p++ = (uint8_t)(blob.len >> 24);
    *p++ = (uint8_t)(blob.len >> 16);
    *p++ = (uint8_t)(blob.len >> 8);
    *p++ = (uint8_t)blob.len;
    memcpy(p, blob.data, blob.len);
    p += blob.len;
    const struct ln_span body = ln_span(out, (size_t)(p - out));
    if (!hash(t->config, &body, 1, digest))
        return 0;
    memcpy(p, digest, DIGEST_LEN);
    return (size_t)(p - out) + DIGEST_LEN;
}

void ln__tls_session_save(struct ln_tls_sock *t, struct ln_span blob)
{
    const struct ln_session_store *store = &t->config->sessions;
    uint8_t frame[LN_SESSION_MAX];
    if (!t->config->has_sessions || t->base.role != LN_CLIENT || t->session_key[0] == '\0')
        return;
    if (blob.len > sizeof frame - FRAME_LEN) {
        ln_log(t->base.env, LN_LOG_WARN, "tls", "a session of %u bytes is too large to be stored",
               (unsigned)blob.len);
        return;
    }
    size_t len = make_frame(t, blob, frame);
    enum ln_status st = LN_NO_MEMORY;
    if (len > 0)
        st = store->save(store->ctx, t->session_key, ln_span(frame, len));
    ln_wipe(frame, FRAME_LEN + blob.len);
    t->session_stored = st == LN_OK;
    if (st != LN_OK)
        ln_log(t->base.env, LN_LOG_WARN, "tls", "a session could not be stored (%s)",
               ln_status_name(st));
}

void ln__tls_session_forget(struct ln_tls_sock *t)
{
    const struct ln_session_store *store = &t->config->sessions;
    bool current = t->session_key[0] != '\0' && t->base.host == NULL; /* of the last connect */
    if (!t->config->has_sessions || (!current && !identify(t)))
        return;
    (void)store->remove(store->ctx, t->session_key);
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
