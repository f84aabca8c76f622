/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file path.c
 * Contract: path.h.
 */
#include "path.h"
#include <string.h>

struct step {
    struct ln_x509 cert;
    bool helper; /**< trusted, but no anchor */
};

struct searching {
    const struct mbed_search *what;
    struct ln_tls_path *out;
    struct step way[MBED_ITEMS_MAX];
    size_t length;
    unsigned tries;
    unsigned steps;
    bool judged;   /**< `out` has the verdict about a path */
    bool reported; /**< `out` has a dead end at least */
    bool holds;
};

static bool next(struct mbed_pool *pool, struct ln_span *der)
{
    if (pool->list != NULL) {
        *der = ln_span(pool->list->raw.p, pool->list->raw.len);
        pool->list = pool->list->next;
        return der->len > 0;
    }
    if (pool->count == 0)
        return false;
    *der = *pool->spans++;
    pool->count--;
    return true;
}

bool mbed_may_have_issued(const struct ln_x509 *issuer, const struct ln_x509 *cert)
{
    return ln_span_equal(issuer->subject, cert->issuer) &&
           (issuer->ski.len == 0 || cert->aki.len == 0 || ln_span_equal(issuer->ski, cert->aki));
}

static bool is_on_way(const struct searching *s, struct ln_span der)
{
    for (size_t i = 0; i < s->length; i++)
        if (ln_span_equal(s->way[i].cert.der, der))
            return true;
    return false;
}

/* ---- verdicts ---- */

static enum ln_status judge_way(struct searching *s)
{
    struct ln_span certs[MBED_ITEMS_MAX];
    struct ln_tls_path verdict;
    memset(&verdict, 0, sizeof verdict);
    for (size_t i = 0; i < s->length; i++)
        certs[i] = s->way[i].cert.der;
    enum ln_status st = s->what->try_path(s->what->ctx, certs, s->length, &verdict);
    s->tries++;
    if (st != LN_OK)
        return st;
    s->holds = verdict.result == LN_VERIFY_OK;
    if (s->holds || !s->judged)
        *s->out = verdict;
    s->judged = true;
    return LN_OK;
}

/** Nobody here issued the last one. A leaf alone: more likely its intermediate was not sent. */
static void report_dead_end(struct searching *s)
{
    const struct step *last = &s->way[s->length - 1];
    bool alone = s->length == 1 && s->what->sent.count == 1 && !last->cert.self_issued;
    if (s->judged || s->reported)
        return;
    memset(s->out, 0, sizeof *s->out);
    s->out->result = alone || (last->helper && !last->cert.self_issued) ? LN_VERIFY_INCOMPLETE
                                                                        : LN_VERIFY_UNTRUSTED;
    s->out->native = MBEDTLS_X509_BADCERT_NOT_TRUSTED;
    s->out->depth = (int)s->length - 1;
    for (size_t i = 0; i < s->length; i++)
        s->out->certs[s->out->count++] = s->way[i].cert.der;
    s->reported = true;
}

/* ---- the search ---- */

static bool is_over(const struct searching *s)
{
    return s->holds || s->tries >= MBED_PATH_TRIES || s->steps >= MBED_PATH_STEPS;
}

static bool is_anchor(const struct searching *s, struct ln_span der)
{
    struct mbed_pool pool = s->what->anchors;
    struct ln_span one;
    while (next(&pool, &one))
        if (ln_span_equal(one, der))
            return true;
    return false;
}

/** Take every certificate of the pool that may have issued the last one: anchors are judged at once,
 *  others are gone on from. @param found  set where there is one */
static enum ln_status climb(struct searching *s, struct mbed_pool pool, bool anchors, bool helper,
                            bool *found);

static enum ln_status go_on(struct searching *s)
{
    bool found = false;
    if (++s->steps >= MBED_PATH_STEPS)
        return LN_OK;
    enum ln_status st = climb(s, s->what->anchors, true, false, &found);
    if (st == LN_OK && !is_over(s))
        st = climb(s, s->what->sent, false, false, &found);
    if (st == LN_OK && !is_over(s))
        st = climb(s, s->what->helpers, false, true, &found);
    if (!found)
        report_dead_end(s);
    return st;
}

static enum ln_status climb(struct searching *s, struct mbed_pool pool, bool anchors, bool helper,
                            bool *found)
{
    struct ln_span der;
    enum ln_status st = LN_OK;
    while (st == LN_OK && !is_over(s) && s->length < LN_CHAIN_MAX + 1 && next(&pool, &der)) {
        struct step one = { .helper = helper };
        if (ln__x509_read(der, &one.cert) != LN_OK || is_on_way(s, der) ||
            !mbed_may_have_issued(&one.cert, &s->way[s->length - 1].cert))
            continue;
        *found = true;
        s->way[s->length++] = one;
        st = anchors ? judge_way(s) : go_on(s);
        s->length--;
    }
    return st;
}

enum ln_status mbed_search(const struct mbed_search *what, struct ln_tls_path *out)
{
    struct searching s = { .what = what, .out = out };
    memset(out, 0, sizeof *out);
    out->result = LN_VERIFY_MALFORMED;
    if (ln__x509_read(what->sent.spans[0], &s.way[0].cert) != LN_OK)
        return LN_OK;
    s.length = 1;
    if (is_anchor(&s, what->sent.spans[0]))
        return judge_way(&s);
    return go_on(&s);
}
