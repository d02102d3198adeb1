# What `install` puts where: headers, libraries, the command, its manual pages, and what CMake and pkg-config need
# to find them. Everything refers to its own place, so that the installed tree can be moved.

include(CMakePackageConfigHelpers)

install(DIRECTORY include/ TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(TARGETS perftrace_tool)

set_target_properties(perftrace_static PROPERTIES EXPORT_NAME perftrace)
set_target_properties(perftrace_shared PROPERTIES EXPORT_NAME shared)
set_target_properties(perftrace_reader_static PROPERTIES EXPORT_NAME reader)
set_target_properties(perftrace_reader_shared PROPERTIES EXPORT_NAME reader_shared)
install(TARGETS perftrace_static perftrace_shared perftrace_reader_static perftrace_reader_shared
    EXPORT perftraceTargets)

file(GLOB manual_pages CONFIGURE_DEPENDS docs/man/*.[1-8])
foreach(page ${manual_pages})
    string(REGEX REPLACE ".*\\." "" section ${page})
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/perftrace)
install(EXPORT perftraceTargets NAMESPACE perftrace:: DESTINATION ${package_dir})
configure_package_config_file(cmake/perftraceConfig.cmake.in perftraceConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(perftraceConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/perftraceConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/perftraceConfigVersion.cmake
    DESTINATION ${package_dir})

set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pkgconfig_to_prefix /${pkgconfig_dir} /)
foreach(module perftrace perftrace_reader)
    configure_file(cmake/${module}.pc.in ${module}.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${module}.pc DESTINATION ${pkgconfig_dir})
endforeach()
