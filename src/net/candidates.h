/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_NET_CANDIDATES_H
#define LN_NET_CANDIDATES_H
/**
 * @file candidates.h
 * From a host name to the addresses to try, one after the other, in the order of RFC 8305.
 *
 * Both families are asked at once, unless one is forced. The first address can be had as soon as
 * the preferred family has answered, or RESOLUTION_DELAY after the other one; what comes later is
 * tried later. Families take turns; within a family the order is cast, so that many clients spread
 * over many servers. A favourite that is among the answers goes first.
 *
 * Life:   a structure of the caller's (it is large: only while connecting) -> start ->
 *         (step, next)* -> finish. Whoever fails with an address reports it by failed().
 * Wire:   numbers and order of the questions: AAAA before A (RFC 8305 3).
 */
#include <linnet/env.h>

/** Addresses that are tried at most. Who has more of them has a load balancer, too. */
#define LN__CANDIDATES_MAX 16

/** What is wanted. `host` is borrowed until finish(). */
struct ln__wanted {
    const char *host;
    uint16_t port;
    enum ln_family family;        /**< the only one; LN_FAMILY_ANY = both */
    enum ln_family preferred;     /**< LN_FAMILY_ANY = IPv6 (RFC 6724 prefers it) */
    struct ln_addr favourites[2]; /**< the first one wins; without family = none; port 0 = any */
    uint32_t timeout_ms;          /**< for all questions together */
};

/** One family. */
struct ln__answers {
    enum ln_family family;    /**< LN_FAMILY_ANY: not wanted */
    struct ln_lookup *lookup; /**< NULL: not asked, or answered */
    uint8_t count;
    uint8_t next; /**< the first that was not handed out */
    struct ln_addr found[LN__CANDIDATES_MAX];
};

struct ln__candidates {
    const struct ln_env *env;
    struct ln__wanted wanted;
    struct ln__answers of[2]; /**< the preferred family first */
    ln_msec started;
    ln_msec deadline;
    ln_msec begin_at;  /**< end of the resolution delay; LN_NEVER: nothing is here yet */
    uint8_t favourite; /**< index of the best favourite found; 2 = none */
    uint8_t turn;      /**< whose turn it is: index of `of` */
    uint8_t handed;
    bool begun; /**< an address was handed out */
    bool literal;
    uint8_t tried;          /**< addresses that were reported as failed */
    struct ln_addr last;    /**< the last of them */
    struct ln_diag attempt; /**< for whoever tries an address; then failed() */
    struct ln_diag failure; /**< the last failure that counts */
};

/** Ask. What goes wrong shows in next(). */
void ln__candidates_start(struct ln__candidates *c, const struct ln_env *env,
                          const struct ln__wanted *wanted, ln_msec now);
/** Hear the answers that have come. */
void ln__candidates_step(struct ln__candidates *c, ln_msec now);
/**
 * The next address to try.
 * @retval LN_OK         *out
 * @retval LN_AGAIN      not yet: see interest()
 * @retval LN_NOT_FOUND  there are no more. c->failure tells why, if none ever worked
 */
enum ln_status ln__candidates_next(struct ln__candidates *c, ln_msec now, struct ln_addr *out);
/** Whether next() might give one without waiting for an answer. */
bool ln__candidates_more(const struct ln__candidates *c);
/** `addr` did not work; c->attempt tells why. */
void ln__candidates_failed(struct ln__candidates *c, const struct ln_addr *addr);
/** Begin again with the addresses that are known. */
void ln__candidates_rewind(struct ln__candidates *c);
void ln__candidates_interest(const struct ln__candidates *c, struct ln_interest *want);
/** Take back the questions that are still open. */
void ln__candidates_finish(struct ln__candidates *c);

#endif
