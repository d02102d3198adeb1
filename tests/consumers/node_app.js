// A program for Node to trace: files read one after the other and at once, marks, a timer.
const fs = require('fs');
const {performance} = require('perf_hooks');

performance.mark('start');
for (let i = 0; i < 50; i++)
    fs.readFileSync(__filename);
Promise.all([1, 2, 3].map(() => fs.promises.readFile(__filename))).then(() => {
    performance.mark('end');
    performance.measure('all of it', 'start', 'end');
    setTimeout(() => {}, 20);
});
