// A Chrome file as the description of its format has it: read_format.js FILE OUT writes what it found as said.c describes
// it. Anything that would leave a viewer guessing is a warning.
'use strict';

const fs = require('fs');
const { Lines } = require('./lines.js');

const WARNINGS_MAX = 20;

class Format {
  constructor(out) {
    this.out = out;
    this.warnings = 0;
    this.threads = new Map(); // pid and tid -> {name, spans, at of the last event}
    this.async = new Map(); // category and id -> the b of one that is open
    this.flows = new Map(); // category and id -> {name, at}
    this.process = null;
  }

  warn(text) {
    if (++this.warnings <= WARNINGS_MAX) this.out.add(['warning', text]);
  }

  thread(event) {
    const key = `${event.pid} ${event.tid}`;
    if (!this.threads.has(key)) this.threads.set(key, { name: '', spans: [], at: 0 });
    return this.threads.get(key);
  }

  // Names come at any time, and the last one holds for all that the thread has done.
  name(event) {
    if (event.name === 'thread_name') this.thread(event).name = event.args.name;
    else if (event.name === 'process_name') this.process = event.args.name;
    else if (event.name === 'thread_sort_index') {
      if (!Number.isInteger(event.args.sort_index)) this.warn('a sort index that is none');
    } else this.warn(`unknown metadata: ${event.name}`);
  }

  // Spans are put in order of their begins, and one within the other, when all are known.
  spans(thread) {
    const open = [];
    thread.spans.sort((a, b) => a.at - b.at);
    for (const span of thread.spans) {
      while (open.length > 0 && open.at(-1).end <= span.at) open.pop();
      const outer = open.at(-1);
      if (outer && outer.at === span.at) this.warn(`${outer.name} and ${span.name} begin together`);
      if (outer && outer.end <= span.end) this.warn(`${span.name} within ${outer.name} does not end before it`);
      this.out.add([span.kind, thread.name, span.name, outer ? outer.name : '', open.length, span.at, span.end - span.at]);
      open.push(span);
    }
  }

  asyncEvent(event, at) {
    const key = JSON.stringify([event.cat, event.id]);
    const open = this.async.get(key);
    if (event.ph === 'b') {
      if (open) this.warn(`two async spans in one: ${event.name}`);
      this.async.set(key, { name: event.name, at });
      return;
    }
    this.async.delete(key);
    if (!open) this.warn(`e without b: ${event.name}`);
    else if (open.name !== event.name) this.warn(`e of ${event.name} for b of ${open.name}`);
    else this.out.add(['async', open.name, open.at, at - open.at]);
  }

  flow(event, at) {
    const key = JSON.stringify([event.cat, event.name, event.id]);
    const from = this.flows.get(key);
    if (event.ph === 's') {
      if (from) this.warn(`two flows in one: ${event.name}`);
    } else if (!from) return this.warn(`a flow that comes from nowhere: ${event.name}`);
    else this.out.add(['flow', event.name, from.at, at]);
    if (event.ph === 'f') {
      if (event.bp !== 'e') this.warn('a flow that does not end in the span around it');
      this.flows.delete(key);
    } else this.flows.set(key, { at });
    return undefined;
  }

  take(event) {
    if (event.ph === 'M') return this.name(event);
    const at = Math.round(event.ts * 1000);
    const thread = this.thread(event);
    if (!Number.isSafeInteger(at)) this.warn(`no time: ${event.name}`);
    if (typeof event.cat !== 'string') this.warn(`no category: ${event.name}`);
    if (event.ph === 'X') {
      const end = at + Math.round(event.dur * 1000);
      if (!(end > at)) this.warn(`no duration: ${event.name}`);
      thread.spans.push({ kind: event.args?.unfinished === true ? 'unfinished' : 'span', name: event.name, at, end });
      return undefined;
    }
    if (at < thread.at) this.warn(`backwards: ${event.name}`);
    thread.at = at;
    if (event.ph === 'b' || event.ph === 'e') this.asyncEvent(event, at);
    else if (event.ph === 'i' && event.s === 't') this.out.add(['event', thread.name, event.name, at]);
    else if (event.ph === 'i' && event.s === 'p') this.out.add(['frame', event.name, at]);
    else if (event.ph === 'C') this.out.add(['counter', event.name, event.id ?? '', at, Object.values(event.args)[0]]);
    else if ('stf'.includes(event.ph)) this.flow(event, at);
    else this.warn(`unknown: ${JSON.stringify(event)}`);
    return undefined;
  }

  finish() {
    for (const thread of this.threads.values()) this.spans(thread);
    for (const { name, at } of this.async.values()) this.out.add(['async', name, at, -1]);
    this.out.add(['process', this.process]);
    if (this.warnings > WARNINGS_MAX) this.out.add(['warning', `and ${this.warnings - WARNINGS_MAX} more`]);
  }
}

function main(file, result) {
  const out = new Lines(result, ['span', 'unfinished', 'async', 'event', 'frame', 'counter', 'flow', 'process']);
  const { traceEvents } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(fs.readFileSync(file)));
  const format = new Format(out);
  // The names first, since spans are written with that of their thread.
  for (const event of traceEvents) if (event.ph === 'M') format.take(event);
  for (const event of traceEvents) if (event.ph !== 'M') format.take(event);
  format.finish();
  out.close();
}

main(...process.argv.slice(2));
