/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/tls/digest.c and of the hash functions in pieces of every TLS library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/digest.h>
#include <linnet/testkit.h>
#include <linnet/tls_backend.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct {
    struct ln_testkit *kit;
    struct ln_testkit_host *host;
    struct ln_env env;
} world;

static int open_world(void **state)
{
    (void)state;
    assert_int_equal(ln_testkit_new(NULL, &world.kit), LN_OK);
    assert_int_equal(ln_testkit_host_new(world.kit, "device", "192.0.2.10", &world.host), LN_OK);
    ln_testkit_env(world.host, &world.env);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    struct ln_testkit_memory memory;
    ln_testkit_memory(world.host, &memory);
    assert_int_equal(memory.live_blocks, 0);
    ln_testkit_free(world.kit);
    return 0;
}

/* FIPS 180-4, the examples of NIST; "a" a million times is the third one of each. */
static const struct {
    enum ln_hash hash;
    const char *text;
    size_t times;
    const char *digest;
} known[] = {
    { LN_SHA256, "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { LN_SHA256, "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { LN_SHA256, "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
    { LN_SHA384, "abc", 1,
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
      "8086072ba1e7cc2358baeca134c825a7" },
    { LN_SHA512, "abc", 1,
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

static void expect(struct ln_hasher *h, size_t row)
{
    uint8_t digest[LN_HASH_MAX];
    char text[2 * LN_HASH_MAX + 1] = "";
    assert_int_equal(ln_hasher_value(h, digest), LN_OK);
    for (size_t i = 0; i < ln_hash_len(known[row].hash); i++)
        (void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, known[row].digest);
}

/* Every library hashes as FIPS 180-4 says, and asking in between changes nothing. */
static void test_known_digests(void **state)
{
    (void)state;
    size_t libraries = 0;
    for (size_t i = 0; ln_tls_builtin(i) != NULL; i++) {
        const struct ln_tls_backend *library = ln_tls_builtin(i);
        assert_non_null(library->digest);
        world.env.digest = (struct ln_digest) { .pieces = library->digest };
        for (size_t row = 0; row < COUNT(known); row++) {
            struct ln_hasher *h = NULL;
            uint8_t early[LN_HASH_MAX];
            assert_int_equal(ln_hasher_new(&world.env, known[row].hash, &h), LN_OK);
            for (size_t n = 0; n < known[row].times; n++) {
                ln_hasher_update(h, ln_span_str(known[row].text));
                if (n % 99991 == 0)
                    assert_int_equal(ln_hasher_value(h, early), LN_OK);
            }
            expect(h, row);
            expect(h, row);
            ln_hasher_free(h);
        }
        libraries++;
    }
    assert_true(libraries > 0);
}

/* Without one in the environment the first library's is used. */
static void test_the_library_is_found(void **state)
{
    (void)state;
    struct ln_hasher *h = NULL;
    assert_int_equal(ln_hasher_new(&world.env, LN_SHA256, &h), LN_OK);
    ln_hasher_update(h, ln_span_str("a"));
    ln_hasher_update(h, ln_span(NULL, 0));
    ln_hasher_update(h, ln_span_str("bc"));
    expect(h, 1);
    assert_int_equal(ln_hasher_new(&world.env, LN_SHA256, &h), LN_BAD_ARG);
    ln_hasher_free(h);
    ln_hasher_free(NULL);
}

/* ---- an environment's own ---- */

static struct {
    size_t begun, ended;
    size_t fail_update; /* this one fails; 0 = none */
    size_t updates;
} own;

static enum ln_status own_begin(void *ctx, const struct ln_env *env, enum ln_hash hash, void **out)
{
    (void)env;
    assert_ptr_equal(ctx, &own);
    if (hash != LN_SHA256)
        return LN_UNSUPPORTED;
    own.begun++;
    *out = &own;
    return LN_OK;
}

static enum ln_status own_update(void *digest, struct ln_span data)
{
    assert_ptr_equal(digest, &own);
    assert_true(data.len > 0);
    return ++own.updates == own.fail_update ? LN_IO : LN_OK;
}

static enum ln_status own_value(void *digest, uint8_t out[LN_HASH_MAX])
{
    assert_ptr_equal(digest, &own);
    memset(out, 0x5a, LN_HASH_MAX);
    return LN_OK;
}

static void own_end(void *digest)
{
    assert_ptr_equal(digest, &own);
    own.ended++;
}

static const struct ln_digest_ops own_ops = { own_begin, own_update, own_value, own_end };

static void test_the_environment_comes_first(void **state)
{
    (void)state;
    struct ln_hasher *h = NULL;
    uint8_t digest[LN_HASH_MAX];
    memset(&own, 0, sizeof own);
    own.fail_update = 2;
    world.env.digest = (struct ln_digest) { .ctx = &own, .pieces = &own_ops };
    assert_int_equal(ln_hasher_new(&world.env, LN_SHA512, &h), LN_UNSUPPORTED);
    assert_null(h);
    assert_int_equal(ln_hasher_new(&world.env, LN_SHA256, &h), LN_OK);
    ln_hasher_update(h, ln_span_str("x"));
    assert_int_equal(ln_hasher_value(h, digest), LN_OK);
    assert_int_equal(digest[0], 0x5a);
    ln_hasher_update(h, ln_span_str("y"));
    ln_hasher_update(h, ln_span_str("z"));
    assert_int_equal(own.updates, 2); /* nothing is added behind a hole */
    assert_int_equal(ln_hasher_value(h, digest), LN_IO);
    ln_hasher_free(h);
    assert_int_equal(own.begun, 1);
    assert_int_equal(own.ended, 1);
}

static void test_without_memory_there_is_none(void **state)
{
    (void)state;
    struct ln_testkit_fault fault = { .times = 1 };
    size_t failed = 0;
    for (fault.nth = 0;; fault.nth++) {
        struct ln_hasher *h = NULL;
        ln_testkit_fail(world.host, LN_TESTKIT_ALLOC, &fault);
        enum ln_status st = ln_hasher_new(&world.env, LN_SHA256, &h);
        if (ln_testkit_hits(world.host, LN_TESTKIT_ALLOC) == 0) {
            assert_int_equal(st, LN_OK);
            ln_hasher_free(h);
            break;
        }
        assert_int_equal(st, LN_NO_MEMORY);
        assert_null(h);
        failed++;
    }
    assert_int_equal(failed, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_known_digests),
        TEST(test_the_library_is_found),
        TEST(test_the_environment_comes_first),
        TEST(test_without_memory_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
