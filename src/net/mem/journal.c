/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file journal.c
 * What happened: a ring of the last events, and a digest of all of them.
 *
 * The digest covers times, kinds, addresses and lengths, in order. It leaves payload out: TLS
 * libraries use randomness of their own.
 */
#include <inttypes.h>
#include <stdio.h>

#include "net/mem/mem.h"

#define WORD(name, word) [LN_TESTKIT_##name] = word,
static const char *const words[] = { LN_TESTKIT_HAPPENED_LIST(WORD) };

const char *ln__mem_word(enum ln_testkit_happened what)
{
    return words[what];
}

static uint64_t digest(uint64_t hash, const struct ln_testkit_event *event)
{
    hash = ln__mem_hash_mix(hash, (uint64_t)event->at_us);
    hash = ln__mem_hash_mix(hash, (uint64_t)event->what << 56 | (uint64_t)event->kind << 48 |
                                      (uint64_t)event->from.port << 32 |
                                      (uint64_t)event->to.port << 16);
    hash = ln__mem_hash_ip(hash, &event->from);
    hash = ln__mem_hash_ip(hash, &event->to);
    return ln__mem_hash_mix(hash, event->len);
}

void ln__mem_note(struct ln_testkit *kit, enum ln_testkit_happened what, enum ln_net_kind kind,
                  const struct ln_addr *from, const struct ln_addr *to, size_t len)
{
    size_t room = kit->config.events_max;
    size_t slot = (kit->journal_first + kit->journal_count) % room;
    if (kit->journal_count == room)
        kit->journal_first = (kit->journal_first + 1) % room;
    else
        kit->journal_count++;
    struct ln_testkit_event *event = &kit->journal[slot];
    *event = (struct ln_testkit_event) {
        .at_us = kit->now_us, .what = what, .kind = kind, .from = *from, .to = *to, .len = len
    };
    kit->trace_hash = digest(kit->trace_hash, event);
}

size_t ln_testkit_event_count(const struct ln_testkit *kit)
{
    return kit->journal_count;
}

const struct ln_testkit_event *ln_testkit_event(const struct ln_testkit *kit, size_t index)
{
    if (index >= kit->journal_count)
        return NULL;
    return &kit->journal[(kit->journal_first + index) % kit->config.events_max];
}

uint64_t ln_testkit_trace_hash(const struct ln_testkit *kit)
{
    return kit->trace_hash;
}

/* A host has no port, and an event of a host no second address. */
static void format(const struct ln_addr *addr, char text[LN_ADDR_TEXT_MAX])
{
    text[0] = '\0';
    if (addr->family != LN_FAMILY_ANY && addr->port != 0)
        ln_addr_format(addr, text);
    else if (addr->family != LN_FAMILY_ANY)
        ln_addr_format_ip(addr, text);
}

size_t ln_testkit_event_line(const struct ln_testkit_event *event, char *text, size_t room)
{
    char from[LN_ADDR_TEXT_MAX], to[LN_ADDR_TEXT_MAX];
    int64_t s = event->at_us / 1000000;
    int ms = (int)(event->at_us / 1000 % 1000), len = 0;
    const char *word = words[event->what];
    if (room == 0)
        return 0;
    format(&event->from, from);
    format(&event->to, to);
    if (to[0] != '\0')
        len = snprintf(text, room, "%" PRId64 ".%03d %s %s %s -> %s %zu", s, ms, word,
                       event->kind == LN_NET_DATAGRAM ? "udp" : "tcp", from, to, event->len);
    else
        len = snprintf(text, room, "%" PRId64 ".%03d %s %s", s, ms, word, from);
    if (len < 0)
        len = 0;
    return (size_t)len < room ? (size_t)len : room - 1;
}
