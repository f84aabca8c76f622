/* SPDX-License-Identifier: Apache-2.0 */
/* The report of `linnet probe` as one JSON object; its members are described in linnet-probe(1). */
#include "command.h"
#include "json.h"
#include "probe.h"

#include <linnet/tls_backend.h>

/* {"id": 49320, "name": "TLS_..."}; the name may be unknown */
static void identifier(struct json_writer *w, cJSON *at, const char *name, uint16_t id,
                       const char *words)
{
    cJSON *made = json_object(w, at, name);
    json_number(w, made, "id", id);
    json_text(w, made, "name", words);
}

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
    identifier(w, made, "version", tls->version, ln_version_name(tls->version));
    identifier(w, made, "suite", tls->suite, ln_suite_name(tls->suite));
    identifier(w, made, "group", tls->group, ln_group_name(tls->group));
    json_text(w, made, "alpn", a->alpn);
    json_text(w, made, "verify", probe_verify_word(tls->verify));
    json_flag(w, made, "resumed", tls->resumed);
    json_flag(w, made, "session_stored", tls->session_stored);
    json_flag(w, made, "connection_id", tls->cid_in_use);
    json_number(w, made, "dropped_records", (int64_t)tls->dropped_records);
}

static void add_alert(struct json_writer *w, cJSON *at, const struct ln_diag *diag)
{
    if (diag->alert_from == LN_ALERT_NONE)
        return;
    cJSON *made = json_object(w, at, "alert");
    json_text(w, made, "direction", diag->alert_from == LN_ALERT_RECEIVED ? "received" : "sent");
    json_number(w, made, "level", diag->alert_level);
    json_number(w, made, "number", diag->alert_number);
    json_text(w, made, "name", ln_alert_name(diag->alert_number));
    json_flag(w, made, "derived", diag->alert_derived);
}

static void add_verify(struct json_writer *w, cJSON *at, const struct ln_diag *diag)
{
    cJSON *made = json_object(w, at, "verify");
    json_text(w, made, "result", probe_verify_word(diag->verify));
    json_number(w, made, "native", diag->verify_native);
    json_number(w, made, "depth", diag->verify_depth);
    json_text(w, made, "subject", diag->subject);
}

static void add_offer(struct json_writer *w, cJSON *at, const struct ln_diag *diag)
{
    cJSON *offered = json_object(w, at, "offered");
    identifier(w, offered, "min_version", diag->offered_min, ln_version_name(diag->offered_min));
    identifier(w, offered, "max_version", diag->offered_max, ln_version_name(diag->offered_max));
    json_number(w, offered, "suite_count", diag->offered_suite_count);
    cJSON *suites = json_array(w, offered, "suites");
    for (size_t i = 0; i < diag->offered_suite_count && i < LN_DIAG_SUITES_MAX; i++) {
        cJSON *suite = json_element(w, suites);
        json_number(w, suite, "id", diag->offered_suites[i]);
        json_text(w, suite, "name", ln_suite_name(diag->offered_suites[i]));
    }
    cJSON *chosen = json_object(w, at, "chosen");
    identifier(w, chosen, "version", diag->chosen_version, ln_version_name(diag->chosen_version));
    identifier(w, chosen, "suite", diag->chosen_suite, ln_suite_name(diag->chosen_suite));
    identifier(w, chosen, "group", diag->chosen_group, ln_group_name(diag->chosen_group));
}

static void add_failure(struct json_writer *w, cJSON *at, const struct ln_diag *diag)
{
    char one_line[LN_DIAG_LINE_MAX];
    cJSON *made = json_object(w, at, "failure");
    ln_diag_line(diag, one_line, sizeof one_line);
    json_text(w, made, "status", ln_status_name(diag->status));
    json_text(w, made, "category", ln_category_word(diag->category));
    json_flag(w, made, "likely", diag->likely);
    json_text(w, made, "phase", ln_phase_word(diag->phase));
    json_text(w, made, "text", diag->text);
    json_text(w, made, "advice", ln_category_advice(diag->category));
    json_text(w, made, "line", one_line);
    json_text(w, made, "origin", diag->origin);
    json_number(w, made, "native", diag->native);
    json_text(w, made, "native_text", diag->native_text);
    add_alert(w, made, diag);
    add_verify(w, made, diag);
    add_offer(w, made, diag);
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
        add_failure(w, made, &a->diag);
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
    if (settings->tls.backend != NULL && settings->secure)
        json_text(w, root, "backend", settings->tls.backend->name);
    json_flag(w, root, "ok", probe_failure(report) == NULL);
    json_number(w, root, "exit_status", probe_exit_status(report));
    cJSON *warnings = json_array(w, root, "warnings");
    for (size_t i = 0; i < settings->warning_count; i++)
        json_word(w, warnings, settings->warnings[i]);
    if (report->config.status != LN_OK)
        add_failure(w, root, &report->config);
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
