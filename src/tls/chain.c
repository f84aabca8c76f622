/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file chain.c
 * Chain completion (TLS-137): names first, which is cheap, and then the signature, which decides.
 */
#include "tls/chain.h"
#include "codec/x509.h"

static bool contains(const struct ln_der_list *list, struct ln_span der)
{
    for (size_t i = 0; i < list->count; i++)
        if (ln_span_equal(list->items[i], der))
            return true;
    return false;
}

/** The certificate of `trust` that issued `child` and is not in the chain yet, or an empty span. */
static struct ln_span find_issuer(const struct ln_tls_backend *backend, struct ln_span child_der,
                                  const struct ln_x509 *child, const struct ln_der_list *chain,
                                  const struct ln_der_list *trust)
{
    for (size_t i = 0; i < trust->count; i++) {
        struct ln_x509 candidate;
        if (ln__x509_read(trust->items[i], &candidate) != LN_OK ||
            !ln_span_equal(candidate.subject, child->issuer) || contains(chain, trust->items[i]))
            continue;
        if (backend->issued(child_der, trust->items[i]))
            return trust->items[i];
    }
    return ln_span(NULL, 0);
}

enum ln_status ln__chain_complete(const struct ln_tls_backend *backend, struct ln_der_list *chain,
                                  const struct ln_der_list *trust)
{
    while (chain->count > 0 && chain->count < LN_CHAIN_MAX) {
        struct ln_span last_der = chain->items[chain->count - 1];
        struct ln_x509 last;
        if (ln__x509_read(last_der, &last) != LN_OK || last.self_issued)
            return LN_OK;
        struct ln_span issuer = find_issuer(backend, last_der, &last, chain, trust);
        if (issuer.len == 0)
            return LN_OK;
        enum ln_status st = ln__der_list_add(chain, issuer);
        if (st != LN_OK)
            return st;
    }
    return LN_OK;
}
