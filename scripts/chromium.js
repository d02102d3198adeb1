// A headless Chromium for the time of a call: withChromium(modules, flags, use) starts one with a profile of its own, calls
// use({page, port, giveFile}), and ends it. giveFile(id, path) hands the page a file as a person would who chooses it: in
// the page it is globalThis.perftraceFile. $CHROMIUM names the browser to use.
'use strict';

const { spawn } = require('child_process');
const fs = require('fs');
const { createRequire } = require('module');
const os = require('os');
const path = require('path');

const START_MS = 60000;

function start(profile, flags) {
  const all = [
    '--headless',
    '--no-sandbox', // the only pages shown are DevTools' own and ours, and continuous integration runs as root
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--remote-debugging-port=0',
    '--remote-debugging-pipe', // it ends when this is closed: when we end, in whatever way
    '--remote-allow-origins=*',
    `--user-data-dir=${profile}`,
    ...flags,
  ];
  return spawn(process.env.CHROMIUM || 'chromium', all, {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    detached: true, // a process group of its own, which is ended as a whole
  });
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

async function giveFile(page, file) {
  const session = await page.context().newCDPSession(page);
  const input = await session.send('Runtime.evaluate', {
    expression: `globalThis.perftraceInput = Object.assign(document.createElement('input'), { type: 'file' })`,
  });
  await session.send('DOM.setFileInputFiles', { files: [path.resolve(file)], objectId: input.result.objectId });
  await session.send('Runtime.evaluate', { expression: 'globalThis.perftraceFile = perftraceInput.files[0]' });
  await session.detach();
}

// Whether a process of the group is there still.
function lives(group) {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

// Its helpers may outlive it for a moment, and write to the profile.
async function end(browser, profile) {
  if (browser.pid !== undefined) {
    if (lives(browser.pid)) process.kill(-browser.pid, 'SIGKILL');
    for (let tries = 0; lives(browser.pid) && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

async function withChromium(modules, flags, use) {
  const { chromium } = createRequire(path.join(modules, 'here.js'))('playwright-core');
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'perftrace-chromium-'));
  const browser = start(profile, flags);
  const interrupt = (signal) =>
    end(browser, profile).finally(() => process.exit(128 + os.constants.signals[signal]));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, interrupt);
  try {
    const port = await portOf(browser);
    const connection = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
    const page = await connection.contexts()[0].newPage();
    await page.setViewportSize({ width: 1200, height: 600 });
    return await use({ page, port, giveFile: (file) => giveFile(page, file) });
  } finally {
    await end(browser, profile);
    for (const signal of signals) process.off(signal, interrupt);
  }
}

module.exports = { withChromium };
