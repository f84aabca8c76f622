/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file candidates.c
 * The contract is candidates.h. Resolving never fails a connect as long as one family brings an
 * address; if none does, the more telling of the two failures is kept: "the name servers do not
 * answer" says more than "there is no AAAA record".
 */
#include "net/candidates.h"

/* RFC 8305 3: how long an answer of the other family waits for the preferred one. */
#define RESOLUTION_DELAY_MS 50

#define FAVOURITES 2

static bool pending(const struct ln__candidates *c)
{
    return c->of[0].lookup != NULL || c->of[1].lookup != NULL;
}

static bool anything_found(const struct ln__candidates *c)
{
    return c->of[0].count + c->of[1].count > 0;
}

static void hang_up(struct ln__answers *a)
{
    if (a->lookup != NULL)
        a->lookup->ops->cancel(a->lookup);
    a->lookup = NULL;
}

/* c->attempt tells why there are no addresses of a family. */
static void resolve_failed(struct ln__candidates *c, enum ln_status st)
{
    (void)ln_diag_set(&c->attempt, st, LN_CAT_DNS, LN_PHASE_RESOLVE, "%s", ln_status_meaning(st));
    bool telling = c->failure.status == LN_OK || c->failure.status == LN_NOT_FOUND;
    if (telling && c->handed == 0)
        c->failure = c->attempt;
}

/* ---- asking ---- */

static void start_literal(struct ln__candidates *c, const struct ln_addr *addr)
{
    c->literal = true;
    if (c->of[0].family != addr->family && c->of[1].family != addr->family) {
        (void)ln_diag_set(&c->failure, LN_NOT_FOUND, LN_CAT_CONFIGURATION, LN_PHASE_RESOLVE,
                          "an IPv%d address, and option family allows IPv%d only", addr->family,
                          c->wanted.family);
        return;
    }
    struct ln__answers *a = &c->of[c->of[0].family == addr->family ? 0 : 1];
    a->found[0] = *addr;
    a->count = 1;
}

static void ask(struct ln__candidates *c, struct ln__answers *a)
{
    const struct ln_resolver *r = &c->env->resolver;
    if (a->family == LN_FAMILY_ANY)
        return;
    ln_diag_clear(&c->attempt);
    enum ln_status st =
        r->ops->start(r->ctx, c->env, c->wanted.host, a->family, &c->attempt, &a->lookup);
    if (st != LN_OK) {
        a->lookup = NULL;
        resolve_failed(c, st);
    }
}

static void choose_families(struct ln__candidates *c)
{
    enum ln_family first = c->wanted.preferred;
    if (c->wanted.family != LN_FAMILY_ANY) {
        c->of[0].family = c->wanted.family;
        return;
    }
    if (first == LN_FAMILY_ANY)
        first = LN_IPV6;
    c->of[0].family = first;
    c->of[1].family = first == LN_IPV6 ? LN_IPV4 : LN_IPV6;
}

void ln__candidates_start(struct ln__candidates *c, const struct ln_env *env,
                          const struct ln__wanted *wanted, ln_msec now)
{
    struct ln_addr literal;
    memset(c, 0, sizeof *c);
    c->env = env;
    c->wanted = *wanted;
    c->started = now;
    c->deadline = now + (ln_msec)wanted->timeout_ms;
    c->begin_at = LN_NEVER;
    c->favourite = FAVOURITES;
    ln_diag_clear(&c->attempt);
    ln_diag_clear(&c->failure);
    choose_families(c);
    if (ln_addr_parse(wanted->host, wanted->port, &literal) == LN_OK) {
        start_literal(c, &literal);
        return;
    }
    if (env->resolver.ops == NULL) {
        (void)ln_diag_set(&c->failure, LN_UNSUPPORTED, LN_CAT_DNS, LN_PHASE_RESOLVE,
                          "there is no resolver: only literal addresses can be connected to");
        return;
    }
    ask(c, &c->of[0]);
    ask(c, &c->of[1]);
}

/* ---- hearing ---- */

/* Keep what is of the family, once each. */
static void sift(struct ln__answers *a, size_t count, uint16_t port)
{
    a->count = 0;
    for (size_t i = 0; i < count && i < LN__CANDIDATES_MAX; i++) {
        struct ln_addr addr = a->found[i];
        bool known = addr.family != a->family;
        addr.port = port;
        for (size_t k = 0; k < a->count; k++)
            known = known || ln_addr_equal(&a->found[k], &addr);
        if (!known)
            a->found[a->count++] = addr;
    }
}

static void swap(struct ln_addr *a, struct ln_addr *b)
{
    struct ln_addr kept = *a;
    *a = *b;
    *b = kept;
}

/* A byte of chance for up to 16 choices is even to 1 %, which is as even as load has to be. */
static enum ln_status shuffle(struct ln__candidates *c, struct ln__answers *a)
{
    uint8_t dice[LN__CANDIDATES_MAX];
    if (a->count < 2)
        return LN_OK;
    enum ln_status st = c->env->random.fill(c->env->random.ctx, ln_mspan(dice, a->count));
    if (st != LN_OK)
        return ln_diag_set(&c->attempt, st, LN_CAT_LOCAL_IO, LN_PHASE_RESOLVE,
                           "no randomness to choose an address");
    for (size_t i = (size_t)a->count - 1; i > 0; i--)
        swap(&a->found[i], &a->found[dice[i] % (i + 1)]);
    return LN_OK;
}

static bool is_favourite(const struct ln_addr *favourite, struct ln_addr addr)
{
    if (favourite->family == LN_FAMILY_ANY)
        return false;
    if (favourite->port == 0)
        addr.port = 0;
    return ln_addr_equal(favourite, &addr);
}

/* If a favourite is here that is better than what we had, put it first, and its family too. */
static void find_favourite(struct ln__candidates *c, size_t of)
{
    struct ln__answers *a = &c->of[of];
    for (uint8_t f = 0; f < c->favourite; f++) {
        for (size_t i = 0; i < a->count; i++) {
            if (is_favourite(&c->wanted.favourites[f], a->found[i])) {
                swap(&a->found[0], &a->found[i]);
                c->favourite = f;
                return;
            }
        }
    }
}

static void hear(struct ln__candidates *c, size_t of, ln_msec now)
{
    struct ln__answers *a = &c->of[of];
    size_t count = 0;
    if (a->lookup == NULL)
        return;
    ln_diag_clear(&c->attempt);
    enum ln_status st =
        a->lookup->ops->poll(a->lookup, now, a->found, LN__CANDIDATES_MAX, &count, &c->attempt);
    if (st == LN_AGAIN)
        return;
    hang_up(a);
    if (st == LN_OK) {
        sift(a, count, c->wanted.port);
        st = a->count > 0 ? shuffle(c, a) : LN_NOT_FOUND;
    }
    if (st != LN_OK) {
        a->count = 0;
        resolve_failed(c, st);
        return;
    }
    find_favourite(c, of);
    if (c->begin_at == LN_NEVER)
        c->begin_at = now + RESOLUTION_DELAY_MS;
}

void ln__candidates_step(struct ln__candidates *c, ln_msec now)
{
    if (!pending(c))
        return;
    hear(c, 0, now);
    hear(c, 1, now);
    if (now < c->deadline || !pending(c))
        return;
    hang_up(&c->of[0]);
    hang_up(&c->of[1]);
    ln_diag_clear(&c->attempt);
    (void)ln_diag_set(&c->attempt, LN_TIMEOUT, LN_CAT_DNS, LN_PHASE_RESOLVE,
                      "no answer from the name servers within %lu ms",
                      (unsigned long)c->wanted.timeout_ms);
    resolve_failed(c, LN_TIMEOUT);
}

/* ---- handing out ---- */

/* A favourite is here, and no better one can come any more. */
static bool has_favourite(const struct ln__candidates *c)
{
    for (size_t f = 0; f < c->favourite; f++) {
        for (size_t of = 0; of < 2; of++) {
            if (c->of[of].lookup != NULL && c->wanted.favourites[f].family == c->of[of].family)
                return false;
        }
    }
    return c->favourite < FAVOURITES;
}

/* Whether an answer that is still missing is worth the resolution delay. */
static bool awaits(const struct ln__candidates *c)
{
    const struct ln_addr *favourites = c->wanted.favourites;
    unsigned other = c->of[1].family;
    if (c->of[0].lookup != NULL)
        return true;
    return c->of[1].lookup != NULL &&
           (favourites[0].family == other || favourites[1].family == other);
}

static bool may_begin(const struct ln__candidates *c, ln_msec now)
{
    if (c->begun || c->literal)
        return true;
    if (!anything_found(c))
        return false;
    return has_favourite(c) || !awaits(c) || now >= c->begin_at;
}

/* Which family is first: the favourite's, or the preferred one. */
static uint8_t first_turn(const struct ln__candidates *c)
{
    for (uint8_t of = 0; of < 2 && c->favourite < FAVOURITES; of++) {
        const struct ln__answers *a = &c->of[of];
        if (a->count > 0 && is_favourite(&c->wanted.favourites[c->favourite], a->found[0]))
            return of;
    }
    return 0;
}

static bool has_more(const struct ln__answers *a)
{
    return a->next < a->count;
}

bool ln__candidates_more(const struct ln__candidates *c)
{
    return c->handed < LN__CANDIDATES_MAX && (has_more(&c->of[0]) || has_more(&c->of[1]));
}

enum ln_status ln__candidates_next(struct ln__candidates *c, ln_msec now, struct ln_addr *out)
{
    enum ln_status none = pending(c) ? LN_AGAIN : LN_NOT_FOUND;
    if (c->handed == LN__CANDIDATES_MAX)
        return LN_NOT_FOUND;
    if (!may_begin(c, now) || !ln__candidates_more(c))
        return none;
    c->begun = true;
    if (c->handed == 0)
        c->turn = first_turn(c);
    uint8_t of = has_more(&c->of[c->turn]) ? c->turn : (uint8_t)(1 - c->turn);
    struct ln__answers *a = &c->of[of];
    *out = a->found[a->next++];
    c->turn = (uint8_t)(1 - of); /* RFC 8305 4: families alternate */
    c->handed++;
    return LN_OK;
}

void ln__candidates_failed(struct ln__candidates *c, const struct ln_addr *addr)
{
    c->failure = c->attempt;
    c->last = *addr;
    c->tried++;
}

void ln__candidates_rewind(struct ln__candidates *c)
{
    c->of[0].next = 0;
    c->of[1].next = 0;
    c->handed = 0;
}

void ln__candidates_interest(const struct ln__candidates *c, struct ln_interest *want)
{
    for (size_t i = 0; i < 2; i++) {
        if (c->of[i].lookup != NULL)
            c->of[i].lookup->ops->interest(c->of[i].lookup, want);
    }
    if (!pending(c))
        return;
    ln_interest_until(want, c->deadline);
    if (!c->begun)
        ln_interest_until(want, c->begin_at);
}

void ln__candidates_finish(struct ln__candidates *c)
{
    hang_up(&c->of[0]);
    hang_up(&c->of[1]);
}
