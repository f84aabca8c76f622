/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/port/posix/resolver_cares.c, against a name server inside this program.
 *
 * The server shares the thread and the waits of the lookups. What it answers depends on the first
 * label of the name, see answer_for(). Without c-ares in the build everything is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "port/posix/posix.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* No event of the loopback takes this long; a test that waits for it has failed. */
#define PATIENCE_MS 10000

#define TYPE_A 1
#define TYPE_AAAA 28

/* ---- memory of c-ares, which can be made to fail ---- */

/* Weak: in a build without c-ares there are no such functions. */
extern const char *ares_version(int *number) __attribute__((weak));
extern int ares_library_init_mem(int flags, void *(*allocate)(size_t size),
                                 void (*release)(void *block),
                                 void *(*resize)(void *block, size_t size)) __attribute__((weak));

static struct {
    long live;
    size_t calls;
    size_t fail_at; /* this call; SIZE_MAX = never */
    bool sticky;    /* and all that follow */
} heap = { .fail_at = SIZE_MAX };

static bool heap_fails(void)
{
    size_t call = heap.calls++;
    return call == heap.fail_at || (heap.sticky && call > heap.fail_at);
}

static void *heap_resize(void *block, size_t size)
{
    if (heap_fails())
        return NULL;
    if (block == NULL)
        heap.live++;
    return realloc(block, size > 0 ? size : 1);
}

static void *heap_allocate(size_t size)
{
    return heap_resize(NULL, size);
}

static void heap_release(void *block)
{
    if (block != NULL)
        heap.live--;
    free(block);
}

/* The same counter for the environment's memory. */
static void *env_resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    if (size == 0) {
        heap_release(block);
        return NULL;
    }
    return heap_resize(block, size);
}

/* ---- the name server ---- */

struct server {
    struct ln_env *env;
    ln_handle udp;
    ln_handle tcp; /* listens on the same port */
    unsigned questions;
    unsigned connections;
};

struct answer {
    uint8_t bytes[1024];
    size_t len;
};

static void put(struct answer *a, const void *bytes, size_t len)
{
    assert_true(a->len + len <= sizeof a->bytes);
    memcpy(a->bytes + a->len, bytes, len);
    a->len += len;
}

static void put_record(struct answer *a, uint16_t type, const void *data, uint8_t len)
{
    const uint8_t head[] = {
        0xc0,
        12, /* the name of the question */
        (uint8_t)(type >> 8),
        (uint8_t)type, /* type */
        0,
        1, /* class IN */
        0,
        0,
        0,
        60, /* time to live */
        0,
        len,
    };
    put(a, head, sizeof head);
    put(a, data, len);
    a->bytes[7]++; /* ANCOUNT */
}

/* Question bytes behind the header: name, type, class. 0 = malformed. */
static size_t question_length(const uint8_t *query, size_t len)
{
    size_t at = 12;
    while (at < len && query[at] != 0)
        at += 1u + query[at];
    return at + 5 <= len ? at + 5 - 12 : 0;
}

static bool first_label_is(const uint8_t *query, const char *label)
{
    return query[12] == strlen(label) && memcmp(query + 13, label, query[12]) == 0;
}

static void put_v4(struct answer *a, uint8_t last)
{
    const uint8_t ip[4] = { 192, 0, 2, last };
    put_record(a, TYPE_A, ip, 4);
}

static void put_v6(struct answer *a, uint8_t last)
{
    const uint8_t ip[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = last };
    put_record(a, TYPE_AAAA, ip, 16);
}

static void put_mapped(struct answer *a)
{
    const uint8_t ip[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
    put_record(a, TYPE_AAAA, ip, 16);
}

/* False: no answer at all. */
static bool answer_for(const uint8_t *query, uint16_t type, struct answer *a)
{
    if (first_label_is(query, "silent"))
        return false;
    if (first_label_is(query, "nx"))
        a->bytes[3] |= 3; /* NXDOMAIN */
    if (first_label_is(query, "servfail"))
        a->bytes[3] |= 2;
    if (first_label_is(query, "refused"))
        a->bytes[3] |= 5;
    if (first_label_is(query, "notimp"))
        a->bytes[3] |= 4;
    if (first_label_is(query, "forged"))
        a->bytes[0] ^= 0xff; /* the answer to another question */
    if (first_label_is(query, "cut"))
        a->bytes[2] |= 2; /* TC: ask again by TCP */
    if (first_label_is(query, "malformed")) {
        a->bytes[7] = 1; /* one record, whose name points behind the end */
        put(a, "\xc0\xff\x00\x01\x00", 5);
    }
    if (first_label_is(query, "liar")) {
        put_record(a, type, "\x01\x02", 2); /* an address of two bytes */
    }
    bool v4 = first_label_is(query, "v4") || first_label_is(query, "both");
    bool v6 = first_label_is(query, "v6") || first_label_is(query, "both");
    if (v4 && type == TYPE_A) {
        put_v4(a, 10);
        put_v4(a, 11);
    }
    if (v6 && type == TYPE_AAAA)
        put_v6(a, 10);
    if (first_label_is(query, "many") && type == TYPE_A)
        for (uint8_t i = 1; i <= 20; i++)
            put_v4(a, i);
    if (first_label_is(query, "mapped") && type == TYPE_AAAA)
        put_mapped(a);
    return true;
}

static void serve_datagram(struct server *s)
{
    const struct ln_net *net = &s->env->net;
    uint8_t query[600];
    struct ln_net_got got;
    size_t sent;
    if (net->ops->recv(net->ctx, s->udp, LN_NET_DATAGRAM, ln_mspan(query, sizeof query), false,
                       &got, NULL) != LN_OK)
        return;
    size_t question = got.len >= 12 ? question_length(query, got.len) : 0;
    assert_int_not_equal(question, 0);
    s->questions++;
    uint16_t type = (uint16_t)(query[12 + question - 4] << 8 | query[12 + question - 3]);

    struct answer a = { .len = 0 };
    put(&a, query, 2);                                       /* id */
    put(&a, "\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00", 10); /* response, recursion; one question */
    put(&a, query + 12, question);
    if (answer_for(query, type, &a))
        (void)net->ops->send(net->ctx, s->udp, &got.from, ln_span(a.bytes, a.len), &sent, NULL);
}

/* Whoever asks by TCP is cut off, by reset. */
static void serve_connection(struct server *s)
{
    const struct ln_net *net = &s->env->net;
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    ln_handle client;
    struct ln_addr peer;
    if (net->ops->accept(net->ctx, s->tcp, &client, &peer, NULL) != LN_OK)
        return;
    s->connections++;
    (void)setsockopt((int)client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    net->ops->close(net->ctx, client);
}

static void serve(struct server *s)
{
    serve_datagram(s);
    serve_connection(s);
}

/* One port for UDP and TCP. */
static bool open_server(struct server *s)
{
    const struct ln_net *net = &s->env->net;
    const struct ln_net_open udp = { .kind = LN_NET_DATAGRAM, .family = LN_IPV4 };
    const struct ln_net_open tcp = { .kind = LN_NET_STREAM, .family = LN_IPV4 };
    struct ln_addr addr;
    assert_int_equal(ln_addr_parse("127.0.0.1", 0, &addr), LN_OK);
    assert_int_equal(net->ops->open(net->ctx, &udp, NULL, &s->udp), LN_OK);
    assert_int_equal(net->ops->open(net->ctx, &tcp, NULL, &s->tcp), LN_OK);
    if (net->ops->bind(net->ctx, s->tcp, LN_NET_STREAM, &addr, NULL) == LN_OK &&
        net->ops->names(net->ctx, s->tcp, &addr, NULL) == LN_OK &&
        net->ops->bind(net->ctx, s->udp, LN_NET_DATAGRAM, &addr, NULL) == LN_OK)
        return true;
    net->ops->close(net->ctx, s->udp); /* somebody has that port of UDP: another one */
    net->ops->close(net->ctx, s->tcp);
    return false;
}

static void use_server(const struct server *s)
{
    struct ln_addr addr;
    char text[LN_ADDR_TEXT_MAX];
    assert_int_equal(s->env->net.ops->names(s->env->net.ctx, s->udp, &addr, NULL), LN_OK);
    ln_addr_format(&addr, text);
    assert_int_equal(ln__posix_set_dns_servers(s->env, text), LN_OK);
}

static int setup(void **state)
{
    struct server *s = (struct server *)calloc(1, sizeof *s);
    assert_non_null(s);
    assert_int_equal(ln_env_posix_new(&s->env), LN_OK);
    for (int i = 0; !open_server(s); i++)
        assert_true(i < 20);
    use_server(s);
    ln__posix_set_dns_timing(s->env, 500, 2);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct server *s = (struct server *)*state;
    s->env->net.ops->close(s->env->net.ctx, s->udp);
    s->env->net.ops->close(s->env->net.ctx, s->tcp);
    ln_env_posix_free(s->env);
    free(s);
    return 0;
}

/* ---- asking ---- */

struct result {
    enum ln_status status;
    struct ln_addr addrs[16];
    size_t count;
    struct ln_diag diag;
};

static const struct ln_resolver *resolver_of(const struct server *s)
{
    if (s->env->resolver.ops == NULL) {
        print_message("skip: this build has no c-ares\n");
        skip();
    }
    return &s->env->resolver;
}

static struct ln_lookup *started(struct server *s, const char *host, enum ln_family family)
{
    const struct ln_resolver *r = resolver_of(s);
    struct ln_diag diag;
    struct ln_lookup *lookup = NULL;
    ln_diag_clear(&diag);
    assert_int_equal(r->ops->start(r->ctx, s->env, host, family, &diag, &lookup), LN_OK);
    assert_non_null(lookup);
    return lookup;
}

static void wait_with_server(struct server *s, struct ln_interest *want, ln_msec until)
{
    const struct ln_net *net = &s->env->net;
    ln_interest_add(want, s->udp, LN_WANT_READ);
    ln_interest_add(want, s->tcp, LN_WANT_READ);
    assert_int_equal(net->ops->wait(net->ctx, want, until), LN_OK);
    assert_true(ln_now(s->env) < until);
    serve(s);
}

/* Poll a lookup to its end, serving it meanwhile. */
static void finish_room(struct server *s, struct ln_lookup *lookup, size_t room, struct result *r)
{
    ln_msec until = ln_now(s->env) + PATIENCE_MS;
    memset(r, 0, sizeof *r);
    ln_diag_clear(&r->diag);
    for (;;) {
        r->status = lookup->ops->poll(lookup, ln_now(s->env), r->addrs, room, &r->count, &r->diag);
        if (r->status != LN_AGAIN)
            return;
        assert_int_equal(r->diag.status, LN_OK);
        struct ln_interest want = ln_interest(0);
        lookup->ops->interest(lookup, &want);
        /* rule 2 of the stack: "not now" always says what to wait for */
        assert_true(want.ready || want.count > 0 || want.deadline != LN_NEVER);
        assert_true(want.ready || want.deadline != LN_NEVER);
        wait_with_server(s, &want, until);
    }
}

static struct result resolved(struct server *s, const char *host, enum ln_family family)
{
    struct result r;
    struct ln_lookup *lookup = started(s, host, family);
    finish_room(s, lookup, 16, &r);
    lookup->ops->cancel(lookup);
    return r;
}

static void assert_text(const struct ln_addr *addr, const char *expected)
{
    char text[LN_ADDR_TEXT_MAX];
    ln_addr_format_ip(addr, text);
    assert_string_equal(text, expected);
    assert_int_equal(addr->port, 0);
}

/* ---- answers ---- */

static const struct {
    const char *host;
    enum ln_family family;
    enum ln_status status;
    const char *first; /* address, if LN_OK */
    size_t count;
    const char *sentence; /* what the diagnosis must say, if not */
    const char *why;
} answers[] = {
    { "v4.test", LN_IPV4, LN_OK, "192.0.2.10", 2, NULL, "two A records, in their order" },
    { "v6.test", LN_IPV6, LN_OK, "2001:db8::a", 1, NULL, "an AAAA record" },
    { "both.test", LN_IPV4, LN_OK, "192.0.2.10", 2, NULL, "only what was asked for" },
    { "both.test", LN_IPV6, LN_OK, "2001:db8::a", 1, NULL, "and of the other family" },
    { "many.test", LN_IPV4, LN_OK, "192.0.2.1", 16, NULL, "more records than room" },
    { "forged.test", LN_IPV4, LN_TIMEOUT, NULL, 0, "no name server answered", "another's answer" },
    { "v4.test", LN_IPV6, LN_NOT_FOUND, NULL, 0, "v4.test has no IPv6 address", "no AAAA record" },
    { "v6.test", LN_IPV4, LN_NOT_FOUND, NULL, 0, "v6.test has no IPv4 address", "no A record" },
    { "mapped.test", LN_IPV6, LN_NOT_FOUND, NULL, 0, "mapped.test has no IPv6 address",
      "an IPv4-mapped address is none of IPv6" },
    { "nx.test", LN_IPV4, LN_NOT_FOUND, NULL, 0, "there is no host named nx.test", "NXDOMAIN" },
    { "nx.test", LN_IPV6, LN_NOT_FOUND, NULL, 0, "there is no host named nx.test", "NXDOMAIN" },
    { "servfail.test", LN_IPV4, LN_REFUSED, NULL, 0, "servfail.test", "SERVFAIL" },
    { "refused.test", LN_IPV4, LN_REFUSED, NULL, 0, "refused.test", "REFUSED" },
    { "notimp.test", LN_IPV4, LN_REFUSED, NULL, 0, "notimp.test", "NOTIMP" },
    { "malformed.test", LN_IPV4, LN_BAD_PEER, NULL, 0, "malformed answer about malformed.test",
      "a pointer behind the end" },
    { "silent.test", LN_IPV4, LN_TIMEOUT, NULL, 0,
      "no name server answered the question for silent.test", "silence" },
};

static void test_answers(void **state)
{
    struct server *s = (struct server *)*state;
    ln__posix_set_dns_timing(s->env, 60, 2);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct result r = resolved(s, answers[i].host, answers[i].family);
        print_message("  %s: %s; %s\n", answers[i].host, answers[i].why, r.diag.text);
        assert_int_equal(r.status, answers[i].status);
        assert_int_equal(r.count, answers[i].count);
        if (r.status == LN_OK) {
            assert_text(&r.addrs[0], answers[i].first);
            assert_int_equal(r.addrs[0].family, answers[i].family);
            assert_int_equal(r.diag.status, LN_OK);
            continue;
        }
        assert_int_equal(r.diag.status, r.status);
        assert_int_equal(r.diag.category, LN_CAT_DNS);
        assert_int_equal(r.diag.phase, LN_PHASE_RESOLVE);
        assert_non_null(strstr(r.diag.text, answers[i].sentence));
    }
}

static void test_the_native_number_is_of_cares(void **state)
{
    struct server *s = (struct server *)*state;
    struct result r = resolved(s, "nx.test", LN_IPV4);
    assert_string_equal(r.diag.origin, "c-ares");
    assert_int_equal(r.diag.native, 4); /* ARES_ENOTFOUND */
    assert_true(r.diag.native_text[0] != '\0');
}

static void test_an_address_of_the_wrong_length(void **state)
{
    struct server *s = (struct server *)*state;
    struct result r = resolved(s, "liar.test", LN_IPV4);
    assert_int_not_equal(r.status, LN_OK); /* versions of c-ares differ in what they call it */
    assert_int_equal(r.count, 0);
    assert_int_equal(r.diag.category, LN_CAT_DNS);
}

static void test_a_name_server_that_cuts_tcp(void **state)
{
    struct server *s = (struct server *)*state;
    struct result r = resolved(s, "cut.test", LN_IPV4); /* and no SIGPIPE ends this program */
    assert_int_not_equal(r.status, LN_OK);
    assert_int_equal(r.diag.category, LN_CAT_DNS);
    assert_true(s->connections > 0);
}

static void test_the_room_is_the_limit(void **state)
{
    struct server *s = (struct server *)*state;
    struct ln_lookup *lookup = started(s, "many.test", LN_IPV4);
    struct result r;
    finish_room(s, lookup, 3, &r);
    assert_int_equal(r.status, LN_OK);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.addrs[3].family, LN_FAMILY_ANY); /* untouched */
    lookup->ops->cancel(lookup);
}

/* ---- without any question ---- */

static const char *const localhosts[] = { "localhost", "LocalHost", "localhost.", "x.localhost",
                                          "y.x.localhost." };

static void test_localhost(void **state)
{
    struct server *s = (struct server *)*state;
    for (size_t i = 0; i < sizeof localhosts / sizeof localhosts[0]; i++) {
        struct result v4 = resolved(s, localhosts[i], LN_IPV4);
        struct result v6 = resolved(s, localhosts[i], LN_IPV6);
        print_message("  %s\n", localhosts[i]);
        assert_int_equal(v4.status, LN_OK);
        assert_text(&v4.addrs[0], "127.0.0.1");
        assert_int_equal(v6.status, LN_OK);
        assert_text(&v6.addrs[0], "::1");
        assert_int_equal(v6.count, 1);
    }
    assert_int_equal(s->questions, 0); /* RFC 6761 6.3: nobody is asked */
    struct result r = resolved(s, "notlocalhost", LN_IPV4);
    assert_int_not_equal(r.status, LN_OK);
    assert_int_not_equal(s->questions, 0);
}

/* The first line of /etc/hosts that names an IPv4 address, other than localhost. */
static bool find_in_hosts(char name[128], char ip[128])
{
    char line[512];
    bool found = false;
    FILE *hosts = fopen("/etc/hosts", "r");
    while (hosts != NULL && !found && fgets(line, sizeof line, hosts) != NULL) {
        struct ln_addr addr;
        found = sscanf(line, "%127s %127s", ip, name) == 2 && strcmp(name, "localhost") != 0 &&
                ln_addr_parse(ip, 0, &addr) == LN_OK && addr.family == LN_IPV4;
    }
    if (hosts != NULL)
        (void)fclose(hosts);
    return found;
}

static void test_hosts_file(void **state)
{
    struct server *s = (struct server *)*state;
    char name[128];
    char ip[128];
    if (!find_in_hosts(name, ip))
        return; /* a machine with nothing but localhost in there */
    struct result r = resolved(s, name, LN_IPV4);
    print_message("  %s is %s\n", name, ip);
    assert_int_equal(r.status, LN_OK);
    assert_text(&r.addrs[0], ip);
    assert_int_equal(s->questions, 0);
}

static void test_names_that_are_none(void **state)
{
    struct server *s = (struct server *)*state;
    const struct ln_resolver *res = resolver_of(s);
    struct ln_diag diag;
    struct ln_lookup *lookup = (struct ln_lookup *)(void *)s;
    char longest[300];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const refused[] = { "", longest };
    for (size_t i = 0; i < 2; i++) {
        ln_diag_clear(&diag);
        lookup = (struct ln_lookup *)(void *)s;
        assert_int_equal(res->ops->start(res->ctx, s->env, refused[i], LN_IPV4, &diag, &lookup),
                         LN_BAD_ARG);
        assert_null(lookup);
        assert_int_equal(diag.category, LN_CAT_DNS);
    }
    /* a label of 100 letters: found out by c-ares, when asked */
    longest[100] = '\0';
    struct result r = resolved(s, longest, LN_IPV4);
    assert_int_not_equal(r.status, LN_OK);
    assert_int_equal(r.diag.category, LN_CAT_DNS);
    r = resolved(s, "a..b", LN_IPV4);
    assert_int_not_equal(r.status, LN_OK);
    assert_int_equal(s->questions, 0);
}

/* ---- servers ---- */

static void test_nobody_listens_at_the_name_server(void **state)
{
    struct server *s = (struct server *)*state;
    s->env->net.ops->close(s->env->net.ctx, s->udp); /* its address stays configured */
    s->udp = LN_NO_HANDLE;
    struct result r = resolved(s, "v4.test", LN_IPV4);
    assert_int_equal(r.status, LN_REFUSED);
    assert_int_equal(r.diag.category, LN_CAT_DNS);
    assert_non_null(strstr(r.diag.text, "no name server could be asked for v4.test"));
}

static void test_servers_that_cannot_be_read(void **state)
{
    struct server *s = (struct server *)*state;
    const struct ln_resolver *res = resolver_of(s);
    struct ln_diag diag;
    struct ln_lookup *lookup = NULL;
    ln_diag_clear(&diag);
    assert_int_equal(ln__posix_set_dns_servers(s->env, "neither,nor"), LN_OK);
    enum ln_status st = res->ops->start(res->ctx, s->env, "v4.test", LN_IPV4, &diag, &lookup);
    assert_int_not_equal(st, LN_OK);
    assert_null(lookup);
    assert_int_equal(diag.category, LN_CAT_DNS);
    assert_int_equal(ln__posix_set_dns_servers(s->env, NULL), LN_OK); /* back to the system's */
}

static void test_the_second_server_is_asked(void **state)
{
    struct server *s = (struct server *)*state;
    struct ln_addr addr;
    char second[LN_ADDR_TEXT_MAX];
    char both[2 * LN_ADDR_TEXT_MAX];
    assert_int_equal(s->env->net.ops->names(s->env->net.ctx, s->udp, &addr, NULL), LN_OK);
    ln_addr_format(&addr, second);
    /* port 1 of the loopback: nobody there */
    (void)snprintf(both, sizeof both, "127.0.0.1:1,%s", second);
    assert_int_equal(ln__posix_set_dns_servers(s->env, both), LN_OK);
    struct result r = resolved(s, "v4.test", LN_IPV4);
    assert_int_equal(r.status, LN_OK);
}

/* ---- life ---- */

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            count++;
    return count;
}

/* scenario: PIT-32 */
static void test_descriptors_are_not_inherited(void **state)
{
    struct server *s = (struct server *)*state;
    struct ln_lookup *lookup = started(s, "silent.test", LN_IPV4);
    struct ln_interest want = ln_interest(0);
    lookup->ops->interest(lookup, &want);
    assert_true(want.count > 0);
    for (size_t i = 0; i < want.count; i++) {
        assert_true((fcntl((int)want.wait[i].handle, F_GETFD) & FD_CLOEXEC) != 0);
        assert_true((fcntl((int)want.wait[i].handle, F_GETFL) & O_NONBLOCK) != 0);
    }
    lookup->ops->cancel(lookup);
}

static void test_cancel_in_every_state(void **state)
{
    struct server *s = (struct server *)*state;
    struct result r;
    unsigned before = open_descriptors();
    struct ln_lookup *lookup = started(s, "v4.test", LN_IPV4);
    lookup->ops->cancel(lookup); /* just started */

    lookup = started(s, "silent.test", LN_IPV4);
    assert_int_equal(lookup->ops->poll(lookup, ln_now(s->env), r.addrs, 16, &r.count, NULL),
                     LN_AGAIN);
    lookup->ops->cancel(lookup); /* waiting */

    lookup = started(s, "localhost", LN_IPV4);
    lookup->ops->cancel(lookup); /* answered, nobody looked */

    lookup = started(s, "v4.test", LN_IPV4);
    finish_room(s, lookup, 16, &r);
    finish_room(s, lookup, 16, &r); /* asking again gives the same */
    assert_int_equal(r.count, 2);
    struct ln_interest want = ln_interest(0);
    lookup->ops->interest(lookup, &want);
    assert_true(want.ready);
    lookup->ops->cancel(lookup); /* done */

    lookup = started(s, "nx.test", LN_IPV4);
    finish_room(s, lookup, 16, &r);
    lookup->ops->cancel(lookup); /* failed */
    assert_int_equal(open_descriptors(), before);
}

static void test_several_at_once(void **state)
{
    struct server *s = (struct server *)*state;
    struct ln_lookup *silent = started(s, "silent.test", LN_IPV4);
    struct ln_lookup *v4 = started(s, "both.test", LN_IPV4);
    struct ln_lookup *v6 = started(s, "both.test", LN_IPV6);
    struct result r;
    finish_room(s, v6, 16, &r);
    assert_int_equal(r.status, LN_OK);
    silent->ops->cancel(silent); /* does not touch the others */
    finish_room(s, v4, 16, &r);
    assert_int_equal(r.status, LN_OK);
    assert_text(&r.addrs[0], "192.0.2.10");
    v4->ops->cancel(v4);
    v6->ops->cancel(v6);
}

/* ---- memory ---- */

/* One lookup under whatever faults are set; what it comes to does not matter. Returns its status. */
static enum ln_status lookup_once(struct server *s, const char *host)
{
    const struct ln_resolver *res = &s->env->resolver;
    struct ln_diag diag;
    struct ln_lookup *lookup = NULL;
    struct result r;
    ln_diag_clear(&diag);
    enum ln_status st = res->ops->start(res->ctx, s->env, host, LN_IPV4, &diag, &lookup);
    if (st != LN_OK) {
        assert_null(lookup);
        assert_true(diag.text[0] != '\0');
        return st;
    }
    finish_room(s, lookup, 16, &r);
    lookup->ops->cancel(lookup);
    if (r.status != LN_OK)
        assert_true(r.diag.text[0] != '\0');
    return r.status;
}

static void sweep(struct server *s, const char *host, bool sticky)
{
    size_t n;
    for (n = 0;; n++) {
        long live = heap.live;
        heap.calls = 0;
        heap.fail_at = n;
        heap.sticky = sticky;
        ln__posix_set_dns_timing(s->env, 20, 1); /* c-ares may lose a question for want of memory */
        (void)lookup_once(s, host);
        size_t calls = heap.calls;
        heap.fail_at = SIZE_MAX;
        heap.sticky = false;
        assert_int_equal(heap.live, live); /* nothing leaked */
        if (calls <= n) { /* the fault was not reached: with time enough, it works */
            ln__posix_set_dns_timing(s->env, 5000, 3);
            assert_int_equal(lookup_once(s, host), LN_OK);
            break;
        }
    }
    print_message("  %s: %u allocations\n", host, (unsigned)n);
    assert_true(n > 0);
}

/* c-ares 1.34 goes on reading a connection that it has freed, if memory runs out while an answer is read (seen
 * in 1.34.9; its issue 1042 is alike). It crashes then, and nothing that a program does can help. */
static bool survives_no_memory(void)
{
    int version = 0;
    (void)ares_version(&version);
    return version < 0x012200;
}

static void test_memory_that_fails(void **state)
{
    struct server *s = (struct server *)*state;
    (void)resolver_of(s);
    if (ares_library_init_mem == NULL) {
        print_message("skip: this build has no c-ares\n");
        skip();
    }
    if (!survives_no_memory()) {
        print_message("skip: c-ares %s does not survive a lack of memory\n", ares_version(NULL));
        skip();
    }
    s->env->alloc = (struct ln_alloc) { .resize = env_resize };
    for (int sticky = 0; sticky <= 1; sticky++) {
        sweep(s, "v4.test", sticky != 0);
        sweep(s, "localhost", sticky != 0);
    }
}

static void test_no_memory_for_the_lookup(void **state)
{
    struct server *s = (struct server *)*state;
    const struct ln_resolver *res = resolver_of(s);
    struct ln_diag diag;
    struct ln_lookup *lookup = NULL;
    s->env->alloc = (struct ln_alloc) { .resize = env_resize };
    ln_diag_clear(&diag);
    heap.calls = 0;
    heap.fail_at = 0;
    enum ln_status st = res->ops->start(res->ctx, s->env, "v4.test", LN_IPV4, &diag, &lookup);
    heap.fail_at = SIZE_MAX;
    assert_int_equal(st, LN_NO_MEMORY);
    assert_int_equal(diag.category, LN_CAT_OUT_OF_MEMORY);
    assert_null(lookup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_native_number_is_of_cares, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_address_of_the_wrong_length, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_name_server_that_cuts_tcp, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_room_is_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_localhost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hosts_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_that_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_listens_at_the_name_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_servers_that_cannot_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_second_server_is_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_descriptors_are_not_inherited, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_in_every_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_that_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory_for_the_lookup, setup, teardown),
    };
    /* before the library of c-ares is started by the first environment */
    if (ares_library_init_mem != NULL)
        (void)ares_library_init_mem(0, heap_allocate, heap_release, heap_resize);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
