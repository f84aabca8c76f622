/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_codec_payload.c
 * Random trees of objects through every format: what is written is read again, however the payload
 * is cut, and every window on it shows the same bytes.
 *
 * With a seed that fails, the run can be repeated: LN_TEST_SEED=n.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/ieee.h"
#include "codec/single.h"
#include "support/payload.h"

enum { SEEDS = 150, SEEDS_FULL = 100000, VALUES = 40, BYTES = 60, ROOM = 16384 };

static const struct ln_format *const trees[] = { &ln__format_tlv, &ln__format_senml_json,
                                                 &ln__format_senml_cbor, &ln__format_lwm2m_cbor };
static const struct ln_format *const singles[] = { &ln__format_text, &ln__format_cbor };

/* A tree, as the calls that write it; the values in it, in their order. */
struct tree {
    uint64_t dice;
    struct ln_path base;
    enum payload_call calls[4 * VALUES];
    struct ln_path paths[4 * VALUES];
    struct ln_value values[4 * VALUES];
    uint8_t bytes[VALUES][BYTES];
    size_t count;
    size_t values_made;
};

static unsigned cast(struct tree *t, unsigned faces)
{
    t->dice = t->dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((t->dice >> 33) % faces);
}

static uint64_t cast_bits(struct tree *t)
{
    uint64_t high = cast(t, 1u << 30);
    uint64_t middle = cast(t, 1u << 30);
    uint64_t all = high << 34 | middle << 4 | cast(t, 16);
    return all >> cast(t, 64); /* small ones as often as great ones */
}

/* ---- values ---- */

static struct ln_span cast_text(struct tree *t, uint8_t *room)
{
    static const char *const characters[] = {
        "a", "Z",  "0",    " ",        "\"",           "\\",
        "/", "\n", "\x7f", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"
    };
    size_t len = 0;
    for (unsigned i = cast(t, 14); i > 0; i--) {
        const char *c = characters[cast(t, sizeof characters / sizeof characters[0])];
        memcpy(room + len, c, strlen(c));
        len += strlen(c);
    }
    return ln_span(room, len);
}

static struct ln_span cast_octets(struct tree *t, uint8_t *room)
{
    size_t len = cast(t, BYTES);
    for (size_t i = 0; i < len; i++)
        room[i] = (uint8_t)cast(t, 256);
    return ln_span(room, len);
}

static double cast_float(struct tree *t)
{
    double number = ln__ieee_from64(cast_bits(t) * 2654435761u);
    switch (cast(t, 4)) {
    case 0:
        return (double)((int)cast(t, 20001) - 10000) / 100;
    case 1:
        return (double)(float)((double)cast(t, 1000000) / 7);
    case 2:
        return (double)cast_bits(t);
    default:
        return ln__ieee_is_finite(number) ? number : 0.5;
    }
}

static struct ln_value cast_value(struct tree *t, enum ln_value_type type)
{
    uint8_t *room = t->bytes[t->values_made % VALUES];
    int64_t integer = (int64_t)(cast_bits(t) >> 1);
    integer = cast(t, 2) == 0 ? integer : -1 - integer;
    switch (type) {
    case LN_VALUE_STRING:
    case LN_VALUE_CORELNK:
        return ln_value_bytes(type, cast_text(t, room));
    case LN_VALUE_OPAQUE:
        return ln_value_opaque(cast_octets(t, room));
    case LN_VALUE_INTEGER:
        return ln_value_integer(integer);
    case LN_VALUE_UNSIGNED:
        return ln_value_unsigned(cast_bits(t));
    case LN_VALUE_FLOAT:
        return ln_value_float(cast_float(t));
    case LN_VALUE_BOOLEAN:
        return ln_value_boolean(cast(t, 2) == 0);
    case LN_VALUE_TIME:
        return ln_value_time(integer);
    case LN_VALUE_OBJLNK:
        return ln_value_objlnk((uint16_t)cast(t, 65536), (uint16_t)cast(t, 65536));
    case LN_VALUE_NONE:
        break;
    }
    return ln_value_none();
}

/* ---- trees ---- */

static void add(struct tree *t, enum payload_call call, struct ln_path path)
{
    t->calls[t->count] = call;
    t->paths[t->count] = path;
    if (call == PAYLOAD_VALUE || call == PAYLOAD_STREAM) {
        t->values[t->count] = cast_value(t, (enum ln_value_type)(path.id[2] % 10));
        t->values_made++;
    }
    t->count++;
}

static void add_value(struct tree *t, struct ln_path path)
{
    bool stream = ln_value_type_is_bytes((enum ln_value_type)(path.id[2] % 10)) && cast(t, 2) == 0;
    add(t, stream ? PAYLOAD_STREAM : PAYLOAD_VALUE, path);
}

static void add_resource(struct tree *t, struct ln_path path)
{
    unsigned instances = cast(t, 4);
    if (cast(t, 3) > 0) {
        add_value(t, path);
        return;
    }
    add(t, PAYLOAD_OPEN, path);
    for (unsigned i = 0; i < instances; i++)
        add_value(t, ln_path_child(path, (uint16_t)(i * (1 + cast(t, 200)))));
    add(t, PAYLOAD_CLOSE, path);
}

static void add_instance(struct tree *t, struct ln_path path)
{
    uint16_t resource = 0;
    add(t, PAYLOAD_OPEN, path);
    while (t->values_made < VALUES - 4 && cast(t, 8) > 0) {
        resource = (uint16_t)(resource + 1 + cast(t, cast(t, 8) == 0 ? 3000 : 5));
        if (resource % 10 != LN_VALUE_NONE)
            add_resource(t, ln_path_child(path, resource));
    }
    add(t, PAYLOAD_CLOSE, path);
}

static void make_tree(struct tree *t, uint64_t seed)
{
    memset(t, 0, sizeof *t);
    t->dice = seed * 0x9e3779b97f4a7c15u + 1;
    struct ln_path object = ln_path_object((uint16_t)cast(t, 3400));
    if (cast(t, 2) == 0) {
        t->base = ln_path_child(object, (uint16_t)cast(t, 300));
        add_instance(t, t->base);
        return;
    }
    t->base = object;
    add(t, PAYLOAD_OPEN, object);
    for (unsigned i = cast(t, 4); i > 0; i--)
        add_instance(t, ln_path_child(object, (uint16_t)(300 - i * 40)));
    add(t, PAYLOAD_CLOSE, object);
}

static struct ln_span write_tree(const struct tree *t, const struct ln_format *format)
{
    static struct payload_item items[4 * VALUES];
    static char texts[4 * VALUES + 1][LN_PATH_ROOM];
    for (size_t i = 0; i < t->count; i++) {
        (void)ln_path_text(&t->paths[i], texts[i]);
        items[i] = (struct payload_item) { t->calls[i], texts[i], t->values[i] };
    }
    (void)ln_path_text(&t->base, texts[t->count]);
    return payload_write(format, texts[t->count], items, t->count);
}

/* ---- reading, cut at random ---- */

struct cutter {
    struct ln_reader reader;
    struct ln_span left;
    uint8_t *piece;
    struct tree *tree;
    unsigned longest;
};

static void feed(struct cutter *c)
{
    size_t len = cast(c->tree, c->longest);
    if (len > c->left.len)
        len = c->left.len;
    free(c->piece);
    c->piece = malloc(len > 0 ? len : 1);
    assert_non_null(c->piece);
    if (len > 0)
        memcpy(c->piece, c->left.data, len);
    c->left = ln_span(c->left.data + len, c->left.len - len);
    assert_int_equal(ln__reader_feed(&c->reader, ln_span(c->piece, len), c->left.len == 0), LN_OK);
}

static void next(struct cutter *c, struct ln_entry *entry)
{
    enum ln_status st = LN_AGAIN;
    while ((st = ln__reader_next(&c->reader, entry)) == LN_AGAIN)
        feed(c);
    assert_int_equal(st, LN_OK);
}

static void check_value(struct cutter *c, const struct ln_value *want)
{
    uint8_t room[256];
    struct ln_value got;
    enum ln_status st = LN_AGAIN;
    while ((st = ln__reader_value(&c->reader, want->type, ln_mspan(room, sizeof room), &got)) ==
           LN_AGAIN)
        feed(c);
    assert_int_equal(st, LN_OK);
    assert_true(ln_value_equal(&got, want));
}

static void read_tree(struct tree *t, const struct ln_format *format, struct ln_span payload,
                      unsigned longest)
{
    struct cutter c = { .left = payload, .tree = t, .longest = longest };
    size_t at = 0;
    assert_int_equal(ln__reader_init(&c.reader, format, &t->base), LN_OK);
    for (;;) {
        struct ln_entry entry;
        next(&c, &entry);
        while (at < t->count && t->calls[at] != PAYLOAD_VALUE && t->calls[at] != PAYLOAD_STREAM)
            at++;
        if (entry.kind == LN_ENTRY_END)
            break;
        if (entry.kind == LN_ENTRY_INSTANCE || entry.kind == LN_ENTRY_ARRAY)
            continue;
        assert_int_equal(entry.kind, LN_ENTRY_VALUE);
        assert_true(at < t->count && ln_path_equal(&entry.path, &t->paths[at]));
        check_value(&c, &t->values[at]);
        at++;
    }
    assert_int_equal(at, t->count);
    free(c.piece);
}

/* ---- the tests ---- */

static uint64_t running;

static int tell_seed(void **state)
{
    (void)state;
    print_message("last seed: %llu\n", (unsigned long long)running);
    return 0;
}

static uint64_t seeds(uint64_t *first)
{
    const char *seed = getenv("LN_TEST_SEED");
    *first = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    if (seed != NULL)
        return 1;
    return getenv("LN_TEST_FULL") != NULL ? SEEDS_FULL : SEEDS;
}

static void test_trees(void **state)
{
    static struct tree tree;
    uint64_t first = 0;
    uint64_t count = seeds(&first);
    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++) {
        running = seed;
        for (size_t f = 0; f < sizeof trees / sizeof trees[0]; f++) {
            make_tree(&tree, seed);
            struct ln_span payload = write_tree(&tree, trees[f]);
            read_tree(&tree, trees[f], payload, 1000000);
            read_tree(&tree, trees[f], payload, 2);
            read_tree(&tree, trees[f], payload, 40);
        }
    }
}

static void test_single_values(void **state)
{
    static struct tree tree;
    uint64_t first = 0;
    uint64_t count = seeds(&first);
    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++) {
        running = seed;
        for (size_t f = 0; f < sizeof singles / sizeof singles[0]; f++) {
            memset(&tree, 0, sizeof tree);
            tree.dice = seed * 0x9e3779b97f4a7c15u + 1;
            tree.base = ln_path_resource(1, 0, (uint16_t)(1 + cast(&tree, 9)));
            add_value(&tree, tree.base);
            struct ln_span payload = write_tree(&tree, singles[f]);
            read_tree(&tree, singles[f], payload, 1000000);
            read_tree(&tree, singles[f], payload, 3);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_trees, tell_seed),
        cmocka_unit_test_teardown(test_single_values, tell_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
