/* SPDX-License-Identifier: Apache-2.0 */
/* The report of `linnet probe` for people. */
#include "json_diag.h"
#include "probe.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_WIDTH 15
#define TEXT_WIDTH 76

struct page {
    FILE *out;
    const char *good, *bad, *warn, *strong, *plain; /* colours, or nothing */
};

/* One labelled line; long text goes on below, indented alike. */
static void line(const struct page *page, const char *label, const char *format, ...)
    LN_PRINTF(3, 4);

static void line(const struct page *page, const char *label, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const size_t width = TEXT_WIDTH - LABEL_WIDTH;
    const char *p = text;
    do {
        size_t len = strlen(p);
        if (len > width) {
            size_t cut = width;
            while (cut > 0 && p[cut] != ' ')
                cut--;
            len = cut > 0 ? cut : strcspn(p, " ");
        }
        fprintf(page->out, "  %-*s%.*s\n", LABEL_WIDTH, label, (int)len, p);
        p += len + strspn(p + len, " ");
        label = "";
    } while (*p != '\0');
}

static const char *suite_text(uint16_t suite, char room[64])
{
    const char *name = ln_suite_name(suite);
    if (name != NULL)
        snprintf(room, 64, "%s (0x%04x)", name, suite);
    else
        snprintf(room, 64, "0x%04x", suite);
    return room;
}

static const char *group_text(uint16_t group, char room[64])
{
    const char *name = ln_group_name(group);
    if (name != NULL)
        snprintf(room, 64, "%s", name);
    else
        snprintf(room, 64, "0x%04x", group);
    return room;
}

/* ---- certificates ---- */

static void print_validity(const struct page *page, const struct ln_certificate *cert, int64_t now)
{
    char from[32];
    char to[32];
    probe_date(cert->not_before, false, from);
    probe_date(cert->not_after, false, to);
    int64_t left = probe_days(now, cert->not_after);
    if (now < cert->not_before)
        line(page, "  valid", "%s to %s  %s(not yet valid: begins in %" PRId64 " days)%s", from, to,
             page->bad, -probe_days(cert->not_before, now), page->plain);
    else if (now > cert->not_after)
        line(page, "  valid", "%s to %s  %s(expired %" PRId64 " days ago)%s", from, to, page->bad,
             probe_days(cert->not_after, now), page->plain);
    else
        line(page, "  valid", "%s to %s  (%s%" PRId64 " days left%s)", from, to,
             left < 30 ? page->warn : "", left, left < 30 ? page->plain : "");
}

static void print_chain(const struct page *page, const struct probe_report *report)
{
    if (report->second_look)
        fprintf(page->out, "\n  A second look, without verification, at what the server sends:\n");
    for (size_t i = 0; i < report->certificate_count; i++) {
        const struct ln_certificate *cert = &report->certificates[i];
        fprintf(page->out, "\n");
        line(page, "certificate", "%zu of %zu%s%s", i + 1, report->certificate_count,
             i == 0        ? ", the server's own"
             : cert->is_ca ? ", a CA"
                           : "",
             cert->self_issued ? ", self-signed" : "");
        line(page, "  subject", "%s", cert->subject[0] != '\0' ? cert->subject : "(empty)");
        if (cert->names[0] != '\0')
            line(page, "  names", "%s", cert->names);
        line(page, "  issuer", "%s", cert->issuer);
        print_validity(page, cert, report->now);
    }
}

/* ---- success ---- */

static void print_identity(const struct page *page, const struct probe_report *report,
                           const struct ln_tls_info *tls)
{
    const struct ln_tls_options *options = &report->settings->security.tls;
    if (options->auth == LN_AUTH_PSK)
        line(page, "server", "%sknows the pre-shared key%s", page->good, page->plain);
    else if (tls->verify == LN_VERIFY_OK)
        line(page, "server", "%sverified%s: %s", page->good, page->plain,
             options->tlsa_count > 0 ? "a TLSA record matches its certificate"
                                     : "its certificate leads to a trusted CA, and its name fits");
    else if (tls->resumed && tls->verify == LN_VERIFY_NOT_DONE)
        line(page, "server", "verified when the session was made, which was resumed now");
    else
        line(page, "server", "%sNOT VERIFIED%s, it can be anybody; the check came to: %s",
             page->bad, page->plain, verify_word(tls->verify));
}

static void print_agreed(const struct page *page, const struct probe_report *report,
                         const struct probe_attempt *a)
{
    char text[64];
    const struct ln_tls_info *tls = &a->info.tls;
    line(page, "version", "%s", ln_version_name(tls->version));
    line(page, "cipher suite", "%s", suite_text(tls->suite, text));
    if (tls->group != 0)
        line(page, "group", "%s", group_text(tls->group, text));
    if (a->alpn[0] != '\0')
        line(page, "application", "%s (ALPN)", a->alpn);
    else if (report->settings->security.tls.alpn_count > 0)
        line(page, "application", "the server chose none of the protocols offered (ALPN)");
    print_identity(page, report, tls);
    line(page, "session", "%s%s", tls->resumed ? "resumed an earlier one" : "new",
         tls->session_stored ? "; stored for the next time" : "");
}

static void print_traffic(const struct page *page, const struct probe_report *report,
                          const struct probe_attempt *a)
{
    const struct ln_tls_info *tls = &a->info.tls;
    bool failed = a->diag.status != LN_OK;
    unsigned sent = failed ? a->diag.flights_sent : tls->flights_sent;
    unsigned received = failed ? a->diag.flights_received : tls->flights_received;
    unsigned again = failed ? a->diag.retransmissions : tls->retransmissions;
    char handshake[40] = "";
    if (report->settings->secure)
        snprintf(handshake, sizeof handshake, ", handshake %lld", (long long)tls->handshake_ms);
    line(page, "time", "%lld ms (resolve %lld, connect %lld%s)", (long long)a->total_ms,
         (long long)a->info.resolve_ms, (long long)a->info.connect_ms, handshake);
    if (sent > 0)
        line(page, "round trips", "%u (flights: %u sent, %u received, %u sent again)", received,
             sent, received, again);
    if (a->wire_sent > 0 || a->wire_received > 0)
        line(page, "on the wire", "%" PRIu64 " bytes sent, %" PRIu64 " received", a->wire_sent,
             a->wire_received);
}

static void print_peer(const struct page *page, const struct probe_attempt *a)
{
    char peer[LN_ADDR_TEXT_MAX];
    char local[LN_ADDR_TEXT_MAX];
    if (a->info.peer.family == LN_FAMILY_ANY)
        return;
    ln_addr_format(&a->info.peer, peer);
    ln_addr_format(&a->info.local, local);
    line(page, "address", "%s, from %s", peer, local);
}

static void print_success(const struct page *page, const struct probe_report *report,
                          const struct probe_attempt *a)
{
    fprintf(page->out, "\n");
    print_peer(page, a);
    if (report->settings->secure)
        print_agreed(page, report, a);
    if (a->note[0] != '\0')
        line(page, "found", "%s", a->note);
    else if (!report->settings->secure)
        line(page, "found", "something accepts TCP connections there; it was asked nothing more");
    print_traffic(page, report, a);
    print_chain(page, report);
}

/* ---- failure ---- */

/* Where the two sides found nothing in common, what was offered is the clue. */
static bool offer_matters(enum ln_category category)
{
    return category == LN_CAT_VERSION || category == LN_CAT_SUITE || category == LN_CAT_GROUP ||
           category == LN_CAT_ALERT_OTHER;
}

static void print_offer(const struct page *page, const struct ln_diag *diag)
{
    char text[64];
    if (diag->offered_max != 0)
        line(page, "offered", "%s%s%s", ln_version_name(diag->offered_min),
             diag->offered_min != diag->offered_max ? " to " : "",
             diag->offered_min != diag->offered_max ? ln_version_name(diag->offered_max) : "");
    size_t shown = diag->offered_suite_count;
    if (shown > LN_DIAG_SUITES_MAX)
        shown = LN_DIAG_SUITES_MAX;
    for (size_t i = 0; i < shown; i++)
        line(page, "", "%s", suite_text(diag->offered_suites[i], text));
    if (diag->offered_suite_count > shown)
        line(page, "", "and %u more cipher suites", (unsigned)(diag->offered_suite_count - shown));
    if (diag->chosen_version != 0)
        line(page, "server chose", "%s%s%s", ln_version_name(diag->chosen_version),
             diag->chosen_suite != 0 ? ", " : "",
             diag->chosen_suite != 0 ? suite_text(diag->chosen_suite, text) : "");
}

static void print_evidence(const struct page *page, const struct ln_diag *diag)
{
    const char *from = diag->alert_from == LN_ALERT_RECEIVED ? "the server sent" : "we sent";
    const char *fatal = diag->alert_level == 2 ? ", fatal" : "";
    if (diag->alert_from != LN_ALERT_NONE && diag->alert_number == LN_ALERT_NOT_TOLD)
        line(page, "alert", "%s: number %s%s", from, ln_alert_name(diag->alert_number), fatal);
    else if (diag->alert_from != LN_ALERT_NONE)
        line(page, "alert", "%s: %s (%u)%s%s", from, ln_alert_name(diag->alert_number),
             diag->alert_number, fatal, diag->alert_derived ? ", derived" : "");
    if (diag->verify != LN_VERIFY_NOT_DONE && diag->verify != LN_VERIFY_OK)
        line(page, "verification", "%s%s%s", verify_word(diag->verify),
             diag->subject[0] != '\0' ? ": " : "", diag->subject);
    char number[24] = "";
    if (diag->native > 0xffff) /* codes of OpenSSL are read in hexadecimal, */
        snprintf(number, sizeof number, " 0x%lX", (unsigned long)diag->native);
    else if (diag->native != 0) /* those of a system are not */
        snprintf(number, sizeof number, " %ld", diag->native);
    if (diag->origin != NULL && (number[0] != '\0' || diag->native_text[0] != '\0'))
        line(page, "library", "%s%s%s%s", diag->origin, number,
             diag->native_text[0] != '\0' ? ": " : "", diag->native_text);
}

static void print_failure(const struct page *page, const struct probe_report *report,
                          const struct ln_diag *diag, const struct probe_attempt *a)
{
    fprintf(page->out, "\n  %s%sFAILED%s in phase %s: %s%s%s\n\n", page->bad, page->strong,
            page->plain, ln_phase_word(diag->phase), page->strong, ln_category_word(diag->category),
            page->plain);
    line(page, "what", "%s", diag->text);
    if (diag->likely)
        line(page, "", "(a guess: the network shows no more than this)");
    line(page, "try", "%s", ln_category_advice(diag->category));
    print_evidence(page, diag);
    if (a == NULL)
        return;
    print_peer(page, a);
    if (offer_matters(diag->category) || report->settings->args->verbose)
        print_offer(page, diag);
    print_traffic(page, report, a);
    print_chain(page, report);
}

/* ---- several connects ---- */

static int by_value(const void *a, const void *b)
{
    const ln_msec *x = a;
    const ln_msec *y = b;
    return (*x > *y) - (*x < *y);
}

static void print_table(const struct page *page, const struct probe_report *report)
{
    fprintf(page->out, "\n  %4s  %-22s %8s %8s %9s %8s\n", "#", "result", "resolve", "connect",
            "handshake", "total");
    for (size_t i = 0; i < report->count; i++) {
        const struct probe_attempt *a = &report->attempts[i];
        bool failed = a->diag.status != LN_OK;
        fprintf(page->out, "  %4zu  %s%-22s%s %5lld ms %5lld ms %6lld ms %5lld ms\n", i + 1,
                failed ? page->bad : page->good,
                failed                ? ln_category_word(a->diag.category)
                : a->info.tls.resumed ? "resumed"
                                      : "connected",
                page->plain, (long long)a->info.resolve_ms, (long long)a->info.connect_ms,
                (long long)a->info.tls.handshake_ms, (long long)a->total_ms);
    }
    fprintf(page->out, "\n  %zu of %zu connected", report->good, report->count);
    ln_msec *totals = calloc(report->count, sizeof *totals);
    size_t n = 0;
    for (size_t i = 0; totals != NULL && i < report->count; i++) {
        if (report->attempts[i].diag.status == LN_OK)
            totals[n++] = report->attempts[i].total_ms;
    }
    if (n > 0) {
        qsort(totals, n, sizeof *totals, by_value);
        fprintf(page->out, "; shortest %lld ms, median %lld ms, longest %lld ms",
                (long long)totals[0], (long long)totals[n / 2], (long long)totals[n - 1]);
    }
    free(totals);
    fprintf(page->out, "\n");
}

/* ---- the page ---- */

/* The attempt that `diag` belongs to; NULL for the configuration. */
static const struct probe_attempt *attempt_of(const struct probe_report *report,
                                              const struct ln_diag *diag)
{
    for (size_t i = 0; i < report->count; i++) {
        if (&report->attempts[i].diag == diag)
            return &report->attempts[i];
    }
    return NULL;
}

void probe_print(FILE *out, const struct probe_report *report, bool colour)
{
    struct page page = { out, "", "", "", "", "" };
    if (colour)
        page = (struct page) { out, "\033[32m", "\033[31m", "\033[33m", "\033[1m", "\033[0m" };
    const struct probe_settings *settings = report->settings;
    for (size_t i = 0; i < settings->security.warning_count; i++)
        fprintf(stderr, "linnet probe: warning: %s\n", settings->security.warnings[i]);
    bool bracketed = settings->uri.host_kind == LN_URI_HOST_IPV6;
    fprintf(out, "%s%s://%s%s%s port %u%s\n", page.strong, ln_uri_scheme_text(settings->uri.scheme),
            bracketed ? "[" : "", settings->host, bracketed ? "]" : "", settings->uri.port,
            page.plain);
    const struct ln_diag *failure = probe_failure(report);
    if (failure != NULL)
        print_failure(&page, report, failure, attempt_of(report, failure));
    else
        print_success(&page, report, &report->attempts[report->count - 1]);
    if (report->count > 1)
        print_table(&page, report);
}
