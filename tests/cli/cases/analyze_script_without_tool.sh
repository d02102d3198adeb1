cp "$SOURCE/analyze_perf_traces.sh" .
mkdir bin
ln -s "$(command -v dirname)" bin/dirname
PATH=$PWD/bin ./analyze_perf_traces.sh "$DATA/quickstart.log"
code=$?
./analyze_perf_traces.sh
echo "exit $code and $?"
