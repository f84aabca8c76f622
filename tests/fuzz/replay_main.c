/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file replay_main.c
 * Runs a fuzz target over stored inputs, without libFuzzer: each corpus is a regression test under
 * every compiler and sanitizer.
 *
 * usage: fuzz_<name> FILE|FOLDER...    folders are read with their subfolders, in sorted order;
 *                                      names that start with a dot are left out
 * exit:  0 all inputs ran; 1 an input could not be read, or there was none; a crash is a finding
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PATH_ROOM = 4096 };

static bool run_path(const char *path, size_t *count);

/* The buffer is exactly as long as the input: one byte read past the end is a finding. */
static bool run_file(const char *path, size_t size, size_t *count)
{
    bool ok = false;
    uint8_t *data = malloc(size);
    FILE *file = fopen(path, "rb");
    if (file == NULL || (data == NULL && size > 0))
        goto out;
    if (fread(data, 1, size, file) != size)
        goto out;
    if (LLVMFuzzerTestOneInput(data, size) != 0)
        goto out;
    *count += 1;
    ok = true;
out:
    if (file != NULL)
        (void)fclose(file);
    free(data);
    return ok;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool run_folder(const char *path, size_t *count)
{
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, is_visible, alphasort);
    bool ok = n >= 0;
    for (int i = 0; i < n; i++) {
        char child[PATH_ROOM];
        int length = snprintf(child, sizeof child, "%s/%s", path, entries[i]->d_name);
        bool fits = length > 0 && length < PATH_ROOM;
        if (!fits || !run_path(child, count))
            ok = false;
        free(entries[i]);
    }
    free(entries);
    return ok;
}

static bool run_path(const char *path, size_t *count)
{
    struct stat status;
    bool ok = false;
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            ok = run_folder(path, count);
        else
            ok = run_file(path, (size_t)status.st_size, count);
    }
    if (!ok)
        (void)fprintf(stderr, "failed: %s\n", path);
    return ok;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    bool ok = true;
    for (int i = 1; i < argc; i++) {
        if (!run_path(argv[i], &count))
            ok = false;
    }
    printf("%zu inputs\n", count);
    if (count == 0)
        (void)fprintf(stderr, "a target without inputs tests nothing: add some to its corpus\n");
    return ok && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
