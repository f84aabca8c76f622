/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file codec.c
 * Writes or reads one payload many times, for scripts/bench, which counts the instructions.
 *
 * usage: bench_codec WHAT COUNT
 *   text        write /3/0/0 as text/plain
 *   tlv-write   write /3/0 as TLV: twelve resources, four of them with several instances
 *   tlv-read    read that again
 *   senml-write, senml-read, lwm2m-write, lwm2m-read   the same as SenML CBOR and LwM2M CBOR
 *   json-write, json-read                              the same as SenML JSON
 * prints: bytes=N, the length of the payload
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/format.h"
#include "codec/single.h"

struct resource {
    uint16_t id;
    bool multiple;
    uint8_t count;
    struct ln_value values[3];
};

/* The Device object as a small device has it. */
static struct resource device[] = {
    { 0, false, 1, { { .type = LN_VALUE_STRING } } },
    { 1, false, 1, { { .type = LN_VALUE_STRING } } },
    { 2, false, 1, { { .type = LN_VALUE_STRING } } },
    { 3, false, 1, { { .type = LN_VALUE_STRING } } },
    { 6,
      true,
      2,
      { { LN_VALUE_INTEGER, { .integer = 1 } }, { LN_VALUE_INTEGER, { .integer = 5 } } } },
    { 7,
      true,
      2,
      { { LN_VALUE_INTEGER, { .integer = 3800 } }, { LN_VALUE_INTEGER, { .integer = 5000 } } } },
    { 8,
      true,
      2,
      { { LN_VALUE_INTEGER, { .integer = 125 } }, { LN_VALUE_INTEGER, { .integer = 900 } } } },
    { 9, false, 1, { { LN_VALUE_INTEGER, { .integer = 100 } } } },
    { 10, false, 1, { { LN_VALUE_INTEGER, { .integer = 15 } } } },
    { 11, true, 1, { { LN_VALUE_INTEGER, { .integer = 0 } } } },
    { 13, false, 1, { { LN_VALUE_TIME, { .integer = 1700000000 } } } },
    { 16, false, 1, { { .type = LN_VALUE_STRING } } },
};
enum { RESOURCES = sizeof device / sizeof device[0] };

static void fill(void)
{
    static const char *const texts[] = { "Linnet project", "Agent x86-64", "345000123", "1.0" };
    for (size_t i = 0; i < 4; i++)
        device[i].values[0] = ln_value_string(texts[i]);
    device[RESOURCES - 1].values[0] = ln_value_string("U");
}

static void must(enum ln_status st)
{
    if (st == LN_OK)
        return;
    (void)fprintf(stderr, "bench_codec: %s\n", ln_status_name(st));
    exit(1);
}

static struct ln_span write_device(const struct ln_format *format, struct ln_mspan room)
{
    struct ln_writer w;
    struct ln_path instance = ln_path_instance(3, 0);
    ln__writer_init(&w, format, &instance, room);
    must(ln__writer_open(&w, &instance, LN_LENGTH_UNKNOWN));
    for (size_t i = 0; i < RESOURCES; i++) {
        struct ln_path path = ln_path_child(instance, device[i].id);
        if (!device[i].multiple) {
            must(ln__writer_value(&w, &path, &device[i].values[0]));
            continue;
        }
        must(ln__writer_open(&w, &path, LN_LENGTH_UNKNOWN));
        for (uint16_t k = 0; k < device[i].count; k++) {
            struct ln_path one = ln_path_child(path, k);
            must(ln__writer_value(&w, &one, &device[i].values[k]));
        }
        must(ln__writer_close(&w));
    }
    must(ln__writer_close(&w));
    must(ln__writer_end(&w));
    return ln__writer_bytes(&w);
}

static struct ln_span write_text(struct ln_mspan room)
{
    struct ln_writer w;
    struct ln_path path = ln_path_resource(3, 0, 0);
    ln__writer_init(&w, &ln__format_text, &path, room);
    must(ln__writer_value(&w, &path, &device[0].values[0]));
    must(ln__writer_end(&w));
    return ln__writer_bytes(&w);
}

static enum ln_value_type type_of(uint16_t id)
{
    for (size_t i = 0; i < RESOURCES; i++) {
        if (device[i].id == id)
            return device[i].values[0].type;
    }
    return LN_VALUE_NONE;
}

static void read_device(const struct ln_format *format, struct ln_span payload)
{
    struct ln_reader r;
    struct ln_entry e = { .kind = LN_ENTRY_VALUE };
    struct ln_path instance = ln_path_instance(3, 0);
    uint8_t room[64];
    must(ln__reader_init(&r, format, &instance));
    must(ln__reader_feed(&r, payload, true));
    while (e.kind != LN_ENTRY_END) {
        struct ln_value value;
        must(ln__reader_next(&r, &e));
        if (e.kind == LN_ENTRY_VALUE)
            must(ln__reader_value(&r, type_of(e.path.id[2]), ln_mspan(room, sizeof room), &value));
    }
}

static const struct {
    const char *name;
    const struct ln_format *format;
} formats[] = {
    { "tlv", &ln__format_tlv },
    { "senml", &ln__format_senml_cbor },
    { "json", &ln__format_senml_json },
    { "lwm2m", &ln__format_lwm2m_cbor },
};

static const struct ln_format *format_of(const char *what)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strncmp(what, formats[i].name, strlen(formats[i].name)) == 0)
            return formats[i].format;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static uint8_t room[2048];
    const struct ln_format *format = argc == 3 ? format_of(argv[1]) : NULL;
    bool text = argc == 3 && strcmp(argv[1], "text") == 0;
    if (format == NULL && !text) {
        (void)fprintf(stderr, "usage: bench_codec WHAT COUNT\n");
        return 2;
    }
    long count = strtol(argv[2], NULL, 10);
    bool reads = !text && strstr(argv[1], "-read") != NULL;
    fill();
    struct ln_span payload = text ? write_text(ln_mspan(room, sizeof room))
                                  : write_device(format, ln_mspan(room, sizeof room));
    for (long i = 0; i < count; i++) {
        if (reads)
            read_device(format, payload);
        else if (text)
            payload = write_text(ln_mspan(room, sizeof room));
        else
            payload = write_device(format, ln_mspan(room, sizeof room));
    }
    printf("bytes=%zu\n", payload.len);
    return 0;
}
