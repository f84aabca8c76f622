/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `linnet probe`: options and help. */
#include "command.h"
#include "probe.h"

#include <string.h>

#define AT(member) offsetof(struct probe_args, member)
#define SECURITY_AT(member) AT(security.member)

static const struct option_rule rules[] = {
    { .kind = OPTION_HEADING, .help = "Who the server is, and how it is verified:" },
    SECURITY_SERVER_RULES(SECURITY_AT),

    { .kind = OPTION_HEADING, .help = "Who you are:" },
    SECURITY_OWN_RULES(SECURITY_AT),

    { .kind = OPTION_HEADING, .help = "What is offered:" },
    { "ciphers", 0, OPTION_TEXT, "LIST",
      "cipher suites, most wanted first: IANA names or numbers, with\n"
      "commas: TLS_PSK_WITH_AES_128_CCM_8,0xc0ae",
      AT(ciphers), 0, 0 },
    { "groups", 0, OPTION_TEXT, "LIST", "key exchange groups: x25519,secp256r1", AT(groups), 0, 0 },
    { "alpn", 0, OPTION_TEXT, "LIST",
      "application protocols, or 'none' (default: coap for coaps+tcp,\n"
      "http/1.1 for https)",
      AT(alpn), 0, 0 },
    { "min-version", 0, OPTION_TEXT, "VERSION", "lowest version: 1.2 (default) or 1.3",
      AT(min_version), 0, 0 },
    { "max-version", 0, OPTION_TEXT, "VERSION", "highest version: 1.2 or 1.3", AT(max_version), 0,
      0 },
    { "insecure-old-versions", 0, OPTION_FLAG, NULL, "allow TLS 1.0, TLS 1.1 and DTLS 1.0",
      AT(old_versions), 0, 0 },
    { "insecure-legacy-server", 0, OPTION_FLAG, NULL, "allow a server without secure renegotiation",
      AT(legacy_server), 0, 0 },
    { "resume", 0, OPTION_TEXT, "FILE",
      "keep the session in FILE: the next run resumes it. The file is\n"
      "as secret as a key",
      AT(resume), 0, 0 },

    { .kind = OPTION_HEADING, .help = "The network:" },
    { "ipv4", '4', OPTION_FLAG, NULL, "use IPv4 only", AT(v4), 0, 0 },
    { "ipv6", '6', OPTION_FLAG, NULL, "use IPv6 only", AT(v6), 0, 0 },
    { "mtu", 0, OPTION_NUMBER, "BYTES", "largest IP packet to send (256 to 65535)", AT(mtu), 256,
      65535 },
    { "timeout", 0, OPTION_SECONDS, "SECONDS", "give up after this time (default 15)",
      AT(timeout_ms), 1, 86400000 },
    { "count", 0, OPTION_NUMBER, "N", "connect N times, one after the other", AT(count), 1, 10000 },

    { .kind = OPTION_HEADING, .help = "What is shown:" },
    { "json", 0, OPTION_FLAG, NULL, "one JSON object instead of text", AT(json), 0, 0 },
    { "verbose", 'v', OPTION_FLAG, NULL, "also the library's log, to standard error", AT(verbose),
      0, 0 },
    { "keylog", 0, OPTION_TEXT, "FILE",
      "append the secrets of the session to FILE, for Wireshark.\n"
      "Whoever has them reads the traffic",
      AT(keylog), 0, 0 },
    { "capabilities", 0, OPTION_FLAG, NULL,
      "show what the linked TLS libraries can do, and known holes", AT(capabilities), 0, 0 },
    { "help", 'h', OPTION_FLAG, NULL, "show this help", AT(help), 0, 0 },
};

#define RULE_COUNT (sizeof rules / sizeof rules[0])

bool probe_args_read(int argc, char **argv, struct probe_args *out, struct option_error *error)
{
    char *rest[1] = { NULL };
    size_t rest_count = 0;
    *out = (struct probe_args) { .count = 1, .timeout_ms = 15000 };
    if (!options_parse(rules, RULE_COUNT, argc, argv, out, rest, 1, &rest_count, error))
        return false;
    out->uri = rest[0];
    if (out->uri == NULL && !out->help && !out->capabilities) {
        snprintf(error->text, sizeof error->text, "expected a URI, such as coaps://example.org");
        return false;
    }
    return true;
}

static void print_statuses(void)
{
    static const struct {
        const char *word, *advice;
    } categories[] = {
#define ROW(name, word, advice) { word, advice },
        LN_CATEGORY_LIST(ROW)
#undef ROW
    };
    printf("\nExit status:\n"
           "   0  connected\n"
           "   2  the command line or a setting is wrong\n"
           "otherwise it names the category of the failure:\n");
    for (int i = 1; i < (int)(sizeof categories / sizeof categories[0]); i++)
        printf("  %2d  %-27s %s\n", EXIT_CATEGORY + i, categories[i].word, categories[i].advice);
}

void probe_args_help(void)
{
    printf("usage: linnet probe [OPTION...] URI\n"
           "       linnet probe --capabilities\n"
           "\n"
           "Connects to a server and shows what was agreed: version, cipher suite, certificates,\n"
           "times, bytes. If it fails: why, and what to try.\n"
           "\n"
           "URI: udp://HOST:PORT   tcp://HOST:PORT   dtls://HOST:PORT   tls://HOST:PORT\n"
           "     coap://HOST   coaps://HOST   coap+tcp://HOST   coaps+tcp://HOST   https://HOST\n");
    options_print(stdout, rules, RULE_COUNT);
    print_statuses();
    printf("\n"
           "Examples:\n"
           "  linnet probe https://example.org\n"
           "  linnet probe --psk-identity dev1 --psk-key @dev1.key coaps://lwm2m.example.org\n"
           "  linnet probe --ca ca.pem --cert me.pem --key me.key tls://192.0.2.7:8443\n");
}
