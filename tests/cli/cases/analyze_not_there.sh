# Names that nothing in the input has are no answer, and the nearest that it has is told.
for option in --function=qurey_records --function='qu*' --caller=load_nod --thread=77 --since=5h --min-ms=99999 --group-by=part_di --group-by=found,nothing \
    --ignore=nod_id --ignore='x*'; do
    echo "== $option"
    perftrace analyze "$option" "$DATA/quickstart.log" 2>&1 >report
    echo "exit $?, $(sed -n 4p report)"
done
