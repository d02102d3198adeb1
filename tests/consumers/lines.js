// What the read_* programs have found, as said.c describes it: one JSON array on each line.
'use strict';

const fs = require('fs');

const CHUNK_BYTES = 1 << 20;

class Lines {
  // The kinds of things that the reader can find at all.
  constructor(file, kinds) {
    this.fd = fs.openSync(file, 'w');
    this.text = '';
    this.add(['kinds', ...kinds]);
  }

  add(entry) {
    this.raw(JSON.stringify(entry) + '\n');
  }

  raw(text) {
    this.text += text;
    if (this.text.length > CHUNK_BYTES) this.flush();
  }

  flush() {
    fs.writeSync(this.fd, this.text);
    this.text = '';
  }

  close() {
    this.flush();
    fs.closeSync(this.fd);
  }
}

module.exports = { Lines };
