/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_testkit_env.c
 * The environment of a host: memory, randomness, log, names, files, and the faults of each.
 */
#include "testkit_world.h"

/* ---- memory ---- */

struct alloc_case {
    const char *sentence;
    struct ln_testkit_fault fault;
    const char *result; /* of ten allocations: '+' worked, '-' failed */
};

static const struct alloc_case alloc_cases[] = {
    { "no fault", { .times = 0 }, "++++++++++" },
    { "the first, once", { .nth = 0, .times = 1 }, "-+++++++++" },
    { "the fourth, once", { .nth = 3, .times = 1 }, "+++-++++++" },
    { "from the fourth on", { .nth = 3, .times = LN_TESTKIT_ALWAYS }, "+++-------" },
    { "three in a row", { .nth = 5, .times = 3 }, "+++++---++" },
    { "one that is not reached", { .nth = 10, .times = 1 }, "++++++++++" },
};

static void allocations_fail_as_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof alloc_cases / sizeof alloc_cases[0]; i++) {
        const struct alloc_case *c = &alloc_cases[i];
        char result[11] = "";
        void *blocks[10];
        struct world w;
        world_open(&w, 1);
        ln_testkit_fail(w.a, LN_TESTKIT_ALLOC, &c->fault);
        for (size_t k = 0; k < 10; k++) {
            blocks[k] = ln_calloc(&w.ea, 1, 8);
            result[k] = blocks[k] != NULL ? '+' : '-';
        }
        for (size_t k = 0; k < 10; k++)
            ln_free(&w.ea, blocks[k]);
        if (strcmp(result, c->result) != 0)
            fail_msg("%s: %s", c->sentence, result);
        assert_int_equal(ln_testkit_calls(w.a, LN_TESTKIT_ALLOC), 10);
        size_t failed = 0;
        for (size_t k = 0; k < 10; k++)
            failed += c->result[k] == '-';
        assert_int_equal(ln_testkit_hits(w.a, LN_TESTKIT_ALLOC), failed);
        world_close(&w);
    }
}

static void memory_is_counted(void **state)
{
    struct ln_testkit_memory m;
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_testkit_memory(w.a, &m);
    assert_int_equal(m.live_blocks + m.live_bytes + m.oldest_bytes, 0);
    void *first = ln_calloc(&w.ea, 1, 100), *second = ln_calloc(&w.ea, 1, 50);
    memset(first, 'x', 100);
    first = ln_resize(&w.ea, first, 200); /* is now the newer one */
    assert_int_equal(((char *)first)[99], 'x');
    ln_testkit_memory(w.a, &m);
    assert_int_equal(m.live_blocks, 2);
    assert_int_equal(m.live_bytes, 250);
    assert_int_equal(m.allocations, 3);
    assert_int_equal(m.oldest_live, 1);
    assert_int_equal(m.oldest_bytes, 50);
    ln_free(&w.ea, second);
    ln_testkit_memory(w.a, &m);
    assert_int_equal(m.oldest_live, 2);
    const struct ln_testkit_fault always = { .times = LN_TESTKIT_ALWAYS };
    ln_testkit_fail(w.a, LN_TESTKIT_ALLOC, &always);
    assert_null(ln_resize(&w.ea, first, 300)); /* a failure leaves the old block */
    assert_int_equal(((char *)first)[99], 'x');
    ln_free(&w.ea, first); /* freeing cannot fail */
    ln_testkit_memory(w.a, &m);
    assert_int_equal(m.live_blocks, 0);
    assert_int_equal(m.peak_bytes, 250);
    ln_testkit_memory(w.b, &m);
    assert_int_equal(m.peak_bytes, 0); /* each host has its own */
    world_close(&w);
}

static void a_small_device_is_full(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    ln_testkit_memory_limit(w.a, 1000);
    void *first = ln_calloc(&w.ea, 1, 600);
    assert_non_null(first);
    assert_null(ln_calloc(&w.ea, 1, 401));
    assert_null(ln_resize(&w.ea, first, 1001));
    first = ln_resize(&w.ea, first, 1000);
    assert_non_null(first);
    ln_free(&w.ea, first);
    assert_null(ln_calloc(&w.ea, 1, SIZE_MAX - 8));
    ln_testkit_memory_limit(w.a, 0);
    assert_null(ln_calloc(&w.ea, 1, SIZE_MAX - 8)); /* no overflow behind the header */
    world_close(&w);
}

/* ---- randomness ---- */

static void fill(const struct ln_env *env, uint8_t room[32])
{
    EXPECT(LN_OK, env->random.fill(env->random.ctx, ln_mspan(room, 32)));
}

static void randomness_repeats(void **state)
{
    uint8_t a[32], b[32], again[32], other[32];
    const struct ln_testkit_fault once = { .nth = 1, .times = 1, .status = LN_INTERNAL };
    struct world w;
    (void)state;
    world_open(&w, 1);
    fill(&w.ea, a);
    fill(&w.eb, b);
    assert_memory_not_equal(a, b, 32);
    ln_testkit_fail(w.a, LN_TESTKIT_RANDOM, &once);
    fill(&w.ea, b);
    assert_memory_not_equal(a, b, 32);
    EXPECT(LN_INTERNAL, w.ea.random.fill(w.ea.random.ctx, ln_mspan(b, 32)));
    world_close(&w);
    world_open(&w, 1);
    fill(&w.ea, again);
    world_close(&w);
    world_open(&w, 2);
    fill(&w.ea, other);
    world_close(&w);
    assert_memory_equal(a, again, 32);
    assert_memory_not_equal(a, other, 32);
}

/* ---- log ---- */

static void the_log_keeps_lines(void **state)
{
    char long_text[2000];
    struct world w;
    (void)state;
    world_open(&w, 1);
    assert_string_equal(ln_testkit_log(w.a), "");
    ln_testkit_advance(w.kit, 42);
    ln_log(&w.ea, LN_LOG_WARN, "tls", "alert %d", 40);
    assert_string_equal(ln_testkit_log(w.a), "1000.042 warn tls: alert 40\n");
    w.ea.log.level = LN_LOG_ERROR;
    ln_log(&w.ea, LN_LOG_WARN, "tls", "too quiet");
    ln_testkit_log_clear(w.a);
    assert_string_equal(ln_testkit_log(w.a), "");
    for (int i = 0; i < 5000; i++)
        w.ea.log.write(w.ea.log.ctx, LN_LOG_ERROR, "udp", i == 4999 ? "the last" : "one of many");
    const char *log = ln_testkit_log(w.a);
    assert_in_range(strlen(log), 10000, 32767);
    assert_non_null(strstr(log, "udp: the last\n"));
    assert_memory_equal(log, "1000.042 error udp", 18); /* whole lines only */
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    for (int i = 0; i < 100; i++)
        w.ea.log.write(w.ea.log.ctx, LN_LOG_ERROR, "udp", long_text); /* cut, and bounded */
    assert_in_range(strlen(ln_testkit_log(w.a)), 10000, 32767);
    world_close(&w);
}

/* ---- names ---- */

struct name_case {
    const char *sentence;
    const char *host;
    enum ln_family family;
    struct ln_testkit_answer answer; /* for server.example */
    enum ln_status expected;
    size_t count;
    ln_msec took;
};

static const struct name_case name_cases[] = {
    { "both IPv4 addresses", "server.example", LN_IPV4, { .delay_ms = 0 }, LN_OK, 2, 0 },
    { "the IPv6 address", "server.example", LN_IPV6, { .delay_ms = 0 }, LN_OK, 1, 0 },
    { "case does not count, nor the last dot",
      "SERVER.Example.",
      LN_IPV6,
      { .delay_ms = 0 },
      LN_OK,
      1,
      0 },
    { "an answer that takes its time",
      "server.example",
      LN_IPV4,
      { .delay_ms = 350 },
      LN_OK,
      2,
      350 },
    { "a name server that fails",
      "server.example",
      LN_IPV4,
      { .delay_ms = 5, .status = LN_IO },
      LN_IO,
      0,
      5 },
    { "a name that is not there", "other.example", LN_IPV4, { .delay_ms = 0 }, LN_NOT_FOUND, 0, 0 },
    { "a name without addresses of the family",
      "v4.example",
      LN_IPV6,
      { .delay_ms = 0 },
      LN_NOT_FOUND,
      0,
      0 },
    { "silence", "server.example", LN_IPV4, { .silent = true }, LN_AGAIN, 0, 1000 },
};

static void names_answer_as_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof name_cases / sizeof name_cases[0]; i++) {
        const struct name_case *c = &name_cases[i];
        struct ln_diag diag = { .status = LN_OK };
        struct ln_lookup *lookup = NULL;
        struct ln_addr found[8];
        size_t count = 0;
        struct world w;
        world_open(&w, 1);
        EXPECT(LN_OK, ln_testkit_name(w.kit, "server.example", "192.0.2.7 192.0.2.8 ::7"));
        EXPECT(LN_OK, ln_testkit_name(w.kit, "v4.example", "192.0.2.7"));
        EXPECT(LN_OK, ln_testkit_name_answer(w.kit, "server.example", c->family, &c->answer));
        EXPECT(LN_OK, w.ea.resolver.ops->start(w.ea.resolver.ctx, &w.ea, c->host, c->family, &diag,
                                               &lookup));
        ln_msec start = ln_now(&w.ea);
        enum ln_status st;
        while ((st = lookup->ops->poll(lookup, ln_now(&w.ea), found, 8, &count, &diag)) ==
                   LN_AGAIN &&
               ln_now(&w.ea) < start + 1000) {
            struct ln_interest want = ln_interest(0);
            lookup->ops->interest(lookup, &want);
            assert_int_equal(want.deadline == LN_NEVER, c->answer.silent);
            EXPECT(LN_OK, w.ea.net.ops->wait(w.ea.net.ctx, &want, start + 1000));
        }
        if (st != c->expected || count != c->count || ln_now(&w.ea) - start != c->took)
            fail_msg("%s: %s, %zu addresses, %lld ms", c->sentence, ln_status_name(st), count,
                     (long long)(ln_now(&w.ea) - start));
        assert_int_equal(diag.category == LN_CAT_DNS, st != LN_OK && st != LN_AGAIN);
        lookup->ops->cancel(lookup);
        struct ln_testkit_memory m;
        ln_testkit_memory(w.a, &m);
        assert_int_equal(m.live_blocks, 0);
        world_close(&w);
    }
}

static void the_zone_is_checked(void **state)
{
    const struct ln_testkit_answer slow = { .delay_ms = 10 };
    const struct ln_testkit_fault once = { .nth = 0, .times = 1 };
    struct ln_lookup *lookup = NULL;
    struct world w;
    (void)state;
    world_open(&w, 1);
    EXPECT(LN_BAD_ARG, ln_testkit_name(w.kit, "a.example", "192.0.2.7 b.example"));
    EXPECT(LN_NOT_FOUND, ln_testkit_name_answer(w.kit, "a.example", LN_FAMILY_ANY, &slow));
    EXPECT(LN_OK, ln_testkit_name_answer(w.kit, NULL, LN_FAMILY_ANY, &slow));
    ln_testkit_fail(w.a, LN_TESTKIT_RESOLVE, &once);
    EXPECT(LN_IO, w.ea.resolver.ops->start(w.ea.resolver.ctx, &w.ea, "a", LN_IPV4, NULL, &lookup));
    EXPECT(LN_OK, w.ea.resolver.ops->start(w.ea.resolver.ctx, &w.ea, "a", LN_IPV4, NULL, &lookup));
    struct ln_interest want = ln_interest(0);
    lookup->ops->interest(lookup, &want);
    assert_int_equal(want.deadline, ln_now(&w.ea) + 10); /* also for what is not in the zone */
    lookup->ops->cancel(lookup);
    world_close(&w);
}

/* ---- files ---- */

struct file_case {
    const char *sentence;
    enum ln_testkit_file_fault fault;
    enum ln_status read;
    size_t len;
    enum ln_status replace;
    enum ln_status removed;
};

static const struct file_case file_cases[] = {
    { "sound", LN_TESTKIT_FILE_SOUND, LN_OK, 10, LN_OK, LN_OK },
    { "only half is there", LN_TESTKIT_FILE_SHORT, LN_OK, 5, LN_OK, LN_OK },
    { "missing", LN_TESTKIT_FILE_MISSING, LN_NOT_FOUND, 0, LN_OK, LN_NOT_FOUND },
    { "denied", LN_TESTKIT_FILE_DENIED, LN_DENIED, 0, LN_DENIED, LN_DENIED },
    { "a bad disk", LN_TESTKIT_FILE_UNREADABLE, LN_IO, 0, LN_OK, LN_OK },
    { "read only", LN_TESTKIT_FILE_READ_ONLY, LN_OK, 10, LN_IO, LN_IO },
    { "a full disk", LN_TESTKIT_FILE_DISK_FULL, LN_OK, 10, LN_NO_SPACE, LN_OK },
};

static void files_fail_as_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof file_cases / sizeof file_cases[0]; i++) {
        const struct file_case *c = &file_cases[i];
        uint8_t room[100];
        struct ln_span kept;
        size_t len = 0;
        struct world w;
        world_open(&w, 1);
        const struct ln_files *f = &w.ea.files;
        EXPECT(LN_OK, ln_testkit_file_put(w.a, "/etc/ca.pem", ln_span_str("0123456789")));
        EXPECT(LN_OK, ln_testkit_file_fault(w.a, "/etc/ca.pem", c->fault));
        enum ln_status st = f->read(f->ctx, "/etc/ca.pem", ln_mspan(room, sizeof room), &len);
        if (st != c->read || len != c->len)
            fail_msg("%s: read is %s, %zu bytes", c->sentence, ln_status_name(st), len);
        st = f->replace(f->ctx, "/etc/ca.pem", ln_span_str("new"));
        EXPECT(c->replace, st);
        EXPECT(LN_OK, ln_testkit_file_get(w.a, "/etc/ca.pem", &kept));
        assert_int_equal(kept.len, st == LN_OK ? 3 : 10); /* the old or the new, never a mixture */
        EXPECT(c->removed, f->remove(f->ctx, "/etc/ca.pem"));
        EXPECT(LN_NOT_FOUND, f->read(f->ctx, "/etc/none", ln_mspan(room, sizeof room), &len));
        EXPECT(LN_NOT_FOUND, f->read(w.eb.files.ctx, "/etc/ca.pem", ln_mspan(room, 10), &len));
        world_close(&w);
    }
}

static bool collect(void *user, const char *name)
{
    char *text = (char *)user;
    strncat(text, name, 10);
    return strlen(text) < 3;
}

static void directories_are_listed(void **state)
{
    char names[40] = "";
    uint8_t room[4];
    size_t len = 0;
    const struct ln_testkit_fault once = { .nth = 0, .times = 1, .status = LN_DENIED };
    struct world w;
    (void)state;
    world_open(&w, 1);
    const struct ln_files *f = &w.ea.files;
    EXPECT(LN_OK, ln_testkit_file_put(w.a, "/ca/b", ln_span_str("22")));
    EXPECT(LN_OK, ln_testkit_file_put(w.a, "/ca/a", ln_span_str("1")));
    EXPECT(LN_OK, ln_testkit_file_put(w.a, "/ca/deeper/c", ln_span_str("333")));
    EXPECT(LN_OK, f->list(f->ctx, "/ca", collect, names));
    assert_int_equal(strlen(names), 2); /* plain files only */
    EXPECT(LN_NOT_FOUND, f->list(f->ctx, "/none", collect, names));
    EXPECT(LN_BAD_ARG, f->list(f->ctx, "/ca/a", collect, names));
    EXPECT(LN_BAD_ARG, f->read(f->ctx, "/ca", ln_mspan(room, 4), &len));
    EXPECT(LN_BAD_ARG, f->replace(f->ctx, "/ca", ln_span_str("x")));
    EXPECT(LN_NO_SPACE, f->read(f->ctx, "/ca/b", ln_mspan(NULL, 0), &len)); /* asks for the size */
    assert_int_equal(len, 2);
    EXPECT(LN_OK, f->remove(f->ctx, "/ca/b"));
    EXPECT(LN_NOT_FOUND, f->remove(f->ctx, "/ca/b"));
    struct ln_span gone;
    EXPECT(LN_NOT_FOUND, ln_testkit_file_get(w.a, "/ca/b", &gone));
    EXPECT(LN_NOT_FOUND, ln_testkit_file_get(w.a, "/ca/never", &gone));
    ln_testkit_fail(w.a, LN_TESTKIT_FILE, &once);
    EXPECT(LN_DENIED, f->read(f->ctx, "/ca/a", ln_mspan(room, 4), &len));
    EXPECT(LN_OK, f->read(f->ctx, "/ca/a", ln_mspan(room, 4), &len));
    world_close(&w);
}

/* ---- raw network ---- */

static void every_raw_call_can_fail(void **state)
{
    enum { CALLS = 8 };
    (void)state;
    for (size_t n = 0; n < CALLS; n++) {
        const struct ln_testkit_fault once = { .nth = n, .times = 1, .status = LN_DENIED };
        enum ln_status st[CALLS];
        struct ln_diag diag = { .status = LN_OK };
        struct ln_net_open how = { .kind = LN_NET_DATAGRAM, .family = LN_IPV4 };
        struct ln_addr local, peer = at(B_IP, 9), any = { .family = LN_IPV4 };
        struct ln_net_got got;
        uint8_t room[10];
        size_t sent = 0, mtu = 0;
        ln_handle h = LN_NO_HANDLE, other;
        struct world w;
        world_open(&w, 1);
        EXPECT(LN_OK,
               ln_testkit_link(w.kit, NULL, NULL, &(struct ln_testkit_link) { .mtu = 1500 }));
        const struct ln_net_ops *ops = w.ea.net.ops;
        void *ctx = w.ea.net.ctx;
        other = raw_open(&w.ea, LN_NET_DATAGRAM, LN_IPV4);
        ln_testkit_fail(w.a, LN_TESTKIT_NET, &once);
        st[0] = ops->open(ctx, &how, &diag, &h);
        h = st[0] == LN_OK ? h : other;
        st[1] = ops->bind(ctx, h, LN_NET_DATAGRAM, &any, &diag);
        st[2] = ops->connect(ctx, h, &peer, &diag);
        st[3] = ops->send(ctx, h, n == 2 ? &peer : NULL, ln_span_str("x"), &sent, &diag);
        st[4] = ops->recv(ctx, h, LN_NET_DATAGRAM, ln_mspan(room, 10), false, &got, &diag);
        st[4] = st[4] == LN_AGAIN ? LN_OK : st[4];
        st[5] = ops->names(ctx, h, &local, NULL);
        st[6] = ops->mtu(ctx, h, &mtu);
        st[6] = n == 2 && st[6] == LN_BAD_STATE ? LN_OK : st[6];
        st[7] = ops->shutdown(ctx, h, &diag);
        for (size_t i = 0; i < CALLS; i++)
            EXPECT(i == n ? LN_DENIED : LN_OK, st[i]);
        assert_int_equal(ln_testkit_hits(w.a, LN_TESTKIT_NET), 1);
        assert_int_equal(diag.status == LN_DENIED, n != 5 && n != 6); /* names and mtu have none */
        world_close(&w);
    }
}

struct category_case {
    enum ln_status status;
    enum ln_category category;
};

static const struct category_case category_cases[] = {
    { LN_OK, LN_CAT_LOCAL_IO }, /* = LN_IO */
    { LN_IO, LN_CAT_LOCAL_IO },
    { LN_REFUSED, LN_CAT_PEER_REFUSED },
    { LN_TIMEOUT, LN_CAT_NO_ANSWER },
    { LN_CLOSED, LN_CAT_CLOSED_BY_PEER },
    { LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY },
};

static void injected_faults_explain_themselves(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1);
    for (size_t i = 0; i < sizeof category_cases / sizeof category_cases[0]; i++) {
        const struct category_case *c = &category_cases[i];
        const struct ln_testkit_fault once = { .times = 1, .status = c->status };
        struct ln_net_open how = { .kind = LN_NET_DATAGRAM, .family = LN_IPV4 };
        struct ln_diag diag = { .status = LN_OK };
        ln_handle h = LN_NO_HANDLE;
        ln_testkit_fail(w.a, LN_TESTKIT_NET, &once);
        EXPECT(c->status != LN_OK ? c->status : LN_IO,
               w.ea.net.ops->open(w.ea.net.ctx, &how, &diag, &h));
        assert_int_equal(diag.category, c->category);
        assert_string_equal(diag.origin, "testkit");
        assert_string_equal(diag.text, "injected fault");
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_fail_as_told),
        cmocka_unit_test(memory_is_counted),
        cmocka_unit_test(a_small_device_is_full),
        cmocka_unit_test(randomness_repeats),
        cmocka_unit_test(the_log_keeps_lines),
        cmocka_unit_test(names_answer_as_told),
        cmocka_unit_test(the_zone_is_checked),
        cmocka_unit_test(files_fail_as_told),
        cmocka_unit_test(directories_are_listed),
        cmocka_unit_test(every_raw_call_can_fail),
        cmocka_unit_test(injected_faults_explain_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
