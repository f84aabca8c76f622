/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file association.c
 * DTLS associations that go on after a restart: Connection ID (RFC 9146) without any handshake.
 *
 * A saved association has keys and record numbers in it. Used twice, it would send two records under
 * one number, which breaks its encryption and what the peer knows of replays. So it is used once:
 *
 *   close    the library gives the association away, and is done with it. It is stored under a MAC
 *            whose key is random; then the key, the seal, in an entry of its own.
 *   connect  the seal is read, and removed, durably, before the association is looked at. If that
 *            fails, or somebody else was faster, the association is left alone. Who lived a whole life
 *            in between has left another association, which this seal's key does not open.
 *
 * After a crash there is no seal, or one that does not fit: the next handshake is an abbreviated one.
 * A copy of an association that is put back later opens no more. Only who puts back both entries as
 * they were, a backup of the whole store, say, brings old record numbers back; see tls.h.
 */
#include "tls/kept.h"
#include <string.h>

#define KEY_LEN 32
#define MAC_LEN 32
#define SEAL_MAX (LN_BLOB_OVERHEAD + LN_KEPT_IDENTITY_MAX + KEY_LEN)
#define HASH_BLOCK 64

/* ---- the MAC ---- */

/** HMAC-SHA-256 (RFC 2104) of identity and payload. */
static bool make_mac(const struct ln_tls_sock *t, const uint8_t key[KEY_LEN],
                     struct ln_span identity, struct ln_span payload, uint8_t mac[LN_HASH_MAX])
{
    const struct ln_tls_config *c = t->config;
    uint8_t inner_pad[HASH_BLOCK];
    uint8_t outer_pad[HASH_BLOCK];
    uint8_t inner[LN_HASH_MAX];
    memset(inner_pad, 0x36, sizeof inner_pad);
    memset(outer_pad, 0x5c, sizeof outer_pad);
    for (size_t i = 0; i < KEY_LEN; i++) {
        inner_pad[i] ^= key[i];
        outer_pad[i] ^= key[i];
    }
    const struct ln_span first[] = { ln_span(inner_pad, sizeof inner_pad), identity, payload };
    const struct ln_span second[] = { ln_span(outer_pad, sizeof outer_pad),
                                      ln_span(inner, MAC_LEN) };
    bool ok = ln__tls_hash(c->env, c->backend, LN_SHA256, first, 3, inner) == LN_OK &&
              ln__tls_hash(c->env, c->backend, LN_SHA256, second, 2, mac) == LN_OK;
    ln_wipe(inner_pad, sizeof inner_pad);
    ln_wipe(outer_pad, sizeof outer_pad);
    return ok;
}

/* ---- the store ---- */

static size_t load(const struct ln_tls_sock *t, enum ln_blob_kind kind, struct ln_mspan room)
{
    const struct ln_session_store *store = &t->config->sessions;
    char key[LN_BLOB_KEY_MAX];
    size_t len = 0;
    ln__blob_key(t->peer_id, kind, key);
    return store->load(store->ctx, key, room, &len) == LN_OK && len <= room.len ? len : 0;
}

static enum ln_status drop(const struct ln_tls_sock *t, enum ln_blob_kind kind)
{
    const struct ln_session_store *store = &t->config->sessions;
    char key[LN_BLOB_KEY_MAX];
    ln__blob_key(t->peer_id, kind, key);
    return store->remove(store->ctx, key);
}

static enum ln_status keep(const struct ln_tls_sock *t, const struct ln_blob *blob,
                           struct ln_mspan room)
{
    const struct ln_session_store *store = &t->config->sessions;
    char key[LN_BLOB_KEY_MAX];
    size_t len = ln__blob_write(blob, room);
    if (len == 0)
        return LN_NO_SPACE;
    ln__blob_key(t->peer_id, blob->kind, key);
    return store->save(store->ctx, key, ln_span(room.data, len));
}

static bool is_kept(const struct ln_tls_sock *t)
{
    return t->config->has_sessions && t->config->connection_id && t->base.role == LN_CLIENT &&
           t->config->backend->save != NULL;
}

/* ---- taking ---- */

/** The association behind its MAC, or an empty span. */
static struct ln_span check(const struct ln_tls_sock *t, struct ln_span identity,
                            struct ln_span payload, struct ln_span key)
{
    uint8_t mac[LN_HASH_MAX];
    if (key.len != KEY_LEN || payload.len <= MAC_LEN)
        return ln_span(NULL, 0);
    struct ln_span saved = ln_span(payload.data + MAC_LEN, payload.len - MAC_LEN);
    if (!make_mac(t, key.data, identity, saved, mac) ||
        !ln_equal_secret(mac, payload.data, MAC_LEN))
        return ln_span(NULL, 0);
    return saved;
}

/** Break the seal: whoever does it owns the association, and nobody else can. */
static bool claim(const struct ln_tls_sock *t)
{
    if (drop(t, LN_BLOB_SEAL) == LN_OK)
        return true;
    ln_log(t->base.env, LN_LOG_WARN, "tls",
           "a stored association cannot be used: its entry cannot be removed first");
    return false;
}

/** Of whom the seal is, and its key. Only behind it the association is read: what stands there then may
 *  be another one than before, which the key tells. */
static struct ln_span open_sealed(const struct ln_tls_sock *t, struct ln_span identity,
                                  struct ln_span seal, struct ln_mspan room)
{
    struct ln_span key = ln__kept_open(seal, LN_BLOB_SEAL, identity);
    if (key.len == 0 || !claim(t))
        return ln_span(NULL, 0);
    size_t len = load(t, LN_BLOB_ASSOCIATION, room);
    struct ln_span payload = ln__kept_open(ln_span(room.data, len), LN_BLOB_ASSOCIATION, identity);
    return check(t, identity, payload, key);
}

size_t ln__tls_association_take(struct ln_tls_sock *t, struct ln_mspan room)
{
    struct ln_kept_identity id;
    uint8_t seal[SEAL_MAX];
    if (!is_kept(t))
        return 0;
    ln__kept_set_peer(t, &id);
    size_t seal_len = load(t, LN_BLOB_SEAL, ln_mspan(seal, sizeof seal));
    if (seal_len == 0)
        return 0;
    struct ln_span saved = open_sealed(t, ln_span(id.bytes, id.len), ln_span(seal, seal_len), room);
    ln_wipe(seal, sizeof seal);
    if (saved.len == 0) {
        ln_log(t->base.env, LN_LOG_INFO, "tls",
               "a stored association does not fit, is damaged or was used before");
    } else {
        (void)drop(t, LN_BLOB_ASSOCIATION); /* void by now */
        memmove(room.data, saved.data, saved.len);
    }
    ln_wipe(room.data + saved.len, room.len - saved.len);
    return saved.len;
}

/* ---- keeping ---- */

/** What the library gave away, which is all there is of it now. */
static enum ln_status put(const struct ln_tls_sock *t, struct ln_mspan saved, struct ln_mspan frame)
{
    const struct ln_env *env = t->base.env;
    struct ln_kept_identity id;
    uint8_t key[KEY_LEN];
    uint8_t mac[LN_HASH_MAX];
    ln__kept_identify(t, &id);
    const struct ln_span identity = ln_span(id.bytes, id.len);
    if (env->random.fill == NULL ||
        env->random.fill(env->random.ctx, ln_mspan(key, sizeof key)) != LN_OK)
        return LN_IO;
    if (!make_mac(t, key, identity, ln_span(saved.data + MAC_LEN, saved.len - MAC_LEN), mac))
        return LN_NO_MEMORY;
    memcpy(saved.data, mac, MAC_LEN);
    const struct ln_blob association = { LN_BLOB_ASSOCIATION, identity,
                                         ln_span(saved.data, saved.len) };
    const struct ln_blob seal = { LN_BLOB_SEAL, identity, ln_span(key, sizeof key) };
    enum ln_status st = keep(t, &association, frame);
    if (st == LN_OK)
        st = keep(t, &seal, frame);
    ln_wipe(key, sizeof key);
    return st;
}

static void complain(const struct ln_tls_sock *t, enum ln_status st)
{
    ln_log(t->base.env, LN_LOG_INFO, "tls",
           st == LN_UNSUPPORTED
               ? "an association with CBC cannot be saved: the next connect shakes hands"
               : "an association could not be saved: the next connect shakes hands (%s)",
           ln_status_name(st));
}

void ln__tls_association_keep(struct ln_tls_sock *t)
{
    struct ln_tls_link *link = t->link;
    struct ln_tls_session_info info;
    uint8_t saved[LN_SESSION_MAX];
    uint8_t frame[LN_SESSION_MAX];
    size_t len = 0;
    link->backend->info(link->engine, &info);
    if (!is_kept(t) || t->forgotten || !info.cid_in_use || (t->asked && !t->answered))
        return;
    enum ln_status st =
        link->backend->save(link->engine, ln_mspan(saved + MAC_LEN, sizeof saved - MAC_LEN), &len);
    if (st == LN_OK)
        st = put(t, ln_mspan(saved, MAC_LEN + len), ln_mspan(frame, sizeof frame));
    ln_wipe(saved, MAC_LEN + len);
    ln_wipe(frame, sizeof frame);
    if (st != LN_OK)
        complain(t, st);
}
