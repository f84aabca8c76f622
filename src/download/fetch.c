/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fetch.c
 * Contract: download.h, what comes in. The only place where bytes are stored: each one is at the place
 * where it belongs, of the resource that the validator stands for, or it is not stored.
 */
#include "download/download.h"

#include "base/try.h"

/** Shorter pauses than that are put together. */
#define PACE_MS 50

static bool interrupted(const struct ln_download *d)
{
    return d->doomed || d->wish != LN__NO_WISH;
}

enum ln_status ln__download_tell(struct ln_download *d)
{
    if (d->options.progress != NULL && !d->doomed)
        d->options.progress(d->options.progress_user, d);
    return interrupted(d) ? LN_CLOSED : LN_OK;
}

static enum ln_status store_failed(struct ln_download *d, enum ln_status st, const char *what)
{
    enum ln_download_reason reason = st == LN_NO_SPACE ? LN_DOWNLOAD_SPACE : LN_DOWNLOAD_STORE;
    return ln__download_refuse(d, reason, st, what);
}

enum ln_status ln__download_start_over(struct ln_download *d)
{
    struct ln_hasher *hasher = NULL;
    TRY(ln_hasher_new(d->env, LN_SHA256, &hasher));
    ln_hasher_free(d->hasher);
    d->hasher = hasher;
    d->offset = 0;
    d->total = LN__UNKNOWN;
    d->validator = (struct ln__validator) { .kind = LN__NO_VALIDATOR };
    d->durable.offset = 0;
    d->resumed_at = 0;
    d->tried_at = 0;
    d->begun = false;
    d->continued = false;
    return LN_OK;
}

/* ---- heads ---- */

/* What is coming is another resource than what is stored. From its first byte on it may take its
 * place at once. */
static enum ln_status replace(struct ln_download *d, const struct ln__download_head *head)
{
    if (head->start > 0)
        return ln__download_refuse(d, LN_DOWNLOAD_CHANGED, LN_BAD_PEER,
                                   "the resource has changed while it was downloaded");
    if (d->restarts >= d->options.restarts_max)
        return ln__download_refuse(d, LN_DOWNLOAD_CHANGED, LN_BAD_PEER,
                                   "the resource keeps changing");
    d->restarts++;
    ln_log(d->env, LN_LOG_INFO, "download", "the resource has changed: beginning anew");
    ln__download_forget(d);
    return ln__download_start_over(d);
}

static bool same_resource(const struct ln_download *d, const struct ln__download_head *head)
{
    bool same_size = head->total == LN__UNKNOWN ||
                     (d->total == LN__UNKNOWN ? head->total >= d->offset : head->total == d->total);
    return same_size && ln__validator_same(&d->validator, &head->validator);
}

static enum ln_status check_head(struct ln_download *d, const struct ln__download_head *head)
{
    const struct ln_download_options *o = &d->options;
    if (head->start > d->offset || (head->end != 0 && head->end <= d->offset))
        return ln__download_refuse(d, LN_DOWNLOAD_PROTOCOL, LN_BAD_PEER,
                                   "the server sends another part than was asked for");
    if (o->size_max != 0 && head->total != LN__UNKNOWN && head->total > o->size_max)
        return ln__download_refuse(d, LN_DOWNLOAD_TOO_LARGE, LN_NO_SPACE, NULL);
    bool trusted = head->bounded || o->sha256.len > 0 || (head->proven && !o->bounded_only);
    if (!trusted)
        return ln__download_refuse(d, LN_DOWNLOAD_UNBOUNDED, LN_BAD_PEER,
                                   "only the end of the connection tells where the resource ends, "
                                   "and its SHA-256 is not known");
    return LN_OK;
}

static enum ln_status begin_store(struct ln_download *d)
{
    const struct ln_download_store *store = &d->options.store;
    if (d->begun)
        return LN_OK;
    enum ln_status st = store->begin(store->ctx, d->offset, &d->diag);
    if (st != LN_OK)
        return store_failed(d, st, "the store cannot begin");
    if (store->reserve != NULL && d->total != LN__UNKNOWN)
        st = store->reserve(store->ctx, d->total, &d->diag);
    if (st != LN_OK)
        return store_failed(d, st, "there is no room for all of it");
    d->begun = true;
    return LN_OK;
}

enum ln_status ln__download_head(struct ln_download *d, const struct ln__download_head *head,
                                 ln_msec now)
{
    if (d->offset > 0 && !same_resource(d, head)) {
        TRY(replace(d, head));
        if (interrupted(d))
            return LN_CLOSED;
    }
    TRY(check_head(d, head));
    d->headed = true;
    d->end = head->end;
    d->skip = d->offset - head->start;
    d->continued = d->continued || d->offset > 0;
    if (head->total != LN__UNKNOWN)
        d->total = head->total;
    d->validator = head->validator;
    bool first = !d->begun;
    TRY(begin_store(d));
    if (interrupted(d))
        return LN_CLOSED;
    if (first)
        ln__download_save(d, now);
    return ln__download_tell(d);
}

/* ---- bodies ---- */

static enum ln_status count(struct ln_download *d, size_t len)
{
    d->received += len;
    if (d->received > ln__download_bytes_max(d))
        return ln__download_refuse(d, LN_DOWNLOAD_BYTES, LN_NO_SPACE, NULL);
    return LN_OK;
}

/* What comes faster than it may is followed by a pause, a longer one now and then. Time in which less
 * came is not made up for. */
static void pace(struct ln_download *d, size_t len, ln_msec now)
{
    uint64_t rate = d->options.rate_max;
    if (rate == 0)
        return;
    if (d->paced_until < now)
        d->paced_until = now;
    d->paced_rest += (uint64_t)len * 1000;
    d->paced_until += (ln_msec)(d->paced_rest / rate);
    d->paced_rest %= rate;
    if (d->paced_until - now < PACE_MS)
        return;
    d->early = d->paced_until;
}

/* Take off what is stored already. */
static struct ln_span leave_out(struct ln_download *d, struct ln_span data)
{
    size_t skip = data.len < d->skip ? data.len : (size_t)d->skip;
    d->skip -= skip;
    return skip > 0 ? ln_span(data.data + skip, data.len - skip) : data;
}

static enum ln_status check_size(struct ln_download *d, size_t len)
{
    bool beyond = (d->total != LN__UNKNOWN && len > d->total - d->offset) ||
                  (d->end != 0 && len > d->end - d->offset);
    if (beyond)
        return ln__download_refuse(d, LN_DOWNLOAD_PROTOCOL, LN_BAD_PEER,
                                   "the server sends more than it announced");
    if (d->options.size_max != 0 && len > d->options.size_max - d->offset)
        return ln__download_refuse(d, LN_DOWNLOAD_TOO_LARGE, LN_NO_SPACE, NULL);
    return LN_OK;
}

static enum ln_status store_data(struct ln_download *d, struct ln_span data)
{
    const struct ln_download_store *store = &d->options.store;
    enum ln_status st = store->write(store->ctx, d->offset, data, &d->diag);
    if (st != LN_OK && st != LN_AGAIN)
        return store_failed(d, st, "the store did not take the bytes");
    d->full = d->full || st == LN_AGAIN;
    ln_hasher_update(d->hasher, data);
    d->offset += data.len;
    d->unsaved += data.len;
    d->unsynced += data.len;
    return interrupted(d) ? LN_CLOSED : LN_OK;
}

enum ln_status ln__download_data(struct ln_download *d, struct ln_span data, ln_msec now)
{
    if (interrupted(d))
        return LN_CLOSED;
    TRY(count(d, data.len));
    pace(d, data.len, now);
    data = leave_out(d, data);
    if (data.len == 0)
        return ln__download_is_held(d) ? LN_AGAIN : LN_OK;
    TRY(check_size(d, data.len));
    TRY(store_data(d, data));
    TRY(ln__download_save_sometimes(d, now));
    TRY(ln__download_tell(d));
    return ln__download_is_held(d) ? LN_AGAIN : LN_OK;
}

/* ---- the end ---- */

static enum ln_status check_digest(struct ln_download *d)
{
    uint8_t digest[LN_HASH_MAX];
    enum ln_status st = ln_hasher_value(d->hasher, digest);
    if (st != LN_OK)
        return ln__download_refuse(d, LN_DOWNLOAD_MEMORY, st, "no memory for a digest");
    memcpy(d->digest, digest, LN__SHA256_LEN);
    if (d->options.sha256.len == 0 || memcmp(digest, d->sha256, LN__SHA256_LEN) == 0)
        return LN_OK;
    ln__download_forget(d);
    d->validator.kind = LN__NO_VALIDATOR; /* nor is it saved again */
    return ln__download_refuse(d, LN_DOWNLOAD_DIGEST, LN_BAD_PEER, NULL);
}

/* Of a part without a total nobody knows whether it was the last: then that is asked. */
enum ln_status ln__download_complete(struct ln_download *d, ln_msec now)
{
    bool whole_part = d->end != 0 && d->offset == d->end;
    bool more = d->total != LN__UNKNOWN ? d->offset != d->total : d->end != 0;
    if (d->skip > 0 || more)
        return ln__download_refuse(d, LN_DOWNLOAD_CONNECTION, LN_BAD_PEER,
                                   whole_part ? "the server sent a part, and more may follow"
                                              : "the server sent less than it announced");
    TRY(check_digest(d));
    TRY(begin_store(d)); /* all of it was stored before */
    TRY(ln__download_sync(d));
    d->total = d->offset;
    ln__download_save(d, now);
    return LN_OK;
}
