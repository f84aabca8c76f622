/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_MBEDTLS_PATH_H
#define LN_TLS_MBEDTLS_PATH_H
/**
 * @file path.h
 * Searches paths from a leaf to an anchor by names and key identifiers alone, and turns back from
 * dead ends (RFC 4158). Whether a path holds is asked of somebody else, path by path.
 *
 * Mbed TLS follows the first issuer whose name fits, in the order in which certificates were sent.
 * Peers send them in any order, leave out what the other side should have, and send certificates of
 * several cross-signing CAs.
 *
 * Bounded: a peer that sends ten certificates of one name gets no more than MBED_PATH_TRIES paths
 * looked at.
 */
#include "codec/x509.h"
#include "mbedtls.h"

#define MBED_PATH_TRIES 8
#define MBED_PATH_STEPS 48

/** Certificates of either kind, read one after the other. */
struct mbed_pool {
    const mbedtls_x509_crt *list; /**< or, if NULL, */
    const struct ln_span *spans;  /**< DER */
    size_t count;
};

/** @param certs  leaf to anchor; @param out  the verdict about this path */
typedef enum ln_status mbed_path_try(void *ctx, const struct ln_span *certs, size_t count,
                                     struct ln_tls_path *out);

struct mbed_search {
    struct mbed_pool sent; /**< leaf first */
    struct mbed_pool helpers;
    struct mbed_pool anchors;
    mbed_path_try *try_path;
    void *ctx;
};

/** By names; key identifiers, where both have one, tell apart CAs of one name. */
bool mbed_may_have_issued(const struct ln_x509 *issuer, const struct ln_x509 *cert);

/**
 * Search until a path is found that holds.
 *
 * @param out  the verdict about that path; else about the first one that was tried; else, where no
 *             path leads to an anchor, where the first one ended: LN_VERIFY_UNTRUSTED or _INCOMPLETE
 * @retval LN_NO_MEMORY  or whatever else `try_path` fails with
 */
enum ln_status mbed_search(const struct mbed_search *what, struct ln_tls_path *out);

#endif
