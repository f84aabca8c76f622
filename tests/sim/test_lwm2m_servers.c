/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several servers: what Access Control /2 lets each of them do (LwM2M Core 1.1 8), in which order they
 * are registered at (/1/x/13..15), and that one that hangs does not hold up another.
 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct lw_world w;

static bool both_registered(const struct lw_world *world)
{
    return lw_is_registered_at(world, 1) && lw_is_registered_at(world, 2);
}

static void open_world_at(const char *second_uri, void (*prepare)(struct lw_world *w))
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    options.two_servers = true;
    options.second_uri = second_uri;
    options.prepare = prepare;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    assert_int_equal(lw_start(&w), LN_OK);
}

static void open_world(void (*prepare)(struct lw_world *w))
{
    open_world_at(NULL, prepare);
}

static void open_registered(void)
{
    open_world(NULL);
    assert_true(lw_run(&w, both_registered, 60000));
}

static void close_world(void)
{
    assert_true(lw_stop(&w, 60000));
    lw_close(&w);
}

/* ---- access control ---- */

/* The instance of /2 that speaks of it; LN_ID_NONE. */
static uint16_t acl_of(uint16_t oid, uint16_t iid)
{
    uint16_t at = LN_ID_NONE;
    while ((at = ln_client_next_instance(w.client, 2, at)) != LN_ID_NONE) {
        struct ln_value o;
        struct ln_value i;
        assert_int_equal(ln_client_get(w.client, ln_path_resource(2, at, 0), &o), LN_OK);
        assert_int_equal(ln_client_get(w.client, ln_path_resource(2, at, 1), &i), LN_OK);
        if (o.as.integer == oid && i.as.integer == iid)
            return at;
    }
    return LN_ID_NONE;
}

static void set_rights(uint16_t oid, uint16_t iid, uint16_t ssid, int rights)
{
    struct ln_value v = ln_value_integer(rights);
    uint16_t acl = acl_of(oid, iid);
    assert_int_not_equal(acl, LN_ID_NONE);
    assert_int_equal(ln_client_set(w.client, ln_path_resource_instance(2, acl, 2, ssid), &v),
                     LN_OK);
}

static uint8_t ask(uint8_t code, const char *path, int format, const char *payload, size_t len)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = code, .path = path };
    rq.format = format;
    rq.payload = payload;
    rq.len = len;
    assert_true(lw_ask(&w, &rq));
    return w.server.answer.code;
}

static void expect(const char *what, bool allowed, uint8_t code, uint8_t good)
{
    if (code != (allowed ? good : LN_COAP_UNAUTHORIZED))
        fail_msg("%s, %s: answered %u.%02u", what, allowed ? "allowed" : "denied", code >> 5,
                 code & 31u);
}

enum { READ = 1, WRITE = 2, EXECUTE = 4, DELETE = 8 };

/* What a server with these rights on /3442/0 may do with it. */
static void try_all(unsigned rights)
{
    struct lw_request attributes = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/3442/0/120",
                                     .query = "pmin=1" };
    bool reads = (rights & READ) != 0;
    bool writes = (rights & WRITE) != 0;
    expect("read", reads, lw_get(&w, "/3442/0/120", -1), LN_COAP_CONTENT);
    expect("read instance", reads, lw_get(&w, "/3442/0", -1), LN_COAP_CONTENT);
    expect("observe", reads, lw_observe(&w, "/3442/0/120"), LN_COAP_CONTENT);
    assert_true(lw_ask(&w, &attributes));
    expect("write attributes", reads, w.server.answer.code, LN_COAP_CHANGED);
    expect("write", writes, lw_put(&w, "/3442/0/120", 0, "5", 1), LN_COAP_CHANGED);
    expect("update", writes, ask(LN_COAP_POST, "/3442/0", 11542, "\xc1\x78\x07", 3),
           LN_COAP_CHANGED);
    expect("execute", (rights & EXECUTE) != 0, ask(LN_COAP_POST, "/3442/0/3", -1, NULL, 0),
           LN_COAP_CHANGED);
    assert_int_equal(lw_get(&w, "/3442/0", 40), LN_COAP_CONTENT); /* Discover needs no right */
    expect("delete", (rights & DELETE) != 0, ask(LN_COAP_DELETE, "/3442/0", -1, NULL, 0),
           LN_COAP_DELETED);
}

static void test_each_right_alone_and_all(void **state)
{
    static const int rights[] = {
        0, READ, WRITE, EXECUTE, DELETE, READ | WRITE | EXECUTE | DELETE
    };
    (void)state;
    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++) {
        open_registered();
        set_rights(3442, 0, 2, rights[i]);
        lw_swap(&w);
        try_all((unsigned)rights[i]);
        lw_swap(&w);
        close_world();
    }
}

/* The first server owns what was there; the owner has all rights but where an entry says less, and
 * nobody else has any without an entry. Each server owns its own instance of /1. */
static void test_owners(void **state)
{
    (void)state;
    open_registered();
    try_all(READ | WRITE | EXECUTE | DELETE); /* server 1, no entry: the owner; deletes /3442/0 */
    set_rights(3, 0, 1, WRITE);               /* an entry of its own counts, not its ownership */
    expect("owner with an entry", false, lw_get(&w, "/3/0/0", -1), 0);
    assert_int_equal(lw_get(&w, "/1/0/1", -1), LN_COAP_CONTENT);
    expect("the other's account", false, lw_get(&w, "/1/1/1", -1), 0);
    lw_swap(&w);
    expect("not the owner", false, lw_get(&w, "/3333/0/5506", -1), 0);
    expect("the other's account", false, lw_put(&w, "/1/0/1", 0, "60", 2), 0);
    assert_int_equal(lw_put(&w, "/1/1/1", 0, "7200", 4), LN_COAP_CHANGED);
    lw_swap(&w);
    close_world();
}

static void test_the_default_entry(void **state)
{
    (void)state;
    open_registered();
    set_rights(3, 0, 0, READ); /* short server id 0: everybody without an entry */
    lw_swap(&w);
    assert_int_equal(lw_get(&w, "/3/0/0", -1), LN_COAP_CONTENT);
    expect("write", false, lw_put(&w, "/3/0/15", 0, "UTC", 3), 0);
    set_rights(3, 0, 2, 0); /* an own entry goes before it */
    expect("read", false, lw_get(&w, "/3/0/0", -1), 0);
    lw_swap(&w);
    assert_int_equal(lw_get(&w, "/3/0/0", -1), LN_COAP_CONTENT); /* the owner needs none */
    close_world();
}

/* Whole objects show what may be read of them; a running observation ends when the right goes. */
static void test_what_may_be_read_of_an_object(void **state)
{
    (void)state;
    open_registered();
    set_rights(1, 0, 2, 0);
    lw_swap(&w);
    assert_int_equal(lw_get(&w, "/1", -1), LN_COAP_CONTENT);
    assert_true(w.server.answer.len > 0 && w.server.answer.payload[0] == 0x08);
    assert_int_equal(w.server.answer.payload[1], 1); /* /1/1, its own, and no /1/0 */
    set_rights(3, 0, 2, READ);
    assert_int_equal(lw_observe(&w, "/3/0/9"), LN_COAP_CONTENT);
    set_rights(3, 0, 2, 0);
    w.device.battery_level = 3;
    ln_client_changed(w.client, 3, 0, 9);
    assert_true(lw_run(&w, NULL, 1000));
    assert_int_equal(w.server.note_count, 1);
    assert_int_equal(w.server.notes[0].code, LN_COAP_UNAUTHORIZED);
    assert_int_equal(w.server.notes[0].len, 0);
    lw_swap(&w);
    close_world();
}

/* A notification of a whole object, too, holds only what its server may read. */
static void test_what_is_told_of_an_object(void **state)
{
    (void)state;
    open_registered();
    set_rights(1, 0, 2, 0);
    lw_swap(&w);
    assert_int_equal(lw_observe(&w, "/1"), LN_COAP_CONTENT);
    size_t own = w.server.answer.len;
    struct ln_value v = ln_value_integer(77);
    assert_int_equal(ln_client_set(w.client, ln_path_resource(1, 0, 2), &v), LN_OK);
    assert_true(lw_run(&w, NULL, 5000));
    assert_int_equal(w.server.note_count, 0); /* nothing that it may see has changed */
    assert_int_equal(ln_client_set(w.client, ln_path_resource(1, 1, 1), &v), LN_OK);
    assert_true(lw_run(&w, NULL, 5000));
    assert_true(w.server.note_count > 0);
    const struct lw_note *note = &w.server.notes[w.server.note_count - 1];
    assert_int_equal(note->payload[1], 1);    /* instance 1 ... */
    assert_in_range(note->len, own - 3, own); /* ... and no other */
    lw_swap(&w);
    close_world();
}

/* Who may create is said by the instance of /2 for the object and instance 65535; who created is the
 * owner; a deleted instance takes its /2 along. */
static void test_create_and_delete(void **state)
{
    (void)state;
    open_registered();
    lw_swap(&w);
    expect("create", false, ask(LN_COAP_POST, "/3442", 11542, "\xc1\x78\x07", 3), 0);
    uint16_t acl = LN_ID_NONE;
    assert_int_equal(ln_client_add_instance(w.client, 2, LN_ID_NONE, NULL, &acl), LN_OK);
    struct ln_value oid = ln_value_integer(3442);
    struct ln_value iid = ln_value_integer(LN_ID_NONE);
    assert_int_equal(ln_client_set(w.client, ln_path_resource(2, acl, 0), &oid), LN_OK);
    assert_int_equal(ln_client_set(w.client, ln_path_resource(2, acl, 1), &iid), LN_OK);
    set_rights(3442, LN_ID_NONE, 2, 16);
    expect("create", true, ask(LN_COAP_POST, "/3442", 11542, "\xc1\x78\x07", 3), LN_COAP_CREATED);
    assert_string_equal(w.server.answer.location, "/3442/1");
    struct ln_value owner;
    uint16_t made = acl_of(3442, 1);
    assert_int_not_equal(made, LN_ID_NONE);
    assert_int_equal(ln_client_get(w.client, ln_path_resource(2, made, 3), &owner), LN_OK);
    assert_int_equal(owner.as.integer, 2);
    assert_int_equal(lw_get(&w, "/3442/1/120", -1), LN_COAP_CONTENT);
    lw_swap(&w);
    expect("the other's instance", false, lw_get(&w, "/3442/1/120", -1), 0);
    expect("the other's instance", false, ask(LN_COAP_DELETE, "/3442/1", -1, NULL, 0), 0);
    expect("create", false, ask(LN_COAP_POST, "/3442", 11542, "\xc1\x78\x07", 3), 0);
    lw_swap(&w);
    expect("delete", true, ask(LN_COAP_DELETE, "/3442/1", -1, NULL, 0), LN_COAP_DELETED);
    assert_int_equal(acl_of(3442, 1), LN_ID_NONE);
    lw_swap(&w);
    close_world();
}

/* /2 itself: everybody reads it, the owner of an instance writes it, and nobody deletes or creates. */
static void test_the_object_itself(void **state)
{
    (void)state;
    open_registered();
    char path[32];
    snprintf(path, sizeof path, "/2/%u/3", (unsigned)acl_of(3, 0));
    assert_string_equal(lw_read(&w, path), "1");
    lw_swap(&w);
    assert_string_equal(lw_read(&w, path), "1");
    expect("write", false, lw_put(&w, path, 0, "2", 1), 0);
    lw_swap(&w);
    expect("write", true, lw_put(&w, path, 0, "2", 1), LN_COAP_CHANGED);
    lw_swap(&w);
    assert_int_equal(lw_get(&w, "/3/0/0", -1), LN_COAP_CONTENT); /* it is the owner now */
    uint8_t code = ask(LN_COAP_POST, "/2", 11542, "\xc1\x03\x02", 3);
    assert_true(code == LN_COAP_METHOD_NOT_ALLOWED || code == LN_COAP_UNAUTHORIZED);
    path[strlen(path) - 2] = 0;
    code = ask(LN_COAP_DELETE, path, -1, NULL, 0);
    assert_true(code == LN_COAP_METHOD_NOT_ALLOWED || code == LN_COAP_UNAUTHORIZED);
    lw_swap(&w);
    close_world();
}

static void open_alone(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    assert_true(lw_register(&w));
}

/* The only server has all rights, and yet not these. */
/* scenario: H80, H81 */
static void test_what_no_server_may_do_to_accounts(void **state)
{
    (void)state;
    open_alone();
    assert_int_equal(lw_put(&w, "/1/0/0", 0, "9", 1), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(ask(LN_COAP_POST, "/1/0", 11542, "\xc1\x00\x09", 3),
                     LN_COAP_METHOD_NOT_ALLOWED);
    assert_string_equal(lw_read(&w, "/1/0/0"), "1");
    assert_int_equal(lw_put(&w, "/3/0/0", 0, "x", 1), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(lw_put(&w, "/0/0/0", 0, "x", 1), LN_COAP_UNAUTHORIZED);
    assert_int_equal(ask(LN_COAP_DELETE, "/", -1, NULL, 0), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(ask(LN_COAP_DELETE, "/0", -1, NULL, 0), LN_COAP_UNAUTHORIZED);
    assert_int_equal(ask(LN_COAP_DELETE, "/0/0", -1, NULL, 0), LN_COAP_UNAUTHORIZED);
    assert_int_equal(ask(LN_COAP_DELETE, "/1/0", -1, NULL, 0), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(ask(LN_COAP_DELETE, "/1", -1, NULL, 0), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(ask(LN_COAP_POST, "/1", 11542, "\xc1\x01\x3c", 3), LN_COAP_METHOD_NOT_ALLOWED);
    assert_int_equal(ask(LN_COAP_POST, "/0", 11542, "\xc1\x01\x3c", 3), LN_COAP_UNAUTHORIZED);
    assert_true(lw_is_registered(&w));
    close_world();
}

/* An instance id of 65535, one that exists, and two instances in one payload. */
/* scenario: H82 */
static void test_ids_that_cannot_be_created(void **state)
{
    (void)state;
    open_alone();
    static const struct {
        const char *payload;
        size_t len;
    } rows[] = {
        { "\x23\xff\xff\xc1\x78\x07", 6 },                  /* instance 65535 */
        { "\x03\x00\xc1\x78\x07", 5 },                      /* instance 0 exists */
        { "\x03\x05\xc1\x78\x07\x03\x06\xc1\x78\x07", 10 }, /* 5 and 6 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t code = ask(LN_COAP_POST, "/3442", 11542, rows[i].payload, rows[i].len);
        if (code >> 5 != 4)
            fail_msg("row %zu: answered %u.%02u", i, code >> 5, code & 31u);
        assert_int_equal(ln_client_next_instance(w.client, 3442, 0), LN_ID_NONE);
    }
    lw_close(&w);
}

/* ---- the order of servers ---- */

static void set_server(uint16_t iid, uint16_t rid, uint32_t value)
{
    struct ln_value v = rid == 15 ? ln_value_boolean(value != 0) : ln_value_unsigned(value);
    assert_int_equal(ln_client_set(w.client, ln_path_resource(1, iid, rid), &v), LN_OK);
}

static void second_first(struct lw_world *world)
{
    (void)world;
    set_server(0, 13, 2);
    set_server(1, 13, 1);
}

static bool second_is(const struct lw_world *world)
{
    return lw_is_registered_at(world, 2);
}

/* /1/x/13: the lower number first; the next one when that is through. */
static void test_priority(void **state)
{
    (void)state;
    open_world(second_first);
    w.other.script.silent = true;
    assert_false(lw_run(&w, lw_is_registered, 60000)); /* the first waits for the second */
    assert_int_equal(w.server.messages, 0);
    w.other.script.silent = false;
    assert_true(lw_run(&w, both_registered, 300000));
    assert_true(w.other.seen[0].at <= w.server.seen[0].at);
    close_world();
}

static void second_first_one_try(struct lw_world *world)
{
    second_first(world);
    set_server(1, 17, 1); /* one attempt makes a sequence */
    set_server(1, 20, 1);
}

/* One that fails a whole sequence lets the next one pass, ... */
static void test_a_server_that_fails_lets_others_pass(void **state)
{
    (void)state;
    open_world(second_first_one_try);
    w.other.script.silent = true;
    assert_true(lw_run(&w, lw_is_registered, 200000));
    assert_false(second_is(&w));
    lw_stop(&w, 60000);
    lw_close(&w);
}

static void second_blocks(struct lw_world *world)
{
    second_first_one_try(world);
    set_server(1, 15, 1);
}

/* ... unless /1/x/15 says that it blocks them. */
static void test_a_server_that_blocks_others(void **state)
{
    (void)state;
    open_world(second_blocks);
    w.other.script.silent = true;
    assert_false(lw_run(&w, lw_is_registered, INT64_C(3) * 3600 * 1000));
    assert_int_equal(w.server.messages, 0);
    w.other.script.silent = false;
    assert_true(lw_run(&w, both_registered, INT64_C(40) * 3600 * 1000));
    close_world();
}

static void delayed(struct lw_world *world)
{
    (void)world;
    set_server(1, 14, 300);
}

/* /1/x/14: the initial delay, of one server alone. */
static void test_initial_delay(void **state)
{
    (void)state;
    open_world(delayed);
    ln_msec began = lw_now(&w);
    assert_true(lw_run(&w, lw_is_registered, 1000));
    assert_true(lw_run(&w, both_registered, 600000));
    assert_in_range(w.other.seen[0].at - began, 300000, 300000 * 3 / 2);
    close_world();
}

/* The application may cut that short. */
static void test_enabled_amid_the_initial_delay(void **state)
{
    (void)state;
    open_world(delayed);
    assert_false(lw_run(&w, both_registered, 60000));
    assert_int_equal(ln_client_enable(w.client, 2), LN_OK);
    assert_true(lw_run(&w, both_registered, 1000));
    assert_true(lw_run(&w, NULL, 400000)); /* and no second time when the delay is over */
    assert_int_equal(w.other.registers, 1);
    close_world();
}

/* Without priorities a server that hangs holds up nobody, and each has observations of its own. */
static void test_servers_do_not_wait_for_each_other(void **state)
{
    (void)state;
    open_world(NULL);
    w.other.script.silent = true;
    assert_true(lw_run(&w, lw_is_registered, 1000));
    ln_msec asked = lw_now(&w);
    assert_string_equal(lw_read(&w, "/3/0/0"), "Linnet");
    assert_in_range(lw_now(&w) - asked, 0, 20);
    w.other.script.silent = false;
    assert_true(lw_run(&w, both_registered, 300000));
    set_rights(3, 0, 2, READ);
    assert_int_equal(lw_observe(&w, "/3/0/9"), LN_COAP_CONTENT);
    lw_swap(&w);
    assert_int_equal(lw_observe(&w, "/3/0/9"), LN_COAP_CONTENT);
    w.device.battery_level = 44;
    ln_client_changed(w.client, 3, 0, 9);
    assert_true(lw_run(&w, NULL, 1000));
    assert_int_equal(w.server.note_count, 1);
    assert_int_equal(w.other.note_count, 1);
    assert_string_equal(w.other.notes[0].payload, "44");
    lw_swap(&w);
    close_world();
}

/* ---- what hangs ---- */

static void slow_name(struct lw_world *world)
{
    struct ln_testkit_answer slow = { .delay_ms = 60000 };
    assert_int_equal(ln_testkit_name(world->kit, "slow.example", "192.0.2.1"), LN_OK);
    assert_int_equal(ln_testkit_name_answer(world->kit, "slow.example", LN_FAMILY_ANY, &slow),
                     LN_OK);
}

/* Requests of the first server are answered at once, all the time that the other one hangs. */
static void assert_first_is_served(ln_msec ms)
{
    for (ln_msec end = lw_now(&w) + ms; lw_now(&w) < end;) {
        ln_msec asked = lw_now(&w);
        assert_string_equal(lw_read(&w, "/3/0/0"), "Linnet");
        assert_in_range(lw_now(&w) - asked, 0, 20);
        assert_true(lw_run(&w, NULL, 1000));
    }
}

/* scenario: T6 */
static void test_a_name_that_takes_a_minute(void **state)
{
    (void)state;
    open_world_at("coap://slow.example:5693", slow_name);
    assert_true(lw_run(&w, lw_is_registered, 1000));
    assert_first_is_served(60000);
    assert_int_equal(w.other.messages, 0);
    struct ln_testkit_answer at_once = { .delay_ms = 0 }; /* an attempt waits less than a minute */
    assert_int_equal(ln_testkit_name_answer(w.kit, "slow.example", LN_FAMILY_ANY, &at_once), LN_OK);
    assert_true(lw_run(&w, both_registered, 300000));
    close_world();
}

static struct ln_net_ops stalled_ops;
static const struct ln_net_ops *real_ops;
static unsigned refused;
static ln_msec stalled_until;

static enum ln_status stalled_send(void *ctx, ln_handle h, const struct ln_addr *to,
                                   struct ln_span data, size_t *sent, struct ln_diag *diag)
{
    if (lw_now(&w) < stalled_until) {
        refused++;
        return LN_AGAIN;
    }
    return real_ops->send(ctx, h, to, data, sent, diag);
}

/* Meanwhile no socket is writable. */
static enum ln_status stalled_wait(void *ctx, const struct ln_interest *want, ln_msec until)
{
    struct ln_interest left = *want;
    if (lw_now(&w) >= stalled_until)
        return real_ops->wait(ctx, want, until);
    for (size_t i = 0; i < left.count; i++)
        left.wait[i].events &= ~LN_WANT_WRITE;
    return real_ops->wait(ctx, &left, until < stalled_until ? until : stalled_until);
}

static void stall_sends(struct lw_world *world)
{
    stalled_until = lw_now(world) + 60000;
    real_ops = world->env.net.ops;
    stalled_ops = *real_ops;
    stalled_ops.send = stalled_send;
    stalled_ops.wait = stalled_wait;
    world->env.net.ops = &stalled_ops;
}

/* The network takes nothing for a minute: steps return, and do not spin; then all goes on. */
/* scenario: T6 */
static void test_sends_that_are_stalled_for_a_minute(void **state)
{
    (void)state;
    refused = 0;
    open_world(stall_sends);
    assert_false(lw_run(&w, lw_is_registered, 59000));
    assert_int_equal(w.server.messages + w.other.messages, 0);
    assert_in_range(refused, 2, 2000); /* a step each 100 ms, and no more */
    assert_true(lw_run(&w, both_registered, 400000));
    assert_string_equal(lw_read(&w, "/3/0/0"), "Linnet");
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_right_alone_and_all),
        cmocka_unit_test(test_owners),
        cmocka_unit_test(test_the_default_entry),
        cmocka_unit_test(test_what_may_be_read_of_an_object),
        cmocka_unit_test(test_what_is_told_of_an_object),
        cmocka_unit_test(test_create_and_delete),
        cmocka_unit_test(test_the_object_itself),
        cmocka_unit_test(test_what_no_server_may_do_to_accounts),
        cmocka_unit_test(test_ids_that_cannot_be_created),
        cmocka_unit_test(test_priority),
        cmocka_unit_test(test_a_server_that_fails_lets_others_pass),
        cmocka_unit_test(test_a_server_that_blocks_others),
        cmocka_unit_test(test_initial_delay),
        cmocka_unit_test(test_enabled_amid_the_initial_delay),
        cmocka_unit_test(test_servers_do_not_wait_for_each_other),
        cmocka_unit_test(test_a_name_that_takes_a_minute),
        cmocka_unit_test(test_sends_that_are_stalled_for_a_minute),
    };
    return cmocka_run_group_tests_name("lwm2m/servers", tests, NULL, NULL);
}
