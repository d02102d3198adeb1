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

# Every include of a header of this project, as "FILE:LINE INCLUDED", both from the root of the tree. A name in quotes or
# brackets is looked for beside the file, then in include/; what is found nowhere is a system's header.
xargs grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]+["<]' /dev/null <"$scratch/sources" |
    awk -v list="$scratch/files" '
        function plain(path, parts, kept, count, depth, i) { # without "." and ".."
            count = split(path, parts, "/")
            for (i = 1; i <= count; i++) {
                if (parts[i] == ".." && depth > 0)
                    depth--
                else if (parts[i] != "." && parts[i] != "")
                    kept[++depth] = parts[i]
            }
            path = kept[1]
            for (i = 2; i <= depth; i++)
                path = path "/" kept[i]
            return path
        }
        BEGIN {
            while ((getline file <list) > 0)
                here[file] = 1
        }
        {
            split($0, where, ":")
            folder = where[1]
            sub("[^/]*$", "", folder)
            name = $0
            sub(/^[^<"]*[<"]/, "", name)
            sub(/[">].*/, "", name)
            target = plain(folder name)
            if (!(target in here))
                target = "include/" name
            if (target in here)
                print where[1] ":" where[2], target
        }' >"$scratch/includes"

# may_include PART PARTS...: files under PART include, of this project, only their own part's and these parts' headers.
may_include() {
    part=$1
    allowed=$(echo "$@" | tr ' ' '|')
    shift
    grep "^$part/" "$scratch/includes" | grep -vE " ($allowed)(/|\$)" | sed 's/ / includes /' |
        complain "$part/ may include only $part $*"
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

xargs wc -l <"$scratch/sources" | awk '$1 > 600 && $2 != "total" { print $2 ": " $1 " lines" }' | complain "longer than 600 lines"

xargs awk 'FNR == 1 && !/^(\/\*|\/\/) ?[^ ]/ { print FILENAME }' <"$scratch/sources" |
    complain "the first line does not say what the file is for"

grep -E '\.h$' "$scratch/sources" | grep -vE '/list\.h$' | # which are made to be included more than once
    xargs grep -LE '^#(ifndef|if !defined)' | complain "headers without a guard"

# ---- words ------------------------------------------------------------------------------------------------------

# In brackets, so that this file does not find itself.
xargs grep -nIE '\b([T]ODO|[F]IXME|[X]XX|[H]ACK|[W]IP|[T]BD)\b' /dev/null <"$scratch/texts" | complain "unfinished"
xargs grep -nIE '(^|[^A-Za-z0-9_.])/([h]ome|[r]oot|[w]ork|[U]sers)/[A-Za-z0-9_.]' /dev/null <"$scratch/texts" | complain "paths of a machine"
xargs grep -nIE '[[:space:]]+$' /dev/null <"$scratch/sources" | complain "space at the end of a line"

# ---- prose ------------------------------------------------------------------------------------------------------

# Words in `backticks`, and targets of [links](...), that look like a file of this tree: they are there.
grep -E '\.md$' "$scratch/texts" >"$scratch/documents"
{
    xargs grep -noE '`[A-Za-z0-9_./*-]+`' /dev/null <"$scratch/documents" | tr -d '`'
    xargs grep -noE '\]\([A-Za-z0-9_./-]+(#[^)]*)?\)' /dev/null <"$scratch/documents" | sed -E 's/\]\(//; s/(#[^)]*)?\)$//'
} | while IFS=: read -r file line name; do
    case $name in
    *'*'* | *NAME* | /* | ./* | *.ptrace | trace.json | build/*) continue ;; # patterns, and what programs write
    */ | */*.* | [A-Z]*.md | *.sh | *.c | *.h) ;;
    *) continue ;;
    esac
    [ -e "$name" ] || [ -e "${file%"${file##*/}"}$name" ] || echo "$file:$line: $name"
done | awk -v list="$scratch/files" '
    BEGIN {
        while ((getline file <list) > 0) { # by each of its ends: b.c and a/b.c name src/a/b.c
            here[file] = 1
            while (sub("^[^/]*/", "", file))
                here[file] = 1
        }
    }
    !($NF in here)' | complain "named in the documents, but not there"

[ ! -e "$scratch/failed" ]
