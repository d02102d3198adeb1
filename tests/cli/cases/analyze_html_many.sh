# A page stays small enough for a browser: of very many paths it has the longest, and says how many it leaves out.
python3 - >many_paths.log <<'END'
for number in range(2, 30002):
    print("PERF_TRACE|%d|f%d|caller=main|elapsed_ms=%d|elapsed_us=%d|parent_call=1|thread=1" % (number, number, number // 1000, number))
print("PERF_TRACE|1|main|caller=unknown|elapsed_ms=460000|parent_call=0|thread=1")
END
perftrace analyze --html=page.html many_paths.log
python3 - <<'END'
import json, re
page = open("page.html").read()
data = dict(re.findall(r'<script type="application/json" id="(\w+)">\n(.*?)</script>', page, re.S))
flame, calls = json.loads(data["flame"]), json.loads(data["calls"])
names = [flame["functions"][node[1]] for node in flame["nodes"]]
print("frames:", len(names), "left out:", flame["left_out"], "first:", names[:3])
print("parents come first:", all(node[0] <= at for at, node in enumerate(flame["nodes"])))
print("the shortest is longer than those left out:", min(node[3] for node in flame["nodes"]) >= 10000000)
print("calls are bounded:", 2500 <= len(calls["calls"]) < 40000)
END
