/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access Control /2, version 1.0: who may do what with an object instance (OMA object 2). The engine
 * enforces it, and adds and removes instances by itself.
 */
#include "objects/accounts.h"

/* Servers, and the default entry. */
#define ENTRIES_MAX 8

struct access {
    uint16_t oid;
    uint16_t iid;
    uint16_t owner;
    LN_MULTI(uint8_t, ENTRIES_MAX) list;
};

#define RW (LN_RES_READ | LN_RES_WRITE)

static const struct ln_resource resources[] = {
    LN_RESOURCE(0, LN_VALUE_INTEGER, LN_RES_READ | LN_RES_MANDATORY, struct access, oid),
    LN_RESOURCE(1, LN_VALUE_INTEGER, LN_RES_READ | LN_RES_MANDATORY, struct access, iid),
    LN_RESOURCE_MULTI(2, LN_VALUE_INTEGER, RW, struct access, list),
    LN_RESOURCE(3, LN_VALUE_INTEGER, RW | LN_RES_MANDATORY, struct access, owner),
};

static enum ln_answer validate(const struct ln_at *at, const void *was)
{
    const struct access *a = at->instance;
    (void)was;
    for (uint16_t i = 0; i < a->list.count; i++)
        if (a->list.values[i] > 31)
            return LN_ANSWER_BAD_REQUEST;
    return LN_ANSWER_OK;
}

static const struct ln_object_ops ops = { .validate = validate };

const struct ln_object ln__object_access = {
    .id = 2,
    .version = "1.0",
    .resources = resources,
    .resource_count = LN_COUNT_OF(resources),
    .instance_size = sizeof(struct access),
    .ops = &ops,
};
