# One file, private, that allows its own script and style alone; never in the place of something else.
perftrace analyze --html=page.html "$DATA/quickstart.log"; echo "exit code $?"
stat -c %a page.html
perftrace analyze --html=- "$DATA/quickstart.log" | cmp - page.html && echo "the same on standard output"
perftrace analyze --html page.html "$DATA/quickstart.log" && echo "a page is replaced"
python3 - <<'END'
import base64, hashlib, html.parser, json, re
page = open("page.html").read()
policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1)
def kept(tag, directive):
    text, = re.findall("<%s>(.*?)</%s>" % (tag, tag), page, re.S)
    hash = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return "%s 'sha256-%s'" % (directive, hash) in policy
print("the policy has the hash of the script, the style:", kept("script", "script-src"), kept("style", "style-src"))
print(re.sub("sha256-[^']*", "sha256-…", policy))
print("addresses in it, but for that of a namespace:", set(re.findall(r"https?:[^\s\"']*", page)) - {"http://www.w3.org/2000/svg"})
data = dict(re.findall(r'<script type="application/json" id="(\w+)">\n(.*?)</script>', page, re.S))
report, calls = json.loads(data["report"]), json.loads(data["calls"])
print("calls:", report["totals"]["calls"], len(calls["calls"]), "functions:", sorted(calls["functions"]))
END
cp "$DATA/quickstart.log" copy.log
perftrace analyze --html copy.log "$DATA/quickstart.log"; echo "exit code $?"
cmp copy.log "$DATA/quickstart.log" && echo "the log is as it was"
perftrace analyze --html=none.html missing.log; echo "exit code $?"
perftrace analyze --html=none.html; echo "exit code $?"
perftrace analyze --html=no/such/folder.html "$DATA/quickstart.log"; echo "exit code $?"
ls
# Names that would be more than names: the page's elements are the same, whatever the data.
{
    cat "$DATA/hostile.log"
    echo 'PERF_TRACE|91|</script><img src=x onerror=hit()>|caller=<!-- <script>|text=]]></style><b>|elapsed_ms=1'
} >hostile.log
perftrace analyze --html=hostile.html hostile.log
python3 - <<'END'
import html.parser, json
class Elements(html.parser.HTMLParser):
    def __init__(self, name):
        super().__init__()
        self.found, self.data = [], []
        self.feed(open(name, encoding="utf-8").read())
    def handle_starttag(self, tag, attributes):
        self.found.append((tag, [value for key, value in attributes if key in ("id", "type")]))
    def handle_data(self, text):
        if self.found and self.found[-1][0] == "script" and self.found[-1][1]:
            self.data.append(text)
plain, hostile = Elements("page.html"), Elements("hostile.html")
print("the same elements:", plain.found == hostile.found, len(plain.found))
print("all data is JSON:", [type(json.loads(text)).__name__ for text in hostile.data if text.strip()])
END
