/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_download_random.c
 * Downloads whose server, network, program, power and file misbehave at random.
 *
 * Whatever happens: a download that says it is complete has stored exactly one version of the file,
 * the one whose digest it tells, and it was the current one at some time of the download; and one that
 * is left alone after a while becomes complete. With a seed that fails, the run can be repeated:
 * LN_TEST_SEED=n.
 */
#include "support/dlstore.h"
#include "support/httpworld.h"

#include <linnet/digest.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SEEDS = 150, SEEDS_FULL = 10000, VERSIONS = 4, EVENTS = 12, SIZE_MAX_ = 30000 };

static struct http_world w;
static struct dl_store store;

static struct {
    uint64_t seed;
    uint64_t dice;
    unsigned version;
    bool calm;       /**< nothing bad happens any more */
    unsigned oldest; /**< the version that was current when the download began */
    size_t completed;
} r;

static unsigned cast(unsigned faces)
{
    r.dice = r.dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((r.dice >> 33) % faces);
}

static struct ln_span version_of(unsigned version)
{
    size_t len = 10000 + (size_t)(r.seed * 31 + version * 977) % (SIZE_MAX_ - 10000);
    return ln_span(w.content + 20000 * (size_t)version, len);
}

static void respond(void *user, const struct http_ask *ask, struct http_answer *answer)
{
    static char etag[VERSIONS][16];
    (void)user;
    unsigned v = r.version;
    (void)snprintf(etag[v], sizeof etag[v], "\"v%u\"", v);
    struct http_file file = { .content = version_of(v), .etag = etag[v] };
    file.chunked = cast(4) == 0;
    file.no_ranges = cast(8) == 0;
    if (!r.calm && cast(10) == 0) {
        http_say(answer, "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    http_serve_file(&file, ask, answer);
    if (!r.calm && cast(3) > 0) {
        answer->limit = cast((unsigned)(answer->head_len + answer->body.len) + 1);
        answer->end = (enum http_end)(HTTP_CLOSE + cast(3));
    }
    answer->piece = 500 + cast(4000);
    answer->piece_ms = 1 + cast(50);
}

static struct ln_download *begin(bool secure)
{
    struct ln_download_options o = LN_DOWNLOAD_OPTIONS_INIT;
    struct ln_download *d = NULL;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    o.uri = secure ? "https://server.example/fw" : "http://server.example/fw";
    o.store = dl_store_ops(&store);
    o.tls = w.client_tls;
    o.save_bytes = 1 + cast(8000);
    o.sync_bytes = 1 + cast(20000);
    o.bytes_max = LN_DOWNLOAD_NO_LIMIT;
    o.time_max_ms = LN_DOWNLOAD_NO_LIMIT;
    o.restarts_max = UINT32_MAX;
    o.attempts_max = 50;
    o.backoff_max_ms = 10000;
    if (ln_download_new(&w.net.device, &o, &diag, &d) != LN_OK)
        fail_msg("%s", diag.text);
    return d;
}

static enum ln_status step_for(struct ln_download *d, ln_msec ms)
{
    ln_msec until = http_world_now(&w) + ms;
    enum ln_status st = LN_AGAIN;
    while (st == LN_AGAIN && http_world_now(&w) < until) {
        struct ln_interest want;
        st = ln_download_step(d, http_world_now(&w));
        ln_download_interest(d, &want);
        ln_interest_until(&want, until);
        if (st == LN_AGAIN)
            http_wait(&w.net.device, &want);
    }
    return st;
}

static void check_complete(struct ln_download *d)
{
    struct ln_download_info info;
    struct ln_hasher *h = NULL;
    uint8_t sha256[LN_HASH_MAX];
    bool known = false;
    ln_download_info(d, &info);
    for (unsigned v = r.oldest; v <= r.version; v++)
        known = known || dl_store_holds(&store, version_of(v));
    if (!known)
        fail_msg("seed %llu: %zu bytes that are no version", (unsigned long long)r.seed, store.len);
    assert_int_equal(ln_hasher_new(&w.net.server, LN_SHA256, &h), LN_OK);
    ln_hasher_update(h, ln_span(store.bytes, store.len));
    assert_int_equal(ln_hasher_value(h, sha256), LN_OK);
    ln_hasher_free(h);
    assert_true(info.has_sha256);
    assert_memory_equal(info.sha256, sha256, 32);
    r.completed++;
}

static void kill_program(struct ln_download **d)
{
    static struct dl_store kept;
    kept = store;
    ln_download_free(*d);
    store = kept;
    if (cast(2) == 0)
        dl_store_lose_power(&store, cast(2) == 0);
}

/* @return false: the download is over */
static bool something_happens(struct ln_download **d, bool secure)
{
    switch (cast(6)) {
    case 0:
        kill_program(d);
        *d = begin(secure);
        break;
    case 1:
        ln_download_suspend(*d);
        assert_int_equal(step_for(*d, 1 + cast(100000)), LN_AGAIN);
        ln_download_resume(*d);
        break;
    case 2:
        ln_download_reconnect(*d);
        break;
    case 3:
        if (r.version + 1 < VERSIONS)
            r.version++;
        break;
    case 4:
        (void)ln_testkit_reset_streams(w.net.kit, NULL, NULL);
        break;
    default:
        break;
    }
    return step_for(*d, 1 + cast(3000)) == LN_AGAIN;
}

static void run(uint64_t seed)
{
    struct ln_testkit_chunks chunks = { .vary = true };
    memset(&r, 0, offsetof(__typeof__(r), completed));
    r.seed = seed;
    r.dice = seed * 0x9e3779b97f4a7c15u;
    http_world_open(&w);
    dl_store_clear(&store);
    w.script = respond;
    chunks.read_max = 1 + cast(3000);
    ln_testkit_host_chunks(w.net.device_host, &chunks);
    bool secure = cast(2) == 0;
    struct ln_download *d = begin(secure);
    bool goes_on = true;
    for (unsigned i = 0; goes_on && i < EVENTS; i++)
        goes_on = something_happens(&d, secure);
    r.calm = true;
    enum ln_status st = goes_on ? step_for(d, 100000000) : ln_download_step(d, http_world_now(&w));
    if (st != LN_OK)
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, ln_status_name(st),
                 ln_download_diag(d)->text);
    check_complete(d);
    ln_download_free(d);
    http_world_close(&w);
}

/* scenario: T3 */
static void test_whatever_happens(void **state)
{
    (void)state;
    const char *one = getenv("LN_TEST_SEED");
    uint64_t seeds = getenv("LN_TEST_FULL") != NULL ? SEEDS_FULL : SEEDS;
    if (one != NULL) {
        run(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= seeds; seed++)
        run(seed);
    assert_true(r.completed == seeds);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(test_whatever_happens) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
