// Tables: of any list of objects, sorted by a click on a column's head, and cut to what is searched for.
'use strict';

const ROWS_AT_FIRST = 15;

const kinds = {
  time: { right: true, show: (value) => time(value), order: (value) => Number(value) },
  share: { right: true, show: (value) => `${(100 * value).toFixed(1)} %`, order: (value) => Number(value) },
  count: { right: true, show: (value) => count(value), order: (value) => Number(value) },
  flag: { show: (value) => (value ? 'yes' : 'no'), order: (value) => Number(value) },
  change: { right: true, show: (value) => changeText(value), order: (value) => Number(value) },
  text: { show: (value) => name(value), order: (value) => String(value) },
  answer: { show: (value) => answerText(value), order: (value) => String(value) },
  words: { show: (value) => visible(value), order: (value) => String(value) },
  call: { show: (value, row) => callLink(value, row.input), order: (value) => Number(value) },
  calls: { show: (value) => callList(value), order: (value) => value.length },
  list: { show: (value) => inner(value), order: (value) => value.length },
  curve: { show: (value) => curve(value), order: (value) => value.length },
  object: { show: (value) => inBrief(value), order: (value) => Number(Object.values(value).find(isNumber) ?? 0) },
};

const isNumber = (value) => typeof value === 'number' || (typeof value === 'string' && /^\d{16,20}$/.test(value));
const isCallObject = (value) =>
  typeof value === 'object' && value !== null && 'number' in value && Object.keys(value).every((key) => key === 'number' || key === 'input');
const isCall = (value) => isNumber(value) || isCallObject(value);
const isPoint = (value) => Array.isArray(value) && value.length >= 2 && value.every(isNumber);

function kindOfList(key, value) {
  if (value.length === 0) return 'list';
  if (value.every(isCallObject) || (/call|number/.test(key) && value.every(isCall))) return 'calls';
  return value.every(isPoint) ? 'curve' : 'list';
}

function kindOf(key, value) {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return kindOfList(key, value);
  if (typeof value === 'boolean') return 'flag';
  if (typeof value === 'object') return isCallObject(value) ? 'calls' : 'object';
  if (!isNumber(value)) return key === 'answer' ? 'answer' : key === 'said' || key === 'bounds' ? 'words' : 'text';
  if (/_ns$/.test(key)) return 'time';
  if (/_(share|ratio|fraction)$|^share$/.test(key)) return 'share';
  if (/^(change|lower|upper)$/.test(key)) return 'change';
  return /(^|_)(number|call_number|parent_call)$/.test(key) ? 'call' : 'count';
}

// `among`: an object with the key's neighbours; of `again` and `again_ns` one is a time.
function titleOf(key, among) {
  const plain = key.replace(/_ns$/, '');
  const words = plain.replace(/_/g, ' ') + (plain !== key && among !== undefined && plain in among ? ' time' : '');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// #42 as something to click, where the calls around it were kept.
function callLink(number, input) {
  const text = input > 1 || (input === 1 && inputCount() > 1) ? `#${input}:${number}` : `#${number}`;
  if (!timelineHas(number, input)) return make('span', { className: 'call' }, text);
  return make('button', { type: 'button', className: 'call link', onclick: () => showCall(number, input), title: 'Show in the timeline' }, text);
}

const CALLS_SHOWN = 8;

function callList(value) {
  const calls = Array.isArray(value) ? value : [value];
  const list = make('span', { className: 'calls' });
  for (const call of calls.slice(0, CALLS_SHOWN))
    list.append(typeof call === 'object' ? callLink(call.number, call.input) : callLink(call), ' ');
  if (calls.length > CALLS_SHOWN) list.append(`… ${calls.length - CALLS_SHOWN} more`);
  return list;
}

// A list within a cell.
function inner(value) {
  if (value.length === 0) return '–';
  if (value.every((entry) => typeof entry !== 'object' || entry === null))
    return value.map((entry) => visible(entry)).join(', ');
  const many = make('details', { className: 'inner' }, make('summary', {}, `${value.length} ${value.length === 1 ? 'entry' : 'entries'}`));
  // Made when it is opened: most never are.
  many.addEventListener('toggle', () => many.children.length === 1 && many.append(table(value)), { once: true });
  return many;
}

// An object's plain members, as a list of what they say.
function facts(object) {
  const list = make('dl', { className: 'facts' });
  for (const [key, value] of Object.entries(object)) {
    const kind = kindOf(key, value);
    if (kind !== null) list.append(make('div', {}, make('dt', {}, titleOf(key, object)), make('dd', {}, kinds[kind].show(value, object))));
  }
  return list;
}

const CURVE = { width: 140, height: 32 };

// Points [x, …, y] as a line of steps, x in powers of ten: what a cache of each size would save.
function curve(points) {
  const svg = (tag, attributes) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const last = points[points.length - 1];
  const y = (point) => Number(point[point.length - 1]);
  const most = Math.max(...points.map(y), 1);
  const widest = Math.log(Number(last[0]) + 1);
  const steps = points.map((point) => {
    const x = widest > 0 ? (CURVE.width * Math.log(Number(point[0]) + 1)) / widest : 0;
    return `H${x.toFixed(1)}V${(CURVE.height * (1 - y(point) / most)).toFixed(1)}`;
  });
  const picture = svg('svg', { class: 'curve', viewBox: `-1 -1 ${CURVE.width + 2} ${CURVE.height + 2}`, width: CURVE.width, height: CURVE.height, role: 'img' });
  const title = svg('title', {});
  title.textContent = `up to ${count(last[0])}: ${points.slice(0, 40).map((point) => point.map((value) => count(value)).join(' / ')).join(', ')}`;
  picture.append(title, svg('path', { d: `M0 ${CURVE.height}${steps.join('')}` }));
  return picture;
}

// An object within a cell: "parents 2, again 14, again time 44.5 µs".
function inBrief(object) {
  const list = make('span', { className: 'brief' });
  for (const [key, value] of Object.entries(object)) {
    const kind = kindOf(key, value);
    if (kind !== null) list.append(list.childNodes.length > 0 ? ', ' : '', `${titleOf(key, object).toLowerCase()} `, kinds[kind].show(value, object));
  }
  return list;
}

// What is found when somebody searches: all texts of the row.
function textOf(value) {
  if (typeof value === 'object' && value !== null) return Object.values(value).map(textOf).join('\n');
  return typeof value === 'string' ? value.toLowerCase() : '';
}

const usuallySo = new Set(['exact', 'finished', 'parents_known', 'curve_complete']);

// The columns that say something: those of the usual answer alone (nothing unfinished, nothing damaged) are left out.
function columnsOf(rows) {
  const columns = new Map();
  for (const row of rows)
    for (const [key, value] of Object.entries(row)) {
      const kind = kindOf(key, value);
      if (kind !== null && (columns.get(key) ?? kind) !== kind) columns.set(key, Array.isArray(value) ? 'list' : 'text');
      else if (kind !== null) columns.set(key, kind);
    }
  const inputs = inputCount() > 1;
  const says = ([key, kind]) => {
    if (key === 'input') return inputs;
    if ((key === 'function' || key === 'caller') && columns.has('signature')) return false; // which begins with them
    if (key === 'function' && columns.has('question')) return false;
    if (key === 'total_ns' && columns.has('outermost_ns')) return false; // which is the total without recursive calls, as in the text
    if (kind === 'flag' || key === 'unfinished' || key === 'percentile_error') return rows.some((row) => Boolean(row[key]) !== usuallySo.has(key));
    if (kind === 'list' || kind === 'curve') return rows.some((row) => row[key]?.length > 0);
    return true;
  };
  const title = (key) => (key === 'outermost_ns' ? 'Total' : titleOf(key, Object.fromEntries(columns)));
  return [...columns].filter(says).map(([key, kind]) => ({ key, kind, title: title(key) }));
}

// `rows` are objects; columns are their members, in the order in which they first appear. `searched`: false where a search is to leave
// it alone.
function table(rows, searched) {
  const columns = columnsOf(rows);
  const texts = rows.map((row) => textOf(row));
  const state = { column: null, descending: false, all: false, wanted: '' };
  const body = make('tbody');
  const more = make('button', { type: 'button', className: 'more' });
  const heads = columns.map((column) => {
    const button = make('button', { type: 'button', onclick: () => sortBy(column) }, column.title);
    return make('th', { scope: 'col', className: kinds[column.kind].right ? 'right' : '', 'aria-sort': 'none' }, button);
  });

  function sortBy(column) {
    state.descending = state.column === column ? !state.descending : kinds[column.kind].right === true;
    state.column = column;
    heads.forEach((head, index) =>
      head.setAttribute('aria-sort', columns[index] !== column ? 'none' : state.descending ? 'descending' : 'ascending'));
    fill();
  }

  function order() {
    const indices = rows.map((_, index) => index).filter((index) => texts[index].includes(state.wanted));
    if (state.column === null) return indices;
    const { key, kind } = state.column;
    const values = rows.map((row) => (row[key] === undefined || row[key] === null ? null : kinds[kind].order(row[key])));
    const compare = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b)));
    const sign = state.descending ? -1 : 1;
    return indices.sort((a, b) => {
      if (values[a] === null || values[b] === null) return (values[a] === null) - (values[b] === null) || a - b;
      return sign * compare(values[a], values[b]) || a - b;
    });
  }

  function fill() {
    const indices = order();
    const shown = state.all ? indices : indices.slice(0, ROWS_AT_FIRST);
    body.replaceChildren(...shown.map((index) => make('tr', {}, ...columns.map(({ key, kind }) => cell(rows[index], key, kind)))));
    if (indices.length === 0)
      body.append(make('tr', {}, make('td', { colSpan: columns.length, className: 'none' }, 'Nothing here has that in its name.')));
    more.hidden = indices.length <= ROWS_AT_FIRST;
    more.textContent = state.all ? 'Show fewer' : `Show all ${count(indices.length)}`;
  }

  function cell(row, key, kind) {
    const value = row[key];
    const known = value !== null && value !== undefined;
    return make('td', { className: kinds[kind].right ? 'right' : '' }, known ? kinds[kind].show(value, row) : '');
  }

  more.onclick = () => {
    state.all = !state.all;
    fill();
  };
  if (searched !== false)
    searchers.push((wanted) => {
      state.wanted = wanted;
      fill();
    });
  fill();
  const grid = make('div', { className: 'scroll', tabIndex: 0 }, make('table', {}, make('thead', {}, make('tr', {}, ...heads)), body));
  return make('div', { className: 'table' }, grid, more);
}
