/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole life of a client on a bad network, seed by seed: loss, reordering, duplication, and a NAT
 * that forgets. A seed repeats a run exactly: LN_TEST_SEED=n runs one.
 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SEEDS_QUICK = 1000, SEEDS_FULL = 10000 };

static struct lw_world w;
static bool noted;

static bool was_told(const struct lw_world *world)
{
    return world->server.note_count > 0;
}

static bool has_updated(const struct lw_world *world)
{
    return world->server.updates > 0;
}

/* Every request is answered in the end, if need be in a second try: 4 retransmissions each. */
static void must_answer(const struct lw_request *rq, uint8_t code, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++)
        if (lw_ask(&w, rq)) {
            if (w.server.answer.code != code)
                fail_msg("seed %llu: %s answered %u.%02u", (unsigned long long)seed, rq->path,
                         w.server.answer.code >> 5, w.server.answer.code & 31u);
            return;
        }
    fail_msg("seed %llu: %s was never answered", (unsigned long long)seed, rq->path);
}

static void live(uint64_t seed, const struct ln_testkit_link *link)
{
    struct lw_options options = LW_OPTIONS_INIT;
    struct ln_testkit_nat *nat = NULL;
    const char *what = "";
    options.seed = seed;
    options.link = *link;
    options.lifetime_s = 600;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    assert_int_equal(ln_testkit_nat_new(w.kit, "198.51.100.1", 0, &nat), LN_OK);
    ln_testkit_host_behind(w.device_host, nat);
    assert_int_equal(lw_start(&w), LN_OK);
    if (!lw_run(&w, lw_is_registered, INT64_C(24) * 3600 * 1000))
        fail_msg("seed %llu: never registered", (unsigned long long)seed);

    struct lw_request read = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/3/0" };
    must_answer(&read, LN_COAP_CONTENT, seed);
    struct lw_request write = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/3442/0/110",
                                .payload = "seed", .len = 4 };
    write.format = 0;
    must_answer(&write, LN_COAP_CHANGED, seed);
    struct lw_request con = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = "/3/0/9",
                              .query = "con=1" };
    must_answer(&con, LN_COAP_CHANGED, seed);
    struct lw_request observe = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = "/3/0/9" };
    observe.observe = 0;
    must_answer(&observe, LN_COAP_CONTENT, seed);
    w.server.note_count = 0;
    w.device.battery_level = 7;
    ln_client_changed(w.client, 3, 0, 9);
    noted = lw_run(&w, was_told, 100000);
    if (noted)
        assert_string_equal(w.server.notes[0].payload, "7");

    /* the NAT forgets: the server learns the new address by the next Update */
    assert_int_equal(ln_testkit_nat_rebind(nat, NULL), LN_OK);
    w.server.updates = 0;
    unsigned registers = w.server.registers;
    if (!lw_run(&w, has_updated, INT64_C(3600) * 1000) && w.server.registers == registers)
        fail_msg("seed %llu: neither Update nor Register", (unsigned long long)seed);
    must_answer(&read, LN_COAP_CONTENT, seed);
    assert_true(lw_stop(&w, 600000));
    lw_close(&w);
}

static void for_each_seed(const struct ln_testkit_link *link, unsigned told_of_hundred)
{
    const char *one = getenv("LN_TEST_SEED");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t count = getenv("LN_TEST_FULL") != NULL ? SEEDS_FULL : SEEDS_QUICK;
    uint64_t told = 0;
    count = one != NULL ? 1 : count;
    for (uint64_t seed = first; seed < first + count; seed++) {
        live(seed, link);
        told += noted;
    }
    print_message("%llu seeds, %llu confirmable notifications arrived\n", (unsigned long long)count,
                  (unsigned long long)told);
    assert_true(one != NULL || told * 100 >= count * told_of_hundred);
}

static void test_ten_percent(void **state)
{
    (void)state;
    struct ln_testkit_link link = { .loss_permille = 100, .delay_min_ms = 20, .delay_max_ms = 200 };
    for_each_seed(&link, 99);
}

static void test_thirty_percent_and_all_the_rest(void **state)
{
    (void)state;
    struct ln_testkit_link link = { .loss_permille = 300,
                                    .duplicate_permille = 100,
                                    .reorder_permille = 200,
                                    .reorder_ms = 500,
                                    .delay_min_ms = 20,
                                    .delay_max_ms = 2000 };
    for_each_seed(&link, 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_percent),
        cmocka_unit_test(test_thirty_percent_and_all_the_rest),
    };
    return cmocka_run_group_tests_name("lwm2m/seeds", tests, NULL, NULL);
}
