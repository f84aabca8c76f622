# SPDX-License-Identifier: Apache-2.0
# ln_target_flags(<target>): the language, warnings and hardening that each of our targets has.
# Flags belong to targets, never to the directory, so that a project which embeds us keeps its own.

include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

set(LN_WARNINGS
    -Wall -Wextra -Wpedantic
    -Wconversion -Wsign-conversion -Wdouble-promotion
    -Wswitch-enum -Wimplicit-fallthrough
    -Wshadow -Wundef -Wvla
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wformat=2 -Wwrite-strings -Wcast-qual -Wcast-align -Wpointer-arith)
set(LN_WARNINGS_IF_KNOWN # of gcc only
    -Wlogical-op -Wduplicated-cond -Wtrampolines -Walloc-zero -Wjump-misses-init)
set(LN_HARDENING_IF_KNOWN # of some processors only
    -fstack-protector-strong -fstack-clash-protection -fcf-protection)
set(LN_HARDENING_LINK_IF_KNOWN
    -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
set(LN_PIC ON)
if(CMAKE_SYSTEM_NAME STREQUAL "Generic")
    # Bare metal: nobody relocates a program, and what would be called on a smashed stack or a full
    # buffer is the loader's or the C library's of a system.
    set(LN_HARDENING_IF_KNOWN "")
    set(LN_HARDENING_LINK_IF_KNOWN "")
    set(LN_PIC OFF)
endif()

# ln_keep_known(<list> LINKER|COMPILER): drop from the list what this toolchain does not know.
function(ln_keep_known list kind)
    set(known "")
    foreach(flag IN LISTS ${list})
        string(MAKE_C_IDENTIFIER "LN_HAS${flag}" result)
        if(kind STREQUAL "LINKER")
            check_linker_flag(C "${flag}" ${result})
        else()
            # -Werror: clang only warns about a flag that it does not know
            set(CMAKE_REQUIRED_FLAGS -Werror)
            check_c_compiler_flag("${flag}" ${result})
            unset(CMAKE_REQUIRED_FLAGS)
        endif()
        if(${result})
            list(APPEND known "${flag}")
        endif()
    endforeach()
    set(${list} "${known}" PARENT_SCOPE)
endfunction()
ln_keep_known(LN_WARNINGS_IF_KNOWN COMPILER)
ln_keep_known(LN_HARDENING_IF_KNOWN COMPILER)
ln_keep_known(LN_HARDENING_LINK_IF_KNOWN LINKER)
list(APPEND LN_WARNINGS ${LN_WARNINGS_IF_KNOWN})

set(LN_HARDENING ${LN_HARDENING_IF_KNOWN})
if(NOT LN_SANITIZE AND NOT CMAKE_SYSTEM_NAME STREQUAL "Generic") # the checks of both would get in each other's way
    list(APPEND LN_HARDENING -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
set(LN_OPTIMISED "$<CONFIG:Release,RelWithDebInfo,MinSizeRel>")

set(LN_INSTRUMENT "")
if(LN_SANITIZE)
    list(APPEND LN_INSTRUMENT
        -fsanitize=${LN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()
if(LN_FUZZ)
    list(APPEND LN_INSTRUMENT -fsanitize=fuzzer-no-link)
endif()
if(LN_COVERAGE)
    list(APPEND LN_INSTRUMENT --coverage)
endif()

function(ln_target_flags target)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11
        C_STANDARD_REQUIRED ON
        C_EXTENSIONS OFF
        C_VISIBILITY_PRESET hidden
        POSITION_INDEPENDENT_CODE ${LN_PIC})
    target_compile_options(${target} PRIVATE
        ${LN_WARNINGS}
        $<$<BOOL:${LN_WERROR}>:-Werror>
        "$<${LN_OPTIMISED}:${LN_HARDENING}>"
        ${LN_INSTRUMENT})
    target_link_options(${target} PRIVATE
        "$<${LN_OPTIMISED}:${LN_HARDENING_LINK_IF_KNOWN}>"
        ${LN_INSTRUMENT})
endfunction()
