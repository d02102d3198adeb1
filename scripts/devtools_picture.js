// A picture of DevTools' performance panel with a Chrome file in it:
//     devtools_picture.js MODULES FILE PICTURE [NAME FIRST LAST]
// shows the time from the FIRST to the LAST span of that name, numbered from 1 in the order in which they began, and what
// the panel says of the first; without a NAME all of the time, and a line for each track. MODULES is what consumer_modules.sh prints.
'use strict';

const { withPanel } = require('./devtools.js');

const SETTLE_MS = 1000; // the panel moves to a new view in steps

// Runs in the page: opens the tracks, and shows the time of the spans that were asked for.
async function arrange([name, first, last]) {
  const { TimelinePanel, TimelineSelection } = await import('./panels/timeline/timeline.js');
  const { TraceBounds } = await import('./services/trace_bounds/trace_bounds.js');
  const panel = TimelinePanel.TimelinePanel.instance();
  const chart = panel.getFlameChart().getMainFlameChart();
  const groups = chart.timelineData().groups;
  const wanted = groups.flatMap((group, index) => (name !== undefined || group.style.nestingLevel === 0 ? [index] : []));
  chart.bulkExpandGroups(wanted);
  const spans = [...globalThis.perftraceShown.Renderer.entryToNode.keys()]
    .filter((span) => name === undefined || span.name === name)
    .sort((a, b) => a.ts - b.ts);
  const from = spans[(first ?? 1) - 1];
  const to = spans[(last ?? spans.length) - 1];
  if (!from || !to) throw new Error(`${spans.length} spans of the name ${name}`);
  const margin = (to.ts + to.dur - from.ts) / 40;
  const min = from.ts - margin;
  const max = to.ts + to.dur + margin;
  if (max - min < 1000) throw new Error('the panel shows no less than a millisecond');
  TraceBounds.BoundsManager.instance().setTimelineVisibleWindow({ min, max, range: max - min });
  if (name !== undefined) panel.select(TimelineSelection.selectionFromEvent(from));
}

async function main(modules, file, picture, ...view) {
  await withPanel(modules, async ({ page, load }) => {
    await load(file);
    await page.waitForTimeout(SETTLE_MS);
    await page.getByRole('button', { name: 'Close' }).first().click({ timeout: 5000 }).catch(() => {}); // first-time help
    await page.getByRole('button', { name: 'Hide sidebar' }).click({ timeout: 5000 }).catch(() => {});
    await page.evaluate(arrange, view);
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: picture });
  });
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(`devtools_picture.js: ${error.message}`);
  process.exit(1);
});
