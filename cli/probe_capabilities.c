/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet probe --capabilities`: what the linked TLS libraries can do. */
#include "backends.h"
#include "command.h"
#include "json.h"
#include "probe.h"

static void print_words(FILE *out, const char *label, unsigned caps)
{
    size_t column = 0;
    fprintf(out, "  %-9s", label);
    for (unsigned bit = 1; bit != 0; bit <<= 1) {
        const char *word = (caps & bit) != 0 ? ln_tls_capability_word(bit) : NULL;
        if (word == NULL)
            continue;
        if (column > 55) {
            fprintf(out, "\n  %-9s", "");
            column = 0;
        }
        int used = fprintf(out, "%s ", word);
        column += used > 0 ? (size_t)used : 0;
    }
    fprintf(out, "\n");
}

static bool capabilities_json(FILE *out)
{
    struct json_writer w = { .complete = true };
    cJSON *root = cJSON_CreateObject();
    json_text(&w, root, "linnet", program_version());
    cJSON *list = json_array(&w, root, "tls_libraries");
    const struct ln_tls_backend *backend = NULL;
    for (size_t i = 0; (backend = program_backend(i)) != NULL; i++) {
        struct ln_tls_capabilities can;
        ln_tls_capabilities(backend, &can);
        cJSON *made = json_element(&w, list);
        json_text(&w, made, "name", can.backend);
        json_text(&w, made, "version", can.version);
        cJSON *words = json_object(&w, made, "can");
        for (unsigned bit = 1; bit != 0; bit <<= 1) {
            if (ln_tls_capability_word(bit) != NULL)
                json_flag(&w, words, ln_tls_capability_word(bit), (can.caps & bit) != 0);
        }
        if (can.warning != NULL)
            json_text(&w, made, "warning", can.warning);
    }
    return json_print(out, &w, root);
}

bool probe_capabilities(FILE *out, bool json)
{
    if (json)
        return capabilities_json(out);
    const struct ln_tls_backend *backend = NULL;
    for (size_t i = 0; (backend = program_backend(i)) != NULL; i++) {
        struct ln_tls_capabilities can;
        ln_tls_capabilities(backend, &can);
        fprintf(out, "%s%s (%s)%s\n", i > 0 ? "\n" : "", can.backend, can.version,
                i == 0 ? ", the default" : "");
        print_words(out, "can", can.caps);
        print_words(out, "cannot", ~can.caps);
        if (can.warning != NULL)
            fprintf(out, "  warning: %s\n", can.warning);
    }
    if (program_backend(0) == NULL)
        fprintf(out, "no TLS library is built in: only udp, tcp, coap and coap+tcp\n");
    return true;
}
