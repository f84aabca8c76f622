/* SPDX-License-Identifier: Apache-2.0 */
#include "support/bytes.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* All blocks hang on this list, so that no leak is reported. */
struct block {
    struct block *next;
    uint8_t *data;
};
static struct block *blocks;

static void die(const char *what, const char *which)
{
    (void)fprintf(stderr, "bytes: %s: %s\n", what, which);
    abort();
}

static struct ln_mspan keep(size_t len)
{
    struct block *b = malloc(sizeof *b);
    uint8_t *data = malloc(len > 0 ? len : 1);
    if (b == NULL || data == NULL)
        die("no memory", "");
    b->data = data;
    b->next = blocks;
    blocks = b;
    return ln_mspan(data, len);
}

struct ln_mspan bytes_mcopy(struct ln_span from)
{
    struct ln_mspan to = keep(from.len);
    if (from.len > 0)
        memcpy(to.data, from.data, from.len);
    return to;
}

struct ln_span bytes_copy(struct ln_span from)
{
    struct ln_mspan copy = bytes_mcopy(from);
    return ln_span(copy.data, copy.len);
}

struct ln_span bytes_join(const struct ln_span *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    struct ln_mspan to = keep(len);
    for (size_t i = 0, at = 0; i < count; at += parts[i].len, i++) {
        if (parts[i].len > 0)
            memcpy(to.data + at, parts[i].data, parts[i].len);
    }
    return ln_span(to.data, to.len);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *skip_blanks(const char *at)
{
    for (;;) {
        while (isspace((unsigned char)*at))
            at++;
        if (*at != '#')
            return at;
        at += strcspn(at, "\n");
    }
}

struct ln_span bytes_hex(const char *text)
{
    struct ln_mspan room = keep(strlen(text) / 2);
    size_t len = 0;
    for (const char *at = skip_blanks(text); *at != '\0'; at = skip_blanks(at)) {
        int high = digit(at[0]);
        int low = high >= 0 ? digit(at[1]) : -1;
        if (low < 0)
            die("not hexadecimal", at);
        room.data[len++] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return bytes_copy(ln_span(room.data, len));
}

struct ln_span bytes_file(const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/data/%s", LN_TESTS_DIR, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        die("cannot open", path);
    long size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
        die("cannot measure", path);
    struct ln_mspan room = keep((size_t)size);
    if (fread(room.data, 1, room.len, file) != room.len)
        die("cannot read", path);
    (void)fclose(file);
    return ln_span(room.data, room.len);
}

struct ln_span bytes_replace(struct ln_span in, struct ln_span from, struct ln_span to)
{
    struct ln_mspan copy = bytes_mcopy(in);
    size_t found = 0;
    if (from.len != to.len || from.len == 0)
        die("replace", "lengths differ");
    for (size_t i = 0; i + from.len <= in.len; i++) {
        if (memcmp(in.data + i, from.data, from.len) != 0)
            continue;
        memcpy(copy.data + i, to.data, to.len);
        found++;
    }
    if (found != 1)
        die("replace", found == 0 ? "not found" : "found more than once");
    return ln_span(copy.data, copy.len);
}
