/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: agent/config_file.c. Any text is read without harm; an error is one printable line. */
#include "fuzz/fuzz.h"

#include "agent/config.h"
#include "fuzz/check.h"

static void tell(void *user, enum ln_level level, const char *line)
{
    (void)user;
    CHECK(level == LN_LOG_ERROR);
    CHECK(line[0] != '\0');
    for (; *line != '\0'; line++)
        CHECK((unsigned char)*line >= ' ' && *line != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_teller teller = { tell, NULL, 0 };
    struct config *config = config_new();
    if (config == NULL)
        return 0;
    bool good = config_read_text(config, "f", (const char *)data, size, &teller);
    CHECK(good == (teller.errors == 0));
    CHECK(config->server_count <= CONFIG_SERVERS_MAX);
    CHECK(config_same_servers(config, config));
    config_free(config);
    return 0;
}
