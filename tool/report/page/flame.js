// The flame graph: who calls whom, each as wide as its time; to zoom into and to search.
'use strict';

const FRAME_PX = 21;
const WIDTH_MIN = 1.5; // of a frame, in pixels: narrower ones are not drawn
const DEPTH_SHOWN = 250;

// frames[0] stands for all; the others have a parent that comes before them. `of` says what frames have beside their name, and how it is shown.
const flame = { frames: [], root: null, wanted: '', current: null, place: null, details: null, of: null };

// The flame graph of a report: a frame has the figures of its calls, and a colour by its name.
const ofReport = {
  about: 'Each frame is a function as called from the one above it, as wide as the time it took. A click zooms in.',
  controls: () => [],
  ready: () => measureFlame(),
  figures: ([calls, total, self, recursive, cut], called) => ({ name: called, calls: Number(calls), total: Number(total), self: Number(self), recursive: Number(recursive), cut: Number(cut) }),
  colour: (element, frame) => element.style.setProperty('--hue', String(hue(frame.name))),
  title: (frame) => `${visible(frame.name)}\n${time(frame.total)} (${share(frame.total, flame.frames[0].total)}), itself ${time(frame.self)}, ${calls(frame)}`,
  tell: (frame) => [` (${share(frame.total, flame.frames[0].total)} of all, ${share(frame.total, frame.parent.total)} of `, name(frame.parent.name), `), itself ${time(frame.self)}, ${calls(frame)}`],
};

function readFlame(of) {
  const data = dataOf('flame');
  if (data === null || data.nodes.length === 0) return data;
  const all = { name: 'all', calls: 0, total: 0, self: 0, parent: null, children: [], depth: 0 };
  flame.of = of;
  flame.frames = [all];
  for (const [parent, called, ...figures] of data.nodes) {
    const above = flame.frames[parent];
    const frame = { parent: above, children: [], depth: above.depth + 1, ...of.figures(figures, data.functions[called]) };
    above.children.push(frame);
    flame.frames.push(frame);
  }
  flame.root = all;
  of.ready();
  return data;
}

// A frame's children may take longer than itself, where they ran at the same time: then they share its width.
function measureFlame() {
  for (let i = flame.frames.length - 1; i >= 0; i--) {
    const frame = flame.frames[i];
    const within = frame.children.reduce((sum, child) => sum + child.total, 0);
    if (frame.parent === null) frame.total = within;
    frame.width = Math.max(frame.total, within);
    frame.children.sort((a, b) => b.total - a.total);
  }
}

// The frames to draw, with `left` and `width` as parts of one: those around the root of the zoom, and what is below it.
function layOut(pixels) {
  const drawn = [];
  const path = [];
  for (let at = flame.root.parent; at !== null; at = at.parent) path.unshift(at);
  for (const frame of path) drawn.push({ frame, left: 0, width: 1, around: true });
  const stack = [{ frame: flame.root, left: 0, width: 1 }];
  let deeper = false;
  while (stack.length > 0) {
    const placed = stack.pop();
    drawn.push(placed);
    if (placed.frame.depth - flame.root.depth >= DEPTH_SHOWN) {
      deeper ||= placed.frame.children.length > 0;
      continue;
    }
    let left = placed.left;
    for (const child of placed.frame.children) {
      const width = placed.frame.width > 0 ? (placed.width * child.total) / placed.frame.width : 0;
      if (width * pixels < WIDTH_MIN) break; // as are those that follow
      stack.push({ frame: child, left, width });
      left += width;
    }
  }
  return { drawn, deeper };
}

function calls(frame) {
  const parts = [frame.calls === 0 ? 'no finished call' : `${count(frame.calls)} ${frame.calls === 1 ? 'call' : 'calls'}`];
  if (frame.recursive > 0) parts.push(`${count(frame.recursive)} of them by itself`);
  if (frame.cut > 0) parts.push(`${count(frame.cut)} calls further down are counted here`);
  return parts.join(', ');
}

function frameTitle(frame) {
  return frame.parent === null ? `all: ${time(frame.total)}` : flame.of.title(frame);
}

function frameElement({ frame, left, width, around }, row) {
  const element = make('button', { type: 'button', className: 'bar', tabIndex: -1, title: frameTitle(frame) }, visible(frame.name));
  element.style.left = `${100 * left}%`;
  element.style.width = `${100 * width}%`;
  element.style.top = `${row * FRAME_PX}px`;
  if (frame.parent !== null) flame.of.colour(element, frame);
  if (around) element.classList.add('around');
  if (frame.parent === null) element.classList.add('all');
  if (flame.wanted !== '' && frame.parent !== null && frame.name.toLowerCase().includes(flame.wanted)) element.classList.add('hit');
  element.onclick = () => zoomTo(frame);
  element.onfocus = () => point(frame);
  element.onmouseenter = () => tell(frame);
  frame.element = element;
  return element;
}

function drawFlame() {
  const { place } = flame;
  const focused = place.contains(document.activeElement);
  const { drawn, deeper } = layOut(place.clientWidth || 1000);
  for (const frame of flame.frames) frame.element = null;
  const rows = 1 + drawn.reduce((most, { frame }) => Math.max(most, frame.depth), 0);
  const inside = make('div', { className: 'bars' }, ...drawn.map((placed) => frameElement(placed, placed.frame.depth)));
  inside.style.height = `${rows * FRAME_PX}px`;
  place.replaceChildren(inside, deeper ? make('p', { className: 'note' }, 'Deeper calls are shown when you zoom in.') : '');
  point(flame.current?.element ? flame.current : flame.root, focused);
  tell(flame.root);
}

// Where the keyboard is: one frame takes part in the order of the Tab key.
function point(frame, focus) {
  if (flame.current?.element) flame.current.element.tabIndex = -1;
  flame.current = frame;
  frame.element.tabIndex = 0;
  if (focus) frame.element.focus();
  tell(frame);
}

function tell(frame) {
  const parts = frame.parent === null
    ? [make('strong', {}, time(frame.total)), ' in all']
    : [name(frame.name), ' ', make('strong', {}, time(frame.total)), ...flame.of.tell(frame)];
  flame.details.replaceChildren(...parts, ...found());
}

// What is searched for, in numbers: of frames within one another the outermost counts.
function found() {
  if (flame.wanted === '') return [];
  let total = 0;
  let frames = 0;
  const within = new Set();
  for (const frame of flame.frames.slice(1)) {
    const hit = frame.name.toLowerCase().includes(flame.wanted);
    frames += hit;
    if (hit && !within.has(frame.parent)) total += frame.total;
    if (hit || within.has(frame.parent)) within.add(frame);
  }
  return [' – ', make('span', { className: 'found' }, `found: ${count(frames)} ${frames === 1 ? 'frame' : 'frames'}, ${share(total, flame.frames[0].total)} of all`)];
}

function zoomTo(frame) {
  flame.root = frame;
  flame.current = frame;
  drawFlame();
}

function step(frame) {
  if (frame?.element) point(frame, true);
}

const beside = (by) => {
  const among = flame.current.parent?.children ?? [];
  return among[among.indexOf(flame.current) + by];
};
const flameKeys = {
  ArrowUp: () => step(flame.current.parent),
  ArrowDown: () => step(flame.current.children[0]),
  ArrowLeft: () => step(beside(-1)),
  ArrowRight: () => step(beside(1)),
  Escape: () => zoomTo(flame.frames[0]),
  Backspace: () => flame.root.parent !== null && zoomTo(flame.root.parent),
};

function flameNote(data) {
  const said = [];
  if (Number(data.left_out) > 0) said.push(`${count(data.left_out)} of the shortest frames are left out.`);
  if (report?.call_tree?.by_name) said.push('The log does not say within which call each was: that is told by the names of the callers.');
  return said.length > 0 ? make('p', { className: 'note' }, said.join(' ')) : null;
}

function flamePart(of) {
  const data = readFlame(of);
  if (flame.frames.length === 0) return null;
  flame.place = make('div', { className: 'flame', role: 'group', 'aria-label': 'Flame graph: arrow keys go from frame to frame, Enter zooms in, Escape zooms out' });
  flame.details = make('p', { className: 'details', 'aria-live': 'polite' });
  flame.place.addEventListener('keydown', onKey(flameKeys));
  searchers.push((wanted) => {
    flame.wanted = wanted;
    drawFlame();
  });
  const out = make('button', { type: 'button', className: 'button', onclick: () => zoomTo(flame.frames[0]) }, 'Zoom out');
  // Its width is known when it is on the page, and changes with the window.
  new ResizeObserver(() => flame.place.clientWidth !== flame.drawnAt && ((flame.drawnAt = flame.place.clientWidth), drawFlame())).observe(flame.place);
  return part('flame', 'Flame graph', make('p', { className: 'note' }, of.about), flame.details,
    make('div', { className: 'controls' }, out, ...of.controls(data)), flame.place, flameNote(data));
}
