/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_CONFIG_H
#define LN_TLS_CONFIG_H
/**
 * @file config.h
 * The configuration object as the files of src/tls see it: what was checked once and never changes.
 *
 * config.c makes it out of the options, with the help of credentials.c (sources -> DER),
 * chain.c (completion) and defaults.c (what is offered when nothing is said).
 */
#include "tls/dane.h"
#include <linnet/tls_backend.h>
#include <stdatomic.h>

struct ln_tls_config {
    atomic_uint references;
    const struct ln_env *env;
    const struct ln_tls_backend *backend;
    void *native;           /**< of the back end */
    enum ln_sock_kind kind; /**< LN_TLS or LN_DTLS */
    enum ln_tls_auth auth;
    uint16_t min_version;
    uint16_t max_version;
    bool insecure_skip_verification;
    bool insecure_skip_name;
    bool dane_ee_strict;
    bool has_trust;           /**< there is somebody to trust */
    struct ln_tlsa_set *tlsa; /**< NULL = none */
    uint32_t first_ms;
    uint32_t max_ms;
    uint32_t total_ms;
    int64_t time_floor;
    uint16_t mtu; /**< 0 = from the socket below */
    enum ln_close_policy close_policy;
    bool connection_id;
    bool has_sessions;
    struct ln_session_store sessions;
    uint16_t suites[LN_DIAG_SUITES_MAX]; /**< the first ones, for diagnoses */
    size_t suite_count;                  /**< of all */
    uint8_t digest[32];                  /**< of every setting that a session must not outlive */
};

/** The digest function of the environment, or else of the back end. */
enum ln_status ln__tls_hash(const struct ln_env *env, const struct ln_tls_backend *backend,
                            enum ln_hash hash, const struct ln_span *parts, size_t count,
                            uint8_t out[LN_HASH_MAX]);

/** A set of TLSA records with its digest; parameters and results as ln__tlsa_set_new(). */
enum ln_status ln__tls_records_new(const struct ln_env *env, const struct ln_tls_backend *backend,
                                   const struct ln_tlsa *records, size_t count,
                                   struct ln_diag *diag, struct ln_tlsa_set **out);

/** Seconds since 1970: the wall clock, or the floor if the clock is below it (*floored). */
int64_t ln__tls_time(const struct ln_tls_config *config, bool *floored);

#endif
