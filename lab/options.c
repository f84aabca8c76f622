/* SPDX-License-Identifier: Apache-2.0 */
/** @file options.c  See options.h. */
#include "options.h"

#include "definitions.h"
#include "util.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COAP_PORT 5683
#define COAPS_PORT 5684
#define TIMEOUT_MS 30000

enum {
    OPT_ADDRESS = 256,
    OPT_PORT,
    OPT_SECURE_PORT,
    OPT_PSK,
    OPT_PSK_FILE,
    OPT_CERT,
    OPT_KEY,
    OPT_CA,
    OPT_CERTIFIED,
    OPT_DEFINITIONS,
    OPT_SCRIPT,
    OPT_SERVE,
    OPT_JSON,
    OPT_TIMEOUT,
    OPT_VERSION,
};

static const struct option table[] = {
    { "address", required_argument, NULL, OPT_ADDRESS },
    { "port", required_argument, NULL, OPT_PORT },
    { "secure-port", required_argument, NULL, OPT_SECURE_PORT },
    { "psk", required_argument, NULL, OPT_PSK },
    { "psk-file", required_argument, NULL, OPT_PSK_FILE },
    { "cert", required_argument, NULL, OPT_CERT },
    { "key", required_argument, NULL, OPT_KEY },
    { "ca", required_argument, NULL, OPT_CA },
    { "certified", required_argument, NULL, OPT_CERTIFIED },
    { "definitions", required_argument, NULL, OPT_DEFINITIONS },
    { "script", required_argument, NULL, OPT_SCRIPT },
    { "serve", no_argument, NULL, OPT_SERVE },
    { "json", no_argument, NULL, OPT_JSON },
    { "timeout", required_argument, NULL, OPT_TIMEOUT },
    { "verbose", no_argument, NULL, 'v' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, OPT_VERSION },
    { 0 },
};

static const char usage[] =
    "usage: linnet-lab [option...]\n"
    "\n"
    "An LwM2M server for one desk. Devices register; you read, write and observe them at a prompt,\n"
    "from a script, or through a pipe.\n"
    "\n"
    "Where it listens:\n"
    "  --address IP           default: every address of this machine\n"
    "  --port PORT            coap, default 5683; 0: any that is free\n"
    "  --secure-port PORT     coaps, default 5684; 0: any that is free\n"
    "\n"
    "Who may come, and how (may be repeated):\n"
    "  --psk ENDPOINT=IDENTITY:HEXKEY   this endpoint comes with this pre-shared key\n"
    "  --psk-file FILE                  the same, one a line; # begins a comment\n"
    "  --certified ENDPOINT             this endpoint comes with a certificate of that common name\n"
    "  An endpoint that is not named may come over coap, without security.\n"
    "\n"
    "Certificates, PEM:\n"
    "  --cert FILE            the server's own, and its issuers\n"
    "  --key FILE             its private key\n"
    "  --ca FILE              who signs the devices' certificates\n"
    "\n"
    "What to do:\n"
    "  --definitions PATH     names and types of your own objects: OMA's XML, a file or a folder\n"
    "  --script FILE          run these commands, then end; see 'expect' in linnet-lab(1)\n"
    "  --serve                read no commands: only tell what happens\n"
    "  --json                 an object a line instead of text\n"
    "  --timeout SECONDS      how long a device may take to answer, default 30\n"
    "  -v, --verbose          tell what libcoap does, on standard error; twice: everything\n"
    "  -h, --help             this; at the prompt, 'help' lists the commands\n"
    "  --version\n"
    "\n"
    "exit: 0 ended, and every expectation of the script held; 1 one did not, or a command was wrong;\n"
    "2 wrong usage, or the server could not start\n";

static bool wrong(const char *option, const char *why)
{
    fprintf(stderr, "linnet-lab: --%s: %s\n", option, why);
    return false;
}

static bool read_port(const char *option, const char *text, uint16_t *out)
{
    uint64_t value = 0;
    if (!lab_number(text, UINT16_MAX, &value))
        return wrong(option, "a port is a number from 0 to 65535");
    *out = (uint16_t)value;
    return true;
}

static bool read_timeout(const char *text, int64_t *out)
{
    uint64_t value = 0;
    if (!lab_number(text, TIMEOUT_MAX_S, &value) || value == 0)
        return wrong("timeout", "seconds, from 1 to 86400");
    *out = (int64_t)value * 1000;
    return true;
}

/* @param why  taken; NULL: nothing is wrong */
static bool was_read(const char *option, char *why)
{
    if (why == NULL)
        return true;
    wrong(option, why);
    free(why);
    return false;
}

static bool told(const char *option, const char *why)
{
    return why == NULL || wrong(option, why);
}

/* The key stood in the list of processes; the shorter, the better. */
static bool read_psk(struct keys *keys, char *entry)
{
    bool fine = told("psk", keys_add(keys, entry));
    lab_wipe(entry, strlen(entry));
    return fine;
}

static bool read_option(struct options *o, struct keys *keys, int option)
{
    switch (option) {
    case OPT_ADDRESS:
        o->address = optarg;
        return true;
    case OPT_PORT:
        return read_port("port", optarg, &o->port);
    case OPT_SECURE_PORT:
        return read_port("secure-port", optarg, &o->secure_port);
    case OPT_PSK:
        return read_psk(keys, optarg);
    case OPT_PSK_FILE:
        return was_read("psk-file", keys_read(keys, optarg));
    case OPT_CERT:
        o->certificate = optarg;
        return true;
    case OPT_KEY:
        o->private_key = optarg;
        return true;
    case OPT_CA:
        o->trust = optarg;
        return true;
    case OPT_CERTIFIED:
        return told("certified", keys_add_certificate(keys, optarg));
    case OPT_DEFINITIONS:
        return was_read("definitions", definitions_read(optarg));
    case OPT_SCRIPT:
        o->script = optarg;
        return true;
    case OPT_SERVE:
        o->serve = true;
        return true;
    case OPT_JSON:
        o->json = true;
        return true;
    case OPT_TIMEOUT:
        return read_timeout(optarg, &o->timeout_ms);
    case 'v':
        o->verbose++;
        return true;
    default:
        fputs("linnet-lab: see linnet-lab --help\n", stderr); /* getopt has told what is wrong */
        return false;
    }
}

static bool fit_together(const struct options *o)
{
    if ((o->certificate == NULL) != (o->private_key == NULL))
        return wrong(o->certificate == NULL ? "key" : "cert", "--cert and --key belong together");
    if (o->trust != NULL && o->certificate == NULL)
        return wrong("ca", "needs --cert and --key");
    if (o->script != NULL && o->serve)
        return wrong("serve", "a script has commands");
    return true;
}

enum options_result options_read(struct options *o, struct keys *keys, int argc, char **argv)
{
    *o =
        (struct options) { .port = COAP_PORT, .secure_port = COAPS_PORT, .timeout_ms = TIMEOUT_MS };
    int option;
    while ((option = getopt_long(argc, argv, "vh", table, NULL)) != -1) {
        if (option == 'h' || option == OPT_VERSION) {
            fputs(option == 'h' ? usage : "linnet-lab " LAB_VERSION "\n", stdout);
            return OPTIONS_DONE;
        }
        if (!read_option(o, keys, option))
            return OPTIONS_WRONG;
    }
    if (optind < argc) {
        fprintf(stderr, "linnet-lab: %s: no argument is expected; see --help\n", argv[optind]);
        return OPTIONS_WRONG;
    }
    return fit_together(o) ? OPTIONS_RUN : OPTIONS_WRONG;
}
