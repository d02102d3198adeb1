// A Chrome file as catapult's trace model, which chrome://tracing was, understands it: read_catapult.js MODULES FILE OUT
// writes what it found as said.c describes it.
'use strict';

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');
const { Lines } = require('./lines.js');

// The model was made for browsers; these are the globals that it looks for.
function loadCatapult(modules) {
  const load = createRequire(path.join(modules, 'here.js'));
  global.window = global;
  Object.assign(global, load('gl-matrix'));
  global.JSZip = {};
  global.mannwhitneyu = {};
  const stubs = new Set(['/gl-matrix-min.js', '/jszip.min.js', '/mannwhitneyu.js']);
  global.HTMLImportsLoader = {
    hrefToAbsolutePath: (href) => (stubs.has(href) ? '../../../lib/empty-stub.js' : undefined),
  };
  load('lighthouse/lighthouse-core/third_party/traceviewer-js/');
  return global.tr;
}

function importText(tr, text) {
  const options = new tr.importer.ImportOptions();
  options.showImportWarnings = false;
  options.pruneEmptyContainers = false;
  options.shiftWorldToZero = false;
  const model = new tr.Model();
  new tr.importer.Import(model, options).importTraces([text]);
  return model;
}

const nanoseconds = (milliseconds) => Math.round(milliseconds * 1e6);

// The model keeps an instant of a thread as a slice without length; only the file still says what it was.
function instantNames(text) {
  return new Set(JSON.parse(text).traceEvents.filter((event) => event.ph === 'i').map((event) => event.name));
}

function addThread(out, thread, instants) {
  const track = thread.name || '';
  for (const slice of thread.sliceGroup.slices) {
    if (slice.duration === 0 && instants.has(slice.title)) {
      out.add(['event', track, slice.title, nanoseconds(slice.start)]);
      continue;
    }
    let depth = 0;
    for (let at = slice.parentSlice; at; at = at.parentSlice) depth++;
    const parent = slice.parentSlice ? slice.parentSlice.title : '';
    const begin = nanoseconds(slice.start);
    if (slice.didNotFinish) out.add(['warning', `without an end: ${slice.title}`]);
    out.add([slice.args.unfinished === true ? 'unfinished' : 'span', track, slice.title, parent, depth, begin, nanoseconds(slice.end) - begin]);
  }
  for (const slice of thread.asyncSliceGroup.slices) {
    const elapsed = slice.didNotFinish ? -1 : nanoseconds(slice.end) - nanoseconds(slice.start);
    out.add(['async', slice.title, nanoseconds(slice.start), elapsed]);
  }
}

function addAll(out, model, instants) {
  for (const process of model.getAllProcesses()) {
    out.add(['process', process.name]);
    for (const instant of process.instantEvents) out.add(['frame', instant.title, nanoseconds(instant.start)]);
    for (const counter of Object.values(process.counters)) {
      const [, name, id] = /^(.*?)(?:\[(.*)\])?$/s.exec(counter.name); // the model appends the id
      for (const { samples } of counter.series)
        for (const { timestamp, value } of samples)
          out.add(['counter', name, id ?? '', nanoseconds(timestamp), value]);
    }
    for (const thread of Object.values(process.threads)) addThread(out, thread, instants);
  }
  for (const flow of model.flowEvents)
    out.add(['flow', flow.title, nanoseconds(flow.start), nanoseconds(flow.end)]);
  // That an async span has no end is for compare.py to judge.
  model.importWarnings
    .map(({ type, message }) => `${type}: ${message}`)
    .filter((warning) => !/Nestable async BEGIN event .* was unmatched/.test(warning))
    .forEach((warning) => out.add(['warning', warning]));
}

function main(modules, file, result) {
  const text = fs.readFileSync(file, 'utf8');
  const model = importText(loadCatapult(modules), text);
  const out = new Lines(result, ['span', 'unfinished', 'async', 'event', 'frame', 'counter', 'flow', 'process']);
  addAll(out, model, instantNames(text));
  out.close();
}

main(...process.argv.slice(2));
