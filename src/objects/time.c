/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time /3333, version 1.0 (OMA object 3333): resources 5506 and 5750. See <linnet/objects.h>.
 */
#include <linnet/objects.h>

static const struct ln_resource resources[] = {
    LN_RESOURCE_OPS(5506, LN_VALUE_TIME, LN_RES_READ | LN_RES_WRITE | LN_RES_MANDATORY),
    LN_RESOURCE(5750, LN_VALUE_STRING, LN_RES_READ | LN_RES_WRITE, struct ln_time,
                application_type),
};

static int64_t wall(const struct ln_at *at)
{
    const struct ln_env *env = ln_client_env(at->client);
    return env->clock.wall(env->clock.ctx);
}

static enum ln_answer read(const struct ln_at *at, struct ln_value *out)
{
    const struct ln_time *t = at->instance;
    *out = ln_value_time(wall(at) + t->offset);
    return LN_ANSWER_OK;
}

static enum ln_answer write(const struct ln_at *at, const struct ln_value *value)
{
    struct ln_time *t = at->instance;
    int64_t now = wall(at);
    if (value->as.integer < 0 || value->as.integer > INT64_MAX / 2)
        return LN_ANSWER_BAD_REQUEST;
    t->offset = value->as.integer - now;
    return LN_ANSWER_OK;
}

static const struct ln_object_ops ops = { .read = read, .write = write };

static const struct ln_object object = {
    .id = 3333,
    .resources = resources,
    .resource_count = LN_COUNT_OF(resources),
    .instance_size = sizeof(struct ln_time),
    .ops = &ops,
};

enum ln_status ln_time_add(struct ln_client *client, struct ln_time *time)
{
    enum ln_status st = ln_client_add_object(client, &object, NULL, NULL);
    return st == LN_OK ? ln_client_add_instance(client, 3333, 0, time, NULL) : st;
}
