/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the client as a state machine (registration, observations, the queue of notifications,
 * queue mode, Disable) under a script: the server answers what it heard, rightly or wrongly, asks and
 * observes; the application changes values, wants Updates, connects anew; time passes, up to hours.
 *
 * Whatever happens: the client has an end to its work, stays within its memory, is registered only by
 * a 2.01, tells the life of each notification exactly once, and stops when it is told to. */
#include "fuzz/fuzz.h"

#include "fuzz/lwm2m.h"
#include "fuzz/script.h"

enum { LIVES = 512 };

enum life { UNKNOWN = 0, QUEUED, SENT, ENDED };

static struct fz z;
static struct script in;
static uint8_t lives[LIVES]; /* of notifications, by their ids */
static bool confirmable[LIVES];
static bool created; /* a 2.01 was said */
static uint16_t server_mid;
static uint8_t last_said[1200];
static size_t last_said_len;

/* ---- what the client tells ---- */

static void on_event(void *user, struct ln_client *client, const struct ln_client_event *event)
{
    (void)user;
    (void)client;
    CHECK(event->kind != LN_CLIENT_REGISTERED || created);
    if (event->kind != LN_CLIENT_NOTIFICATION || event->note.id >= LIVES)
        return;
    uint8_t *life = &lives[event->note.id];
    switch (event->note.event) {
    case LN_NOTE_QUEUED:
        CHECK(*life == UNKNOWN);
        *life = QUEUED;
        confirmable[event->note.id] = event->note.confirmable;
        return;
    case LN_NOTE_SENT:
        CHECK(*life == QUEUED);
        *life = event->note.confirmable ? SENT : ENDED;
        return;
    case LN_NOTE_ACKNOWLEDGED:
    case LN_NOTE_TIMED_OUT:
    case LN_NOTE_CANCELLED:
    case LN_NOTE_DROPPED:
        CHECK(*life == QUEUED || *life == SENT);
        *life = ENDED;
        return;
    }
}

/* ---- steps of the script ---- */

static void say(struct ln_span datagram)
{
    CHECK(datagram.len <= sizeof last_said);
    memmove(last_said, datagram.data, datagram.len);
    last_said_len = datagram.len;
    CHECK(ln_sock_send_to(z.server, &z.peer, datagram) == LN_OK);
    (void)fz_pass(&z, 2);
}

static void say_writer(struct ln_coap_writer *w)
{
    struct ln_span out;
    if (ln_coap_writer_end(w, &out) == LN_OK)
        say(out);
}

/* An answer to what was heard last: code, how, and what it brings. */
static void answer(void)
{
    static const uint8_t codes[] = { LN_COAP_CREATED,
                                     LN_COAP_CHANGED,
                                     LN_COAP_DELETED,
                                     LN_COAP_NOT_FOUND,
                                     LN_COAP_FORBIDDEN,
                                     LN_COAP_UNAVAILABLE,
                                     LN_COAP_PRECONDITION_FAILED };
    uint8_t room[200];
    struct ln_coap_msg msg;
    struct ln_coap_writer w;
    uint8_t how = (uint8_t)script_number(&in, 1);
    uint8_t what = (uint8_t)script_number(&in, 1);
    uint8_t code = what < 0x40 ? codes[what % sizeof codes] : what;
    if (ln_coap_read_udp(ln_span(z.heard, z.heard_len), &msg) != LN_OK)
        return;
    enum ln_coap_type type = (enum ln_coap_type)(how % 4);
    bool empty = type == LN_COAP_RST || (how & 0x10) != 0;
    uint16_t mid = type == LN_COAP_ACK || type == LN_COAP_RST ? msg.mid : ++server_mid;
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), type, empty ? 0 : code, mid,
                      empty ? NULL : &msg.token);
    created = created || (!empty && code == LN_COAP_CREATED);
    if (!empty && (how & 0x20) == 0 && code == LN_COAP_CREATED) {
        ln_coap_put_text(&w, LN_COAP_LOCATION_PATH, "rd");
        ln_coap_put(&w, LN_COAP_LOCATION_PATH, script_bytes(&in, 20));
    }
    say_writer(&w);
}

static const char *const paths[][4] = {
    { "3" },
    { "3", "0" },
    { "3", "0", "9" },
    { "3", "0", "4" },
    { "1" },
    { "1", "0", "1" },
    { "1", "0", "2" },
    { "1", "0", "3" },
    { "1", "0", "4" },
    { "1", "0", "5" },
    { "1", "0", "6" },
    { "1", "0", "8" },
    { "3442" },
    { "3442", "0" },
    { "3442", "0", "120" },
    { "3442", "0", "130" },
    { "3442", "0", "110" },
    { "3442", "0", "1120" },
    { "3442", "0", "2" },
    { "3442", "1" },
};
static const char *const queries[] = {
    "pmin=1", "pmax=5", "pmin=60",  "pmax=3600", "pmin",  "pmax",  "gt=50",   "lt=10",
    "st=2",   "gt",     "epmin=30", "epmax=60",  "con=1", "con=0", "hqmax=2", "pmax=0",
};

static void ask(void)
{
    static const uint8_t codes[] = { LN_COAP_GET, LN_COAP_PUT, LN_COAP_POST, LN_COAP_DELETE };
    uint8_t room[600];
    struct ln_coap_writer w;
    struct ln_coap_token token = { .len = 2 };
    uint8_t how = (uint8_t)script_number(&in, 1);
    const char *const *path = paths[script_number(&in, 1) % (sizeof paths / sizeof paths[0])];
    token.data[1] = (uint8_t)script_number(&in, 1) % 8; /* observations meet again */
    ln_coap_write_udp(&w, ln_mspan(room, sizeof room), (how & 4) != 0 ? LN_COAP_NON : LN_COAP_CON,
                      codes[how % 4], ++server_mid, &token);
    if (how % 4 == 0 && (how & 8) == 0)
        ln_coap_put_uint(&w, LN_COAP_OBSERVE, (how & 0x10) != 0);
    for (size_t i = 0; i < 4 && path[i] != NULL; i++)
        ln_coap_put_text(&w, LN_COAP_URI_PATH, path[i]);
    if (how % 4 != 0 && (how & 0x20) != 0)
        ln_coap_put_uint(&w, LN_COAP_CONTENT_FORMAT, (how & 0x40) != 0 ? 11542 : 0);
    for (unsigned n = how % 4 == 1 && (how & 0x20) == 0 ? 1 + script_number(&in, 1) % 3 : 0; n > 0;
         n--)
        ln_coap_put_text(&w, LN_COAP_URI_QUERY,
                         queries[script_number(&in, 1) % (sizeof queries / sizeof queries[0])]);
    if (how % 4 != 0 && (how & 0x20) != 0)
        ln_coap_put_payload(&w, script_bytes(&in, 250));
    say_writer(&w);
}

/* Whatever it says: the client must stand it. */
static void ignore(enum ln_status st)
{
    (void)st;
}

static void act(void)
{
    uint8_t what = (uint8_t)script_number(&in, 1);
    struct ln_value value = ln_value_integer((int32_t)script_number(&in, 1));
    switch (what % 8) {
    case 0:
    case 1:
        z.device.battery_level = (uint8_t)value.as.integer;
        ln_client_changed(z.client, 3, 0, 9);
        break;
    case 2:
        ignore(ln_client_set(z.client, ln_path_resource(3442, 0, 120), &value));
        break;
    case 3:
        ignore(ln_client_update(z.client, 1));
        break;
    case 4:
        ignore(ln_client_reconnect(z.client, 1));
        break;
    case 5:
        ignore(ln_client_disable(z.client, 1, (uint32_t)value.as.integer));
        break;
    case 6:
        ignore(ln_client_enable(z.client, 1));
        break;
    default:
        ignore(ln_client_add_instance(z.client, 3442, LN_ID_NONE, NULL, NULL));
        break;
    }
    (void)fz_pass(&z, 0);
}

static void configure(struct ln_client_config *config)
{
    uint8_t how = (uint8_t)script_number(&in, 1);
    config->queue_mode = (how & 1) != 0;
    config->awake_ms = (how & 2) != 0 ? 10000 : 0;
    config->max_version = (how & 4) != 0 ? LN_LWM2M_1_2 : LN_LWM2M_1_1;
    config->notes_max = (how & 8) != 0 ? 2 : 0;
    config->observations_max = (how & 16) != 0 ? 2 : 0;
    config->on_event = on_event;
}

static void stop(void)
{
    ln_client_stop(z.client, ln_testkit_now(z.kit));
    for (unsigned tries = 0; fz_pass(&z, 120000) != LN_CLOSED; tries++)
        CHECK(tries < 3);
    for (size_t i = 0; i < LIVES; i++)
        CHECK(lives[i] == UNKNOWN || lives[i] == ENDED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    in = (struct script) { data, size };
    memset(lives, 0, sizeof lives);
    created = false;
    server_mid = 0x4000;
    last_said_len = 0;
    fz_open_with(&z, configure);
    for (unsigned steps = 0; in.size > 0 && steps < 200; steps++) {
        uint8_t step = (uint8_t)script_number(&in, 1);
        switch (step % 8) {
        case 0:
        case 1:
            answer();
            break;
        case 2:
        case 3:
            ask();
            break;
        case 4:
            act();
            break;
        case 5:
            (void)fz_pass(&z, script_number(&in, 2));
            break;
        case 6:
            (void)fz_pass(&z, (ln_msec)script_number(&in, 1) * 60000);
            break;
        default:
            say(step < 128 ? ln_span(last_said, last_said_len) : script_bytes(&in, 250));
            break;
        }
    }
    stop();
    fz_close(&z);
    return 0;
}
