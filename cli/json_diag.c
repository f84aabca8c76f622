/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the library as JSON. */
#include "json_diag.h"

const char *verify_word(enum ln_verify verify)
{
    switch (verify) {
    case LN_VERIFY_NOT_DONE:
        return "not_done";
    case LN_VERIFY_OK:
        return "ok";
    case LN_VERIFY_UNTRUSTED:
        return "untrusted";
    case LN_VERIFY_INCOMPLETE:
        return "chain_incomplete";
    case LN_VERIFY_EXPIRED:
        return "expired";
    case LN_VERIFY_NOT_YET_VALID:
        return "not_yet_valid";
    case LN_VERIFY_WRONG_NAME:
        return "wrong_name";
    case LN_VERIFY_REVOKED:
        return "revoked";
    case LN_VERIFY_CRL_EXPIRED:
        return "crl_expired";
    case LN_VERIFY_CRL_BAD:
        return "crl_bad";
    case LN_VERIFY_WEAK:
        return "weak";
    case LN_VERIFY_BAD_SIGNATURE:
        return "bad_signature";
    case LN_VERIFY_BAD_USAGE:
        return "bad_usage";
    case LN_VERIFY_DANE:
        return "dane_mismatch";
    case LN_VERIFY_MALFORMED:
        return "malformed";
    case LN_VERIFY_UNWANTED:
        return "unwanted";
    }
    return "unknown";
}

void json_identifier(struct json_writer *w, cJSON *at, const char *name, uint16_t id,
                     const char *words)
{
    cJSON *made = json_object(w, at, name);
    json_number(w, made, "id", id);
    json_text(w, made, "name", words);
}

static void add_alert(struct json_writer *w, cJSON *at, const struct ln_diag *diag)
{
    if (diag->alert_from == LN_ALERT_NONE)
        return;
    cJSON *made = json_object(w, at, "alert");
    json_text(w, made, "direction", diag->alert_from == LN_ALERT_RECEIVED ? "received" : "sent");
    json_number(w, made, "level", diag->alert_level);
    if (diag->alert_number != LN_ALERT_NOT_TOLD)
        json_number(w, made, "number", diag->alert_number);
    json_text(w, made, "name", ln_alert_name(diag->alert_number));
    json_flag(w, made, "derived", diag->alert_derived);
}

static void add_verify(struct json_writer *w, cJSON *at, const struct ln_diag *diag)
{
    cJSON *made = json_object(w, at, "verify");
    json_text(w, made, "result", verify_word(diag->verify));
    json_number(w, made, "native", diag->verify_native);
    json_number(w, made, "depth", diag->verify_depth);
    json_text(w, made, "subject", diag->subject);
}

static void add_offer(struct json_writer *w, cJSON *at, const struct ln_diag *diag)
{
    cJSON *offered = json_object(w, at, "offered");
    json_identifier(w, offered, "min_version", diag->offered_min,
                    ln_version_name(diag->offered_min));
    json_identifier(w, offered, "max_version", diag->offered_max,
                    ln_version_name(diag->offered_max));
    json_number(w, offered, "suite_count", diag->offered_suite_count);
    cJSON *suites = json_array(w, offered, "suites");
    for (size_t i = 0; i < diag->offered_suite_count && i < LN_DIAG_SUITES_MAX; i++) {
        cJSON *suite = json_element(w, suites);
        json_number(w, suite, "id", diag->offered_suites[i]);
        json_text(w, suite, "name", ln_suite_name(diag->offered_suites[i]));
    }
    cJSON *chosen = json_object(w, at, "chosen");
    json_identifier(w, chosen, "version", diag->chosen_version,
                    ln_version_name(diag->chosen_version));
    json_identifier(w, chosen, "suite", diag->chosen_suite, ln_suite_name(diag->chosen_suite));
    json_identifier(w, chosen, "group", diag->chosen_group, ln_group_name(diag->chosen_group));
}

void json_failure(struct json_writer *w, cJSON *at, const struct ln_diag *diag)
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
