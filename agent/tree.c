/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRMWARE 5 /* object id */
#define EXACT_MAX 9007199254740992.0 /* 2^53: beyond it a double skips numbers */

bool tree_is_private(struct ln_path path)
{
    return path.levels > 0 && (path.id[0] == 0 || path.id[0] == 21);
}

/* ---- walking ---- */

struct walk {
    struct ln_client *client;
    struct ln_path wanted;
    void (*each)(void *user, struct ln_path path, const struct ln_resource *resource,
                 const struct ln_value *value);
    void *user;
    size_t count;
};

static bool wants(const struct walk *w, unsigned level, uint16_t id)
{
    return w->wanted.levels <= level || w->wanted.id[level] == id;
}

static void walk_value(struct walk *w, struct ln_path path, const struct ln_resource *r)
{
    struct ln_value value;
    if (ln_client_get(w->client, path, &value) != LN_OK)
        return;
    w->count++;
    w->each(w->user, path, r, &value);
}

static void walk_resource(struct walk *w, struct ln_path path, const struct ln_resource *r)
{
    if ((r->flags & LN_RES_SECRET) != 0 || r->type == LN_VALUE_NONE)
        return;
    if ((r->flags & LN_RES_MULTIPLE) == 0) {
        if (w->wanted.levels <= LN_LEVEL_RESOURCE)
            walk_value(w, path, r);
        return;
    }
    uint16_t riid = LN_ID_NONE;
    while ((riid = ln_client_next_resource_instance(w->client, path, riid)) != LN_ID_NONE)
        if (wants(w, 3, riid))
            walk_value(w, ln_path_child(path, riid), r);
}

static void walk_instance(struct walk *w, uint16_t oid, uint16_t iid)
{
    const struct ln_resource *r = NULL;
    uint16_t rid = LN_ID_NONE;
    while ((r = ln_client_next_resource(w->client, oid, iid, rid)) != NULL) {
        rid = r->id;
        if (wants(w, 2, rid))
            walk_resource(w, ln_path_resource(oid, iid, rid), r);
    }
}

size_t tree_walk(struct ln_client *client, struct ln_path path,
                 void (*each)(void *user, struct ln_path path, const struct ln_resource *resource,
                              const struct ln_value *value),
                 void *user)
{
    struct walk w = { client, path, each, user, 0 };
    uint16_t oid = LN_ID_NONE;
    while ((oid = ln_client_next_object(client, oid)) != LN_ID_NONE) {
        uint16_t iid = LN_ID_NONE;
        if (!wants(&w, 0, oid) || tree_is_private(ln_path_object(oid)))
            continue;
        while ((iid = ln_client_next_instance(client, oid, iid)) != LN_ID_NONE)
            if (wants(&w, 1, iid))
                walk_instance(&w, oid, iid);
    }
    return w.count;
}

/* ---- values to JSON ---- */

static cJSON *text_json(struct ln_span bytes)
{
    char *text = cJSON_malloc(bytes.len + 1); /* watched: json.h */
    if (text == NULL)
        return NULL;
    if (bytes.len > 0)
        memcpy(text, bytes.data, bytes.len);
    text[bytes.len] = '\0';
    cJSON *made = cJSON_CreateString(text);
    cJSON_free(text);
    return made;
}

static cJSON *hex_json(struct ln_span bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *text = cJSON_malloc(2 * bytes.len + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < bytes.len; i++) {
        text[2 * i] = digits[bytes.data[i] >> 4];
        text[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    text[2 * bytes.len] = '\0';
    cJSON *made = cJSON_CreateString(text);
    cJSON_free(text);
    return made;
}

static cJSON *signed_json(int64_t number)
{
    char text[24];
    if ((double)number <= EXACT_MAX && (double)number >= -EXACT_MAX)
        return cJSON_CreateNumber((double)number);
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    return cJSON_CreateString(text);
}

static cJSON *unsigned_json(uint64_t number)
{
    char text[24];
    if ((double)number <= EXACT_MAX)
        return cJSON_CreateNumber((double)number);
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    return cJSON_CreateString(text);
}

static cJSON *float_json(double number)
{
    if (isnan(number))
        return cJSON_CreateString("nan");
    if (isinf(number))
        return cJSON_CreateString(number > 0 ? "inf" : "-inf");
    return cJSON_CreateNumber(number);
}

cJSON *tree_json(const struct ln_value *value)
{
    char link[16];
    switch (value->type) {
    case LN_VALUE_STRING:
    case LN_VALUE_CORELNK:
        return text_json(value->as.bytes);
    case LN_VALUE_OPAQUE:
        return hex_json(value->as.bytes);
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        return signed_json(value->as.integer);
    case LN_VALUE_UNSIGNED:
        return unsigned_json(value->as.natural);
    case LN_VALUE_FLOAT:
        return float_json(value->as.number);
    case LN_VALUE_BOOLEAN:
        return cJSON_CreateBool(value->as.boolean);
    case LN_VALUE_OBJLNK:
        (void)snprintf(link, sizeof link, "%u:%u", value->as.link.object, value->as.link.instance);
        return cJSON_CreateString(link);
    case LN_VALUE_NONE:
        break;
    }
    return cJSON_CreateNull();
}

/* ---- JSON to values ---- */

/* What a person wrote, or the JSON of a number, as text to be read by the resource's type. */
static bool text_of(const cJSON *in, char *room, size_t size)
{
    int made = -1;
    if (cJSON_IsString(in))
        made = snprintf(room, size, "%s", in->valuestring);
    else if (cJSON_IsBool(in))
        made = snprintf(room, size, "%s", cJSON_IsTrue(in) ? "true" : "false");
    else if (cJSON_IsNumber(in) && fabs(in->valuedouble) <= EXACT_MAX &&
             floor(in->valuedouble) == in->valuedouble)
        made = snprintf(room, size, "%.0f", in->valuedouble);
    else if (cJSON_IsNumber(in))
        made = snprintf(room, size, "%.17g", in->valuedouble);
    return made >= 0 && (size_t)made < size;
}

static bool read_signed(const char *text, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0 && text[0] != ' ';
}

static bool read_unsigned(const char *text, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool read_float(const char *text, double *out)
{
    char *end = NULL;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && text[0] != ' ';
}

/* "3:0" */
static bool read_link(const char *text, struct ln_objlnk *out)
{
    const char *colon = strchr(text, ':');
    char object_text[8];
    uint64_t object = 0;
    uint64_t instance = 0;
    size_t len = colon != NULL ? (size_t)(colon - text) : sizeof object_text;
    if (len >= sizeof object_text)
        return false;
    memcpy(object_text, text, len);
    object_text[len] = '\0';
    if (!read_unsigned(object_text, &object) || !read_unsigned(colon + 1, &instance) ||
        object > UINT16_MAX || instance > UINT16_MAX)
        return false;
    *out = (struct ln_objlnk) { (uint16_t)object, (uint16_t)instance };
    return true;
}

/* Hexadecimal digits, decoded in place. */
static bool read_hex(char *text, struct ln_span *out)
{
    size_t len = strlen(text);
    for (size_t i = 0; i + 1 < len; i += 2) {
        char two[3] = { text[i], text[i + 1], '\0' };
        if (strspn(two, "0123456789abcdefABCDEF") != 2)
            return false;
        text[i / 2] = (char)(unsigned char)strtoul(two, NULL, 16);
    }
    *out = ln_span(text, len / 2);
    return len % 2 == 0;
}

/* `text` is changed for opaque values, and borrowed. */
static bool read_value(enum ln_value_type type, char *text, struct ln_value *out)
{
    *out = ln_value_none();
    out->type = type;
    switch (type) {
    case LN_VALUE_STRING:
    case LN_VALUE_CORELNK:
        out->as.bytes = ln_span_str(text);
        return true;
    case LN_VALUE_OPAQUE:
        return read_hex(text, &out->as.bytes);
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        return read_signed(text, &out->as.integer);
    case LN_VALUE_UNSIGNED:
        return read_unsigned(text, &out->as.natural);
    case LN_VALUE_FLOAT:
        return read_float(text, &out->as.number);
    case LN_VALUE_BOOLEAN:
        out->as.boolean = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
        return out->as.boolean || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
    case LN_VALUE_OBJLNK:
        return read_link(text, &out->as.link);
    case LN_VALUE_NONE:
        break;
    }
    return false;
}

static const struct ln_resource *find(struct ln_client *client, struct ln_path path)
{
    uint16_t before = path.id[2] > 0 ? (uint16_t)(path.id[2] - 1) : LN_ID_NONE;
    const struct ln_resource *r = ln_client_next_resource(client, path.id[0], path.id[1], before);
    return r != NULL && r->id == path.id[2] ? r : NULL;
}

enum ln_status tree_set(struct ln_client *client, struct ln_path path, const cJSON *value)
{
    char text[TREE_VALUE_MAX];
    struct ln_value v;
    if (tree_is_private(path))
        return LN_DENIED;
    const struct ln_resource *r = path.levels >= LN_LEVEL_RESOURCE ? find(client, path) : NULL;
    if (r == NULL)
        return LN_NOT_FOUND;
    if ((r->flags & LN_RES_SECRET) != 0)
        return LN_DENIED;
    if (r->type == LN_VALUE_NONE || (r->flags & LN_RES_STREAMED) != 0 || path.id[0] == FIRMWARE)
        return LN_UNSUPPORTED;
    if (!text_of(value, text, sizeof text) || !read_value((enum ln_value_type)r->type, text, &v))
        return LN_BAD_ARG;
    return ln_client_set(client, path, &v);
}
