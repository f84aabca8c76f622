/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notifications of one server: one at a time, oldest first, bounded; stored while the server
 * cannot be reached (/1/x/6).
 *
 * Each is told to the application exactly as enum ln_note_event says: queued, sent perhaps, and then
 * one final word. Whoever unlinks a note says that word; nobody else does.
 */
#include "codec/format.h"
#include "lwm2m/links.h"

static void tell(const struct ln__note *note, enum ln_note_event what)
{
    struct ln_client_event event = {
        .kind = LN_CLIENT_NOTIFICATION,
        .ssid = note->server->ssid,
        .code = note->code,
        .retry_at = LN_NEVER,
        .note = {
            .id = note->id,
            .event = what,
            .confirmable = note->confirmable,
            .path = note->path,
        },
    };
    ln__client_tell(note->server->client, &event);
}

struct ln__note *ln__note_new(struct ln__observation *o, uint8_t code, size_t len)
{
    struct ln__note *note = ln_calloc(o->server->client->env, 1, sizeof *note + len);
    if (note == NULL)
        return NULL;
    note->server = o->server;
    note->observation = o;
    note->path = o->path;
    note->token = o->token;
    note->key = o->key;
    note->len = (uint32_t)len;
    note->format = o->format->number;
    note->szx = o->szx;
    note->code = code;
    return note;
}

static void unlink_note(struct ln__note *note)
{
    struct ln__server *server = note->server;
    struct ln__note **at = &server->notes;
    while (*at != note)
        at = &(*at)->next;
    *at = note->next;
    server->note_count--;
    server->note_bytes -= note->len;
}

static void release(struct ln__note *note)
{
    ln_free_secret(note->server->client->env, note, sizeof *note + note->len);
}

void ln__note_drop(struct ln__server *server, struct ln__note *note, enum ln_note_event why)
{
    unlink_note(note);
    if (note->under_way && server->coap != NULL)
        ln_coap_cancel(server->coap, note->exchange);
    tell(note, why);
    release(note);
}

/* The oldest that is not under way; of the same observation if there is one, since a newer state
 * says more than two old ones. */
static struct ln__note *victim(struct ln__server *server, const struct ln__observation *o)
{
    struct ln__note *oldest = NULL;
    for (struct ln__note *n = server->notes; n != NULL; n = n->next) {
        if (n->under_way)
            continue;
        if (n->observation == o && o != NULL)
            return n;
        if (oldest == NULL)
            oldest = n;
    }
    return oldest;
}

static bool is_full(const struct ln__server *server, size_t more)
{
    const struct ln_client_config *config = &server->client->config;
    return server->note_count >= config->notes_max ||
           server->note_bytes + more > config->notes_bytes;
}

/* While the server is reachable a newer notification replaces the one that waits (RFC 7641 4.5.2),
 * unless that tells of a threshold that was crossed. */
static void replace_waiting(struct ln__server *server, const struct ln__observation *o)
{
    if (o == NULL || !ln__server_is_online(server))
        return;
    for (struct ln__note *n = server->notes; n != NULL; n = n->next) {
        if (n->observation == o && !n->under_way && !n->crossed) {
            ln__note_drop(server, n, LN_NOTE_DROPPED);
            return;
        }
    }
}

static uint32_t stored_of(const struct ln__server *server, const struct ln__observation *o)
{
    uint32_t count = 0;
    for (const struct ln__note *n = server->notes; n != NULL; n = n->next)
        count += n->observation == o && !n->under_way;
    return count;
}

/* hqmax: how many of one observation are kept; the newest are. */
static void keep_to_hqmax(struct ln__server *server, struct ln__observation *o)
{
    if (o == NULL || !ln__attr_is_set(&o->attrs, LN_ATTR_HQMAX) || ln__server_is_reachable(server))
        return;
    while (stored_of(server, o) > o->attrs.hqmax)
        ln__note_drop(server, victim(server, o), LN_NOTE_DROPPED);
}

void ln__note_queue(struct ln__note *note)
{
    struct ln__server *server = note->server;
    struct ln_client *client = server->client;
    note->id = ++client->note_id;
    replace_waiting(server, note->observation);
    while (is_full(server, note->len)) {
        struct ln__note *old = victim(server, note->observation);
        if (old == NULL)
            break;
        ln__note_drop(server, old, LN_NOTE_DROPPED);
    }
    tell(note, LN_NOTE_QUEUED);
    if (is_full(server, note->len)) {
        tell(note, LN_NOTE_DROPPED);
        release(note);
        return;
    }
    struct ln__note **at = &server->notes;
    while (*at != NULL)
        at = &(*at)->next;
    *at = note;
    server->note_count++;
    server->note_bytes += note->len;
    keep_to_hqmax(server, note->observation);
}

/* ---- sending ---- */

static void finish(struct ln__note *note, enum ln_note_event why)
{
    struct ln__server *server = note->server;
    struct ln__observation *o = note->observation;
    note->under_way = false;
    unlink_note(note);
    tell(note, why);
    release(note);
    if (why == LN_NOTE_CANCELLED && o != NULL)
        ln__observe_cancel(server, &o->token);
    if (why == LN_NOTE_TIMED_OUT) /* is it still there? An Update shows it */
        ln__server_happened(server, LN_REG_EV_UPDATE_WANTED, server->client->now);
}

static void on_done(void *user, ln_coap_id id, enum ln_coap_outcome outcome, ln_msec now)
{
    struct ln__note *note = user;
    struct ln__server *server = note->server;
    (void)id;
    server->client->now = now;
    switch (outcome) {
    case LN_COAP_SENT:
        ln__server_active(server, now);
        if (!note->was_sent)
            tell(note, LN_NOTE_SENT);
        note->was_sent = true;
        return;
    case LN_COAP_ACKNOWLEDGED:
    case LN_COAP_RESPONSE:
        ln__server_active(server, now);
        finish(note, LN_NOTE_ACKNOWLEDGED);
        return;
    case LN_COAP_WAS_RESET:
        finish(note, LN_NOTE_CANCELLED);
        return;
    case LN_COAP_TIMED_OUT:
        finish(note, LN_NOTE_TIMED_OUT);
        return;
    case LN_COAP_DROPPED: /* the connection is made anew: it waits for that */
        note->under_way = false;
        return;
    case LN_COAP_BROKEN:
    case LN_COAP_REPLACED:
    case LN_COAP_TOO_LONG:
        finish(note, LN_NOTE_DROPPED);
        return;
    }
}

/* What is longer than this goes in blocks out of a copy of its own. */
#define INLINE_MAX 256

static enum ln_status hand_over(struct ln__note *note, ln_msec now)
{
    struct ln__server *server = note->server;
    const struct ln_env *env = server->client->env;
    uint8_t room[8];
    struct ln_coap_writer w;
    struct ln_coap_source source;
    struct ln_coap_notification n = {
        .token = note->token,
        .key = note->key,
        .confirmable = note->confirmable,
        .szx = note->szx,
        .answer = { .code = note->code, .payload = ln_span(note->payload, note->len) },
        .done = on_done,
        .user = note,
    };
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    if (note->code == LN_COAP_CONTENT)
        ln_coap_put_uint(&w, LN_COAP_CONTENT_FORMAT, note->format);
    enum ln_status st = ln_coap_writer_end(&w, &n.answer.options);
    if (st != LN_OK)
        return st;
    struct ln__snapshot *copy = NULL;
    if (note->len > INLINE_MAX) {
        copy = ln_calloc(env, 1, sizeof *copy + note->len);
        if (copy == NULL)
            return LN_NO_MEMORY;
        copy->env = env;
        copy->len = note->len;
        memcpy(copy->data, note->payload, note->len);
        source = ln__snapshot_source(copy);
        n.answer.payload = ln_span(NULL, 0);
        n.answer.source = &source;
    }
    note->under_way = true;
    ln_coap_id exchange = 0;
    st = ln_coap_notify(server->coap, &n, now, &exchange);
    if (st == LN_OK && n.confirmable) {
        note->exchange =
            exchange; /* before it goes out: it may be dropped while it waits for that */
    } else if (st != LN_OK) {
        note->under_way = false;
        ln__snapshot_free(copy);
    }
    return st;
}

static struct ln__note *first_waiting(const struct ln__server *server)
{
    struct ln__note *n = ln__notes(server);
    return n != NULL && !n->under_way ? n : NULL; /* one at a time keeps their order */
}

void ln__queue_flush(struct ln__server *server, ln_msec now)
{
    struct ln__note *note = first_waiting(server);
    while (note != NULL && ln__server_is_online(server)) {
        bool confirmable = note->confirmable;
        uint32_t id = note->id;
        enum ln_status st = hand_over(note, now);
        if (st == LN_AGAIN || st == LN_NO_SPACE || st == LN_NO_MEMORY)
            return; /* tried again with the next step */
        if (st != LN_OK) {
            ln__note_drop(server, note, LN_NOTE_DROPPED);
        } else if (!confirmable && server->notes != NULL && server->notes->id == id) {
            server->notes->under_way = false; /* out, and nobody will answer: its end was SENT */
            struct ln__note *done = server->notes;
            unlink_note(done);
            release(done);
        }
        note = first_waiting(server);
    }
}

bool ln__queue_is_busy(const struct ln__server *server)
{
    return ln__notes(server) != NULL;
}
