/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/registry: that what objects.inc holds is found, by id and by name. */
#include <linnet/registry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_known_objects(void **state)
{
    (void)state;
    struct ln_registry_object o;
    assert_true(ln_registry_object(3, &o));
    assert_int_equal(o.id, 3);
    assert_string_equal(o.name, "Device");
    assert_string_equal(o.version, "1.2");
    assert_string_equal(o.urn, "urn:oma:lwm2m:oma:3:1.2");
    assert_true(o.mandatory && !o.multiple);
    assert_true(ln_registry_object(0, &o));
    assert_true(o.mandatory && o.multiple);
    assert_false(ln_registry_object(65535, &o));
    assert_int_equal(o.id, 0);
}

static void test_known_resources(void **state)
{
    (void)state;
    const struct {
        uint16_t object;
        uint16_t id;
        const char *name;
        unsigned operations;
        enum ln_value_type type;
        bool multiple;
        bool mandatory;
    } rows[] = {
        { 0, 0, "LWM2M Server URI", 0, LN_VALUE_STRING, false, true },
        { 1, 1, "Lifetime", LN_REGISTRY_READ | LN_REGISTRY_WRITE, LN_VALUE_INTEGER, false, true },
        { 1, 8, "Registration Update Trigger", LN_REGISTRY_EXECUTE, LN_VALUE_NONE, false, true },
        { 3, 6, "Available Power Sources", LN_REGISTRY_READ, LN_VALUE_INTEGER, true, false },
        { 3, 9, "Battery Level", LN_REGISTRY_READ, LN_VALUE_INTEGER, false, false },
        { 3, 13, "Current Time", LN_REGISTRY_READ | LN_REGISTRY_WRITE, LN_VALUE_TIME, false,
          false },
        { 5, 0, "Package", LN_REGISTRY_WRITE, LN_VALUE_OPAQUE, false, true },
        { 3303, 5700, "Sensor Value", LN_REGISTRY_READ, LN_VALUE_FLOAT, false, true },
        { 3442, 0, "Reset values", LN_REGISTRY_EXECUTE, LN_VALUE_NONE, false, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ln_registry_resource r;
        print_message("  /%u/%u\n", rows[i].object, rows[i].id);
        assert_true(ln_registry_resource(rows[i].object, rows[i].id, &r));
        assert_int_equal(r.id, rows[i].id);
        assert_string_equal(r.name, rows[i].name);
        assert_int_equal(r.operations, rows[i].operations);
        assert_int_equal(r.type, rows[i].type);
        assert_int_equal(r.multiple, rows[i].multiple);
        assert_int_equal(r.mandatory, rows[i].mandatory);
    }
    struct ln_registry_resource r = { .id = 7 };
    assert_false(ln_registry_resource(3, 65534, &r));
    assert_false(ln_registry_resource(65534, 0, &r));
    assert_int_equal(r.id, 7);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const same[] = { "Connectivity Monitoring", "connectivity-monitoring",
                                        "ConnectivityMonitoring", " CONNECTIVITY_monitoring. " };
    struct ln_registry_object o;
    struct ln_registry_resource r;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_true(ln_registry_object_named(ln_span_str(same[i]), &o));
        assert_int_equal(o.id, 4);
    }
    assert_false(ln_registry_object_named(ln_span_str("Connectivity"), &o));
    assert_false(ln_registry_object_named(ln_span_str("Connectivity Monitoring 2"), &o));
    assert_false(ln_registry_object_named(ln_span_str(""), &o));
    assert_false(ln_registry_object_named(ln_span_str("---"), &o));
    assert_true(ln_registry_resource_named(3, ln_span_str("battery level"), &r));
    assert_int_equal(r.id, 9);
    assert_false(ln_registry_resource_named(4, ln_span_str("battery level"), &r));
    assert_false(ln_registry_resource_named(65534, ln_span_str("battery level"), &r));
}

/* The whole table: in order, and what is listed is found. */
static void test_the_table(void **state)
{
    (void)state;
    struct ln_registry_object o;
    struct ln_registry_object again;
    size_t resources = 0;
    size_t untyped = 0;
    assert_true(ln_registry_count() > 300);
    for (size_t i = 0; i < ln_registry_count(); i++) {
        int last = i > 0 ? o.id : -1;
        assert_true(ln_registry_object_at(i, &o));
        assert_true((int)o.id > last);
        assert_true(ln_registry_object(o.id, &again) && again.name == o.name);
        assert_true(ln_registry_object_named(ln_span_str(o.name), &again) && again.id <= o.id);
        int last_resource = -1;
        for (size_t k = 0; k < o.resources; k++) {
            struct ln_registry_resource r;
            struct ln_registry_resource found;
            assert_true(ln_registry_resource_at(o.id, k, &r));
            assert_true((int)r.id > last_resource);
            last_resource = r.id;
            assert_true(ln_registry_resource(o.id, r.id, &found) && found.name == r.name);
            assert_true(ln_registry_resource_named(o.id, ln_span_str(r.name), &found));
            assert_true(r.type == LN_VALUE_NONE || r.operations != LN_REGISTRY_EXECUTE);
            untyped += r.type == LN_VALUE_NONE && r.operations != LN_REGISTRY_EXECUTE ? 1 : 0;
        }
        struct ln_registry_resource none;
        assert_false(ln_registry_resource_at(o.id, o.resources, &none));
        resources += o.resources;
    }
    assert_false(ln_registry_object_at(ln_registry_count(), &o));
    assert_true(resources > 3000);
    assert_true(untyped <= 1); /* /10482/x/5, for which OMA forgot it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_objects),
        cmocka_unit_test(test_known_resources),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
