/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file memory.c
 * The counting allocator. Each block has a header in front of it: its size, its number, its place
 * in the list of live blocks, so that a leak can be named. It ends where the heap's block ends.
 */
#include <stdalign.h>

#include "testkit/machine.h"

struct ln__mem_block {
    alignas(max_align_t) struct ln__mem_block *older;
    struct ln__mem_block *newer;
    size_t size;
    uint64_t number;
};

static void enter(struct ln__mem_machine *machine, struct ln__mem_block *block)
{
    block->older = machine->newest;
    block->newer = NULL;
    if (machine->newest != NULL)
        machine->newest->newer = block;
    else
        machine->oldest = block;
    machine->newest = block;
    machine->memory.live_blocks++;
    machine->memory.live_bytes += block->size;
    if (machine->memory.live_bytes > machine->memory.peak_bytes)
        machine->memory.peak_bytes = machine->memory.live_bytes;
}

static void leave(struct ln__mem_machine *machine, struct ln__mem_block *block)
{
    if (block->older != NULL)
        block->older->newer = block->newer;
    else
        machine->oldest = block->newer;
    if (block->newer != NULL)
        block->newer->older = block->older;
    else
        machine->newest = block->older;
    machine->memory.live_blocks--;
    machine->memory.live_bytes -= block->size;
}

static bool refused(struct ln_testkit_host *host, size_t before, size_t size)
{
    enum ln_status ignored = LN_OK;
    const struct ln__mem_machine *machine = &host->machine;
    if (ln__testkit_point_fails(host, LN_TESTKIT_ALLOC, &ignored) ||
        size > SIZE_MAX - sizeof(struct ln__mem_block))
        return true;
    return machine->memory_limit != 0 &&
           machine->memory.live_bytes - before + size > machine->memory_limit;
}

void *ln__testkit_machine_resize(void *ctx, void *memory, size_t size)
{
    struct ln_testkit_host *host = ctx;
    struct ln__mem_machine *machine = &host->machine;
    struct ln__mem_block *block = memory != NULL ? (struct ln__mem_block *)memory - 1 : NULL;
    size_t before = block != NULL ? block->size : 0;
    if (size == 0 && block == NULL)
        return NULL;
    if (size != 0 && refused(host, before, size))
        return NULL;
    if (block != NULL)
        leave(machine, block);
    if (size == 0) {
        ln__mem_free(host->kit, block);
        return NULL;
    }
    struct ln__mem_block *grown = ln__mem_resize(host->kit, block, sizeof *grown + size);
    if (grown == NULL) {
        if (block != NULL)
            enter(machine, block); /* realloc() leaves the old block */
        return NULL;
    }
    grown->size = size;
    grown->number = machine->memory.allocations++;
    enter(machine, grown);
    return grown + 1;
}

void ln__testkit_machine_free_leaks(struct ln_testkit_host *host)
{
    while (host->machine.oldest != NULL)
        (void)ln__testkit_machine_resize(host, host->machine.oldest + 1, 0);
}

void ln_testkit_memory(const struct ln_testkit_host *host, struct ln_testkit_memory *out)
{
    const struct ln__mem_block *oldest = host->machine.oldest;
    *out = host->machine.memory;
    out->oldest_live = oldest != NULL ? oldest->number : 0;
    out->oldest_bytes = oldest != NULL ? oldest->size : 0;
}

void ln_testkit_memory_limit(struct ln_testkit_host *host, size_t bytes)
{
    host->machine.memory_limit = bytes;
}
