/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: ln_env_posix_new() and ln_env_posix_free() of <linnet/env.h>, and the knobs of posix.h.
 *
 * Here, and only here, the library's memory comes from the heap.
 */
#include "port/posix/posix.h"

#include "net/posix/net_posix.h"

#include <stdlib.h>

/* Two rounds after the first, 2 + 4 + 8 seconds for one name server, stay well inside the 30 seconds
 * that a connect has for its questions. c-ares 1.18 would wait 5 + 10 + 20 + 40. */
static const struct ln__posix_dns dns_defaults = { .timeout_ms = 2000, .tries = 3 };

/* What ln_env_posix_new() returns: `env` first, so that one pointer leads to both. */
struct posix_env {
    struct ln_env env;
    struct ln__posix_dns dns;
};

static void *heap_resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

const struct ln_alloc ln__posix_alloc = { .resize = heap_resize };

enum ln_status ln_env_posix_new(struct ln_env **out)
{
    *out = NULL;
    struct posix_env *posix = (struct posix_env *)calloc(1, sizeof *posix);
    if (posix == NULL)
        return LN_NO_MEMORY;
    posix->dns = dns_defaults;
    posix->env = (struct ln_env) {
        .alloc = ln__posix_alloc,
        .clock = ln__posix_clock,
        .random = ln__posix_random,
        .log = ln__posix_log,
        .files = ln__posix_files,
        .net = { .ops = &ln__net_posix, .ctx = &posix->env },
    };
    enum ln_status st = ln__posix_resolver_init(&posix->dns, &posix->env.resolver);
    if (st != LN_OK) {
        free(posix);
        return st;
    }
    *out = &posix->env;
    return LN_OK;
}

static struct posix_env *posix_of(struct ln_env *env)
{
    return (struct posix_env *)(void *)env;
}

void ln_env_posix_free(struct ln_env *env)
{
    if (env == NULL)
        return;
    free(posix_of(env)->dns.servers);
    free(posix_of(env));
}

enum ln_status ln__posix_set_dns_servers(struct ln_env *env, const char *csv)
{
    char *copy = NULL;
    if (csv != NULL) {
        size_t bytes = strlen(csv) + 1;
        copy = (char *)malloc(bytes);
        if (copy == NULL)
            return LN_NO_MEMORY;
        memcpy(copy, csv, bytes);
    }
    struct ln__posix_dns *dns = &posix_of(env)->dns;
    free(dns->servers);
    dns->servers = copy;
    return LN_OK;
}

void ln__posix_set_dns_timing(struct ln_env *env, int timeout_ms, int tries)
{
    struct ln__posix_dns *dns = &posix_of(env)->dns;
    dns->timeout_ms = timeout_ms;
    dns->tries = tries;
}
