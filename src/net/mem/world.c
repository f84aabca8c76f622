/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world.c
 * The world itself: its life, its clock, its services.
 *
 * Time is kept in microseconds and moves in ln__mem_reach() only. Everything that happens is an
 * event of the heap; services are called after events, before time goes on.
 */
#include <stdarg.h>
#include <stdio.h>

#include "net/mem/mem.h"
#include "net/mem/world.h"

/* Far from 0, so that a deadline that was never set shows as one in the past. */
#define START_US INT64_C(1000000000)
#define DEFAULT_WALL_S INT64_C(1735689600) /* 2025-01-01 */
#define US_PER_S INT64_C(1000000)
#define LONGEST_US (INT64_MAX / 8) /* 36,000 years: sums of two times do not overflow */

enum { DEFAULT_FLIGHT = 65536, DEFAULT_EVENTS = 1024 };

/* The kit that ln_testkit_wall_us() serves: gettimeofday() has no argument to carry it. And all
 * kits of this thread, so that another one can take its place. */
static _Thread_local struct ln_testkit *current, *newest;

/* ---- memory ---- */

void *ln__mem_resize(struct ln_testkit *kit, void *block, size_t size)
{
    return kit->config.alloc.resize(kit->config.alloc.ctx, block, size);
}

void *ln__mem_alloc(struct ln_testkit *kit, size_t size)
{
    return ln__mem_resize(kit, NULL, size);
}

void *ln__mem_zeroed(struct ln_testkit *kit, size_t size)
{
    void *block = ln__mem_alloc(kit, size);
    if (block != NULL)
        memset(block, 0, size);
    return block;
}

void ln__mem_free(struct ln_testkit *kit, void *block)
{
    if (block != NULL)
        ln__mem_resize(kit, block, 0);
}

/* ---- life ---- */

static void leave_thread(struct ln_testkit *kit)
{
    struct ln_testkit **link = &newest;
    while (*link != NULL && *link != kit)
        link = &(*link)->older;
    if (*link != NULL)
        *link = kit->older;
    if (current == kit)
        current = newest;
}

static struct ln_testkit_config with_defaults(const struct ln_testkit_config *config)
{
    struct ln_testkit_config full = *config;
    if (full.wall_s == 0)
        full.wall_s = DEFAULT_WALL_S;
    if (full.flight_max == 0)
        full.flight_max = DEFAULT_FLIGHT;
    if (full.events_max == 0)
        full.events_max = DEFAULT_EVENTS;
    return full;
}

enum ln_status ln__mem_world_new(const struct ln_testkit_config *config, struct ln_testkit **out)
{
    struct ln_testkit *kit = config->alloc.resize(config->alloc.ctx, NULL, sizeof *kit);
    *out = NULL;
    if (kit == NULL)
        return LN_NO_MEMORY;
    *kit = (struct ln_testkit) { .config = with_defaults(config), .now_us = START_US };
    kit->wall_offset_us = kit->config.wall_s * US_PER_S - kit->now_us;
    kit->hosts_end = &kit->hosts;
    kit->journal = ln__mem_alloc(kit, kit->config.events_max * sizeof *kit->journal);
    if (kit->journal == NULL) {
        ln__mem_free(kit, kit);
        return LN_NO_MEMORY;
    }
    kit->older = newest;
    newest = kit;
    current = kit;
    *out = kit;
    return LN_OK;
}

/* Events and connections refer to hosts: all of them go first. */
static void free_traffic(struct ln_testkit *kit)
{
    for (struct ln_testkit_host *host = kit->hosts; host != NULL; host = host->next) {
        while (host->socks != NULL)
            ln__mem_net_ops.close(host, host->socks->handle);
    }
    while (kit->queue.count > 0) {
        struct ln__mem_event *event = ln__mem_queue_take(&kit->queue);
        event->drop(kit, event);
    }
}

static void free_hosts(struct ln_testkit *kit)
{
    while (kit->hosts != NULL) {
        struct ln_testkit_host *host = kit->hosts;
        kit->hosts = host->next;
        if (kit->machine_free != NULL)
            kit->machine_free(host);
        ln__mem_free(kit, host->out);
        ln__mem_free(kit, host->in);
        ln__mem_free(kit, host);
    }
}

static void free_links(struct ln_testkit *kit)
{
    while (kit->all_links != NULL) {
        struct ln__mem_link *link = kit->all_links;
        kit->all_links = link->next;
        ln__mem_free(kit, link->own);
        ln__mem_free(kit, link);
    }
}

static void free_addresses(struct ln_testkit *kit)
{
    while (kit->all_addresses != NULL) {
        struct ln__mem_address *address = kit->all_addresses;
        kit->all_addresses = address->next;
        ln__mem_free(kit, address);
    }
}

static void free_nats(struct ln_testkit *kit)
{
    while (kit->nats != NULL) {
        struct ln_testkit_nat *nat = kit->nats;
        kit->nats = nat->next;
        ln__mem_nat_free(nat);
    }
}

void ln_testkit_free(struct ln_testkit *kit)
{
    if (kit == NULL)
        return;
    kit->tap = NULL;
    kit->capture = NULL;
    free_traffic(kit);
    free_hosts(kit);
    if (kit->names_free != NULL)
        kit->names_free(kit);
    free_nats(kit);
    free_links(kit);
    free_addresses(kit);
    struct ln__mem_table *const tables[] = { &kit->addresses,       &kit->links,
                                             &kit->ports,           &kit->connected,
                                             &kit->mappings_inside, &kit->mappings_public };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        ln__mem_free(kit, tables[i]->chains);
    ln__mem_free(kit, kit->any);
    ln__mem_free(kit, kit->slots);
    ln__mem_free(kit, kit->queue.heap);
    ln__mem_free(kit, kit->journal);
    leave_thread(kit);
    ln__mem_free(kit, kit);
}

void ln__mem_text(struct ln_testkit *kit, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(kit->text, sizeof kit->text, format, args);
    va_end(args);
}

const char *ln_testkit_text(const struct ln_testkit *kit)
{
    return kit->text;
}

/* ---- time ---- */

int64_t ln__mem_us(ln_msec ms)
{
    if (ms > INT64_MAX / 1000)
        return INT64_MAX;
    return ms < 0 ? 0 : ms * 1000;
}

ln_msec ln_testkit_now(const struct ln_testkit *kit)
{
    return kit->now_us / 1000;
}

int64_t ln_testkit_wall(const struct ln_testkit *kit)
{
    return (kit->now_us + kit->wall_offset_us) / US_PER_S;
}

void ln_testkit_set_wall(struct ln_testkit *kit, int64_t wall_s)
{
    kit->wall_offset_us = wall_s * US_PER_S - kit->now_us;
}

int64_t ln_testkit_wall_us(void)
{
    return current != NULL ? current->now_us + current->wall_offset_us : -1;
}

void ln_testkit_make_current(struct ln_testkit *kit)
{
    current = kit;
}

int64_t ln__mem_next_us(const struct ln_testkit *kit, int64_t until_us)
{
    if (kit->queue.count > 0 && kit->queue.heap[0]->at_us < until_us)
        until_us = kit->queue.heap[0]->at_us;
    for (size_t i = 0; i < kit->service_count && !kit->serving; i++) {
        if (ln__mem_us(kit->services[i].next) < until_us)
            until_us = ln__mem_us(kit->services[i].next);
    }
    return until_us;
}

bool ln__mem_reach(struct ln_testkit *kit, int64_t at_us)
{
    bool happened = false;
    if (at_us > kit->now_us)
        kit->now_us = at_us;
    while (kit->queue.count > 0 && kit->queue.heap[0]->at_us <= kit->now_us) {
        struct ln__mem_event *event = ln__mem_queue_take(&kit->queue);
        event->fire(kit, event);
        happened = true;
    }
    return happened;
}

void ln_testkit_advance(struct ln_testkit *kit, int64_t ms)
{
    int64_t end = ln__mem_us(ms);
    end = kit->now_us + (end < LONGEST_US ? end : LONGEST_US);
    do {
        ln__mem_serve(kit, ln__mem_reach(kit, ln__mem_next_us(kit, end)));
    } while (kit->now_us < end || ln__mem_next_us(kit, end) < end);
}

/* ---- services ---- */

void ln__mem_serve(struct ln_testkit *kit, bool happened)
{
    if (kit->serving)
        return; /* a service that lets time pass: its own fault, but no endless recursion */
    kit->serving = true;
    for (size_t i = 0; i < kit->service_count; i++) {
        struct ln__mem_service *service = &kit->services[i];
        ln_msec now = ln_testkit_now(kit);
        if (!happened && service->next > now)
            continue;
        void *user = service->user;
        service->next = LN_NEVER;
        ln_msec next = service->serve(user, now);
        /* One that wants to be called at once is called a millisecond later: time goes on. */
        if (i < kit->service_count && service->user == user) /* it may have stopped itself */
            service->next = next <= now ? now + 1 : next;
    }
    kit->serving = false;
}

enum ln_status ln_testkit_serve(struct ln_testkit *kit, ln_msec (*serve)(void *user, ln_msec now),
                                void *user)
{
    if (kit->service_count == LN__MEM_SERVICES_MAX)
        return LN_NO_SPACE;
    kit->services[kit->service_count++] =
        (struct ln__mem_service) { .serve = serve, .user = user, .next = ln_testkit_now(kit) };
    return LN_OK;
}

void ln_testkit_serve_stop(struct ln_testkit *kit, const void *user)
{
    size_t kept = 0;
    for (size_t i = 0; i < kit->service_count; i++) {
        if (kit->services[i].user != user)
            kit->services[kept++] = kit->services[i];
    }
    kit->service_count = kept;
}

/* ---- acts at a time ---- */

struct act {
    struct ln__mem_event event;
    void (*act)(void *user);
    void *user;
};

static void act_fire(struct ln_testkit *kit, struct ln__mem_event *event)
{
    struct act act = *(struct act *)event;
    ln__mem_free(kit, event);
    act.act(act.user);
}

static void act_drop(struct ln_testkit *kit, struct ln__mem_event *event)
{
    ln__mem_free(kit, event);
}

enum ln_status ln_testkit_at(struct ln_testkit *kit, ln_msec when, void (*act)(void *user),
                             void *user)
{
    struct act *event = ln__mem_alloc(kit, sizeof *event);
    if (event == NULL)
        return LN_NO_MEMORY;
    *event =
        (struct act) { .event = { .fire = act_fire, .drop = act_drop }, .act = act, .user = user };
    enum ln_status st = ln__mem_queue_put(kit, &event->event, ln__mem_us(when));
    if (st != LN_OK)
        ln__mem_free(kit, event);
    return st == LN_OK ? LN_OK : LN_NO_MEMORY;
}
