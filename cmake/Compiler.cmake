# How perftrace's own sources are compiled, and the functions that make its libraries. None of this reaches a
# user's program: everything is PRIVATE to the targets.

set(perftrace_warnings -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes)
set(perftrace_flags
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/= # __FILE__ without the path of the machine that built it
    $<$<COMPILE_LANGUAGE:C>:${perftrace_warnings}>
    $<$<BOOL:${PERFTRACE_WERROR}>:-Werror>)
# gcc clears and copies what is larger than a few words by `rep stos` and `rep movs`, which take some thirty cycles to start.
set(perftrace_strategy unrolled_loop:512:noalign,libcall:-1:noalign)
include(CheckCCompilerFlag)
check_c_compiler_flag(-mmemset-strategy=${perftrace_strategy} PERFTRACE_HAS_STRATEGIES)
if(PERFTRACE_HAS_STRATEGIES)
    list(APPEND perftrace_flags $<$<COMPILE_LANGUAGE:C>:-mmemset-strategy=${perftrace_strategy}>
        $<$<COMPILE_LANGUAGE:C>:-mmemcpy-strategy=${perftrace_strategy}>)
endif()
if(PERFTRACE_SANITIZE)
    add_compile_options(-fsanitize=${PERFTRACE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
        $<$<C_COMPILER_ID:GNU>:-Wno-tsan>) # fences, which it does not follow
    add_link_options(-fsanitize=${PERFTRACE_SANITIZE})
endif()

# perftrace_style(TARGET): warnings and language of everything in this repository.
function(perftrace_style target)
    target_compile_options(${target} PRIVATE ${perftrace_flags})
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11 C_STANDARD_REQUIRED ON
        CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON)
endfunction()

# perftrace_objects(NAME FOLDERS folder...): compiles every .c file of the folders, fit for both kinds of library.
# The only include folder is include/; other parts are included by relative path, which shows in the source.
function(perftrace_objects name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" FOLDERS)
    list(TRANSFORM arg_FOLDERS REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/\\1/*.c" OUTPUT_VARIABLE patterns)
    file(GLOB sources CONFIGURE_DEPENDS ${patterns})
    add_library(${name} OBJECT ${sources})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/include)
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
    perftrace_style(${name})
endfunction()

# perftrace_libraries(NAME OBJECTS target...): libNAME.a (target NAME_static) and libNAME.so (target NAME_shared).
function(perftrace_libraries name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" OBJECTS)
    list(TRANSFORM arg_OBJECTS REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
    add_library(${name}_static STATIC ${objects})
    add_library(${name}_shared SHARED ${objects})
    if(NOT PERFTRACE_SANITIZE) # clang leaves a sanitizer's own symbols to the program
        target_link_options(${name}_shared PRIVATE LINKER:-z,defs)
    endif()
    set_target_properties(${name}_shared PROPERTIES
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
    foreach(target ${name}_static ${name}_shared)
        set_target_properties(${target} PROPERTIES
            OUTPUT_NAME ${name}
            LINKER_LANGUAGE C
            ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib
            LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
        target_include_directories(${target} INTERFACE
            $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    endforeach()
endfunction()
