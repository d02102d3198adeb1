// The timeline around a call: what ran before, within and after it, on its own thread and on others.
'use strict';

const ROW_PX = 22;
const LANES_MAX = 12; // threads
const ROWS_MAX = 40; // of the call's thread
const ROWS_OF_OTHERS = 12;
const BARS_MAX = 2000;

// The kept calls, as objects; by input and start. timeline.of finds one by its number.
const timeline = { calls: [], of: new Map(), tracks: [], window: null, chosen: null, show: null };

function readCalls() {
  const data = dataOf('calls');
  if (data === null) return;
  timeline.tracks = data.tracks;
  timeline.calls = data.calls.map(([number, input, parent, called, asked, track, start, elapsed, madeUp]) => ({
    number, input, parent, called: data.functions[called], parameters: data.parameters[asked], track,
    start: Number(start), elapsed: Number(elapsed), end: Number(start) + Number(elapsed), madeUp: madeUp === 1,
  }));
  for (const call of timeline.calls) timeline.of.set(`${call.input}:${call.number}`, call);
}

function timelineHas(number, input) {
  return timeline.of.has(`${input ?? 1}:${number}`);
}

// Chooses a call and goes there.
function showCall(number, input) {
  const call = timeline.of.get(`${input ?? 1}:${number}`);
  if (call === undefined || timeline.show === null) return;
  choose(call);
  const place = document.getElementById('timeline');
  place.scrollIntoView({ block: 'start' });
  place.querySelector('.lanes').focus({ preventScroll: true });
}

function choose(call) {
  const around = Math.max(call.elapsed / 2, 1);
  timeline.chosen = call;
  timeline.window = { from: call.start - around, to: call.end + around };
  timeline.show();
}

// Calls to rows: one that is within another, or overlaps it, is below it.
function rowsOf(calls) {
  const ends = [];
  return calls.map((call) => {
    let row = 0;
    while (row < ends.length && ends[row] > call.start) row++;
    ends[row] = Math.max(call.end, call.start + 1e-9);
    return row;
  });
}

function callText(call) {
  return `#${call.number} ${call.called}${call.parameters}`;
}

function bar(call, row, from, width) {
  const left = Math.max(0, (call.start - from) / width);
  const right = Math.min(1, (call.end - from) / width);
  const label = visible(call.called);
  const element = make('button', { type: 'button', className: 'bar', tabIndex: -1, title: `${visible(callText(call))}\n${time(call.elapsed)}` }, label);
  element.style.setProperty('--hue', String(hue(call.called)));
  element.style.left = `${100 * left}%`;
  element.style.width = `max(2px, ${100 * (right - left)}%)`;
  element.style.top = `${row * ROW_PX}px`;
  if (call === timeline.chosen) {
    element.classList.add('chosen');
    element.setAttribute('aria-current', 'true');
  }
  if (timeline.wanted && callText(call).toLowerCase().includes(timeline.wanted)) element.classList.add('hit');
  element.onclick = () => choose(call);
  return element;
}

const trackKinds = ['Thread', 'Thread', 'GPU queue', 'Fiber', 'Async'];

function trackName(track) {
  const [id, kind, called] = timeline.tracks[track];
  return [`${trackKinds[kind] ?? 'Track'} ${id} `, called === '' ? '' : name(called)];
}

function lane(track, calls, from, width) {
  const rows = rowsOf(calls);
  const most = track === timeline.chosen.track ? ROWS_MAX : ROWS_OF_OTHERS;
  const deepest = rows.reduce((deep, row) => Math.max(deep, row + 1), 0);
  const bars = make('div', { className: 'bars' });
  bars.style.height = `${Math.min(most, deepest) * ROW_PX}px`;
  calls.forEach((call, index) => rows[index] < most && bars.append(bar(call, rows[index], from, width)));
  return make('div', { className: 'lane' }, make('div', { className: 'lane-name' }, ...trackName(track), deepest > most ? ` (${deepest - most} levels further down are not shown)` : ''), bars);
}

// A scale of five to ten round steps, from the beginning of the chosen call.
function scale(from, to, zero) {
  const rough = (to - from) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const marks = make('div', { className: 'scale', 'aria-hidden': 'true' });
  for (let at = Math.ceil((from - zero) / step); at * step <= to - zero; at++) {
    const mark = make('span', {}, at === 0 ? '0' : time(at * step));
    mark.style.left = `${(100 * (zero + at * step - from)) / (to - from)}%`;
    marks.append(mark);
  }
  return marks;
}

// Those in the window that can be seen, at most BARS_MAX of them, the longest.
function visibleCalls(from, to, pixels) {
  const { chosen } = timeline;
  const shortest = (WIDTH_MIN / 3) * ((to - from) / pixels);
  const inWindow = timeline.calls.filter((call) =>
    call.input === chosen.input && call.end >= from && call.start <= to && (call.elapsed >= shortest || call === chosen));
  if (inWindow.length <= BARS_MAX) return inWindow;
  const longest = new Set([...inWindow].sort((a, b) => b.elapsed - a.elapsed).slice(0, BARS_MAX));
  return inWindow.filter((call) => longest.has(call) || call === chosen);
}

function drawLanes(lanes) {
  const { from, to } = timeline.window;
  const { chosen } = timeline;
  const shown = visibleCalls(from, to, lanes.clientWidth || 1000);
  const tracks = new Map([[chosen.track, []]]);
  for (const call of shown) {
    if (!tracks.has(call.track)) tracks.set(call.track, []);
    tracks.get(call.track).push(call);
  }
  const parts = [...tracks].filter(([, calls]) => calls.length > 0).slice(0, LANES_MAX);
  lanes.replaceChildren(scale(from, to, chosen.start), ...parts.map(([track, calls]) => lane(track, calls, from, to - from)));
  if (tracks.size > LANES_MAX) lanes.append(make('p', { className: 'note' }, `${tracks.size - LANES_MAX} more threads are not shown.`));
}

function drawDetails(details) {
  const { chosen } = timeline;
  const within = timeline.of.get(`${chosen.input}:${chosen.parent}`);
  const parent = within ? make('span', {}, 'within ', callLink(within.number, within.input), ' ', name(within.called)) : null;
  details.replaceChildren(
    make('span', { className: 'call' }, `#${chosen.number}`), ' ', name(chosen.called + chosen.parameters), ' ', make('strong', {}, time(chosen.elapsed)), ' ', parent ?? '');
}

function moveWindow(by, scaleBy) {
  const { from, to } = timeline.window;
  const width = Math.max((to - from) * scaleBy, 1);
  const middle = (from + to) / 2 + (to - from) * by;
  timeline.window = { from: middle - width / 2, to: middle + width / 2 };
  timeline.show();
}

const timelineKeys = {
  ArrowLeft: () => moveWindow(-0.25, 1),
  ArrowRight: () => moveWindow(0.25, 1),
  '+': () => moveWindow(0, 0.5),
  '=': () => moveWindow(0, 0.5),
  '-': () => moveWindow(0, 2),
  n: () => chooseNext(1),
  p: () => chooseNext(-1),
};

// The call that began next, or before.
function chooseNext(step) {
  const next = timeline.calls[timeline.calls.indexOf(timeline.chosen) + step];
  if (next !== undefined && next.input === timeline.chosen.input) choose(next);
}

function onKey(keys) {
  return (event) => {
    const action = keys[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  };
}

function timelineControls() {
  const button = (text, label, key) => make('button', { type: 'button', className: 'button', title: label, 'aria-label': label, onclick: timelineKeys[key] }, text);
  return make('div', { className: 'controls' }, button('←', 'Earlier', 'ArrowLeft'), button('→', 'Later', 'ArrowRight'),
    button('+', 'Nearer', '+'), button('−', 'Farther', '-'), button('Previous call', 'Choose the call that began before', 'p'), button('Next call', 'Choose the call that began next', 'n'));
}

function timelinePart() {
  if (timeline.calls.length === 0) return null;
  const lanes = make('div', { className: 'lanes', tabIndex: 0, role: 'group', 'aria-label': 'Timeline: arrow keys move, plus and minus zoom, n and p choose the next and the previous call' });
  const details = make('p', { className: 'details', 'aria-live': 'polite' });
  timeline.show = () => {
    drawLanes(lanes);
    drawDetails(details);
  };
  lanes.addEventListener('keydown', onKey(timelineKeys));
  searchers.push((wanted) => {
    timeline.wanted = wanted;
    timeline.show();
  });
  choose(timeline.calls.reduce((slowest, call) => (call.elapsed > slowest.elapsed ? call : slowest)));
  const madeUp = timeline.calls.some((call) => call.madeUp);
  return part('timeline', 'Timeline', make('p', { className: 'note' },
    'Around a call: choose one here, or by its number in the tables. It has the slowest calls, the first ones, and what ran around them, but for calls a thousand times shorter than these: where nothing is shown, something may have run all the same. Calls too short to be drawn appear when you zoom in.',
    madeUp ? ' A log does not say when calls began: each is shown as if it had begun when the one before it ended.' : ''),
  details, timelineControls(), lanes);
}
