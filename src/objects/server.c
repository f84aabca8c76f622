/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server /1, version 1.1: how the device behaves towards each server (OMA object 1).
 *
 * The engine acts on all that is here: 0 short server id, 1 lifetime, 2 and 3 default periods, 4 and 5
 * disabling, 6 storing, 7 binding, 8 update trigger, 11 the last alert, 13..15 order of servers, 16
 * what to do when registration fails, 17..20 retries. 13..20 are the bootstrap server's: management
 * servers neither read nor write them in 1.1.
 */
#include "objects/accounts.h"

struct server {
    uint32_t present;
    uint16_t ssid;
    uint32_t lifetime_s;
    uint32_t pmin_s;
    uint32_t pmax_s;
    uint32_t disable_s;
    bool store;
    char binding[16];
    uint8_t alert;
    uint32_t priority;
    uint32_t delay_s;
    bool block;
    bool bootstrap;
    uint32_t retry_count;
    uint32_t retry_s;
    uint32_t sequence_delay_s;
    uint32_t sequence_count;
};

#define RW (LN_RES_READ | LN_RES_WRITE)
#define MUST LN_RES_MANDATORY

static const struct ln_resource resources[] = {
    LN_RESOURCE(0, LN_VALUE_INTEGER, LN_RES_READ | MUST, struct server, ssid),
    LN_RESOURCE(1, LN_VALUE_INTEGER, RW | MUST, struct server, lifetime_s),
    LN_RESOURCE(2, LN_VALUE_INTEGER, RW, struct server, pmin_s),
    LN_RESOURCE(3, LN_VALUE_INTEGER, RW, struct server, pmax_s),
    LN_RESOURCE_EXECUTE(4, 0),
    LN_RESOURCE(5, LN_VALUE_INTEGER, RW, struct server, disable_s),
    LN_RESOURCE(6, LN_VALUE_BOOLEAN, RW | MUST, struct server, store),
    LN_RESOURCE(7, LN_VALUE_STRING, RW | MUST, struct server, binding),
    LN_RESOURCE_EXECUTE(8, MUST),
    LN_RESOURCE(11, LN_VALUE_UNSIGNED, LN_RES_READ, struct server, alert),
    LN_RESOURCE(13, LN_VALUE_UNSIGNED, 0, struct server, priority),
    LN_RESOURCE(14, LN_VALUE_UNSIGNED, 0, struct server, delay_s),
    LN_RESOURCE(15, LN_VALUE_BOOLEAN, 0, struct server, block),
    LN_RESOURCE(16, LN_VALUE_BOOLEAN, 0, struct server, bootstrap),
    LN_RESOURCE(17, LN_VALUE_UNSIGNED, 0, struct server, retry_count),
    LN_RESOURCE(18, LN_VALUE_UNSIGNED, 0, struct server, retry_s),
    LN_RESOURCE(19, LN_VALUE_UNSIGNED, 0, struct server, sequence_delay_s),
    LN_RESOURCE(20, LN_VALUE_UNSIGNED, 0, struct server, sequence_count),
};

/* U, T, S, N in any order, each once; Q is of LwM2M 1.0 and stands behind a letter. */
static bool is_binding(const char *text)
{
    unsigned seen = 0;
    for (const char *c = text; *c != 0; c++) {
        const char *known = strchr("UTSNQ", *c);
        unsigned bit = known != NULL ? 1u << (known - "UTSNQ") : 0;
        if (bit == 0 || (seen & bit) != 0 || (*c == 'Q' && c == text))
            return false;
        seen |= bit;
    }
    return text[0] != 0;
}

/* 0 is for ever, which only servers of LwM2M 1.2 understand: for others it would be over at once. */
static bool is_lifetime(const struct ln_at *at, const struct server *s)
{
    struct ln_server_info info;
    return s->lifetime_s != 0 || (ln_client_server_info(at->client, s->ssid, &info) == LN_OK &&
                                  info.version >= LN_LWM2M_1_2);
}

static enum ln_answer validate(const struct ln_at *at, const void *was)
{
    const struct server *s = at->instance;
    const struct server *old = was;
    bool same = old != NULL && old->lifetime_s == s->lifetime_s;
    if (!same && !is_lifetime(at, s))
        return LN_ANSWER_BAD_REQUEST;
    /* over UDP alone for now: a binding without U would cut the server off */
    return is_binding(s->binding) && strchr(s->binding, 'U') != NULL ? LN_ANSWER_OK
                                                                     : LN_ANSWER_BAD_REQUEST;
}

static enum ln_answer execute(const struct ln_at *at, const struct ln_args *args)
{
    const struct server *s = at->instance;
    bool has_timeout = (s->present & ln_object_bit(at->object, 5)) != 0;
    (void)args;
    /* both happen after the answer got out: LwM2M Core 1.1 6.2.2 */
    enum ln_status st =
        at->resource->id == 4
            ? ln_client_disable(at->client, s->ssid, has_timeout ? s->disable_s : 86400)
            : ln_client_update(at->client, s->ssid);
    return st == LN_OK ? LN_ANSWER_OK : LN_ANSWER_NOT_ALLOWED;
}

static enum ln_answer create(const struct ln_at *at)
{
    static const uint16_t always[] = { 0, 1, 4, 6, 7, 8 };
    struct server *s = at->instance;
    for (size_t i = 0; i < LN_COUNT_OF(always); i++)
        s->present |= ln_object_bit(at->object, always[i]);
    s->lifetime_s = 86400;
    s->store = true;
    s->binding[0] = 'U';
    return LN_ANSWER_OK;
}

static const struct ln_object_ops ops = { .validate = validate,
                                          .execute = execute,
                                          .create = create };

const struct ln_object ln__object_server = {
    .id = 1,
    .version = "1.1",
    .resources = resources,
    .resource_count = LN_COUNT_OF(resources),
    .instance_size = sizeof(struct server),
    .present = LN_PRESENT(struct server, present),
    .ops = &ops,
};

void ln__server_fill(void *instance, const struct ln_account *account)
{
    struct server *s = instance;
    s->ssid = account->ssid;
    s->lifetime_s = account->lifetime_s;
    s->store = account->store;
    memset(s->binding, 0, sizeof s->binding);
    memcpy(s->binding, account->binding, strlen(account->binding));
}

bool ln__server_binding_is_good(const char *binding)
{
    return binding != NULL && strlen(binding) < sizeof((struct server *)0)->binding &&
           is_binding(binding) && strchr(binding, 'U') != NULL;
}
