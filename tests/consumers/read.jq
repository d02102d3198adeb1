# A Chrome file as jq understands it, in the form that said.py describes: begin and end are paired with a stack for
# each thread, as the format asks for. Anything that would leave a viewer guessing is a warning.

def end_of($event):
  .stacks[$event.tid | tostring][-1] as $open
  | if $open == null then .warnings += ["E without B: \($event.name)"]
    else
      (if $open.name != $event.name then .warnings += ["E of \($event.name) within \($open.name)"] else . end)
      | .spans += [$open + {elapsed_ns: ($event.ns - $open.begin_ns)}]
      | .stacks[$event.tid | tostring] |= .[:-1]
    end;

def begin_of($event):
  (.stacks[$event.tid | tostring] // []) as $stack
  | .stacks[$event.tid | tostring] = $stack + [{
      tid: $event.tid,
      name: $event.name,
      parent: ($stack[-1].name // ""),
      depth: ($stack | length),
      begin_ns: $event.ns
    }];

def async_of($event):
  ([$event.cat, $event.id // $event.id2] | tojson) as $key
  | if $event.ph == "b" then
      (if .open[$key] then .warnings += ["two async spans in one: \($event.name)"] else . end)
      | .open[$key] = {name: $event.name, begin_ns: $event.ns}
    elif .open[$key] == null then .warnings += ["e without b: \($event.name)"]
    else
      .async += [{name: .open[$key].name, elapsed_ns: ($event.ns - .open[$key].begin_ns)}]
      | del(.open[$key])
    end;

# Times run forward on each thread.
def order_of($event):
  if $event.ns < (.last[$event.tid | tostring] // 0) then .warnings += ["backwards: \($event.name)"] else . end
  | .last[$event.tid | tostring] = $event.ns;

(reduce (.traceEvents[] | select(.name == "thread_name")) as $event ({}; .[$event.tid | tostring] = $event.args.name))
  as $names
| reduce (.traceEvents[] | select(.ph != "M") | .ns = (.ts * 1000 | round)) as $event (
    {
      spans: [], async: [], warnings: [], stacks: {}, open: {}, last: {},
      totals: {events: 0, frames: 0, counter_values: 0, flow_arrows: 0}
    };
    order_of($event)
    | if $event.ph == "B" then begin_of($event)
      elif $event.ph == "E" then end_of($event)
      elif $event.ph == "b" or $event.ph == "e" then async_of($event)
      elif $event.ph == "i" and $event.s == "t" then .totals.events += 1
      elif $event.ph == "i" and $event.s == "p" then .totals.frames += 1
      elif $event.ph == "C" then .totals.counter_values += 1
      elif $event.ph == "t" or $event.ph == "f" then .totals.flow_arrows += 1
      elif $event.ph == "s" then .
      else .warnings += ["unknown: \($event)"]
      end
  )
| .spans += [.stacks[][] | . + {elapsed_ns: -1}]
| .async += [.open[] | {name, elapsed_ns: -1}]
| .spans |= map(. + {track: ($names[.tid | tostring] // "")} | del(.tid))
| {spans, async, totals, warnings}
