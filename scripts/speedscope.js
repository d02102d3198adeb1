// speedscope as a library: withSpeedscope(modules, use) serves it on loopback, starts a browser, and calls use(viewer);
// viewer.load(file) opens it anew with a Chrome file in it, viewer.page is its page, and viewer.save() leaves in the page, as
// perftraceSaved, what its own "Export" saves: what it has understood, in its own format.
'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');
const { withChromium } = require('./chromium.js');

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const LOAD_MS = 1200000;

// The viewer's own files, and those that it was told to load as /file/NUMBER.json.
function serve(folder, files) {
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    const given = /^\/file\/(\d+)\.json$/.exec(name);
    const file = given ? files[given[1]] : path.join(folder, path.normalize(name === '/' ? '/index.html' : name));
    const stream = fs.createReadStream(file ?? '');
    stream.on('error', () => response.writeHead(404).end());
    stream.on('open', () => {
      response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' });
      stream.pipe(response);
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function load(page, address, number) {
  await page.goto('about:blank');
  await page.goto(`${address}#profileURL=${encodeURIComponent(`${address}file/${number}.json`)}`);
  const what = await page.waitForFunction(
    () => {
      const text = document.body.innerText;
      if (/Something went wrong/i.test(text)) return 'refused';
      return /Time Order/i.test(text) && 'shown';
    },
    undefined,
    { timeout: LOAD_MS },
  );
  if ((await what.jsonValue()) !== 'shown') throw new Error('speedscope refuses the file');
}

async function withSpeedscope(modules, use) {
  const files = [];
  const server = await serve(path.join(modules, 'speedscope/dist/release'), files);
  const address = `http://127.0.0.1:${server.address().port}/`;
  try {
    return await withChromium(modules, ['--enable-unsafe-swiftshader'], async ({ page }) => {
      // What is saved goes through a blob; it is kept instead of being downloaded.
      await page.addInitScript(() => {
        URL.createObjectURL = (blob) => {
          globalThis.perftraceBlob = blob;
          return '#';
        };
      });
      return use({
        page,
        load: (file) => load(page, address, files.push(file) - 1),
        save: async () => {
          await page.getByText('Export').first().click({ timeout: LOAD_MS });
          await page.evaluate(async () => {
            globalThis.perftraceSaved = JSON.parse(await globalThis.perftraceBlob.text());
          });
        },
      });
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

module.exports = { withSpeedscope };
