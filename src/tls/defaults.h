/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_DEFAULTS_H
#define LN_TLS_DEFAULTS_H
/**
 * @file defaults.h
 * What is offered when the options name nothing. Pure tables.
 */
#include <linnet/env.h>

#define LN_ID_LIST_MAX 64

struct ln_id_list {
    size_t count;
    uint16_t ids[LN_ID_LIST_MAX];
};

/** @param with_tls13, with_old, with_ancient  what the range of versions touches: TLS 1.3; anything
 *                                             before it; anything before (D)TLS 1.2 */
void ln__default_suites(bool datagram, bool psk, enum ln_hash psk_hash, bool with_tls13,
                        bool with_old, bool with_ancient, struct ln_id_list *out);
void ln__default_groups(struct ln_id_list *out);

#endif
