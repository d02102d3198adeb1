# What everything.c recorded, as the Chrome file must say it: [{name, fine}], one for each statement.

def hard: "quote \" backslash \\ slash / tab \t newline \n escape \u001b nul-free \u007f emoji \ud83d\udc0e </script>";
def check($name; condition): {name: $name, fine: ((try condition catch false) == true)};

.traceEvents as $events
| def of($ph; $name): [$events[] | select(.ph == $ph and .name == $name)];
  def begin($name): of("B"; $name)[0].args;
  def end_of($name): of("E"; $name)[0].args;
  def track_of($name): [$events[] | select(.name == $name and .ph == "B")][0].tid as $tid
    | [$events[] | select(.name == "thread_name" and .tid == $tid)][-1].args.name;
[
  check("the process is named"; of("M"; "process_name")[-1].args.name == "everything \"here\""),
  check("a thread is named"; track_of("work") == "worker \ud83d\udd27"),
  check("a GPU queue is a track of that name"; track_of("gpu pass") == "GPU queue 0"),
  check("a fiber is a track of that name"; track_of("fiber slice") == "fiber \"one\""),
  check("the target is the category"; of("B"; "outer")[0].cat == "every \"thing\""),
  check("integers beyond 2^53 keep their digits";
    begin("integers") | [.smallest, .largest] == ["-9223372036854775808", "18446744073709551615"]),
  check("integers up to 2^53 are numbers"; begin("integers") | [.exact, .minus, .char] == [9007199254740992, -1, 65]),
  check("bools"; begin("integers") | [.no, .yes] == [false, true]),
  check("doubles"; begin("numbers") | [.tenth, .huge, .zero] == [0.1, 1e300, 0]),
  check("doubles that JSON does not know"; begin("numbers") | [.nan, .infinite] == ["NaN", "Infinity"]),
  check("a hard text as a value"; begin("texts").hard == hard),
  check("a hard text as a key"; begin("texts")[hard] == 1),
  check("a hard text as a metric"; end_of("texts").metric == hard),
  check("a hard text as a span's name"; of("B"; hard) | length == 1),
  check("a hard text as an event's name and value"; of("i"; "event " + hard)[0].args.text == hard),
  check("bytes that are not UTF-8";
    begin("texts").bad | gsub("\ufffd+"; "?") == "bad ? cut ? surrogate ? end"),
  check("a name that is not UTF-8";
    [$events[] | select(.ph == "B") | .name | gsub("\ufffd+"; "?") | select(. == "bad ? cut ? surrogate ? end")]
    | length == 1),
  check("empty and missing texts"; begin("texts") | .empty == "" and .null != "" and has("null")),
  check("a long text is cut, and says so"; begin("texts").long | endswith("\u2026") and length == 513),
  check("pointers"; begin("texts").pointer == "0x1234"),
  check("twelve arguments, in order"; begin("twelve") | to_entries | map(.value) == [range(1; 13)]),
  check("a metric is at the end"; end_of("outer").value == 42 and begin("outer") == null),
  check("events"; of("i"; "warning")[0].args.code == 7),
  check("counters"; of("C"; "queue \"length\"") | map(.args.value) == [range(20) | . % 5 - 2]),
  check("counters of doubles"; of("C"; "load")[19].args.value == 4.75),
  check("a counter of a GPU queue"; of("C"; "gpu memory")[0].args.value == 4096),
  check("frames"; of("i"; "frame") | map(.args.frame) == [range(1; 21)]),
  check("frames of one name at two places"; of("i"; "simulation") | map(.args.frame) == [1, 2]),
  check("memory"; of("C"; "pool") | map(.args.bytes) == [100, 150, 50, 0]),
  check("overlapping async spans of one name are told apart";
    of("b"; "async overlap") | map(.id // .id2) | unique | length == 2),
  check("async spans with one id and two names are told apart";
    [of("b"; "async read")[0], of("b"; "async write")[0]] | map(.id // .id2) | unique | length == 2),
  check("an async span ends where it ended, on another thread";
    of("b"; "async crossing")[0].tid != of("e"; "async crossing")[0].tid),
  check("parameters and metrics of async spans";
    of("b"; "async read")[0].args.file == "a" and of("e"; "async read")[0].args.bytes == 10),
  check("a flow is of one id"; [of("s"; "flow")[0], of("t"; "flow")[0], of("f"; "flow")[0]] | map(.id) | unique | length == 1)
]
