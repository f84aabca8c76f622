/* SPDX-License-Identifier: Apache-2.0 */
/* The report of `linnet probe` as one JSON object; its members are described in linnet-probe(1). */
#include "command.h"
#include "json.h"
#include "json_diag.h"
#include "probe.h"

static void add_address(struct json_writer *w, cJSON *at, const char *name,
                        const struct ln_addr *addr)
{
    char ip[LN_ADDR_TEXT_MAX];
    if (addr->family == LN_FAMILY_ANY)
        return;
    cJSON *made = json_object(w, at, name);
    ln_addr_format_ip(addr, ip);
    json_text(w, made, "ip", ip);
    json_number(w, made, "port", addr->port);
}

static void add_tls(struct json_writer *w, cJSON *at, const struct probe_attempt *a)
{
    const struct ln_tls_info *tls = &a->info.tls;
    cJSON *made = json_object(w, at, "tls");
    json_identifier(w, made, "version", tls->version, ln_version_name(tls->version));
    json_identifier(w, made, "suite", tls->suite, ln_suite_name(tls->suite));
    json_identifier(w, made, "group", tls->group, ln_group_name(tls->group));
    json_text(w, made, "alpn", a->alpn);
    json_text(w, made, "verify", verify_word(tls->verify));
    json_flag(w, made, "resumed", tls->resumed);
    json_flag(w, made, "session_stored", tls->session_stored);
    json_flag(w, made, "connection_id", tls->cid_in_use);
    json_number(w, made, "dropped_records", (int64_t)tls->dropped_records);
}

static void add_attempt(struct json_writer *w, cJSON *list, const struct probe_report *report,
                        const struct probe_attempt *a)
{
    bool failed = a->diag.status != LN_OK;
    cJSON *made = json_element(w, list);
    json_flag(w, made, "ok", !failed);
    add_address(w, made, "peer", &a->info.peer);
    add_address(w, made, "local", &a->info.local);
    if (a->note[0] != '\0')
        json_text(w, made, "note", a->note);
    cJSON *times = json_object(w, made, "milliseconds");
    json_number(w, times, "resolve", a->info.resolve_ms);
    json_number(w, times, "connect", a->info.connect_ms);
    json_number(w, times, "handshake", a->info.tls.handshake_ms);
    json_number(w, times, "total", a->total_ms);
    cJSON *bytes = json_object(w, made, "bytes");
    json_number(w, bytes, "sent", (int64_t)a->wire_sent);
    json_number(w, bytes, "received", (int64_t)a->wire_received);
    if (report->settings->secure) {
        cJSON *flights = json_object(w, made, "flights");
        json_number(w, flights, "sent", failed ? a->diag.flights_sent : a->info.tls.flights_sent);
        json_number(w, flights, "received",
                    failed ? a->diag.flights_received : a->info.tls.flights_received);
        json_number(w, flights, "retransmissions",
                    failed ? a->diag.retransmissions : a->info.tls.retransmissions);
    }
    if (report->settings->secure && !failed)
        add_tls(w, made, a);
    if (failed)
        json_failure(w, made, &a->diag);
}

static void add_chain(struct json_writer *w, cJSON *at, const struct probe_report *report)
{
    json_flag(w, at, "second_look", report->second_look);
    cJSON *list = json_array(w, at, "certificates");
    for (size_t i = 0; i < report->certificate_count; i++) {
        const struct ln_certificate *cert = &report->certificates[i];
        char date[32];
        cJSON *made = json_element(w, list);
        json_text(w, made, "subject", cert->subject);
        json_text(w, made, "issuer", cert->issuer);
        json_text(w, made, "names", cert->names);
        probe_date(cert->not_before, true, date);
        json_text(w, made, "not_before", date);
        probe_date(cert->not_after, true, date);
        json_text(w, made, "not_after", date);
        json_number(w, made, "days_left", probe_days(report->now, cert->not_after));
        json_flag(w, made, "ca", cert->is_ca);
        json_flag(w, made, "self_issued", cert->self_issued);
    }
}

static void add_report(struct json_writer *w, cJSON *root, const struct probe_report *report)
{
    const struct probe_settings *settings = report->settings;
    json_text(w, root, "linnet", program_version());
    json_text(w, root, "scheme", ln_uri_scheme_text(settings->uri.scheme));
    json_text(w, root, "host", settings->host);
    json_number(w, root, "port", settings->uri.port);
    json_flag(w, root, "ok", probe_failure(report) == NULL);
    json_number(w, root, "exit_status", probe_exit_status(report));
    cJSON *warnings = json_array(w, root, "warnings");
    for (size_t i = 0; i < settings->security.warning_count; i++)
        json_word(w, warnings, settings->security.warnings[i]);
    if (report->config.status != LN_OK)
        json_failure(w, root, &report->config);
    json_number(w, root, "connected", (int64_t)report->good);
    cJSON *attempts = json_array(w, root, "attempts");
    for (size_t i = 0; i < report->count; i++)
        add_attempt(w, attempts, report, &report->attempts[i]);
    add_chain(w, root, report);
}

bool probe_json(FILE *out, const struct probe_report *report)
{
    struct json_writer w = { .complete = true };
    cJSON *root = cJSON_CreateObject();
    add_report(&w, root, report);
    return json_print(out, &w, root);
}
