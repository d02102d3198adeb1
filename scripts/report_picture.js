// A picture of the page of `analyze --html`: report_picture.js MODULES PAGE PICTURE [CALL]. Its upper part: totals, the flame graph, and
// the timeline, around the call of that number. MODULES is what consumer_modules.sh prints.
'use strict';

const path = require('path');
const { withChromium } = require('./chromium.js');

async function main(modules, file, picture, call) {
  await withChromium(modules, [], async ({ page }) => {
    await page.setViewportSize({ width: 1200, height: 1070 });
    await page.goto(`file://${path.resolve(file)}`);
    await page.waitForSelector('section');
    if (call !== undefined) await page.evaluate((number) => globalThis.showCall(number), call);
    await page.evaluate(() => {
      document.activeElement.blur();
      globalThis.scrollTo(0, 0);
    });
    await page.screenshot({ path: picture });
  });
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(`report_picture.js: ${error.message}`);
  process.exit(1);
});
