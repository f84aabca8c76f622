/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file 02_object.c
 * Objects: Device /3, and one of our own with resources of every kind.
 *
 * The thermometer is a struct; its table says which field is which resource. There is code only for
 * what is no field: the reset of minimum and maximum. Object ids 32769..42768 are for private use.
 *
 *   example_02_object --server coap://localhost --endpoint thermometer
 *
 * SIGINT and SIGTERM de-register and end it. Exit status: 1 if the account cannot be used.
 */
#include "account.h"

#include <signal.h>

struct thermometer {
    double value;
    double lowest;
    double highest;
    char unit[8];
    char place[32];   /* written by servers */
    bool on;          /* written by servers */
    int64_t measured; /* seconds since 1970 */
    uint32_t count;
    struct ln_objlnk device;
    LN_BYTES(16) calibration;
    LN_MULTI(double, 8) last; /* the last values, as resource instances */
};

#define R LN_RES_READ
#define RW (LN_RES_READ | LN_RES_WRITE)
#define THERMOMETER struct thermometer

static const struct ln_resource resources[] = {
    LN_RESOURCE(0, LN_VALUE_FLOAT, R | LN_RES_MANDATORY, THERMOMETER, value),
    LN_RESOURCE(1, LN_VALUE_FLOAT, R, THERMOMETER, lowest),
    LN_RESOURCE(2, LN_VALUE_FLOAT, R, THERMOMETER, highest),
    LN_RESOURCE(3, LN_VALUE_STRING, R, THERMOMETER, unit),
    LN_RESOURCE(4, LN_VALUE_STRING, RW, THERMOMETER, place),
    LN_RESOURCE(5, LN_VALUE_BOOLEAN, RW, THERMOMETER, on),
    LN_RESOURCE(6, LN_VALUE_TIME, R, THERMOMETER, measured),
    LN_RESOURCE(7, LN_VALUE_UNSIGNED, R, THERMOMETER, count),
    LN_RESOURCE(8, LN_VALUE_OBJLNK, R, THERMOMETER, device),
    LN_RESOURCE_BYTES(9, LN_VALUE_OPAQUE, RW, THERMOMETER, calibration),
    LN_RESOURCE_MULTI(10, LN_VALUE_FLOAT, R, THERMOMETER, last),
    LN_RESOURCE_EXECUTE(11, 0), /* forget lowest and highest */
};

static enum ln_answer execute(const struct ln_at *at, const struct ln_args *args)
{
    struct thermometer *t = at->instance;
    (void)args;
    t->lowest = t->highest = t->value;
    ln_client_changed(at->client, at->object->id, at->iid, LN_ID_NONE);
    return LN_ANSWER_OK;
}

/* A server may create more of them; each begins like this. */
static enum ln_answer create(const struct ln_at *at)
{
    struct thermometer *t = at->instance;
    memcpy(t->unit, "Cel", 4);
    t->on = true;
    t->device = (struct ln_objlnk) { 3, 0 };
    return LN_ANSWER_OK;
}

static enum ln_answer validate(const struct ln_at *at, const void *was)
{
    const struct thermometer *t = at->instance;
    (void)was;
    return t->calibration.len % 2 == 0 ? LN_ANSWER_OK : LN_ANSWER_BAD_REQUEST;
}

static const struct ln_object_ops ops = { .execute = execute,
                                          .create = create,
                                          .validate = validate };

static const struct ln_object object = {
    .id = 33000,
    .version = "1.0",
    .resources = resources,
    .resource_count = LN_COUNT_OF(resources),
    .flags = LN_OBJECT_CREATE | LN_OBJECT_DELETE,
    .instance_size = sizeof(struct thermometer),
    .instance_max = 8,
    .ops = &ops,
};

/* A new value: change the fields, then say so. */
static void measure(struct ln_client *client, int64_t wall)
{
    struct thermometer *t = ln_client_instance(client, 33000, 0);
    if (t == NULL || !t->on)
        return; /* a server deleted it, or switched it off */
    t->value = 20 + (double)(t->count % 7) / 2;
    t->lowest = t->count == 0 || t->value < t->lowest ? t->value : t->lowest;
    t->highest = t->count == 0 || t->value > t->highest ? t->value : t->highest;
    t->measured = wall;
    uint16_t at = (uint16_t)(t->count++ % 8);
    t->last.ids[at] = at;
    t->last.values[at] = t->value;
    t->last.count = t->last.count > at ? t->last.count : (uint16_t)(at + 1);
    ln_client_changed(client, 33000, 0, LN_ID_NONE);
}

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void on_event(void *user, struct ln_client *client, const struct ln_client_event *event)
{
    (void)user;
    (void)client;
    if (event->kind == LN_CLIENT_REGISTERED)
        printf("registered at server %u\n", event->ssid);
    if (event->kind == LN_CLIENT_DEREGISTERED)
        printf("de-registered\n");
    if (event->kind == LN_CLIENT_ATTEMPT_FAILED)
        account_failed(event);
    fflush(stdout);
}

static void reboot(void *user)
{
    (void)user;
    printf("a server asked for a reboot\n");
    fflush(stdout);
}

static enum ln_status add_all(struct ln_client *client, struct ln_device *device,
                              const struct account_args *args, struct ln_diag *diag)
{
    ln_device_init(device);
    device->manufacturer = "Linnet";
    device->model = "thermometer";
    device->serial = "0001";
    device->firmware = "1.0";
    device->reboot = reboot;
    enum ln_status st = ln_core_objects_add(client);
    if (st == LN_OK)
        st = ln_device_add(client, device);
    if (st == LN_OK)
        st = ln_time_add(client, NULL);
    if (st == LN_OK)
        st = ln_test_objects_add(client);
    if (st == LN_OK)
        st = ln_client_add_object(client, &object, NULL, diag);
    if (st == LN_OK)
        st = ln_client_add_instance(client, 33000, 0, NULL, NULL);
    return st == LN_OK ? ln_client_add_account(client, &args->account, diag) : st;
}

static enum ln_status run(const struct ln_env *env, const struct account_args *args,
                          struct ln_diag *diag)
{
    struct ln_client *client = NULL;
    struct ln_device device;
    struct ln_client_config config = LN_CLIENT_CONFIG_INIT;
    config.env = env;
    config.endpoint = args->endpoint;
    config.on_event = on_event;
    account_trust(args, &config);
    enum ln_status st = ln_client_new(&config, diag, &client);
    if (st == LN_OK)
        st = add_all(client, &device, args, diag);
    if (st == LN_OK)
        st = ln_client_start(client, ln_now(env), diag);
    for (ln_msec tick = ln_now(env); st == LN_OK && !stopped; tick += 1000) {
        measure(client, env->clock.wall(env->clock.ctx));
        st = ln_client_run(client, tick + 1000);
    }
    if (st == LN_OK) {
        ln_client_stop(client, ln_now(env));
        st = ln_client_run(client, ln_now(env) + 5000);
    }
    ln_client_free(client);
    return st == LN_CLOSED ? LN_OK : st;
}

int main(int argc, char **argv)
{
    struct account_args args;
    struct ln_env *env = NULL;
    struct ln_diag diag = { .status = LN_OK };
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (!account_read(&args, NULL, argc, argv) || ln_env_posix_new(&env) != LN_OK)
        return 1;
    enum ln_status st = run(env, &args, &diag);
    if (st != LN_OK)
        account_complain(st, &diag);
    ln_env_posix_free(env);
    return st == LN_OK ? 0 : 1;
}
