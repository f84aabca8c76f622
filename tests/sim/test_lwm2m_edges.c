/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes away while something is under way: instances that are deleted in the midst of a transfer,
 * observations that end while their notification waits, values that cannot be read just now, and
 * functions of objects that speak up at the worst moment.
 */
#include "support/lwworld.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct lw_world w;

/* ---- an object whose functions do as a test says ---- */

enum { PROBE = 32001 };

struct probe {
    int32_t level;
    float small;
};

static struct {
    enum ln_answer answer; /* of reading resource 3 */
    int32_t level;         /* that refresh() brings */
    bool speaks;           /* refresh() says that the value changed */
    bool grows;            /* written() adds objects */
    unsigned refreshed;
} script;

static void probe_refresh(const struct ln_at *at)
{
    struct probe *p = at->instance;
    p->level = script.level;
    script.refreshed++;
    if (script.speaks)
        ln_client_changed(at->client, PROBE, 0, 1);
}

static enum ln_answer probe_read(const struct ln_at *at, struct ln_value *out)
{
    const struct probe *p = at->instance;
    *out = ln_value_integer(p->level);
    return script.answer;
}

enum { MORE = 12 };
static struct ln_object more[MORE];

static void probe_written(const struct ln_at *at, const void *was)
{
    (void)was;
    for (uint16_t i = 0; script.grows && i < MORE; i++) {
        more[i] = (struct ln_object) { .id = (uint16_t)(100 + i) };
        assert_int_equal(ln_client_add_object(at->client, &more[i], NULL, NULL), LN_OK);
    }
}

static const struct ln_object_ops probe_ops = { .refresh = probe_refresh,
                                                .read = probe_read,
                                                .written = probe_written };

static const struct ln_resource probe_rows[] = {
    LN_RESOURCE(1, LN_VALUE_INTEGER, LN_RES_READ | LN_RES_WRITE, struct probe, level),
    LN_RESOURCE(2, LN_VALUE_FLOAT, LN_RES_READ | LN_RES_WRITE, struct probe, small),
    LN_RESOURCE_OPS(3, LN_VALUE_INTEGER, LN_RES_READ),
};

static const struct ln_object probe_object = {
    .id = PROBE,
    .resources = probe_rows,
    .resource_count = LN_COUNT_OF(probe_rows),
    .instance_size = sizeof(struct probe),
    .ops = &probe_ops,
};

static struct probe probe;

static void add_probe(struct lw_world *world)
{
    assert_int_equal(ln_client_add_object(world->client, &probe_object, NULL, NULL), LN_OK);
    assert_int_equal(ln_client_add_instance(world->client, PROBE, 0, &probe, NULL), LN_OK);
}

/* ---- the world ---- */

static void open_with(struct lw_options *options)
{
    const char *what = "";
    memset(&script, 0, sizeof script);
    memset(&probe, 0, sizeof probe);
    if (options->prepare == NULL)
        options->prepare = add_probe;
    assert_int_equal(lw_open(&w, options, &what), LN_OK);
    assert_true(lw_register(&w));
}

static void open_world(void)
{
    struct lw_options options = LW_OPTIONS_INIT;
    open_with(&options);
}

static void attributes(const char *path, const char *query)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = path, .query = query };
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CHANGED);
}

static void observe(const char *path)
{
    assert_int_equal(lw_observe(&w, path), LN_COAP_CONTENT);
    assert_true(w.server.answer.observe);
    w.server.note_count = 0;
}

static bool noted(const struct lw_world *world)
{
    return world->server.note_count > 0;
}

/* ---- instances that go ---- */

/* The instance is deleted between two blocks of a Write: what was gathered goes with it. */
static void test_a_delete_amid_a_write_in_blocks(void **state)
{
    static const uint8_t body[200];
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/3442/0" };
    (void)state;
    open_world();
    rq.format = 11542;
    rq.payload = body;
    rq.len = sizeof body;
    rq.block1_szx = 2;
    rq.block1_stop = 2;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CONTINUE);
    assert_int_equal(ln_client_remove_instance(w.client, 3442, 0), LN_OK);
    rq.block1_from = 2;
    rq.block1_stop = 0;
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_NOT_FOUND);
    lw_close(&w); /* which looks for what is left behind */
}

/* The last word of an observation is its server's, also where nothing else would be stored. */
static void test_the_last_word_is_kept(void **state)
{
    (void)state;
    open_world();
    attributes("/3442/0/120", "hqmax=0");
    observe("/3442/0/120");
    w.server.script.silent = true;
    assert_int_equal(ln_client_update(w.client, 1), LN_OK);
    assert_true(lw_run(&w, NULL, 3000));
    assert_int_equal(ln_client_remove_instance(w.client, 3442, 0), LN_OK);
    w.server.script.silent = false;
    assert_true(lw_run(&w, noted, 60000));
    assert_int_equal(w.server.notes[0].code, LN_COAP_NOT_FOUND);
    assert_int_equal(w.server.notes[0].type, LN_COAP_CON);
    assert_true(lw_run(&w, NULL, 1000));
    assert_int_equal(lw_count_notes(&w, LN_NOTE_ACKNOWLEDGED), 1);
    lw_close(&w);
}

/* Attributes belong to what stands at their path: what comes there later has none. */
static void test_attributes_of_what_is_gone(void **state)
{
    (void)state;
    open_world();
    attributes("/32001", "pmin=7");
    attributes("/32001/0/1", "pmax=9");
    assert_int_equal(lw_get(&w, "/32001/0/1", 40), LN_COAP_CONTENT);
    assert_int_equal(w.server.answer.len, strlen("</32001/0/1>;pmin=7;pmax=9"));
    assert_int_equal(ln_client_remove_object(w.client, PROBE), LN_OK);
    add_probe(&w);
    assert_int_equal(lw_get(&w, "/32001/0/1", 40), LN_COAP_CONTENT);
    assert_int_equal(w.server.answer.len, strlen("</32001/0/1>"));
    struct lw_request nowhere = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/3/0/11/9",
                                  .query = "pmin=1" };
    assert_true(lw_ask(&w, &nowhere));
    assert_int_equal(w.server.answer.code, LN_COAP_NOT_FOUND);
    attributes("/3/0/11/0", "pmin=1");
    lw_close(&w);
}

static bool try_observe(const char *path)
{
    assert_int_equal(lw_observe(&w, path), LN_COAP_CONTENT);
    return w.server.answer.observe;
}

/* A server that lost its state, and asks for the same anew under another token, is not refused for
 * its own sake; what is more than the limit is. */
static void test_an_observation_that_its_server_forgot(void **state)
{
    struct lw_options options = LW_OPTIONS_INIT;
    struct ln_server_info info;
    (void)state;
    options.config.observations_max = 2;
    open_with(&options);
    for (int i = 0; i < 5; i++) {
        assert_true(try_observe("/3/0/9"));
        assert_true(try_observe("/3/0/10"));
    }
    assert_false(try_observe("/3/0/13"));
    assert_int_equal(ln_client_server_info(w.client, 1, &info), LN_OK);
    assert_int_equal(info.observations, 2);
    w.device.battery_level = 5;
    ln_client_changed(w.client, 3, 0, 9);
    assert_true(lw_run(&w, NULL, 1000));
    assert_int_equal(w.server.note_count, 1);
    lw_close(&w);
}

/* However long it is: what is looked at and has not changed is not told. */
static void test_a_long_target_that_does_not_change(void **state)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/3442" };
    struct lw_options options = LW_OPTIONS_INIT;
    (void)state;
    options.config.notes_bytes = 65536;
    open_with(&options);
    attributes("/3442", "epmax=5");
    rq.observe = 0;
    for (uint16_t i = 0; i < 8; i++) {
        size_t length = 0;
        if (i > 0) /* from one that fits a message to one that does not */
            assert_int_equal(ln_client_add_instance(w.client, 3442, i, NULL, NULL), LN_OK);
        rq.block2_szx = 6;
        assert_true(lw_ask(&w, &rq));
        length = w.server.answer.len;
        assert_in_range(length, 180 * (i + 1u), 260 * (i + 1u));
        w.server.note_count = 0;
        ln_client_changed(w.client, 3442, 0, 120);
        assert_true(lw_run(&w, NULL, 30000));
        assert_int_equal(w.server.note_count, 0);
        struct ln_value v = ln_value_integer(i);
        assert_int_equal(ln_client_set(w.client, ln_path_resource(3442, 0, 120), &v), LN_OK);
        assert_true(lw_run(&w, NULL, 30000));
        assert_int_equal(w.server.note_count, i + 1u); /* one for each observation so far */
    }
    lw_close(&w);
}

/* An object that goes takes its observations along, at once. */
static void test_observations_of_an_object_that_goes(void **state)
{
    (void)state;
    open_world();
    attributes("/32001", "pmin=100");
    observe("/32001");
    assert_int_equal(ln_client_remove_object(w.client, PROBE), LN_OK);
    assert_true(lw_run(&w, noted, 1000));
    assert_int_equal(w.server.notes[0].code, LN_COAP_NOT_FOUND);
    lw_close(&w);
}

/* What the engine does to Access Control /2 by itself is seen by who observes it. */
static void test_who_watches_access_control(void **state)
{
    struct lw_options options = LW_OPTIONS_INIT;
    uint16_t iid = LN_ID_NONE;
    uint16_t acl = LN_ID_NONE;
    char path[16];
    (void)state;
    options.two_accounts = true;
    open_with(&options);
    observe("/2");
    assert_int_equal(ln_client_add_instance(w.client, 3442, LN_ID_NONE, NULL, &iid), LN_OK);
    assert_true(lw_run(&w, noted, 1000));
    for (uint16_t at = ln_client_next_instance(w.client, 2, LN_ID_NONE); at != LN_ID_NONE;
         at = ln_client_next_instance(w.client, 2, at))
        acl = at; /* the newest has the highest id */
    snprintf(path, sizeof path, "/2/%u", (unsigned)acl);
    attributes(path, "pmin=1");
    observe(path);
    assert_int_equal(ln_client_remove_instance(w.client, 3442, iid), LN_OK);
    assert_true(lw_run(&w, noted, 1000));
    assert_true(lw_run(&w, NULL, 1000));
    bool told = false;
    for (size_t i = 0; i < w.server.note_count; i++)
        told = told || w.server.notes[i].code == LN_COAP_NOT_FOUND;
    assert_true(told);
    assert_int_equal(ln_client_add_instance(w.client, 3442, iid, NULL, NULL), LN_OK);
    assert_int_equal(lw_get(&w, path, 40), LN_COAP_CONTENT);
    assert_null(strstr((const char *)w.server.answer.payload, "pmin"));
    lw_close(&w);
}

/* What Discover does not list cannot be executed, and is not there. */
static void test_an_executable_that_is_not_there(void **state)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = "/3/0/5" };
    (void)state;
    open_world();
    assert_int_equal(lw_get(&w, "/3/0/5", 40), LN_COAP_NOT_FOUND);
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_NOT_FOUND);
    rq.path = "/3/0/12";
    assert_true(lw_ask(&w, &rq));
    assert_int_equal(w.server.answer.code, LN_COAP_CHANGED);
    lw_close(&w);
}

/* What was written may be the reason for new objects: the table of them moves amid the Write. */
static void test_a_write_that_adds_objects(void **state)
{
    (void)state;
    open_world();
    script.grows = true;
    assert_int_equal(lw_put(&w, "/32001/0/1", 0, "5", 1), LN_COAP_CHANGED);
    assert_true(lw_run(&w, NULL, 5000));
    assert_int_equal(w.server.updates, 1);
    assert_non_null(strstr(lw_last_seen(&w)->payload, "</100>,</101>"));
    lw_close(&w);
}

struct friend
{
    struct ln_client_job job;
    struct friend *other;
    unsigned steps;
};

static void step_friend(void *user, ln_msec now)
{
    struct friend *f = user;
    (void)now;
    f->steps++;
    if (f->other != NULL)
        ln_client_remove_job(w.client, &f->other->job);
}

static void ask_friend(void *user, struct ln_interest *want)
{
    (void)user;
    (void)want;
}

/* A job that was removed is not stepped, also if it would have been the next one. */
static void test_jobs_that_remove_each_other(void **state)
{
    static struct friend jobs[3];
    struct ln_interest want;
    (void)state;
    open_world();
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = (struct friend) { .job = { step_friend, ask_friend, &jobs[i], NULL } };
        ln_client_add_job(w.client, &jobs[i].job); /* stepped in the order 2, 1, 0 */
    }
    jobs[2].other = &jobs[1];
    assert_int_equal(ln_client_step(w.client, lw_now(&w), &want), LN_OK);
    assert_int_equal(jobs[2].steps, 1);
    assert_int_equal(jobs[1].steps, 0);
    assert_int_equal(jobs[0].steps, 1);
    lw_close(&w);
}

/* ---- what waits for the socket ---- */

static struct ln_net_ops stalled_ops;
static const struct ln_net_ops *real_ops;
static bool stalled;

static enum ln_status stalled_send(void *ctx, ln_handle h, const struct ln_addr *to,
                                   struct ln_span data, size_t *sent, struct ln_diag *diag)
{
    return stalled ? LN_AGAIN : real_ops->send(ctx, h, to, data, sent, diag);
}

/* While sends are stalled, no socket is writable. */
static enum ln_status stalled_wait(void *ctx, const struct ln_interest *want, ln_msec until)
{
    struct ln_interest left = *want;
    for (size_t i = 0; stalled && i < left.count; i++)
        left.wait[i].events &= ~LN_WANT_WRITE;
    return real_ops->wait(ctx, &left, until);
}

static void stall_sends(struct lw_world *world)
{
    add_probe(world);
    stalled = false;
    real_ops = world->env.net.ops;
    stalled_ops = *real_ops;
    stalled_ops.send = stalled_send;
    stalled_ops.wait = stalled_wait;
    world->env.net.ops = &stalled_ops;
}

/* A confirmable notification that the socket would not take yet ends with its observation: it does
 * not go out afterwards, and the application hears of its end once. */
static void test_a_notification_that_ends_before_it_goes_out(void **state)
{
    struct lw_options options = LW_OPTIONS_INIT;
    (void)state;
    options.prepare = stall_sends;
    open_with(&options);
    attributes("/3442/0/120", "con=1");
    observe("/3442/0/120");
    w.event_count = 0;
    stalled = true;
    struct ln_value v = ln_value_integer(5);
    assert_int_equal(ln_client_set(w.client, ln_path_resource(3442, 0, 120), &v), LN_OK);
    assert_true(lw_run(&w, NULL, 100));
    assert_int_equal(lw_count_notes(&w, LN_NOTE_QUEUED), 1);
    assert_int_equal(lw_count_notes(&w, LN_NOTE_SENT), 0);
    assert_int_equal(ln_client_remove_instance(w.client, 3442, 0), LN_OK);
    stalled = false;
    assert_true(lw_run(&w, NULL, 5000));
    assert_int_equal(w.server.note_count, 1);
    assert_int_equal(w.server.notes[0].code, LN_COAP_NOT_FOUND);
    assert_int_equal(lw_count_notes(&w, LN_NOTE_DROPPED), 1);
    assert_int_equal(lw_count_notes(&w, LN_NOTE_SENT), 1);
    assert_int_equal(lw_count_notes(&w, LN_NOTE_ACKNOWLEDGED), 1);
    lw_close(&w);
}

/* ---- values that cannot be had, or that come at the wrong time ---- */

/* An object that is busy when its value is to be told is asked again; the change is not lost. */
static void test_a_value_that_cannot_be_read_just_now(void **state)
{
    (void)state;
    open_world();
    observe("/32001/0/3");
    script.answer = LN_ANSWER_UNAVAILABLE;
    script.level = 7;
    probe.level = 7;
    ln_client_changed(w.client, PROBE, 0, 3);
    assert_false(lw_run(&w, noted, 5000)); /* and it does not spin */
    script.answer = LN_ANSWER_OK;
    assert_true(lw_run(&w, noted, 5000));
    assert_string_equal(w.server.notes[0].payload, "7");
    lw_close(&w);
}

/* refresh() is called before a value is compared with thresholds, too: one that changes by itself is
 * found out by epmax. */
static void test_a_threshold_on_a_value_that_changes_by_itself(void **state)
{
    (void)state;
    open_world();
    attributes("/32001/0/1", "gt=10&epmax=5");
    observe("/32001/0/1");
    script.level = 9;
    assert_false(lw_run(&w, noted, 20000));
    script.level = 11;
    assert_true(lw_run(&w, noted, 6000));
    assert_string_equal(w.server.notes[0].payload, "11");
    lw_close(&w);
}

/* refresh() may say that the value changed: that is no reason to look at it without end. */
static void test_a_refresh_that_tells_of_changes(void **state)
{
    (void)state;
    open_world();
    attributes("/32001/0/1", "gt=10");
    observe("/32001/0/1");
    script.speaks = true;
    script.level = 11;
    ln_client_changed(w.client, PROBE, 0, 1);
    assert_true(lw_run(&w, noted, 1000));
    script.speaks = false;
    assert_string_equal(w.server.notes[0].payload, "11");
    assert_true(lw_run(&w, NULL, 1000));
    assert_int_equal(w.server.note_count, 1);
    assert_in_range(script.refreshed, 2, 12);
    lw_close(&w);
}

/* A number that does not fit its field is refused, and not made infinite; a payload that says nothing
 * about the one resource that is written is no value. */
static void test_values_that_are_none(void **state)
{
    static const struct {
        const char *path;
        const char *payload;
        size_t len;
        int format;
        uint8_t code;
    } rows[] = {
        { "/32001/0/2", "3.5", 3, 0, LN_COAP_CHANGED },
        { "/32001/0/2", "1e300", 5, 0, LN_COAP_BAD_REQUEST },
        { "/32001/0/2", "-1e300", 6, 0, LN_COAP_BAD_REQUEST },
        { "/32001/0/1", "", 0, 11542, LN_COAP_BAD_REQUEST },
        { "/32001/0/1", "", 0, 0, LN_COAP_BAD_REQUEST },
        { "/3442/0/1120/3", "", 0, 11542, LN_COAP_BAD_REQUEST },
        { "/3442/0/1120", "", 0, 11542, LN_COAP_BAD_REQUEST },
        { "/3442/0/1120", "\x80\x00", 2, 11542, LN_COAP_BAD_REQUEST }, /* another resource */
        { "/3442/0/1120", "\xa0\x04\x60", 3, 11542, LN_COAP_CHANGED }, /* it has no values now */
    };
    (void)state;
    open_world();
    for (size_t i = 0; i < LN_COUNT_OF(rows); i++) {
        uint8_t code = lw_put(&w, rows[i].path, rows[i].format, rows[i].payload, rows[i].len);
        if (code != rows[i].code)
            fail_msg("row %zu: answered %u.%02u", i, code >> 5, code & 31u);
    }
    assert_string_equal(lw_read(&w, "/32001/0/2"), "3.5");
    lw_close(&w);
}

static void sample(float number)
{
    probe.small = number;
    ln_client_changed(w.client, PROBE, 0, 2);
    assert_true(lw_run(&w, NULL, 1000));
}

/* No sample is no value: the first one is told whatever the thresholds say, and NaN never is. */
static void test_the_first_sample(void **state)
{
    static const float samples[] = { NAN, 5, NAN, 6, 11, NAN, 12 };
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/32001/0/2" };
    (void)state;
    open_world();
    probe.small = NAN;
    attributes("/32001/0/2", "gt=10");
    rq.observe = 0;
    rq.accept = 11542; /* text has no NaN */
    assert_true(lw_ask(&w, &rq));
    assert_true(w.server.answer.observe);
    for (size_t i = 0; i < LN_COUNT_OF(samples); i++)
        sample(samples[i]);
    assert_int_equal(w.server.note_count, 2);
    assert_memory_equal(w.server.notes[0].payload, "\xc4\x02\x40\xa0\x00\x00", 6); /* 5 */
    assert_memory_equal(w.server.notes[1].payload, "\xc4\x02\x41\x30\x00\x00", 6); /* 11 */
    lw_close(&w);
}

/* A sensor that has no value for a while ends no observation, not even with a maximum period. */
static void test_a_sample_that_is_missing(void **state)
{
    (void)state;
    open_world();
    probe.small = 5;
    attributes("/32001/0/2", "pmax=10");
    observe("/32001/0/2");
    sample(NAN);
    assert_true(lw_run(&w, NULL, 60000));
    assert_int_equal(w.server.note_count, 0);
    sample(6);
    assert_int_equal(w.server.note_count, 1);
    assert_string_equal(w.server.notes[0].payload, "6");
    assert_true(lw_run(&w, NULL, 9500));
    assert_int_equal(w.server.note_count, 2); /* the beat goes on */
    lw_close(&w);
}

/* The day after which a notification must be confirmable begins with the observation, not with the
 * device. */
static void test_the_first_notification_of_an_old_device(void **state)
{
    (void)state;
    open_world();
    assert_true(lw_run(&w, NULL, INT64_C(3) * 86400 * 1000));
    observe("/3/0/9");
    for (uint8_t i = 0; i < 2; i++) {
        w.server.note_count = 0;
        w.device.battery_level = i;
        ln_client_changed(w.client, 3, 0, 9);
        assert_true(lw_run(&w, NULL, 1000));
        assert_int_equal(w.server.note_count, 1);
        assert_int_equal(w.server.notes[0].type, i == 0 ? LN_COAP_NON : LN_COAP_CON);
        assert_true(lw_run(&w, NULL, INT64_C(86400) * 1000));
    }
    lw_close(&w);
}

/* ---- sleep ---- */

static bool is_asleep(const struct lw_world *world)
{
    return lw_count(world, LN_CLIENT_ASLEEP) > 0;
}

/* Who sleeps is not offline: its notifications go out, whatever is said of storing them. */
static void test_a_sleeper_tells_what_it_would_not_store(void **state)
{
    static const char *const storing[] = { "1", "0" };
    static const char *const queries[] = { "pmin=0", "hqmax=0" };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct lw_options options = LW_OPTIONS_INIT;
        options.config.queue_mode = true;
        options.config.awake_ms = 10000;
        open_with(&options);
        assert_int_equal(lw_put(&w, "/1/0/6", 0, storing[i / 2], 1), LN_COAP_CHANGED);
        attributes("/3/0/9", queries[i % 2]);
        observe("/3/0/9");
        w.event_count = 0;
        assert_true(lw_run(&w, is_asleep, 60000));
        w.device.battery_level = 5;
        ln_client_changed(w.client, 3, 0, 9);
        if (!lw_run(&w, noted, 5000))
            fail_msg("storing %s, %s: not told", storing[i / 2], queries[i % 2]);
        assert_string_equal(w.server.notes[0].payload, "5");
        lw_close(&w);
    }
}

/* ---- settings that would cut the device off ---- */

static bool updated(const struct lw_world *world)
{
    return world->server.updates > 0;
}

/* Queue mode stands beside the binding since 1.1: a Q that a server writes into it is not sent back to
 * a server that would refuse it. */
static void test_a_binding_with_q(void **state)
{
    (void)state;
    for (uint8_t version = LN_LWM2M_1_0; version <= LN_LWM2M_1_1; version++) {
        struct lw_options options = LW_OPTIONS_INIT;
        options.config.max_version = version;
        open_with(&options);
        assert_int_equal(lw_put(&w, "/1/0/7", 0, "UQ", 2), LN_COAP_CHANGED);
        assert_true(lw_run(&w, updated, 5000));
        assert_string_equal(lw_last_seen(&w)->query, version == LN_LWM2M_1_0 ? "b=UQ" : "b=U");
        assert_string_equal(lw_read(&w, "/1/0/7"), "UQ");
        lw_close(&w);
    }
}

/* A lifetime of 0 means for ever since 1.2, and is over at once for servers before that. */
static void test_a_lifetime_of_0(void **state)
{
    (void)state;
    for (uint8_t version = LN_LWM2M_1_1; version <= LN_LWM2M_1_2; version++) {
        struct lw_options options = LW_OPTIONS_INIT;
        bool for_ever = version == LN_LWM2M_1_2;
        options.config.max_version = version;
        open_with(&options);
        uint8_t code = lw_put(&w, "/1/0/1", 0, "0", 1);
        assert_int_equal(code, for_ever ? LN_COAP_CHANGED : LN_COAP_BAD_REQUEST);
        assert_string_equal(lw_read(&w, "/1/0/1"), for_ever ? "0" : "3600");
        struct ln_value v = ln_value_integer(0); /* the application may: it is not told to those */
        assert_int_equal(ln_client_set(w.client, ln_path_resource(1, 0, 1), &v), LN_OK);
        assert_true(lw_run(&w, updated, 5000));
        assert_string_equal(lw_last_seen(&w)->query, for_ever ? "lt=0" : "lt=86400");
        assert_int_equal(lw_put(&w, "/1/0/2", 0, "5", 1), LN_COAP_CHANGED);
        unsigned updates = w.server.updates;
        assert_true(lw_run(&w, NULL, INT64_C(10) * 86400 * 1000));
        assert_int_equal(w.server.updates > updates, !for_ever);
        assert_int_equal(w.server.registers, 1);
        lw_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_delete_amid_a_write_in_blocks),
        cmocka_unit_test(test_the_last_word_is_kept),
        cmocka_unit_test(test_a_notification_that_ends_before_it_goes_out),
        cmocka_unit_test(test_a_value_that_cannot_be_read_just_now),
        cmocka_unit_test(test_a_threshold_on_a_value_that_changes_by_itself),
        cmocka_unit_test(test_a_refresh_that_tells_of_changes),
        cmocka_unit_test(test_attributes_of_what_is_gone),
        cmocka_unit_test(test_observations_of_an_object_that_goes),
        cmocka_unit_test(test_an_observation_that_its_server_forgot),
        cmocka_unit_test(test_a_long_target_that_does_not_change),
        cmocka_unit_test(test_an_executable_that_is_not_there),
        cmocka_unit_test(test_a_write_that_adds_objects),
        cmocka_unit_test(test_jobs_that_remove_each_other),
        cmocka_unit_test(test_who_watches_access_control),
        cmocka_unit_test(test_values_that_are_none),
        cmocka_unit_test(test_the_first_sample),
        cmocka_unit_test(test_a_sample_that_is_missing),
        cmocka_unit_test(test_the_first_notification_of_an_old_device),
        cmocka_unit_test(test_a_sleeper_tells_what_it_would_not_store),
        cmocka_unit_test(test_a_binding_with_q),
        cmocka_unit_test(test_a_lifetime_of_0),
    };
    return cmocka_run_group_tests_name("lwm2m/edges", tests, NULL, NULL);
}
