/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys. See keys.h. */
#include "keys.h"

#include <string.h>

static const char *const log_words[] = { "off", "error", "warn", "info", "debug", NULL };
static const char *const after_words[] = { "restart", "wait", "nothing", NULL };
static const char *const version_words[] = { "1.0", "1.1", "1.2", NULL };

#define C(member) offsetof(struct config, member)
#define S(member) offsetof(struct config_server, member)
#define TEXT(value) CONFIG_TEXT, value
#define FILE_ CONFIG_FILE, "FILE"
#define YES_NO CONFIG_BOOL, NULL

const struct config_key config_keys[] = {
    { "agent", "endpoint", "endpoint", TEXT("NAME"), NULL,
      "The endpoint client name, by which servers know this device.", C(endpoint), 1, 128, NULL },
    { "agent", "state", "state", CONFIG_PATH, "DIR", NULL,
      "The folder for what must survive: only this user may enter it. Default: $STATE_DIRECTORY of "
      "systemd, else /var/lib/linnet.",
      C(state), 0, 0, NULL },
    { "agent", "socket", "socket", CONFIG_PATH, "PATH", NULL,
      "The socket for `linnet status` and its sisters. Default: agent.sock in $RUNTIME_DIRECTORY of "
      "systemd, /run/linnet or $XDG_RUNTIME_DIR/linnet.",
      C(socket), 0, 0, NULL },
    { "agent", "socket_group", NULL, TEXT("GROUP"), NULL,
      "The group whose members may use the socket too.", C(socket_group), 1, 64, NULL },
    { "agent", "log", "log", CONFIG_WORD, "LEVEL", "info",
      "What is logged, this level and worse: off, error, warn, info or debug.", C(log_level),
      LN_LOG_OFF, 0, log_words },
    { "agent", "tls_library", "tls-library", TEXT("NAME"), NULL,
      "The TLS library, of those that are built in; --version names them. Mbed TLS has Connection "
      "ID.",
      C(tls_library), 1, 32, NULL },
    { "agent", "lwm2m", NULL, CONFIG_WORD, "VERSION", "1.1",
      "The newest version of LwM2M to register with: 1.0, 1.1 or 1.2.", C(version), LN_LWM2M_1_0, 0,
      version_words },
    { "agent", "queue_mode", NULL, YES_NO, "no", "Sleep between messages (queue mode).",
      C(queue_mode), 0, 0, NULL },
    { "agent", "ca", "ca", FILE_, NULL,
      "Certificates of those who sign servers' certificates, PEM or DER.", C(ca), 0, 0, NULL },
    { "agent", "system_trust", NULL, YES_NO, "no", "Trust the system's authorities too.",
      C(system_trust), 0, 0, NULL },
    { "agent", "insecure_legacy_server", "insecure-legacy-server", YES_NO, "no",
      "Also meet TLS servers without RFC 5746, as old Californium is.", C(insecure_legacy_server),
      0, 0, NULL },

    { "server", "uri", "server", TEXT("URI"), NULL,
      "Where the server is: coaps://HOST[:PORT] or coap://HOST[:PORT].", S(uri), 1, 255, NULL },
    { "server", "ssid", NULL, CONFIG_NUMBER, "NUMBER", NULL,
      "The short server id. Default: the lowest that is free.", S(ssid), 1, 65534, NULL },
    { "server", "lifetime", "lifetime", CONFIG_NUMBER, "SECONDS", "86400",
      "How long the registration lasts without an Update.", S(lifetime_s), 20, 2147483647, NULL },
    { "server", "binding", NULL, TEXT("LETTERS"), "U", "The binding modes; U must be among them.",
      S(binding), 1, 8, NULL },
    { "server", "store", NULL, YES_NO, "yes", "Keep notifications while the server is not reached.",
      S(store), 0, 0, NULL },
    { "server", "psk_identity", "psk-identity", TEXT("ID"), NULL,
      "The identity of the pre-shared key.", S(psk_identity), 1, 128, NULL },
    { "server", "psk_key", "psk-key", CONFIG_SECRET, "KEY", NULL,
      "The pre-shared key: @FILE or credential:NAME (of systemd) with hexadecimal digits in it, or "
      "the digits themselves.",
      S(psk_key), 0, 0, NULL },
    { "server", "certificate", "certificate", FILE_, NULL,
      "The device's own certificate with its issuers, PEM or DER.", S(certificate), 0, 0, NULL },
    { "server", "key", "key", FILE_, NULL, "Its private key, PEM or DER.", S(key), 0, 0, NULL },
    { "server", "server_certificate", "server-certificate", FILE_, NULL,
      "The server's certificate, or that of its authority (see usage), PEM or DER.",
      S(server_certificate), 0, 0, NULL },
    { "server", "usage", "usage", CONFIG_NUMBER, "NUMBER", "3",
      "What server_certificate is (RFC 6698): 0 and 2 an authority, 1 and 3 the server itself.",
      S(usage), 0, 3, NULL },
    { "server", "sni", NULL, TEXT("HOST"), NULL, "The name to verify instead of the URI's host.",
      S(sni), 1, 255, NULL },

    { "device", "manufacturer", NULL, TEXT("TEXT"), NULL,
      "3/0/0. Default: what the machine's firmware says.", C(device.manufacturer), 1, 128, NULL },
    { "device", "model", NULL, TEXT("TEXT"), NULL,
      "3/0/1. Default: what the machine's firmware says.", C(device.model), 1, 128, NULL },
    { "device", "serial", NULL, TEXT("TEXT"), NULL,
      "3/0/2. Default: the serial number of the machine, or its machine-id.", C(device.serial), 1,
      128, NULL },
    { "device", "firmware", NULL, TEXT("TEXT"), NULL, "3/0/3. Default: VERSION_ID of os-release.",
      C(device.firmware), 1, 128, NULL },
    { "device", "hardware", NULL, TEXT("TEXT"), NULL, "3/0/18. Default: the processor.",
      C(device.hardware), 1, 128, NULL },
    { "device", "software", NULL, TEXT("TEXT"), NULL, "3/0/19. Default: the version of this agent.",
      C(device.software), 1, 128, NULL },
    { "device", "type", NULL, TEXT("TEXT"), NULL, "3/0/17. Default: PRETTY_NAME of os-release.",
      C(device.type), 1, 128, NULL },
    { "device", "reboot", NULL, CONFIG_PATH, "PROGRAM", NULL,
      "What a server's Reboot (3/0/4) runs; without it the server is told that it is not possible.",
      C(device.reboot), 0, 0, NULL },

    { "firmware", "hook", "hook", CONFIG_PATH, "PROGRAM", NULL,
      "The program that verifies, installs and confirms an image; without it there is no Firmware "
      "Update.",
      C(firmware.hook), 0, 0, NULL },
    { "firmware", "after_install", NULL, CONFIG_WORD, "WORD", "restart",
      "What follows an installation: the agent executes its own program anew (restart), the hook "
      "restarts the machine (wait), or all is done (nothing).",
      C(firmware.after), 0, 0, after_words },
    { "firmware", "verify_timeout", NULL, CONFIG_NUMBER, "SECONDS", "300",
      "How long the hook may take to verify.", C(firmware.verify_s), 1, 86400, NULL },
    { "firmware", "install_timeout", NULL, CONFIG_NUMBER, "SECONDS", "900",
      "How long it may take to install.", C(firmware.install_s), 1, 86400, NULL },
    { "firmware", "confirm_timeout", NULL, CONFIG_NUMBER, "SECONDS", "300",
      "How long it may take to confirm.", C(firmware.confirm_s), 1, 86400, NULL },
    { "firmware", "ca", "firmware-ca", FILE_, NULL,
      "Authorities of servers that firmware is downloaded from, PEM or DER.", C(firmware.ca), 0, 0,
      NULL },
    { "firmware", "certificate", "firmware-certificate", FILE_, NULL,
      "The device's certificate for these servers, with its issuers.", C(firmware.certificate), 0,
      0, NULL },
    { "firmware", "key", "firmware-key", FILE_, NULL, "Its private key.", C(firmware.key), 0, 0,
      NULL },
    { "firmware", "system_trust", NULL, YES_NO, "no",
      "Trust the system's authorities for downloads.", C(firmware.system_trust), 0, 0, NULL },
    { "firmware", "size_max", NULL, CONFIG_NUMBER, "MIB", "0",
      "Refuse larger images, in MiB; 0 = no limit.", C(firmware.size_max_mib), 0, 1048576, NULL },
    { "firmware", "rate_max", NULL, CONFIG_NUMBER, "KIB", "0",
      "Download no faster than that, in KiB a second; 0 = no limit.", C(firmware.rate_max_kib), 0,
      1048576, NULL },
};
const size_t config_key_count = LN_COUNT_OF(config_keys);
_Static_assert(LN_COUNT_OF(config_keys) <= CONFIG_KEYS_MAX, "struct config has a line for each");

const struct config_key *config_key_named(const char *section, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (strcmp(config_keys[i].section, section) == 0 && strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}

const struct config_key *config_key_of_option(const char *option)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (config_keys[i].option != NULL && strcmp(config_keys[i].option, option) == 0)
            return &config_keys[i];
    return NULL;
}

bool config_has_section(const char *section)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (strcmp(config_keys[i].section, section) == 0)
            return true;
    return false;
}

/* How many letters two words begin or end with alike: enough to find a slip of the finger. */
static size_t likeness(const char *a, const char *b)
{
    size_t front = 0;
    size_t back = 0;
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    size_t shorter = a_len < b_len ? a_len : b_len;
    while (front < shorter && a[front] == b[front])
        front++;
    while (back < shorter - front && a[a_len - 1 - back] == b[b_len - 1 - back])
        back++;
    return front + back;
}

const struct config_key *config_key_like(const char *section, const char *name)
{
    const struct config_key *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        size_t alike = likeness(key->name, name);
        if (strcmp(key->section, section) != 0 || alike <= most || alike + 2 < strlen(key->name) ||
            alike + 2 < strlen(name))
            continue;
        best = key;
        most = alike;
    }
    return best;
}
