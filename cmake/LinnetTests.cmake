# SPDX-License-Identifier: Apache-2.0
# tests/<folder>/test_<name>.c   -> a cmocka program, ctest name <folder>/<name>, label <folder>
# tests/unit/test_<layer>_<x>_small.c   the same, with src/<layer>/<x>_small.c in place of <x>.c
# tests/conform/test_tls_<name>.c   the same, once for each pair of TLS back ends, client first:
#                                   ctest name conform/tls_<name>[openssl-mbedtls]
# tests/fuzz/fuzz_<name>.c       -> a replay of tests/fuzz/corpus/<name>, ctest name fuzz/<name>;
#                                   with LN_FUZZ a libFuzzer program instead, for scripts/fuzz
# tests/support/*.c              -> linked to all of these; mk<name>.c: a program that makes test data;
#                                   sockdrive.c, lwdevice.c, coapdrive.c: programs that tests/interop drives
# tests/bench/[bench_]<name>.c   -> a program, built by the target `bench` only
# Programs are in <build>/tests/<folder>. Includes start at src/ and at tests/:
# "net/mem/mem.h", "support/oom.h".

find_package(OpenSSL 3.0 REQUIRED)
find_package(Threads REQUIRED)

# test_agent_<name>.c and fuzz_agent_<name>.c are about agent/, and are built where it is.

# ln_drop_unlinked(<variable>): of sources written on Mbed TLS itself, x_mbedtls.c, none without it.
function(ln_drop_unlinked variable)
    set(kept ${${variable}})
    if(NOT "mbedtls" IN_LIST LN_TLS_LIBRARIES)
        list(FILTER kept EXCLUDE REGEX "_mbedtls\\.c$")
    endif()
    if(NOT TARGET linnet_agent_parts)
        list(FILTER kept EXCLUDE REGEX "/(test|fuzz)_agent_[a-z]+\\.c$")
    endif()
    set(${variable} "${kept}" PARENT_SCOPE)
endfunction()

ln_sources(sources tests/support)
ln_drop_unlinked(sources)
list(FILTER sources EXCLUDE REGEX "/agentworld\\.c$") # linked to fault/test_agent_<name>.c alone
set(makers ${sources})
list(FILTER makers INCLUDE REGEX "/(mk[a-z0-9_]+|sockdrive|lwdevice|coapdrive)\\.c$")
list(FILTER sources EXCLUDE REGEX "/(mk[a-z0-9_]+|sockdrive|lwdevice|coapdrive)\\.c$")

# Of libmem_<library>.c those of the build; the tests themselves always use libcrypto.
set(hooks openssl ${LN_TLS_LIBRARIES})
list(REMOVE_DUPLICATES hooks)
list(FILTER sources EXCLUDE REGEX "/libmem_[a-z]+\\.c$")
set(list "")
foreach(library IN LISTS hooks)
    list(APPEND sources "${PROJECT_SOURCE_DIR}/tests/support/libmem_${library}.c")
    string(APPEND list "bool libmem_hook_${library}(void);\nvoid libmem_renew_${library}(void);\n")
endforeach()
list(JOIN hooks ", libmem_renew_" renewals)
list(JOIN hooks ", libmem_hook_" hooks)
file(CONFIGURE OUTPUT libmem_hooks.c @ONLY CONTENT "#include \"support/libmem.h\"
@list@bool (*const libmem_hooks[])(void) = { libmem_hook_@hooks@, NULL };
void (*const libmem_renewals[])(void) = { libmem_renew_@renewals@, NULL };
")
ln_add_library(tests_support STATIC ${sources} "${PROJECT_BINARY_DIR}/libmem_hooks.c")

# What each program under tests/ has.
function(ln_test_target target)
    target_include_directories(${target} PRIVATE
        "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")
    target_compile_definitions(${target} PRIVATE
        _POSIX_C_SOURCE=200809L
        LN_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests") # for files that a test reads
    target_link_libraries(${target} PRIVATE
        linnet_testkit linnet linnet_registry ${LN_LINKS} OpenSSL::SSL OpenSSL::Crypto
        Threads::Threads)
endfunction()
ln_test_target(tests_support)

# A back end that only the tests link, and its name: the conformity suite runs with it too.
set(LN_TEST_BACKENDS "")
set(LN_TEST_TLS "")
if(TARGET custom_tls_gnutls)
    list(APPEND LN_TEST_BACKENDS examples/06_custom_tls)
    list(APPEND LN_TEST_TLS gnutls)
endif()
ln_link_backends(tests_support tests_extra_backends ${LN_TEST_BACKENDS})

function(ln_add_test_program target folder output)
    add_executable(${target} ${ARGN})
    ln_target_flags(${target})
    ln_test_target(${target})
    if(target MATCHES "_agent_")
        target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}") # "agent/store.h"
        target_link_libraries(${target} PRIVATE linnet_agent_parts)
        if(folder STREQUAL "fault")
            target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/agentworld.c")
        endif()
    endif()
    target_link_libraries(${target} PRIVATE tests_support)
    foreach(call IN LISTS LN_WRAPS_${target})
        target_link_options(${target} PRIVATE "-Wl,--wrap=${call}")
    endforeach()
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME ${output}
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/${folder}")
endfunction()

# Calls of what is linked statically into a test that go to its __wrap_ functions.
set(LN_WRAPS_fault_agent_power
    open openat close ftruncate write pwrite fsync fdatasync renameat unlink unlinkat posix_spawn)
set(LN_WRAPS_fault_agent_sweep malloc calloc realloc strdup)
set(LN_WRAPS_fault_agent_hook
    malloc pipe2 fcntl posix_spawn posix_spawn_file_actions_addopen
    posix_spawn_file_actions_adddup2 read write waitid poll __poll_chk)

set(LN_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    # OpenSSL is not instrumented: its atomics are invisible and would look like races.
    "TSAN_OPTIONS=ignore_noninstrumented_modules=1:second_deadlock_stack=1")

function(ln_register_test name folder timeout)
    add_test(NAME ${name} COMMAND ${ARGN})
    set_tests_properties(${name} PROPERTIES
        LABELS ${folder}
        TIMEOUT ${timeout}
        ENVIRONMENT "${LN_TEST_ENVIRONMENT}")
endfunction()

# Programs that look at one side of a connection only, or at nothing that a pair would change: they
# run with each back end against itself. Tokens come by OpenSSL's providers.
set(LN_ONE_LIBRARY_TESTS tls_config tls_edges_config tls_formats)
set(LN_OPENSSL_TESTS tls_pkcs11)

# Programs about what is known of the libraries of the build alone: their hooks for memory.
set(LN_BUILT_IN_TESTS tls_sweep_library)

# ln_register_pairs(<name> <timeout> <target>): conform/<name>[<client>-<server>] for all pairs, told
# by LN_TEST_PAIR (tests/support/tlsrows.h). A back end of the tests meets the default one only.
function(ln_register_pairs name timeout target)
    list(GET LN_TLS_LIBRARIES 0 default)
    set(clients ${LN_TLS_LIBRARIES})
    set(others ${LN_TEST_TLS})
    if(name IN_LIST LN_OPENSSL_TESTS)
        list(FILTER clients INCLUDE REGEX "^openssl$")
    endif()
    if(name IN_LIST LN_OPENSSL_TESTS OR name IN_LIST LN_BUILT_IN_TESTS)
        set(others "")
    endif()
    foreach(client IN LISTS clients others)
        set(servers ${LN_TLS_LIBRARIES})
        if(client STREQUAL default)
            list(APPEND servers ${others})
        elseif(client IN_LIST others)
            set(servers ${default})
        endif()
        if(name IN_LIST LN_ONE_LIBRARY_TESTS OR name IN_LIST LN_OPENSSL_TESTS)
            set(servers ${client})
        endif()
        foreach(server IN LISTS servers)
            set(test "conform/${name}[${client}-${server}]")
            ln_register_test(${test} conform ${timeout} ${target})
            set_property(TEST ${test} APPEND PROPERTY
                ENVIRONMENT "LN_TEST_PAIR=${client}:${server}")
        endforeach()
    endforeach()
endfunction()

# ln_name(<source> <prefix> <variable>): "/x/test_span.c" -> "span"
function(ln_name source prefix variable)
    get_filename_component(name "${source}" NAME_WE)
    string(REGEX REPLACE "^${prefix}_" "" name "${name}")
    set(${variable} ${name} PARENT_SCOPE)
endfunction()

if(LN_TESTS)
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
    target_link_libraries(tests_support PRIVATE PkgConfig::CMOCKA)

    foreach(source IN LISTS makers)
        get_filename_component(name "${source}" NAME_WE)
        ln_add_test_program(${name} support ${name} ${source})
    endforeach()
    pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
    foreach(name IN ITEMS sockdrive lwdevice)
        if(TARGET ${name})
            target_link_libraries(${name} PRIVATE PkgConfig::CJSON)
        endif()
    endforeach()

    foreach(folder IN ITEMS unit prop fault sim conform golden)
        set(timeout ${LN_TEST_TIMEOUT})
        if(folder STREQUAL "unit")
            set(timeout 60)
        endif()
        file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${folder}/test_*.c")
        ln_drop_unlinked(sources)
        foreach(source IN LISTS sources)
            ln_name(${source} test name)
            set(target ${folder}_${name})
            if(name MATCHES "^([a-z0-9]+)_([a-z0-9_]+_small)$")
                # linked before the library, whose x.c is not asked for what x_small.c has
                list(APPEND source "${PROJECT_SOURCE_DIR}/src/${CMAKE_MATCH_1}/${CMAKE_MATCH_2}.c")
            endif()
            ln_add_test_program(${target} ${folder} test_${name} ${source})
            target_link_libraries(${target} PRIVATE PkgConfig::CMOCKA)
            if(folder STREQUAL "conform" AND name MATCHES "^tls_")
                ln_register_pairs(${name} ${timeout} ${target})
            else()
                ln_register_test(${folder}/${name} ${folder} ${timeout} ${target})
            endif()
        endforeach()
    endforeach()

    add_custom_target(bench)
    ln_sources(sources tests/bench)
    ln_drop_unlinked(sources)
    foreach(source IN LISTS sources)
        ln_name(${source} bench name)
        ln_add_test_program(bench_${name} bench bench_${name} ${source})
        target_link_libraries(bench_${name} PRIVATE PkgConfig::CMOCKA) # their servers check themselves
        set_target_properties(bench_${name} PROPERTIES EXCLUDE_FROM_ALL ON)
        add_dependencies(bench bench_${name})
    endforeach()
endif()

file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c")
ln_drop_unlinked(sources)
foreach(source IN LISTS sources)
    ln_name(${source} fuzz name)
    set(target fuzz_${name})
    if(LN_FUZZ)
        ln_add_test_program(${target} fuzz ${target} ${source})
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
        ln_add_test_program(${target} fuzz ${target}
            ${source} "${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.c")
        ln_register_test(fuzz/${name} fuzz ${LN_TEST_TIMEOUT}
            ${target} "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    endif()
endforeach()
