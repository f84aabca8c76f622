/* SPDX-License-Identifier: Apache-2.0 */
#include "support/libmem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

enum { PATHS_MAX = 1 << 15, PATH_SLOTS = 2 * PATHS_MAX };

static struct {
    uint64_t slot[PATH_SLOTS]; /* open hashing; 0 = free */
    size_t first[PATHS_MAX];
    size_t count;
} paths;

static struct {
    size_t live;
    size_t peak;
    bool armed;
    bool sticky;
    size_t fail_at;
    size_t calls;
} memory;

struct counted {
    size_t size;
    max_align_t data[];
};

bool libmem_install(void)
{
    bool all = true;
    for (size_t i = 0; libmem_hooks[i] != NULL; i++)
        all = libmem_hooks[i]() && all;
    return all;
}

size_t libmem_live(void)
{
    return memory.live;
}

size_t libmem_peak(void)
{
    return memory.peak;
}

void libmem_mark(void)
{
    memory.peak = memory.live;
}

void libmem_arm(size_t n, bool sticky)
{
    memory.armed = true;
    memory.sticky = sticky;
    memory.fail_at = n;
    memory.calls = 0;
    if (n == SIZE_MAX)
        memset(&paths, 0, sizeof paths);
}

void libmem_disarm(void)
{
    memory.armed = false;
}

size_t libmem_calls(void)
{
    return memory.calls;
}

/* FNV-1a, a step for each return address; the shift brings the high bits down, where slots are chosen. */
static _Unwind_Reason_Code add_frame(struct _Unwind_Context *frame, void *hash)
{
    uint64_t *h = hash;
    *h = (*h ^ (uint64_t)_Unwind_GetIP(frame)) * UINT64_C(0x100000001b3);
    *h ^= *h >> 29;
    return _URC_NO_REASON;
}

static void note_path(size_t number)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    (void)_Unwind_Backtrace(add_frame, &hash);
    size_t i = hash % PATH_SLOTS;
    while (paths.slot[i] != 0 && paths.slot[i] != hash)
        i = (i + 1) % PATH_SLOTS;
    if (paths.slot[i] == hash)
        return;
    if (paths.count == PATHS_MAX)
        abort(); /* the room above is too small: nothing may be left out in silence */
    paths.slot[i] = hash;
    paths.first[paths.count++] = number;
}

size_t libmem_paths(const size_t **first)
{
    *first = paths.first;
    return paths.count;
}

static bool fails(void)
{
    if (!memory.armed)
        return false;
    size_t number = memory.calls++;
    if (memory.fail_at == SIZE_MAX)
        note_path(number);
    return number == memory.fail_at || (memory.sticky && number > memory.fail_at);
}

static struct counted *block_of(void *data)
{
    return (struct counted *)(void *)((char *)data - offsetof(struct counted, data));
}

void *libmem_take(size_t size)
{
    if (fails())
        return NULL;
    struct counted *block = calloc(1, sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->size = size;
    memory.live += size;
    if (memory.live > memory.peak)
        memory.peak = memory.live;
    return block->data;
}

void libmem_give(void *data)
{
    if (data == NULL)
        return;
    memory.live -= block_of(data)->size;
    free(block_of(data));
}

void *libmem_resize(void *data, size_t size)
{
    if (size == 0) {
        libmem_give(data);
        return NULL;
    }
    void *next = libmem_take(size);
    if (next == NULL || data == NULL)
        return next;
    size_t old = block_of(data)->size;
    memcpy(next, data, old < size ? old : size);
    libmem_give(data);
    return next;
}

void libmem_renew(void)
{
    for (size_t i = 0; libmem_renewals[i] != NULL; i++)
        libmem_renewals[i]();
}
