// DevTools' performance panel as a library: withPanel(modules, use) calls use(panel); panel.load(file) opens the panel anew
// with a Chrome file in it, and panel.page is its page.
'use strict';

const { withChromium } = require('./chromium.js');

function withPanel(modules, use) {
  return withChromium(modules, [], ({ page, port, giveFile }) => {
    const address = `http://127.0.0.1:${port}/devtools/devtools_app.html?panel=timeline`;
    return use({ page, load: (file) => load(page, address, () => giveFile(file)) });
  });
}

// Resolves when the panel shows the file; rejects with what the panel says is wrong with it. What the panel made of the
// file is left in the page as perftraceShown.
async function load(page, address, giveFile) {
  await page.goto(address);
  await giveFile();
  await page.evaluate(async () => {
    const { TimelinePanel } = await import('./panels/timeline/timeline.js');
    // The result of `get`, which throws until there is one.
    const eventually = async (get) => {
      for (let tries = 0; ; tries++) {
        try {
          return get();
        } catch (error) {
          if (tries === 100) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const panel = await eventually(() => TimelinePanel.TimelinePanel.instance());
    await panel.loadFromFile(globalThis.perftraceFile);
    globalThis.perftraceShown = await eventually(() => panel.getParsedTraceForLayoutTests());
  });
}

module.exports = { withPanel };
