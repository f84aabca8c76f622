/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/coap_read.c and coap_write.c. What is accepted, over UDP or TCP, can be
 * written again option by option and means the same; what is refused changes nothing. */
#include "fuzz/fuzz.h"

#include <linnet/coap_msg.h>

#include "fuzz/check.h"

static void check_parts(const struct ln_coap_msg *m, struct ln_span in)
{
    CHECK(lies_in(m->options, in) && lies_in(m->payload, in));
    CHECK((m->has & LN_COAP_HAS_ETAG) == 0 || (lies_in(m->etag, in) && m->etag.len <= 8));
    CHECK((m->has & LN_COAP_HAS_ECHO) == 0 || (lies_in(m->echo, in) && m->echo.len <= 40));
    CHECK(m->token.len <= 8);
    CHECK((m->has & LN_COAP_HAS_BLOCK1) == 0 || (m->block1.num < 1u << 20 && m->block1.szx <= 7));
    CHECK((m->has & LN_COAP_HAS_OBSERVE) == 0 || m->observe < 1u << 24);
    CHECK(m->bad_option == 0 || (m->bad_option & 1) != 0);
}

/* From the last option to the first, so that each is inserted before the others. */
static void put_backwards(struct ln_coap_writer *w, struct ln_coap_iter it)
{
    struct ln_coap_opt opts[64];
    size_t n = 0;
    while (n < 64 && ln_coap_next(&it, &opts[n]))
        n++;
    if (n == 64) { /* too many for this: in their order */
        for (size_t i = 0; i < n; i++)
            ln_coap_put(w, opts[i].number, opts[i].value);
        while (ln_coap_next(&it, &opts[0]))
            ln_coap_put(w, opts[0].number, opts[0].value);
        return;
    }
    /* those of one number keep their order among themselves */
    for (size_t end = n; end > 0;) {
        size_t first = end - 1;
        while (first > 0 && opts[first - 1].number == opts[end - 1].number)
            first--;
        for (size_t i = first; i < end; i++)
            ln_coap_put(w, opts[i].number, opts[i].value);
        end = first;
    }
}

static void check_again(const struct ln_coap_msg *m, bool tcp, size_t size)
{
    size_t room = size * 2 + 64; /* headers may have been longer than needed */
    uint8_t *bytes = malloc(room);
    struct ln_coap_writer w;
    struct ln_span out = ln_span(NULL, 0);
    struct ln_coap_msg again;
    CHECK(bytes != NULL);
    if (tcp)
        ln_coap_write_tcp(&w, ln_mspan(bytes, room), m->code, &m->token);
    else
        ln_coap_write_udp(&w, ln_mspan(bytes, room), (enum ln_coap_type)m->type, m->code, m->mid,
                          &m->token);
    put_backwards(&w, ln_coap_options(m->options));
    ln_coap_put_payload(&w, m->payload);
    CHECK(ln_coap_writer_end(&w, &out) == LN_OK);
    CHECK((tcp ? ln_coap_read_tcp(out, &again) : ln_coap_read_udp(out, &again)) == LN_OK);
    CHECK(again.type == m->type && again.code == m->code && again.mid == m->mid);
    CHECK(ln_coap_token_equal(&again.token, &m->token));
    CHECK(again.has == m->has && again.bad_option == m->bad_option);
    CHECK(ln_span_equal(again.payload, m->payload) != 0);
    struct ln_coap_iter a = ln_coap_options(m->options);
    struct ln_coap_iter b = ln_coap_options(again.options);
    struct ln_coap_opt x;
    struct ln_coap_opt y;
    while (ln_coap_next(&a, &x)) {
        CHECK(ln_coap_next(&b, &y));
        CHECK(x.number == y.number && ln_span_equal(x.value, y.value) != 0);
    }
    CHECK(a.left.len == 0 && !ln_coap_next(&b, &y));
    free(bytes);
}

static void check_names(const struct ln_coap_msg *m)
{
    char text[LN_COAP_CODE_ROOM];
    ln_coap_code_text(m->code, text);
    CHECK(is_clean(text, strlen(text), sizeof text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln_span in = ln_span(data, size);
    for (int tcp = 0; tcp <= 1; tcp++) {
        struct ln_coap_msg m;
        struct ln_coap_msg before;
        memset(&m, 0x5a, sizeof m);
        before = m;
        enum ln_status st = tcp != 0 ? ln_coap_read_tcp(in, &m) : ln_coap_read_udp(in, &m);
        CHECK(st == LN_OK || st == LN_BAD_PEER || st == LN_UNSUPPORTED);
        if (st != LN_OK) {
            CHECK(memcmp(&m, &before, sizeof m) == 0);
            continue;
        }
        check_parts(&m, in);
        check_names(&m);
        check_again(&m, tcp != 0, size);
    }
    return 0;
}
