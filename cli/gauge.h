/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_GAUGE_H
#define LN_CLI_GAUGE_H
/**
 * @file gauge.h
 * How far something is, on one line: "fw.bin  45% [====>     ] 1.2 MiB of 2.6 MiB  1.0 MiB/s  00:01 left".
 */
#include <linnet/env.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define GAUGE_LINE_MAX 512

enum { GAUGE_SAMPLES = 16 };

/** Where it was over the last seconds. All zero is the beginning. */
struct gauge_rate {
    struct {
        ln_msec at;
        uint64_t offset;
    } samples[GAUGE_SAMPLES];
    unsigned count;
};

/** "1.2 MiB". @return `text` */
const char *gauge_bytes(uint64_t bytes, char text[32]);
/** "01:05", "2:00:00". @return `text` */
const char *gauge_time(uint64_t seconds, char text[32]);
/** Columns of the terminal; 80 where it does not tell. */
int gauge_columns(FILE *out);

/** Note where it is; more often than needed is fine. */
void gauge_rate_note(struct gauge_rate *rate, uint64_t offset, ln_msec now);
/** Bytes in a second; 0 = not known yet. */
uint64_t gauge_rate_of(const struct gauge_rate *rate, uint64_t offset, ln_msec now);

/**
 * Write the line, at most `columns` wide where that leaves room for a bar.
 * @param total  NULL = not known: no bar
 * @param speed  bytes in a second; 0 = not known
 */
void gauge_line(const char *name, uint64_t offset, const uint64_t *total, uint64_t speed,
                int columns, char line[GAUGE_LINE_MAX]);

#endif
