/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/port/posix/files.c and replace.c, in a folder of their own. */
#define _GNU_SOURCE /* syscall() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <linnet/env.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the port asks of the system, in order: f, d: a file, a folder is synced; r: a file is renamed;
 * u: one is removed. In the place of the C library's functions. */
static char asked[32];
static bool noting; /* other tests have threads */

static void note(char what)
{
    size_t len = noting ? strlen(asked) : sizeof asked;
    if (len + 1 < sizeof asked)
        asked[len] = what;
}

int fsync(int fd)
{
    struct stat about;
    note(fstat(fd, &about) == 0 && S_ISDIR(about.st_mode) ? 'd' : 'f');
    return (int)syscall(SYS_fsync, fd);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    note('r');
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

int unlinkat(int folder, const char *name, int flags)
{
    note('u');
    return (int)syscall(SYS_unlinkat, folder, name, flags);
}

struct fixture {
    struct ln_env *env;
    char folder[64];
};

static int setup(void **state)
{
    struct fixture *f = (struct fixture *)calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(ln_env_posix_new(&f->env), LN_OK);
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/linnet-files-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = (struct fixture *)*state;
    DIR *folder = opendir(f->folder);
    assert_non_null(folder);
    for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        if (unlinkat(dirfd(folder), e->d_name, 0) != 0)
            (void)unlinkat(dirfd(folder), e->d_name, AT_REMOVEDIR);
    }
    (void)closedir(folder);
    (void)rmdir(f->folder);
    ln_env_posix_free(f->env);
    free(f);
    return 0;
}

/* ---- helpers ---- */

struct path {
    char text[192];
};

static struct path in_folder(const struct fixture *f, const char *name)
{
    struct path p;
    (void)snprintf(p.text, sizeof p.text, "%s/%s", f->folder, name);
    return p;
}

static void write_plainly(const struct fixture *f, const char *name, const char *text, mode_t mode)
{
    int fd = open(in_folder(f, name).text, O_WRONLY | O_CREAT | O_EXCL, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static enum ln_status read_path(const struct fixture *f, const char *path, char *room, size_t size,
                                size_t *len)
{
    const struct ln_files *files = &f->env->files;
    return files->read(files->ctx, path, ln_mspan(room, size), len);
}

static enum ln_status replace(const struct fixture *f, const char *name, const char *text)
{
    const struct ln_files *files = &f->env->files;
    return files->replace(files->ctx, in_folder(f, name).text, ln_span_str(text));
}

static enum ln_status remove_name(const struct fixture *f, const char *name)
{
    const struct ln_files *files = &f->env->files;
    return files->remove(files->ctx, in_folder(f, name).text);
}

static void assert_content(const struct fixture *f, const char *name, const char *text)
{
    char room[256];
    size_t len = 0;
    assert_int_equal(read_path(f, in_folder(f, name).text, room, sizeof room, &len), LN_OK);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(room, text, len);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            count++;
    return count;
}

/* ---- reading ---- */

static const struct {
    size_t room;
    enum ln_status status;
    size_t len;
    const char *why;
} rooms[] = {
    { 16, LN_OK, 10, "more room than needed" },
    { 10, LN_OK, 10, "an exact fit" },
    { 9, LN_NO_SPACE, 10, "one byte short: the size needed" },
    { 0, LN_NO_SPACE, 10, "no room: the question for the size" },
};

static void test_read(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    write_plainly(f, "ten", "0123456789", 0644);
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        char room[32] = "";
        size_t len = 99;
        print_message("  %s\n", rooms[i].why);
        enum ln_status st = read_path(f, in_folder(f, "ten").text, room, rooms[i].room, &len);
        assert_int_equal(st, rooms[i].status);
        assert_int_equal(len, rooms[i].len);
        if (st == LN_OK)
            assert_memory_equal(room, "0123456789", 10);
    }
}

static void test_read_an_empty_file(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    char room[4];
    size_t len = 99;
    write_plainly(f, "empty", "", 0644);
    assert_int_equal(read_path(f, in_folder(f, "empty").text, room, sizeof room, &len), LN_OK);
    assert_int_equal(len, 0);
    assert_int_equal(read_path(f, in_folder(f, "empty").text, NULL, 0, &len), LN_OK);
    assert_int_equal(len, 0);
}

static void test_read_a_file_without_size(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    static char room[65536];
    size_t len = 0;
    size_t needed = 0;
    /* of /proc: stat() tells 0 bytes; it must be read to be counted */
    assert_int_equal(read_path(f, "/proc/self/status", NULL, 0, &needed), LN_NO_SPACE);
    assert_true(needed > 20);
    assert_int_equal(read_path(f, "/proc/self/status", room, sizeof room, &len), LN_OK);
    assert_true(len > 20);
    assert_memory_equal(room, "Name:", 5);
}

static void test_what_cannot_be_read(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    static char long_name[600];
    const struct {
        const char *path;
        enum ln_status status;
        const char *why;
    } cases[] = {
        { in_folder(f, "missing").text, LN_NOT_FOUND, "no such file" },
        { in_folder(f, "plain/below").text, LN_NOT_FOUND, "a file is no folder" },
        { in_folder(f, "no/such").text, LN_NOT_FOUND, "no such folder" },
        { in_folder(f, "dangling").text, LN_NOT_FOUND, "a link to nothing" },
        { in_folder(f, "loop").text, LN_IO, "a link to itself" },
        { f->folder, LN_BAD_ARG, "a directory" },
        { in_folder(f, "fifo").text, LN_BAD_ARG, "a FIFO, without waiting for its writer" },
        { "/dev/null", LN_BAD_ARG, "a device" },
        { long_name, LN_NOT_FOUND, "a name that no file can have" },
        { "", LN_NOT_FOUND, "no path" },
    };
    (void)snprintf(long_name, sizeof long_name, "%s/%0500d", f->folder, 0);
    write_plainly(f, "plain", "x", 0644);
    assert_int_equal(mkfifo(in_folder(f, "fifo").text, 0600), 0);
    assert_int_equal(symlink("nothing", in_folder(f, "dangling").text), 0);
    assert_int_equal(symlink("loop", in_folder(f, "loop").text), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char room[8];
        size_t len = 99;
        print_message("  %s\n", cases[i].why);
        assert_int_equal(read_path(f, cases[i].path, room, sizeof room, &len), cases[i].status);
        assert_int_equal(len, 0);
    }
}

static void test_not_permitted(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    char room[8];
    size_t len;
    bool root = geteuid() == 0; /* who may read everything: be nobody for a moment */
    write_plainly(f, "closed", "secret", 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    enum ln_status read_it = read_path(f, in_folder(f, "closed").text, room, sizeof room, &len);
    enum ln_status replaced = root ? replace(f, "closed", "x") : LN_DENIED;
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(read_it, LN_DENIED);
    assert_int_equal(replaced, LN_DENIED);
}

static void test_a_link_is_followed(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    write_plainly(f, "real", "content", 0644);
    assert_int_equal(symlink("real", in_folder(f, "link").text), 0);
    assert_content(f, "link", "content");
}

/* ---- replacing ---- */

static void assert_private(const struct fixture *f, const char *name)
{
    struct stat about;
    assert_int_equal(lstat(in_folder(f, name).text, &about), 0);
    assert_true(S_ISREG(about.st_mode));
    assert_int_equal(about.st_mode & 07777, 0600);
}

static void assert_absent(const struct fixture *f, const char *name)
{
    struct stat about;
    assert_int_not_equal(lstat(in_folder(f, name).text, &about), 0);
}

static void test_replace(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    assert_int_equal(replace(f, "state", "first"), LN_OK);
    assert_content(f, "state", "first");
    assert_private(f, "state");
    assert_int_equal(replace(f, "state", "a longer second"), LN_OK);
    assert_content(f, "state", "a longer second");
    assert_int_equal(replace(f, "state", ""), LN_OK);
    assert_content(f, "state", "");
    assert_absent(f, ".state.new");
}

static void test_replace_makes_private_what_was_public(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    write_plainly(f, "state", "public", 0644);
    assert_int_equal(replace(f, "state", "private"), LN_OK);
    assert_private(f, "state");
}

static void test_replace_uses_up_what_a_crash_left(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    write_plainly(f, "state", "old", 0600);
    write_plainly(f, ".state.new", "half of something much longer", 0644);
    assert_int_equal(replace(f, "state", "new"), LN_OK);
    assert_content(f, "state", "new");
    assert_private(f, "state");
    assert_absent(f, ".state.new");
}

static void test_replace_does_not_write_through_links(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    write_plainly(f, "victim", "untouched", 0644);
    assert_int_equal(symlink("victim", in_folder(f, "state").text), 0);
    assert_int_equal(replace(f, "state", "new"), LN_OK);
    assert_private(f, "state"); /* no link any more */
    assert_content(f, "victim", "untouched");

    assert_int_equal(symlink("victim", in_folder(f, ".state.new").text), 0);
    assert_int_not_equal(replace(f, "state", "newer"), LN_OK);
    assert_content(f, "victim", "untouched");
    assert_content(f, "state", "new");
}

static void test_replace_in_the_current_folder(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    const struct ln_files *files = &f->env->files;
    int before = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(chdir(f->folder), 0);
    enum ln_status replaced = files->replace(files->ctx, "here", ln_span_str("text"));
    assert_int_equal(fchdir(before), 0);
    (void)close(before);
    assert_int_equal(replaced, LN_OK);
    assert_content(f, "here", "text");
}

static void test_what_cannot_be_replaced(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    const struct {
        const char *name;
        enum ln_status status;
        const char *why;
    } cases[] = {
        { "folder", LN_BAD_ARG, "a directory" },
        { "folder/", LN_BAD_ARG, "no name behind the slash" },
        { "folder/..", LN_BAD_ARG, "the name of a directory" },
        { "missing/state", LN_NOT_FOUND, "no such folder" },
        { "plain/state", LN_NOT_FOUND, "a file is no folder" },
    };
    unsigned before = open_descriptors();
    assert_int_equal(mkdir(in_folder(f, "folder").text, 0700), 0);
    write_plainly(f, "plain", "x", 0644);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("  %s\n", cases[i].why);
        assert_int_equal(replace(f, cases[i].name, "x"), cases[i].status);
    }
    assert_absent(f, ".folder.new");
    assert_int_equal(open_descriptors(), before);
}

static void test_a_full_disk_leaves_the_old_file(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    struct rlimit before;
    assert_int_equal(replace(f, "state", "the old one"), LN_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit tight = before;
    tight.rlim_cur = 4; /* the disk is full after four bytes */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum ln_status st = replace(f, "state", "the new one");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(st, LN_NO_SPACE);
    assert_content(f, "state", "the old one");
    assert_absent(f, ".state.new");
}

/* ---- writers and readers at once ---- */

#define ROUNDS 40
#define BLOCK 5000

struct writer {
    const struct fixture *f;
    char letter;
    size_t len;
};

static void *write_often(void *arg)
{
    const struct writer *w = (const struct writer *)arg;
    const struct ln_files *files = &w->f->env->files;
    struct path path = in_folder(w->f, "shared");
    char block[BLOCK];
    bool ok = true;
    memset(block, w->letter, w->len);
    for (int i = 0; i < ROUNDS; i++)
        ok = files->replace(files->ctx, path.text, ln_span(block, w->len)) == LN_OK && ok;
    return ok ? arg : NULL;
}

static void test_writers_do_not_mix(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    struct writer writers[] = { { f, 'a', 3000 }, { f, 'b', BLOCK }, { f, 'c', 1 } };
    pthread_t threads[3];
    static char room[2 * BLOCK];
    assert_int_equal(replace(f, "shared", "a"), LN_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, &writers[i]), 0);
    for (int i = 0; i < 10 * ROUNDS; i++) {
        size_t len = 0;
        assert_int_equal(read_path(f, in_folder(f, "shared").text, room, sizeof room, &len), LN_OK);
        assert_true(len > 0);
        for (size_t k = 1; k < len; k++)
            assert_int_equal(room[k], room[0]); /* one writer's, ... */
        if (len > 1)
            assert_int_equal(len, room[0] == 'a' ? 3000 : BLOCK); /* ... and whole */
    }
    for (size_t i = 0; i < 3; i++) {
        void *ok = NULL;
        assert_int_equal(pthread_join(threads[i], &ok), 0);
        assert_non_null(ok);
    }
    assert_absent(f, ".shared.new");
}

/* ---- removing ---- */

static void test_remove(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    unsigned before = open_descriptors();
    assert_int_equal(replace(f, "state", "x"), LN_OK);
    assert_int_equal(remove_name(f, "state"), LN_OK);
    assert_absent(f, "state");
    assert_int_equal(remove_name(f, "state"), LN_NOT_FOUND);
    assert_int_equal(remove_name(f, "no/such"), LN_NOT_FOUND);
    assert_int_equal(mkdir(in_folder(f, "folder").text, 0700), 0);
    assert_int_equal(remove_name(f, "folder"), LN_BAD_ARG);
    assert_int_equal(remove_name(f, "folder/."), LN_BAD_ARG);

    write_plainly(f, "kept", "x", 0644);
    assert_int_equal(symlink("kept", in_folder(f, "link").text), 0);
    assert_int_equal(remove_name(f, "link"), LN_OK); /* the link, not its target */
    assert_content(f, "kept", "x");
    assert_int_equal(open_descriptors(), before);
}

/* ---- listing ---- */

struct names {
    char text[256];
    int count;
    int limit;
};

static bool collect(void *user, const char *name)
{
    struct names *n = (struct names *)user;
    size_t len = strlen(n->text);
    (void)snprintf(n->text + len, sizeof n->text - len, "<%s>", name);
    n->count++;
    return n->count < n->limit;
}

static enum ln_status list(const struct fixture *f, const char *path, struct names *names)
{
    const struct ln_files *files = &f->env->files;
    return files->list(files->ctx, path, collect, names);
}

static void test_list(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    unsigned before = open_descriptors();
    struct names names = { .limit = 100 };
    assert_int_equal(list(f, f->folder, &names), LN_OK);
    assert_int_equal(names.count, 0);

    write_plainly(f, "ca.pem", "x", 0644);
    write_plainly(f, ".hidden", "x", 0644);
    write_plainly(f, ".state.new", "left by a crash", 0600);
    assert_int_equal(mkdir(in_folder(f, "folder").text, 0700), 0);
    assert_int_equal(mkfifo(in_folder(f, "fifo").text, 0600), 0);
    assert_int_equal(symlink("ca.pem", in_folder(f, "link.pem").text), 0);
    assert_int_equal(symlink("nothing", in_folder(f, "dangling").text), 0);
    assert_int_equal(list(f, f->folder, &names), LN_OK);
    assert_int_equal(names.count, 3); /* plain files and links to such, nothing else */
    assert_non_null(strstr(names.text, "<ca.pem>"));
    assert_non_null(strstr(names.text, "<link.pem>"));
    assert_non_null(strstr(names.text, "<.hidden>"));

    struct names one = { .limit = 1 };
    assert_int_equal(list(f, f->folder, &one), LN_OK);
    assert_int_equal(one.count, 1); /* `each` said stop */

    assert_int_equal(list(f, in_folder(f, "missing").text, &names), LN_NOT_FOUND);
    assert_int_equal(list(f, in_folder(f, "ca.pem").text, &names), LN_BAD_ARG);
    assert_int_equal(open_descriptors(), before);
}

/* A loss of power leaves the old file or the new one: the new one is whole on the disk before it gets
 * the name, and what was said to be done is on the disk, too. */
/* scenario: T17 */
static void test_what_is_synced(void **state)
{
    const struct fixture *f = (const struct fixture *)*state;
    const struct path path = in_folder(f, "name");
    const struct ln_files *files = &f->env->files;
    noting = true;
    memset(asked, 0, sizeof asked);
    assert_int_equal(files->replace(files->ctx, path.text, ln_span("new", 3)), LN_OK);
    assert_string_equal(asked, "frd");
    memset(asked, 0, sizeof asked);
    assert_int_equal(files->remove(files->ctx, path.text), LN_OK);
    noting = false;
    assert_string_equal(asked, "ud");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_an_empty_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_a_file_without_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_permitted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_link_is_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_synced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_makes_private_what_was_public, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_replace_uses_up_what_a_crash_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_does_not_write_through_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_in_the_current_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_the_old_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writers_do_not_mix, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
