/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz_credentials.c
 * Credentials of any content: the configuration is made, or refused with a sentence; never a crash.
 *
 * The first byte of the input chooses the field that the rest is given as: trust, CRLs, the own
 * chain, the key, or both of these.
 */
#include "fuzz/fuzz.h"
#include <linnet/tls.h>
#include <stdlib.h>

static struct ln_env *env;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln_diag diag;
    struct ln_tls_config *tls = NULL;
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    if (env == NULL) {
        if (ln_env_posix_new(&env) != LN_OK)
            abort();
        env->log.level = LN_LOG_OFF;
    }
    if (size == 0)
        return 0;
    struct ln_source source = ln_source_memory(data + 1, size - 1);
    source.password = (data[0] & 8) != 0 ? "secret" : NULL;
    switch (data[0] % 5) {
    case 0:
        options.trust = source;
        break;
    case 1:
        options.crls = source;
        break;
    case 2:
        options.chain = source;
        options.key = source;
        break;
    case 3:
        options.trust = source;
        options.chain = source;
        options.key = source;
        options.complete_chain = true;
        break;
    default:
        options.key = source;
        options.chain = ln_source_memory("", 0);
        break;
    }
    enum ln_status st = ln_tls_config_new(env, LN_TLS, &options, &diag, &tls);
    if (st == LN_OK ? tls == NULL : tls != NULL || diag.status != st || diag.text[0] == '\0')
        abort();
    ln_tls_config_unref(tls);
    return 0;
}
