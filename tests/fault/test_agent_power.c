/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's state, update and hook on a disk that loses power at every system call, in each of the
 * ways in which a disk can have cheated till then (support/powerdisk.h).
 *
 * The scenario, on a device that has been updated once: a server writes two values, pushes an image or has
 * it pulled from a slow web server, has it installed; the agent restarts as after an update and confirms.
 * After each cut the machine starts again. Then:
 *   - what the server was told is so: a value answered with 2.04 is there, else the old one or the new;
 *   - State goes on along the figure of OMA from where the server saw it last: what was Downloaded is
 *     Downloaded, and whole; what was Downloading goes on, or begins anew, without another word, to the image
 *     that the server has, whatever was left of it and of the one before; what was Updating ends in Update Result 1, and only because it was installed;
 *   - the outcome is reported once, and whatever is left to do can be done.
 */
#include "support/agentworld.h"
#include "support/httpserver.h"
#include "support/powerdisk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define URI "http://192.0.2.1/fw"
enum { IMAGE_BYTES = 2500, PIECE_BYTES = 700, PIECE_MS = 1100 };

static uint8_t image[IMAGE_BYTES];
static struct agent_world a; /* the machine, as long as it runs */

/* What the server knows. */
static struct {
    int state; /* of the last notification or answer */
    bool told_offset, told_lifetime;
    bool pushed, told_uri, asked,
        ended;        /* 2.04 to the push, to the URI, to Update; Result 1 seen */
    bool may_install; /* it has asked for Update, whatever came back */
    size_t notes;     /* of this connection, looked at */
} server;

static bool pulls; /* the way in which images come */

/* The web server. Its pieces come so slowly that the download is saved after each. */
static struct ln_env web_env;
static struct http_server web;
static struct http_file page;
static size_t continued; /* downloads that did not begin anew */

static void serve_page(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    (void)user;
    continued += ask->ranged;
    http_serve_file(&page, ask, answer);
    answer->piece = PIECE_BYTES;
    answer->piece_ms = PIECE_MS;
}

/* Another image than the one before, under the same URI. */
static void release(unsigned version)
{
    static const char *const tags[] = { "\"0\"", "\"1\"" };
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + i / 256 + version);
    page = (struct http_file) { .content = ln_span(image, sizeof image), .etag = tags[version] };
}

/* ---- the machine ---- */

static void pull_plug(void)
{
    if (a.lw.device_host != NULL)
        ln_testkit_host_kill(a.lw.device_host);
}

static void on_boot(struct agent_world *world)
{
    server.notes = 0;
    ln_testkit_env(world->lw.server_host, &web_env);
    http_server_open(&web, world->lw.kit, world->lw.server_host, &web_env, 80, NULL, serve_page,
                     NULL);
    if (power_is_off())
        ln_testkit_host_kill(world->lw.device_host);
}

static void on_halt(struct agent_world *world)
{
    (void)world;
    http_server_close(&web);
}

/* ---- the server ---- */

static void saw(int state)
{
    static const uint8_t may_follow[4] = { 0x07, 0x0f, 0x0d, 0x0d }; /* a set for each state */
    bool legal = (may_follow[server.state] >> state & 1) != 0;
    if (state == LN_FIRMWARE_UPDATING && !server.may_install)
        legal = false;
    if (server.state == LN_FIRMWARE_DOWNLOADED && state == LN_FIRMWARE_IDLE && !server.may_install)
        legal = false; /* nobody has cancelled it */
    if (!legal)
        fail_msg("State went from %d to %d", server.state, state);
    server.state = state;
}

static void look(void)
{
    for (; server.notes < a.lw.server.note_count; server.notes++)
        saw(a.lw.server.notes[server.notes % LW_NOTES_MAX].payload[0] - '0');
}

static bool is_over(const struct lw_world *world)
{
    (void)world;
    return power_is_off() || a.update.restart;
}

static bool has_begun(const struct lw_world *world)
{
    return power_is_off() || lw_is_registered(world);
}

/* The device registers, and State is observed. */
static bool meet(void)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/5/0/3" };
    rq.observe = 0;
    if (lw_start(&a.lw) != LN_OK || !lw_run(&a.lw, has_begun, 600000) || power_is_off() ||
        !lw_ask(&a.lw, &rq) || a.lw.server.answer.code != LN_COAP_CONTENT)
        return false;
    saw(a.lw.server.answer.payload[0] - '0');
    look();
    return true;
}

/* Let the device go on by itself; after an installation it starts anew. */
static void go_on(void)
{
    (void)lw_run(&a.lw, is_over, 20000);
    look();
    while (a.update.restart && !power_is_off()) {
        agent_world_halt(&a);
        agent_world_boot(&a);
        if (!meet())
            return;
        (void)lw_run(&a.lw, is_over, 20000);
    }
}

static uint8_t ask(uint8_t code, const char *path, int format, const void *data, size_t len)
{
    struct lw_request rq = { LW_REQUEST_INIT, .code = code, .path = path };
    if (power_is_off())
        return 0;
    rq.payload = data;
    rq.len = len;
    rq.format = format;
    rq.block1_szx = len > 1024 ? 6 : -1;
    bool came = lw_ask(&a.lw, &rq);
    look();
    return came ? a.lw.server.answer.code : 0;
}

static int number(const char *path)
{
    if (ask(LN_COAP_GET, path, -1, NULL, 0) != LN_COAP_CONTENT)
        return -1;
    a.lw.server.answer.payload[a.lw.server.answer.len] = 0;
    return (int)strtol((const char *)a.lw.server.answer.payload, NULL, 10);
}

static struct {
    size_t begin, end; /* the calls in which the last image came */
} delivery;

static void deliver(void)
{
    delivery.begin = power_calls();
    if (pulls)
        server.told_uri = ask(LN_COAP_PUT, "/5/0/1", 0, URI, strlen(URI)) == LN_COAP_CHANGED;
    else
        server.pushed = ask(LN_COAP_PUT, "/5/0/0", 42, image, sizeof image) == LN_COAP_CHANGED;
    go_on();
    delivery.end = power_calls();
}

static void have_it_installed(void)
{
    server.may_install = true;
    server.asked = ask(LN_COAP_POST, "/5/0/2", -1, NULL, 0) == LN_COAP_CHANGED;
    go_on();
}

static void look_at_result(void)
{
    int result = number("/5/0/5");
    int state = number("/5/0/3");
    if (state >= 0)
        saw(state);
    server.ended = server.may_install && state == LN_FIRMWARE_IDLE && result == LN_FIRMWARE_SUCCESS;
}

static void live(const char *offset, const char *lifetime)
{
    memset(&server, 0, sizeof server);
    agent_world_boot(&a);
    if (meet()) {
        server.told_offset = ask(LN_COAP_PUT, "/3/0/14", 0, offset, 6) == LN_COAP_CHANGED;
        server.told_lifetime = ask(LN_COAP_PUT, "/1/0/1", 0, lifetime, 4) == LN_COAP_CHANGED;
        deliver();
        if (server.state == LN_FIRMWARE_DOWNLOADED)
            have_it_installed();
        look_at_result();
    }
    agent_world_halt(&a);
}

/* ---- after the cut ---- */

static void assert_values(void)
{
    assert_int_equal(ask(LN_COAP_GET, "/3/0/14", -1, NULL, 0), LN_COAP_CONTENT);
    assert_int_equal(a.lw.server.answer.len, 6);
    bool old = memcmp(a.lw.server.answer.payload, "+01:00", 6) == 0;
    assert_true(old || memcmp(a.lw.server.answer.payload, "+02:00", 6) == 0);
    assert_true(!server.told_offset || !old);
    int lifetime = number("/1/0/1");
    assert_true(lifetime == 7200 || (!server.told_lifetime && lifetime == 3700));
}

static void assert_image(void)
{
    static uint8_t seen[IMAGE_BYTES + 1];
    char path[96];
    (void)snprintf(path, sizeof path, "%s/firmware.image", a.state);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(seen, 1, sizeof seen, file), sizeof image);
    (void)fclose(file);
    assert_memory_equal(seen, image, sizeof image);
}

/* The rest of the work, from wherever it stands. */
static void finish(void)
{
    if (server.state == LN_FIRMWARE_IDLE && !server.ended)
        deliver();
    if (server.state == LN_FIRMWARE_DOWNLOADED) {
        assert_image();
        have_it_installed();
    }
    look_at_result();
    assert_true(server.ended);
    assert_true(agent_world_count(&a, "install") >
                0); /* and confirm does not speak for what was not done */
}

static void start_again(void)
{
    bool downloaded = server.pushed && server.state == LN_FIRMWARE_DOWNLOADED;
    bool was_asked = server.asked;
    bool comes = server.told_uri && !server.may_install;
    agent_world_boot(&a);
    assert_true(meet());
    assert_values();
    if (downloaded && !server.may_install)
        assert_int_equal(number("/5/0/3"), LN_FIRMWARE_DOWNLOADED);
    go_on();
    look_at_result();
    if (comes)
        assert_int_equal(server.state, LN_FIRMWARE_DOWNLOADED);
    if (was_asked)
        assert_true(server.ended); /* 2.04 to Update: it is done, without another word */
    finish();
    size_t confirmed = agent_world_count(&a, "confirm");
    agent_world_halt(&a);
    agent_world_boot(&a); /* the outcome stays, and nothing is confirmed twice */
    assert_true(meet());
    look_at_result();
    assert_true(server.ended);
    assert_int_equal(agent_world_count(&a, "confirm"), confirmed);
    agent_world_halt(&a);
}

/* ---- cuts ---- */

enum { SEEN_MAX = 32768 };
static struct {
    uint64_t of[SEEN_MAX];
    size_t count;
    size_t starts;
} seen;

static char where[96]; /* for who reads of a failure */

static bool is_new(uint64_t sum)
{
    for (size_t i = 0; i < seen.count; i++)
        if (seen.of[i] == sum)
            return false;
    if (seen.count < SEEN_MAX)
        seen.of[seen.count++] = sum;
    return true;
}

static void fresh(void)
{
    power_begin_saved();
    (void)unlink(a.hook_log);
}

static void try_loss(enum power_loss loss, size_t torn)
{
    static char log_copy[4096];
    /* what the server was told belongs to what the disk must hold */
    uint64_t sum = power_fingerprint(loss, torn) ^ (uint64_t)server.state << 60 ^
                   (uint64_t)server.told_offset << 59 ^ (uint64_t)server.told_lifetime << 58 ^
                   (uint64_t)server.pushed << 57 ^ (uint64_t)server.may_install << 56 ^
                   (uint64_t)server.asked << 55 ^ (uint64_t)server.ended << 54 ^
                   (uint64_t)server.told_uri << 53;
    if (!is_new(sum))
        return;
    FILE *log = fopen(a.hook_log, "r");
    size_t len = log != NULL ? fread(log_copy, 1, sizeof log_copy, log) : 0;
    if (log != NULL)
        (void)fclose(log);
    const size_t server_size = sizeof server;
    uint8_t saved[sizeof server];
    memcpy(saved, &server, server_size);
    (void)snprintf(where + strcspn(where, ","), 64, ", loss %d, torn %zu", (int)loss, torn);
    power_restore(loss, torn);
    seen.starts++;
    start_again();
    memcpy(&server, saved, server_size);
    log = fopen(a.hook_log, "w"); /* the hook's own disk is as it was, too */
    assert_non_null(log);
    (void)fwrite(log_copy, 1, len, log);
    (void)fclose(log);
}

static bool at_start; /* the last cut was at the start of a program */

/* @return false: the scenario has no such call */
static bool cut_at(size_t call, bool runs, size_t torn_step)
{
    fresh();
    (void)snprintf(where, sizeof where, "cut at call %zu%s", call, runs ? " (runs)" : "");
    power_cut_at(call, runs);
    live("+02:00", "7200");
    if (!power_is_off())
        return false;
    at_start = power_went_at_start();
    for (int loss = 0; loss < POWER_TORN; loss++)
        try_loss((enum power_loss)loss, 0);
    for (size_t torn = 0; torn <= power_torn_max(); torn += torn_step)
        try_loss(POWER_TORN, torn);
    return true;
}

static bool is_full(void)
{
    return getenv("LN_TEST_FULL") != NULL;
}

/* The device as the scenario finds it. */
static void update_once(bool by_pull)
{
    memset(&seen, 0, sizeof seen);
    pulls = by_pull;
    continued = 0;
    release(0);
    power_begin(a.state);
    live("+01:00", "3700");
    assert_true(server.ended);
    power_save();
    release(1);
}

/* At each call from `begin` to before `end`, while there are any. @return so many */
static size_t cut_from(size_t begin, size_t end, size_t torn_step)
{
    size_t call = begin;
    while (call < end && cut_at(call, false, torn_step)) {
        if (at_start)
            assert_true(cut_at(call, true, torn_step));
        call++;
    }
    print_message("%zu calls, %zu different disks, %zu downloads went on\n", call - begin,
                  seen.starts, continued);
    where[0] = 0;
    return call - begin;
}

/* scenario: T17 */
static void test_power_is_lost_at_every_call(void **state)
{
    (void)state;
    update_once(false);
    size_t calls = cut_from(0, SIZE_MAX, is_full() ? 1 : 97);
    assert_true(server.ended); /* without a cut it went to its end */
    assert_true(calls > 80);
    assert_true(seen.starts > 80);
}

/* What comes before and after the pull is as above. */
/* scenario: T17, T3, PIT-09c */
static void test_power_is_lost_during_a_pull(void **state)
{
    (void)state;
    update_once(true);
    fresh();
    live("+02:00", "7200");
    assert_true(server.ended);
    assert_int_equal(continued, 0); /* the record of the image before is nobody's */
    size_t end = is_full() ? SIZE_MAX : delivery.end;
    size_t calls = cut_from(is_full() ? 0 : delivery.begin, end, is_full() ? 1 : 211);
    assert_true(calls > 20);
    assert_true(seen.starts > 40);
    assert_true(continued > 5);
    assert_true(continued < seen.starts); /* and where nothing was left, it has begun anew */
}

/* ---- the group ---- */

static int set_up(void **state)
{
    (void)state;
    agent_world_make(&a);
    a.on_boot = on_boot;
    a.on_halt = on_halt;
    power_on_cut = pull_plug;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (where[0] != 0)
        print_message("%s\n", where);
    power_begin(a.state); /* empties it */
    return agent_world_remove(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_is_lost_at_every_call),
        cmocka_unit_test(test_power_is_lost_during_a_pull),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
