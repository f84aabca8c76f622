/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/tls/dtls_guard.c.
 *
 * Input: a byte of flags (1 = we are the server, 2 = DTLS 1.3 is allowed), then steps: two bytes of
 * length and a datagram; the length 0xffff, without a datagram, is the end of the handshake. */
#include "fuzz/fuzz.h"

#include "base/cursor.h"
#include "fuzz/check.h"
#include "tls/dtls_guard.h"

#define ESTABLISHED 0xffff

static bool is_same(const struct ln_dtls_guard *a, const struct ln_dtls_guard *b)
{
    for (size_t i = 0; i < LN_GUARD_WINDOW; i++) {
        const struct ln_guard_message *m = &a->messages[i];
        const struct ln_guard_message *n = &b->messages[i];
        if (m->seen != n->seen || m->type != n->type || m->length != n->length ||
            m->head != n->head || m->times != n->times)
            return false;
    }
    return a->claimed == b->claimed && a->numbers.distinct == b->numbers.distinct &&
           a->numbers.last == b->numbers.last && a->record_min == b->record_min &&
           a->facts.messages == b->facts.messages && a->facts.records == b->facts.records &&
           a->facts.version == b->facts.version && a->facts.suite == b->facts.suite &&
           a->facts.hello_verifies == b->facts.hello_verifies && a->facts.alert == b->facts.alert;
}

/* What is kept is made of whole records that a library may see. */
static void check_kept(const struct ln_dtls_guard *g, struct ln_span kept)
{
    struct ln_cursor in = ln__cursor(kept);
    while (!ln__cursor_is_empty(&in)) {
        uint8_t type = 0;
        uint16_t version = 0;
        uint16_t epoch = 0;
        struct ln_span body;
        CHECK(ln__cursor_u8(&in, &type) == LN_OK);
        if ((type & 0xe0) == 0x20) {
            CHECK(g->allow_dtls13);
            return;
        }
        CHECK(ln__cursor_u16(&in, &version) == LN_OK && ln__cursor_u16(&in, &epoch) == LN_OK);
        CHECK(ln__cursor_skip(&in, 6) == LN_OK && ln__cursor_vector(&in, 2, &body) == LN_OK);
        CHECK(type >= 20 && type <= 23 && (version == 0xfeff || version == 0xfefd));
        CHECK(epoch <= 1 && body.len > 0 && body.len <= 16384 + 2048);
        CHECK(epoch == 0 || body.len >= 16);
        CHECK(epoch == 1 || type == 22 || !g->established);
    }
}

static void check_state(const struct ln_dtls_guard *g)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LN_GUARD_WINDOW; i++) {
        sum += g->messages[i].length;
        CHECK(g->messages[i].head <= g->messages[i].length);
    }
    CHECK(g->claimed == sum && sum <= LN_GUARD_CLAIM_MAX);
    CHECK(g->facts.hello_verifies <= LN_GUARD_HELLO_VERIFY_MAX);
    CHECK(g->dropped[LN_GUARD_DROP_NONE] == 0 && g->record_min >= 16);
}

/* What was dropped has taught nothing: without it, the same is kept and the same is known. */
static void check_again(struct ln_dtls_guard before, const struct ln_dtls_guard *after,
                        struct ln_span kept)
{
    uint8_t *copy = malloc(kept.len > 0 ? kept.len : 1);
    uint64_t dropped = ln__dtls_guard_dropped(&before);
    CHECK(copy != NULL);
    if (kept.len > 0)
        memcpy(copy, kept.data, kept.len);
    CHECK(ln__dtls_guard_filter(&before, copy, kept.len) == kept.len);
    CHECK(ln__dtls_guard_dropped(&before) == dropped);
    CHECK(ln_span_equal(ln_span(copy, kept.len), kept) && is_same(&before, after));
    free(copy);
}

static void filter(struct ln_dtls_guard *g, struct ln_span datagram)
{
    uint8_t *copy = malloc(datagram.len > 0 ? datagram.len : 1);
    struct ln_dtls_guard before = *g;
    CHECK(copy != NULL);
    if (datagram.len > 0)
        memcpy(copy, datagram.data, datagram.len);
    size_t kept = ln__dtls_guard_filter(g, copy, datagram.len);
    CHECK(kept <= datagram.len);
    CHECK(kept == datagram.len || ln__dtls_guard_dropped(g) > ln__dtls_guard_dropped(&before));
    check_kept(g, ln_span(copy, kept));
    check_state(g);
    check_again(before, g, ln_span(copy, kept));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln_cursor in = ln__cursor(ln_span(data, size));
    struct ln_dtls_guard g;
    uint8_t flags = 0;
    uint16_t len = 0;
    if (ln__cursor_u8(&in, &flags) != LN_OK)
        return 0;
    ln__dtls_guard_init(&g, (flags & 1) != 0);
    if ((flags & 2) != 0)
        ln__dtls_guard_allow_dtls13(&g);
    while (ln__cursor_u16(&in, &len) == LN_OK) {
        struct ln_span datagram;
        if (len == ESTABLISHED) {
            ln__dtls_guard_established(&g, 24);
            continue;
        }
        if (ln__cursor_take(&in, len, &datagram) != LN_OK)
            datagram = ln__cursor_rest(&in);
        filter(&g, datagram);
    }
    return 0;
}
