/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the registration interface: Register, Update, De-register, and what their answers
 * mean (LwM2M Core 1.1 6.2.1 .. 6.2.3; Transport 1.1 6.4.3).
 *
 * Nothing is said that was not asked for: `ep`, `lt`, `lwm2m`, and `b` only if it is not U. A long
 * list of objects goes out in blocks and is produced while it is sent.
 *
 * Answers come inside the endpoint's callbacks, where a connection must not be closed: they leave an
 * event behind, which ln__server_step() acts on.
 */
#include "codec/format.h"
#include "lwm2m/links.h"

/* Options of a Register: endpoint (128) and numbers; of an Update: the Location. */
#define OPTIONS_ROOM 640
/* What a Location may have in all. Longer ones count as malformed. */
#define LOCATION_MAX 320
#define SEGMENT_MAX 255

/* ---- options ---- */

/* "lt=" and so on. */
static void put_query(struct ln_coap_writer *w, const char *name, const char *value)
{
    char text[160];
    size_t name_len = strlen(name);
    size_t value_len = strlen(value);
    if (name_len + value_len > sizeof text) {
        w->status = LN_NO_SPACE;
        return;
    }
    /* lengths travel along, no NUL is wanted: NOLINTBEGIN(bugprone-not-null-terminated-result) */
    memcpy(text, name, name_len);
    memcpy(text + name_len, value, value_len);
    /* NOLINTEND(bugprone-not-null-terminated-result) */
    ln_coap_put(w, LN_COAP_URI_QUERY, ln_span(text, name_len + value_len));
}

static void put_number(struct ln_coap_writer *w, const char *name, uint32_t value)
{
    char digits[11];
    size_t at = sizeof digits;
    digits[--at] = 0;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put_query(w, name, digits + at);
}

static void put_version(struct ln_coap_writer *w, uint8_t version)
{
    const char text[] = { (char)('0' + version / 10), '.', (char)('0' + version % 10), 0 };
    put_query(w, "lwm2m=", text);
}

/* LwM2M 1.0 says queue mode inside the binding; 1.1 says it beside, and servers refuse a Q within. U
 * alone is what servers assume. */
static void put_binding(struct ln_coap_writer *w, const struct ln__server *s, bool always)
{
    struct ln_span mode = ln__model_bytes(&s->client->model, LN_OID_SERVER, s->server_iid, 7);
    char text[18] = "U";
    size_t len = 0;
    bool old = s->version < LN_LWM2M_1_1;
    for (size_t i = 0; i < mode.len && mode.len < sizeof text - 2; i++)
        if (old || mode.data[i] != 'Q')
            text[len++] = (char)mode.data[i];
    len = len > 0 ? len : 1;
    if (old && s->client->config.queue_mode && memchr(text, 'Q', len) == NULL)
        text[len++] = 'Q';
    text[len] = 0;
    if (always || strcmp(text, "U") != 0)
        put_query(w, "b=", text);
}

/* ---- the list of objects as a body ---- */

static enum ln_status read_list(void *user, uint32_t offset, struct ln_mspan room, size_t *len,
                                bool *end)
{
    struct ln__server *s = user;
    size_t length = ln__links_write(s->client, s->version, offset, room);
    size_t left = offset < length ? length - offset : 0;
    *len = left < room.len ? left : room.len;
    *end = left <= room.len;
    return LN_OK;
}

/* ---- sending ---- */

static enum ln_status send(struct ln__server *s, uint8_t code, struct ln_coap_writer *options,
                           bool with_list, ln_coap_on_response *on_response, ln_msec now)
{
    uint8_t list[512];
    struct ln_coap_source source = { .read = read_list, .user = s };
    struct ln_coap_request rq = { .code = code, .on_response = on_response, .user = s };
    enum ln_status st = ln_coap_writer_end(options, &rq.options);
    if (st != LN_OK)
        return st;
    if (with_list) {
        size_t len = ln__links_write(s->client, s->version, 0, ln_mspan(list, sizeof list));
        source.size = (uint32_t)len;
        if (len <= sizeof list)
            rq.payload = ln_span(list, len);
        else
            rq.source = &source;
    }
    s->asked = now;
    st = ln_coap_request(s->coap, &rq, now, &s->exchange);
    if (st != LN_OK)
        s->exchange = 0;
    return st;
}

static void put_location(struct ln_coap_writer *w, const struct ln__server *s)
{
    ln_coap_put_options(w, ln_span(s->location, s->location_len));
}

/* ---- answers ---- */

/* Location-Path, option by option, as the Uri-Path of later messages. Any bytes are good: they are
 * echoed, never looked at; but a segment that is too long for a Uri-Path could not be (RFC 7252
 * 5.10). */
static enum ln_status keep_location(struct ln__server *s, const struct ln_coap_msg *msg)
{
    uint8_t room[LOCATION_MAX];
    struct ln_coap_writer w;
    struct ln_coap_iter it = ln_coap_options(msg->options);
    struct ln_span segment;
    struct ln_span list;
    size_t bytes = 0;
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    while (ln_coap_next_of(&it, LN_COAP_LOCATION_PATH, &segment)) {
        if (segment.len > SEGMENT_MAX)
            return LN_BAD_PEER;
        ln_coap_put(&w, LN_COAP_URI_PATH, segment);
        bytes += segment.len;
    }
    if (bytes == 0 || ln_coap_writer_end(&w, &list) != LN_OK)
        return LN_BAD_PEER;
    uint8_t *copy = ln_calloc(s->client->env, 1, list.len);
    if (copy == NULL)
        return LN_NO_MEMORY;
    memcpy(copy, list.data, list.len);
    ln_free(s->client->env, s->location);
    s->location = copy;
    s->location_len = (uint16_t)list.len;
    return LN_OK;
}

/* What an exchange without an answer means; false: there is an answer to look at. */
static bool ended_without_answer(const struct ln_coap_response *r, enum ln__reg_event *event)
{
    switch (r->outcome) {
    case LN_COAP_TIMED_OUT:
        *event = LN_REG_EV_NO_ANSWER;
        return true;
    case LN_COAP_WAS_RESET:
    case LN_COAP_BROKEN:
    case LN_COAP_REPLACED:
    case LN_COAP_TOO_LONG:
        *event = LN_REG_EV_REFUSED;
        return true;
    case LN_COAP_DROPPED:
        *event = LN_REG_EV_LINK_FAILED;
        return true;
    case LN_COAP_RESPONSE:
    case LN_COAP_SENT:
    case LN_COAP_ACKNOWLEDGED:
        break;
    }
    return false;
}

static void answered(struct ln__server *s, const struct ln_coap_response *r,
                     enum ln__reg_event event)
{
    if (s->exchange == r->id) /* else De-register overtook it */
        s->exchange = 0;
    s->last_code = r->msg != NULL ? r->msg->code : 0;
    s->asked = r->sent;
    if (r->msg != NULL)
        ln__server_active(s, r->now);
    if (r->outcome != LN_COAP_DROPPED) /* that was ours */
        ln__server_happened(s, event, r->now);
}

static enum ln_coap_verdict on_registered(void *user, const struct ln_coap_response *r)
{
    struct ln__server *s = user;
    enum ln__reg_event event = LN_REG_EV_REFUSED;
    if (!r->final)
        return LN_COAP_GO;
    if (!ended_without_answer(r, &event)) {
        if (r->msg->code == LN_COAP_CREATED && keep_location(s, r->msg) == LN_OK)
            event = LN_REG_EV_ACCEPTED;
        else if (r->msg->code == LN_COAP_PRECONDITION_FAILED &&
                 s->version > s->client->config.min_version)
            event = LN_REG_EV_OLDER_VERSION;
    }
    answered(s, r, event);
    return LN_COAP_GO;
}

static enum ln_coap_verdict on_updated(void *user, const struct ln_coap_response *r)
{
    struct ln__server *s = user;
    enum ln__reg_event event = LN_REG_EV_REFUSED;
    if (!r->final)
        return LN_COAP_GO;
    if (!ended_without_answer(r, &event)) {
        if (r->msg->code == LN_COAP_CHANGED)
            event = LN_REG_EV_ACCEPTED;
        else if (r->msg->code == LN_COAP_NOT_FOUND || r->msg->code == LN_COAP_BAD_REQUEST)
            event = LN_REG_EV_UNKNOWN;
    }
    if (event != LN_REG_EV_ACCEPTED) /* nobody heard it: the next one says it again */
        s->news |= s->said;
    s->said = 0;
    answered(s, r, event);
    return LN_COAP_GO;
}

static enum ln_coap_verdict on_deregistered(void *user, const struct ln_coap_response *r)
{
    if (r->final)
        answered(user, r, LN_REG_EV_DEREGISTERED);
    return LN_COAP_GO;
}

/* ---- the messages ---- */

enum ln_status ln__message_register(struct ln__server *s, ln_msec now)
{
    uint8_t room[OPTIONS_ROOM];
    struct ln_coap_writer w;
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    ln_coap_put_text(&w, LN_COAP_URI_PATH, "rd");
    ln_coap_put_uint(&w, LN_COAP_CONTENT_FORMAT, LN_CONTENT_LINK);
    put_version(&w, s->version);
    put_query(&w, "ep=", s->client->endpoint);
    put_number(&w, "lt=", ln__server_lifetime(s));
    put_binding(&w, s, false);
    if (s->client->config.queue_mode && s->version >= LN_LWM2M_1_1)
        ln_coap_put_text(&w, LN_COAP_URI_QUERY, "Q");
    s->news = 0; /* a Register says all; one that is not accepted is followed by another */
    s->said = 0;
    return send(s, LN_COAP_POST, &w, true, on_registered, now);
}

enum ln_status ln__message_update(struct ln__server *s, ln_msec now)
{
    uint8_t room[OPTIONS_ROOM];
    struct ln_coap_writer w;
    bool with_list = (s->news & LN_NEWS_OBJECTS) != 0;
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    put_location(&w, s);
    if (with_list)
        ln_coap_put_uint(&w, LN_COAP_CONTENT_FORMAT, LN_CONTENT_LINK);
    if ((s->news & LN_NEWS_LIFETIME) != 0)
        put_number(&w, "lt=", ln__server_lifetime(s));
    if ((s->news & LN_NEWS_BINDING) != 0)
        put_binding(&w, s, true);
    s->update_at = LN_NEVER;
    enum ln_status st = send(s, LN_COAP_POST, &w, with_list, on_updated, now);
    if (st == LN_OK) {
        s->said = s->news;
        s->news = 0;
    }
    return st;
}

enum ln_status ln__message_deregister(struct ln__server *s, ln_msec now)
{
    uint8_t room[OPTIONS_ROOM];
    struct ln_coap_writer w;
    ln_coap_write_options(&w, ln_mspan(room, sizeof room));
    put_location(&w, s);
    return send(s, LN_COAP_DELETE, &w, false, on_deregistered, now);
}
