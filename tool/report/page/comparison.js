// The page of a comparison: what has changed, and a flame graph of both sides.
'use strict';

const BASE = 0;
const HEAD = 1;
const sideNames = ['base', 'head'];
const comparison = { side: HEAD, per: 'run' };

// The rules of the findings, as answers.
const answers = {
  slower: 'slower', faster: 'faster', same: 'not changed', unclear: 'not certain', 'unclear-small': 'not certain, and small', 'too-few-runs': 'not certain: too few runs',
  new: 'new', gone: 'gone', sometimes: 'in some runs only', moved: 'called by others', calls: 'number of calls', repeated: 'repeated calls', runs: 'too few runs', incomplete: 'incomplete',
};
const answerColours = { slower: 'slower', faster: 'faster', gone: 'faster', new: 'slower' };
const verdictMarks = { pass: 'passed', fail: 'FAILED', inconclusive: 'inconclusive' };

// An answer with the colour that it has in the flame graph.
function answerText(answer) {
  const colour = answerColours[answer.split(':')[0]];
  return make('span', {}, make('span', { className: `patch ${colour ?? ''}` }), ` ${answer}`);
}

// What a path's function is known to have done, for its frames; `certain` ones have the whole colour.
const flameAnswers = { slower: 'slower, for certain', faster: 'faster, for certain', same: 'not changed', new: 'new', gone: 'gone', unclear: 'not certain' };

// By how much a frame itself has changed, as head's part of base: of a call, where calls vary from run to run.
function ratioOf(frame) {
  const of = (side) => (frame.perCall && frame.calls[side] > 0 ? frame.selfs[side] / frame.calls[side] : frame.selfs[side]);
  if (of(BASE) === of(HEAD)) return 1;
  return of(BASE) > 0 ? of(HEAD) / of(BASE) : Infinity;
}

// Whether what is known of the function is what this path of it has done.
function isCertain(frame) {
  const ratio = ratioOf(frame);
  if (frame.totals[BASE] === 0 || frame.totals[HEAD] === 0) return true; // it is there, or not
  return (frame.answer === 'slower' && ratio > 1) || (frame.answer === 'faster' && ratio < 1);
}

const FAINT = 18; // percent of a colour, where it is not certain
const UNSEEN = 12; // at least, where it is

function colourOf(element, frame) {
  const far = Math.min(1, Math.abs(Math.log2(ratioOf(frame)))); // twice as long, or half, has all of it
  const much = frame.answer === 'same' ? 0 : isCertain(frame) ? UNSEEN + (100 - UNSEEN) * far : FAINT * far;
  element.classList.add('change', ratioOf(frame) > 1 ? 'slower' : 'faster');
  element.style.setProperty('--much', `${(Number.isFinite(much) ? much : 100).toFixed(0)}%`);
}

function fromTo(values, show) {
  return values[BASE] === values[HEAD] ? show(values[HEAD]) : `${show(values[BASE])} → ${show(values[HEAD])}`;
}

function changeOf(frame) {
  const ratio = ratioOf(frame);
  if (frame.totals[BASE] === 0) return 'not in base';
  if (frame.totals[HEAD] === 0) return 'not in head';
  return `${Number.isFinite(ratio) ? changeText(ratio - 1) : 'new work'}${frame.perCall ? ' a call' : ''}; the function: ${flameAnswers[frame.answer]}`;
}

function figuresText(frame) {
  return `itself ${fromTo(frame.selfs, time)} a ${comparison.per} (${changeOf(frame)}); with what it calls ${fromTo(frame.totals, time)}; ${fromTo(frame.calls, count)} ${frame.calls[HEAD] === 1 ? 'call' : 'calls'}`;
}

const ofComparison = {
  about: 'Each frame is a function as called from the one above it. Red: its own time is longer than in base; blue: shorter; the more colour, the more so, and all of it from twice as long on. Nearly grey is what is not certain, or has not changed.',
  figures: ([baseCalls, headCalls, baseSelf, headSelf], [called, answer, perCall]) => ({ name: called, answer, perCall, calls: [baseCalls, headCalls], selfs: [baseSelf, headSelf], totals: [0, 0] }),
  colour: colourOf,
  title: (frame) => `${visible(frame.name)}\n${figuresText(frame)}`,
  tell: (frame) => [` in ${sideNames[comparison.side]} (${share(frame.total, flame.frames[0].total)} of all), ${figuresText(frame)}`],
  controls: () => [sideSwitch(), legend(), vanished()],
  ready: () => {
    addUpSides();
    chooseSide(HEAD);
  },
};

// Widths are those of one side; what is only on the other has none.
function chooseSide(side) {
  comparison.side = side;
  for (const frame of flame.frames) if (frame.parent !== null) frame.total = frame.totals[side];
  measureFlame();
  if (flame.root.total === 0) flame.root = flame.frames[0];
  flame.current = flame.root;
}

function addUpSides() {
  for (const frame of [...flame.frames].reverse()) {
    if (frame.parent === null) continue;
    for (const side of [BASE, HEAD]) {
      frame.totals[side] += frame.selfs[side];
      if (frame.parent.parent !== null) frame.parent.totals[side] += frame.totals[side];
    }
  }
}

function sideSwitch() {
  const choice = make('span', { className: 'choice', role: 'group', 'aria-label': 'Widths' }, 'Widths of ');
  const buttons = [HEAD, BASE].map((side) => make('button', { type: 'button', className: 'button', 'aria-pressed': String(side === comparison.side), onclick: () => choose(side) }, sideNames[side]));
  const choose = (side) => {
    chooseSide(side);
    buttons.forEach((button, i) => button.setAttribute('aria-pressed', String([HEAD, BASE][i] === side)));
    drawFlame();
  };
  choice.append(...buttons);
  return choice;
}

function legend() {
  const entry = (className, text) => {
    const patch = make('span', { className: `patch ${className}` });
    return make('span', {}, patch, ` ${text}`);
  };
  return make('span', { className: 'legend' }, entry('slower', 'slower'), entry('same', 'not certain, or not changed'), entry('faster', 'faster'));
}

// What is only in base can't be seen among the widths of head: its outermost paths.
function vanished() {
  const gone = flame.frames.filter((frame) => frame.parent !== null && frame.totals[HEAD] === 0 && (frame.parent.parent === null || frame.parent.totals[HEAD] > 0));
  return gone.length === 0 ? null : make('span', { className: 'note' }, `${count(gone.length)} ${gone.length === 1 ? 'path is' : 'paths are'} only in base, and ${gone.length === 1 ? 'has its width' : 'have their widths'} there: ${gone.slice(0, 5).map((frame) => visible(frame.name)).join(', ')}${gone.length > 5 ? ' …' : ''}`);
}

// What the figures of its row do not say.
const toldInWords = new Set(['moved', 'calls', 'repeated', 'sometimes', 'runs', 'incomplete']);
const known = (value) => (value > NO_TIME ? value : undefined);
const NO_TIME = 0.001; // ns: what stands for none where figures are divided

// A row of the table of spans: what people look for first.
function rowOf(finding) {
  const { change, lower, upper } = finding;
  const row = { span: finding.name, answer: answers[finding.rule] ?? finding.rule };
  if (finding.verdict === 'fail') row.answer += ': failed';
  if (toldInWords.has(finding.rule)) return { ...row, said: finding.message };
  if (change !== undefined) row.change = change;
  if (change !== undefined) row.bounds = `${lower === undefined ? '…' : changeText(lower)} to ${upper === undefined ? '…' : changeText(upper)}`;
  return { ...row, base_ns: known(finding.base_ns), head_ns: known(finding.head_ns), per: finding.per, base_calls: finding.base_calls, head_calls: finding.head_calls, where: placeOf(finding) };
}

function placeOf(finding) {
  if (finding.file === undefined) return undefined;
  return `${finding.file.split('/').pop()}${finding.line === undefined ? '' : `:${finding.line}`}`;
}

function startComparison() {
  const found = dataOf('comparison');
  const findings = found.findings.filter((finding) => finding.rule !== 'together');
  const rows = findings.filter((finding) => !toldInWords.has(finding.rule)).map(rowOf);
  const told = findings.filter((finding) => toldInWords.has(finding.rule)).map(rowOf);
  const units = new Set(rows.map((row) => row.per).filter((per) => per !== undefined));
  if (units.size === 1) for (const row of rows) delete row.per;
  const about = `What matters most stands first. Times are what a span took itself${units.size === 1 ? ` in a ${[...units][0]}` : ''}, medians over runs; the change is within its bounds for certain.`;
  const parts = [
    flamePart(ofComparison),
    rows.length > 0 ? part('spans', 'Spans', make('p', { className: 'note' }, about), table(rows)) : null,
    told.length > 0 ? part('told', 'Calls, callers and runs', table(told)) : null,
  ].filter((element) => element !== null);
  const summary = make('p', { className: `verdict ${found.verdict}` }, make('strong', {}, verdictMarks[found.verdict]), `: ${found.summary ?? ''}`);
  const notes = found.notes.map((line) => make('p', { className: 'note' }, visible(line)));
  document.getElementById('page').replaceChildren(header('Comparison', visible(found.about)), links(parts), summary, ...notes, ...parts);
}
