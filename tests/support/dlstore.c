/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: dlstore.h.
 */
#include "support/dlstore.h"

#include "support/httpserver.h"

#include <stdlib.h>

/** Who waits longer for nothing but time waits for somebody to do something. */
#define LONG_PAUSE_MS 600000

static enum ln_status count(struct dl_store *s, enum dl_call call)
{
    bool fails = ++s->calls[call] == s->fail_at && call == s->fails;
    return fails ? s->status : LN_OK;
}

static enum ln_status done(struct dl_store *s, enum dl_call call, enum ln_status st)
{
    if (s->hook != NULL)
        s->hook(s->user, call);
    return st;
}

static enum ln_status begin(void *ctx, uint64_t offset, struct ln_diag *diag)
{
    struct dl_store *s = ctx;
    (void)diag;
    enum ln_status st = count(s, DL_BEGIN);
    if (st != LN_OK)
        return st;
    if (offset > s->len)
        abort(); /* a hole */
    s->len = (size_t)offset;
    if (s->synced > s->len)
        s->synced = s->len;
    return done(s, DL_BEGIN, LN_OK);
}

static enum ln_status reserve(void *ctx, uint64_t size, struct ln_diag *diag)
{
    struct dl_store *s = ctx;
    enum ln_status st = count(s, DL_RESERVE);
    if (st != LN_OK)
        return ln_diag_set(diag, st, LN_CAT_LOCAL_IO, LN_PHASE_TRANSFER, "the flash is too small");
    if (s->calls[DL_BEGIN] == 0 || size < s->len)
        abort();
    s->reserved = size;
    return done(s, DL_RESERVE, LN_OK);
}

static enum ln_status write_bytes(void *ctx, uint64_t offset, struct ln_span data,
                                  struct ln_diag *diag)
{
    struct dl_store *s = ctx;
    enum ln_status st = count(s, DL_WRITE);
    if (st != LN_OK)
        return ln_diag_set(diag, st, LN_CAT_LOCAL_IO, LN_PHASE_TRANSFER, "the flash is worn out");
    if (s->calls[DL_BEGIN] == 0 || offset != s->len || data.len == 0)
        abort();
    if (data.len > sizeof s->bytes - s->len)
        return LN_NO_SPACE;
    memcpy(s->bytes + s->len, data.data, data.len);
    s->len += data.len;
    return done(s, DL_WRITE, s->busy ? LN_AGAIN : LN_OK);
}

static enum ln_status read_bytes(void *ctx, uint64_t offset, struct ln_mspan room, size_t *got)
{
    struct dl_store *s = ctx;
    enum ln_status st = count(s, DL_READ);
    if (st != LN_OK)
        return st;
    size_t left = offset < s->len ? s->len - (size_t)offset : 0;
    *got = room.len < left ? room.len : left;
    if (*got > 0)
        memcpy(room.data, s->bytes + offset, *got);
    return done(s, DL_READ, LN_OK);
}

static enum ln_status sync_bytes(void *ctx, struct ln_diag *diag)
{
    struct dl_store *s = ctx;
    (void)diag;
    enum ln_status st = count(s, DL_SYNC);
    if (st != LN_OK)
        return st;
    s->synced = s->len;
    return done(s, DL_SYNC, LN_OK);
}

static enum ln_status load(void *ctx, struct ln_mspan room, size_t *len)
{
    struct dl_store *s = ctx;
    enum ln_status st = count(s, DL_LOAD);
    if (st != LN_OK)
        return st;
    if (s->state_len == 0)
        return LN_NOT_FOUND;
    *len = s->state_len;
    if (room.len < s->state_len)
        return LN_NO_SPACE;
    memcpy(room.data, s->state, s->state_len);
    return done(s, DL_LOAD, LN_OK);
}

static enum ln_status save(void *ctx, struct ln_span state)
{
    struct dl_store *s = ctx;
    enum ln_status st = count(s, DL_SAVE);
    if (st != LN_OK)
        return st;
    if (state.len > sizeof s->state)
        abort();
    if (state.len > 0)
        memcpy(s->state, state.data, state.len);
    s->state_len = state.len;
    return done(s, DL_SAVE, LN_OK);
}

struct ln_download_store dl_store_ops(struct dl_store *store)
{
    return (struct ln_download_store) { .begin = begin,
                                        .reserve = reserve,
                                        .write = write_bytes,
                                        .read = read_bytes,
                                        .sync = sync_bytes,
                                        .load = load,
                                        .save = save,
                                        .ctx = store };
}

void dl_store_clear(struct dl_store *store)
{
    memset(store, 0, sizeof *store);
}

void dl_store_lose_power(struct dl_store *store, bool junk)
{
    if (junk)
        memset(store->bytes + store->synced, 0xff, store->len - store->synced);
    else
        store->len = store->synced;
}

bool dl_store_holds(const struct dl_store *store, struct ln_span content)
{
    return ln_span_equal(ln_span(store->bytes, store->len), content) != 0;
}

enum ln_status dl_drive(struct ln_download *download, const struct ln_env *env)
{
    for (;;) {
        struct ln_interest want;
        enum ln_status st = ln_download_step(download, ln_now(env));
        if (st != LN_AGAIN)
            return st;
        ln_download_interest(download, &want);
        bool nothing =
            !want.ready && want.count == 0 && want.deadline - ln_now(env) > LONG_PAUSE_MS;
        struct ln_download_info info;
        ln_download_info(download, &info);
        if (nothing && info.state != LN_DOWNLOAD_WAITING)
            return st;
        http_wait(env, &want);
    }
}
