/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of agent/config*.c: what is taken, and the line that each error is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/keys.h"
#include "agent/utf8.h"

#include <stdio.h>
#include <string.h>

struct told {
    struct config_teller teller;
    char text[4096];
};

static void tell(void *user, enum ln_level level, const char *line)
{
    struct told *told = user;
    assert_int_equal(level, LN_LOG_ERROR);
    size_t used = strlen(told->text);
    (void)snprintf(told->text + used, sizeof told->text - used, "%s\n", line);
}

static struct told told_new(void)
{
    return (struct told) { .text = "" };
}

static bool read(struct config *config, struct told *told, const char *text)
{
    told->teller = (struct config_teller) { tell, told, 0 };
    return config_read_text(config, "f", text, strlen(text), &told->teller);
}

static void test_values(void **state)
{
    struct config *c = config_new();
    struct told told = told_new();
    (void)state;
    assert_non_null(c);
    assert_int_equal(c->log_level, LN_LOG_INFO);
    assert_int_equal(c->version, LN_LWM2M_1_1);
    assert_true(
        read(c, &told,
             "# comment\n[agent]\nendpoint = dev 1\nlog=debug\nlwm2m = 1.0\nqueue_mode = yes\n"
             "\n[server one]\nuri = coap://a\nssid = 7\n[server two]\nuri = coap://b\n"
             "store = no\n[firmware]\nafter_install = wait\n"));
    assert_string_equal(told.text, "");
    assert_string_equal(c->endpoint, "dev 1");
    assert_int_equal(c->log_level, LN_LOG_DEBUG);
    assert_int_equal(c->version, LN_LWM2M_1_0);
    assert_true(c->queue_mode);
    assert_int_equal(c->firmware.after, CONFIG_WAIT);
    assert_int_equal(c->server_count, 2);
    assert_int_equal(c->servers[0].ssid, 7);
    assert_int_equal(c->servers[0].lifetime_s, 86400);
    assert_true(c->servers[0].store);
    assert_string_equal(c->servers[1].name, "two");
    assert_false(c->servers[1].store);
    config_free(c);
}

static void test_errors(void **state)
{
    static const struct {
        const char *text;
        const char *said;
    } rows[] = {
        { "[agent]\nlog = loud\n",
          "f:2: [agent] log: 'loud' is not known; expected one of off, error, "
          "warn, info, debug\n" },
        { "[server a]\nlifetime = 1\n",
          "f:2: [server a] lifetime: '1'; expected a number from 20 to 2147483647\n" },
        { "[agent]\nendpoint =\n", "f:2: [agent] endpoint: nothing is given; expected NAME\n" },
        { "[agent]\n endpoint = x\n",
          "f:2: this line begins with a blank; expected its first letter in "
          "the first column\n" },
        { "[server]\nuri = a\n[agent]\nlog = info\n[server]\nuri = b\n",
          "f:6: the section [server] comes again, or there are too many; expected it once, and [server "
          "NAME] for more servers\n" },
        { "[agent]\nlogg = info\nlog = x\n",
          "f:2: [agent] has no key 'logg'; did you mean 'log'?\nf:3: [agent] log: 'x' is not known; "
          "expected one of off, error, warn, info, debug\n" },
        { "[nobody]\nx = 1\n",
          "f:2: there is no section [nobody]; expected [agent], [server], [server "
          "NAME], [device] or [firmware]\n" },
        { "[agent]\nwhat\n", "f:2: this line cannot be read; expected [section] or key = value\n" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config *c = config_new();
        struct told told = told_new();
        assert_non_null(c);
        assert_false(read(c, &told, rows[i].text));
        assert_string_equal(told.text, rows[i].said);
        config_free(c);
    }
}

static void test_nul_and_control_characters(void **state)
{
    static const char text[] = "[agent]\nendpoint = a\0b\nlog = \x01\n";
    struct config *c = config_new();
    struct told told = told_new();
    (void)state;
    told.teller = (struct config_teller) { tell, &told, 0 };
    assert_false(config_read_text(c, "f", text, sizeof text - 1, &told.teller));
    assert_int_equal(told.teller.errors, 2);
    assert_non_null(strstr(told.text, "f:2: there is a NUL"));
    assert_non_null(strstr(told.text, "f:3: [agent] log: '?'"));
    config_free(c);
}

static void test_too_many_servers(void **state)
{
    char text[1024] = "";
    struct config *c = config_new();
    struct told told = told_new();
    (void)state;
    for (int i = 0; i <= CONFIG_SERVERS_MAX; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "[server s%d]\nuri = coap://x\n", i);
    }
    assert_false(read(c, &told, text));
    assert_int_equal(c->server_count, CONFIG_SERVERS_MAX);
    assert_non_null(strstr(told.text, "expected at most 8 servers"));
    config_free(c);
}

/* Each row can be read back by its own default, and has what --help needs. */
static void test_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        assert_ptr_equal(config_key_named(key->section, key->name), key);
        assert_true(key->option == NULL || config_key_of_option(key->option) == key);
        assert_true(key->help != NULL && key->help[strlen(key->help) - 1] == '.');
        assert_true((key->type == CONFIG_BOOL) == (key->value == NULL));
        assert_true((key->type == CONFIG_WORD) == (key->words != NULL));
    }
}

static void test_utf8(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        { "", true },
        { "a\x7f", true },
        { "\xc2\x80\xdf\xbf", true },
        { "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80", true },
        { "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true },
        { "\x80", false },     /* nothing before it */
        { "\xc1\xbf", false }, /* longer than needed */
        { "\xe0\x9f\xbf", false },
        { "\xf0\x8f\xbf\xbf", false },
        { "\xed\xa0\x80", false },     /* a surrogate */
        { "\xf4\x90\x80\x80", false }, /* above 10FFFF */
        { "\xf5\x80\x80\x80", false },
        { "\xc2", false }, /* cut */
        { "\xe2\x82", false },
        { "\xf0\x90\x80", false },
        { "\xe2\x82"
          "a",
          false },
        { "\xe2\x82\xc0", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (utf8_is(rows[i].text, strlen(rows[i].text)) != rows[i].is)
            fail_msg("row %zu", i);
}

/* The manual page has every key, in the section of its name. */
static void test_the_manual(void **state)
{
    static char page[65536];
    FILE *file = fopen(LN_TESTS_DIR "/../man/linnet-agent.8.scd", "r");
    (void)state;
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < config_key_count; i++) {
        char heading[32];
        char word[40];
        (void)snprintf(heading, sizeof heading, "## [%s]", config_keys[i].section);
        (void)snprintf(word, sizeof word, "*%s*", config_keys[i].name);
        char *section = strstr(page, heading);
        assert_non_null(section);
        char *end = strstr(section + 1, "\n#");
        const char *found = strstr(section, word);
        if (found == NULL || end == NULL || found > end)
            fail_msg("linnet-agent(8) does not explain %s of %s", word, heading);
        (void)snprintf(word, sizeof word, "*--%s*", config_keys[i].option);
        if (config_keys[i].option != NULL && strstr(page, word) == NULL)
            fail_msg("linnet-agent(8) does not have the option %s", word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_nul_and_control_characters),
        cmocka_unit_test(test_too_many_servers),
        cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
