/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file queue.c
 * The events to come: a binary heap ordered by (time, number): equal times keep their order.
 *
 * The heap owns its events until ln__mem_queue_take(). It doubles when full, up to flight_max.
 */
#include "net/mem/mem.h"

enum { FIRST_ROOM = 64 };

static bool earlier(const struct ln__mem_event *a, const struct ln__mem_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void rise(struct ln__mem_queue *queue, size_t i)
{
    struct ln__mem_event *event = queue->heap[i];
    while (i > 0 && earlier(event, queue->heap[(i - 1) / 2])) {
        queue->heap[i] = queue->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    queue->heap[i] = event;
}

static void sink(struct ln__mem_queue *queue, size_t i)
{
    struct ln__mem_event *event = queue->heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= queue->count)
            break;
        if (child + 1 < queue->count && earlier(queue->heap[child + 1], queue->heap[child]))
            child++;
        if (!earlier(queue->heap[child], event))
            break;
        queue->heap[i] = queue->heap[child];
        i = child;
    }
    queue->heap[i] = event;
}

enum ln_status ln__mem_queue_reserve(struct ln_testkit *kit, size_t more)
{
    struct ln__mem_queue *queue = &kit->queue;
    if (queue->count + more > kit->config.flight_max)
        return LN_NO_SPACE;
    if (queue->count + more <= queue->room)
        return LN_OK;
    size_t room = queue->room != 0 ? queue->room * 2 : FIRST_ROOM;
    while (room < queue->count + more)
        room *= 2;
    void *heap = ln__mem_resize(kit, queue->heap, room * sizeof *queue->heap);
    if (heap == NULL)
        return LN_NO_MEMORY;
    queue->heap = heap;
    queue->room = room;
    return LN_OK;
}

enum ln_status ln__mem_queue_put(struct ln_testkit *kit, struct ln__mem_event *event, int64_t at_us)
{
    enum ln_status st = ln__mem_queue_reserve(kit, 1);
    if (st != LN_OK)
        return st;
    event->at_us = at_us < kit->now_us ? kit->now_us : at_us;
    event->order = kit->order++;
    kit->queue.heap[kit->queue.count] = event;
    rise(&kit->queue, kit->queue.count++);
    return LN_OK;
}

struct ln__mem_event *ln__mem_queue_take(struct ln__mem_queue *queue)
{
    struct ln__mem_event *first = queue->heap[0];
    queue->count--;
    if (queue->count > 0) {
        queue->heap[0] = queue->heap[queue->count];
        sink(queue, 0);
    }
    return first;
}
