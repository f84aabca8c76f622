/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_cid_kept_mbedtls.c
 * What is kept of an association with Connection ID: damaged, forged, used already, or of somebody
 * else, it is not used, and costs a handshake. And what is not kept at all.
 */
#include "support/cidworld.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/** What is kept is no good any more: an abbreviated handshake. Then all is as it was. */
static void costs_a_handshake(struct cid_world *w, const struct shelf *whole)
{
    cid_must_shake_hands(w, true);
    cid_kill(w);
    memcpy(w->shelf.slot, whole->slot, sizeof whole->slot);
}

/* Any byte of what was kept is damaged: a handshake, and nothing is lost. */
/* scenario: C2, T2, H121 */
static void test_damage(void **state)
{
    (void)state;
    static const enum ln_blob_kind kinds[] = { LN_BLOB_ASSOCIATION, LN_BLOB_SEAL };
    static struct shelf whole;
    struct cid_world *w = cid_after_one_life();
    size_t stride = getenv("LN_TEST_FULL") != NULL ? 1 : 7;
    whole = w->shelf;
    for (size_t k = 0; k < 2; k++) {
        size_t len = cid_find(w, kinds[k])->len;
        for (size_t at = 0; at < len; at += stride) {
            cid_find(w, kinds[k])->blob[at] ^= (uint8_t)(1u << at % 8);
            costs_a_handshake(w, &whole);
        }
        cid_find(w, kinds[k])->len /= 2; /* cut */
        costs_a_handshake(w, &whole);
    }
    cid_close(w);
}

/* The session is damaged too: a full handshake, and nothing is lost. */
/* scenario: C2, T2, T2b, H121 */
static void test_all_is_damaged(void **state)
{
    (void)state;
    static const enum ln_blob_kind kinds[] = { LN_BLOB_ASSOCIATION, LN_BLOB_SEAL };
    for (size_t k = 0; k < 2; k++) {
        struct cid_world *w = cid_after_one_life();
        struct shelf_slot *kept = cid_find(w, kinds[k]);
        struct shelf_slot *session = cid_find(w, LN_BLOB_SESSION);
        kept->blob[kept->len / 2] ^= 1;
        session->blob[session->len / 2] ^= 1;
        cid_must_shake_hands(w, false);
        cid_end(w);
        cid_must_be_restored(w); /* and the new ones are good */
        cid_close(w);
    }
}

/** Somebody who knows the frame changes a byte of what is in it, and mends the frame's sum. */
static void forge(struct shelf_slot *slot, size_t at, uint8_t with)
{
    static uint8_t payload[LN_SESSION_MAX];
    static uint8_t identity[1024];
    struct ln_blob blob;
    assert_int_equal(ln__blob_read(ln_span(slot->blob, slot->len), &blob), LN_OK);
    memcpy(payload, blob.payload.data, blob.payload.len);
    memcpy(identity, blob.identity.data, blob.identity.len);
    payload[at] ^= with;
    blob.payload = ln_span(payload, blob.payload.len);
    blob.identity = ln_span(identity, blob.identity.len);
    slot->len = ln__blob_write(&blob, ln_mspan(slot->blob, sizeof slot->blob));
    assert_true(slot->len > 0);
}

/* The MAC finds what the frame's sum does not: the library itself would load most of these. */
/* scenario: C2, T2 */
static void test_forgery(void **state)
{
    (void)state;
    static struct shelf whole;
    struct cid_world *w = cid_after_one_life();
    struct ln_blob blob;
    struct shelf_slot *slot = cid_find(w, LN_BLOB_ASSOCIATION);
    size_t stride = getenv("LN_TEST_FULL") != NULL ? 1 : 5;
    assert_int_equal(ln__blob_read(ln_span(slot->blob, slot->len), &blob), LN_OK);
    size_t len = blob.payload.len;
    whole = w->shelf;
    for (size_t at = 0; at < len; at += stride) {
        forge(cid_find(w, LN_BLOB_ASSOCIATION), at, 1);
        costs_a_handshake(w, &whole);
    }
    forge(cid_find(w, LN_BLOB_SEAL), 0, 1);
    costs_a_handshake(w, &whole);
    cid_close(w);
}

/** HMAC-SHA-256, by another library than the one that is tested. */
static void seal_anew(struct cid_world *w)
{
    struct shelf_slot *slot = cid_find(w, LN_BLOB_ASSOCIATION);
    const struct shelf_slot *seal_slot = cid_find(w, LN_BLOB_SEAL);
    static uint8_t covered[LN_SESSION_MAX];
    static uint8_t payload[LN_SESSION_MAX];
    static uint8_t identity[1024];
    struct ln_blob blob;
    struct ln_blob seal;
    unsigned mac_len = 0;
    assert_int_equal(ln__blob_read(ln_span(slot->blob, slot->len), &blob), LN_OK);
    assert_int_equal(ln__blob_read(ln_span(seal_slot->blob, seal_slot->len), &seal), LN_OK);
    memcpy(identity, blob.identity.data, blob.identity.len);
    memcpy(payload, blob.payload.data, blob.payload.len);
    memcpy(covered, identity, blob.identity.len);
    memcpy(covered + blob.identity.len, payload + 32, blob.payload.len - 32);
    assert_non_null(HMAC(EVP_sha256(), seal.payload.data, 32, covered,
                         blob.identity.len + blob.payload.len - 32, payload, &mac_len));
    assert_int_equal(mac_len, 32);
    blob.identity.data = identity;
    blob.payload.data = payload;
    slot->len = ln__blob_write(&blob, ln_mspan(slot->blob, sizeof slot->blob));
}

/* An association of another version of the library: a handshake. */
/* scenario: C2, T2, H121 */
static void test_another_version(void **state)
{
    (void)state;
    struct cid_world *w = cid_after_one_life();
    seal_anew(w); /* that alone changes nothing */
    cid_must_be_restored(w);
    cid_end(w);
    for (size_t at = 0; at < 8; at++) { /* the library's own header: version and switches */
        forge(cid_find(w, LN_BLOB_ASSOCIATION), 32 + at, 0x40);
        seal_anew(w);
        cid_must_shake_hands(w, true);
        cid_end(w);
    }
    cid_close(w);
}

/* An association is used once. A copy of it that is put back is void. */
/* scenario: C2, T2, PIT-24 */
static void test_a_used_one(void **state)
{
    (void)state;
    struct cid_world *w = cid_after_one_life();
    static struct shelf_slot copy;
    struct shelf_slot *slot = cid_find(w, LN_BLOB_ASSOCIATION);
    copy = *slot;
    cid_must_be_restored(w);
    cid_kill(w);
    assert_null(cid_find(w, LN_BLOB_ASSOCIATION));
    assert_null(cid_find(w, LN_BLOB_SEAL));
    *slot = copy;
    cid_must_shake_hands(w, true);
    cid_end(w); /* a new one is kept */
    *slot = copy;
    cid_must_shake_hands(w, true);
    cid_close(w);
}

/* A seal that cannot be removed for certain leaves the association alone. */
/* scenario: C2, PIT-24 */
static void test_a_seal_that_stays(void **state)
{
    (void)state;
    struct cid_world *w = cid_after_one_life();
    w->fail_remove = LN_IO;
    cid_must_shake_hands(w, true);
    cid_kill(w);
    w->fail_remove = LN_OK;
    cid_must_be_restored(w); /* nobody had used it */
    cid_close(w);
}

static struct ln_session_store the_store;
static enum ln_status remove_behind_our_back(void *ctx, const char *key)
{
    (void)the_store.remove(ctx, key);
    return the_store.remove(ctx, key);
}

/* Of two that want it, one gets it. */
/* scenario: C2, PIT-24 */
static void test_somebody_was_faster(void **state)
{
    (void)state;
    struct cid_world *w = cid_after_one_life();
    the_store = w->store;
    w->store.remove = remove_behind_our_back;
    cid_must_shake_hands(w, true);
    w->store = the_store;
    cid_close(w);
}

static struct shelf later_life;
static unsigned removes;
static enum ln_status remove_a_life_later(void *ctx, const char *key)
{
    struct cid_world *w = ctx;
    if (removes++ == 0)
        w->shelf = later_life;
    return the_store.remove(ctx, key);
}

/* Somebody else takes it, lives with it and keeps what became of it, while we have looked at it and did
 * not take it yet: the seal that we then remove is another one, and ours is void. */
static void test_somebody_was_much_faster(void **state)
{
    (void)state;
    static struct shelf first_life;
    struct cid_world *w = cid_after_one_life();
    first_life = w->shelf;
    cid_must_be_restored(w);
    cid_end(w);
    later_life = w->shelf;
    w->shelf = first_life;
    removes = 0;
    the_store = w->store;
    w->store.remove = remove_a_life_later;
    cid_must_shake_hands(w, true);
    cid_close(w); /* no record number was used twice */
}

/* Other settings: not used, and not spoilt for those it is for. */
/* scenario: C2, PIT-17 */
static void test_other_settings(void **state)
{
    (void)state;
    struct cid_world *w = cid_after_one_life();
    const struct ln_span right = w->options.psk_key;
    w->options.psk_key = ln_span_str("another key.....");
    cid_start(w);
    assert_int_not_equal(cid_try_connect(w), LN_OK);
    assert_false(w->info.tls.cid_restored);
    cid_kill(w);
    w->options.psk_key = right;
    cid_must_be_restored(w);
    cid_close(w);
}

/* A peer of another name or port is another peer. */
/* scenario: C2, PIT-17 */
static void test_another_name(void **state)
{
    (void)state;
    struct cid_world *w = cid_after_one_life();
    cid_start(w);
    assert_int_equal(ln_sock_set_server_name(w->sock, "other.example"), LN_OK);
    cid_connect(w);
    assert_false(w->info.tls.cid_restored);
    assert_false(w->info.tls.resumed);
    cid_exchange(w, "as somebody else");
    cid_close(w);
}

/* ---- what is not kept ---- */

/* scenario: C2, S28 */
static void test_forget(void **state)
{
    (void)state;
    struct cid_world *w = cid_after_one_life();
    cid_begin(w);
    ln_sock_forget_session(w->sock);
    cid_end(w);
    assert_null(cid_find(w, LN_BLOB_SESSION));
    assert_null(cid_find(w, LN_BLOB_ASSOCIATION));
    assert_null(cid_find(w, LN_BLOB_SEAL));
    cid_must_shake_hands(w, false);
    cid_end(w);
    cid_must_be_restored(w);
    cid_close(w);
}

/* scenario: C2 */
static void test_goodbye_ends_it(void **state)
{
    (void)state;
    struct cid_world *w = cid_open(CID_LEN);
    w->options.close_policy = LN_CLOSE_NOTIFY;
    cid_live(w);
    assert_null(cid_find(w, LN_BLOB_ASSOCIATION));
    cid_must_shake_hands(w, true);
    cid_close(w);
}

/* In use without a store: good for a new address, and nothing is kept. No goodbye either: it would end
 * the association that another socket may not need any more, and the server finds out by itself. */
/* scenario: C2 */
static void test_without_a_store(void **state)
{
    (void)state;
    struct cid_world *w = cid_open(CID_LEN);
    w->options.sessions = NULL;
    cid_begin(w);
    assert_int_equal(ln_testkit_nat_rebind(w->nat, NULL), LN_OK);
    cid_exchange(w, "after");
    unsigned packets = w->traffic.packets;
    cid_end(w);
    assert_int_equal(w->traffic.packets, packets);
    assert_int_equal(w->shelf.saves, 0);
    cid_close(w);
}

/* CBC suites cannot be saved, and the log says so. */
/* scenario: C2, S25 */
static void test_cbc(void **state)
{
    (void)state;
    static const uint16_t suite[] = { 0x00ae }; /* PSK_WITH_AES_128_CBC_SHA256 */
    struct cid_world *w = cid_open(CID_LEN);
    w->options.suites = suite;
    w->options.suite_count = 1;
    cid_begin(w);
    assert_true(w->info.tls.cid_in_use);
    assert_int_equal(w->info.tls.suite, suite[0]);
    w->log[0] = '\0';
    cid_end(w);
    assert_non_null(strstr(w->log, "CBC"));
    assert_null(cid_find(w, LN_BLOB_ASSOCIATION));
    cid_must_shake_hands(w, true);
    cid_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_all_is_damaged),
        cmocka_unit_test(test_forgery),
        cmocka_unit_test(test_another_version),
        cmocka_unit_test(test_a_used_one),
        cmocka_unit_test(test_a_seal_that_stays),
        cmocka_unit_test(test_somebody_was_faster),
        cmocka_unit_test(test_somebody_was_much_faster),
        cmocka_unit_test(test_other_settings),
        cmocka_unit_test(test_another_name),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_goodbye_ends_it),
        cmocka_unit_test(test_without_a_store),
        cmocka_unit_test(test_cbc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
