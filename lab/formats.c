/* SPDX-License-Identifier: Apache-2.0 */
/** @file formats.c  See formats.h. */
#include "formats.h"

#include "codec/cbor.h"
#include "codec/single.h"
#include "names.h"
#include "server.h"
#include "util.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Those with a table can be read and written; the others are known by name. */
static const struct known {
    const char *name;
    int32_t number;
    const struct ln_format *format;
} known[] = {
    { "text", LN_CONTENT_TEXT, &ln__format_text },
    { "link", LN_CONTENT_LINK, NULL },
    { "opaque", LN_CONTENT_OPAQUE, &ln__format_opaque },
    { "cbor", LN_CONTENT_CBOR, &ln__format_cbor },
    { "senml-json", LN_CONTENT_SENML_JSON, NULL },
    { "senml-cbor", LN_CONTENT_SENML_CBOR, NULL },
    { "tlv", LN_CONTENT_TLV, &ln__format_tlv },
    { "lwm2m-cbor", LN_CONTENT_LWM2M_CBOR, NULL },
};

#define KNOWN (sizeof known / sizeof *known)

/* A value of two bytes becomes half a kilobyte here. */
#define VALUES_MAX 10000

static const struct known *find(int32_t number)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (known[i].number == number)
            return &known[i];
    }
    return NULL;
}

bool formats_number(const char *name, int32_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcmp(known[i].name, name) == 0) {
            *out = known[i].number;
            return true;
        }
    }
    if (!lab_number(name, UINT16_MAX, &number))
        return false;
    *out = (int32_t)number;
    return true;
}

const char *formats_name(int32_t number)
{
    const struct known *k = find(number);
    return k == NULL ? NULL : k->name;
}

const char *formats_name_at(size_t i)
{
    return i < KNOWN ? known[i].name : NULL;
}

/* ---- values as JSON ---- */

/* JSON has no numbers of 64 bits for many who read it, but it can write them. */
static void add_digits(cJSON *item, const char *digits)
{
    cJSON_AddRawToObject(item, "value", digits);
}

static void add_float(cJSON *item, double number)
{
    if (isfinite(number))
        cJSON_AddNumberToObject(item, "value", number);
    else
        cJSON_AddStringToObject(item, "value", isnan(number) ? "nan" : number > 0 ? "inf" : "-inf");
}

static void add_bytes(cJSON *item, const struct ln_value *value)
{
    bool hex = value->type == LN_VALUE_OPAQUE;
    char *text = hex ? lab_hex_text(value->as.bytes.data, value->as.bytes.len)
                     : lab_copy((const char *)value->as.bytes.data, value->as.bytes.len);
    cJSON_AddStringToObject(item, "value", text);
    free(text);
}

static void add_value(cJSON *item, const struct ln_value *value)
{
    char text[32];
    cJSON_AddStringToObject(item, "type", ln_value_type_name(value->type));
    switch (value->type) {
    case LN_VALUE_NONE:
        cJSON_AddNullToObject(item, "value");
        break;
    case LN_VALUE_STRING:
    case LN_VALUE_CORELNK:
    case LN_VALUE_OPAQUE:
        add_bytes(item, value);
        break;
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        snprintf(text, sizeof text, "%lld", (long long)value->as.integer);
        add_digits(item, text);
        break;
    case LN_VALUE_UNSIGNED:
        snprintf(text, sizeof text, "%llu", (unsigned long long)value->as.natural);
        add_digits(item, text);
        break;
    case LN_VALUE_FLOAT:
        add_float(item, value->as.number);
        break;
    case LN_VALUE_BOOLEAN:
        cJSON_AddBoolToObject(item, "value", value->as.boolean);
        break;
    case LN_VALUE_OBJLNK:
        snprintf(text, sizeof text, "%u:%u", (unsigned)value->as.link.object,
                 (unsigned)value->as.link.instance);
        cJSON_AddStringToObject(item, "value", text);
        break;
    }
}

/* ---- reading ---- */

static cJSON *new_item(const struct ln_path *path)
{
    char text[LN_PATH_ROOM];
    cJSON *item = cJSON_CreateObject();
    ln_path_text(path, text);
    cJSON_AddStringToObject(item, "path", text);
    const char *name = path->levels >= LN_LEVEL_RESOURCE ? names_resource(path->id[0], path->id[2])
                                                         : names_object(path->id[0]);
    if (name != NULL)
        cJSON_AddStringToObject(item, "name", name);
    return item;
}

/* What is no value of the type that its definition gives is told as an error of its own; the rest of
 * the payload can be read. */
static enum ln_status read_item(struct ln_reader *reader, const struct ln_entry *entry,
                                struct ln_mspan room, cJSON *list)
{
    struct ln_value value;
    cJSON *item = new_item(&entry->path);
    enum ln_value_type type = names_type(entry->path.id[0], entry->path.id[2]);
    enum ln_status st = ln__reader_value(reader, type, room, &value);
    if (st == LN_OK)
        add_value(item, &value);
    else if (st == LN_BAD_PEER)
        cJSON_AddStringToObject(item, "error", "no value of the type that its definition gives");
    if (entry->has_time)
        cJSON_AddNumberToObject(item, "time", (double)entry->time_ms / 1000);
    cJSON_AddItemToArray(list, item);
    return st == LN_BAD_PEER ? LN_OK : st;
}

/* An empty instance or array shows, too: nothing of it follows. */
static void add_empty(cJSON *list, const struct ln_entry *entry)
{
    cJSON *item = new_item(&entry->path);
    cJSON_AddStringToObject(item, "type", entry->kind == LN_ENTRY_ARRAY ? "array" : "instance");
    cJSON_AddItemToArray(list, item);
}

static bool is_below(const struct ln_entry *container, const struct ln_entry *entry)
{
    return entry->kind != LN_ENTRY_END && ln_path_is_below(&entry->path, &container->path);
}

/* LN_NO_SPACE: there are too many. */
static enum ln_status read_items(struct ln_reader *reader, struct ln_mspan room, cJSON *list)
{
    struct ln_entry container = { .kind = LN_ENTRY_END };
    for (size_t count = 0;; count++) {
        struct ln_entry entry;
        enum ln_status st = ln__reader_next(reader, &entry);
        if (st != LN_OK)
            return st;
        if (count > VALUES_MAX)
            return LN_NO_SPACE;
        if (container.kind != LN_ENTRY_END && !is_below(&container, &entry))
            add_empty(list, &container);
        container.kind = LN_ENTRY_END;
        if (entry.kind == LN_ENTRY_END)
            return LN_OK;
        if (entry.kind == LN_ENTRY_INSTANCE || entry.kind == LN_ENTRY_ARRAY)
            container = entry;
        else if (entry.kind == LN_ENTRY_VALUE)
            st = read_item(reader, &entry, room, list);
        if (st != LN_OK)
            return st;
    }
}

cJSON *formats_read(const struct ln_path *path, int32_t number, struct ln_span payload,
                    const char **wrong)
{
    struct ln_reader reader;
    const struct known *k = find(number == SERVER_NO_FORMAT ? LN_CONTENT_TEXT : number);
    *wrong = "the lab cannot read this format";
    if (k == NULL || k->format == NULL)
        return NULL;
    *wrong = "the payload is malformed, or not what was asked for";
    if (ln__reader_init(&reader, k->format, path) != LN_OK ||
        ln__reader_feed(&reader, payload, true) != LN_OK)
        return NULL;
    cJSON *list = cJSON_CreateArray();
    uint8_t *memory = lab_alloc(payload.len + 1); /* no value is longer than the payload */
    enum ln_status st = read_items(&reader, ln_mspan(memory, payload.len + 1), list);
    if (st == LN_NO_SPACE)
        *wrong = "there are too many values in it";
    if (st != LN_OK) {
        cJSON_Delete(list);
        list = NULL;
    }
    free(memory);
    return list;
}

/* ---- values as people write them ---- */

static bool read_integer(const char *text, int64_t *out)
{
    uint64_t natural = 0;
    bool minus = *text == '-';
    uint64_t most = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    if (!lab_number(text + minus, most, &natural))
        return false;
    *out = minus ? (int64_t)(0 - natural) : (int64_t)natural;
    return true;
}

static bool read_float(const char *text, double *out)
{
    char *end = NULL;
    *out = strtod(text, &end);
    return *text != '\0' && *text != ' ' && *end == '\0';
}

static bool read_boolean(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *out || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static bool read_objlnk(const char *text, struct ln_objlnk *out)
{
    uint64_t object = 0;
    uint64_t instance = 0;
    const char *colon = strchr(text, ':');
    if (colon == NULL)
        return false;
    char *first = lab_copy(text, (size_t)(colon - text));
    bool fine =
        lab_number(first, UINT16_MAX, &object) && lab_number(colon + 1, UINT16_MAX, &instance);
    free(first);
    out->object = (uint16_t)object;
    out->instance = (uint16_t)instance;
    return fine;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2; /* the year begins in March: the leap day is its last */
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Seconds since 1970, or 2026-05-04T03:02:01Z. */
static bool read_time(const char *text, int64_t *out)
{
    struct tm tm = { 0 };
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (read_integer(text, out))
        return true;
    if (end == NULL || *end != '\0')
        return false;
    *out = days_of(tm.tm_year + INT64_C(1900), tm.tm_mon + 1, tm.tm_mday) * 86400 +
           tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
    return true;
}

static bool read_opaque(const char *text, struct formats_item *out)
{
    size_t len = 0;
    out->memory = lab_hex(lab_begins(text, "0x") ? text + 2 : text, &len);
    out->value = ln_value_opaque(ln_span(out->memory, len));
    return out->memory != NULL;
}

static void read_text(const char *text, enum ln_value_type type, struct formats_item *out)
{
    out->memory = (uint8_t *)lab_text(text);
    out->value = ln_value_bytes(type, ln_span(out->memory, strlen(text)));
}

/* Without a definition, a value is what it looks like. */
static enum ln_value_type looks_like(const char *text)
{
    int64_t integer = 0;
    double number = 0;
    struct ln_objlnk link;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return LN_VALUE_BOOLEAN;
    if (read_integer(text, &integer))
        return LN_VALUE_INTEGER;
    if (lab_begins(text, "0x"))
        return LN_VALUE_OPAQUE;
    if (read_float(text, &number))
        return LN_VALUE_FLOAT;
    return read_objlnk(text, &link) ? LN_VALUE_OBJLNK : LN_VALUE_STRING;
}

const char *formats_read_value(const char *text, bool quoted, enum ln_value_type type,
                               struct formats_item *out)
{
    uint64_t natural = 0;
    out->memory = NULL;
    if (type == LN_VALUE_NONE)
        type = quoted ? LN_VALUE_STRING : looks_like(text);
    out->value = ln_value_none();
    out->value.type = type;
    switch (type) {
    case LN_VALUE_NONE:
    case LN_VALUE_STRING:
    case LN_VALUE_CORELNK:
        read_text(text, type == LN_VALUE_NONE ? LN_VALUE_STRING : type, out);
        return NULL;
    case LN_VALUE_OPAQUE:
        return read_opaque(text, out) ? NULL : "bytes are written in hexadecimal: 00ff";
    case LN_VALUE_INTEGER:
        return read_integer(text, &out->value.as.integer) ? NULL : "an integer is wanted";
    case LN_VALUE_TIME:
        return read_time(text, &out->value.as.integer)
                   ? NULL
                   : "a time is seconds since 1970, or 2026-05-04T03:02:01Z";
    case LN_VALUE_UNSIGNED:
        if (!lab_number(text, UINT64_MAX, &natural))
            return "an integer without a sign is wanted";
        out->value.as.natural = natural;
        return NULL;
    case LN_VALUE_FLOAT:
        return read_float(text, &out->value.as.number) ? NULL : "a number is wanted";
    case LN_VALUE_BOOLEAN:
        return read_boolean(text, &out->value.as.boolean) ? NULL : "true or false is wanted";
    case LN_VALUE_OBJLNK:
        return read_objlnk(text, &out->value.as.link) ? NULL : "a link is written OBJECT:INSTANCE";
    }
    return "no value can be written there";
}

/* ---- writing ---- */

/* Opens what the next item is in and the last one was not. `depth` containers are open, those of
 * `open`. An instance without an id has no container: the device chooses. */
static enum ln_status open_containers(struct ln_writer *w, const struct ln_path *base,
                                      const struct ln_path *item, struct ln_path *open,
                                      unsigned *depth)
{
    while (*depth > 0 && !ln_path_is_below(item, &open[*depth - 1])) {
        enum ln_status st = ln__writer_close(w);
        if (st != LN_OK)
            return st;
        (*depth)--;
    }
    for (unsigned level = LN_LEVEL_INSTANCE; level <= LN_LEVEL_RESOURCE; level++) {
        bool array = level == LN_LEVEL_RESOURCE;
        if (level <= base->levels && !(array && level == base->levels))
            continue;
        struct ln_path path = ln_path_head(*item, level);
        bool there = *depth > 0 && ln_path_is_below(&open[*depth - 1], &path);
        bool needed = array ? item->levels > level : item->levels >= level;
        if (there || !needed || path.id[1] == LN_ID_NONE)
            continue;
        enum ln_status st = ln__writer_open(w, &path, LN_LENGTH_UNKNOWN);
        if (st != LN_OK)
            return st;
        open[(*depth)++] = path;
    }
    return LN_OK;
}

static enum ln_status write_items(struct ln_writer *w, const struct ln_path *base,
                                  struct formats_item *items, size_t count)
{
    struct ln_path open[3];
    unsigned depth = 0;
    if (count == 0 && base->levels == LN_LEVEL_RESOURCE) { /* an array of nothing */
        enum ln_status st = ln__writer_open(w, base, LN_LENGTH_UNKNOWN);
        if (st != LN_OK)
            return st;
        depth = 1;
    }
    for (size_t i = 0; i < count; i++) {
        enum ln_status st = open_containers(w, base, &items[i].path, open, &depth);
        if (st == LN_OK && items[i].path.levels >= LN_LEVEL_RESOURCE)
            st = ln__writer_value(w, &items[i].path, &items[i].value);
        if (st != LN_OK)
            return st;
    }
    while (depth-- > 0) {
        enum ln_status st = ln__writer_close(w);
        if (st != LN_OK)
            return st;
    }
    return ln__writer_end(w);
}

const char *formats_write(const struct ln_path *path, int32_t number, struct formats_item *items,
                          size_t count, uint8_t **out, size_t *len)
{
    struct ln_writer writer;
    const struct known *k = find(number);
    if (k == NULL || k->format == NULL || (k->format->traits & LN_FORMAT_WRITES) == 0)
        return "the lab cannot write this format";
    ln__writer_init(&writer, k->format, path, ln_mspan(NULL, 0)); /* how long? */
    if (write_items(&writer, path, items, count) != LN_OK)
        return "this cannot be written in this format";
    size_t size = ln__writer_length(&writer);
    uint8_t *payload = lab_alloc(size);
    ln__writer_init(&writer, k->format, path, ln_mspan(payload, size));
    if (write_items(&writer, path, items, count) != LN_OK) {
        free(payload);
        return "this cannot be written in this format";
    }
    *out = payload;
    *len = size;
    return NULL;
}
