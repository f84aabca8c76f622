/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security /0, version 1.1: the accounts of servers (OMA object 0). No management server ever sees
 * it. Resources 0..5 and 10..16.
 *
 * Keys and certificates have any length, so that they are copies on the heap, wiped when they go; the
 * rest is bound.
 */
#include "objects/accounts.h"

#define SUITES_MAX 8

struct security {
    const struct ln_env *env;
    struct ln_span uri;
    struct ln_span identity;
    struct ln_span server_key;
    struct ln_span secret;
    struct ln_span sni;
    bool bootstrap;
    uint8_t mode;
    uint16_t ssid;
    uint32_t hold_off_s;
    uint32_t account_timeout_s;
    uint8_t matching;
    uint8_t usage;
    LN_MULTI(uint16_t, SUITES_MAX) suites;
};

static const struct ln_resource resources[] = {
    LN_RESOURCE_OPS(0, LN_VALUE_STRING, LN_RES_MANDATORY),
    LN_RESOURCE(1, LN_VALUE_BOOLEAN, LN_RES_MANDATORY, struct security, bootstrap),
    LN_RESOURCE(2, LN_VALUE_INTEGER, LN_RES_MANDATORY, struct security, mode),
    LN_RESOURCE_OPS(3, LN_VALUE_OPAQUE, LN_RES_MANDATORY),
    LN_RESOURCE_OPS(4, LN_VALUE_OPAQUE, LN_RES_MANDATORY),
    LN_RESOURCE_OPS(5, LN_VALUE_OPAQUE, LN_RES_MANDATORY | LN_RES_SECRET),
    LN_RESOURCE(10, LN_VALUE_INTEGER, 0, struct security, ssid),
    LN_RESOURCE(11, LN_VALUE_INTEGER, 0, struct security, hold_off_s),
    LN_RESOURCE(12, LN_VALUE_INTEGER, 0, struct security, account_timeout_s),
    LN_RESOURCE(13, LN_VALUE_UNSIGNED, 0, struct security, matching),
    LN_RESOURCE_OPS(14, LN_VALUE_STRING, 0),
    LN_RESOURCE(15, LN_VALUE_UNSIGNED, 0, struct security, usage),
    LN_RESOURCE_MULTI(16, LN_VALUE_UNSIGNED, 0, struct security, suites),
};

static struct ln_span *field(struct security *s, uint16_t rid)
{
    switch (rid) {
    case 0:
        return &s->uri;
    case 3:
        return &s->identity;
    case 4:
        return &s->server_key;
    case 5:
        return &s->secret;
    default:
        return &s->sni;
    }
}

static enum ln_answer read(const struct ln_at *at, struct ln_value *out)
{
    *out = ln_value_bytes((enum ln_value_type)at->resource->type,
                          *field(at->instance, at->resource->id));
    return LN_ANSWER_OK;
}

static bool exists(const struct ln_at *at)
{
    return at->resource->id != 14 || field(at->instance, 14)->len > 0;
}

static void drop(const struct ln_env *env, struct ln_span *bytes)
{
    union { /* the copy is ours; the span of object.h is for readers */
        const uint8_t *given;
        void *ours;
    } data = { .given = bytes->data };
    ln_free_secret(env, data.ours, bytes->len);
    *bytes = ln_span(NULL, 0);
}

static void removed(const struct ln_at *at)
{
    static const uint16_t rids[] = { 0, 3, 4, 5, 14 };
    struct security *s = at->instance;
    for (size_t i = 0; i < LN_COUNT_OF(rids); i++)
        drop(s->env, field(s, rids[i]));
}

static const struct ln_object_ops ops = { .read = read, .exists = exists, .removed = removed };

const struct ln_object ln__object_security = {
    .id = 0,
    .version = "1.1",
    .resources = resources,
    .resource_count = LN_COUNT_OF(resources),
    .flags = LN_OBJECT_PRIVATE,
    .instance_size = sizeof(struct security),
    .ops = &ops,
};

static enum ln_status keep(struct security *s, uint16_t rid, struct ln_span bytes)
{
    if (bytes.len == 0)
        return LN_OK;
    uint8_t *copy = ln_calloc(s->env, 1, bytes.len + 1); /* a name is also read as a C string */
    if (copy == NULL)
        return LN_NO_MEMORY;
    memcpy(copy, bytes.data, bytes.len);
    *field(s, rid) = ln_span(copy, bytes.len);
    return LN_OK;
}

enum ln_status ln__security_fill(void *instance, const struct ln_env *env,
                                 const struct ln_account *account)
{
    struct security *s = instance;
    s->env = env;
    s->mode = (uint8_t)account->mode;
    s->ssid = account->ssid;
    s->matching = account->matching;
    s->usage = account->usage;
    for (size_t i = 0; i < account->suite_count; i++) {
        s->suites.ids[i] = (uint16_t)i;
        s->suites.values[i] = account->suites[i];
    }
    s->suites.count = (uint16_t)account->suite_count;
    enum ln_status st = keep(s, 0, ln_span_str(account->uri));
    if (st == LN_OK)
        st = keep(s, 3, account->identity);
    if (st == LN_OK)
        st = keep(s, 4, account->server_key);
    if (st == LN_OK)
        st = keep(s, 5, account->secret);
    if (st == LN_OK)
        st = keep(s, 14, ln_span_str(account->sni));
    return st;
}
