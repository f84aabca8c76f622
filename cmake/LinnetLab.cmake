# SPDX-License-Identifier: Apache-2.0
# lab/*.c is the program `linnet-lab`, built where its libraries are: libcoap >= 4.3.1 with GnuTLS,
# which is another implementation of CoAP and DTLS than ours, cJSON, libedit and expat. LN_LAB=OFF leaves
# it out, ON makes it an error if one is missing. Of ours it sees <linnet/*.h>, src/codec and src/base.

set(LN_LAB AUTO CACHE STRING "Build linnet-lab, the LwM2M server: AUTO (if its libraries are there), ON, OFF")
set_property(CACHE LN_LAB PROPERTY STRINGS AUTO ON OFF)

ln_sources(sources lab)
if(NOT LN_LAB STREQUAL "OFF" AND sources)
    find_package(PkgConfig REQUIRED)
    set(wanted "")
    if(NOT LN_LAB STREQUAL "AUTO")
        set(wanted REQUIRED)
    endif()
    pkg_check_modules(LINNET_LAB ${wanted} IMPORTED_TARGET
        "libcoap-3-gnutls >= 4.3.1" libcjson libedit expat)
    if(NOT LINNET_LAB_FOUND)
        message(STATUS "linnet-lab is left out: it needs libcoap-3-gnutls >= 4.3.1, libcjson, libedit and expat")
    endif()
endif()

if(LINNET_LAB_FOUND AND NOT LN_LAB STREQUAL "OFF")
    # The codecs once more, by themselves: the lab has no part of our sockets, TLS or CoAP in it, and a
    # shared liblinnet does not show what is internal.
    ln_sources(codecs src/codec)
    ln_sources(basics src/base)
    ln_sources(names src/registry)
    add_executable(linnet_lab ${sources} ${codecs} ${basics} ${names})
    ln_target_flags(linnet_lab)
    target_include_directories(linnet_lab PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include")
    target_compile_definitions(linnet_lab PRIVATE
        _XOPEN_SOURCE=700 LAB_VERSION="${PROJECT_VERSION}")
    target_link_libraries(linnet_lab PRIVATE PkgConfig::LINNET_LAB m)
    set_target_properties(linnet_lab PROPERTIES
        OUTPUT_NAME linnet-lab
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endif()
