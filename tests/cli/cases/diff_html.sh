# A page beside the answer: one file that allows its own script and style alone. What each path took on both sides is in it, names as data only.
python3 "$SOURCE/tests/consumers/comparison_logs.py" .
perftrace diff --html=page.html base head | tail -1
perftrace diff --html=- base head | cmp - page.html && echo "the same on standard output"
perftrace diff --html=- --output=out.txt base head; echo "exit code $?"
perftrace diff --html base/0.log base head; echo "exit code $?"
head -c 10 base/0.log; echo
python3 - <<'END'
import base64, hashlib, json, re
page = open("page.html").read()
policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1)
def kept(tag, directive):
    text, = re.findall("<%s>(.*?)</%s>" % (tag, tag), page, re.S)
    return "%s 'sha256-%s'" % (directive, base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()) in policy
print("the policy has the hash of the script, the style:", kept("script", "script-src"), kept("style", "style-src"))
data = dict(re.findall(r'<script type="application/json" id="(\w+)">\n(.*?)</script>', page, re.S))
print("data:", *data, json.loads(data["comparison"])["summary"])
flame = json.loads(data["flame"])
names = [None]
print("per", flame["per"], "left out", flame["left_out"])
for parent, function, base_calls, head_calls, base_ns, head_ns in flame["nodes"]:
    name, answer, per_call = flame["functions"][function]
    names.append(name)
    print("%s > %s: %s, calls %g -> %g, itself %g -> %g ns" % (names[parent], ascii(name), answer, base_calls, head_calls, base_ns, head_ns))
END
