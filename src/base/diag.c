/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: <linnet/diag.h>. Writes records, and reads them aloud.
 *
 * A record belongs to the first (deepest) ln_diag_set(). A later one changes nothing, but seals the
 * record: a library number that the upper layer would add is not about this failure.
 */
#include <linnet/diag.h>

#include "base/text_format.h"

static const char own_origin[] = "linnet";

/* How many of the offered suites the line names; struct ln_diag holds more for programs. */
#define LINE_SUITES 3

/* ---- words ---- */

static const struct {
    const char *word;
    const char *advice;
} categories[] = {
#define CATEGORY_WORDS(name, word, advice) { word, advice },
    LN_CATEGORY_LIST(CATEGORY_WORDS)
#undef CATEGORY_WORDS
};

static const char *const phases[] = {
#define PHASE_WORD(name, word) word,
    LN_PHASE_LIST(PHASE_WORD)
#undef PHASE_WORD
};

/* What the check of a certificate came to, so that "the certificate ..." is a sentence. */
static const char *const verdicts[] = {
    [LN_VERIFY_NOT_DONE] = "was not checked",
    [LN_VERIFY_OK] = "is good",
    [LN_VERIFY_UNTRUSTED] = "leads to no trusted one",
    [LN_VERIFY_INCOMPLETE] = "has an issuer that was not sent",
    [LN_VERIFY_EXPIRED] = "has expired",
    [LN_VERIFY_NOT_YET_VALID] = "is not valid yet",
    [LN_VERIFY_WRONG_NAME] = "is for another name",
    [LN_VERIFY_REVOKED] = "was revoked",
    [LN_VERIFY_CRL_EXPIRED] = "has a CRL out of date",
    [LN_VERIFY_CRL_BAD] = "has no usable CRL",
    [LN_VERIFY_WEAK] = "is too weak",
    [LN_VERIFY_BAD_SIGNATURE] = "has a wrong signature",
    [LN_VERIFY_BAD_USAGE] = "may not be used for this",
    [LN_VERIFY_DANE] = "matches no TLSA record",
    [LN_VERIFY_MALFORMED] = "cannot be read",
    [LN_VERIFY_UNWANTED] = "came where a pre-shared key was agreed",
};

const char *ln_category_word(enum ln_category category)
{
    size_t count = sizeof categories / sizeof categories[0];
    return (size_t)category < count ? categories[category].word : "unknown";
}

const char *ln_category_advice(enum ln_category category)
{
    size_t count = sizeof categories / sizeof categories[0];
    return (size_t)category < count ? categories[category].advice : "report it, with this record";
}

const char *ln_phase_word(enum ln_phase phase)
{
    return (size_t)phase < sizeof phases / sizeof phases[0] ? phases[phase] : "unknown";
}

static const char *verdict(enum ln_verify verify)
{
    size_t count = sizeof verdicts / sizeof verdicts[0];
    return (size_t)verify < count ? verdicts[verify] : "was refused";
}

/* ---- writing ---- */

void ln_diag_clear(struct ln_diag *diag)
{
    if (diag != NULL)
        *diag = (struct ln_diag) { .status = LN_OK, .verify_depth = -1 };
}

enum ln_status ln_diag_set(struct ln_diag *diag, enum ln_status status, enum ln_category category,
                           enum ln_phase phase, const char *text, ...)
{
    if (diag == NULL || status == LN_OK || status == LN_AGAIN)
        return status; /* neither is a failure */
    if (diag->status != LN_OK) {
        if (diag->origin == NULL)
            diag->origin = own_origin;
        return status;
    }
    ln_diag_clear(diag);
    diag->status = status;
    diag->category = category;
    diag->phase = phase;

    struct ln__text out = ln__text_init(diag->text, sizeof diag->text);
    va_list args;
    va_start(args, text);
    ln__text_vadd(&out, text, args);
    va_end(args);
    if (out.len == 0)
        ln__text_add(&out, "%s", ln_status_meaning(status));
    ln__text_clean(diag->text);
    return status;
}

void ln_diag_native(struct ln_diag *diag, const char *origin, long native, const char *text)
{
    if (diag == NULL || diag->status == LN_OK || diag->origin != NULL)
        return;
    diag->origin = origin != NULL ? origin : own_origin;
    diag->native = native;
    (void)ln__text_copy(diag->native_text, sizeof diag->native_text, ln_span_str(text));
}

/* ---- reading aloud ---- */

/* The text up to its NUL, or up to the end of its array: records may come from anywhere. */
static int shown(const char *text, size_t room)
{
    const char *end = (const char *)memchr(text, '\0', room);
    return (int)(end != NULL ? (size_t)(end - text) : room);
}

static void say_what(struct ln__text *line, const struct ln_diag *d)
{
    if (d->phase != LN_PHASE_NONE)
        ln__text_add(line, "%s ", ln_phase_word(d->phase));
    ln__text_add(line, "failed (%s%s): ", ln_category_word(d->category),
                 d->likely ? ", likely" : "");
    if (d->text[0] != '\0')
        ln__text_add(line, "%.*s", shown(d->text, sizeof d->text), d->text);
    else
        ln__text_add(line, "%s", ln_status_meaning(d->status));
}

static void say_alert(struct ln__text *line, const struct ln_diag *d)
{
    if (d->alert_from == LN_ALERT_NONE)
        return;
    const char *level = d->alert_level == 1 ? ", warning" : d->alert_level == 2 ? ", fatal" : "";
    ln__text_add(line, "; alert %s: ", d->alert_from == LN_ALERT_RECEIVED ? "received" : "sent");
    if (d->alert_number == LN_ALERT_NOT_TOLD)
        ln__text_add(line, "number %s%s", ln_alert_name(d->alert_number), level);
    else
        ln__text_add(line, "%s (%u%s%s)", ln_alert_name(d->alert_number), d->alert_number, level,
                     d->alert_derived ? ", derived" : "");
}

static void say_certificate(struct ln__text *line, const struct ln_diag *d)
{
    if (d->verify == LN_VERIFY_NOT_DONE || d->verify == LN_VERIFY_OK)
        return;
    ln__text_add(line, "; the certificate");
    if (d->verify_depth >= 0)
        ln__text_add(line, " at depth %d", d->verify_depth);
    if (d->subject[0] != '\0')
        ln__text_add(line, " (%.*s)", shown(d->subject, sizeof d->subject), d->subject);
    ln__text_add(line, " %s", verdict(d->verify));
    if (d->verify_native != 0)
        ln__text_add(line, " (code %d)", d->verify_native);
}

static void say_suite(struct ln__text *line, uint16_t suite)
{
    const char *name = ln_suite_name(suite);
    if (name != NULL)
        ln__text_add(line, "%s", name);
    else
        ln__text_add(line, "suite 0x%04x", suite);
}

static void say_offered_suites(struct ln__text *line, const struct ln_diag *d)
{
    unsigned all = d->offered_suite_count;
    unsigned named = all < LINE_SUITES ? all : LINE_SUITES;
    for (unsigned i = 0; i < named; i++) {
        ln__text_add(line, "%s ", i == 0 ? "; offered" : ",");
        say_suite(line, d->offered_suites[i]);
    }
    if (all > named)
        ln__text_add(line, " and %u more", all - named);
}

/* What was chosen; of what was never agreed, the offer. */
static void say_agreement(struct ln__text *line, const struct ln_diag *d)
{
    if (d->chosen_version != 0)
        ln__text_add(line, "; chosen %s", ln_version_name(d->chosen_version));
    else if (d->offered_min != 0 && d->offered_min == d->offered_max)
        ln__text_add(line, "; offered %s", ln_version_name(d->offered_max));
    else if (d->offered_min != 0 || d->offered_max != 0)
        ln__text_add(line, "; offered %s to %s", ln_version_name(d->offered_min),
                     ln_version_name(d->offered_max));

    if (d->chosen_suite != 0) {
        ln__text_add(line, "%s", d->chosen_version != 0 ? ", " : "; chosen ");
        say_suite(line, d->chosen_suite);
    } else {
        say_offered_suites(line, d);
    }

    const char *group = ln_group_name(d->chosen_group);
    if (group != NULL)
        ln__text_add(line, "; group %s", group);
    else if (d->chosen_group != 0)
        ln__text_add(line, "; group 0x%04x", d->chosen_group);
}

static void say_flights(struct ln__text *line, const struct ln_diag *d)
{
    if (d->flights_sent == 0 && d->flights_received == 0 && d->retransmissions == 0)
        return;
    ln__text_add(line, "; flights: %u sent, %u received, %u sent again", d->flights_sent,
                 d->flights_received, d->retransmissions);
}

/* Libraries that pack fields into their codes (OpenSSL), or count below zero in steps of 0x80
 * (Mbed TLS), document them in hexadecimal; errno and its like are small and decimal. */
static void say_native(struct ln__text *line, const struct ln_diag *d)
{
    if (d->origin == NULL || (d->native == 0 && d->native_text[0] == '\0'))
        return;
    ln__text_add(line, "; %s", d->origin);
    if (d->native > 0xffff)
        ln__text_add(line, " 0x%lX", (unsigned long)d->native);
    else if (d->native < 0)
        ln__text_add(line, " -0x%04lX", 0UL - (unsigned long)d->native);
    else if (d->native > 0)
        ln__text_add(line, " %ld", d->native);
    if (d->native_text[0] != '\0')
        ln__text_add(line, ": %.*s", shown(d->native_text, sizeof d->native_text), d->native_text);
}

size_t ln_diag_line(const struct ln_diag *diag, char *text, size_t room)
{
    struct ln__text line = ln__text_init(text, room);
    if (room == 0)
        return 0;
    if (diag->status == LN_OK) {
        ln__text_add(&line, "nothing failed");
        return line.len;
    }
    say_what(&line, diag);
    say_alert(&line, diag);
    say_certificate(&line, diag);
    say_agreement(&line, diag);
    say_flights(&line, diag);
    say_native(&line, diag);
    if (diag->category != LN_CAT_NONE)
        ln__text_add(&line, "; try: %s", ln_category_advice(diag->category));
    ln__text_clean(text);
    return line.len;
}
