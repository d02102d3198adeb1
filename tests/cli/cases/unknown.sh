perftrace anlyze
perftrace --vresion
perftrace frobnicate
perftrace analyze --tpo=3 x
perftrace analyze --format=jsn x
perftrace analyze --format x
perftrace analyze --top=many x
perftrace analyze --top=-1 x
perftrace analyze --top
perftrace analyze -x x
perftrace info --sites=yes x
perftrace analyze --html=page.html --format=json "$DATA/quickstart.log"
perftrace help nothing
