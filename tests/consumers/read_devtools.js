// Chrome files as DevTools' performance panel understands them: read_devtools.js MODULES FILE... writes beside each FILE
// a FILE.devtools with what it found as said.c describes it, without what the panel does not show of such files.
'use strict';

const { withPanel } = require('../../scripts/devtools.js');
const { Lines } = require('./lines.js');

// Runs in the page: what of the spans comes next, as lines; '' at the end.
function nextSpans() {
  const CHUNK = 50000;
  globalThis.perftraceSpans ??= (function* () {
    const { processes, entryToNode } = globalThis.perftraceShown.Renderer;
    for (const { threads } of processes.values())
      for (const thread of threads.values())
        for (const entry of thread.entries) {
          const parent = entryToNode.get(entry).parent?.entry;
          let depth = 0;
          for (let at = entryToNode.get(entry).parent; at; at = at.parent) depth++;
          const begin = Math.round(entry.ts * 1000);
          const elapsed = Math.round((entry.ts + (entry.dur ?? 0)) * 1000) - begin;
          const kind = entry.args?.unfinished === true ? 'unfinished' : 'span';
          yield JSON.stringify([kind, thread.name ?? '', entry.name, parent ? parent.name : '', depth, begin, elapsed]);
        }
  })();
  const lines = [];
  for (let { value, done } = globalThis.perftraceSpans.next(); !done; { value, done } = globalThis.perftraceSpans.next()) {
    lines.push(value + '\n');
    if (lines.length === CHUNK) break;
  }
  return lines.join('');
}

async function main(modules, files) {
  await withPanel(modules, async ({ page, load }) => {
    let warn;
    page.on('pageerror', (error) => warn(error.message));
    for (const file of files) {
      const out = new Lines(`${file}.devtools`, ['span', 'unfinished']);
      warn = (message) => out.add(['warning', `DevTools: ${message}`]);
      try {
        await load(file);
        for (let text; (text = await page.evaluate(nextSpans)) !== ''; ) out.raw(text);
      } catch (error) {
        warn(error.message);
      }
      out.close();
    }
  });
}

main(process.argv[2], process.argv.slice(3)).catch((error) => {
  console.error(`read_devtools.js: ${error.message}`);
  process.exit(2);
});
