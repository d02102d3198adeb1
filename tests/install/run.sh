#!/bin/sh
# Builds a user's program against the installed package and looks at what comes out.
# run.sh BUILD HOW        HOW: cmake-static, cmake-shared, pkgconfig-shared, pkgconfig-static
# The package is installed from BUILD into a folder of its own, so that nothing of the source tree can help.
set -eu

build=$1 how=$2
project=$(cd "$(dirname "$0")/project" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
DESTDIR='' cmake --install "$build" --prefix "$scratch/installed" >/dev/null
mv "$scratch/installed" "$scratch/moved here" # it finds itself by where it lies
prefix="$scratch/moved here"
PERFTRACE="$prefix/bin/perftrace"
config=$(find "$prefix" -name perftrace.pc)
PKG_CONFIG_PATH=$(dirname "$config")
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH LD_LIBRARY_PATH
unset TRACE_FILE PERF_TRACE_FILTER RUST_LOG PERF_TRACE_LOG PERF_TRACE_CONSOLE PERF_TRACE_CHROME PERF_TRACE_FULL PERF_TRACE_AUTO

fail() {
    echo "$how: $*" >&2
    exit 1
}

with_cmake() { # TARGET TRACE
    cmake -S "$project" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$prefix" -DTARGET="$1" -DTRACE="$2" >"$scratch/log" 2>&1 &&
        cmake --build "$scratch/build" --clean-first >>"$scratch/log" 2>&1 || {
        cat "$scratch/log"
        fail "the CMake project does not build"
    }
    in_c=$scratch/build/in_c in_cpp=$scratch/build/in_cpp
}

# A user's makefile would say $(pkg-config --cflags --libs perftrace), which make splits as eval does here.
with_pkgconfig() { # pkg-config's and the compiler's flag: --static -static, or none; FEATURE
    in_c=$scratch/in_c in_cpp=$scratch/in_cpp
    flags="-Wall -Wextra -Wpedantic -Werror $2"
    (cd "$project"
        eval cc -std=gnu11 "$flags" main.c other.c -o '"$in_c"' $3 "$(pkg-config $1 --cflags --libs perftrace)"
        eval c++ -std=c++17 "$flags" main.cpp other.cpp -o '"$in_cpp"' $3 "$(pkg-config $1 --cflags --libs perftrace)")
}

build_program() { # ON or OFF
    feature=
    [ "$1" = OFF ] || feature=-DPERF_TRACE
    case $how in
    cmake-static) with_cmake perftrace::perftrace "$1" ;;
    cmake-shared) with_cmake perftrace::shared "$1" ;;
    pkgconfig-shared) with_pkgconfig "" "$feature" "" ;;
    pkgconfig-static) with_pkgconfig --static "$feature" -static ;;
    *) fail "no such way" ;;
    esac
}

needs_library() { # PROGRAM
    readelf -d "$1" | grep 'NEEDED.*libperftrace'
}

build_program OFF
for program in "$in_c" "$in_cpp"; do
    mkdir "$scratch/off"
    (cd "$scratch/off" && "$program" >/dev/null) || fail "$program without PERF_TRACE: exit code $?"
    [ -z "$(ls "$scratch/off")" ] || fail "without PERF_TRACE it leaves a file: $(ls "$scratch/off")"
    nm "$program" | grep -i perftrace && fail "without PERF_TRACE there are symbols in it"
    # perftrace::shared is the user's own word that the program needs it; pkg-config's flags leave that to the linker.
    [ "$how" = cmake-shared ] || ! needs_library "$program" || fail "without PERF_TRACE it needs the library"
    rmdir "$scratch/off"
done

build_program ON
for program in "$in_c" "$in_cpp"; do
    case $how in
    *-shared) needs_library "$program" >/dev/null || fail "it does not use the shared library" ;;
    *-static) ! needs_library "$program" || fail "it does not use the static library" ;;
    esac
    mkdir "$scratch/on"
    (cd "$scratch/on" && "$program" >/dev/null) || fail "$program with PERF_TRACE: exit code $?"
    "$PERFTRACE" info "$scratch/on/trace.ptrace" >"$scratch/info" || fail "perftrace info: exit code $?"
    [ -s "$scratch/info" ] || fail "perftrace info says nothing"
    python3 -m json.tool "$scratch/on/trace.json" >/dev/null || fail "trace.json is not JSON"
    eval cc '"$project/read.c"' -o '"$scratch/read"' "$(pkg-config --cflags --libs perftrace_reader)" || fail "read.c"
    "$scratch/read" "$scratch/on/trace.ptrace" >"$scratch/calls" || fail "the reading API: exit code $?"
    for expected in "30 user_round" "3 user_rounds" "3 user_work" "3 user_frame"; do
        grep -qx "$expected" "$scratch/calls" || fail "not in the trace: $expected: $(cat "$scratch/calls")"
    done
    rm -r "$scratch/on"
done

[ "$(pkg-config --modversion perftrace)" = "$("$PERFTRACE" --version | sed 's/^[^0-9]*//')" ] ||
    fail "pkg-config and perftrace --version differ"
