// A Chrome file as catapult's trace model, which chrome://tracing was, understands it: read_catapult.js MODULES FILE
// writes what it found as JSON, in the form that said.py describes.
'use strict';

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

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

function spanOf(track, slice) {
  let depth = 0;
  for (let at = slice.parentSlice; at; at = at.parentSlice) depth++;
  return {
    track,
    name: slice.title,
    parent: slice.parentSlice ? slice.parentSlice.title : '',
    depth,
    begin_ns: nanoseconds(slice.start),
    elapsed_ns: slice.didNotFinish ? -1 : nanoseconds(slice.duration),
  };
}

// The model keeps an instant of a thread as a slice without length; only the file still says what it was.
function instantNames(text) {
  return new Set(JSON.parse(text).traceEvents.filter((event) => event.ph === 'i').map((event) => event.name));
}

function summary(model, instants) {
  const totals = { events: 0, frames: 0, counter_values: 0, flow_arrows: model.flowEvents.length };
  const found = { spans: [], async: [], totals };
  for (const process of model.getAllProcesses()) {
    totals.frames += process.instantEvents.length;
    for (const counter of Object.values(process.counters))
      for (const series of counter.series) totals.counter_values += series.samples.length;
    for (const thread of Object.values(process.threads)) {
      for (const slice of thread.sliceGroup.slices) {
        if (slice.duration === 0 && instants.has(slice.title)) totals.events++;
        else found.spans.push(spanOf(thread.name || '', slice));
      }
      for (const slice of thread.asyncSliceGroup.slices)
        found.async.push({ name: slice.title, elapsed_ns: slice.didNotFinish ? -1 : nanoseconds(slice.duration) });
    }
  }
  // That an async span has no end is for compare.py to judge.
  found.warnings = model.importWarnings
    .map(({ type, message }) => `${type}: ${message}`)
    .filter((warning) => !/Nestable async BEGIN event .* was unmatched/.test(warning));
  return found;
}

const [modules, file] = process.argv.slice(2);
const text = fs.readFileSync(file, 'utf8');
const tr = loadCatapult(modules);
process.stdout.write(JSON.stringify(summary(importText(tr, text), instantNames(text))));
