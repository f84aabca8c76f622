/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device /3, version 1.1 (OMA object 3). See <linnet/objects.h>.
 */
#include <linnet/objects.h>

#define R LN_RES_READ
#define RW (LN_RES_READ | LN_RES_WRITE)
#define MUST LN_RES_MANDATORY
#define DEVICE struct ln_device

static const struct ln_resource resources[] = {
    LN_RESOURCE(0, LN_VALUE_STRING, R, DEVICE, manufacturer),
    LN_RESOURCE(1, LN_VALUE_STRING, R, DEVICE, model),
    LN_RESOURCE(2, LN_VALUE_STRING, R, DEVICE, serial),
    LN_RESOURCE(3, LN_VALUE_STRING, R, DEVICE, firmware),
    LN_RESOURCE_EXECUTE(4, MUST),
    LN_RESOURCE_EXECUTE(5, 0),
    LN_RESOURCE_MULTI(6, LN_VALUE_INTEGER, R, DEVICE, power_sources),
    LN_RESOURCE_MULTI(7, LN_VALUE_INTEGER, R, DEVICE, power_voltages),
    LN_RESOURCE_MULTI(8, LN_VALUE_INTEGER, R, DEVICE, power_currents),
    LN_RESOURCE(9, LN_VALUE_INTEGER, R, DEVICE, battery_level),
    LN_RESOURCE(10, LN_VALUE_INTEGER, R, DEVICE, memory_free),
    LN_RESOURCE_MULTI(11, LN_VALUE_INTEGER, R | MUST, DEVICE, errors),
    LN_RESOURCE_EXECUTE(12, 0),
    LN_RESOURCE_OPS(13, LN_VALUE_TIME, RW),
    LN_RESOURCE(14, LN_VALUE_STRING, RW, DEVICE, utc_offset),
    LN_RESOURCE(15, LN_VALUE_STRING, RW, DEVICE, timezone),
    LN_RESOURCE(16, LN_VALUE_STRING, R | MUST, DEVICE, binding),
    LN_RESOURCE(17, LN_VALUE_STRING, R, DEVICE, type),
    LN_RESOURCE(18, LN_VALUE_STRING, R, DEVICE, hardware),
    LN_RESOURCE(19, LN_VALUE_STRING, R, DEVICE, software),
    LN_RESOURCE(20, LN_VALUE_INTEGER, R, DEVICE, battery_status),
    LN_RESOURCE(21, LN_VALUE_INTEGER, R, DEVICE, memory_total),
};

static const struct ln_object object;

static int64_t wall(const struct ln_at *at)
{
    const struct ln_env *env = ln_client_env(at->client);
    return env->clock.wall(env->clock.ctx);
}

static enum ln_answer read_time(const struct ln_at *at, struct ln_value *out)
{
    const struct ln_device *d = at->instance;
    *out = ln_value_time(wall(at) + d->time_offset);
    return LN_ANSWER_OK;
}

static enum ln_answer write_time(const struct ln_at *at, const struct ln_value *value)
{
    struct ln_device *d = at->instance;
    int64_t now = wall(at);
    if (value->as.integer < 0 || value->as.integer > INT64_MAX / 2)
        return LN_ANSWER_BAD_REQUEST;
    d->time_offset = value->as.integer - now;
    return LN_ANSWER_OK;
}

static bool exists(const struct ln_at *at)
{
    const struct ln_device *d = at->instance;
    if (at->resource->id == 5)
        return d->factory_reset != NULL;
    return true;
}

static enum ln_answer execute(const struct ln_at *at, const struct ln_args *args)
{
    struct ln_device *d = at->instance;
    (void)args;
    if (at->resource->id == 12) {
        ln_device_error(at->client, d, 0);
        return LN_ANSWER_OK;
    }
    void (*run)(void *user) = at->resource->id == 4 ? d->reboot : d->factory_reset;
    if (run == NULL)
        return LN_ANSWER_NOT_ALLOWED;
    run(d->user);
    return LN_ANSWER_OK;
}

static void refresh(const struct ln_at *at)
{
    struct ln_device *d = at->instance;
    if (d->refresh != NULL)
        d->refresh(d->user, d);
}

static const struct ln_object_ops ops = {
    .refresh = refresh,
    .read = read_time,
    .write = write_time,
    .exists = exists,
    .execute = execute,
};

static const struct ln_object object = {
    .id = 3,
    .version = "1.1",
    .resources = resources,
    .resource_count = LN_COUNT_OF(resources),
    .flags = LN_OBJECT_SINGLE | LN_OBJECT_KEPT,
    .instance_size = sizeof(struct ln_device),
    .present = LN_PRESENT(struct ln_device, present),
    .ops = &ops,
};

static const uint16_t optional[] = { 6, 7, 8, 9, 10, 14, 15, 20, 21 };

void ln_device_init(struct ln_device *device)
{
    memset(device, 0, sizeof *device);
    device->binding = "U";
    device->errors.count = 1; /* id 0, value 0: no error */
    device->present = ~UINT32_C(0);
    for (size_t i = 0; i < LN_COUNT_OF(optional); i++)
        device->present &= ~ln_object_bit(&object, optional[i]);
}

enum ln_status ln_device_enable(struct ln_device *device, uint16_t rid)
{
    for (size_t i = 0; i < LN_COUNT_OF(optional); i++) {
        if (optional[i] != rid)
            continue;
        device->present |= ln_object_bit(&object, rid);
        return LN_OK;
    }
    return LN_NOT_FOUND;
}

enum ln_status ln_device_add(struct ln_client *client, struct ln_device *device)
{
    enum ln_status st = ln_client_add_object(client, &object, NULL, NULL);
    return st == LN_OK ? ln_client_add_instance(client, 3, 0, device, NULL) : st;
}

static void clear_errors(struct ln_device *device)
{
    device->errors.count = 1;
    device->errors.ids[0] = 0;
    device->errors.values[0] = 0;
}

void ln_device_error(struct ln_client *client, struct ln_device *device, int32_t code)
{
    if (code == 0)
        clear_errors(device);
    bool none = device->errors.count == 1 && device->errors.values[0] == 0;
    for (uint16_t i = 0; i < device->errors.count; i++)
        if (device->errors.values[i] == code)
            code = 0; /* known already */
    if (code != 0 && (none || device->errors.count < LN_DEVICE_ERRORS_MAX)) {
        uint16_t at = none ? 0 : device->errors.count;
        device->errors.ids[at] = at;
        device->errors.values[at] = code;
        device->errors.count = (uint16_t)(at + 1);
    }
    ln_client_changed(client, 3, 0, 11);
}
