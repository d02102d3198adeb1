#!/bin/sh
# Makes the pictures of docs/engine.md: engine_picture.sh BUILD [FOLDER]. The city from above, and three of its frames in
# DevTools' performance panel, as it is and with the other way to look for collisions.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
pictures=${2:-$source/docs}
"$source/scripts/deps.sh" demo consumers
modules=$("$source/scripts/consumer_modules.sh" "$build")

folder=$build/consumers/engine_picture
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
TRACE_FILE=city.json "$build/bin/city_demo_baseline" --frames 1800 --picture engine_city.png
TRACE_FILE=mended.json "$build/bin/city_demo_baseline" --frames 300 --broadphase quadtree
TRACE_FILE=baseline.json "$build/bin/city_demo_baseline" --frames 300
for trace in baseline mended; do
    # Three frames that nothing from outside has come into: those whose longest is the shortest.
    frame=$("$build/bin/perftrace" convert --to csv --output - $trace.ptrace | awk -F, '
        $2 == "update_frame" { took[++frames] = $10 }
        END {
            for (i = 50; i + 2 <= frames; i++) {
                longest = took[i]
                for (k = i + 1; k < i + 3; k++) if (took[k] > longest) longest = took[k]
                if (!best || longest < shortest) { best = i; shortest = longest }
            }
            print best
        }')
    node "$source/scripts/devtools_picture.js" "$modules" $trace.json engine_$trace.png update_frame "$frame" $((frame + 2))
done
cp engine_*.png "$pictures/"
echo "made $pictures/engine_city.png, engine_baseline.png, engine_mended.png"
