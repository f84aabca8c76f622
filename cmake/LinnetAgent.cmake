# SPDX-License-Identifier: Apache-2.0
# agent/*.c is the program `linnet-agent`, built on Linux where its libraries are: inih and cJSON.
# LN_AGENT=OFF leaves it out, ON makes it an error if one is missing. It sees <linnet/*.h> and nothing
# of src/. All of it but main.c is also the library `linnet_agent_parts`, for tests and fuzzing.

set(LN_AGENT AUTO CACHE STRING "Build linnet-agent: AUTO (if its libraries are there), ON, OFF")
set_property(CACHE LN_AGENT PROPERTY STRINGS AUTO ON OFF)

ln_sources(sources agent)
if(NOT LN_AGENT STREQUAL "OFF" AND sources AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
    find_package(PkgConfig REQUIRED)
    set(wanted "")
    if(NOT LN_AGENT STREQUAL "AUTO")
        set(wanted REQUIRED)
    endif()
    pkg_check_modules(LINNET_AGENT ${wanted} IMPORTED_TARGET inih libcjson)
    if(NOT LINNET_AGENT_FOUND)
        message(STATUS "linnet-agent is left out: it needs inih and libcjson")
    endif()
endif()

if(LINNET_AGENT_FOUND AND NOT LN_AGENT STREQUAL "OFF")
    set(parts ${sources})
    list(FILTER parts EXCLUDE REGEX "/main\\.c$")
    add_library(linnet_agent_parts STATIC ${parts})
    ln_target_flags(linnet_agent_parts)
    target_compile_definitions(linnet_agent_parts
        PRIVATE _GNU_SOURCE LN_PROGRAM_VERSION="${PROJECT_VERSION}")
    target_link_libraries(linnet_agent_parts
        PUBLIC Linnet::linnet Linnet::registry PkgConfig::LINNET_AGENT m)
endif()

if(TARGET linnet_agent_parts AND LN_PROGRAMS)
    add_executable(linnet_agent agent/main.c)
    ln_target_flags(linnet_agent)
    target_link_libraries(linnet_agent PRIVATE linnet_agent_parts)
    set_target_properties(linnet_agent PROPERTIES
        OUTPUT_NAME linnet-agent
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endif()
