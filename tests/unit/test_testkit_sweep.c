/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_testkit_sweep.c
 * The sweeps find what they are for: each scenario has a bug planted in it, or none.
 */
#include "testkit_world.h"

/* Scenarios allocate three blocks, open a socket, send a datagram, and give everything back. */
enum bug {
    NO_BUG,
    LEAKS_ON_FAILURE, /* returns at the third allocation without freeing the others */
    LEAKS_ALWAYS,
    LEAKS_SOCKET,    /* does not close when the send fails */
    IGNORES_FAILURE, /* of the second allocation */
    FAILS_WITH_OK,
    FAILS_ALWAYS,
    SAYS_BROKEN, /* if the third allocation fails */
    TOLERATES,   /* the second block is a cache */
    TOLERATES_ALWAYS,
    RETRIES, /* a send once more */
    LEAKS_ON_SERVER,
    FAILED_BY_HAND, /* returns FAILED without ln_testkit_failed() */
};

static enum ln_testkit_verdict send_one(const struct ln_env *env, enum bug bug,
                                        struct ln_testkit_trial *trial)
{
    struct ln_net_open how = { .kind = LN_NET_DATAGRAM, .family = LN_IPV4 };
    struct ln_addr peer = at(B_IP, 5683);
    struct ln_diag diag = { .status = LN_OK };
    ln_handle h = LN_NO_HANDLE;
    size_t sent = 0;
    const struct ln_net_ops *ops = env->net.ops;
    trial->phase = "open";
    enum ln_status st = ops->open(env->net.ctx, &how, &diag, &h);
    if (st != LN_OK)
        return ln_testkit_failed(trial, st, &diag);
    trial->phase = "send";
    st = ops->send(env->net.ctx, h, &peer, ln_span_str("x"), &sent, &diag);
    if (st != LN_OK && bug == RETRIES)
        st = ops->send(env->net.ctx, h, &peer, ln_span_str("x"), &sent, &diag);
    if (st == LN_OK || bug != LEAKS_SOCKET)
        ops->close(env->net.ctx, h);
    return st == LN_OK ? LN_TESTKIT_COMPLETED : ln_testkit_failed(trial, st, &diag);
}

static enum ln_testkit_verdict scenario(void *user, struct ln_testkit_trial *trial)
{
    enum bug bug = *(const enum bug *)user;
    void *blocks[3] = { NULL, NULL, NULL };
    enum ln_testkit_verdict verdict = LN_TESTKIT_COMPLETED;
    struct ln_env env, server_env;
    struct ln_testkit_host *server = NULL;
    EXPECT(LN_OK, ln_testkit_host_new(trial->kit, "server", B_IP, &server));
    ln_testkit_env(trial->device, &env);
    ln_testkit_env(server, &server_env);
    trial->phase = "allocate";
    for (size_t i = 0; i < 3 && verdict == LN_TESTKIT_COMPLETED; i++) {
        blocks[i] = ln_calloc(&env, 1, 16 + i);
        if (blocks[i] == NULL && !(i == 1 && (bug == IGNORES_FAILURE || bug == TOLERATES)))
            verdict = ln_testkit_failed(trial, bug == FAILS_WITH_OK ? LN_OK : LN_NO_MEMORY, NULL);
    }
    if (blocks[2] == NULL && blocks[1] != NULL && bug == LEAKS_ON_FAILURE)
        return verdict;
    if (blocks[2] == NULL && blocks[1] != NULL && bug == SAYS_BROKEN)
        verdict = ln_testkit_broken(trial, "block %d is missing", 2);
    if (verdict == LN_TESTKIT_COMPLETED)
        verdict = send_one(&env, bug, trial);
    if (verdict == LN_TESTKIT_COMPLETED && bug == TOLERATES && blocks[1] == NULL)
        verdict = LN_TESTKIT_TOLERATED;
    if (bug == TOLERATES_ALWAYS)
        verdict = LN_TESTKIT_TOLERATED;
    if (bug == LEAKS_ON_SERVER)
        assert_non_null(ln_calloc(&server_env, 1, 7));
    for (size_t i = bug == LEAKS_ALWAYS; i < 3; i++)
        ln_free(&env, blocks[i]);
    if (bug == FAILS_ALWAYS)
        return ln_testkit_failed(trial, LN_TIMEOUT, NULL);
    if (verdict == LN_TESTKIT_FAILED && bug == FAILED_BY_HAND)
        trial->status = LN_OK;
    return verdict;
}

struct sweep_case {
    const char *sentence;
    enum bug bug;
    enum ln_testkit_point point;
    bool may_complete;
    bool held;
    size_t n; /* if it did not hold; LN_TESTKIT_ALWAYS = without a fault */
    bool sticky;
    const char *phase;
    const char *text; /* part of it */
};

#define NONE LN_TESTKIT_ALWAYS

static const struct sweep_case sweep_cases[] = {
    { "sound under memory faults", NO_BUG, LN_TESTKIT_ALLOC, false, true, 0, false, "", "" },
    { "sound under network faults", NO_BUG, LN_TESTKIT_NET, false, true, 0, false, "", "" },
    { "a leak on the way out of a failure", LEAKS_ON_FAILURE, LN_TESTKIT_ALLOC, false, false, 2,
      false, "allocate",
      "device: 2 blocks (33 bytes) not freed, 0 sockets not closed; the oldest block is allocation "
      "0, 16 bytes" },
    { "a leak without any fault", LEAKS_ALWAYS, LN_TESTKIT_ALLOC, false, false, NONE, false, "send",
      "1 blocks (16 bytes)" },
    { "a socket that stays open", LEAKS_SOCKET, LN_TESTKIT_NET, false, false, 1, false, "send",
      "1 sockets not closed" },
    { "a failure that nobody tells", IGNORES_FAILURE, LN_TESTKIT_ALLOC, false, false, 1, false,
      "send", "nobody told" },
    { "... which may be what was wanted", IGNORES_FAILURE, LN_TESTKIT_ALLOC, true, true, 0, false,
      "", "" },
    { "... and can be said", TOLERATES, LN_TESTKIT_ALLOC, false, true, 0, false, "", "" },
    { "but not when there was none", TOLERATES_ALWAYS, LN_TESTKIT_ALLOC, false, false, NONE, false,
      "send", "TOLERATED without a fault" },
    { "a failure with LN_OK", FAILS_WITH_OK, LN_TESTKIT_ALLOC, false, false, 0, false, "allocate",
      "LN_OK, which is no failure" },
    { "a failure without a status", FAILED_BY_HAND, LN_TESTKIT_ALLOC, false, false, 0, false,
      "allocate", "without ln_testkit_failed()" },
    { "a scenario that never works", FAILS_ALWAYS, LN_TESTKIT_ALLOC, false, false, NONE, false,
      "send", "the time given for it ran out" },
    { "a broken promise", SAYS_BROKEN, LN_TESTKIT_ALLOC, false, false, 2, false, "allocate",
      "block 2 is missing" },
    { "other hosts are looked at too", LEAKS_ON_SERVER, LN_TESTKIT_ALLOC, false, false, NONE, false,
      "send", "server: 1 blocks (7 bytes)" },
    { "a retry heals a fault that passes", RETRIES, LN_TESTKIT_NET, true, true, 0, false, "", "" },
};

static void sweeps_find_bugs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sweep_cases / sizeof sweep_cases[0]; i++) {
        const struct sweep_case *c = &sweep_cases[i];
        enum bug bug = c->bug;
        const struct ln_testkit_sweep sweep = {
            .scenario = scenario, .user = &bug, .seed = 42, .may_complete = c->may_complete
        };
        struct ln_testkit_report r;
        bool held = ln_testkit_for_each_fault(c->point, &sweep, &r);
        assert_int_equal(held, r.held);
        if (held != c->held ||
            (!held && (r.n != c->n || r.sticky != c->sticky || strcmp(r.phase, c->phase) != 0 ||
                       strstr(r.text, c->text) == NULL)))
            fail_msg("%s: held %d, n %zu, sticky %d, \"%s\": %s", c->sentence, held, r.n, r.sticky,
                     r.phase, r.text);
        assert_int_equal(r.whole, held);
        assert_true(r.seed == 42);
    }
}

static void reports_count(void **state)
{
    enum bug bug = TOLERATES;
    const struct ln_testkit_sweep sweep = { .scenario = scenario, .user = &bug };
    struct ln_testkit_report r;
    (void)state;
    assert_true(ln_testkit_for_each_oom(&sweep, &r));
    assert_int_equal(r.points, 3);
    assert_int_equal(r.trials, 1 + 4 + 4); /* without, 0..3 transient, 0..3 sticky */
    assert_int_equal(r.completed, 3);
    assert_int_equal(r.tolerated, 1); /* sticky: the third fails as well */
    assert_int_equal(r.failed, 5);
    bug = NO_BUG;
    assert_true(ln_testkit_for_each_io_fault(&sweep, &r));
    assert_int_equal(r.points, 2);
    assert_int_equal(r.trials, 1 + 3 + 3);
    assert_true(ln_testkit_for_each_io_fault(&sweep, NULL));
}

static void sweeps_sample_and_replay(void **state)
{
    enum bug bug = LEAKS_ON_FAILURE;
    struct ln_testkit_sweep sweep = { .scenario = scenario, .user = &bug, .limit = 1 };
    struct ln_testkit_report r;
    (void)state;
    assert_true(ln_testkit_for_each_oom(&sweep, &r)); /* N = 0 only */
    assert_false(r.whole);
    assert_int_equal(r.trials, 3);
    sweep.first = 2; /* a replay of what a whole sweep found */
    assert_false(ln_testkit_for_each_oom(&sweep, &r));
    assert_int_equal(r.n, 2);
    assert_int_equal(r.trials, 2);
    sweep.modes = LN_TESTKIT_STICKY;
    assert_false(ln_testkit_for_each_oom(&sweep, &r));
    assert_true(r.sticky);
    const struct ln_testkit_sweep sample = {
        .scenario = scenario, .user = &bug, .first = 1, .stride = 2
    };
    assert_true(ln_testkit_for_each_oom(&sample, &r)); /* steps over N = 2 */
    assert_true(r.whole);
    bug = RETRIES;
    const struct ln_testkit_sweep strict = { .scenario = scenario, .user = &bug };
    assert_false(ln_testkit_for_each_io_fault(&strict, &r)); /* COMPLETED in spite of a fault */
    assert_int_equal(r.n, 1);
}

static void failures_keep_their_story(void **state)
{
    struct ln_testkit_trial trial = { .phase = "" };
    struct ln_diag diag = { .status = LN_OK };
    (void)state;
    assert_int_equal(ln_testkit_failed(&trial, LN_TIMEOUT, &diag), LN_TESTKIT_FAILED);
    assert_string_equal(trial.text, "the time given for it ran out");
    (void)ln_diag_set(&diag, LN_REFUSED, LN_CAT_DNS, LN_PHASE_RESOLVE, "no such name");
    assert_int_equal(ln_testkit_failed(&trial, LN_REFUSED, &diag), LN_TESTKIT_FAILED);
    assert_non_null(strstr(trial.text, "no such name"));
    assert_int_equal(trial.status, LN_REFUSED);
    assert_int_equal(ln_testkit_failed(&trial, LN_AGAIN, &diag), LN_TESTKIT_BROKEN);
}

static void sweeps_leave_the_clock_alone(void **state)
{
    enum bug bug = NO_BUG;
    const struct ln_testkit_sweep sweep = { .scenario = scenario, .user = &bug };
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_testkit_set_wall(w.kit, 5);
    assert_true(ln_testkit_for_each_oom(&sweep, NULL));
    assert_true(ln_testkit_wall_us() == 5000000);
    world_close(&w);
}

/* ---- the kit under its own medicine ---- */

struct starved {
    size_t left; /* until one fails */
    bool once;   /* and the next ones work again */
    bool reached;
    size_t live;
};

static void *starved_resize(void *ctx, void *block, size_t size)
{
    struct starved *s = (struct starved *)ctx;
    if (size == 0) {
        s->live -= block != NULL;
        test_free(block);
        return NULL;
    }
    if (s->left == 0 && !(s->once && s->reached)) {
        s->reached = true;
        return NULL;
    }
    s->left -= s->left > 0;
    s->live += block == NULL;
    return test_realloc(block, size);
}

/* Whatever can be made, is; nothing is expected to work. */
static void use_everything(struct ln_testkit *kit)
{
    static const struct ln_testkit_link link = { .delay_min_ms = 5, .duplicate_permille = 500 };
    static const struct ln_testkit_answer answer = { .delay_ms = 1 };
    struct ln_testkit_host *a = NULL, *b = NULL;
    struct ln_testkit_nat *nat = NULL;
    struct ln_env ea, eb;
    if (ln_testkit_host_new(kit, "a", A_IP " " A_IP6, &a) != LN_OK ||
        ln_testkit_host_new(kit, "b", B_IP, &b) != LN_OK)
        return;
    if (ln_testkit_nat_new(kit, "203.0.113.1", 10, &nat) == LN_OK)
        ln_testkit_host_behind(a, nat);
    ln_testkit_env(a, &ea);
    ln_testkit_env(b, &eb);
    (void)!ln_testkit_path(kit, a, b, &link);
    (void)!ln_testkit_name(kit, "b.example", B_IP);
    (void)!ln_testkit_name_answer(kit, NULL, LN_FAMILY_ANY, &answer);
    (void)!ln_testkit_file_put(a, "/x", ln_span_str("y"));
    ln_log(&ea, LN_LOG_ERROR, "test", "hello");
    for (int kind = 0; kind < 2; kind++) {
        struct ln_net_open how = { .kind = (enum ln_net_kind)kind, .family = LN_IPV4 };
        ln_handle client = LN_NO_HANDLE, server = LN_NO_HANDLE, accepted = LN_NO_HANDLE;
        struct ln_addr local = at(B_IP, 5683), peer;
        struct ln_net_got got;
        uint8_t room[10];
        size_t sent = 0;
        (void)!eb.net.ops->open(eb.net.ctx, &how, NULL, &server);
        (void)!eb.net.ops->bind(eb.net.ctx, server, how.kind, &local, NULL);
        (void)!ea.net.ops->open(ea.net.ctx, &how, NULL, &client);
        (void)!ea.net.ops->connect(ea.net.ctx, client, &local, NULL);
        ln_testkit_advance(kit, 2000);
        (void)!ea.net.ops->send(ea.net.ctx, client, NULL, ln_span_str("x"), &sent, NULL);
        ln_testkit_advance(kit, 2000);
        (void)!eb.net.ops->accept(eb.net.ctx, server, &accepted, &peer, NULL);
        (void)!eb.net.ops->recv(eb.net.ctx, server, how.kind, ln_mspan(room, 10), false, &got,
                                NULL);
        (void)!eb.net.ops->recv(eb.net.ctx, accepted, how.kind, ln_mspan(room, 10), false, &got,
                                NULL);
        (void)!eb.net.ops->send(eb.net.ctx, accepted, NULL, ln_span_str("x"), &sent, NULL);
        ea.net.ops->close(ea.net.ctx, client);
        eb.net.ops->close(eb.net.ctx, server);
        ln_testkit_advance(kit, 2000);
        eb.net.ops->close(eb.net.ctx, accepted);
    }
}

static void starve(bool once)
{
    size_t n = 0;
    for (bool enough = false; !enough; n++) {
        struct starved starved = { .left = n, .once = once };
        const struct ln_testkit_config config = { .alloc = { .resize = starved_resize,
                                                             .ctx = &starved } };
        struct ln_testkit *kit = NULL;
        enum ln_status st = ln_testkit_new(&config, &kit);
        assert_true(st == LN_OK || (st == LN_NO_MEMORY && kit == NULL));
        if (st == LN_OK)
            use_everything(kit);
        enough = !starved.reached;
        ln_testkit_free(kit);
        assert_int_equal(starved.live, 0);
    }
    assert_in_range(n, 20, 200);
}

static void the_kit_survives_without_memory(void **state)
{
    (void)state;
    starve(false);
    starve(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweeps_find_bugs),
        cmocka_unit_test(reports_count),
        cmocka_unit_test(sweeps_sample_and_replay),
        cmocka_unit_test(failures_keep_their_story),
        cmocka_unit_test(sweeps_leave_the_clock_alone),
        cmocka_unit_test(the_kit_survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
