/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file retry.c
 * Contract: download.h. What a failure means, and whether, when and how often it is tried again.
 */
#include "download/download.h"

#include "base/try.h"

/** Who is asked to come back later than that comes after an hour all the same. */
#define RETRY_AFTER_MAX_S 3600

static const struct {
    const char *word;
    enum ln_download_class class_;
    const char *meaning;
} reasons[] = {
#define REASON_ROW(name, word, class_, meaning) { word, LN_DOWNLOAD_##class_, meaning },
    LN_DOWNLOAD_REASON_LIST(REASON_ROW)
#undef REASON_ROW
};

static size_t row(enum ln_download_reason reason)
{
    size_t i = (size_t)reason;
    return i < sizeof reasons / sizeof reasons[0] ? i : LN_DOWNLOAD_INTERNAL;
}

const char *ln_download_reason_word(enum ln_download_reason reason)
{
    return reasons[row(reason)].word;
}

const char *ln_download_reason_meaning(enum ln_download_reason reason)
{
    return reasons[row(reason)].meaning;
}

enum ln_download_class ln_download_reason_class(enum ln_download_reason reason)
{
    return reasons[row(reason)].class_;
}

enum ln_category ln__download_category(enum ln_download_reason reason)
{
    switch (reason) {
    case LN_DOWNLOAD_NONE:
    case LN_DOWNLOAD_CANCELLED:
        return LN_CAT_NONE;
    case LN_DOWNLOAD_BAD_URI:
    case LN_DOWNLOAD_SCHEME:
    case LN_DOWNLOAD_SECURITY:
        return LN_CAT_CONFIGURATION;
    case LN_DOWNLOAD_NAME:
        return LN_CAT_DNS;
    case LN_DOWNLOAD_CONNECTION:
        return LN_CAT_TRUNCATED;
    case LN_DOWNLOAD_TIME:
        return LN_CAT_STALLED;
    case LN_DOWNLOAD_PROTOCOL:
        return LN_CAT_PROTOCOL;
    case LN_DOWNLOAD_SPACE:
    case LN_DOWNLOAD_STORE:
        return LN_CAT_LOCAL_IO;
    case LN_DOWNLOAD_MEMORY:
        return LN_CAT_OUT_OF_MEMORY;
    case LN_DOWNLOAD_HANDSHAKE:
    case LN_DOWNLOAD_INTERNAL:
        return LN_CAT_INTERNAL_FAULT;
    case LN_DOWNLOAD_NOT_FOUND:
    case LN_DOWNLOAD_DENIED:
    case LN_DOWNLOAD_ANSWER:
    case LN_DOWNLOAD_BUSY:
    case LN_DOWNLOAD_REDIRECT:
    case LN_DOWNLOAD_CHANGED:
    case LN_DOWNLOAD_UNBOUNDED:
    case LN_DOWNLOAD_TOO_LARGE:
    case LN_DOWNLOAD_DIGEST:
    case LN_DOWNLOAD_BYTES:
        break;
    }
    return LN_CAT_ANSWER;
}

enum ln_status ln__download_refuse(struct ln_download *d, enum ln_download_reason reason,
                                   enum ln_status status, const char *text)
{
    d->reason = reason;
    d->refused = true;
    return ln_diag_set(&d->diag, status, ln__download_category(reason), LN_PHASE_TRANSFER, "%s",
                       text != NULL ? text : ln_download_reason_meaning(reason));
}

/* What is worth another try: paths and machines that may recover. Keys and certificates do not. */
static const uint8_t by_category[] = {
    [LN_CAT_NONE] = LN_DOWNLOAD_INTERNAL,
    [LN_CAT_DNS] = LN_DOWNLOAD_NAME,
    [LN_CAT_NO_ANSWER] = LN_DOWNLOAD_CONNECTION,
    [LN_CAT_UNREACHABLE] = LN_DOWNLOAD_CONNECTION,
    [LN_CAT_PEER_REFUSED] = LN_DOWNLOAD_CONNECTION,
    [LN_CAT_RESET] = LN_DOWNLOAD_CONNECTION,
    [LN_CAT_STALLED] = LN_DOWNLOAD_CONNECTION,
    [LN_CAT_NOT_TLS] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_VERSION] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_SUITE] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_GROUP] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_PSK_IDENTITY] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_PSK_KEY] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_CLIENT_CERT_WANTED] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_CLIENT_CERT_REJECTED] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_UNTRUSTED] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_CHAIN_INCOMPLETE] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_EXPIRED] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_NOT_YET_VALID] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_WRONG_NAME] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_REVOKED] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_WEAK] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_DANE_MISMATCH] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_FRAGMENTS_LOST] = LN_DOWNLOAD_CONNECTION,
    [LN_CAT_RECORD_DAMAGED] = LN_DOWNLOAD_CONNECTION,
    [LN_CAT_TRUNCATED] = LN_DOWNLOAD_CONNECTION,
    [LN_CAT_OUT_OF_MEMORY] = LN_DOWNLOAD_MEMORY,
    [LN_CAT_CONFIGURATION] = LN_DOWNLOAD_SECURITY,
    [LN_CAT_ALERT_OTHER] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_CLOSED_BY_PEER] = LN_DOWNLOAD_CONNECTION,
    [LN_CAT_LOCAL_IO] = LN_DOWNLOAD_CONNECTION,
    [LN_CAT_INTERNAL_FAULT] = LN_DOWNLOAD_INTERNAL,
    [LN_CAT_LEGACY_SERVER] = LN_DOWNLOAD_HANDSHAKE,
    [LN_CAT_PROTOCOL] = LN_DOWNLOAD_PROTOCOL,
    [LN_CAT_ANSWER] = LN_DOWNLOAD_REDIRECT,
};

enum ln_download_reason ln__download_classify(const struct ln_diag *diag)
{
    size_t category = (size_t)diag->category;
    if (diag->status == LN_NO_MEMORY)
        return LN_DOWNLOAD_MEMORY;
    if (diag->category == LN_CAT_CONFIGURATION && diag->phase == LN_PHASE_RESOLVE)
        return LN_DOWNLOAD_NAME; /* a build without a resolver takes addresses only */
    if (diag->category == LN_CAT_CONFIGURATION && diag->status == LN_BAD_ARG)
        return LN_DOWNLOAD_BAD_URI;
    if (category >= sizeof by_category / sizeof by_category[0])
        return LN_DOWNLOAD_INTERNAL;
    return (enum ln_download_reason)by_category[category];
}

/* ---- pauses ---- */

/* The whole pause of a series: it doubles with every try that brought nothing. */
static uint64_t whole_pause(const struct ln_download *d)
{
    uint64_t ms = d->options.backoff_first_ms;
    for (unsigned i = 1; i < d->attempts && ms < d->options.backoff_max_ms; i++)
        ms *= 2;
    return ms < d->options.backoff_max_ms ? ms : d->options.backoff_max_ms;
}

/* Between half of it and all: devices that lost their server together come back one by one. */
static enum ln_status by_chance(const struct ln_env *env, uint64_t whole, uint64_t *ms)
{
    uint8_t dice[4];
    TRY(env->random.fill(env->random.ctx, ln_mspan(dice, sizeof dice)));
    uint64_t cast =
        (uint64_t)dice[0] << 24 | (uint64_t)dice[1] << 16 | (uint64_t)dice[2] << 8 | dice[3];
    uint64_t half = whole / 2;
    *ms = half + (cast * (whole - half) >> 32);
    return LN_OK;
}

/* Never earlier than the server asked for, and not everybody in the same second. */
static enum ln_status as_asked(const struct ln_download *d, uint64_t *ms)
{
    uint64_t seconds = d->retry_after_s > 0 ? (uint64_t)d->retry_after_s : 0;
    uint64_t asked = (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
    uint64_t more = 0;
    if (asked <= *ms)
        return LN_OK;
    TRY(by_chance(d->env, asked / 4, &more));
    *ms = asked + more;
    return LN_OK;
}

enum ln_status ln__download_pause(struct ln_download *d, ln_msec *ms)
{
    uint64_t pause = 0;
    TRY(by_chance(d->env, whole_pause(d), &pause));
    TRY(as_asked(d, &pause));
    *ms = (ln_msec)pause;
    return LN_OK;
}

/* ---- limits ---- */

uint64_t ln__download_bytes_max(const struct ln_download *d)
{
    if (d->options.bytes_max != 0)
        return d->options.bytes_max;
    if (d->total > UINT64_MAX / 4)
        return LN_DOWNLOAD_NO_LIMIT; /* not known yet */
    return 3 * d->total + 65536;
}

ln_msec ln__download_time_limit(const struct ln_download *d)
{
    uint64_t most = d->options.time_max_ms;
    if (!d->started || most > (uint64_t)(LN_NEVER - d->started_at))
        return LN_NEVER;
    return d->started_at + (ln_msec)most;
}
