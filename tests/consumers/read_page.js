// The pages of `analyze --html` and `diff --html` in Chromium: read_page.js MODULES PAGE HOSTILE_PAGE COMPARISON writes a line "true NAME" or
// "false NAME" for each thing that is to be so. PAGE is of examples/nodestore, HOSTILE_PAGE of what hostile_log.py writes, and COMPARISON
// of comparison_logs.py's.
'use strict';

const path = require('path');
const { withChromium } = require('../../scripts/chromium.js');

function say(fine, name, why) {
  console.log(`${fine === true} ${name}${fine === true || why === undefined ? '' : `: ${JSON.stringify(why)}`}`);
}

// What a page does that it should not: errors, requests, and what its policy has refused.
function watch(page) {
  const seen = { errors: [], requests: [] };
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && seen.errors.push(message.text()));
  page.on('pageerror', (error) => seen.errors.push(error.message));
  page.on('request', (request) => seen.requests.push(request.url()));
  return seen;
}

async function open(page, seen, file) {
  seen.errors.length = seen.requests.length = 0;
  await page.goto(`file://${path.resolve(file)}`);
  await page.waitForSelector('section');
}

const refused = (page) => page.evaluate(() => globalThis.perftraceRefused);
const cells = (page, section, column) => page.evaluate(([of, title]) => {
  const table = document.querySelector(`#${of} table`);
  const at = [...table.querySelectorAll('th')].findIndex((head) => head.textContent === title);
  return [...table.querySelectorAll('tbody tr')].map((row) => row.children[at]?.textContent ?? '');
}, [section, column]);
const numbers = (texts) => texts.map((text) => Number(text.replace(/,/g, '')));
const inOrder = (values, sign) => values.length > 2 && values.every((value, i) => i === 0 || sign * (value - values[i - 1]) >= 0);

async function quiet(page, seen, what) {
  say(seen.errors.length === 0, `${what}: no errors on the console`, seen.errors);
  say(seen.requests.length === 1, `${what}: nothing is loaded`, seen.requests);
  const violations = await refused(page);
  say(violations.length === 0, `${what}: the policy has nothing to refuse`, violations);
}

async function tables(page) {
  const head = page.locator('#top_functions th button', { hasText: /^Calls$/ });
  await head.click();
  say(inOrder(numbers(await cells(page, 'top_functions', 'Calls')), -1), 'a table sorts by a number, the largest first');
  await head.click();
  say(inOrder(numbers(await cells(page, 'top_functions', 'Calls')), 1), 'and the smallest first');
  say((await page.locator('#top_functions th[aria-sort=ascending]').count()) === 1, 'and says so to a screen reader');
  await page.locator('#top_functions th button', { hasText: /^Function$/ }).focus();
  await page.keyboard.press('Enter');
  const names = await cells(page, 'top_functions', 'Function');
  say(names.length > 2 && names.every((one, i) => i === 0 || names[i - 1].localeCompare(one) <= 0), 'a table sorts by a name, with the keyboard', names);
  await page.locator('#slowest_calls .more').click();
  say((await cells(page, 'slowest_calls', 'Signature')).length > 15, 'a long table shows all when asked to');
}

async function search(page) {
  await page.keyboard.press('/');
  await page.keyboard.type('EXISTS_node');
  const found = await cells(page, 'top_functions', 'Function');
  say(found.length === 1 && found[0] === 'exists_node', 'the search finds a function, whatever its case', found);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('no such name');
  say((await page.locator('#top_functions td.none').count()) === 1, 'the search finds nothing where there is nothing');
  await page.locator('#search').fill('');
  say((await cells(page, 'top_functions', 'Function')).length > 5, 'without a search all is there again');
}

// How wide a frame is, as a part of the graph.
const frameWidth = (page, selector) => page.locator(selector).first().evaluate((bar) =>
  bar.getBoundingClientRect().width / bar.parentElement.getBoundingClientRect().width);

async function flameGraph(page) {
  const frames = () => page.locator('#flame .bar').count();
  const all = await frames();
  say(all > 5, 'the flame graph has frames', all);
  const narrow = '#flame .bar[title^="query_single_directory_entry\\a"]';
  const before = await frameWidth(page, narrow);
  await page.locator(narrow).first().click();
  say(before < 0.9 && (await frameWidth(page, narrow)) > 0.99, 'a click zooms in to a frame', before);
  say((await page.locator('#flame .details').textContent()).startsWith('query_single_directory_entry'), 'and says what it is');
  await page.keyboard.press('Escape');
  say((await frames()) === all && (await frameWidth(page, narrow)) < 0.9, 'Escape zooms out');
  const at = () => page.evaluate(() => document.activeElement.textContent);
  const top = await at();
  await page.keyboard.press('ArrowDown');
  const child = await at();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  say(top === 'all' && child !== 'all' && (await at()) === child, 'arrow keys go from frame to frame', [top, child, await at()]);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  say((await page.locator('#flame .bar.around').count()) === 2, 'Enter zooms in');
  await page.locator('#flame .button').click();
  await page.locator('#search').fill('query_single');
  const hits = await page.locator('#flame .bar.hit').allTextContents();
  say(hits.length > 0 && hits.every((text) => text.includes('query_single')), 'the search marks frames', hits);
  say(/found: \d+ frames?, \d+\.\d %/.test(await page.locator('#flame .found').textContent()), 'and says how much they are');
  await page.locator('#search').fill('');
  say((await page.locator('#flame .bar.hit').count()) === 0, 'until the search is empty');
}

async function timelines(page) {
  const link = page.locator('#slowest_calls button.call').nth(3);
  const number = await link.textContent();
  await link.click();
  say((await page.locator('#timeline .details .call').first().textContent()) === number, 'a call number opens the timeline around the call');
  say((await page.locator('#timeline .bar.chosen').count()) === 1, 'the call is marked in it');
  const bars = () => page.locator('#timeline .bar').count();
  say((await bars()) > 3, 'and others are around it');
  const width = () => page.locator('#timeline .bar.chosen').evaluate((bar) => bar.getBoundingClientRect().width);
  const before = await width();
  await page.keyboard.press('+');
  say((await width()) > before * 1.2, 'the keyboard zooms in', [before, await width()]);
  await page.keyboard.press('-');
  const chosen = () => page.locator('#timeline .details .call').first().textContent();
  await page.keyboard.press('n');
  if ((await chosen()) === number) await page.keyboard.press('p'); // which call is the fourth slowest is chance; it may be the last
  say((await chosen()) !== number, 'and goes to the next call');
  const other = page.locator('#timeline .bar:not(.chosen)').first();
  const title = await other.getAttribute('title');
  await other.click();
  say(title.startsWith(`${await page.locator('#timeline .details .call').first().textContent()} `), 'a click chooses another call');
}

// The findings are sentences, and lead to the calls that they are about.
async function advice(page) {
  const first = await page.locator('#what_to_do li').first().textContent();
  say(/Saves (about|at most) [\d.]+ \S+, [\d.]+ % of all\./.test(first), 'what to do says what it would save', first);
  const link = page.locator('#what_to_do li button.call').first();
  const number = await link.textContent();
  await link.click();
  say((await page.locator('#timeline .details .call').first().textContent()) === number, 'and leads to the timeline');
}

async function appearance(page) {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.emulateMedia({ colorScheme: 'dark' });
  say((await ground()) !== light, 'it is dark where that is preferred');
  await page.emulateMedia({ colorScheme: 'light', media: 'print' });
  say(!(await page.locator('nav').isVisible()), 'what only a screen can do is not printed');
  await page.emulateMedia({ media: 'screen' });
  await page.setViewportSize({ width: 360, height: 700 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  say(wide <= 360, 'it fits a phone', wide);
  await page.setViewportSize({ width: 1200, height: 800 });
}

// Names that try to be more than names.
async function hostile(page) {
  const found = await page.evaluate(() => ({
    hit: globalThis.hit,
    strangers: document.querySelectorAll('#page img, #page svg:not(.curve), #page iframe, #page script, #page style, #page link').length,
    scripts: [...document.scripts].filter((script) => script.type !== 'application/json').length,
    turned: /[\u202a-\u202e\u2066-\u2069\u200b\u2028]/.test(document.body.innerText),
    longest: Math.max(...[...document.querySelectorAll('.name')].map((name) => name.textContent.length)),
    prototype: ({}).polluted,
    shown: document.getElementById('page').textContent.includes('</script><img'),
  }));
  say(found.hit === undefined && found.strangers === 0 && found.scripts === 1 && found.prototype === undefined, 'hostile: names stay names', found);
  say(found.shown, 'hostile: and are shown as they are');
  say(!found.turned, 'hostile: nothing turns the direction of the text, or hides');
  say(found.longest <= 500, 'hostile: a megabyte of name is cut', found.longest);
  await page.locator('#search').fill('onerror');
  say((await cells(page, 'top_functions', 'Function')).length > 0, 'hostile: they can be searched for');
  await page.locator('#search').fill('');
}

// What colour a frame has, as [red, green, blue]; its width, as a part of the graph; and what is said of it.
const frameOf = (page, text) => page.evaluate((wanted) => {
  const bar = [...document.querySelectorAll('#flame .bar')].find((one) => one.textContent.includes(wanted));
  if (bar === undefined) return null;
  const canvas = document.createElement('canvas').getContext('2d'); // understands any notation of a colour
  canvas.fillStyle = getComputedStyle(bar).backgroundColor;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return { red, green, blue, width: bar.getBoundingClientRect().width / bar.parentElement.getBoundingClientRect().width, title: bar.title };
}, text);
const colourful = (frame) => Math.max(frame.red, frame.green, frame.blue) - Math.min(frame.red, frame.green, frame.blue);
const about = (value, wanted) => Math.abs(value / wanted - 1) < 0.02;

async function comparison(page) {
  const [parse, draw, steady, added, old] = await Promise.all(['parse', 'draw', 'steady', '<img', 'old'].map((text) => frameOf(page, text)));
  say(parse.red > parse.blue + 60 && parse.red > parse.green + 60, 'comparison: what is slower is red', parse);
  say(draw.blue > draw.red + 60, 'comparison: what is faster is blue', draw);
  say(colourful(steady) < 12, 'comparison: what has not changed is grey', steady);
  say(colourful(draw) < colourful(await frameOf(page, '<img')) && added.red > added.blue + 60, 'comparison: what is new is red', added);
  say(old === null && /\bonly in base\b.*\bold\b/.test(await page.locator('#flame .controls').textContent()), 'comparison: what is gone is told of');
  say(about(parse.width / steady.width, 4000 / 3000) && about(draw.width / steady.width, 2500 / 3000), 'comparison: widths are those of head', [parse, draw, steady]);
  say(/2\.00 ms → 4\.0\d ms a run \(× 2.*slower, for certain\)/.test(parse.title), 'comparison: a frame tells both figures', parse.title);
  await page.locator('#flame button', { hasText: /^base$/ }).click();
  const [before, gone, fixed, absent] = await Promise.all(['parse', 'old', 'steady', '<img'].map((text) => frameOf(page, text)));
  say(about(before.width / fixed.width, 2000 / 3000) && about(gone.width / fixed.width, 1500 / 3000), 'comparison: then those of base', [before, gone]);
  say(absent === null && gone.blue > gone.red + 60, 'comparison: and what is gone is there, in blue', gone);
  await page.locator('#flame button', { hasText: /^head$/ }).click();
  await page.locator('#flame .bar', { hasText: 'parse' }).click();
  say((await frameOf(page, 'parse')).width > 0.99, 'comparison: a click zooms in');
  await page.keyboard.press('Escape');
  say((await cells(page, 'spans', 'Span'))[0] === 'parse' && (await cells(page, 'spans', 'Answer'))[0].includes('slower'), 'comparison: the table begins with what is slower');
  await page.locator('#search').fill('draw');
  say((await cells(page, 'spans', 'Span')).join() === 'draw' && (await page.locator('#flame .bar.hit').count()) === 1, 'comparison: the search is for both');
  await page.locator('#search').fill('');
  say(/^FAILED: 1 slower, 1 faster/.test(await page.locator('p.verdict').textContent()), 'comparison: the verdict is there');
  const strangers = await page.evaluate(() => [globalThis.hit, document.querySelectorAll('#page img, #page b').length, document.getElementById('page').textContent.includes('\u202e')]);
  say(strangers[0] === undefined && strangers[1] === 0 && !strangers[2], 'comparison: names stay names', strangers);
}

// That the policy holds: what it should refuse it does.
async function policy(page) {
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.hit = true';
    document.body.append(script);
    const image = document.createElement('img');
    image.src = 'https://localhost/x';
    document.body.append(image);
    const handler = document.createElement('div');
    handler.setAttribute('onclick', 'globalThis.hit = true');
    document.body.append(handler);
    handler.click();
  });
  await page.waitForTimeout(200);
  const violations = await refused(page);
  const hit = await page.evaluate(() => globalThis.hit);
  say(hit === undefined && violations.length >= 3, 'the policy refuses a script, a handler and an image that were put in', [hit, violations]);
}

async function main(modules, plain, evil, compared) {
  await withChromium(modules, [], async ({ page }) => {
    await page.addInitScript(() => {
      globalThis.perftraceRefused = [];
      document.addEventListener('securitypolicyviolation', (event) => globalThis.perftraceRefused.push(event.violatedDirective));
    });
    const seen = watch(page);
    await open(page, seen, plain);
    await tables(page);
    await search(page);
    await flameGraph(page);
    await timelines(page);
    await advice(page);
    await appearance(page);
    await quiet(page, seen, 'nodestore');
    await open(page, seen, evil);
    await hostile(page);
    await quiet(page, seen, 'hostile');
    await open(page, seen, compared);
    await comparison(page);
    await appearance(page);
    await quiet(page, seen, 'comparison');
    await policy(page);
  });
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(`read_page.js: ${error.message}`);
  process.exit(2);
});
