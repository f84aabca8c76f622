/* SPDX-License-Identifier: Apache-2.0 */
#include "support/tlspair.h"

#include "support/rawpeer.h"
#include "support/vtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Longer than every handshake that a test configures; virtual time costs nothing. */
#define FOR_EVER (INT64_C(24) * 3600 * 1000)

/* ---- cases ---- */

struct tls_case tls_case(const struct tls_row *row, const char *what)
{
    struct tls_case c = {
        .what = what,
        .row = *row,
        .client = LN_TLS_OPTIONS_INIT,
        .server = LN_TLS_OPTIONS_INIT,
        .client_socket = LN_SOCK_OPTIONS_INIT,
        .server_socket = LN_SOCK_OPTIONS_INIT,
    };
    /* The build's date must not decide: these certificates live around PKI_NOW. */
    c.client.time_floor = PKI_DAY;
    c.server.time_floor = PKI_DAY;
    /* A UDP listener shares its port with the sockets of its clients. */
    c.server_socket.reuse_addr = true;
    c.link.mtu = 1500;
    return c;
}

struct tls_case tls_case_psk(const struct tls_row *row, const char *what)
{
    struct tls_case c = tls_case(row, what);
    c.client.auth = LN_AUTH_PSK;
    c.client.psk_identity = ln_span_str("device-1");
    c.client.psk_key = ln_span_str("0123456789abcdef");
    c.server.auth = LN_AUTH_PSK;
    c.server.psk_identity = c.client.psk_identity;
    c.server.psk_key = c.client.psk_key;
    return c;
}

void tls_pki_init_type(struct tls_pki *t, enum pki_key_type type)
{
    struct pki *pki = pki_new();
    t->pki = pki;
    struct pki_spec spec = { .name = "Linnet test root", .key = type, .ca = true };
    spec.not_after = PKI_NOW + 10 * 365 * PKI_DAY;
    t->root = pki_make(pki, &spec);
    spec.name = "Somebody else's root";
    t->stranger = pki_make(pki, &spec);
    spec.name = "Linnet test CA";
    spec.issuer = t->root;
    t->ca = pki_make(pki, &spec);
    spec = (struct pki_spec) {
        .name = "the server",
        .key = type,
        .issuer = t->ca,
        .san = "DNS:" TLS_HOST ",IP:" TLS_SERVER_IP ",IP:" TLS_SERVER_IP6,
        .eku = "serverAuth",
    };
    if (type == PKI_RSA_2048 || type == PKI_RSA_4096)
        spec.usage = "critical,digitalSignature,keyEncipherment";
    t->server = pki_make(pki, &spec);
    spec.name = "the client";
    spec.san = NULL;
    spec.eku = "clientAuth";
    t->client = pki_make(pki, &spec);
    t->server_chain[0] = t->server;
    t->server_chain[1] = t->ca;
    t->server_chain[2] = NULL;
}

void tls_pki_init(struct tls_pki *t)
{
    tls_pki_init_type(t, PKI_P256);
}

void tls_pki_deinit(struct tls_pki *t)
{
    pki_free(t->pki);
    memset(t, 0, sizeof *t);
}

struct tls_pki tls_world;

int tls_world_setup(void **state)
{
    (void)state;
    tls_pki_init(&tls_world);
    return 0;
}

int tls_world_teardown(void **state)
{
    (void)state;
    tls_pki_deinit(&tls_world);
    return 0;
}

void tls_present(struct ln_tls_options *options, struct pki *pki,
                 const struct pki_cert *const *certs)
{
    options->chain = pki_trust(pki, certs);
    options->key = pki_key_source(pki, certs[0]);
}

struct tls_case tls_case_cert(const struct tls_row *row, const char *what, const struct tls_pki *t)
{
    struct tls_case c = tls_case(row, what);
    c.client.trust = pki_trust_one(t->pki, t->root);
    tls_present(&c.server, t->pki, PKI_LIST(t->server, t->ca));
    return c;
}

/* ---- the wire ---- */

void tls_tap_clear(struct tls_tap *tap)
{
    memset(tap, 0, sizeof *tap);
}

struct ln_span tls_tap_packet(const struct tls_tap *tap, size_t index)
{
    assert_true(index < tap->packets);
    return ln_span(tap->bytes + tap->packet[index].at, tap->packet[index].len);
}

static void note_packet(struct tls_tap *tap, const struct ln_testkit_packet *packet, ln_msec now)
{
    tap->sent++;
    tap->total += packet->len;
    if (packet->len > tap->largest)
        tap->largest = packet->len;
    if (tap->packets == TLS_PACKETS_MAX || packet->len > sizeof tap->bytes - tap->len)
        return;
    memcpy(tap->bytes + tap->len, packet->data, packet->len);
    tap->packet[tap->packets++] =
        (struct tls_packet) { .at = tap->len, .len = packet->len, .when = now };
    tap->len += packet->len;
}

static void on_packet(void *user, struct ln_testkit_packet *packet)
{
    struct tls_pair *p = user;
    if (packet->from_host == p->client_host)
        note_packet(&p->client_tap, packet, tls_pair_now(p));
    else if (packet->from_host == p->server_host)
        note_packet(&p->server_tap, packet, tls_pair_now(p));
    if (p->spec.on_packet != NULL)
        p->spec.on_packet(p, packet, p->spec.user);
}

bool tls_pair_client_hello(const struct tls_pair *p, struct wire_hello *out)
{
    struct ln_span sent = ln_span(p->client_tap.bytes, p->client_tap.len);
    bool datagram = p->spec.row.kind == LN_DTLS;
    if (datagram && p->client_tap.packets > 0)
        sent = tls_tap_packet(&p->client_tap, 0);
    return wire_client_hello(sent, datagram, out);
}

/* ---- making and freeing ---- */

ln_msec tls_pair_now(const struct tls_pair *p)
{
    return ln_testkit_now(p->kit);
}

static int64_t stopped_wall(void *ctx)
{
    const struct tls_pair *p = ctx;
    return p->spec.client_wall;
}

static ln_msec pair_monotonic(void *ctx)
{
    return tls_pair_now(ctx);
}

static enum ln_status make_hosts(struct tls_pair *p, struct ln_testkit_host *device,
                                 bool device_serves)
{
    static const char server_addresses[] = TLS_SERVER_IP " " TLS_SERVER_IP6;
    const char *peer_addresses = server_addresses;
    struct ln_testkit_host **peer = &p->server_host;
    p->client_host = device;
    if (device_serves) {
        p->client_host = NULL;
        p->server_host = device;
        peer = &p->client_host;
        peer_addresses = "192.0.2.20 2001:db8::20";
    }
    enum ln_status st = ln_testkit_host_new(p->kit, "peer", peer_addresses, peer);
    if (st != LN_OK)
        return st;
    ln_testkit_env(p->client_host, &p->client_env);
    ln_testkit_env(p->server_host, &p->server_env);
    st = ln_testkit_name(p->kit, TLS_HOST, device_serves ? TLS_CLIENT_IP : TLS_SERVER_IP);
    if (st == LN_OK)
        st = ln_testkit_path(p->kit, p->client_host, p->server_host, &p->spec.link);
    if (p->spec.client_wall != 0)
        p->client_env.clock = (struct ln_clock) { pair_monotonic, stopped_wall, p };
    ln_testkit_tap(p->kit, on_packet, p);
    return st;
}

static void begin_pair(struct tls_pair *p, const struct tls_case *spec, struct ln_testkit *kit)
{
    memset(p, 0, sizeof *p);
    p->spec = *spec;
    p->kit = kit;
    p->server_status = LN_AGAIN;
    (void)vtime_calls();
}

void tls_pair_open_bare(struct tls_pair *p, const struct tls_case *spec)
{
    struct ln_testkit_config config = { .seed = spec->seed, .wall_s = PKI_NOW };
    struct ln_testkit *kit = NULL;
    struct ln_testkit_host *device = NULL;
    assert_int_equal(ln_testkit_new(&config, &kit), LN_OK);
    begin_pair(p, spec, kit);
    p->own_kit = true;
    assert_int_equal(ln_testkit_host_new(kit, "client", TLS_CLIENT_IP " 2001:db8::10", &device),
                     LN_OK);
    assert_int_equal(make_hosts(p, device, false), LN_OK);
}

static void set_defaults(const struct tls_case *c, struct ln_tls_options *o,
                         const struct ln_tls_backend *backend)
{
    if (o->backend == NULL)
        o->backend = backend;
    if (o->min_version == 0 && o->max_version == 0) {
        o->min_version = c->row.version;
        o->max_version = c->row.version;
    }
}

enum ln_status tls_pair_config(struct tls_pair *p, const struct ln_env *env,
                               const struct ln_tls_options *options,
                               const struct ln_tls_backend *backend, struct ln_diag *diag,
                               struct ln_tls_config **out)
{
    struct ln_tls_options o = *options;
    set_defaults(&p->spec, &o, backend);
    return ln_tls_config_new(env, p->spec.row.kind, &o, diag, out);
}

static uint16_t port_of(const struct tls_pair *p)
{
    return p->spec.port != 0 ? p->spec.port : TLS_PORT;
}

static struct ln_addr server_address(const struct tls_pair *p)
{
    struct ln_addr any = { .family = LN_FAMILY_ANY, .port = port_of(p) };
    return any;
}

static ln_msec serve_raw(void *user, ln_msec now)
{
    struct tls_pair *p = user;
    struct ln_interest want = ln_interest(LN_WANT_READ);
    raw_server_step(p->spec.raw, now);
    raw_server_interest(p->spec.raw, now, &want);
    return want.deadline;
}

static enum ln_status open_raw(struct tls_pair *p)
{
    struct ln_addr local = server_address(p);
    raw_server_start(p->spec.raw, &p->server_env, p->spec.row.kind == LN_DTLS, p->spec.row.version,
                     &local);
    return ln_testkit_serve(p->kit, serve_raw, p);
}

static enum ln_status open_listener(struct tls_pair *p, struct ln_diag *diag)
{
    struct ln_addr local = server_address(p);
    enum ln_status st = ln_sock_new(&p->server_env, p->spec.row.kind, &p->spec.server_socket,
                                    p->server_config, diag, &p->listener);
    if (st != LN_OK)
        return st;
    p->socks[1] = p->listener;
    st = ln_sock_bind(p->listener, &local);
    if (st != LN_OK)
        *diag = *ln_sock_diag(p->listener);
    return st;
}

static enum ln_status open_server(struct tls_pair *p, const struct ln_tls_options *options,
                                  struct ln_diag *diag)
{
    enum ln_status st = LN_OK;
    if (p->spec.shared_server != NULL)
        p->server_config = ln_tls_config_ref(p->spec.shared_server);
    else
        st = tls_pair_config(p, &p->server_env, options, p->spec.row.server, diag,
                             &p->server_config);
    return st == LN_OK ? open_listener(p, diag) : st;
}

static enum ln_status open_client(struct tls_pair *p, const struct ln_tls_options *options,
                                  struct ln_diag *diag)
{
    enum ln_status st = LN_OK;
    if (p->spec.shared_client != NULL)
        p->client_config = ln_tls_config_ref(p->spec.shared_client);
    else
        st = tls_pair_config(p, &p->client_env, options, p->spec.row.client, diag,
                             &p->client_config);
    if (st != LN_OK)
        return st;
    st = ln_sock_new(&p->client_env, p->spec.row.kind, &p->spec.client_socket, p->client_config,
                     diag, &p->client);
    p->socks[0] = p->client;
    if (st == LN_OK && p->spec.server_name != NULL)
        st = ln_sock_set_server_name(p->client, p->spec.server_name);
    return st;
}

enum ln_status tls_pair_try_open(struct tls_pair *p, const struct tls_case *spec,
                                 struct ln_testkit *kit, struct ln_testkit_host *device,
                                 bool device_serves, struct ln_diag *diag)
{
    begin_pair(p, spec, kit);
    ln_diag_clear(diag);
    enum ln_status st = make_hosts(p, device, device_serves);
    if (st == LN_OK)
        st = open_server(p, &p->spec.server, diag);
    if (st == LN_OK)
        st = open_client(p, &p->spec.client, diag);
    return st;
}

static void must(const struct tls_pair *p, enum ln_status st, const struct ln_diag *diag,
                 const char *what)
{
    char line[LN_DIAG_LINE_MAX];
    if (st == LN_OK)
        return;
    (void)ln_diag_line(diag, line, sizeof line);
    tls_fail(p, "%s: %s: %s", what, ln_status_name(st), line);
}

void tls_pair_open(struct tls_pair *p, const struct tls_case *spec)
{
    struct ln_diag diag;
    ln_diag_clear(&diag);
    tls_pair_open_bare(p, spec);
    if (spec->raw != NULL)
        must(p, open_raw(p), &diag, "the libssl server");
    else
        must(p, open_server(p, &p->spec.server, &diag), &diag, "the server's configuration");
    must(p, open_client(p, &p->spec.client, &diag), &diag, "the client's configuration");
}

static bool refuses(const struct tls_case *c, const struct ln_tls_backend *backend,
                    const struct ln_tls_options *options, unsigned needs, const char *word)
{
    struct ln_tls_options o = *options;
    if (tls_can(backend, needs))
        return false;
    set_defaults(c, &o, backend);
    tls_must_refuse(backend, c->row.kind, &o, word);
    return true;
}

bool tls_pair_able(struct tls_pair *p, const struct tls_case *spec)
{
    const char *word = spec->refusal_word;
    const char *of_client = spec->client_refusal_word != NULL ? spec->client_refusal_word : word;
    bool client = refuses(spec, spec->row.client, &spec->client, spec->client_needs, of_client);
    bool server = spec->raw == NULL &&
                  refuses(spec, spec->row.server, &spec->server, spec->server_needs, word);
    if (client || server)
        return false;
    tls_pair_open(p, spec);
    return true;
}

static void free_client(struct tls_pair *p)
{
    ln_sock_free(p->client);
    ln_tls_config_unref(p->client_config);
    p->client = NULL;
    p->socks[0] = NULL;
    p->client_config = NULL;
}

static void free_accepted(struct tls_pair *p)
{
    ln_sock_free(p->server);
    p->server = NULL;
    p->socks[2] = NULL;
}

static void free_server(struct tls_pair *p)
{
    free_accepted(p);
    ln_sock_free(p->listener);
    ln_tls_config_unref(p->server_config);
    p->listener = NULL;
    p->socks[1] = NULL;
    p->server_config = NULL;
    if (p->spec.raw != NULL && p->spec.raw->ctx != NULL) {
        ln_testkit_serve_stop(p->kit, p);
        raw_server_stop(p->spec.raw);
    }
}

void tls_pair_free(struct tls_pair *p)
{
    free_client(p);
    free_server(p);
    ln_testkit_tap(p->kit, NULL, NULL);
    if (p->own_kit)
        ln_testkit_free(p->kit);
    p->kit = NULL;
}

static void nothing_left(const struct tls_pair *p, const struct ln_testkit_host *host)
{
    struct ln_testkit_memory memory;
    ln_testkit_memory(host, &memory);
    if (memory.live_blocks != 0)
        tls_fail(p, "%zu blocks leaked on %s, the oldest of %zu bytes", memory.live_blocks,
                 ln_testkit_host_name(host), memory.oldest_bytes);
    if (ln_testkit_open_handles(host) != 0)
        tls_fail(p, "%zu handles left open on %s", ln_testkit_open_handles(host),
                 ln_testkit_host_name(host));
}

void tls_pair_close(struct tls_pair *p)
{
    free_client(p);
    free_server(p);
    nothing_left(p, p->client_host);
    nothing_left(p, p->server_host);
    tls_pair_free(p);
}

void tls_pair_new_client(struct tls_pair *p, const struct ln_tls_options *options)
{
    struct ln_diag diag;
    ln_diag_clear(&diag);
    free_client(p);
    must(p, open_client(p, options, &diag), &diag, "the client's next configuration");
}

void tls_pair_new_server(struct tls_pair *p, const struct ln_tls_options *options)
{
    struct ln_diag diag;
    ln_diag_clear(&diag);
    free_server(p);
    must(p, open_server(p, options, &diag), &diag, "the server's next configuration");
}

void tls_pair_move_server(struct tls_pair *p, uint16_t port)
{
    struct ln_diag diag;
    ln_diag_clear(&diag);
    p->spec.port = port;
    free_accepted(p);
    ln_sock_free(p->listener);
    p->listener = NULL;
    must(p, open_listener(p, &diag), &diag, "the server's next port");
}

/* ---- driving ---- */

/* A server always looks who is there. A second client is not meant in any test: it is let go. */
static void refuse_others(struct tls_pair *p, ln_msec now)
{
    struct ln_sock *other = NULL;
    if (ln_sock_accept(p->listener, now, &other) == LN_OK)
        p->refused++;
    ln_sock_free(other);
}

static void try_accept(struct tls_pair *p, ln_msec now)
{
    if (p->listener == NULL)
        return;
    if (p->server != NULL) {
        refuse_others(p, now);
        return;
    }
    enum ln_status st = ln_sock_accept(p->listener, now, &p->server);
    p->server_status = st;
    p->socks[2] = p->server;
    if (st == LN_OK || st == LN_AGAIN)
        return;
    p->server_diag = *ln_sock_diag(p->listener);
    /* Once is bad luck; a server for which it never works looks at something else. */
    if (++p->accept_failures > 3)
        p->socks[1] = NULL;
}

static enum ln_sock_state state_of(const struct ln_sock *s)
{
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    return info.state;
}

static bool connecting(const struct ln_sock *s)
{
    return s != NULL && state_of(s) == LN_SOCK_CONNECTING;
}

/* What an event loop does when a handle becomes readable. Nothing is consumed, but a flight that the
 * peer sends again because our last one was lost is answered. */
static void poll_open(const struct tls_pair *p, struct ln_sock *s)
{
    size_t got = 0;
    if (p->spec.no_polling || p->spec.row.kind != LN_DTLS || s == NULL ||
        state_of(s) != LN_SOCK_OPEN)
        return;
    enum ln_status st = ln_sock_recv(s, ln_mspan(NULL, 0), &got);
    assert_int_equal(got, 0);
    assert_int_not_equal(st, LN_BAD_STATE);
}

struct waiting {
    struct tls_pair *p;
    bool (*done)(struct tls_pair *p, void *user);
    void *user;
};

/* A failed socket stays `ready` until it is closed: its owner has seen it, and lets it be. */
static void skip_failed(struct tls_pair *p)
{
    bool client = p->client != NULL && state_of(p->client) == LN_SOCK_FAILED;
    bool server = p->server != NULL && state_of(p->server) == LN_SOCK_FAILED;
    p->socks[0] = client ? NULL : p->client;
    p->socks[2] = server ? NULL : p->server;
}

static bool look(void *user, ln_msec now)
{
    struct waiting *w = user;
    try_accept(w->p, now);
    poll_open(w->p, w->p->client);
    poll_open(w->p, w->p->server);
    skip_failed(w->p);
    return w->done != NULL && w->done(w->p, w->user);
}

bool tls_pair_until(struct tls_pair *p, bool (*done)(struct tls_pair *p, void *user), void *user,
                    ln_msec ms)
{
    struct waiting w = { p, done, user };
    struct ln_testkit_pump pump = {
        .socks = p->socks,
        .count = sizeof p->socks / sizeof p->socks[0],
        .until = look,
        .user = &w,
        .deadline = tls_pair_now(p) + ms,
    };
    enum ln_status st = ln_testkit_run(p->kit, &pump);
    if (st == LN_INTERNAL)
        tls_fail(p, "livelock: %s", ln_testkit_text(p->kit));
    return st == LN_OK;
}

void tls_pair_run(struct tls_pair *p, ln_msec ms)
{
    (void)tls_pair_until(p, NULL, NULL, ms);
}

static bool client_is_done(struct tls_pair *p, void *user)
{
    (void)user;
    return !connecting(p->client);
}

static bool server_is_done(struct tls_pair *p, void *user)
{
    (void)user;
    if (p->spec.raw != NULL)
        return p->spec.raw->handshake_done || p->spec.raw->failed;
    return p->server != NULL && !connecting(p->server);
}

/* What step would say once more: the result of a handshake that is over. */
static enum ln_status result_of(struct ln_sock *s, ln_msec now)
{
    enum ln_sock_state state = state_of(s);
    if (state == LN_SOCK_OPEN)
        return LN_OK;
    if (state == LN_SOCK_CONNECTING)
        return LN_AGAIN;
    enum ln_status st = ln_sock_step(s, now);
    return st != LN_OK ? st : ln_sock_diag(s)->status;
}

enum ln_status tls_pair_connect(struct tls_pair *p)
{
    const char *host = p->spec.host != NULL ? p->spec.host : TLS_HOST;
    if (p->spec.raw != NULL)
        raw_server_hang_up(p->spec.raw, false);
    free_accepted(p);
    tls_tap_clear(&p->client_tap);
    tls_tap_clear(&p->server_tap);
    ln_diag_clear(&p->server_diag);
    p->server_status = LN_AGAIN;
    p->started = tls_pair_now(p);
    p->socks[0] = p->client;
    p->socks[1] = p->listener;
    enum ln_status st = ln_sock_connect(p->client, host, port_of(p), p->started);
    if (st == LN_AGAIN) {
        (void)tls_pair_until(p, client_is_done, NULL, FOR_EVER);
        st = result_of(p->client, tls_pair_now(p));
    }
    p->ended = tls_pair_now(p);
    p->client_status = st;
    p->client_diag = *ln_sock_diag(p->client);
    (void)tls_pair_until(p, server_is_done, NULL, 200 * 1000);
    if (p->server != NULL) {
        p->server_status = result_of(p->server, tls_pair_now(p));
        p->server_diag = *ln_sock_diag(p->server);
        ln_sock_info(p->server, &p->server_info);
    } else {
        memset(&p->server_info, 0, sizeof p->server_info);
    }
    ln_sock_info(p->client, &p->client_info);
    return st;
}

void tls_pair_hang_up(struct tls_pair *p)
{
    ln_sock_close(p->client);
    tls_pair_run(p, 1000);
    free_accepted(p);
    if (p->spec.raw != NULL)
        raw_server_hang_up(p->spec.raw, false);
}

void tls_pair_must_connect(struct tls_pair *p)
{
    enum ln_status st = tls_pair_connect(p);
    if (st != LN_OK)
        tls_fail(p, "the client did not connect: %s", ln_status_name(st));
    if (p->spec.raw != NULL) {
        if (!p->spec.raw->handshake_done)
            tls_fail(p, "the libssl server did not finish");
    } else if (p->server_status != LN_OK) {
        tls_fail(p, "the server did not finish: %s", ln_status_name(p->server_status));
    }
}

void tls_pair_start(struct tls_pair *p, const struct tls_case *spec)
{
    tls_pair_open(p, spec);
    tls_pair_must_connect(p);
}

enum ln_status tls_pair_attempt(struct tls_pair *p, const struct tls_case *spec)
{
    tls_pair_open(p, spec);
    return tls_pair_connect(p);
}

/* ---- data ---- */

struct sending {
    struct ln_sock *s;
    struct ln_span left;
    enum ln_status st;
};

static bool send_some(struct tls_pair *p, void *user)
{
    struct sending *job = user;
    size_t sent = 0;
    (void)p;
    do {
        job->st = ln_sock_send(job->s, job->left, &sent);
        if (job->st != LN_OK)
            return job->st != LN_AGAIN;
        job->left = ln_span(job->left.data + sent, job->left.len - sent);
    } while (job->left.len > 0);
    return true;
}

enum ln_status tls_pair_send(struct tls_pair *p, struct ln_sock *s, struct ln_span data)
{
    struct sending job = { .s = s, .left = data, .st = LN_AGAIN };
    if (send_some(p, &job))
        return job.st;
    return tls_pair_until(p, send_some, &job, 600 * 1000) ? job.st : LN_TIMEOUT;
}

struct receiving {
    struct ln_sock *s;
    struct ln_mspan room;
    size_t *got;
    enum ln_status st;
};

static bool recv_some(struct tls_pair *p, void *user)
{
    struct receiving *job = user;
    (void)p;
    job->st = ln_sock_recv(job->s, job->room, job->got);
    return job->st != LN_AGAIN;
}

enum ln_status tls_pair_recv(struct tls_pair *p, struct ln_sock *s, struct ln_mspan room,
                             size_t *got, ln_msec ms)
{
    struct receiving job = { .s = s, .room = room, .got = got, .st = LN_AGAIN };
    if (recv_some(p, &job))
        return job.st;
    return tls_pair_until(p, recv_some, &job, ms) ? job.st : LN_TIMEOUT;
}

bool tls_pair_recv_all(struct tls_pair *p, struct ln_sock *s, struct ln_mspan room)
{
    size_t at = 0;
    do {
        size_t got = 0;
        struct ln_mspan rest = ln_mspan(room.data + at, room.len - at);
        if (tls_pair_recv(p, s, rest, &got, 60 * 1000) != LN_OK)
            return false;
        if (p->spec.row.kind == LN_DTLS)
            return got == room.len;
        if (got == 0)
            return false;
        at += got;
    } while (at < room.len);
    return true;
}

static void fill(uint8_t *data, size_t len, unsigned salt)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 31 + salt);
}

enum { MESSAGE_MAX = 3000 };

static bool pass(struct tls_pair *p, struct ln_sock *from, struct ln_sock *to, size_t len)
{
    uint8_t message[MESSAGE_MAX];
    uint8_t room[MESSAGE_MAX];
    fill(message, len, (unsigned)len);
    return tls_pair_send(p, from, ln_span(message, len)) == LN_OK &&
           tls_pair_recv_all(p, to, ln_mspan(room, len)) && memcmp(message, room, len) == 0;
}

struct raw_reading {
    uint8_t room[MESSAGE_MAX];
    size_t len;
    size_t want;
};

static bool raw_read(struct tls_pair *p, void *user)
{
    struct raw_reading *job = user;
    job->len += raw_server_read(p->spec.raw, job->room + job->len, sizeof job->room - job->len);
    return job->len >= job->want;
}

static bool pass_raw(struct tls_pair *p, size_t len)
{
    uint8_t message[MESSAGE_MAX];
    struct raw_reading job = { .len = 0, .want = len };
    fill(message, len, (unsigned)len);
    if (tls_pair_send(p, p->client, ln_span(message, len)) != LN_OK ||
        !tls_pair_until(p, raw_read, &job, 60 * 1000) || memcmp(job.room, message, len) != 0)
        return false;
    if (!raw_server_write(p->spec.raw, message, len))
        return false;
    return tls_pair_recv_all(p, p->client, ln_mspan(job.room, len)) &&
           memcmp(job.room, message, len) == 0;
}

bool tls_pair_try_exchange(struct tls_pair *p)
{
    static const size_t lengths[] = { 1, 100, 1000 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (p->spec.raw != NULL) {
            if (!pass_raw(p, lengths[i]))
                return false;
        } else if (!pass(p, p->client, p->server, lengths[i]) ||
                   !pass(p, p->server, p->client, lengths[i])) {
            return false;
        }
    }
    return true;
}

void tls_pair_must_exchange(struct tls_pair *p)
{
    if (!tls_pair_try_exchange(p))
        tls_fail(p, "a message did not arrive unchanged");
}

bool tls_pair_visit(struct tls_pair *p)
{
    tls_pair_must_connect(p);
    bool resumed = p->client_info.tls.resumed;
    if (p->server != NULL && p->server_info.tls.resumed != resumed)
        tls_fail(p, "client and server do not agree on whether it was resumed");
    tls_pair_must_exchange(p);
    ln_sock_info(p->client, &p->client_info);
    tls_pair_hang_up(p);
    return resumed;
}

void tls_pair_visit_is(struct tls_pair *p, bool resumed, const char *detail)
{
    if (tls_pair_visit(p) != resumed)
        tls_fail(p, "%s: %s", detail, resumed ? "a full handshake" : "resumed");
}

void tls_pair_finish(struct tls_pair *p)
{
    tls_pair_must_exchange(p);
    tls_pair_close(p);
}

/* ---- telling ---- */

static void print_diag(const char *who, enum ln_status st, const struct ln_diag *diag)
{
    char line[LN_DIAG_LINE_MAX];
    (void)ln_diag_line(diag, line, sizeof line);
    print_error("  %s: %s: %s\n", who, ln_status_name(st),
                diag->status == LN_OK ? "no diagnosis" : line);
}

void tls_fail(const struct tls_pair *p, const char *text, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, text);
    (void)vsnprintf(message, sizeof message, text, arguments);
    va_end(arguments);
    print_error("%s: %s\n  %s\n", p->spec.row.name, p->spec.what, message);
    print_diag("client", p->client_status, &p->client_diag);
    print_diag("server", p->server_status, &p->server_diag);
    fail();
}

void tls_want_status(const struct tls_pair *p, enum ln_status want)
{
    if (p->client_status != want)
        tls_fail(p, "connect came to %s, not %s", ln_status_name(p->client_status),
                 ln_status_name(want));
}

void tls_want_category(const struct tls_pair *p, const struct ln_diag *diag, enum ln_category want)
{
    if (diag->category != want)
        tls_fail(p, "the category is %s, not %s", ln_category_word(diag->category),
                 ln_category_word(want));
    if (want != LN_CAT_NONE && (diag->text[0] == '\0' || diag->status == LN_OK))
        tls_fail(p, "a failure without a sentence");
}

void tls_want_alert(const struct tls_pair *p, const struct ln_diag *diag, enum ln_alert_from from,
                    uint8_t number)
{
    const struct ln_tls_backend *backend =
        diag == &p->server_diag ? p->spec.row.server : p->spec.row.client;
    if (diag->alert_from == from && diag->alert_number == LN_ALERT_NOT_TOLD &&
        !tls_can(backend, LN_TLS_CAP_ALERT_NUMBERS))
        return;
    if (diag->alert_from != from || diag->alert_number != number)
        tls_fail(p, "the alert is %s (%u), direction %d, not %s (%u), direction %d",
                 ln_alert_name(diag->alert_number), diag->alert_number, (int)diag->alert_from,
                 ln_alert_name(number), number, (int)from);
}

bool tls_full(void)
{
    const char *full = getenv("LN_TEST_FULL");
    return full != NULL && full[0] != '\0' && strcmp(full, "0") != 0;
}
