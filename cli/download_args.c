/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `linnet download`: options and help. */
#include "download.h"

#define AT(member) offsetof(struct download_args, member)
#define SECURITY_AT(member) AT(security.member)

static const struct option_rule rules[] = {
    { .kind = OPTION_HEADING, .help = "What is wanted:" },
    { "output", 'o', OPTION_TEXT, "FILE|FOLDER|-",
      "where it goes (default: the last part of the URI's path, in this\n"
      "folder); - is standard output. Until it is complete it is\n"
      "FILE.part, and FILE.part.state lets it go on",
      AT(output), 0, 0 },
    { "sha256", 0, OPTION_TEXT, "HEX|@FILE", "refuse anything that has another SHA-256", AT(sha256),
      0, 0 },
    { "restart", 0, OPTION_FLAG, NULL, "begin with the first byte, whatever is there from before",
      AT(restart), 0, 0 },

    { .kind = OPTION_HEADING, .help = "Who the server is, and how it is verified:" },
    SECURITY_SERVER_RULES(SECURITY_AT),
    { "insecure-downgrade", 0, OPTION_FLAG, NULL, "follow redirects from https to http",
      AT(insecure_downgrade), 0, 0 },

    { .kind = OPTION_HEADING, .help = "Who you are:" },
    SECURITY_OWN_RULES(SECURITY_AT),
    { "user", 0, OPTION_TEXT, "NAME", "user name, if the server asks for one (Basic)", AT(user), 0,
      0 },
    { "password", 0, OPTION_TEXT, "TEXT|@FILE", "and its password; https only", AT(password), 0,
      0 },
    { "insecure-basic", 0, OPTION_FLAG, NULL, "send them over http too", AT(insecure_basic), 0, 0 },

    { .kind = OPTION_HEADING, .help = "Limits:" },
    { "limit-time", 0, OPTION_SECONDS, "SECONDS", "in all (default 86400)", AT(limit_time_ms), 1,
      2000000000 },
    { "limit-size", 0, OPTION_SIZE, "BYTES", "refuse larger files; such as 64M", AT(limit_size), 0,
      0 },
    { "limit-bytes", 0, OPTION_SIZE, "BYTES",
      "the most that may be received, new beginnings included\n"
      "(default: three times the size)",
      AT(limit_bytes), 0, 0 },
    { "limit-rate", 0, OPTION_SIZE, "BYTES", "in a second, on average; such as 500K",
      AT(limit_rate), 0, 0 },
    { "tries", 0, OPTION_NUMBER, "N", "in a row that bring no new byte (default 8)", AT(tries), 1,
      1000000 },
    { "timeout", 0, OPTION_SECONDS, "SECONDS",
      "longest silence of the server (default 30; connecting: 60)", AT(timeout_ms), 1, 86400000 },

    { .kind = OPTION_HEADING, .help = "The network:" },
    { "ipv4", '4', OPTION_FLAG, NULL, "use IPv4 only", AT(v4), 0, 0 },
    { "ipv6", '6', OPTION_FLAG, NULL, "use IPv6 only", AT(v6), 0, 0 },

    { .kind = OPTION_HEADING, .help = "What is shown:" },
    { "json", 0, OPTION_FLAG, NULL, "one JSON object at the end, and no progress", AT(json), 0, 0 },
    { "quiet", 'q', OPTION_FLAG, NULL, "nothing but failures", AT(quiet), 0, 0 },
    { "verbose", 'v', OPTION_FLAG, NULL, "also the library's log, to standard error", AT(verbose),
      0, 0 },
    { "help", 'h', OPTION_FLAG, NULL, "show this help", AT(help), 0, 0 },
};

#define RULE_COUNT (sizeof rules / sizeof rules[0])

bool download_args_read(int argc, char **argv, struct download_args *out,
                        struct option_error *error)
{
    char *rest[1] = { NULL };
    size_t rest_count = 0;
    *out = (struct download_args) { .help = false };
    if (!options_parse(rules, RULE_COUNT, argc, argv, out, rest, 1, &rest_count, error))
        return false;
    out->uri = rest[0];
    if (out->uri == NULL && !out->help) {
        snprintf(error->text, sizeof error->text,
                 "expected a URI, such as https://example.org/firmware.bin");
        return false;
    }
    return true;
}

static void print_schemes(void)
{
    unsigned shown = 0;
    printf("URI:");
    for (int scheme = 0; scheme <= LN_URI_HTTPS; scheme++) {
        if (!ln_download_speaks((enum ln_uri_scheme)scheme))
            continue;
        const char *before = shown == 0 ? " " : shown % 4 == 0 ? "\n     " : "   ";
        printf("%s%s://HOST/PATH", before, ln_uri_scheme_text((enum ln_uri_scheme)scheme));
        shown++;
    }
    printf("\n");
}

void download_args_help(void)
{
    printf(
        "usage: linnet download [OPTION...] URI\n"
        "\n"
        "Downloads a file. What was cut goes on where it was, also after this program was ended,\n"
        "if the file is proven to be the same; else it begins anew. The result is verified by\n"
        "its SHA-256, if you know it.\n"
        "\n");
    print_schemes();
    options_print(stdout, rules, RULE_COUNT);
    printf("\n"
           "Exit status:\n"
           "   0  complete\n"
           "   2  the command line or a setting is wrong\n"
           "  10  the server says no: there is no such file, other credentials are wanted, ...\n"
           "  11  the server cannot be reached, or has a bad day: try again later\n"
           "  12  the file keeps changing\n"
           "  13  the two sides did not accept each other's security\n"
           "  14  the SHA-256 is not the expected one\n"
           "  15  the file cannot be written\n"
           "  16  a limit of time or bytes is reached\n"
           "  17  a fault of this machine: no memory, or a fault in this program\n"
           " 130  interrupted, 143 terminated; what was received is kept\n"
           "\n"
           "Examples:\n"
           "  linnet download https://example.org/firmware.bin\n"
           "  linnet download --ca ca.pem --cert me.pem --key me.key -o fw https://192.0.2.7/fw\n"
           "  linnet download --sha256 @fw.sha256 --limit-time 600 http://example.org/fw\n");
}
