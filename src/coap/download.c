/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file download.c
 * The body of an answer in blocks (RFC 7959 2.4), several of them asked for ahead where NSTART
 * allows.
 *
 * The request is the root. It asks for blocks itself, or through legs: while it observes, its own
 * token must stay as it is; and to ask for several at once takes several. Each of them covers the
 * bytes from down_at to down_until. In order, a block that comes too early is held: in the pool, or,
 * if that is full, by asking for it once more when its turn comes. A block that was refused because
 * it was asked for ahead is held likewise, and from then on blocks are asked for one by one.
 */
#include "coap/internal.h"

static struct ln__coap_exchange *root_of(const struct ln_coap *coap, struct ln__coap_exchange *ex)
{
    return ex->kind == EX_LEG ? &coap->exchanges[ex->parent] : ex;
}

static bool is_leg_of(const struct ln_coap *coap, const struct ln__coap_exchange *ex,
                      const struct ln__coap_exchange *root)
{
    if (ex->id == 0 ||
        (ex != root && (ex->kind != EX_LEG || ex->parent != ln__coap_index(coap, root))))
        return false;
    return ex != root || ((root->flags & EX_OBSERVE) == 0 && root->state != EX_RESTING);
}

static unsigned busy_legs(const struct ln_coap *coap, const struct ln__coap_exchange *root)
{
    unsigned busy = 0;
    for (size_t i = 0; i < coap->config.exchanges; i++)
        if (is_leg_of(coap, &coap->exchanges[i], root))
            busy++;
    return busy;
}

/* It has nothing to ask for any more. */
static void free_leg(struct ln_coap *coap, struct ln__coap_exchange *leg)
{
    ln__coap_release(coap, &leg->held);
    leg->flags &= ~(uint32_t)(EX_HELD_DATA | EX_MORE);
    leg->state = EX_RESTING;
    leg->deadline = LN_NEVER;
    if (leg->kind == EX_LEG)
        ln__coap_free_slot(coap, leg);
}

/* Ask for what a leg covers, from down_at on. */
static bool ask(struct ln_coap *coap, struct ln__coap_exchange *leg)
{
    if (ln__coap_new_token(coap, &leg->token) != LN_OK)
        return false;
    leg->ask_szx = root_of(coap, leg)->down_szx;
    ln__coap_queue(coap, leg);
    return true;
}

void ln__coap_download_void(struct ln_coap *coap, struct ln__coap_exchange *root)
{
    ln__coap_drop_legs(coap, root);
    root->flags &= ~(uint32_t)(EX_DOWNLOAD | EX_PAUSED | EX_ALONE | EX_HAS_ETAG);
    root->etag_len = 0;
    root->down_at = root->from;
}

/* ---- a block that came ---- */

static bool etag_differs(const struct ln__coap_exchange *root, const struct ln_coap_msg *msg)
{
    if ((root->flags & EX_HAS_ETAG) == 0)
        return false;
    if ((msg->has & LN_COAP_HAS_ETAG) == 0)
        return (root->flags & EX_EVERY_ETAG) != 0;
    return ln_span_equal(msg->etag, ln_span(root->etag, root->etag_len)) == 0;
}

/* LN_COAP_RESPONSE if the block is what was asked for. */
static enum ln_coap_outcome judge(const struct ln__coap_exchange *root,
                                  const struct ln__coap_exchange *leg,
                                  const struct ln_coap_msg *msg)
{
    struct ln_coap_block block = msg->block2;
    bool first = (root->flags & EX_DOWNLOAD) == 0;
    if ((msg->has & LN_COAP_HAS_BLOCK2) == 0 || block.szx > 6)
        return LN_COAP_BROKEN;
    if (etag_differs(root, msg))
        return LN_COAP_REPLACED;
    size_t size = ln_coap_block_size(block.szx);
    if (ln_coap_block_offset(block) != leg->down_at || (!first && block.szx > leg->ask_szx) ||
        (block.more ? msg->payload.len != size : msg->payload.len > size))
        return LN_COAP_BROKEN;
    uint32_t end = leg->down_at + (uint32_t)msg->payload.len;
    if (end > root->answer_max || (block.more && end >= root->answer_max))
        return LN_COAP_TOO_LONG;
    if (!first && root->down_end != LN_COAP_SIZE_UNKNOWN &&
        (block.more ? end >= root->down_end : end != root->down_end))
        return LN_COAP_BROKEN; /* another block was the last one */
    return LN_COAP_RESPONSE;
}

/* Of the first block: what the others will be like. */
static void begin(struct ln__coap_exchange *root, const struct ln_coap_msg *msg)
{
    root->flags |= EX_DOWNLOAD;
    root->down_szx = msg->block2.szx;
    root->down_done = root->down_at;
    root->down_until = root->down_at + (uint32_t)ln_coap_block_size(msg->block2.szx);
    root->down_next = root->down_until;
    root->down_end = LN_COAP_SIZE_UNKNOWN;
    if ((msg->has & LN_COAP_HAS_ETAG) != 0 && (root->flags & EX_HAS_ETAG) == 0) {
        root->flags |= EX_HAS_ETAG;
        root->etag_len = (uint8_t)msg->etag.len;
        memcpy(root->etag, msg->etag.data, msg->etag.len);
    }
}

/* `last` brought the last block: nobody need ask for what is behind it. */
static void end_at(struct ln_coap *coap, struct ln__coap_exchange *root,
                   const struct ln__coap_exchange *last, uint32_t end)
{
    root->down_end = end;
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        struct ln__coap_exchange *leg = &coap->exchanges[i];
        if (leg != last && is_leg_of(coap, leg, root) && leg->down_at >= end)
            free_leg(coap, leg);
    }
}

static bool is_its_turn(const struct ln__coap_exchange *root, uint32_t at)
{
    if ((root->flags & EX_PAUSED) != 0)
        return false;
    return (root->flags & EX_UNORDERED) != 0 || at == root->down_done;
}

/* It waits for its turn, to be asked for again. */
static void hold_empty(struct ln__coap_exchange *leg)
{
    leg->state = EX_HELD;
    leg->deadline = LN_NEVER;
    leg->flags &= ~(uint32_t)(EX_HELD_DATA | EX_MORE);
}

/* Keep a block until its turn comes, if there is room. */
static void hold(struct ln_coap *coap, struct ln__coap_exchange *leg, struct ln_span bytes,
                 bool more)
{
    hold_empty(leg);
    if (bytes.len > 0) {
        if (!ln__coap_store(coap, bytes.len, &leg->held))
            return;
        memcpy(ln__coap_chunk_data(coap, leg->held), bytes.data, bytes.len);
    }
    leg->flags |= EX_HELD_DATA | (more ? EX_MORE : 0u);
}

/* Hand over the bytes at leg->down_at; false if the body is over, one way or another. */
static bool deliver(struct ln_coap *coap, struct ln__coap_exchange *leg,
                    const struct ln_coap_msg *msg, struct ln_span bytes, bool more, ln_msec now)
{
    struct ln__coap_exchange *root = root_of(coap, leg);
    uint32_t at = leg->down_at;
    leg->down_at += (uint32_t)bytes.len;
    if (more && leg->down_at < leg->down_until) {
        if (!ask(coap, leg)) { /* it came in a smaller block: the rest of it */
            ln__coap_end(coap, root, LN_COAP_BROKEN, NULL, now);
            return false;
        }
    } else {
        free_leg(coap, leg);
    }
    bool ordered = (root->flags & EX_UNORDERED) == 0;
    if (ordered)
        root->down_done = at + (uint32_t)bytes.len;
    bool last = ordered ? root->down_done == root->down_end
                        : root->down_next >= root->down_end && busy_legs(coap, root) == 0;
    if (last)
        ln__coap_download_void(coap, root);
    root = ln__coap_hand_over(coap, root, msg, bytes, at, last, now);
    return root != NULL && (root->flags & EX_DOWNLOAD) != 0;
}

/* ---- going on ---- */

/* Whether anything else is being asked for, or waits for its turn before this leg. */
static bool is_ahead(const struct ln_coap *coap, const struct ln__coap_exchange *root,
                     const struct ln__coap_exchange *leg)
{
    if ((root->flags & EX_UNORDERED) == 0)
        return leg->down_at != root->down_done;
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        const struct ln__coap_exchange *other = &coap->exchanges[i];
        if (other != leg && is_leg_of(coap, other, root) &&
            (other->state != EX_HELD || other->down_at < leg->down_at))
            return true;
    }
    return false;
}

/* A held leg whose turn has come. */
static struct ln__coap_exchange *next_held(const struct ln_coap *coap,
                                           const struct ln__coap_exchange *root)
{
    bool ordered = (root->flags & EX_UNORDERED) == 0;
    for (size_t i = 0; i < coap->config.exchanges; i++) {
        struct ln__coap_exchange *leg = &coap->exchanges[i];
        bool has_data = (leg->flags & EX_HELD_DATA) != 0;
        if (is_leg_of(coap, leg, root) && leg->state == EX_HELD &&
            ((has_data && !ordered) || !is_ahead(coap, root, leg)))
            return leg;
    }
    return NULL;
}

/* Hand over what a leg holds, or ask for it again; false if the request is over. */
static bool release(struct ln_coap *coap, struct ln__coap_exchange *leg, ln_msec now)
{
    uint8_t copy[1024]; /* the pool may move while it is handed over */
    struct ln_span held = ln__coap_chunk_bytes(coap, leg->held);
    struct ln__coap_exchange *root = root_of(coap, leg);
    if ((leg->flags & EX_HELD_DATA) == 0) {
        if (ask(coap, leg))
            return true;
        ln__coap_end(coap, root, LN_COAP_BROKEN, NULL, now);
        return false;
    }
    memcpy(copy, held.data, held.len);
    struct ln_coap_msg msg = { .type = LN_COAP_NON,
                               .code = root->down_code,
                               .token = leg->token,
                               .payload = ln_span(copy, held.len) };
    bool more = (leg->flags & EX_MORE) != 0;
    ln__coap_release(coap, &leg->held);
    return deliver(coap, leg, &msg, msg.payload, more, now);
}

/* One more leg, if there may be one; NULL if not. */
static struct ln__coap_exchange *free_one(struct ln_coap *coap, struct ln__coap_exchange *root)
{
    if ((root->flags & EX_OBSERVE) == 0 && root->state == EX_RESTING)
        return root;
    struct ln__coap_exchange *leg = ln__coap_take(coap, EX_LEG, root->peer);
    if (leg == NULL)
        return NULL;
    leg->parent = (uint8_t)ln__coap_index(coap, root);
    leg->class_ = root->class_;
    return leg;
}

static unsigned window_of(const struct ln_coap *coap, const struct ln__coap_exchange *root)
{
    bool ahead = root->class_ == LN_COAP_BULK && (root->flags & EX_ALONE) == 0;
    return ahead ? coap->config.nstart[LN_COAP_BULK] : 1;
}

static void ask_more(struct ln_coap *coap, struct ln__coap_exchange *root, ln_msec now)
{
    uint32_t size = (uint32_t)ln_coap_block_size(root->down_szx);
    unsigned window = window_of(coap, root);
    unsigned busy = busy_legs(coap, root);
    for (; busy < window && root->down_next < root->down_end; busy++) {
        if (busy > 0 && root->down_next >= root->down_size)
            return; /* as far as is known it ends here: wait and see */
        if (root->down_next >= LN_COAP_BODY_MAX)
            return;
        struct ln__coap_exchange *leg = free_one(coap, root);
        if (leg == NULL)
            break;
        leg->down_at = root->down_next;
        leg->down_until = root->down_next + size;
        if (!ask(coap, leg)) {
            free_leg(coap, leg);
            break;
        }
        root->down_next += size;
    }
    if (busy > 0)
        return;
    if ((root->flags & EX_OBSERVE) != 0)
        ln__coap_download_void(coap, root); /* no room for a leg: the next notification may do */
    else
        ln__coap_end(coap, root, LN_COAP_BROKEN, NULL, now);
}

void ln__coap_download_go_on(struct ln_coap *coap, struct ln__coap_exchange *root, ln_msec now)
{
    ln_coap_id id = root->id;
    while ((root->flags & EX_PAUSED) == 0) {
        struct ln__coap_exchange *leg = next_held(coap, root);
        if (leg == NULL)
            break;
        if (!release(coap, leg, now) || ln__coap_find(coap, id) == NULL)
            return;
    }
    if ((root->flags & EX_PAUSED) == 0)
        ask_more(coap, root, now);
}

/* The peer refuses a block. Asked for ahead, it may lie behind the end, or the peer may want them in
 * order; else that is the answer. */
static void refused(struct ln_coap *coap, struct ln__coap_exchange *leg,
                    const struct ln_coap_msg *msg, ln_msec now)
{
    struct ln__coap_exchange *root = root_of(coap, leg);
    if (!is_ahead(coap, root, leg)) {
        ln__coap_end(coap, root, LN_COAP_RESPONSE, msg, now);
        return;
    }
    root->flags |= EX_ALONE;
    hold_empty(leg);
    ln__coap_download_go_on(coap, root, now);
}

void ln__coap_on_block(struct ln_coap *coap, struct ln__coap_exchange *leg,
                       const struct ln_coap_msg *msg, ln_msec now)
{
    struct ln__coap_exchange *root = root_of(coap, leg);
    if (ln_coap_class(msg->code) != 2) {
        refused(coap, leg, msg, now);
        return;
    }
    enum ln_coap_outcome outcome = judge(root, leg, msg);
    if (outcome != LN_COAP_RESPONSE) {
        ln__coap_end(coap, root, outcome, NULL, now);
        return;
    }
    if ((root->flags & EX_DOWNLOAD) == 0)
        begin(root, msg);
    if (msg->block2.szx < root->down_szx)
        root->down_szx = msg->block2.szx;
    if (!msg->block2.more)
        end_at(coap, root, leg, leg->down_at + (uint32_t)msg->payload.len);
    if (!is_its_turn(root, leg->down_at))
        hold(coap, leg, msg->payload, msg->block2.more);
    else if (!deliver(coap, leg, msg, msg->payload, msg->block2.more, now))
        return;
    ln__coap_download_go_on(coap, root, now);
}
