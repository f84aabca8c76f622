# SPDX-License-Identifier: Apache-2.0
# tests/<folder>/test_<name>.c   -> a cmocka program, ctest name <folder>/<name>, label <folder>
# tests/fuzz/fuzz_<name>.c       -> a replay of tests/fuzz/corpus/<name>, ctest name fuzz/<name>;
#                                   with LN_FUZZ a libFuzzer program instead, for scripts/fuzz
# tests/support/*.c              -> linked to all of these; mk<name>.c: a program that makes test data;
#                                   sockdrive.c, coapdrive.c: programs that tests/interop drives
# tests/bench/[bench_]<name>.c   -> a program, built by the target `bench` only
# Programs are in <build>/tests/<folder>. Includes start at src/ and at tests/:
# "net/mem/mem.h", "support/oom.h".

find_package(OpenSSL 3.0 REQUIRED)
find_package(Threads REQUIRED)

ln_sources(sources tests/support)
set(makers ${sources})
list(FILTER makers INCLUDE REGEX "/(mk[a-z0-9_]+|sockdrive|coapdrive)\\.c$")
list(FILTER sources EXCLUDE REGEX "/(mk[a-z0-9_]+|sockdrive|coapdrive)\\.c$")
ln_add_library(tests_support STATIC ${sources})

# What each program under tests/ has.
function(ln_test_target target)
    target_include_directories(${target} PRIVATE
        "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")
    target_compile_definitions(${target} PRIVATE
        _POSIX_C_SOURCE=200809L
        LN_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests") # for files that a test reads
    target_link_libraries(${target} PRIVATE
        linnet_testkit linnet OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
endfunction()
ln_test_target(tests_support)

function(ln_add_test_program target folder output)
    add_executable(${target} ${ARGN})
    ln_target_flags(${target})
    ln_test_target(${target})
    target_link_libraries(${target} PRIVATE tests_support)
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME ${output}
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/${folder}")
endfunction()

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
    if(TARGET sockdrive)
        pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
        target_link_libraries(sockdrive PRIVATE PkgConfig::CJSON)
    endif()

    foreach(folder IN ITEMS unit prop fault sim conform golden)
        set(timeout ${LN_TEST_TIMEOUT})
        if(folder STREQUAL "unit")
            set(timeout 60)
        endif()
        file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${folder}/test_*.c")
        foreach(source IN LISTS sources)
            ln_name(${source} test name)
            set(target ${folder}_${name})
            ln_add_test_program(${target} ${folder} test_${name} ${source})
            target_link_libraries(${target} PRIVATE PkgConfig::CMOCKA)
            ln_register_test(${folder}/${name} ${folder} ${timeout} ${target})
        endforeach()
    endforeach()

    add_custom_target(bench)
    ln_sources(sources tests/bench)
    foreach(source IN LISTS sources)
        ln_name(${source} bench name)
        ln_add_test_program(bench_${name} bench bench_${name} ${source})
        set_target_properties(bench_${name} PROPERTIES EXCLUDE_FROM_ALL ON)
        add_dependencies(bench bench_${name})
    endforeach()
endif()

file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c")
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
