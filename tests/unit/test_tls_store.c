/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: what is kept of one peer, and what drives it out. */
#include <linnet/tls.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ln_session_slot slot;
static uint8_t bytes[LN_SESSION_MAX];

/** 30 digits for the peer, two for what it is. */
static const char *key(unsigned peer, unsigned kind)
{
    static char text[4][33];
    static unsigned next;
    char *out = text[next++ % 4];
    (void)snprintf(out, 33, "%030u%02u", peer, kind);
    return out;
}

static enum ln_status save(const struct ln_session_store *s, const char *name, uint8_t with,
                           size_t len)
{
    memset(bytes, with, len);
    return s->save(s->ctx, name, ln_span(bytes, len));
}

/** What is there: its length, all its bytes as they were saved; 0 = nothing. */
static size_t there(const struct ln_session_store *s, const char *name, uint8_t with)
{
    static uint8_t room[LN_SESSION_MAX];
    size_t len = 0;
    enum ln_status st = s->load(s->ctx, name, ln_mspan(room, sizeof room), &len);
    if (st == LN_NOT_FOUND)
        return 0;
    assert_int_equal(st, LN_OK);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(room[i], with);
    return len;
}

static struct ln_session_store empty_store(void)
{
    memset(&slot, 0, sizeof slot);
    return ln_session_store_slot(&slot);
}

static void test_three_of_one_peer(void **state)
{
    (void)state;
    struct ln_session_store s = empty_store();
    for (unsigned kind = 1; kind <= 3; kind++)
        assert_int_equal(save(&s, key(7, kind), (uint8_t)kind, 100 * kind), LN_OK);
    for (unsigned kind = 1; kind <= 3; kind++)
        assert_int_equal(there(&s, key(7, kind), (uint8_t)kind), 100 * kind);
    assert_int_equal(save(&s, key(7, 2), 9, 50), LN_OK); /* the middle one, anew and shorter */
    assert_int_equal(there(&s, key(7, 1), 1), 100);
    assert_int_equal(there(&s, key(7, 2), 9), 50);
    assert_int_equal(there(&s, key(7, 3), 3), 300);
    assert_int_equal(s.remove(s.ctx, key(7, 1)), LN_OK);
    assert_int_equal(s.remove(s.ctx, key(7, 1)), LN_NOT_FOUND);
    assert_int_equal(there(&s, key(7, 1), 1), 0);
    assert_int_equal(there(&s, key(7, 2), 9), 50);
    assert_int_equal(there(&s, key(7, 3), 3), 300);
    assert_int_equal(save(&s, key(7, 4), 4, 10), LN_OK);
    assert_int_equal(save(&s, key(7, 5), 5, 10), LN_OK); /* a fourth: the oldest goes */
    assert_int_equal(there(&s, key(7, 3), 3), 0);
    assert_int_equal(there(&s, key(7, 2), 9), 50);
    assert_int_equal(there(&s, key(7, 4), 4), 10);
    assert_int_equal(there(&s, key(7, 5), 5), 10);
}

static void test_another_peer(void **state)
{
    (void)state;
    struct ln_session_store s = empty_store();
    for (unsigned kind = 1; kind <= 3; kind++)
        assert_int_equal(save(&s, key(7, kind), 1, 20), LN_OK);
    assert_int_equal(save(&s, key(8, 1), 2, 20), LN_OK);
    for (unsigned kind = 1; kind <= 3; kind++)
        assert_int_equal(there(&s, key(7, kind), 1), 0);
    assert_int_equal(there(&s, key(8, 1), 2), 20);
}

static void test_room(void **state)
{
    (void)state;
    struct ln_session_store s = empty_store();
    size_t len = 0;
    uint8_t little[4];
    assert_int_equal(save(&s, key(7, 1), 1, LN_SESSION_MAX), LN_OK);
    assert_int_equal(there(&s, key(7, 1), 1), LN_SESSION_MAX);
    assert_int_equal(save(&s, key(7, 2), 2, 1), LN_OK); /* the large one must go for it */
    assert_int_equal(there(&s, key(7, 1), 1), 0);
    assert_int_equal(save(&s, key(7, 1), 1, LN_SESSION_MAX / 2), LN_OK);
    assert_int_equal(there(&s, key(7, 2), 2), 1);
    assert_int_equal(s.load(s.ctx, key(7, 1), ln_mspan(little, sizeof little), &len), LN_NO_SPACE);
    assert_int_equal(len, LN_SESSION_MAX / 2);
    assert_int_equal(s.save(s.ctx, key(7, 3), ln_span(NULL, 0)), LN_NO_SPACE);
    assert_int_equal(s.save(s.ctx, "short", ln_span(bytes, 1)), LN_NO_SPACE);
    assert_int_equal(there(&s, key(7, 2), 2), 1);
}

/* Secrets do not stay behind what is there. */
static void test_what_is_removed_is_wiped(void **state)
{
    (void)state;
    struct ln_session_store s = empty_store();
    assert_int_equal(save(&s, key(7, 1), 0xaa, 300), LN_OK);
    assert_int_equal(save(&s, key(7, 2), 0xbb, 300), LN_OK);
    assert_int_equal(s.remove(s.ctx, key(7, 1)), LN_OK);
    assert_int_equal(save(&s, key(7, 2), 0xcc, 10), LN_OK);
    for (size_t i = 10; i < sizeof slot.blob; i++)
        assert_int_equal(slot.blob[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_of_one_peer),
        cmocka_unit_test(test_another_peer),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_what_is_removed_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
