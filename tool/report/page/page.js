// The page of a report as a whole: its head, the search, and a part for each section of the report.
'use strict';

const report = dataOf('report');

// What the sections are called for people, and what to look for. One that is not here is shown under its own name.
const sectionTitles = {
  totals: ['Totals', null],
  top_functions: ['Functions', 'Self time is what a function took without what it called: that is where its own work is.'],
  slowest_calls: ['Slowest calls', 'Single calls; a number opens the timeline around the call.'],
  call_patterns: ['Who calls whom', null],
  redundant_calls: ['Potential redundant calls', 'The same function, caller and parameters more than once: the answer could have been kept.'],
  same_question: ['Same question from different callers', 'What one of them has learnt, the other asks again.'],
  asked_again: ['Asked again within one call', 'The same question under one parent call: existence checked before loading, and the like. What was known could have been passed on.'],
  sequential_calls: ['Sequential duplicates', 'The same call again at once: the caller could have kept the answer.'],
  n_plus_one: ['N+1 calls', 'Under one call, one function again and again with one parameter that differs: one call for all of them would do.'],
  query_breakdown: ['Query breakdown', 'How much of the time each measured part is, and what is left over.'],
  cache_hits: ['Cache hit opportunities', 'What keeping answers would save.'],
  what_to_do: ['What to do', 'The findings with the largest saving.'],
};

function inputCount() {
  return report?.totals?.inputs?.length ?? 1;
}

function isTable(value) {
  return Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === 'object' && entry !== null && !Array.isArray(entry));
}

function isEmpty(section) {
  return Object.values(section).every((value) => value === 0 || (Array.isArray(value) && value.length === 0));
}

// A section's plain members first, then its lists as tables.
function contents(section, searched) {
  const plain = {};
  const rest = [];
  for (const [key, value] of Object.entries(section)) {
    if (section === report.totals && key === 'inputs' && inputCount() === 1) continue; // the head of the page has it
    if (isTable(value)) rest.push(key === 'entries' ? null : make('h3', {}, titleOf(key)), table(value, searched));
    else if (Array.isArray(value) && value.length === 0) continue;
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) rest.push(...nested(key, value, searched));
    else plain[key] = value;
  }
  const onlyCount = Object.keys(plain).every((key) => key === 'count');
  return [onlyCount ? null : facts(plain), ...rest];
}

// What is zero is left out of what is within a section: causes of loss that did not happen, and the like.
function nested(key, value, searched) {
  const some = Object.fromEntries(Object.entries(value).filter(([, one]) => one !== 0));
  const shown = contents(some, searched).filter((part) => part !== null);
  return isEmpty(value) || shown.length === 0 ? [] : [make('h3', {}, titleOf(key)), ...shown];
}

function part(id, title, ...children) {
  return make('section', { id, 'aria-labelledby': `${id}-title` }, make('h2', { id: `${id}-title` }, title), ...children);
}

// A sentence whose "#42" lead to the timeline, as far as they are the calls that it is about.
function sentence(entry) {
  const calls = new Map((entry.evidence ?? []).map((call) => [inputCount() > 1 ? `#${call.input}:${call.number}` : `#${call.number}`, call]));
  const pieces = entry.sentence.split(/(#\d+(?::\d+)?)/).map((piece) => {
    const call = calls.get(piece);
    return call === undefined ? visible(piece) : callLink(call.number, call.input);
  });
  return make('p', {}, ...pieces);
}

// What to do is for reading: sentences, each with what it would save.
function advice(section) {
  const saving = (entry) => `${entry.at_most ? 'Saves at most' : 'Saves about'} ${time(entry.saving_ns)}, ${(100 * entry.share).toFixed(1)} % of all.`;
  return make('ol', { className: 'advice' }, ...section.entries.map((entry) => make('li', {}, sentence(entry), make('p', { className: 'note' }, saving(entry)))));
}

function isAdvice(section) {
  return section.entries?.length > 0 && section.entries.every((entry) => typeof entry.sentence === 'string');
}

function sectionPart(key, section) {
  const [title, about] = sectionTitles[key] ?? [titleOf(key), null];
  const note = about === null ? null : make('p', { className: 'note' }, about);
  if (isAdvice(section)) return part(key, title, note, advice(section));
  const empty = isEmpty(section) && key !== 'totals';
  return part(key, title, note, ...(empty ? [make('p', { className: 'none' }, 'Nothing of this kind.')] : contents(section, key !== 'totals')));
}

function lostRecords() {
  return Object.values(report.totals?.lost ?? {}).reduce((sum, value) => sum + Number(value), 0);
}

// What makes the numbers below less than the truth is said first.
function warnings() {
  const lost = lostRecords();
  const list = [];
  if (lost > 0) list.push(`${count(lost)} records were lost: counts and times below are too low.`);
  if (report.totals?.unfinished > 0) list.push(`${count(report.totals.unfinished)} calls have no end and are not counted.`);
  for (const input of report.totals?.inputs ?? []) {
    if (input.damaged) list.push(`${visible(input.name)}: damaged in places, which were left out.`);
    if (!input.finished) list.push(`${visible(input.name)}: ${input.live ? 'still running when this was made' : 'ended without finishing its trace'}.`);
  }
  return list.map((text) => make('p', { className: 'warning' }, text));
}

// `about`: what the page is about.
function header(title, about) {
  document.title = about === '' ? 'perftrace' : `${about} – perftrace`;
  const search = make('input', { type: 'search', id: 'search', placeholder: 'Search names (/)', 'aria-label': 'Search names', autocomplete: 'off', spellcheck: false });
  search.addEventListener('input', () => searchFor(search.value));
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    search.focus();
  });
  return make('header', {}, make('div', { className: 'title' }, make('h1', {}, title), make('p', { className: 'inputs' }, make('bdi', {}, about))), search);
}

function inputNames() {
  const inputs = report.totals?.inputs ?? [];
  return inputs.slice(0, 3).map((input) => visible(input.name)).join(', ') + (inputs.length > 3 ? ` and ${inputs.length - 3} more` : '');
}

function searchFor(text) {
  const wanted = text.toLowerCase();
  for (const searcher of searchers) searcher(wanted);
}

function links(parts) {
  const list = parts.map((element) => make('a', { href: `#${element.id}` }, element.querySelector('h2').textContent));
  return make('nav', { 'aria-label': 'Sections' }, ...list);
}

// The report has the functions in several orders, the first so many of each; a table that can be sorted needs them once.
function joinFunctions() {
  const keys = ['top_functions', 'functions_by_total', 'functions_by_self'].filter((key) => report[key]?.entries !== undefined);
  const known = new Map();
  for (const key of keys)
    for (const entry of report[key].entries) known.set(entry.function, known.get(entry.function) ?? entry);
  for (const key of keys.slice(1)) delete report[key];
  if (keys.length > 0) report[keys[0]].entries = [...known.values()];
}

function start() {
  readCalls();
  joinFunctions();
  const sections = Object.entries(report).filter(([, value]) => typeof value === 'object' && value !== null);
  const first = sections.filter(([key]) => key === 'totals' || key === 'what_to_do');
  const elsewhere = new Set(['totals', 'what_to_do', 'call_tree']); // the tree is the flame graph
  const rest = sections.filter(([key, section]) => !elsewhere.has(key) && (key !== 'groups' || !isEmpty(section)));
  const show = ([key, section]) => sectionPart(key, section);
  const parts = [...first.map(show), flamePart(ofReport), timelinePart(), ...rest.map(show)].filter((element) => element !== null);
  document.getElementById('page').replaceChildren(header('Performance Analysis Report', inputNames()), links(parts), ...warnings(), ...parts);
}

document.addEventListener('DOMContentLoaded', () => (report === null ? startComparison() : start()));
