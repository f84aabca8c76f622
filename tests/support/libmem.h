/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_LIBMEM_H
#define LN_TESTS_LIBMEM_H
/**
 * @file libmem.h
 * The memory that the TLS libraries take for themselves, past the allocator of the environment:
 * counted, and failing when a test wants that. For programs with one thread.
 */
#include <stdbool.h>
#include <stddef.h>

/** Take over the allocators of all libraries of the build. First thing in main(); false: too late. */
bool libmem_install(void);

/** Bytes in use, and the most since libmem_mark(). */
size_t libmem_live(void);
size_t libmem_peak(void);
void libmem_mark(void);

/** From now on allocations are numbered from 0, and number `n` fails; with `sticky` all behind it, too.
 *  SIZE_MAX only counts. */
void libmem_arm(size_t n, bool sticky);
void libmem_disarm(void);
/** Since libmem_arm(): how many there were. */
size_t libmem_calls(void);
/** Since libmem_arm(SIZE_MAX): the number of the first allocation of each call path, in their order. Two
 *  allocations have the same path if the whole call stack is the same, so that a failure takes the same
 *  way out of the library. Valid until the next libmem_arm(SIZE_MAX). @return how many */
size_t libmem_paths(const size_t **first);

/** What the libraries keep for the whole process begins anew. Nothing of theirs may be in use. Out of
 *  memory while its random generator is reseeded, Mbed TLS 3.6 loses a pointer and follows it at the next
 *  reseed, 10,000 numbers later: a test that goes on for so long renews. */
void libmem_renew(void);

/* for the hooks of a library, libmem_*.c */

/** Zeroed, or NULL. */
void *libmem_take(size_t size);
void libmem_give(void *data);
void *libmem_resize(void *data, size_t size);
/** One for each library of the build, NULL behind the last; CMake makes the list. */
extern bool (*const libmem_hooks[])(void);
extern void (*const libmem_renewals[])(void);

#endif
