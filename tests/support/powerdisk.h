/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_POWERDISK_H
#define LN_TESTS_POWERDISK_H
/**
 * @file powerdisk.h
 * One folder on a disk that loses power between any two system calls.
 *
 * Calls of the program that change the folder go through the linker's --wrap to this file, which does
 * them and keeps two books: what stands there now, and what a loss of power leaves for certain: the
 * bytes of a file as of its last fsync, the names of the folder as of the folder's. Starting a program
 * is such a call too. At the chosen call the power goes: it and all later ones do nothing, and fail.
 * power_restore() makes the folder as one of the many that the disk may hold then.
 *
 * Linked into programs that CMake gives the wraps; one folder, no folders in it, files of at most
 * POWER_FILE_MAX bytes. Functions fail the running test where they cannot do what they say.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POWER_FILE_MAX 8192u

/** What the disk has done, of what it was not told to do. */
enum power_loss {
    POWER_ALL = 0, /**< everything: as kill -9 */
    POWER_NOTHING, /**< nothing: renames are taken back, bytes not there */
    POWER_NAMES,   /**< the names, and not the bytes behind them */
    POWER_BYTES,   /**< the bytes, and not the names */
    POWER_TORN,    /**< as NAMES, and a part of the last write */
    POWER_LOSSES
};

/** Empty the folder, which must exist; everything in it is safe. */
void power_begin(const char *folder);
/** Note the folder as it is, all of it safe; and have it so again. */
void power_save(void);
void power_begin_saved(void);
/** The power goes at that call, counted from 0 at power_begin...() or power_restore(); SIZE_MAX: never. Is
 *  it the start of a program, `runs` says whether that has come to its end before. */
void power_cut_at(size_t call, bool runs);
/** So many calls were made. */
size_t power_calls(void);
bool power_is_off(void);
/** It went at the start of a program. */
bool power_went_at_start(void);
/** Called when it goes. */
extern void (*power_on_cut)(void);

/** Bytes of the last write, all of which POWER_TORN may have lost; 0: it was synced. */
size_t power_torn_max(void);
/** A number for the folder that power_restore() would make: equal for equal ones. */
uint64_t power_fingerprint(enum power_loss loss, size_t torn);
/** Make that folder; the power is back. Possible many times after one cut. */
void power_restore(enum power_loss loss, size_t torn);

#endif
