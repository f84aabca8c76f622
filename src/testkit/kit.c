/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kit.c
 * Making a kit: the world of src/net/mem with a heap under it, and the environments of its hosts.
 */
#include "net/mem/world.h"
#include "testkit/heap.h"
#include "testkit/machine.h"

enum ln_status ln_testkit_new(const struct ln_testkit_config *config, struct ln_testkit **out)
{
    struct ln_testkit_config full = { .seed = 0 };
    if (config != NULL)
        full = *config;
    if (full.alloc.resize == NULL)
        full.alloc = (struct ln_alloc) { .resize = ln__testkit_heap_resize };
    enum ln_status st = ln__mem_world_new(&full, out);
    if (st != LN_OK)
        return st;
    (*out)->machine_free = ln__testkit_machine_free;
    (*out)->names_free = ln__testkit_names_free;
    return LN_OK;
}

static ln_msec monotonic(void *ctx)
{
    return ln_testkit_now(((struct ln_testkit_host *)ctx)->kit);
}

static int64_t wall(void *ctx)
{
    return ln_testkit_wall(((struct ln_testkit_host *)ctx)->kit);
}

void ln_testkit_env(struct ln_testkit_host *host, struct ln_env *env)
{
    *env = (struct ln_env) {
        .alloc = { .resize = ln__testkit_machine_resize, .ctx = host },
        .clock = { .monotonic = monotonic, .wall = wall, .ctx = host },
        .random = { .fill = ln__testkit_machine_random, .ctx = host },
        .log = { .write = ln__testkit_machine_log, .ctx = host, .level = LN_LOG_DEBUG },
        .resolver = { .ops = &ln__testkit_machine_resolver_ops, .ctx = host },
        .files = ln__testkit_machine_files,
        .net = { .ops = &ln__testkit_machine_net_ops, .ctx = host },
    };
    env->files.ctx = host;
}

void ln__testkit_machine_free(struct ln_testkit_host *host)
{
    ln__testkit_machine_free_files(host);
    ln__mem_free(host->kit, host->machine.log);
}
