perftrace convert "$DATA/quickstart.log" -o out.folded && cat out.folded
perftrace convert "$DATA/hostile.log" -t folded -o -
