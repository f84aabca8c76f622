/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file resume.c
 * Contract: download.h, what survives a restart of the program.
 *
 * A state is believed only as far as what is stored agrees with it: the bytes up to its last point
 * are read again and hashed; where the digest differs, those up to the point before; and where that
 * differs too, nothing. So the worst that a lost write, a torn one or a swapped file can do is to
 * make the download begin anew.
 */
#include "download/download.h"

#include "base/try.h"

/** Read at once while checking, and in one step before the caller gets its turn. */
#define CHECK_BYTES 16384
#define CHECKS_PER_STEP 16
/** What is new is saved after that long, however little it is. */
#define SAVE_MS 1000

static enum ln_status hash_once(const struct ln_env *env, const struct ln_span *parts, size_t count,
                                uint8_t out[LN_HASH_MAX])
{
    struct ln_hasher *h = NULL;
    TRY(ln_hasher_new(env, LN_SHA256, &h));
    for (size_t i = 0; i < count; i++)
        ln_hasher_update(h, parts[i]);
    enum ln_status st = ln_hasher_value(h, out);
    ln_hasher_free(h);
    return st;
}

enum ln_status ln__download_name(struct ln_download *d)
{
    uint8_t digest[LN_HASH_MAX];
    struct ln_span text = ln_span_str(d->text);
    TRY(hash_once(d->env, &text, 1, digest));
    memcpy(d->uri_digest, digest, LN__SHA256_LEN);
    return LN_OK;
}

/* ---- loading ---- */

/* The state behind its checksum. */
static enum ln_status open_state(const struct ln_download *d, struct ln_span state,
                                 struct ln__download_record *out)
{
    uint8_t digest[LN_HASH_MAX];
    if (state.len < LN__SHA256_LEN)
        return LN_BAD_PEER;
    struct ln_span body = ln_span(state.data, state.len - LN__SHA256_LEN);
    TRY(hash_once(d->env, &body, 1, digest));
    if (memcmp(digest, state.data + body.len, LN__SHA256_LEN) != 0)
        return LN_BAD_PEER;
    return ln__download_record_read(body, out);
}

static bool can_go_on(const struct ln_download *d, const struct ln__download_record *r)
{
    return memcmp(r->uri, d->uri_digest, LN__SHA256_LEN) == 0 && r->points > 0 &&
           r->validator.kind != LN__NO_VALIDATOR && d->options.store.read != NULL;
}

static enum ln_status fresh_hasher(struct ln_download *d)
{
    ln_hasher_free(d->hasher);
    d->hasher = NULL;
    return ln_hasher_new(d->env, LN_SHA256, &d->hasher);
}

enum ln_status ln__download_load(struct ln_download *d)
{
    const struct ln_download_store *store = &d->options.store;
    uint8_t state[LN_DOWNLOAD_STATE_MAX];
    size_t len = 0;
    TRY(fresh_hasher(d));
    if (store->load == NULL)
        return LN_OK;
    enum ln_status st = store->load(store->ctx, ln_mspan(state, sizeof state), &len);
    if (st == LN_OK && len <= sizeof state)
        st = open_state(d, ln_span(state, len), &d->before);
    if (st == LN_NO_MEMORY)
        return st;
    if (st != LN_OK || !can_go_on(d, &d->before)) {
        if (st != LN_NOT_FOUND)
            ln_log(d->env, LN_LOG_INFO, "download",
                   "the state that was saved is not of this download");
        return LN_OK;
    }
    d->received = d->before.received;
    d->restarts = d->before.restarts;
    d->candidate = d->before.points;
    d->checked = 0;
    d->scratch = ln_resize(d->env, NULL, CHECK_BYTES);
    return d->scratch != NULL ? LN_AGAIN : LN_NO_MEMORY;
}

/* ---- checking ---- */

static void done_checking(struct ln_download *d)
{
    ln_free(d->env, d->scratch);
    d->scratch = NULL;
}

static void adopt(struct ln_download *d, const struct ln__download_point *point)
{
    d->offset = point->offset;
    d->total = d->before.total;
    d->validator = d->before.validator;
    d->resumed_at = point->offset;
    d->durable = *point;
    done_checking(d);
}

/* The point is reached: is it true? If not, the one before it is tried, from the first byte. */
static enum ln_status judge(struct ln_download *d)
{
    uint8_t digest[LN_HASH_MAX];
    const struct ln__download_point *point = &d->before.point[d->candidate - 1];
    TRY(ln_hasher_value(d->hasher, digest));
    if (memcmp(digest, point->sha256, LN__SHA256_LEN) == 0) {
        adopt(d, point);
        return LN_OK;
    }
    d->candidate--;
    d->checked = 0;
    TRY(fresh_hasher(d));
    return LN_AGAIN;
}

/* What is stored cannot be read, or ends too early: up to `checked` it is there. */
static enum ln_status fall_back(struct ln_download *d)
{
    while (d->candidate > 0 && d->before.point[d->candidate - 1].offset > d->checked)
        d->candidate--;
    d->checked = 0;
    TRY(fresh_hasher(d));
    return LN_AGAIN;
}

static enum ln_status check_piece(struct ln_download *d)
{
    const struct ln_download_store *store = &d->options.store;
    uint64_t left = d->before.point[d->candidate - 1].offset - d->checked;
    size_t want = left < CHECK_BYTES ? (size_t)left : CHECK_BYTES;
    size_t got = 0;
    if (left == 0)
        return judge(d);
    enum ln_status st = store->read(store->ctx, d->checked, ln_mspan(d->scratch, want), &got);
    if (st != LN_OK || got == 0 || got > want)
        return fall_back(d);
    ln_hasher_update(d->hasher, ln_span(d->scratch, got));
    d->checked += got;
    return LN_AGAIN;
}

enum ln_status ln__download_check(struct ln_download *d)
{
    for (int i = 0; i < CHECKS_PER_STEP; i++) {
        if (d->candidate == 0) {
            ln_log(d->env, LN_LOG_INFO, "download",
                   "what is stored is not what was: beginning anew");
            done_checking(d);
            return LN_OK;
        }
        enum ln_status st = check_piece(d);
        if (st != LN_AGAIN || d->wish != LN__NO_WISH)
            return st;
    }
    return LN_AGAIN;
}

/* ---- saving ---- */

static bool can_save(const struct ln_download *d)
{
    return d->options.store.save != NULL && d->validator.kind != LN__NO_VALIDATOR && d->begun;
}

static enum ln_status here(const struct ln_download *d, struct ln__download_point *out)
{
    uint8_t digest[LN_HASH_MAX];
    TRY(ln_hasher_value(d->hasher, digest));
    out->offset = d->offset;
    memcpy(out->sha256, digest, LN__SHA256_LEN);
    return LN_OK;
}

static void add_point(struct ln__download_record *r, const struct ln__download_point *point)
{
    bool rises = point->offset > (r->points > 0 ? r->point[r->points - 1].offset : 0);
    if (rises)
        r->point[r->points++] = *point;
}

static enum ln_status make_state(const struct ln_download *d, uint8_t state[LN_DOWNLOAD_STATE_MAX],
                                 size_t *len)
{
    struct ln__download_record r = { .validator = d->validator,
                                     .total = d->total,
                                     .received = d->ended ? 0 : d->received,
                                     .restarts = d->ended ? 0 : d->restarts };
    struct ln__download_point now;
    uint8_t digest[LN_HASH_MAX];
    memcpy(r.uri, d->uri_digest, LN__SHA256_LEN);
    TRY(here(d, &now));
    add_point(&r, &d->durable);
    add_point(&r, &now);
    size_t body = ln__download_record_write(&r, state);
    const struct ln_span parts[] = { ln_span(state, body) };
    TRY(hash_once(d->env, parts, 1, digest));
    memcpy(state + body, digest, LN__SHA256_LEN);
    *len = body + LN__SHA256_LEN;
    return LN_OK;
}

void ln__download_save(struct ln_download *d, ln_msec now)
{
    const struct ln_download_store *store = &d->options.store;
    uint8_t state[LN_DOWNLOAD_STATE_MAX];
    size_t len = 0;
    d->unsaved = 0;
    d->saved_at = now;
    if (!can_save(d))
        return;
    enum ln_status st = make_state(d, state, &len);
    if (st == LN_OK)
        st = store->save(store->ctx, ln_span(state, len));
    if (st != LN_OK)
        ln_log(d->env, LN_LOG_WARN, "download", "the state is not saved: %s",
               ln_status_meaning(st));
}

void ln__download_forget(struct ln_download *d)
{
    const struct ln_download_store *store = &d->options.store;
    if (store->save != NULL && store->save(store->ctx, ln_span(NULL, 0)) != LN_OK)
        ln_log(d->env, LN_LOG_WARN, "download", "the state that was saved is not forgotten");
}

enum ln_status ln__download_sync(struct ln_download *d)
{
    const struct ln_download_store *store = &d->options.store;
    d->unsynced = 0;
    if (store->sync != NULL) {
        enum ln_status st = store->sync(store->ctx, &d->diag);
        if (st != LN_OK)
            return ln__download_refuse(d, st == LN_NO_SPACE ? LN_DOWNLOAD_SPACE : LN_DOWNLOAD_STORE,
                                       st, "what was stored cannot be made to last");
    }
    (void)!here(d, &d->durable); /* without a digest the last one stays */
    return LN_OK;
}

enum ln_status ln__download_save_sometimes(struct ln_download *d, ln_msec now)
{
    if (d->unsynced >= d->options.sync_bytes)
        TRY(ln__download_sync(d));
    else if (d->unsaved < d->options.save_bytes && now - d->saved_at < SAVE_MS)
        return LN_OK;
    ln__download_save(d, now);
    return d->wish != LN__NO_WISH || d->doomed ? LN_CLOSED : LN_OK;
}
