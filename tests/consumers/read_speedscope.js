// Chrome files as speedscope understands them: read_speedscope.js MODULES FILE... writes beside each FILE a FILE.speedscope
// with what it found as said.c describes it: the spans of each thread, which is what it shows of such files.
'use strict';

const fs = require('fs');
const { withSpeedscope } = require('../../scripts/speedscope.js');
const { Lines } = require('./lines.js');

// Runs in the page: what of the spans comes next, as lines; '' at the end. It shows each thread from its first span on:
// `firsts` are their times. A frame's name there is that of the span with its arguments behind it.
function nextSpans(firsts) {
  const CHUNK = 50000;
  const split = (frame) => {
    for (let at = frame.indexOf(' {"'); at >= 0; at = frame.indexOf(' {"', at + 1))
      try {
        const args = JSON.parse(frame.slice(at + 1));
        return { name: frame.slice(0, at), unfinished: args.unfinished === true };
      } catch {
        // a part of the name
      }
    return { name: frame, unfinished: false };
  };
  globalThis.perftraceSpans ??= (function* () {
    const { profiles, shared } = globalThis.perftraceSaved;
    const frames = shared.frames.map(({ name }) => split(name));
    for (const profile of profiles) {
      const [, named, , tid] = /^.*?\(pid \d+(?:\), (.*) \(|(, ))tid (\d+)\)$/s.exec(profile.name);
      const open = [];
      for (const { type, frame, at } of profile.events) {
        const ns = firsts[tid] + Math.round(at * 1000);
        if (type === 'O') {
          open.push({ frame, ns });
          continue;
        }
        const span = open.pop();
        if (span.frame !== frame) throw new Error('a span ends within another');
        const { name, unfinished } = frames[frame];
        const parent = open.length > 0 ? frames[open.at(-1).frame].name : '';
        const kind = unfinished ? 'unfinished' : 'span';
        yield JSON.stringify([kind, named ?? '', name, parent, open.length, span.ns, ns - span.ns]);
      }
      if (open.length > 0) throw new Error('a span has no end');
    }
  })();
  const lines = [];
  for (let { value, done } = globalThis.perftraceSpans.next(); !done; { value, done } = globalThis.perftraceSpans.next()) {
    lines.push(value + '\n');
    if (lines.length === CHUNK) break;
  }
  return lines.join('');
}

function firstTimes(file) {
  const firsts = {};
  for (const { ph, tid, ts } of JSON.parse(fs.readFileSync(file, 'utf8')).traceEvents) {
    const ns = Math.round(ts * 1000);
    if (ph === 'X' && !(firsts[tid] <= ns)) firsts[tid] = ns;
  }
  return firsts;
}

async function main(modules, files) {
  await withSpeedscope(modules, async ({ page, load, save }) => {
    let warn;
    page.on('pageerror', (error) => warn(error.message));
    page.on('console', (message) => {
      if (/^(Tried to end|ts=|Frame ")/.test(message.text())) warn(message.text());
    });
    for (const file of files) {
      const out = new Lines(`${file}.speedscope`, ['span', 'unfinished']);
      warn = (text) => out.add(['warning', `speedscope: ${text}`]);
      try {
        await load(file);
        await save();
        const firsts = firstTimes(file);
        for (let text; (text = await page.evaluate(nextSpans, firsts)) !== ''; ) out.raw(text);
      } catch (error) {
        warn(error.message);
      }
      out.close();
    }
  });
}

main(process.argv[2], process.argv.slice(3)).catch((error) => {
  console.error(`read_speedscope.js: ${error.message}`);
  process.exit(2);
});
