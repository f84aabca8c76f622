/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test objects of OMA: 3441 for LwM2M 1.0 and 3442 for 1.1. A resource of every type, single and
 * multiple; 0 resets all to the initial values that OMA names, 1 makes them random, 2 clears them, and
 * 3 keeps its arguments in 4. (3442/x/5 and 6, Send, come with Send.)
 */
#include <linnet/objects.h>

#define STRING_ROOM 64
#define BYTES_ROOM 64
#define MANY 6
#define ARGS_MAX LN_ARGS_MAX
#define ARG_ROOM 32

typedef LN_BYTES(BYTES_ROOM) bytes_field;

struct test {
    char string[STRING_ROOM];
    int64_t integer;
    uint64_t natural;
    double number;
    bool boolean;
    bytes_field bytes;
    int64_t time;
    struct ln_objlnk link;
    char core[STRING_ROOM];
    LN_MULTI_TEXT(STRING_ROOM, MANY) strings;
    LN_MULTI(int64_t, MANY) integers;
    LN_MULTI(uint64_t, MANY) naturals;
    LN_MULTI(double, MANY) numbers;
    LN_MULTI(bool, MANY) booleans;
    LN_MULTI(bytes_field, MANY) bytess;
    LN_MULTI(int64_t, MANY) times;
    LN_MULTI(struct ln_objlnk, MANY) links;
    LN_MULTI_TEXT(STRING_ROOM, MANY) cores;
    LN_MULTI_TEXT(ARG_ROOM, ARGS_MAX) arguments;
};

#define RW (LN_RES_READ | LN_RES_WRITE)
#define TEST struct test

static const struct ln_resource resources_1_0[] = {
    LN_RESOURCE_EXECUTE(0, 0),
    LN_RESOURCE_EXECUTE(1, 0),
    LN_RESOURCE_EXECUTE(2, 0),
    LN_RESOURCE_EXECUTE(3, 0),
    LN_RESOURCE_MULTI(4, LN_VALUE_STRING, LN_RES_READ, TEST, arguments),
    LN_RESOURCE(110, LN_VALUE_STRING, RW, TEST, string),
    LN_RESOURCE(120, LN_VALUE_INTEGER, RW, TEST, integer),
    LN_RESOURCE(130, LN_VALUE_FLOAT, RW, TEST, number),
    LN_RESOURCE(140, LN_VALUE_BOOLEAN, RW, TEST, boolean),
    LN_RESOURCE_BYTES(150, LN_VALUE_OPAQUE, RW, TEST, bytes),
    LN_RESOURCE(160, LN_VALUE_TIME, RW, TEST, time),
    LN_RESOURCE(170, LN_VALUE_OBJLNK, RW, TEST, link),
    LN_RESOURCE_MULTI(1110, LN_VALUE_STRING, RW, TEST, strings),
    LN_RESOURCE_MULTI(1120, LN_VALUE_INTEGER, RW, TEST, integers),
    LN_RESOURCE_MULTI(1130, LN_VALUE_FLOAT, RW, TEST, numbers),
    LN_RESOURCE_MULTI(1140, LN_VALUE_BOOLEAN, RW, TEST, booleans),
    LN_RESOURCE_MULTI_BYTES(1150, LN_VALUE_OPAQUE, RW, TEST, bytess),
    LN_RESOURCE_MULTI(1160, LN_VALUE_TIME, RW, TEST, times),
    LN_RESOURCE_MULTI(1170, LN_VALUE_OBJLNK, RW, TEST, links),
};

static const struct ln_resource resources_1_1[] = {
    LN_RESOURCE_EXECUTE(0, 0),
    LN_RESOURCE_EXECUTE(1, 0),
    LN_RESOURCE_EXECUTE(2, 0),
    LN_RESOURCE_EXECUTE(3, 0),
    LN_RESOURCE_MULTI(4, LN_VALUE_STRING, LN_RES_READ, TEST, arguments),
    LN_RESOURCE(110, LN_VALUE_STRING, RW, TEST, string),
    LN_RESOURCE(120, LN_VALUE_INTEGER, RW, TEST, integer),
    LN_RESOURCE(125, LN_VALUE_UNSIGNED, RW, TEST, natural),
    LN_RESOURCE(130, LN_VALUE_FLOAT, RW, TEST, number),
    LN_RESOURCE(140, LN_VALUE_BOOLEAN, RW, TEST, boolean),
    LN_RESOURCE_BYTES(150, LN_VALUE_OPAQUE, RW, TEST, bytes),
    LN_RESOURCE(160, LN_VALUE_TIME, RW, TEST, time),
    LN_RESOURCE(170, LN_VALUE_OBJLNK, RW, TEST, link),
    LN_RESOURCE(180, LN_VALUE_CORELNK, RW, TEST, core),
    LN_RESOURCE_MULTI(1110, LN_VALUE_STRING, RW, TEST, strings),
    LN_RESOURCE_MULTI(1120, LN_VALUE_INTEGER, RW, TEST, integers),
    LN_RESOURCE_MULTI(1125, LN_VALUE_UNSIGNED, RW, TEST, naturals),
    LN_RESOURCE_MULTI(1130, LN_VALUE_FLOAT, RW, TEST, numbers),
    LN_RESOURCE_MULTI(1140, LN_VALUE_BOOLEAN, RW, TEST, booleans),
    LN_RESOURCE_MULTI_BYTES(1150, LN_VALUE_OPAQUE, RW, TEST, bytess),
    LN_RESOURCE_MULTI(1160, LN_VALUE_TIME, RW, TEST, times),
    LN_RESOURCE_MULTI(1170, LN_VALUE_OBJLNK, RW, TEST, links),
    LN_RESOURCE_MULTI(1180, LN_VALUE_CORELNK, RW, TEST, cores),
};

/* ---- the initial values, as OMA's definition has them ---- */

static const uint8_t initial_bytes[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

static void clear(struct test *t)
{
    memset(t, 0, offsetof(struct test, arguments));
}

static void set_bytes(bytes_field *field, const void *bytes, size_t len)
{
    field->len = (uint16_t)len;
    memcpy(field->data, bytes, len);
}

static void reset(struct test *t)
{
    static const char text[] = "initial value";
    static const char core[] = "</3442>";
    clear(t);
    memcpy(t->string, text, sizeof text);
    t->integer = 1024;
    t->natural = UINT64_C(1) << 63;
    t->number = 3.14159;
    t->boolean = true;
    set_bytes(&t->bytes, initial_bytes, sizeof initial_bytes);
    t->time = 946684800;
    t->link = (struct ln_objlnk) { 3, 0 };
    memcpy(t->core, core, sizeof core);
    t->strings.count = t->integers.count = t->naturals.count = t->numbers.count = 1;
    t->booleans.count = t->bytess.count = t->times.count = t->links.count = t->cores.count = 1;
    memcpy(t->strings.values[0], text, sizeof text);
    t->integers.values[0] = 1024;
    t->naturals.values[0] = UINT64_C(1) << 63;
    t->numbers.values[0] = 3.14159;
    t->booleans.values[0] = true;
    set_bytes(&t->bytess.values[0], initial_bytes, sizeof initial_bytes);
    t->times.values[0] = 946684800;
    t->links.values[0] = (struct ln_objlnk) { 3, 0 };
    memcpy(t->cores.values[0], core, sizeof core);
}

/* Numbers below this keep a time and a double exact. */
#define RANDOM_LIMIT UINT64_C(0xffffffff)

static enum ln_answer randomize(struct test *t, const struct ln_env *env)
{
    uint64_t bits[1 + 3 * MANY];
    if (env->random.fill(env->random.ctx, ln_mspan(bits, sizeof bits)) != LN_OK)
        return LN_ANSWER_INTERNAL;
    uint16_t count = (uint16_t)(bits[0] % (MANY + 1));
    reset(t);
    t->integer = (int64_t)(bits[1] & RANDOM_LIMIT);
    t->natural = bits[2];
    t->number = (double)(bits[3] & RANDOM_LIMIT) / 1000;
    t->boolean = (bits[4] & 1) != 0;
    t->time = (int64_t)(bits[5] & RANDOM_LIMIT);
    set_bytes(&t->bytes, bits, 16);
    t->integers.count = t->numbers.count = t->times.count = count;
    for (uint16_t i = 0; i < count; i++) {
        t->integers.ids[i] = t->numbers.ids[i] = t->times.ids[i] = i;
        t->integers.values[i] = (int64_t)(bits[1 + i] & RANDOM_LIMIT);
        t->numbers.values[i] = (double)(bits[1 + MANY + i] & RANDOM_LIMIT) / 1000;
        t->times.values[i] = (int64_t)(bits[1 + 2 * MANY + i] & RANDOM_LIMIT);
    }
    return LN_ANSWER_OK;
}

/* Argument n becomes resource instance n. */
static void keep_arguments(struct test *t, const struct ln_args *args)
{
    memset(&t->arguments, 0, sizeof t->arguments);
    for (uint16_t number = 0; number < ARGS_MAX; number++) {
        if (!ln_args_has(args, number))
            continue;
        struct ln_span value = args->value[number];
        uint16_t at = t->arguments.count++;
        size_t len = value.len < ARG_ROOM ? value.len : ARG_ROOM - 1;
        t->arguments.ids[at] = number;
        if (len > 0)
            memcpy(t->arguments.values[at], value.data, len);
    }
}

static enum ln_answer execute(const struct ln_at *at, const struct ln_args *args)
{
    struct test *t = at->instance;
    enum ln_answer answer = LN_ANSWER_OK;
    switch (at->resource->id) {
    case 0:
        reset(t);
        break;
    case 1:
        answer = randomize(t, ln_client_env(at->client));
        break;
    case 2:
        clear(t);
        break;
    default:
        keep_arguments(t, args);
        break;
    }
    ln_client_changed(at->client, at->object->id, at->iid, LN_ID_NONE);
    return answer;
}

static enum ln_answer create(const struct ln_at *at)
{
    reset(at->instance);
    return LN_ANSWER_OK;
}

static const struct ln_object_ops ops = { .execute = execute, .create = create };

static const struct ln_object objects[] = {
    {
        .id = 3441,
        .resources = resources_1_0,
        .resource_count = LN_COUNT_OF(resources_1_0),
        .flags = LN_OBJECT_CREATE | LN_OBJECT_DELETE,
        .instance_size = sizeof(struct test),
        .instance_max = 16,
        .ops = &ops,
    },
    {
        .id = 3442,
        .resources = resources_1_1,
        .resource_count = LN_COUNT_OF(resources_1_1),
        .flags = LN_OBJECT_CREATE | LN_OBJECT_DELETE,
        .instance_size = sizeof(struct test),
        .instance_max = 16,
        .ops = &ops,
    },
};

enum ln_status ln_test_objects_add(struct ln_client *client)
{
    enum ln_status st = LN_OK;
    for (size_t i = 0; st == LN_OK && i < LN_COUNT_OF(objects); i++) {
        st = ln_client_add_object(client, &objects[i], NULL, NULL);
        if (st == LN_OK)
            st = ln_client_add_instance(client, objects[i].id, 0, NULL, NULL);
    }
    return st;
}
