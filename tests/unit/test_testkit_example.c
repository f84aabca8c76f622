/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_testkit_example.c
 * A device's own code, tested with the testkit. docs/howto-testkit.md quotes this file; the last
 * test keeps the quotes true.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linnet/blocking.h>
#include <linnet/testkit.h>

/* ---- the device: sends a reading, waits for an answer, tries three times ---- */

static enum ln_status report(const struct ln_env *env, const char *reading, struct ln_diag *diag)
{
    struct ln_sock *s = NULL;
    uint8_t answer[16];
    size_t len = 0;
    enum ln_status st = ln_sock_new(env, LN_UDP, NULL, NULL, diag, &s);
    if (st != LN_OK)
        return st;
    st = ln_sock_connect_until(s, "server.example", 7000, ln_deadline_in(env, 10000));
    for (int tries = 1; st == LN_OK; tries++) {
        ln_msec deadline = ln_deadline_in(env, 2000);
        st = ln_sock_send_until(s, ln_span_str(reading), deadline, NULL);
        if (st == LN_OK)
            st = ln_sock_recv_until(s, ln_mspan(answer, sizeof answer), deadline, &len);
        if (st == LN_OK)
            break;
        if (st == LN_TIMEOUT && tries < 3)
            st = LN_OK;
    }
    *diag = *ln_sock_diag(s);
    ln_sock_free(s);
    return st;
}

/* ---- the world around it ---- */

struct lab {
    struct ln_testkit *kit;
    struct ln_testkit_host *device, *server;
    struct ln_env device_env, server_env;
    struct ln_sock *sock; /* the server's */
    size_t reports;       /* that reached it */
};

static ln_msec serve(void *user, ln_msec now)
{
    struct lab *lab = (struct lab *)user;
    struct ln_addr from;
    uint8_t room[64];
    size_t len = 0;
    (void)now;
    while (ln_sock_recv_from(lab->sock, ln_mspan(room, sizeof room), &len, &from) == LN_OK) {
        lab->reports++;
        (void)!ln_sock_send_to(lab->sock, &from, ln_span_str("ok"));
    }
    return LN_NEVER;
}

static void add_server(struct lab *lab)
{
    const struct ln_addr any = { .port = 7000 };
    assert_int_equal(ln_testkit_host_new(lab->kit, "server", "192.0.2.1 2001:db8::1", &lab->server),
                     LN_OK);
    assert_int_equal(ln_testkit_name(lab->kit, "server.example", "192.0.2.1 2001:db8::1"), LN_OK);
    ln_testkit_env(lab->server, &lab->server_env);
    assert_int_equal(ln_sock_new(&lab->server_env, LN_UDP, NULL, NULL, NULL, &lab->sock), LN_OK);
    assert_int_equal(ln_sock_bind(lab->sock, &any), LN_OK);
    assert_int_equal(ln_testkit_serve(lab->kit, serve, lab), LN_OK);
}

static void lab_open(struct lab *lab, uint64_t seed, const struct ln_testkit_link *link)
{
    const struct ln_testkit_config config = { .seed = seed };
    memset(lab, 0, sizeof *lab);
    assert_int_equal(ln_testkit_new(&config, &lab->kit), LN_OK);
    assert_int_equal(
        ln_testkit_host_new(lab->kit, "device", "192.0.2.10 2001:db8::10", &lab->device), LN_OK);
    ln_testkit_env(lab->device, &lab->device_env);
    add_server(lab);
    assert_int_equal(ln_testkit_path(lab->kit, lab->device, lab->server, link), LN_OK);
}

static void lab_close(struct lab *lab)
{
    struct ln_testkit_memory memory;
    ln_testkit_memory(lab->device, &memory);
    assert_int_equal(memory.live_blocks, 0);
    assert_int_equal(ln_testkit_open_handles(lab->device), 0);
    ln_sock_free(lab->sock);
    ln_testkit_free(lab->kit);
}

/* ---- tests ---- */

static void test_a_report_takes_one_round_trip(void **state)
{
    const struct ln_testkit_link link = { .delay_min_ms = 30 };
    struct ln_diag diag;
    struct lab lab;
    (void)state;
    lab_open(&lab, 1, &link);
    ln_msec start = ln_now(&lab.device_env);
    assert_int_equal(report(&lab.device_env, "21.5", &diag), LN_OK);
    assert_int_equal(ln_now(&lab.device_env) - start, 60);
    lab_close(&lab);
}

static void test_200_bad_networks(void **state)
{
    const struct ln_testkit_link link = {
        .loss_permille = 100, .duplicate_permille = 20, .delay_min_ms = 20, .delay_max_ms = 400
    };
    size_t lost = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct ln_diag diag;
        struct lab lab;
        lab_open(&lab, seed, &link);
        enum ln_status st = report(&lab.device_env, "21.5", &diag);
        if (st != LN_OK && st != LN_TIMEOUT)
            fail_msg("seed %d: %s", (int)seed, diag.text);
        lost += st == LN_TIMEOUT;
        lab_close(&lab);
    }
    assert_in_range(lost, 0, 5); /* three tries, each lost with 19 %: 1.4 of 200 */
}

static void plug_in(void *user)
{
    ln_testkit_host_revive((struct ln_testkit_host *)user);
}

static void test_the_server_comes_back(void **state)
{
    const struct ln_testkit_link link = { .delay_min_ms = 30 };
    struct ln_diag diag;
    struct lab lab;
    (void)state;
    lab_open(&lab, 1, &link);
    ln_msec start = ln_now(&lab.device_env);
    ln_testkit_host_kill(lab.server);
    assert_int_equal(ln_testkit_at(lab.kit, start + 3000, plug_in, lab.server), LN_OK);
    assert_int_equal(report(&lab.device_env, "21.5", &diag), LN_OK);
    assert_int_equal(ln_now(&lab.device_env) - start, 4060); /* the third try, after 2 and 4 s */
    assert_int_equal(lab.reports, 1);
    lab_close(&lab);
}

static void test_a_closed_port_is_told(void **state)
{
    const struct ln_testkit_link link = { .delay_min_ms = 30 };
    struct ln_diag diag;
    struct lab lab;
    (void)state;
    lab_open(&lab, 1, &link);
    ln_sock_close(lab.sock);
    assert_int_equal(report(&lab.device_env, "21.5", &diag), LN_REFUSED);
    assert_int_equal(diag.category, LN_CAT_PEER_REFUSED);
    lab_close(&lab);
}

static enum ln_testkit_verdict report_once(void *user, struct ln_testkit_trial *trial)
{
    struct lab lab = { .kit = trial->kit, .device = trial->device };
    struct ln_diag diag;
    (void)user;
    ln_testkit_env(lab.device, &lab.device_env);
    add_server(&lab);
    enum ln_status st = report(&lab.device_env, "21.5", &diag);
    ln_sock_free(lab.sock);
    if (st != LN_OK)
        return ln_testkit_failed(trial, st, &diag);
    return lab.reports == 1 ? LN_TESTKIT_COMPLETED
                            : ln_testkit_broken(trial, "%zu reports", lab.reports);
}

static void test_every_allocation_may_fail(void **state)
{
    const struct ln_testkit_sweep sweep = { .scenario = report_once, .may_complete = true };
    struct ln_testkit_report result;
    (void)state;
    if (!ln_testkit_for_each_oom(&sweep, &result))
        fail_msg("N = %zu, %s: %s", result.n, result.sticky ? "sticky" : "once", result.text);
    assert_true(result.whole);
}

static void test_every_network_call_may_fail(void **state)
{
    const struct ln_testkit_sweep sweep = { .scenario = report_once, .may_complete = true };
    struct ln_testkit_report result;
    (void)state;
    if (!ln_testkit_for_each_io_fault(&sweep, &result))
        fail_msg("N = %zu, %s: %s", result.n, result.sticky ? "sticky" : "once", result.text);
}

static void save(void *user, struct ln_span bytes)
{
    (void)fwrite(bytes.data, 1, bytes.len, (FILE *)user);
}

static void test_a_run_can_be_looked_at(void **state)
{
    const struct ln_testkit_link link = { .loss_permille = 500 };
    char line[200];
    struct ln_diag diag;
    struct lab lab;
    (void)state;
    lab_open(&lab, 18, &link);
    FILE *file = tmpfile(); /* a name that ends in .pcapng is for Wireshark */
    assert_non_null(file);
    ln_testkit_capture(lab.kit, save, file);
    (void)!report(&lab.device_env, "21.5", &diag);
    for (size_t i = 0; i < ln_testkit_event_count(lab.kit); i++) {
        (void)ln_testkit_event_line(ln_testkit_event(lab.kit, i), line, sizeof line);
        print_message("%s\n", line);
    }
    print_message("%s", ln_testkit_log(lab.device));
    assert_true(ftell(file) > 100);
    (void)fclose(file);
    lab_close(&lab);
}

/* ---- the page that quotes this file ---- */

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = (char *)calloc(1, 100000);
    assert_non_null(file);
    assert_non_null(text);
    size_t len = fread(text, 1, 99999, file);
    assert_in_range(len, 1, 99998);
    (void)fclose(file);
    return text;
}

static void test_the_page_quotes_this_file(void **state)
{
    char *page = read_text(LN_TESTS_DIR "/../docs/howto-testkit.md");
    char *source = read_text(LN_TESTS_DIR "/unit/test_testkit_example.c");
    size_t blocks = 0;
    (void)state;
    for (char *at = strstr(page, "```c\n"); at != NULL; at = strstr(at, "```c\n")) {
        char *block = at + 5, *end = strstr(block, "```");
        assert_non_null(end);
        *end = '\0';
        if (strstr(source, block) == NULL)
            fail_msg("not in the source:\n%s", block);
        blocks++;
        at = end + 1;
    }
    assert_in_range(blocks, 3, 20);
    free(page);
    free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_report_takes_one_round_trip),
        cmocka_unit_test(test_200_bad_networks),
        cmocka_unit_test(test_the_server_comes_back),
        cmocka_unit_test(test_a_closed_port_is_told),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_every_network_call_may_fail),
        cmocka_unit_test(test_a_run_can_be_looked_at),
        cmocka_unit_test(test_the_page_quotes_this_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
