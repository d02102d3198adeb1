// Chrome files as DevTools' performance panel understands them: read_devtools.js MODULES FILE... writes beside each FILE
// a FILE.devtools, JSON in the form that said.py describes, without what the panel does not show of such files.
'use strict';

const fs = require('fs');
const { withPanel } = require('../../scripts/devtools.js');

// Runs in the page.
function readPanel() {
  const { processes, entryToNode } = globalThis.perftraceShown.Renderer;
  const spans = [];
  for (const { threads } of processes.values())
    for (const thread of threads.values())
      for (const entry of thread.entries) {
        const parent = entryToNode.get(entry).parent?.entry;
        let depth = 0;
        for (let at = entryToNode.get(entry).parent; at; at = at.parent) depth++;
        spans.push({
          track: thread.name ?? '',
          name: entry.name,
          parent: parent ? parent.name : '',
          depth,
          begin_ns: Math.round(entry.ts * 1000),
          elapsed_ns: Math.round((entry.dur ?? 0) * 1000),
        });
      }
  return spans;
}

async function main(modules, files) {
  await withPanel(modules, async (panel) => {
    const warnings = [];
    panel.page.on('pageerror', (error) => warnings.push(`DevTools: ${error.message}`));
    for (const file of files) {
      const found = { spans: [], warnings: [] };
      warnings.length = 0;
      try {
        await panel.load(file);
        found.spans = await panel.page.evaluate(readPanel);
      } catch (error) {
        warnings.push(error.message);
      }
      found.warnings.push(...warnings);
      fs.writeFileSync(`${file}.devtools`, JSON.stringify(found));
    }
  });
}

main(process.argv[2], process.argv.slice(3)).catch((error) => {
  console.error(`read_devtools.js: ${error.message}`);
  process.exit(2);
});
