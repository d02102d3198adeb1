#!/bin/sh
# What a reader of the tree may rely on, and no compiler checks: the order of the parts (who may include whom), files that
# one can read in a sitting, nothing unfinished, nothing of the machine it was written on, prose that names real files.
set -u
cd "$(dirname "$0")/.." || exit 2

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

complain() { # WHAT: on standard input where, if anywhere
    cat >"$scratch/wrong"
    [ -s "$scratch/wrong" ] || return 0
    echo "$1:"
    sed 's/^/    /' "$scratch/wrong"
    touch "$scratch/failed" # not a variable: this runs in a pipeline
}

# The files of the project: those that git would take, or, in an unpacked archive, all but what was built.
files() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard
    else
        find . -path ./build -prune -o -type f -print | sed 's|^\./||'
    fi | while read -r file; do [ ! -f "$file" ] || echo "$file"; done
}
files >"$scratch/files"
grep -E '\.(c|h|cpp|sh|py|js|cmake|md|txt|in|1|3|5|7)$|/run$|(^|/)Makefile$|CMakePresets.json$' "$scratch/files" >"$scratch/texts"
grep -E '\.(c|h|cpp)$' "$scratch/files" >"$scratch/sources"

# ---- who may include whom ---------------------------------------------------------------------------------------

# may_include PART PARTS...: files under PART include, of this project, only their own part's and these parts' headers.
may_include() {
    part=$1
    shift
    allowed=$(echo "$part" "$@" | tr ' ' '|')
    grep "^$part/" "$scratch/sources" | xargs -r grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]+["<]' /dev/null |
        while IFS=: read -r file line text; do
            name=$(echo "$text" | sed -E 's/.*include[[:space:]]+["<]([^">]*)[">].*/\1/')
            target=$(realpath -m --relative-to=. "$(dirname "$file")/$name")
            [ -e "$target" ] || target=include/$name
            [ -e "$target" ] || continue # a system's header
            echo "$target" | grep -qE "^($allowed)(/|$)" || echo "$file:$line includes $target"
        done | complain "$part/ may include only $part $*"
}

items=include/perftrace_items.h
reading="include/perftrace_reader.h $items"
may_include include
may_include format
may_include core format $items
may_include runtime core format include
may_include reader core format $reading
may_include analysis core $reading
may_include tool analysis core format include/perftrace_config.h $reading
may_include examples include

# Within the tool: the commands are on top, support is at the bottom; what is below does not know what is above (but for
# commands/command.h, which says what an option is).
not_include() { # PART FOLDERS: files under PART do not include what lies in FOLDERS (a|b)
    grep "^$1/" "$scratch/sources" | xargs -r grep -nE "^#include \"(.*/)?($2)/" /dev/null |
        grep -v 'commands/command.h"' | complain "$1/ may not include headers of $2"
}
not_include tool/import commands
not_include tool/export commands
not_include tool/report commands
not_include tool/verdict commands
not_include tool/support 'commands|import|export|report|verdict'

# ---- files ------------------------------------------------------------------------------------------------------

while read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || echo "$file: $lines lines"
done <"$scratch/sources" | complain "longer than 600 lines"

while read -r file; do
    head -1 "$file" | grep -qE '^(/\*|//) ?[^ ]' || echo "$file"
done <"$scratch/sources" | complain "the first line does not say what the file is for"

grep -E '\.h$' "$scratch/sources" | while read -r file; do
    case $file in */list.h) continue ;; esac # made to be included more than once
    grep -qE '^#(ifndef|if !defined)' "$file" || echo "$file"
done | complain "headers without a guard"

# ---- words ------------------------------------------------------------------------------------------------------

# In brackets, so that this file does not find itself.
xargs grep -nIE '\b([T]ODO|[F]IXME|[X]XX|[H]ACK|[W]IP|[T]BD)\b' /dev/null <"$scratch/texts" | complain "unfinished"
xargs grep -nIE '(^|[^A-Za-z0-9_.])/([h]ome|[r]oot|[w]ork|[U]sers)/[A-Za-z0-9_.]' /dev/null <"$scratch/texts" | complain "paths of a machine"
xargs grep -nIE '[[:space:]]+$' /dev/null <"$scratch/sources" | complain "space at the end of a line"

# ---- prose ------------------------------------------------------------------------------------------------------

# Words in `backticks`, and targets of [links](...), that look like a file of this tree: they are there.
grep -E '\.md$' "$scratch/texts" | while read -r file; do
    {
        grep -noE '`[A-Za-z0-9_./*-]+`' "$file" | tr -d '`'
        grep -noE '\]\([A-Za-z0-9_./-]+(#[^)]*)?\)' "$file" | sed -E 's/\]\(//; s/(#[^)]*)?\)$//'
    } | while IFS=: read -r line name; do
        case $name in
        *'*'* | *NAME* | /* | ./* | *.ptrace | trace.json | build/*) continue ;; # patterns, and what programs write
        */ | */*.* | [A-Z]*.md | *.sh | *.c | *.h) ;;
        *) continue ;;
        esac
        [ -e "$name" ] || [ -e "$(dirname "$file")/$name" ] || grep -qE "(^|/)$(echo "$name" | sed 's/[.]/\\./g')\$" "$scratch/files" ||
            echo "$file:$line: $name"
    done
done | complain "named in the documents, but not there"

[ ! -e "$scratch/failed" ]
