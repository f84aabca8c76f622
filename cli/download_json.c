/* SPDX-License-Identifier: Apache-2.0 */
/* The result of `linnet download` as one JSON object; its members are described in
 * linnet-download(1). */
#include "command.h"
#include "download.h"
#include "json.h"
#include "json_diag.h"

static const char *class_word(enum ln_download_reason reason)
{
    switch (ln_download_reason_class(reason)) {
    case LN_DOWNLOAD_FINAL:
        return "final";
    case LN_DOWNLOAD_RETRY:
        return "retry";
    case LN_DOWNLOAD_RESTART:
        return "restart";
    }
    return "unknown";
}

static void add_digest(struct json_writer *w, cJSON *root, const struct ln_download_info *info)
{
    char hex[65] = "";
    for (size_t i = 0; info->has_sha256 && i < sizeof info->sha256; i++)
        snprintf(hex + 2 * i, 3, "%02x", info->sha256[i]);
    json_text(w, root, "sha256", hex);
}

static void add_tls(struct json_writer *w, cJSON *root, const struct download_report *r)
{
    const struct ln_tls_info *tls = &r->tls;
    if (tls->version == 0)
        return;
    cJSON *made = json_object(w, root, "tls");
    json_identifier(w, made, "version", tls->version, ln_version_name(tls->version));
    json_identifier(w, made, "suite", tls->suite, ln_suite_name(tls->suite));
    json_text(w, made, "alpn", r->alpn);
    json_text(w, made, "verify", verify_word(tls->verify));
    json_flag(w, made, "resumed", tls->resumed);
}

static void add_report(struct json_writer *w, cJSON *root, const struct download_report *r)
{
    const struct ln_download_info *info = &r->info;
    bool complete = info->state == LN_DOWNLOAD_COMPLETE && !r->usage;
    json_text(w, root, "linnet", program_version());
    json_text(w, root, "uri", r->settings->text);
    json_text(w, root, "file", r->settings->path[0] != '\0' ? r->settings->path : "-");
    json_flag(w, root, "ok", complete);
    json_number(w, root, "exit_status", download_exit_status(r));
    json_text(w, root, "reason", r->usage ? "usage" : ln_download_reason_word(info->reason));
    json_text(w, root, "class", class_word(info->reason));
    json_number(w, root, "answer", info->answer);
    json_number(w, root, "bytes", (int64_t)info->offset);
    if (info->has_total)
        json_number(w, root, "total", (int64_t)info->total);
    add_digest(w, root, info);
    json_flag(w, root, "sha256_expected", complete && r->settings->has_sha256);
    json_text(w, root, "etag", info->etag);
    json_number(w, root, "resumed_at", (int64_t)info->resumed_at);
    json_number(w, root, "received", (int64_t)info->received);
    json_number(w, root, "requests", info->requests);
    json_number(w, root, "restarts", info->restarts);
    json_flag(w, root, "kept", r->kept);
    json_number(w, root, "milliseconds", r->took_ms);
    add_tls(w, root, r);
    cJSON *warnings = json_array(w, root, "warnings");
    for (size_t i = 0; i < r->settings->security.warning_count; i++)
        json_word(w, warnings, r->settings->security.warnings[i]);
    if (r->diag.status != LN_OK)
        json_failure(w, root, &r->diag);
}

bool download_json(FILE *out, const struct download_report *report)
{
    struct json_writer w = { .complete = true };
    cJSON *root = cJSON_CreateObject();
    add_report(&w, root, report);
    return json_print(out, &w, root);
}
