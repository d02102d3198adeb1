# What everything.c recorded, as the Chrome file must say it: [{name, fine}], one for each statement.

def hard: "quote \" backslash \\ slash / tab \t newline \n escape \u001b nul-free \u007f emoji \ud83d\udc0e </script>";
def check($name; condition): {name: $name, fine: ((try condition catch false) == true)};

.traceEvents as $events
| def of($ph; $name): [$events[] | select(.ph == $ph and .name == $name)];
  def span($name): of("X"; $name)[0].args;
  def track_of($name): [$events[] | select(.name == $name and .ph == "X")][0].tid as $tid
    | [$events[] | select(.name == "thread_name" and .tid == $tid)][-1].args.name;
[
  check("the process is named"; of("M"; "process_name")[-1].args.name == "everything \"here\""),
  check("a thread is named"; track_of("work") == "worker \ud83d\udd27"),
  check("a GPU queue is a track of that name"; track_of("gpu pass") == "GPU queue 0"),
  check("a fiber is a track of that name"; track_of("fiber slice") == "fiber \"one\""),
  check("the target is the category"; of("X"; "outer")[0].cat == "every \"thing\""),
  check("integers beyond 2^53 keep their digits";
    span("integers") | [.smallest, .largest] == ["-9223372036854775808", "18446744073709551615"]),
  check("integers up to 2^53 are numbers"; span("integers") | [.exact, .minus, .char] == [9007199254740992, -1, 65]),
  check("bools"; span("integers") | [.no, .yes] == [false, true]),
  check("doubles"; span("numbers") | [.tenth, .huge, .zero] == [0.1, 1e300, 0]),
  check("doubles that JSON does not know"; span("numbers") | [.nan, .infinite] == ["NaN", "Infinity"]),
  check("a hard text as a value"; span("texts").hard == hard),
  check("a hard text as a key"; span("texts")[hard] == 1),
  check("a hard text as a metric"; span("texts").metric == hard),
  check("a hard text as a span's name"; of("X"; hard) | length == 1),
  check("a hard text as an event's name and value"; of("i"; "event " + hard)[0].args.text == hard),
  check("bytes that are not UTF-8";
    span("texts").bad | gsub("\ufffd+"; "?") == "bad ? cut ? surrogate ? end"),
  check("a name that is not UTF-8";
    [$events[] | select(.ph == "X") | .name | gsub("\ufffd+"; "?") | select(. == "bad ? cut ? surrogate ? end")]
    | length == 1),
  check("empty and missing texts"; span("texts") | .empty == "" and .null != "" and has("null")),
  check("a long text is cut, and says so"; span("texts").long | endswith("\u2026") and length == 513),
  check("pointers"; span("texts").pointer == "0x1234"),
  check("twelve arguments, in order"; span("twelve") | to_entries | map(.value) == [range(1; 13)]),
  check("metrics are behind the parameters"; span("texts") | keys_unsorted | .[0] == "hard" and .[-1] == "metric"),
  check("metrics alone"; span("outer") == {value: 42, again: 1}),
  check("what has an end is not marked"; [$events[] | select(.args.unfinished) | .name] == ["open at the end"]),
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
