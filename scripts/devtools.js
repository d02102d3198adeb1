// DevTools' performance panel as a library: withPanel(modules, use) starts a headless Chromium with a profile of its own,
// calls use(panel), and ends it; panel.load(file) opens the panel anew with a Chrome file in it, and panel.page is its
// page. $CHROMIUM names the browser to use.
'use strict';

const { spawn } = require('child_process');
const fs = require('fs');
const { createRequire } = require('module');
const os = require('os');
const path = require('path');

const START_MS = 60000;

function start(profile) {
  const flags = [
    '--headless',
    '--no-sandbox', // the only pages shown are DevTools' own, and continuous integration runs as root
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--remote-debugging-port=0',
    '--remote-allow-origins=*',
    `--user-data-dir=${profile}`,
  ];
  return spawn(process.env.CHROMIUM || 'chromium', flags, { stdio: ['ignore', 'ignore', 'pipe'] });
}

// Chromium chooses the port, and says on standard error which.
function portOf(browser) {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`Chromium did not start: ${said}`)), START_MS);
    const finish = (settle, value) => {
      clearTimeout(timer);
      settle(value);
    };
    browser.on('error', (error) => finish(reject, error));
    browser.on('exit', (code) => finish(reject, new Error(`Chromium ended with ${code}: ${said}`)));
    browser.stderr.on('data', (data) => {
      said += data;
      const match = /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(said);
      if (match) finish(resolve, match[1]);
    });
  });
}

async function withPanel(modules, use) {
  const { chromium } = createRequire(path.join(modules, 'here.js'))('playwright-core');
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'perftrace-chromium-'));
  const browser = start(profile);
  const ended = new Promise((resolve) => browser.on('exit', resolve));
  try {
    const port = await portOf(browser);
    const connection = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
    const page = await connection.contexts()[0].newPage();
    await page.setViewportSize({ width: 1200, height: 600 });
    const address = `http://127.0.0.1:${port}/devtools/devtools_app.html?panel=timeline`;
    return await use({ page, load: (file) => load(page, address, file) });
  } finally {
    browser.kill();
    if (browser.pid !== undefined) await ended;
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

// Resolves when the panel shows the file; rejects with what the panel says is wrong with it. What the panel made of the
// file is left in the page as perftraceShown.
async function load(page, address, file) {
  const text = fs.readFileSync(file, 'utf8');
  await page.goto(address);
  await page.evaluate(async (content) => {
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
    await panel.loadFromFile(new File([content], 'trace.json', { type: 'application/json' }));
    globalThis.perftraceShown = await eventually(() => panel.getParsedTraceForLayoutTests());
  }, text);
}

module.exports = { withPanel };
