/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file log.c
 * The log of a host: one block of text. When it is full its older half goes, at the end of a line.
 */
#include <inttypes.h>
#include <stdio.h>

#include "testkit/machine.h"

enum { LOG_BYTES = 32768, LINE_BYTES = 1024 };

static const char *const level_words[] = { [LN_LOG_OFF] = "off",
                                           [LN_LOG_ERROR] = "error",
                                           [LN_LOG_WARN] = "warn",
                                           [LN_LOG_INFO] = "info",
                                           [LN_LOG_DEBUG] = "debug" };

static void make_room(struct ln__mem_machine *machine, size_t len)
{
    if (machine->log_len + len < LOG_BYTES)
        return;
    const char *end = memchr(machine->log + machine->log_len / 2, '\n', machine->log_len / 2);
    size_t cut = end != NULL ? (size_t)(end + 1 - machine->log) : machine->log_len;
    memmove(machine->log, machine->log + cut, machine->log_len - cut);
    machine->log_len -= cut;
}

void ln__testkit_machine_log(void *ctx, enum ln_level level, const char *module, const char *text)
{
    struct ln_testkit_host *host = ctx;
    struct ln__mem_machine *machine = &host->machine;
    char line[LINE_BYTES];
    if (machine->log == NULL)
        machine->log = ln__mem_alloc(host->kit, LOG_BYTES);
    if (machine->log == NULL)
        return;
    ln_msec now = ln_testkit_now(host->kit);
    int len = snprintf(line, sizeof line - 1, "%" PRId64 ".%03d %s %s: %s", now / 1000,
                       (int)(now % 1000), level_words[level], module, text);
    size_t used = len < 0 ? 0 : (size_t)len < sizeof line - 1 ? (size_t)len : sizeof line - 2;
    line[used++] = '\n';
    make_room(machine, used);
    memcpy(machine->log + machine->log_len, line, used);
    machine->log_len += used;
    machine->log[machine->log_len] = '\0';
}

const char *ln_testkit_log(const struct ln_testkit_host *host)
{
    return host->machine.log_len > 0 ? host->machine.log : "";
}

void ln_testkit_log_clear(struct ln_testkit_host *host)
{
    host->machine.log_len = 0;
}
