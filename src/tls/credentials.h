/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_CREDENTIALS_H
#define LN_TLS_CREDENTIALS_H
/**
 * @file credentials.h
 * Sources (memory, files, folders, lists) -> certificates, CRLs and keys as DER.
 *
 * What a source holds is told by its content. Every failure names the field and the file. Buffers
 * that held keys are wiped. Used while a configuration is made, and nowhere else.
 */
#include <linnet/tls.h>
#include <linnet/tls_backend.h>

/** DER objects, each in memory of its own. */
struct ln_der_list {
    const struct ln_env *env;
    struct ln_span *items;
    size_t count;
    size_t room;
};

void ln__der_list_init(struct ln_der_list *list, const struct ln_env *env);
void ln__der_list_free(struct ln_der_list *list);
/** Copy `der` to the end. LN_NO_MEMORY leaves the list as it was. */
enum ln_status ln__der_list_add(struct ln_der_list *list, struct ln_span der);

/** What a loader is asked for, and where from; for sentences. */
struct ln_load {
    const struct ln_env *env;
    const char *field; /**< "trust", "chain", "crls", "key" */
    bool folders;      /**< folders are allowed */
    struct ln_diag *diag;
};

/** Append every certificate of `source`. LN_SOURCE_NONE adds nothing. */
enum ln_status ln__load_certificates(const struct ln_load *load, const struct ln_source *source,
                                     struct ln_der_list *out);
/**
 * Append every certificate of the system's CA bundle.
 * @retval LN_NOT_FOUND  there is no bundle that can be read; diag tells. Nothing was appended
 */
enum ln_status ln__load_system_trust(const struct ln_env *env, struct ln_diag *diag,
                                     struct ln_der_list *out);
/** Append every CRL of `source`. */
enum ln_status ln__load_crls(const struct ln_load *load, const struct ln_source *source,
                             struct ln_der_list *out);

/** One private key. `bytes` own what `key.data` points to. */
struct ln_loaded_key {
    const struct ln_env *env;
    struct ln_tls_key key;
    uint8_t *bytes;
    size_t len;
};

/** Load exactly one key (TLS-34: two are an error; EC PARAMETERS are skipped). */
enum ln_status ln__load_key(const struct ln_load *load, const struct ln_source *source,
                            struct ln_loaded_key *out);
/** Wipe and free. */
void ln__loaded_key_free(struct ln_loaded_key *key);

#endif
