# SPDX-License-Identifier: Apache-2.0
# Manual pages: man/NAME.N.scd becomes <build>/man/NAME.N, where scdoc is installed. LN_MAN_PAGES is
# the list of those whose program is built.

find_program(LN_SCDOC scdoc DOC "Makes the manual pages")
file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/man/*.scd")
if(NOT TARGET linnet_lab)
    list(FILTER sources EXCLUDE REGEX "/linnet-lab\\.")
endif()
if(NOT TARGET linnet_agent)
    list(FILTER sources EXCLUDE REGEX "/linnet-agent\\.")
endif()

set(LN_MAN_PAGES "")
if(LN_SCDOC)
    foreach(source IN LISTS sources)
        get_filename_component(page "${source}" NAME_WLE)
        set(page "${PROJECT_BINARY_DIR}/man/${page}")
        # By a file beside it: a page that scdoc refuses must not look finished to the next build.
        add_custom_command(OUTPUT "${page}"
            COMMAND ${CMAKE_COMMAND} -E make_directory "${PROJECT_BINARY_DIR}/man"
            COMMAND "${LN_SCDOC}" < "${source}" > "${page}.new"
            COMMAND ${CMAKE_COMMAND} -E rename "${page}.new" "${page}"
            DEPENDS "${source}"
            VERBATIM)
        list(APPEND LN_MAN_PAGES "${page}")
    endforeach()
    add_custom_target(man ALL DEPENDS ${LN_MAN_PAGES})
else()
    message(STATUS "No manual pages: they need scdoc")
endif()
