/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observations: who watches what, and what is to be told when (LwM2M Core 1.1 6.4, RFC 7641).
 *
 * When is decided by notify.c from values and time; how a notification travels by queue.c. This file
 * reads the values, makes the payloads, and ends observations whose target is gone.
 *
 * The value that crosses a threshold is the value that is sent: its payload is made at the moment it
 * fires, and kept if pmin holds the notification back.
 */
#include "codec/format.h"
#include "lwm2m/core.h"

/* At least this often a notification is confirmable (RFC 7641 4.5). */
#define CONFIRM_MS (INT64_C(24) * 3600 * 1000)
/* A notification for which there is no memory, or whose object is busy, waits so long. */
#define RETRY_MS 1000

/* ---- values ---- */

static bool is_reachable_or_stored(const struct ln__server *server)
{
    return ln__server_is_reachable(server) ||
           (ln__reg_is_registered(&server->reg) &&
            ln__model_int(&server->client->model, LN_OID_SERVER, server->server_iid, 6, 1) != 0);
}

/* The same of one observation: hqmax 0 stores nothing, and what fired waits for the server. */
static bool may_tell(const struct ln__observation *o)
{
    bool stores = !ln__attr_is_set(&o->attrs, LN_ATTR_HQMAX) || o->attrs.hqmax > 0;
    return stores ? is_reachable_or_stored(o->server) : ln__server_is_reachable(o->server);
}

static struct ln__notify_value number_of(const struct ln_value *v)
{
    struct ln__notify_value out = { .kind = LN_NOTIFY_PLAIN };
    switch (v->type) {
    case LN_VALUE_INTEGER:
    case LN_VALUE_TIME:
        out.kind = LN_NOTIFY_NUMBER;
        out.number = (double)v->as.integer;
        break;
    case LN_VALUE_UNSIGNED:
        out.kind = LN_NOTIFY_NUMBER;
        out.number = (double)v->as.natural;
        break;
    case LN_VALUE_FLOAT:
        out.kind = LN_NOTIFY_NUMBER;
        out.number = v->as.number;
        break;
    case LN_VALUE_BOOLEAN:
        out.kind = LN_NOTIFY_BOOLEAN;
        out.boolean = v->as.boolean;
        break;
    case LN_VALUE_NONE:
    case LN_VALUE_STRING:
    case LN_VALUE_OPAQUE:
    case LN_VALUE_OBJLNK:
    case LN_VALUE_CORELNK:
        break;
    }
    return out;
}

/* A single resource or a resource instance has a value that rules can look at. */
static struct ln__notify_value look(const struct ln_client *client, const struct ln_path *path)
{
    struct ln__notify_value none = { .kind = LN_NOTIFY_PLAIN };
    const struct ln__object *object = ln__model_object(&client->model, path->id[0]);
    const struct ln_resource *r = object != NULL && path->levels >= LN_LEVEL_RESOURCE
                                      ? ln__model_resource(object->def, path->id[2])
                                      : NULL;
    bool one = path->levels == LN_LEVEL_RESOURCE_INSTANCE;
    struct ln_value v;
    if (!LN__WITH_ATTRIBUTES || r == NULL || ln__resource_is_streamed(r) ||
        (!one && (r->flags & LN_RES_MULTIPLE) != 0) ||
        !ln__model_get(&client->model, path->id[0], path->id[1], path->id[2],
                       one ? path->id[3] : LN_ID_NONE, &v))
        return none;
    return number_of(&v);
}

/* The instance of an observation is brought up to date, once for all that looks at it now. Of whole
 * objects each instance is, when its turn comes. */
static void refresh(struct ln__observation *o)
{
    const struct ln__model *model = &o->server->client->model;
    const struct ln__object *object = ln__model_object(model, o->path.id[0]);
    const struct ln__instance *it = object != NULL && o->path.levels >= LN_LEVEL_INSTANCE
                                        ? ln__model_instance(object, o->path.id[1])
                                        : NULL;
    if (it != NULL)
        ln__model_refresh(model, object, it);
}

/* FNV-1a, 64 bits: tells whether a payload is what was sent last. Not for anything hostile. */
static uint64_t digest(uint64_t d, struct ln_span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        d = (d ^ bytes.data[i]) * UINT64_C(1099511628211);
    return d;
}
#define DIGEST_START UINT64_C(14695981039346656037)

/* ---- the list ---- */

static struct ln__observation *find(const struct ln__server *server,
                                    const struct ln_coap_token *token)
{
    for (struct ln__observation *o = ln__observations(server); o != NULL; o = o->next)
        if (ln_coap_token_equal(&o->token, token))
            return o;
    return NULL;
}

static void forget_notes(struct ln__observation *o, enum ln_note_event why)
{
    struct ln__note *note = o->server->notes;
    while (note != NULL) {
        struct ln__note *next = note->next;
        if (note->observation == o)
            ln__note_drop(o->server, note, why);
        note = next;
    }
}

static void end(struct ln__observation *o, enum ln_note_event why)
{
    struct ln__server *server = o->server;
    struct ln__observation **at = &server->observations;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    server->client->observations--;
    server->client->ended++;
    forget_notes(o, why);
    ln_free(server->client->env, o->held);
    ln_free(server->client->env, o);
}

void ln__observe_free(struct ln__server *server, enum ln_note_event why)
{
    while (ln__observations(server) != NULL)
        end(server->observations, why);
    while (ln__notes(server) != NULL) /* last words of observations that ended before */
        ln__note_drop(server, server->notes, why);
}

void ln__observe_cancel(struct ln__server *server, const struct ln_coap_token *token)
{
    struct ln__observation *o = find(server, token);
    if (o != NULL)
        end(o, LN_NOTE_CANCELLED);
}

/* A server observes a target once (RFC 7641 3.1): if it asks for the same anew, it has lost the older
 * observation. That one ends where there is no room for both. */
static void end_same(struct ln__server *server, uint64_t key)
{
    for (struct ln__observation *o = server->observations; o != NULL; o = o->next) {
        if (o->key != key)
            continue;
        end(o, LN_NOTE_DROPPED);
        return;
    }
}

enum ln_answer ln__observe_begin(struct ln__request *rq, const struct ln_format *format,
                                 struct ln_span payload)
{
    struct ln_client *client = rq->client;
    const struct ln_coap_msg *msg = rq->in->msg;
    struct ln__observation *o = find(rq->server, &msg->token);
    if (o != NULL)
        end(o, LN_NOTE_DROPPED); /* the same token replaces */
    if (client->observations >= client->config.observations_max)
        end_same(rq->server, ln_coap_key(msg));
    if (client->observations >= client->config.observations_max)
        return LN_ANSWER_OK; /* the value is given, without a promise: RFC 7641 4.1 */
    o = ln_calloc(client->env, 1, sizeof *o);
    if (o == NULL)
        return LN_ANSWER_OK;
    o->server = rq->server;
    o->path = rq->path;
    o->token = msg->token;
    o->key = ln_coap_key(msg);
    o->format = format;
    o->szx = (msg->has & LN_COAP_HAS_BLOCK2) != 0 && msg->block2.szx > 0 ? msg->block2.szx : 0;
    o->attrs = ln__attr_effective(rq->server, &rq->path);
    o->digest = digest(DIGEST_START, payload);
    o->confirmed = rq->in->now;
    struct ln__notify_value value = look(client, &o->path);
    ln__notify_init(&o->rules, &value, rq->in->now);
    o->next = rq->server->observations;
    rq->server->observations = o;
    client->observations++;
    rq->reply->observe = true;
    return LN_ANSWER_OK;
}

/* ---- notifications ---- */

/* The last word of an observation: 4.04 or 4.01, without Observe. */
static void end_with(struct ln__observation *o, enum ln_answer why)
{
    struct ln__note *note = ln__note_new(o, (uint8_t)why, 0);
    if (note != NULL) {
        note->confirmable = true;
        note->observation = NULL; /* outlives it, and is bound by no attribute of it */
        ln__note_queue(note);
    }
    end(o, LN_NOTE_DROPPED);
}

static struct ln__view view_of(const struct ln__observation *o)
{
    return (struct ln__view) { .client = o->server->client,
                               .path = o->path,
                               .format = o->format,
                               .ssid = o->server->ssid,
                               .fresh = o->path.levels >= LN_LEVEL_INSTANCE };
}

/* Why the target cannot be told any more; OK if it can. */
static enum ln_answer target_state(const struct ln__observation *o)
{
    const struct ln_client *client = o->server->client;
    const struct ln__object *object = ln__model_object(&client->model, o->path.id[0]);
    if (object == NULL)
        return LN_ANSWER_NOT_FOUND;
    if (o->path.levels < LN_LEVEL_INSTANCE)
        return LN_ANSWER_OK;
    if (ln__model_instance(object, o->path.id[1]) == NULL)
        return LN_ANSWER_NOT_FOUND;
    unsigned rights = ln__access_rights(client, o->server->ssid, o->path.id[0], o->path.id[1]);
    return (rights & LN_RIGHT_READ) != 0 ? LN_ANSWER_OK : LN_ANSWER_UNAUTHORIZED;
}

/* The payload as it is now. NULL: there is no memory or the object is busy (tried again later), or
 * the observation has ended (*gone). */
static struct ln__note *make_note(struct ln__observation *o, bool *gone)
{
    struct ln__view view = view_of(o);
    uint8_t small[256];
    size_t length = 0;
    *gone = false;
    enum ln_answer answer = target_state(o);
    if (answer == LN_ANSWER_OK)
        answer = ln__payload_write(&view, 0, ln_mspan(small, sizeof small), &length);
    if (answer == LN_ANSWER_OK && length > o->server->client->config.read_max)
        answer = LN_ANSWER_INTERNAL; /* as a Read of it would be answered */
    if (answer == LN_ANSWER_UNAVAILABLE)
        return NULL;
    if (answer != LN_ANSWER_OK) {
        *gone = true;
        end_with(o, answer);
        return NULL;
    }
    struct ln__note *note = ln__note_new(o, LN_COAP_CONTENT, length);
    if (note == NULL)
        return NULL;
    size_t again = length;
    if (length <= sizeof small)
        memcpy(note->payload, small, length);
    else
        answer = ln__payload_write(&view, 0, ln_mspan(note->payload, length), &again);
    if (answer == LN_ANSWER_OK && again == length)
        return note;
    ln_free(o->server->client->env, note); /* it became another one in between */
    return NULL;
}

static bool has_threshold(const struct ln__observation *o)
{
    const uint16_t thresholds = LN_ATTR_BIT(LN_ATTR_GT) | LN_ATTR_BIT(LN_ATTR_LT) |
                                LN_ATTR_BIT(LN_ATTR_ST) | LN_ATTR_BIT(LN_ATTR_EDGE);
    return LN__WITH_ATTRIBUTES && (o->attrs.set & thresholds) != 0;
}

/* What cannot be compared is told in any case: there is no memory, or it is the end. */
static bool long_one_differs(const struct ln__observation *o, size_t length)
{
    const struct ln_client *client = o->server->client;
    struct ln__view view = view_of(o);
    size_t again = 0;
    uint8_t *all = length <= client->config.read_max ? ln_calloc(client->env, 1, length) : NULL;
    bool same = all != NULL &&
                ln__payload_write(&view, 0, ln_mspan(all, length), &again) == LN_ANSWER_OK &&
                again == length && digest(DIGEST_START, ln_span(all, length)) == o->digest;
    ln_free(client->env, all);
    return !same;
}

static bool differs(const struct ln__observation *o)
{
    struct ln__view view = view_of(o);
    uint8_t small[256];
    size_t length = 0;
    if (ln__payload_write(&view, 0, ln_mspan(small, sizeof small), &length) != LN_ANSWER_OK)
        return true;
    if (length > sizeof small)
        return long_one_differs(o, length);
    return digest(DIGEST_START, ln_span(small, length)) != o->digest;
}

/* A number that is none, since there is no sample now. It is never told: text could not even say it. */
static bool is_missing(const struct ln__notify_value *value)
{
    return value->kind == LN_NOTIFY_NUMBER && value->number != value->number;
}

static void evaluate(struct ln__observation *o, ln_msec now)
{
    struct ln_client *client = o->server->client;
    refresh(o);
    struct ln__notify_value value = look(client, &o->path);
    bool by_rules = value.kind != LN_NOTIFY_PLAIN && has_threshold(o);
    bool differ = !by_rules && !is_missing(&value) && differs(o);
    if (!ln__notify_looked(&o->rules, &o->attrs, &value, differ, now))
        return;
    ln_free(client->env, o->held);
    o->held = NULL;
    if (!has_threshold(o))
        return; /* what is sent is what is then */
    bool gone = false;
    struct ln__note *note = make_note(o, &gone);
    if (gone)
        return;
    o->held = note;
    o->held_value = value;
}

static bool is_same(const struct ln__notify_value *a, const struct ln__notify_value *b)
{
    return a->kind == b->kind &&
           (a->kind == LN_NOTIFY_NUMBER ? a->number == b->number : a->boolean == b->boolean);
}

static void send(struct ln__observation *o, ln_msec now)
{
    struct ln_client *client = o->server->client;
    bool held = o->held != NULL;
    refresh(o);
    struct ln__notify_value is = look(client, &o->path);
    struct ln__notify_value value = held ? o->held_value : is;
    if (is_missing(&value)) {
        ln__notify_passed(&o->rules, now);
        return;
    }
    bool gone = false;
    struct ln__note *note = held ? o->held : make_note(o, &gone);
    if (gone)
        return;
    if (note == NULL) {
        ln_log(client->env, LN_LOG_WARN, "lwm2m",
               "a notification of server %u waits: no memory, or its object is busy",
               (unsigned)o->server->ssid);
        o->retry = now + RETRY_MS;
        return;
    }
    o->held = NULL;
    ln__notify_sent(&o->rules, &value, held, now);
    note->crossed = held;
    if (held && !is_same(&value, &is))
        ln__notify_changed(&o->rules); /* what came after the value that fired is looked at anew */
    o->digest = digest(DIGEST_START, ln_span(note->payload, note->len));
    note->confirmable = (ln__attr_is_set(&o->attrs, LN_ATTR_CON) && o->attrs.con) ||
                        now - o->confirmed >= CONFIRM_MS;
    if (note->confirmable)
        o->confirmed = now;
    ln__note_queue(note);
}

static bool is_due(const struct ln__observation *o, ln_msec now)
{
    return now >= o->retry && may_tell(o) && ln__notify_is_due(&o->rules, &o->attrs, now);
}

void ln__observe_step(struct ln__server *server, ln_msec now)
{
    struct ln_client *client = server->client;
    struct ln__observation *o = ln__observations(server);
    bool within = client->looking;
    client->looking = true;
    while (o != NULL) {
        uint16_t ended = client->ended;
        if (ln__notify_wants_look(&o->rules, &o->attrs, now))
            evaluate(o, now);
        if (client->ended == ended && is_due(o, now))
            send(o, now);
        /* objects and on_event were called: what they ended, this one or others, is gone */
        o = client->ended == ended ? o->next : ln__observations(server);
    }
    client->looking = within;
}

ln_msec ln__observe_deadline(const struct ln__server *server)
{
    ln_msec at = LN_NEVER;
    for (const struct ln__observation *o = ln__observations(server); o != NULL; o = o->next) {
        if (!may_tell(o))
            continue;
        ln_msec due = ln__notify_deadline(&o->rules, &o->attrs);
        due = due < o->retry ? o->retry : due;
        at = due < at ? due : at;
    }
    return at;
}

/* ---- changes ---- */

static bool concerns(const struct ln__observation *o, const struct ln_path *changed)
{
    return ln_path_is_below(changed, &o->path) || ln_path_is_below(&o->path, changed);
}

/* Conditions see each value, however fast they follow: one that crosses is told before the next one
 * comes. Not from within on_event, nor from an object that is being asked for its values: what is
 * told there would be told, or asked for, without end. The next step looks at it. */
static void value_came(struct ln__observation *o, ln_msec now)
{
    struct ln_client *client = o->server->client;
    uint16_t ended = client->ended;
    if (client->telling || client->looking || !ln__notify_wants_look(&o->rules, &o->attrs, now))
        return;
    client->looking = true;
    evaluate(o, now);
    if (client->ended == ended && o->held != NULL && is_due(o, now))
        send(o, now);
    client->looking = false;
}

void ln__observe_changed(struct ln_client *client, uint16_t oid, uint16_t iid, uint16_t rid)
{
    struct ln_path path =
        rid == LN_ID_NONE ? ln_path_instance(oid, iid) : ln_path_resource(oid, iid, rid);
    for (struct ln__server *s = client->servers; s != NULL; s = s->next) {
        for (struct ln__observation *o = ln__observations(s); o != NULL; o = o->next)
            if (concerns(o, &path))
                ln__notify_changed(&o->rules);
        struct ln__observation *o = ln__observations(s);
        while (o != NULL) {
            uint16_t ended = client->ended;
            if (concerns(o, &path) && has_threshold(o))
                value_came(o, client->now);
            o = client->ended == ended ? o->next : ln__observations(s);
        }
    }
}

void ln__observe_gone(struct ln_client *client, struct ln_path path)
{
    for (struct ln__server *s = client->servers; s != NULL; s = s->next) {
        struct ln__observation *o = ln__observations(s);
        while (o != NULL) {
            bool gone = ln_path_is_below(&o->path, &path);
            if (gone)
                end_with(o, LN_ANSWER_NOT_FOUND);
            else if (concerns(o, &path))
                ln__notify_changed(&o->rules);
            o = gone ? s->observations : o->next; /* the application was told: begin anew */
        }
        ln__attr_removed(s, &path);
    }
}

void ln__observe_attrs_changed(struct ln__server *server)
{
    for (struct ln__observation *o = ln__observations(server); o != NULL; o = o->next)
        o->attrs = ln__attr_effective(server, &o->path);
}
