/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_resume.c
 * Sessions that outlive a connection (secure-sockets.md 2.10): TLS 1.2 by id and ticket, TLS 1.3
 * and DTLS 1.2 by ticket; never for another peer or other settings; damage costs a full handshake
 * and nothing else; `resumed` is the truth.
 */
#include "support/rawpeer.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct tls_pki world;

static int setup(void **state)
{
    (void)state;
    tls_pki_init(&world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tls_pki_deinit(&world);
    return 0;
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- a store that the tests can look into ---- */

enum { SHELF_MAX = 16 };

struct shelf {
    size_t count;
    struct ln_session_slot slot[SHELF_MAX];
    unsigned loads, saves, removes;
    enum ln_status fail_load, fail_save; /* LN_OK = they work */
    struct ln_session_store store;
};

static struct ln_session_slot *find(struct shelf *s, const char *key)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->slot[i].key, key) == 0)
            return &s->slot[i];
    }
    return NULL;
}

static void check_key(const char *key)
{
    assert_int_equal(strlen(key), 32);
    assert_int_equal(strspn(key, "0123456789abcdef"), 32);
}

static enum ln_status shelf_load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    struct shelf *s = ctx;
    check_key(key);
    s->loads++;
    if (s->fail_load != LN_OK)
        return s->fail_load;
    const struct ln_session_slot *slot = find(s, key);
    if (slot == NULL || slot->len == 0)
        return LN_NOT_FOUND;
    *len = slot->len;
    if (slot->len > room.len)
        return LN_NO_SPACE;
    memcpy(room.data, slot->blob, slot->len);
    return LN_OK;
}

static enum ln_status shelf_save(void *ctx, const char *key, struct ln_span blob)
{
    struct shelf *s = ctx;
    check_key(key);
    s->saves++;
    if (s->fail_save != LN_OK)
        return s->fail_save;
    assert_true(blob.len > 0 && blob.len <= LN_SESSION_MAX);
    struct ln_session_slot *slot = find(s, key);
    if (slot == NULL) {
        assert_true(s->count < SHELF_MAX);
        slot = &s->slot[s->count++];
        memcpy(slot->key, key, sizeof slot->key);
    }
    memcpy(slot->blob, blob.data, blob.len);
    slot->len = blob.len;
    return LN_OK;
}

static enum ln_status shelf_remove(void *ctx, const char *key)
{
    struct shelf *s = ctx;
    check_key(key);
    s->removes++;
    struct ln_session_slot *slot = find(s, key);
    if (slot == NULL || slot->len == 0)
        return LN_NOT_FOUND;
    slot->len = 0;
    return LN_OK;
}

static struct shelf shelf;

static const struct ln_session_store *fresh_store(void)
{
    memset(&shelf, 0, sizeof shelf);
    shelf.store = (struct ln_session_store) { shelf_load, shelf_save, shelf_remove, &shelf };
    return &shelf.store;
}

/* ---- helpers ---- */

static struct tls_case store_case(const struct tls_row *row, const char *what, bool psk)
{
    struct tls_case c = psk ? tls_case_psk(row, what) : tls_case_cert(row, what, &world);
    c.client.sessions = fresh_store();
    return c;
}

/* One connection from its begin to its end. In TLS 1.3 tickets come with what is read. */
static bool visit(struct tls_pair *p)
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

static void must_be(struct tls_pair *p, bool resumed, const char *detail)
{
    if (visit(p) != resumed)
        tls_fail(p, "%s: %s", detail, resumed ? "a full handshake" : "resumed");
}

/* Whether the first ClientHello of the last connect brought a session along. */
static bool offered_a_session(const struct tls_pair *p)
{
    struct wire_hello hello;
    assert_true(tls_pair_client_hello(p, &hello));
    if (p->spec.row.version == LN_TLS_1_3)
        return hello.has_psk;
    return hello.ticket_len > 0 || hello.session_id_len > 0;
}

/* ---- it works ---- */

/* scenario: S17, S30, S28 */
static void test_the_second_connection_resumes(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        for (int psk = 0; psk <= 1; psk++) {
            struct tls_case c = store_case(&rows.row[r], "connects again and again", psk != 0);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            must_be(&p, false, "first");
            assert_true(p.client_info.tls.session_stored);
            uint64_t full = p.client_tap.total + p.server_tap.total;
            for (int i = 0; i < 4; i++) {
                must_be(&p, true, "again");
                if (p.client_tap.total + p.server_tap.total >= full && psk == 0)
                    tls_fail(&p, "a resumed handshake is not smaller than a full one");
            }
            tls_pair_close(&p);
        }
    }
}

/* scenario: S17 */
static void test_session_ids_without_tickets(void **state)
{
    (void)state;
    static const uint16_t versions[] = { LN_TLS_1_2, LN_DTLS_1_2 };
    for (size_t v = 0; v < COUNT(versions); v++) {
        struct tls_rows rows = tls_rows_of(versions[v], 0);
        for (size_t r = 0; r < rows.count; r++) {
            struct tls_case c = store_case(&rows.row[r], "the server has no tickets", false);
            const struct pki_cert *chain[] = { world.server, world.ca, NULL };
            struct raw_server raw = { .pki = world.pki, .chain = chain, .no_ticket = true };
            c.raw = &raw;
            struct tls_pair p;
            struct wire_hello hello;
            tls_pair_open(&p, &c);
            must_be(&p, false, "first");
            must_be(&p, true, "second");
            assert_true(tls_pair_client_hello(&p, &hello));
            assert_int_equal(hello.ticket_len, 0);
            assert_true(hello.session_id_len > 0);
            assert_int_equal(raw.resumed, 1);
            tls_pair_close(&p);
        }
    }
}

/* scenario: S30 */
static void test_numbers_of_tickets(void **state)
{
    (void)state;
    static const int numbers[] = { -1, 1, 2, 4 };
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(numbers); i++) {
            struct tls_case c = store_case(&rows.row[r], "so many tickets", false);
            const struct pki_cert *chain[] = { world.server, world.ca, NULL };
            struct raw_server raw = { .pki = world.pki, .chain = chain, .tickets = numbers[i] };
            c.raw = &raw;
            struct tls_pair p;
            tls_pair_open(&p, &c);
            must_be(&p, false, "first");
            assert_int_equal(p.client_info.tls.session_stored, numbers[i] > 0);
            for (int again = 0; again < 3; again++)
                must_be(&p, numbers[i] > 0, "again");
            tls_pair_close(&p);
        }
    }
}

/* RFC 8446 C.4: a ticket that is used twice links two connections. */
/* scenario: S30 */
static void test_a_ticket_of_1_3_is_used_once(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a ticket is used once", false);
        struct tls_pair p;
        uint8_t used[LN_SESSION_MAX];
        tls_pair_open(&p, &c);
        must_be(&p, false, "first");
        assert_int_equal(shelf.count, 1);
        size_t len = shelf.slot[0].len;
        memcpy(used, shelf.slot[0].blob, len);
        must_be(&p, true, "second");
        if (shelf.slot[0].len == len && memcmp(used, shelf.slot[0].blob, len) == 0)
            tls_fail(&p, "the same ticket is stored for the next time");
        tls_pair_close(&p);
    }
}

/* Tickets that nobody read are no sessions, and closing without reading is no failure. */
/* scenario: S30 */
static void test_tickets_that_were_not_read(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "closes before it reads", false);
        c.link.delay_min_ms = 100; /* the tickets are on their way when the client closes */
        struct tls_pair p;
        tls_pair_open(&p, &c);
        const char *host = TLS_HOST;
        assert_int_equal(ln_sock_connect(p.client, host, TLS_PORT, tls_pair_now(&p)), LN_AGAIN);
        struct ln_sock_info info;
        do {
            tls_pair_run(&p, 10);
            ln_sock_info(p.client, &info);
        } while (info.state == LN_SOCK_CONNECTING);
        assert_int_equal(info.state, LN_SOCK_OPEN);
        assert_false(info.tls.session_stored);
        tls_pair_hang_up(&p);
        must_be(&p, false, "second");
        must_be(&p, true, "third");
        tls_pair_close(&p);
    }
}

/* ---- no store, no session ---- */

/* scenario: S28 */
static void test_without_a_store(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "no store", false);
        c.client.sessions = NULL;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        for (int i = 0; i < 3; i++) {
            must_be(&p, false, "without a store");
            assert_false(p.client_info.tls.session_stored);
            if (c.row.version != LN_TLS_1_3) /* 1.3: a session id of no meaning, RFC 8446 D.4 */
                assert_false(offered_a_session(&p));
        }
        tls_pair_close(&p);
    }
}

/* TLS-106 */
/* scenario: S28 */
static void test_servers_store_nothing(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a store for the server", false);
        c.server.sessions = c.client.sessions;
        c.client.sessions = NULL;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        must_be(&p, false, "first");
        must_be(&p, false, "second");
        assert_int_equal(shelf.saves, 0);
        assert_int_equal(shelf.loads, 0);
        tls_pair_close(&p);
    }
}

/* ---- for whom a session is good ---- */

typedef void change(struct tls_pair *p, struct ln_tls_options *client);

static void another_port(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)client;
    tls_pair_move_server(p, 6684);
}
static void another_host(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)client;
    p->spec.host = TLS_SERVER_IP;
}
static void another_name(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)client;
    p->spec.server_name = TLS_SERVER_IP;
}
static void other_trust(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    client->trust = pki_trust(world.pki, PKI_LIST(world.root, world.stranger));
}
static void partial_chain(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    client->partial_chain = true;
}
static void skipped_name(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    client->insecure_skip_name = true;
}
static void skipped_verification(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    client->insecure_skip_verification = true;
}
static void crls(struct tls_pair *p, struct ln_tls_options *client)
{
    struct pki_crl_spec spec = { .issuer = world.ca };
    (void)p;
    client->crls = pki_span_source(pki_crl(world.pki, &spec));
}
static void client_certificate(struct tls_pair *p, struct ln_tls_options *client)
{
    (void)p;
    tls_present(client, world.pki, PKI_LIST(world.client, world.ca));
}
static void protocols(struct tls_pair *p, struct ln_tls_options *client)
{
    static const char *const names[] = { "coap" };
    (void)p;
    client->alpn = names;
    client->alpn_count = 1;
}
static void dane(struct tls_pair *p, struct ln_tls_options *client)
{
    static struct ln_tlsa record;
    (void)p;
    record = pki_tlsa(world.pki, world.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    client->auth = LN_AUTH_DANE;
    client->tlsa = &record;
    client->tlsa_count = 1;
}

struct variation {
    const char *sentence;
    change *change;
};

/* TLS-103: a resumed session skips the verification, so it must not outlive what it was verified
 * with, and is not even shown to anybody else. */
/* scenario: S17 */
static void test_a_session_is_bound_to_peer_and_settings(void **state)
{
    (void)state;
    static const struct variation table[] = {
        { "another port", another_port },
        { "another host", another_host },
        { "another server name", another_name },
        { "other trust", other_trust },
        { "partial_chain", partial_chain },
        { "the name is not verified", skipped_name },
        { "nothing is verified", skipped_verification },
        { "a CRL", crls },
        { "a client certificate", client_certificate },
        { "other protocols", protocols },
        { "DANE", dane },
    };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = store_case(&rows.row[r], table[i].sentence, false);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            must_be(&p, false, "first");
            must_be(&p, true, "unchanged");
            struct ln_tls_options changed = c.client;
            table[i].change(&p, &changed);
            tls_pair_new_client(&p, &changed);
            must_be(&p, false, "changed");
            if (offered_a_session(&p))
                tls_fail(&p, "the session was shown to somebody else");
            tls_pair_close(&p);
        }
    }
}

static void other_identity(struct tls_pair *p, struct ln_tls_options *client)
{
    struct ln_tls_options server = p->spec.server;
    server.psk_identity = ln_span_str("device-2");
    client->psk_identity = server.psk_identity;
    tls_pair_new_server(p, &server);
}
static void other_key(struct tls_pair *p, struct ln_tls_options *client)
{
    struct ln_tls_options server = p->spec.server;
    server.psk_key = ln_span_str("another key 1234");
    client->psk_key = server.psk_key;
    tls_pair_new_server(p, &server);
}

/* scenario: S17 */
static void test_a_session_is_bound_to_the_key(void **state)
{
    (void)state;
    static const struct variation table[] = {
        { "another identity", other_identity },
        { "another key", other_key },
    };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION | LN_TLS_CAP_PSK);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = store_case(&rows.row[r], table[i].sentence, true);
            struct tls_pair p;
            struct wire_hello hello;
            tls_pair_open(&p, &c);
            must_be(&p, false, "first");
            must_be(&p, true, "unchanged");
            struct ln_tls_options changed = c.client;
            table[i].change(&p, &changed);
            tls_pair_new_client(&p, &changed);
            must_be(&p, false, "changed");
            assert_true(tls_pair_client_hello(&p, &hello));
            assert_int_equal(hello.ticket_len, 0);
            tls_pair_close(&p);
        }
    }
}

/* Records of a socket count like those of its configuration. */
/* scenario: S17, S34 */
static void test_a_session_is_bound_to_the_records_of_its_socket(void **state)
{
    (void)state;
    struct ln_tlsa one = pki_tlsa(world.pki, world.server, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct ln_tlsa bad = pki_tlsa(world.pki, world.client, LN_TLSA_DANE_EE, 1, LN_TLSA_SHA256);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "other records on the socket", false);
        c.client.auth = LN_AUTH_DANE;
        c.client.tlsa = &one;
        c.client.tlsa_count = 1;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        must_be(&p, false, "first");
        must_be(&p, true, "unchanged");
        assert_int_equal(ln_sock_set_tlsa(p.client, &bad, 1), LN_OK);
        if (tls_pair_connect(&p) == LN_OK)
            tls_fail(&p, "a session got around the new records");
        tls_want_category(&p, &p.client_diag, LN_CAT_DANE_MISMATCH);
        tls_pair_close(&p);
    }
}

/* ---- over a restart ---- */

/* scenario: S17 */
static void test_a_session_survives_a_restart(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        for (int psk = 0; psk <= 1; psk++) {
            struct tls_case c =
                store_case(&rows.row[r], "a new configuration, the same store", psk != 0);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            must_be(&p, false, "first");
            for (int i = 0; i < 3; i++) {
                tls_pair_new_client(&p, &c.client);
                must_be(&p, true, "after a restart");
            }
            tls_pair_close(&p);
        }
    }
}

/* scenario: S17 */
static void test_forget_session(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "forgets the session", false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        ln_sock_forget_session(p.client); /* knows no peer yet: nothing happens */
        must_be(&p, false, "first");
        must_be(&p, true, "second");
        tls_pair_must_connect(&p);
        tls_pair_must_exchange(&p);
        ln_sock_forget_session(p.client);
        assert_int_equal(shelf.count, 1);
        assert_int_equal(shelf.slot[0].len, 0);
        struct ln_sock_info info;
        ln_sock_info(p.client, &info);
        assert_false(info.tls.session_stored);
        tls_pair_must_exchange(&p); /* the connection is not touched */
        tls_pair_hang_up(&p);
        must_be(&p, false, "forgotten");
        must_be(&p, true, "and made anew");
        tls_pair_close(&p);
        ln_sock_forget_session(NULL);
    }
}

/* scenario: S17 */
static void test_slot(void **state)
{
    (void)state;
    static struct ln_session_slot slot;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        memset(&slot, 0, sizeof slot);
        struct ln_session_store store = ln_session_store_slot(&slot);
        struct tls_case c = store_case(&rows.row[r], "a store of one slot", false);
        c.client.sessions = &store;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        memset(&store, 0xff, sizeof store); /* copied */
        must_be(&p, false, "first");
        must_be(&p, true, "second");
        p.spec.host = TLS_SERVER_IP; /* one slot: another peer takes it */
        must_be(&p, false, "another peer");
        p.spec.host = NULL;
        must_be(&p, false, "the slot was taken");
        must_be(&p, true, "and taken back");
        tls_pair_close(&p);
    }
}

/* scenario: S17 */
static void test_folder(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a store in a folder", false);
        struct tls_pair p;
        c.client.sessions = NULL;
        tls_pair_open(&p, &c);
        struct ln_session_folder folder = { &p.client_env, "/var/lib/sessions" };
        struct ln_session_store store = ln_session_store_folder(&folder);
        c.client.sessions = &store;
        tls_pair_new_client(&p, &c.client);
        must_be(&p, false, "first");
        must_be(&p, true, "second");
        p.spec.host = TLS_SERVER_IP;
        must_be(&p, false, "another peer");
        must_be(&p, true, "another peer again");
        p.spec.host = NULL;
        must_be(&p, true, "the first one is still there");
        tls_pair_close(&p);
    }
}

/* A disk that fails costs resumption and nothing else. */
/* scenario: S17, S38 */
static void test_a_store_that_fails(void **state)
{
    (void)state;
    static const enum ln_status failures[] = { LN_IO, LN_NO_SPACE, LN_DENIED, LN_NO_MEMORY,
                                               LN_INTERNAL };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(failures); i++) {
            struct tls_case c = store_case(&rows.row[r], "the store fails", false);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            shelf.fail_save = failures[i];
            must_be(&p, false, "first");
            assert_false(p.client_info.tls.session_stored);
            assert_true(shelf.saves > 0);
            must_be(&p, false, "nothing was saved");
            shelf.fail_save = LN_OK;
            must_be(&p, false, "now it is saved");
            shelf.fail_load = failures[i];
            must_be(&p, false, "nothing can be loaded");
            shelf.fail_load = LN_OK;
            must_be(&p, true, "all works again");
            tls_pair_close(&p);
        }
    }
}

/* A certificate that makes the session too large: not resumed, not a failure. */
/* scenario: S17 */
static void test_a_session_that_is_too_large(void **state)
{
    (void)state;
    struct pki_spec spec = {
        .name = "large", .issuer = world.ca, .san = "DNS:" TLS_HOST, .padding = LN_SESSION_MAX
    };
    const struct pki_cert *large = pki_make(world.pki, &spec);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a certificate of 16 KiB", false);
        tls_present(&c.server, world.pki, PKI_LIST(large, world.ca));
        struct tls_pair p;
        tls_pair_open(&p, &c);
        must_be(&p, false, "first");
        bool stored = p.client_info.tls.session_stored; /* without the certificate it may fit */
        must_be(&p, stored, "second");
        tls_pair_close(&p);
    }
}

/* ---- damage ---- */

struct damage {
    uint8_t good[LN_SESSION_MAX];
    size_t len;
};

static void learn(struct tls_pair *p, struct damage *d)
{
    must_be(p, false, "first");
    must_be(p, true, "second");
    assert_int_equal(shelf.count, 1);
    d->len = shelf.slot[0].len;
    assert_true(d->len > 0);
    memcpy(d->good, shelf.slot[0].blob, d->len);
}

static void put_back(const struct damage *d, size_t len)
{
    memcpy(shelf.slot[0].blob, d->good, d->len);
    shelf.slot[0].len = len;
}

/* In quick form every 37th byte, in full each of them. */
/* scenario: S17, S38, H121 */
static void test_damage_at_every_byte(void **state)
{
    (void)state;
    static struct damage d;
    size_t stride = tls_full() ? 1 : 37;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "one bit of the blob is turned", false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        learn(&p, &d);
        for (size_t i = 0; i < d.len; i += stride) {
            put_back(&d, d.len);
            shelf.slot[0].blob[i] ^= (uint8_t)(1u << (i % 8));
            if (visit(&p))
                tls_fail(&p, "resumed with byte %zu of %zu damaged", i, d.len);
        }
        must_be(&p, true, "whole again");
        tls_pair_close(&p);
    }
}

/* scenario: S17, S38, H121 */
static void test_a_cut_blob(void **state)
{
    (void)state;
    static struct damage d;
    size_t stride = tls_full() ? 1 : 41;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "the blob is cut, or longer", false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        learn(&p, &d);
        for (size_t len = 1; len < d.len; len += stride) {
            put_back(&d, len);
            if (visit(&p))
                tls_fail(&p, "resumed with %zu of %zu bytes", len, d.len);
        }
        put_back(&d, d.len);
        shelf.slot[0].blob[d.len] = 0;
        shelf.slot[0].len = d.len + 1;
        must_be(&p, false, "a byte too many");
        put_back(&d, d.len);
        shelf.slot[0].len = LN_SESSION_MAX;
        must_be(&p, false, "as long as can be");
        tls_pair_close(&p);
    }
}

/* scenario: S38, H121 */
static void test_garbage(void **state)
{
    (void)state;
    static struct damage d;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "garbage in the store", false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        learn(&p, &d);
        for (int kind = 0; kind < 4; kind++) {
            put_back(&d, d.len);
            memset(shelf.slot[0].blob, kind == 0 ? 0 : kind == 1 ? 0xff : 0x30, d.len);
            if (kind == 3)
                shelf.slot[0].len = LN_SESSION_MAX;
            must_be(&p, false, "garbage");
        }
        tls_pair_close(&p);
    }
}

/* A blob of one version in the place of another's, and of one peer in the place of another's. */
/* scenario: S17, S38 */
static void test_a_blob_in_the_wrong_place(void **state)
{
    (void)state;
    static struct damage d;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "the blob of another peer", false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        learn(&p, &d);
        p.spec.host = TLS_SERVER_IP;
        must_be(&p, false, "another host");
        assert_int_equal(shelf.count, 2);
        memcpy(shelf.slot[1].blob, d.good, d.len);
        shelf.slot[1].len = d.len;
        must_be(&p, false, "the blob of the first host");
        if (offered_a_session(&p))
            tls_fail(&p, "the session was shown to somebody else");
        tls_pair_close(&p);
    }
}

/* ---- servers that forgot, or never liked it ---- */

/* scenario: S17, H100 */
static void test_the_server_forgot(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        for (int psk = 0; psk <= 1; psk++) {
            struct tls_case c = store_case(&rows.row[r], "the server was restarted", psk != 0);
            struct tls_pair p;
            tls_pair_open(&p, &c);
            must_be(&p, false, "first");
            must_be(&p, true, "second");
            tls_pair_new_server(&p, &c.server);
            must_be(&p, false, "after its restart");
            must_be(&p, true, "and again");
            tls_pair_close(&p);
        }
    }
}

/* libssl without a session id context refuses each resumption with an alert (internal_error) where
 * it asks for client certificates: a real mistake of real servers. The next connect must not run
 * into it again. */
static void no_id_context(void *user, SSL_CTX *ctx)
{
    (void)user;
    assert_int_equal(SSL_CTX_set_session_id_context(ctx, NULL, 0), 1);
}

/* scenario: S17, H100 */
static void test_a_server_that_cannot_stand_resumption(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a resumption is answered by an alert", false);
        const struct pki_cert *chain[] = { world.server, world.ca, NULL };
        struct raw_server raw = {
            .pki = world.pki, .chain = chain, .request_certificate = true, .setup = no_id_context
        };
        c.raw = &raw;
        struct tls_pair p;
        tls_pair_open(&p, &c);
        must_be(&p, false, "first");
        if (tls_pair_connect(&p) == LN_OK) { /* some versions of it forgive */
            tls_pair_hang_up(&p);
        } else {
            assert_int_equal(p.client_diag.alert_from, LN_ALERT_RECEIVED);
            tls_pair_hang_up(&p);
            must_be(&p, false, "the session was given up");
        }
        tls_pair_close(&p);
    }
}

/* A session does not live for ever: the server said for how long (RFC 5077, RFC 8446 4.6.1). */
/* scenario: S17, S38 */
static void test_an_old_session(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "eight days later", false);
        struct tls_pair p;
        tls_pair_open(&p, &c);
        must_be(&p, false, "first");
        ln_testkit_advance(p.kit, 8 * PKI_DAY * 1000);
        must_be(&p, false, "too old");
        must_be(&p, true, "a new one");
        tls_pair_close(&p);
    }
}

/* A handshake that fails leaves no session of its own behind, and does not lose the good one that
 * belongs to other settings. */
/* scenario: S17, S38 */
static void test_a_failed_handshake_stores_nothing(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = store_case(&rows.row[r], "a failed handshake", false);
        c.server_name = "elsewhere.example";
        struct tls_pair p;
        tls_pair_open(&p, &c);
        assert_int_not_equal(tls_pair_connect(&p), LN_OK);
        tls_pair_hang_up(&p);
        assert_int_equal(shelf.saves, 0);
        assert_int_not_equal(tls_pair_connect(&p), LN_OK);
        assert_false(offered_a_session(&p));
        tls_pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_second_connection_resumes),
        cmocka_unit_test(test_session_ids_without_tickets),
        cmocka_unit_test(test_numbers_of_tickets),
        cmocka_unit_test(test_a_ticket_of_1_3_is_used_once),
        cmocka_unit_test(test_tickets_that_were_not_read),
        cmocka_unit_test(test_without_a_store),
        cmocka_unit_test(test_servers_store_nothing),
        cmocka_unit_test(test_a_session_is_bound_to_peer_and_settings),
        cmocka_unit_test(test_a_session_is_bound_to_the_key),
        cmocka_unit_test(test_a_session_is_bound_to_the_records_of_its_socket),
        cmocka_unit_test(test_a_session_survives_a_restart),
        cmocka_unit_test(test_forget_session),
        cmocka_unit_test(test_slot),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_a_store_that_fails),
        cmocka_unit_test(test_a_session_that_is_too_large),
        cmocka_unit_test(test_damage_at_every_byte),
        cmocka_unit_test(test_a_cut_blob),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_a_blob_in_the_wrong_place),
        cmocka_unit_test(test_the_server_forgot),
        cmocka_unit_test(test_a_server_that_cannot_stand_resumption),
        cmocka_unit_test(test_an_old_session),
        cmocka_unit_test(test_a_failed_handshake_stores_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
