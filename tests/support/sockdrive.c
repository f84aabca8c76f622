/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sockdrive.c
 * The public API of the sockets, driven by lines of JSON: tests in Python use it against real peers.
 *
 * Each line of standard input is one command, an object with "op" and what belongs to it; each gets
 * one line as its answer, with "status" (LN_OK, ...) and what else there is to know. Sockets and
 * configurations have names that the commands choose. Calls that wait take "ms" (-1: for ever) and
 * answer with "took_ms".
 *
 *   config  id kind options...      ln_tls_config_new   (see read_options())
 *   unref   id
 *   backends                        those of the build, the default one first
 *   new     sock kind [config] [options...]             (see op_new())
 *   wrap    sock config [name]      name sock name      tlsa sock records
 *   connect sock host port ms       open sock ms        start sock host port    step sock
 *   bind    sock [ip] [port]        accept sock into ms
 *   send    sock hex ms             recv sock cap ms
 *   send_to sock host port hex ms   recv_from sock cap ms
 *   shutdown, close, free, forget, info, diag, certs, interest   sock
 *   keylog  id                      the lines of the key log so far
 *
 * SIGUSR1 only interrupts: tests send a storm of it while a call waits.
 * The program ends with its input.
 */
#include "support/tlsrows.h"

#include <linnet/blocking.h>
#include <linnet/tls_backend.h>

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 64
#define SCRATCH_MAX 256

static struct ln_env *env;

/* ---- memory for one command ---- */

static void *scratch[SCRATCH_MAX];
static size_t scratch_count;

static void *take(size_t size)
{
    void *block = scratch_count < SCRATCH_MAX ? calloc(1, size > 0 ? size : 1) : NULL;
    if (block == NULL)
        abort();
    scratch[scratch_count++] = block;
    return block;
}

static void give_back(void)
{
    while (scratch_count > 0)
        free(scratch[--scratch_count]);
}

/* ---- names ---- */

static struct named_sock {
    char name[32];
    struct ln_sock *sock;
} socks[NAMES_MAX];

static struct named_config {
    char name[32];
    struct ln_tls_config *config;
    char folder[256];
    struct ln_session_folder store_folder;
    struct ln_session_slot *slot;
    char *keylog;
    size_t keylog_len;
} configs[NAMES_MAX];

static struct named_sock *sock_entry(const char *name)
{
    struct named_sock *unused = NULL;
    for (size_t i = 0; i < NAMES_MAX; i++) {
        if (strcmp(socks[i].name, name) == 0 && socks[i].sock != NULL)
            return &socks[i];
        if (socks[i].sock == NULL && unused == NULL)
            unused = &socks[i];
    }
    if (unused == NULL)
        abort();
    (void)snprintf(unused->name, sizeof unused->name, "%s", name);
    return unused;
}

static struct named_config *config_entry(const char *name)
{
    struct named_config *unused = NULL;
    for (size_t i = 0; i < NAMES_MAX; i++) {
        if (strcmp(configs[i].name, name) == 0)
            return &configs[i];
        if (configs[i].name[0] == '\0' && unused == NULL)
            unused = &configs[i];
    }
    if (unused == NULL)
        abort();
    (void)snprintf(unused->name, sizeof unused->name, "%s", name);
    return unused;
}

/* ---- reading JSON ---- */

static const char *text_of(const cJSON *at, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(at, name));
}

static const char *text_or(const cJSON *at, const char *name, const char *otherwise)
{
    const char *text = text_of(at, name);
    return text != NULL ? text : otherwise;
}

static long number_of(const cJSON *at, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(at, name);
    return cJSON_IsNumber(item) ? (long)item->valuedouble : 0;
}

static bool flag_of(const cJSON *at, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(at, name));
}

/* The position of a word in a list that ends with NULL; 0 where it is missing. */
static int word_of(const cJSON *at, const char *name, const char *const *words)
{
    const char *text = text_of(at, name);
    for (int i = 0; text != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
    }
    return 0;
}

static int nibble(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : 0;
}

static struct ln_span hex_of(const cJSON *at, const char *name)
{
    const char *text = text_or(at, name, "");
    size_t len = strlen(text) / 2;
    uint8_t *bytes = take(len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(nibble(text[2 * i]) * 16 + nibble(text[2 * i + 1]));
    return ln_span(bytes, len);
}

static const uint16_t *ids_of(const cJSON *at, const char *name, size_t *count)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(at, name);
    const cJSON *item = NULL;
    uint16_t *ids = take(sizeof *ids * (size_t)cJSON_GetArraySize(list));
    *count = 0;
    cJSON_ArrayForEach(item, list) ids[(*count)++] = (uint16_t)item->valuedouble;
    return ids;
}

/* {"file": PATH}, {"hex": BYTES}, {"dir": PATH}, {"uri": TEXT}, each with "password", or a list */
static struct ln_source source_in(const cJSON *item)
{
    struct ln_source source = ln_source_list(NULL, 0);
    if (cJSON_IsArray(item)) {
        size_t count = 0;
        const cJSON *element = NULL;
        struct ln_source *list = take(sizeof *list * (size_t)cJSON_GetArraySize(item));
        cJSON_ArrayForEach(element, item) list[count++] = source_in(element);
        return ln_source_list(list, count);
    }
    if (text_of(item, "file") != NULL)
        source = ln_source_file(text_of(item, "file"));
    else if (text_of(item, "dir") != NULL)
        source = ln_source_directory(text_of(item, "dir"));
    else if (text_of(item, "uri") != NULL)
        source = ln_source_uri(text_of(item, "uri"));
    else if (text_of(item, "hex") != NULL)
        source = ln_source_memory(hex_of(item, "hex").data, hex_of(item, "hex").len);
    source.password = text_of(item, "password");
    return source;
}

static struct ln_source source_of(const cJSON *at, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(at, name);
    struct ln_source none = { 0 };
    return item != NULL ? source_in(item) : none;
}

static const struct ln_tlsa *tlsa_of(const cJSON *at, const char *name, size_t *count)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(at, name);
    const cJSON *item = NULL;
    struct ln_tlsa *records = take(sizeof *records * (size_t)cJSON_GetArraySize(list));
    *count = 0;
    cJSON_ArrayForEach(item, list)
    {
        records[(*count)++] = (struct ln_tlsa) {
            .usage = (uint8_t)number_of(item, "usage"),
            .selector = (uint8_t)number_of(item, "selector"),
            .matching = (uint8_t)number_of(item, "matching"),
            .data = hex_of(item, "data"),
        };
    }
    return records;
}

/* ---- writing JSON ---- */

static void put_number(cJSON *out, const char *name, double value)
{
    cJSON_AddNumberToObject(out, name, value);
}

static void put_text(cJSON *out, const char *name, const char *value)
{
    cJSON_AddStringToObject(out, name, value != NULL ? value : "");
}

static void put_hex(cJSON *out, const char *name, const uint8_t *data, size_t len)
{
    char *text = take(2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = "0123456789abcdef"[data[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
    }
    put_text(out, name, text);
}

static void put_addr(cJSON *out, const char *name, const struct ln_addr *addr)
{
    char text[LN_ADDR_TEXT_MAX] = "";
    if (addr->family != LN_FAMILY_ANY)
        ln_addr_format_ip(addr, text);
    cJSON *made = cJSON_AddObjectToObject(out, name);
    put_text(made, "ip", text);
    put_number(made, "port", addr->port);
}

static void put_diag(cJSON *out, const char *name, const struct ln_diag *diag)
{
    static const char *const directions[] = { "", "received", "sent" };
    char line[LN_DIAG_LINE_MAX];
    cJSON *made = cJSON_AddObjectToObject(out, name);
    ln_diag_line(diag, line, sizeof line);
    put_text(made, "status", ln_status_name(diag->status));
    put_text(made, "category", ln_category_word(diag->category));
    put_text(made, "phase", ln_phase_word(diag->phase));
    cJSON_AddBoolToObject(made, "likely", diag->likely);
    put_text(made, "text", diag->text);
    put_text(made, "line", line);
    put_text(made, "origin", diag->origin);
    put_number(made, "native", (double)diag->native);
    put_text(made, "native_text", diag->native_text);
    put_text(made, "alert_from", directions[diag->alert_from]);
    put_number(made, "alert_level", diag->alert_level);
    put_number(made, "alert_number", diag->alert_number);
    put_number(made, "verify", diag->verify);
    put_number(made, "verify_depth", diag->verify_depth);
    put_text(made, "subject", diag->subject);
    put_number(made, "flights_sent", diag->flights_sent);
    put_number(made, "flights_received", diag->flights_received);
    put_number(made, "retransmissions", diag->retransmissions);
    put_number(made, "offered_suite_count", diag->offered_suite_count);
    put_number(made, "chosen_version", diag->chosen_version);
    put_number(made, "chosen_suite", diag->chosen_suite);
}

static void put_tls_info(cJSON *out, const struct ln_tls_info *tls)
{
    cJSON *made = cJSON_AddObjectToObject(out, "tls");
    put_number(made, "version", tls->version);
    put_number(made, "suite", tls->suite);
    put_number(made, "group", tls->group);
    cJSON_AddBoolToObject(made, "resumed", tls->resumed);
    cJSON_AddBoolToObject(made, "session_stored", tls->session_stored);
    cJSON_AddBoolToObject(made, "cid_in_use", tls->cid_in_use);
    cJSON_AddBoolToObject(made, "cid_restored", tls->cid_restored);
    put_number(made, "verify", tls->verify);
    put_text(made, "alpn", tls->alpn);
    put_number(made, "flights_sent", tls->flights_sent);
    put_number(made, "flights_received", tls->flights_received);
    put_number(made, "retransmissions", tls->retransmissions);
    put_number(made, "handshake_ms", (double)tls->handshake_ms);
    put_number(made, "dropped_records", (double)tls->dropped_records);
}

static void put_info(cJSON *out, const struct ln_sock *s)
{
    struct ln_sock_info info;
    ln_sock_info(s, &info);
    cJSON *made = cJSON_AddObjectToObject(out, "info");
    put_text(made, "state", ln_sock_state_name(info.state));
    put_number(made, "role", info.role);
    put_text(made, "host", info.host);
    put_addr(made, "peer", &info.peer);
    put_addr(made, "local", &info.local);
    put_number(made, "mtu", (double)info.mtu);
    put_number(made, "inner_mtu", (double)info.inner_mtu);
    put_number(made, "overhead", (double)info.overhead);
    put_number(made, "datagram_len", (double)info.datagram_len);
    put_number(made, "app_sent", (double)info.app_sent);
    put_number(made, "app_received", (double)info.app_received);
    put_number(made, "wire_sent", (double)info.wire_sent);
    put_number(made, "wire_received", (double)info.wire_received);
    put_number(made, "resolve_ms", (double)info.resolve_ms);
    put_number(made, "connect_ms", (double)info.connect_ms);
    put_tls_info(made, &info.tls);
}

/* ---- configurations ---- */

static void keep_keylog(void *user, const char *line)
{
    struct named_config *entry = user;
    size_t len = strlen(line);
    char *more = realloc(entry->keylog, entry->keylog_len + len + 2);
    if (more == NULL)
        abort();
    (void)snprintf(more + entry->keylog_len, len + 2, "%s\n", line);
    entry->keylog = more;
    entry->keylog_len += len + 1;
}

static void read_identity(const cJSON *in, struct ln_tls_options *o)
{
    o->trust = source_of(in, "trust");
    o->system_trust = flag_of(in, "system_trust");
    o->partial_chain = flag_of(in, "partial_chain");
    o->crls = source_of(in, "crls");
    o->crl_policy = flag_of(in, "crl_all") ? LN_CRL_ALL : LN_CRL_IF_PRESENT;
    o->chain = source_of(in, "chain");
    o->key = source_of(in, "key");
    o->complete_chain = flag_of(in, "complete_chain");
    o->insecure_skip_verification = flag_of(in, "skip_verification");
    o->insecure_skip_name = flag_of(in, "skip_name");
    o->client_auth = (enum ln_client_auth)word_of(
        in, "client_auth", (const char *const[]) { "none", "request", "require", NULL });
    o->psk_identity = hex_of(in, "psk_identity");
    o->psk_key = hex_of(in, "psk_key");
    o->psk_hash =
        (enum ln_hash)word_of(in, "psk_hash", (const char *const[]) { "sha256", "sha384", NULL });
    o->tlsa = tlsa_of(in, "tlsa", &o->tlsa_count);
    o->dane_ee_strict = flag_of(in, "dane_ee_strict");
}

static void read_offer(const cJSON *in, struct ln_tls_options *o)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(in, "alpn");
    const cJSON *item = NULL;
    const char **alpn = take(sizeof *alpn * (size_t)cJSON_GetArraySize(list));
    cJSON_ArrayForEach(item, list) alpn[o->alpn_count++] = item->valuestring;
    o->alpn = alpn;
    o->min_version = (uint16_t)number_of(in, "min_version");
    o->max_version = (uint16_t)number_of(in, "max_version");
    o->insecure_old_versions = flag_of(in, "old_versions");
    o->insecure_legacy_server = flag_of(in, "legacy_server");
    o->suites = ids_of(in, "suites", &o->suite_count);
    o->groups = ids_of(in, "groups", &o->group_count);
    o->signatures = ids_of(in, "signatures", &o->signature_count);
    o->handshake_first_ms = (uint32_t)number_of(in, "first_ms");
    o->handshake_max_ms = (uint32_t)number_of(in, "max_ms");
    o->handshake_total_ms = (uint32_t)number_of(in, "total_ms");
    o->time_floor = number_of(in, "time_floor");
    o->mtu = (uint16_t)number_of(in, "mtu");
    o->close_policy = (enum ln_close_policy)word_of(
        in, "close", (const char *const[]) { "auto", "notify", "silent", NULL });
}

/* "backend": NAME; without it the default one */
static const struct ln_tls_backend *read_backend(const cJSON *in)
{
    const char *name = text_of(in, "backend");
    const struct ln_tls_backend *backend = NULL;
    for (size_t i = 0; name != NULL && (backend = tls_linked(i)) != NULL; i++) {
        if (strcmp(backend->name, name) == 0)
            return backend;
    }
    if (name != NULL)
        abort(); /* the test names one that this build does not have */
    return NULL;
}

static void read_options(const cJSON *in, struct ln_tls_options *o)
{
    o->backend = read_backend(in);
    o->auth = (enum ln_tls_auth)word_of(
        in, "auth",
        (const char *const[]) { "certificate", "psk", "dane", "dane_opportunistic", NULL });
    read_identity(in, o);
    read_offer(in, o);
}

/* "sessions": {"folder": PATH}, or {"slot": true} for one in memory */
static const struct ln_session_store *read_store(const cJSON *in, struct named_config *entry)
{
    const cJSON *sessions = cJSON_GetObjectItemCaseSensitive(in, "sessions");
    struct ln_session_store *store = take(sizeof *store);
    if (text_of(sessions, "folder") != NULL) {
        (void)snprintf(entry->folder, sizeof entry->folder, "%s", text_of(sessions, "folder"));
        entry->store_folder = (struct ln_session_folder) { env, entry->folder };
        *store = ln_session_store_folder(&entry->store_folder);
        return store;
    }
    if (!flag_of(sessions, "slot"))
        return NULL;
    if (entry->slot == NULL)
        entry->slot = calloc(1, sizeof *entry->slot);
    if (entry->slot == NULL)
        abort();
    *store = ln_session_store_slot(entry->slot);
    return store;
}

static enum ln_status op_backends(const cJSON *in, cJSON *out)
{
    const struct ln_tls_backend *backend = NULL;
    cJSON *all = cJSON_AddArrayToObject(out, "backends");
    (void)in;
    for (size_t i = 0; (backend = tls_linked(i)) != NULL; i++) {
        struct ln_tls_capabilities can;
        ln_tls_capabilities(backend, &can);
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", backend->name);
        cJSON_AddStringToObject(one, "version", can.version);
        cJSON *words = cJSON_AddArrayToObject(one, "capabilities");
        for (unsigned cap = 1; ln_tls_capability_word(cap) != NULL; cap <<= 1) {
            if ((can.caps & cap) != 0)
                cJSON_AddItemToArray(words, cJSON_CreateString(ln_tls_capability_word(cap)));
        }
        cJSON_AddItemToArray(all, one);
    }
    return LN_OK;
}

static enum ln_status op_config(const cJSON *in, cJSON *out)
{
    struct named_config *entry = config_entry(text_or(in, "id", ""));
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    read_options(in, &options);
    options.sessions = read_store(in, entry);
    if (flag_of(in, "keylog")) {
        options.insecure_keylog = keep_keylog;
        options.keylog_user = entry;
    }
    ln_tls_config_unref(entry->config);
    entry->config = NULL;
    enum ln_sock_kind kind = strcmp(text_or(in, "kind", "tls"), "dtls") == 0 ? LN_DTLS : LN_TLS;
    enum ln_status st = ln_tls_config_new(env, kind, &options, &diag, &entry->config);
    if (st != LN_OK)
        put_diag(out, "diag", &diag);
    return st;
}

static enum ln_status op_unref(const cJSON *in, cJSON *out)
{
    struct named_config *entry = config_entry(text_or(in, "id", ""));
    (void)out;
    ln_tls_config_unref(entry->config);
    free(entry->slot);
    free(entry->keylog);
    memset(entry, 0, sizeof *entry);
    return LN_OK;
}

static enum ln_status op_keylog(const cJSON *in, cJSON *out)
{
    const struct named_config *entry = config_entry(text_or(in, "id", ""));
    put_text(out, "lines", entry->keylog);
    return LN_OK;
}

/* ---- sockets ---- */

static struct ln_sock *sock_of(const cJSON *in)
{
    return sock_entry(text_or(in, "sock", "s"))->sock;
}

static ln_msec deadline_of(const cJSON *in)
{
    long ms = number_of(in, "ms");
    return ms < 0 ? LN_NEVER : ln_deadline_in(env, ms);
}

static enum ln_status op_new(const cJSON *in, cJSON *out)
{
    static const char *const kinds[] = { "udp", "tcp", "dtls", "tls", NULL };
    struct ln_sock_options options = LN_SOCK_OPTIONS_INIT;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    options.family = (enum ln_family)number_of(in, "family");
    options.preferred_family = (enum ln_family)number_of(in, "preferred_family");
    options.dscp = (uint8_t)number_of(in, "dscp");
    options.reuse_addr = flag_of(in, "reuse_addr");
    options.fresh_port = flag_of(in, "fresh_port");
    options.interface_name = text_of(in, "interface");
    options.mtu = (uint16_t)number_of(in, "mtu");
    options.resolve_timeout_ms = (uint32_t)number_of(in, "resolve_timeout_ms");
    options.connect_timeout_ms = (uint32_t)number_of(in, "connect_timeout_ms");
    struct named_sock *entry = sock_entry(text_or(in, "sock", "s"));
    struct ln_tls_config *config = NULL;
    if (text_of(in, "config") != NULL)
        config = config_entry(text_of(in, "config"))->config;
    ln_sock_free(entry->sock);
    entry->sock = NULL;
    enum ln_status st = ln_sock_new(env, (enum ln_sock_kind)word_of(in, "kind", kinds), &options,
                                    config, &diag, &entry->sock);
    if (st != LN_OK)
        put_diag(out, "diag", &diag);
    return st;
}

static enum ln_status op_wrap(const cJSON *in, cJSON *out)
{
    struct named_sock *entry = sock_entry(text_or(in, "sock", "s"));
    struct ln_diag diag;
    ln_diag_clear(&diag);
    enum ln_status st = ln_sock_wrap(&entry->sock, config_entry(text_or(in, "config", ""))->config,
                                     text_of(in, "name"), &diag);
    if (st != LN_OK)
        put_diag(out, "diag", &diag);
    return st;
}

static enum ln_status op_name(const cJSON *in, cJSON *out)
{
    (void)out;
    return ln_sock_set_server_name(sock_of(in), text_of(in, "name"));
}

static enum ln_status op_tlsa(const cJSON *in, cJSON *out)
{
    size_t count = 0;
    const struct ln_tlsa *records = tlsa_of(in, "records", &count);
    (void)out;
    return ln_sock_set_tlsa(sock_of(in), count > 0 ? records : NULL, count);
}

static enum ln_status op_connect(const cJSON *in, cJSON *out)
{
    (void)out;
    return ln_sock_connect_until(sock_of(in), text_or(in, "host", "127.0.0.1"),
                                 (uint16_t)number_of(in, "port"), deadline_of(in));
}

static enum ln_status op_open(const cJSON *in, cJSON *out)
{
    (void)out;
    return ln_sock_open_until(sock_of(in), deadline_of(in));
}

static enum ln_status op_start(const cJSON *in, cJSON *out)
{
    (void)out;
    return ln_sock_connect(sock_of(in), text_or(in, "host", "127.0.0.1"),
                           (uint16_t)number_of(in, "port"), ln_now(env));
}

static enum ln_status op_step(const cJSON *in, cJSON *out)
{
    (void)out;
    return ln_sock_step(sock_of(in), ln_now(env));
}

static enum ln_status op_bind(const cJSON *in, cJSON *out)
{
    struct ln_addr local = { 0 };
    const char *ip = text_of(in, "ip");
    (void)out;
    if (ip == NULL)
        return ln_sock_bind(sock_of(in), NULL);
    enum ln_status st = ln_addr_parse(ip, (uint16_t)number_of(in, "port"), &local);
    return st == LN_OK ? ln_sock_bind(sock_of(in), &local) : st;
}

static enum ln_status op_accept(const cJSON *in, cJSON *out)
{
    struct ln_sock *s = sock_of(in);
    struct named_sock *into = sock_entry(text_or(in, "into", "client"));
    (void)out;
    ln_sock_free(into->sock);
    into->sock = NULL;
    return ln_sock_accept_until(s, deadline_of(in), &into->sock);
}

static enum ln_status op_send(const cJSON *in, cJSON *out)
{
    size_t sent = 0;
    enum ln_status st = ln_sock_send_until(sock_of(in), hex_of(in, "hex"), deadline_of(in), &sent);
    put_number(out, "sent", (double)sent);
    return st;
}

static enum ln_status op_send_to(const cJSON *in, cJSON *out)
{
    (void)out;
    return ln_sock_send_to_until(sock_of(in), text_or(in, "host", "127.0.0.1"),
                                 (uint16_t)number_of(in, "port"), hex_of(in, "hex"),
                                 deadline_of(in));
}

static enum ln_status op_recv(const cJSON *in, cJSON *out)
{
    size_t cap = (size_t)number_of(in, "cap");
    size_t got = 0;
    uint8_t *room = take(cap);
    struct ln_sock_info info;
    enum ln_status st = ln_sock_recv_until(sock_of(in), ln_mspan(room, cap), deadline_of(in), &got);
    ln_sock_info(sock_of(in), &info);
    put_hex(out, "hex", room, got);
    put_number(out, "len", (double)got);
    put_number(out, "full", (double)info.datagram_len);
    return st;
}

static enum ln_status op_recv_from(const cJSON *in, cJSON *out)
{
    size_t cap = (size_t)number_of(in, "cap");
    size_t got = 0;
    uint8_t *room = take(cap);
    struct ln_addr from = { 0 };
    struct ln_sock_info info;
    enum ln_status st =
        ln_sock_recv_from_until(sock_of(in), ln_mspan(room, cap), deadline_of(in), &got, &from);
    ln_sock_info(sock_of(in), &info);
    put_hex(out, "hex", room, got);
    put_number(out, "len", (double)got);
    put_number(out, "full", (double)info.datagram_len);
    put_addr(out, "from", &from);
    return st;
}

static enum ln_status op_shutdown(const cJSON *in, cJSON *out)
{
    (void)out;
    return ln_sock_shutdown(sock_of(in), ln_now(env));
}

static enum ln_status op_close(const cJSON *in, cJSON *out)
{
    (void)out;
    ln_sock_close(sock_of(in));
    return LN_OK;
}

static enum ln_status op_free(const cJSON *in, cJSON *out)
{
    struct named_sock *entry = sock_entry(text_or(in, "sock", "s"));
    (void)out;
    ln_sock_free(entry->sock);
    entry->sock = NULL;
    return LN_OK;
}

static enum ln_status op_forget(const cJSON *in, cJSON *out)
{
    (void)out;
    ln_sock_forget_session(sock_of(in));
    return LN_OK;
}

static enum ln_status op_info(const cJSON *in, cJSON *out)
{
    put_info(out, sock_of(in));
    return LN_OK;
}

static enum ln_status op_diag(const cJSON *in, cJSON *out)
{
    put_diag(out, "diag", ln_sock_diag(sock_of(in)));
    return LN_OK;
}

static enum ln_status op_certs(const cJSON *in, cJSON *out)
{
    static uint8_t der[65536];
    cJSON *list = cJSON_AddArrayToObject(out, "certs");
    for (size_t i = 0;; i++) {
        size_t len = 0;
        enum ln_status st =
            ln_sock_peer_certificate(sock_of(in), i, ln_mspan(der, sizeof der), &len);
        if (st == LN_NOT_FOUND)
            return LN_OK;
        if (st != LN_OK)
            return st;
        cJSON *made = cJSON_CreateObject();
        cJSON_AddItemToArray(list, made);
        put_hex(made, "der", der, len);
    }
}

static enum ln_status op_interest(const cJSON *in, cJSON *out)
{
    struct ln_interest want;
    ln_sock_interest(sock_of(in), (unsigned)number_of(in, "events"), &want);
    cJSON_AddBoolToObject(out, "ready", want.ready);
    put_number(out, "handles", (double)want.count);
    put_number(out, "events", want.count > 0 ? want.wait[0].events : 0);
    put_number(out, "deadline_ms",
               want.deadline == LN_NEVER ? -1 : (double)(want.deadline - ln_now(env)));
    return LN_OK;
}

/* ---- the loop ---- */

static const struct {
    const char *name;
    enum ln_status (*run)(const cJSON *in, cJSON *out);
} ops[] = {
    { "config", op_config },     { "backends", op_backends }, { "unref", op_unref },
    { "keylog", op_keylog },     { "new", op_new },           { "wrap", op_wrap },
    { "name", op_name },         { "tlsa", op_tlsa },         { "connect", op_connect },
    { "open", op_open },         { "start", op_start },       { "step", op_step },
    { "bind", op_bind },         { "accept", op_accept },     { "send", op_send },
    { "send_to", op_send_to },   { "recv", op_recv },         { "recv_from", op_recv_from },
    { "shutdown", op_shutdown }, { "close", op_close },       { "free", op_free },
    { "forget", op_forget },     { "info", op_info },         { "diag", op_diag },
    { "certs", op_certs },       { "interest", op_interest },
};

/* A command for a socket that does not exist would be a mistake of the test. */
static bool sock_is_there(const cJSON *in, const char *op)
{
    return strcmp(op, "new") == 0 || text_of(in, "sock") == NULL || sock_of(in) != NULL;
}

static void run(const cJSON *in, cJSON *out)
{
    const char *op = text_or(in, "op", "");
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (strcmp(ops[i].name, op) != 0)
            continue;
        if (!sock_is_there(in, op))
            break;
        ln_msec start = ln_now(env);
        enum ln_status st = ops[i].run(in, out);
        put_text(out, "status", ln_status_name(st));
        put_number(out, "took_ms", (double)(ln_now(env) - start));
        return;
    }
    put_text(out, "error", "no such command or socket");
}

static void interrupted(int number)
{
    (void)number;
}

static void answer(const char *line, const sigset_t *storm)
{
    cJSON *in = cJSON_Parse(line);
    cJSON *out = cJSON_CreateObject();
    (void)sigprocmask(SIG_UNBLOCK, storm, NULL);
    run(in, out);
    (void)sigprocmask(SIG_BLOCK, storm, NULL);
    char *text = cJSON_PrintUnformatted(out);
    (void)printf("%s\n", text != NULL ? text : "{}");
    (void)fflush(stdout);
    cJSON_free(text);
    cJSON_Delete(in);
    cJSON_Delete(out);
    give_back();
}

static void clean_up(void)
{
    for (size_t i = 0; i < NAMES_MAX; i++)
        ln_sock_free(socks[i].sock);
    for (size_t i = 0; i < NAMES_MAX; i++) {
        ln_tls_config_unref(configs[i].config);
        free(configs[i].slot);
        free(configs[i].keylog);
    }
    ln_env_posix_free(env);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    struct sigaction action = { .sa_handler = interrupted };
    sigset_t storm;
    (void)sigemptyset(&storm);
    (void)sigaddset(&storm, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &storm, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
    if (ln_env_posix_new(&env) != LN_OK)
        return 1;
    while (getline(&line, &room, stdin) > 0)
        answer(line, &storm);
    free(line);
    clean_up();
    return 0;
}
