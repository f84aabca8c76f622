/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What <linnet/object.h> promises an object of the application: a Write is a transaction even where a
 * function of the object fails in the middle of it, what a payload says twice, and resources that are
 * streamed through a device that has no room for them.
 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { OID = 33001, LONG = 64 * 1024, POST = LN_COAP_POST, PUT = LN_COAP_PUT };

struct thing {
    int32_t low, high;
    int32_t computed; /* behind functions */
    LN_MULTI(uint8_t, 4) list;
};

static struct lw_world w;
static struct thing thing;
static struct thing was_told;
static unsigned written;
static uint32_t stream_size;
static uint32_t taken;
static bool taken_all;

static uint8_t byte_at(uint32_t offset)
{
    return (uint8_t)(offset * 7 + (offset >> 8));
}

static enum ln_answer read(const struct ln_at *at, struct ln_value *out)
{
    const struct thing *t = at->instance;
    *out = ln_value_integer(t->computed);
    return LN_ANSWER_OK;
}

/* It changes the copy first, and then says no. */
static enum ln_answer write(const struct ln_at *at, const struct ln_value *value)
{
    struct thing *t = at->instance;
    t->computed = (int32_t)value->as.integer;
    t->low = t->high = -1;
    if (value->as.integer == 14)
        return LN_ANSWER_INTERNAL;
    return value->as.integer == 13 ? LN_ANSWER_BAD_REQUEST : LN_ANSWER_OK;
}

static enum ln_answer validate(const struct ln_at *at, const void *was)
{
    const struct thing *t = at->instance;
    (void)was;
    return t->low <= t->high ? LN_ANSWER_OK : LN_ANSWER_BAD_REQUEST;
}

static void tell_written(const struct ln_at *at, const void *was)
{
    (void)at;
    written++;
    memset(&was_told, 0, sizeof was_told);
    if (was != NULL)
        was_told = *(const struct thing *)was;
}

static enum ln_answer read_size(const struct ln_at *at, uint32_t *size)
{
    (void)at;
    *size = stream_size;
    return LN_ANSWER_OK;
}

static enum ln_answer read_piece(const struct ln_at *at, uint32_t offset, struct ln_mspan room)
{
    (void)at;
    assert_true(offset + room.len <= stream_size);
    for (size_t i = 0; i < room.len; i++)
        room.data[i] = byte_at(offset + (uint32_t)i);
    return LN_ANSWER_OK;
}

static enum ln_answer write_piece(const struct ln_at *at, uint32_t offset, uint32_t size,
                                  struct ln_span piece, bool last)
{
    (void)at;
    (void)size;
    assert_int_equal(offset, offset == 0 ? 0 : taken);
    for (size_t i = 0; i < piece.len; i++)
        assert_int_equal(piece.data[i], byte_at(offset + (uint32_t)i));
    taken = offset + (uint32_t)piece.len;
    taken_all = last;
    return LN_ANSWER_OK;
}

#define RW (LN_RES_READ | LN_RES_WRITE)
static const struct ln_resource resources[] = {
    LN_RESOURCE(0, LN_VALUE_INTEGER, RW | LN_RES_MANDATORY, struct thing, low),
    LN_RESOURCE(1, LN_VALUE_INTEGER, RW | LN_RES_MANDATORY, struct thing, high),
    LN_RESOURCE_OPS(2, LN_VALUE_INTEGER, RW),
    LN_RESOURCE_MULTI(3, LN_VALUE_INTEGER, RW, struct thing, list),
    LN_RESOURCE_OPS(4, LN_VALUE_OPAQUE, LN_RES_READ | LN_RES_STREAMED),
    LN_RESOURCE_OPS(5, LN_VALUE_OPAQUE, LN_RES_WRITE | LN_RES_STREAMED),
};
static const struct ln_object_ops ops = {
    .read = read,
    .write = write,
    .validate = validate,
    .written = tell_written,
    .read_size = read_size,
    .read_piece = read_piece,
    .write_piece = write_piece,
};
static const struct ln_object object = {
    .id = OID,
    .resources = resources,
    .resource_count = LN_COUNT_OF(resources),
    .flags = LN_OBJECT_CREATE | LN_OBJECT_DELETE,
    .instance_size = sizeof(struct thing),
    .ops = &ops,
};

static void open_world(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    options.without_objects = true;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    memset(&thing, 0, sizeof thing);
    thing = (struct thing) { .low = 3, .high = 5, .computed = 4 };
    thing.list.count = 2;
    thing.list.ids[1] = 7;
    thing.list.values[0] = 50;
    thing.list.values[1] = 57;
    stream_size = LONG;
    assert_int_equal(ln_client_add_object(w.client, &object, NULL, NULL), LN_OK);
    assert_int_equal(ln_client_add_instance(w.client, OID, 0, &thing, NULL), LN_OK);
    assert_true(lw_register(&w));
    written = 0;
}

static uint8_t ask(uint8_t code, const char *path, const char *tlv, size_t len)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = code, .path = path };
    rq.format = 11542;
    rq.payload = tlv;
    rq.len = len;
    assert_true(lw_ask(&w, &rq));
    return w.server.answer.code;
}

#define TLV(text) (text), sizeof(text) - 1
#define LOW(value) "\xc1\x00" value
#define HIGH(value) "\xc1\x01" value
#define COMPUTED(value) "\xc1\x02" value
#define INSTANCE "/33001/0"

static bool is_same(const struct thing *a, const struct thing *b)
{
    return a->low == b->low && a->high == b->high && a->computed == b->computed &&
           memcmp(&a->list, &b->list, sizeof a->list) == 0;
}

/* Whatever fails, and wherever: no value changed, no function heard of a change, nobody is notified,
 * and no instance came to be. */
static void test_what_fails_in_the_middle_changes_nothing(void **state)
{
    static const struct {
        const char *why;
        uint8_t method;
        const char *path;
        const char *tlv;
        size_t len;
        uint8_t answer;
    } rows[] = {
        { "a function refuses", POST, INSTANCE, TLV(LOW("\x01") COMPUTED("\x0d")),
          LN_ANSWER_BAD_REQUEST },
        { "a function fails", POST, INSTANCE, TLV(LOW("\x01") COMPUTED("\x0e")),
          LN_ANSWER_INTERNAL },
        { "a function refuses a whole instance", PUT, INSTANCE,
          TLV(LOW("\x01") HIGH("\x02") COMPUTED("\x0d")), LN_ANSWER_BAD_REQUEST },
        { "a function refuses the one value", PUT, INSTANCE "/2", TLV(COMPUTED("\x0d")),
          LN_ANSWER_BAD_REQUEST },
        { "a mandatory value is missing", PUT, INSTANCE, TLV(LOW("\x01") COMPUTED("\x07")),
          LN_ANSWER_BAD_REQUEST },
        { "the values do not fit together", POST, INSTANCE, TLV(LOW("\x09")),
          LN_ANSWER_BAD_REQUEST },
        { "a value of an array is too large", POST, INSTANCE,
          TLV(COMPUTED("\x07") "\x84\x03\x42\x00\x01\x2c"), LN_ANSWER_BAD_REQUEST },
        { "an array is too long", PUT, INSTANCE "/3",
          TLV("\x88\x03\x0f\x41\x00\x01\x41\x01\x01\x41\x02\x01\x41\x03\x01\x41\x04\x01"),
          LN_ANSWER_BAD_REQUEST },
        { "the last value is read only", POST, INSTANCE, TLV(LOW("\x01") "\xc1\x04\x01"),
          LN_ANSWER_NOT_ALLOWED },
        { "the payload is cut", POST, INSTANCE, TLV(LOW("\x01") "\xc1\x01"),
          LN_ANSWER_BAD_REQUEST },
        { "a function refuses a new instance", POST, "/33001",
          TLV(LOW("\x01") HIGH("\x02") COMPUTED("\x0d")), LN_ANSWER_BAD_REQUEST },
        { "a new instance does not fit together", POST, "/33001", TLV(LOW("\x02") HIGH("\x01")),
          LN_ANSWER_BAD_REQUEST },
        { "a new instance is not complete", POST, "/33001", TLV(LOW("\x02")),
          LN_ANSWER_BAD_REQUEST },
        { "a value comes twice", POST, INSTANCE, TLV(LOW("\x01") LOW("\x02")),
          LN_ANSWER_BAD_REQUEST },
        { "a value of a function comes twice", POST, INSTANCE,
          TLV(COMPUTED("\x01") COMPUTED("\x02")), LN_ANSWER_BAD_REQUEST },
        { "a value comes twice in a whole instance", PUT, INSTANCE,
          TLV(LOW("\x01") HIGH("\x04") HIGH("\x04")), LN_ANSWER_BAD_REQUEST },
        { "the one value comes twice", PUT, INSTANCE "/0", TLV(LOW("\x01") LOW("\x01")),
          LN_ANSWER_BAD_REQUEST },
        { "an array comes twice", POST, INSTANCE, TLV("\x83\x03\x41\x00\x01\x83\x03\x41\x01\x01"),
          LN_ANSWER_BAD_REQUEST },
        { "the one array comes twice", PUT, INSTANCE "/3",
          TLV("\x83\x03\x41\x00\x01\x83\x03\x41\x01\x01"), LN_ANSWER_BAD_REQUEST },
        { "a value of a new instance comes twice", POST, "/33001",
          TLV(LOW("\x01") HIGH("\x02") LOW("\x01")), LN_ANSWER_BAD_REQUEST },
        { "a new instance comes twice", POST, "/33001",
          TLV("\x03\x05" LOW("\x01") "\x03\x05" HIGH("\x02")), LN_ANSWER_BAD_REQUEST },
    };
    (void)state;
    open_world();
    struct lw_request observe = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = INSTANCE "/2" };
    observe.observe = 0;
    assert_true(lw_ask(&w, &observe));
    assert_int_equal(w.server.answer.code, LN_COAP_CONTENT);
    const struct thing before = thing;
    for (size_t i = 0; i < LN_COUNT_OF(rows); i++) {
        uint8_t code = ask(rows[i].method, rows[i].path, rows[i].tlv, rows[i].len);
        if (code != rows[i].answer)
            fail_msg("%s: answered %u.%02u", rows[i].why, code >> 5, code & 31u);
        if (!is_same(&before, &thing) || written != 0 ||
            ln_client_next_instance(w.client, OID, 0) != LN_ID_NONE)
            fail_msg("%s: something changed", rows[i].why);
    }
    assert_true(lw_run(&w, NULL, 5000));
    assert_int_equal(w.server.note_count, 0);
    assert_int_equal(w.server.updates, 0);
    lw_close(&w);
}

/* ... and what succeeds is told once, with the values that were there before. */
static void test_what_succeeds_is_told_once(void **state)
{
    (void)state;
    open_world();
    const struct thing before = thing;
    assert_int_equal(ask(POST, INSTANCE, TLV(COMPUTED("\x09") LOW("\x06") HIGH("\x08"))),
                     LN_COAP_CHANGED);
    assert_int_equal(written, 1);
    assert_true(is_same(&was_told, &before));
    assert_int_equal(thing.low, 6);
    assert_int_equal(thing.high, 8);
    assert_int_equal(thing.computed, 9);
    assert_int_equal(ask(POST, "/33001", TLV("\x06\x05" LOW("\x01") HIGH("\x02"))),
                     LN_COAP_CREATED);
    assert_int_equal(written, 2);
    const struct thing *made = ln_client_instance(w.client, OID, 5);
    assert_non_null(made);
    assert_int_equal(made->high, 2);
    lw_close(&w);
}

/* Instances of one resource: each value of its own, unsorted as they may be, the later one counts. */
/* scenario: H58 */
static void test_resource_instances_that_come_twice(void **state)
{
    (void)state;
    open_world();
    assert_int_equal(
        ask(PUT, INSTANCE "/3", TLV("\x88\x03\x09\x41\x09\x01\x41\x02\x02\x41\x09\x03")),
        LN_COAP_CHANGED);
    assert_int_equal(thing.list.count, 2);
    assert_int_equal(thing.list.ids[0], 2);
    assert_int_equal(thing.list.values[0], 2);
    assert_int_equal(thing.list.ids[1], 9);
    assert_int_equal(thing.list.values[1], 3);
    lw_close(&w);
}

static size_t live_bytes(void)
{
    struct ln_testkit_memory memory;
    ln_testkit_memory(w.device_host, &memory);
    return memory.live_bytes;
}

/* Enough for what a request needs, and far too little for the value. */
enum { SPARE = 2048 };

/* 64 kB out of a device with two to spare: each block is asked of the object when it is wanted. */
static void test_a_long_value_is_read_without_room_for_it(void **state)
{
    static const struct {
        int accept;
        uint32_t size;
        size_t length; /* of the payload */
        size_t head;   /* before the bytes; SIZE_MAX: not compared */
    } rows[] = {
        { -1, LONG, LONG, 0 },
        { 42, LONG, LONG, 0 },
        { 11542, LONG, LONG + 5, 5 },
        { 60, LONG, LONG + 5, 5 },
        { 0, LONG * 3 / 4, LONG, SIZE_MAX },
    };
    (void)state;
    open_world();
    ln_testkit_memory_limit(w.device_host, live_bytes() + SPARE);
    for (size_t i = 0; i < LN_COUNT_OF(rows); i++) {
        struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = INSTANCE "/4" };
        rq.accept = rows[i].accept;
        rq.block2_szx = 6;
        stream_size = rows[i].size;
        assert_true(lw_ask(&w, &rq));
        const struct lw_answer *a = &w.server.answer;
        if (a->code != LN_COAP_CONTENT || a->len != rows[i].length)
            fail_msg("format %d: answered %u.%02u, %zu bytes", rows[i].accept, a->code >> 5,
                     a->code & 31u, a->len);
        for (uint32_t n = 0; rows[i].head != SIZE_MAX && n < LONG; n++)
            if (a->payload[rows[i].head + n] != byte_at(n))
                fail_msg("format %d: byte %u is another one", rows[i].accept, n);
    }
    ln_testkit_memory_limit(w.device_host, 0);
    lw_close(&w);
}

/* ... and into it. */
static void test_a_long_value_is_written_without_room_for_it(void **state)
{
    static const uint8_t resource[] = { 0xd8, 5, 1, 0, 0 }; /* with 24 bits of length */
    static uint8_t body[LONG + sizeof resource];
    static const struct {
        int format;
        size_t head;
    } rows[] = { { 42, 0 }, { 11542, 5 } };
    (void)state;
    open_world();
    ln_testkit_memory_limit(w.device_host, live_bytes() + SPARE);
    for (size_t i = 0; i < LN_COUNT_OF(rows); i++) {
        struct lw_request rq = { LW_REQUEST_INIT, .code = PUT, .path = INSTANCE "/5" };
        size_t head = rows[i].head;
        memcpy(body, resource, sizeof resource);
        for (uint32_t n = 0; n < LONG; n++)
            body[head + n] = byte_at(n);
        rq.format = rows[i].format;
        rq.block1_szx = 6;
        rq.payload = body;
        rq.len = LONG + head;
        taken = 0;
        taken_all = false;
        assert_true(lw_ask(&w, &rq));
        assert_int_equal(w.server.answer.code, LN_COAP_CHANGED);
        assert_int_equal(taken, LONG);
        assert_true(taken_all);
    }
    ln_testkit_memory_limit(w.device_host, 0);
    lw_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_fails_in_the_middle_changes_nothing),
        cmocka_unit_test(test_what_succeeds_is_told_once),
        cmocka_unit_test(test_resource_instances_that_come_twice),
        cmocka_unit_test(test_a_long_value_is_read_without_room_for_it),
        cmocka_unit_test(test_a_long_value_is_written_without_room_for_it),
    };
    return cmocka_run_group_tests_name("lwm2m/objects", tests, NULL, NULL);
}
