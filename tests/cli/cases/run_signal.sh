perftrace run -- sh -c "trap \"echo got it; exit 3\" TERM; echo ready; while :; do sleep 0.05; done" >out 2>/dev/null &
until grep -q ready out 2>/dev/null; do sleep 0.05; done
kill $!
wait $!
echo "exit $?"
cat out
