/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of agent/store.c, on a storage that loses power: what was not synced is gone, the last
 * write is torn at any byte, a rename is taken back. The record is the old one or the new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/store.h"

#include <stdlib.h>
#include <string.h>

#define FILES_MAX 8
#define FILE_MAX 256

/* Files by name, as the disk has them. */
struct disk {
    size_t count;
    struct {
        char path[64];
        size_t len;
        uint8_t data[FILE_MAX];
    } file[FILES_MAX];
    unsigned writes;
    size_t torn;            /* SIZE_MAX = whole; else only so many bytes of the next write arrive */
    bool lost;              /* the next write is taken back by the loss of power */
    const char *unreadable; /* this file is there, and reading it fails */
};

static size_t find(const struct disk *d, const char *path)
{
    size_t i = 0;
    while (i < d->count && strcmp(d->file[i].path, path) != 0)
        i++;
    return i;
}

static enum ln_status disk_read(void *ctx, const char *path, struct ln_mspan room, size_t *len)
{
    const struct disk *d = ctx;
    size_t i = find(d, path);
    if (i == d->count)
        return LN_NOT_FOUND;
    if (d->unreadable != NULL && strcmp(path, d->unreadable) == 0)
        return LN_IO;
    *len = d->file[i].len;
    if (*len > room.len)
        return LN_NO_SPACE;
    memcpy(room.data, d->file[i].data, *len);
    return LN_OK;
}

static enum ln_status disk_replace(void *ctx, const char *path, struct ln_span data)
{
    struct disk *d = ctx;
    size_t i = find(d, path);
    d->writes++;
    if (d->lost)
        return LN_OK; /* it was said to be done, and is not */
    assert_true(i < FILES_MAX && strlen(path) < sizeof d->file[0].path && data.len <= FILE_MAX);
    if (i == d->count)
        d->count++;
    memcpy(d->file[i].path, path, strlen(path) + 1);
    d->file[i].len = data.len < d->torn ? data.len : d->torn;
    memcpy(d->file[i].data, data.data, d->file[i].len);
    return LN_OK;
}

struct world {
    struct ln_env *env;
    struct disk disk;
    struct store store;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(ln_env_posix_new(&w->env), LN_OK);
    w->env->files =
        (struct ln_files) { .read = disk_read, .replace = disk_replace, .ctx = &w->disk };
    w->disk.torn = SIZE_MAX;
    w->store = (struct store) { .env = w->env, .folder = "s" };
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    ln_env_posix_free(w->env);
    free(w);
    return 0;
}

static void save(struct world *w, const char *text)
{
    assert_int_equal(store_save(&w->store, "r", ln_span_str(text)), LN_OK);
}

/* The record as text; "" if there is none. */
static const char *load(struct world *w)
{
    static char text[FILE_MAX];
    size_t len = 0;
    enum ln_status st =
        store_load(&w->store, "r", ln_mspan((uint8_t *)text, sizeof text - 1), &len);
    assert_true(st == LN_OK || st == LN_NOT_FOUND);
    text[st == LN_OK ? len : 0] = '\0';
    return text;
}

static void test_the_newest_is_read(void **state)
{
    struct world *w = *state;
    assert_string_equal(load(w), "");
    for (int i = 0; i < 5; i++) {
        char text[] = { (char)('a' + i), '\0' };
        save(w, text);
        assert_string_equal(load(w), text);
    }
    assert_int_equal(w->disk.count, 2); /* two files, in turn */
    save(w, "");
    assert_string_equal(load(w), "");
}

/* scenario: T17 */
static void test_a_write_torn_at_every_byte(void **state)
{
    struct world *w = *state;
    save(w, "first");
    save(w, "old");
    const struct disk before = w->disk;
    save(w, "new value");
    size_t len = 0;
    for (size_t i = 0; i < w->disk.count; i++)
        len = w->disk.file[i].len > len ? w->disk.file[i].len : len;
    for (size_t torn = 0; torn <= len; torn++) {
        w->disk = before;
        w->disk.torn = torn;
        save(w, "new value");
        assert_string_equal(load(w), torn < len ? "old" : "new value");
        w->disk.torn = SIZE_MAX; /* power is back: all goes on */
        save(w, "newer");
        assert_string_equal(load(w), "newer");
    }
}

/* scenario: T17 */
static void test_a_rename_that_is_taken_back(void **state)
{
    struct world *w = *state;
    save(w, "old");
    w->disk.lost = true;
    save(w, "new");
    assert_string_equal(load(w), "old");
    w->disk.lost = false;
    save(w, "newer");
    assert_string_equal(load(w), "newer");
}

/* A flipped bit anywhere: the other file counts. */
static void test_every_damaged_bit(void **state)
{
    struct world *w = *state;
    save(w, "old");
    save(w, "new");
    for (size_t file = 0; file < 2; file++) {
        const char *other = file == 0 ? "new" : "old";
        for (size_t bit = 0; bit < 8 * w->disk.file[file].len; bit++) {
            w->disk.file[file].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_string_equal(load(w), other);
            w->disk.file[file].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

/* A file that cannot be read just now may be the newest one: it is not written over, nor beside it. */
/* scenario: T17 */
static void test_a_file_that_cannot_be_read(void **state)
{
    struct world *w = *state;
    static const char *const files[] = { "s/r.0", "s/r.1" };
    save(w, "old");
    save(w, "new");
    for (size_t i = 0; i < 2; i++) {
        unsigned writes = w->disk.writes;
        w->disk.unreadable = files[i];
        assert_int_equal(store_save(&w->store, "r", ln_span("newer", 5)), LN_IO);
        assert_int_equal(w->disk.writes, writes);
        w->disk.unreadable = NULL;
        assert_string_equal(load(w), "new");
    }
}

static unsigned warnings;

static void note_warning(void *ctx, enum ln_level level, const char *module, const char *text)
{
    (void)ctx;
    (void)module;
    warnings += level == LN_LOG_WARN && strstr(text, "another version") != NULL;
}

/* A record that is there and cannot be understood is not lost in silence; a torn side of one that can is
 * what a loss of power leaves. */
static void test_what_is_lost_is_told(void **state)
{
    struct world *w = *state;
    w->env->log.write = note_warning;
    w->env->log.level = LN_LOG_WARN;
    warnings = 0;
    assert_string_equal(load(w), ""); /* a new device */
    save(w, "old");
    save(w, "new");
    w->disk.file[1].data[4]++; /* the version */
    assert_string_equal(load(w), "old");
    assert_int_equal(warnings, 0);
    w->disk.file[0].data[4]++;
    assert_string_equal(load(w), "");
    assert_int_equal(warnings, 1);
}

static void test_limits(void **state)
{
    struct world *w = *state;
    static const uint8_t much[STORE_RECORD_MAX + 1];
    uint8_t room[2];
    size_t len = 0;
    assert_int_equal(store_save(&w->store, "r", ln_span(much, sizeof much)), LN_NO_SPACE);
    assert_int_equal(w->disk.writes, 0);
    save(w, "abc");
    assert_int_equal(store_load(&w->store, "r", ln_mspan(room, sizeof room), &len), LN_NO_SPACE);
    assert_int_equal(len, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_newest_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_write_torn_at_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_rename_that_is_taken_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_damaged_bit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_cannot_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_lost_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
