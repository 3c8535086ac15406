// As `register.cts`: CommonJS, with nothing in it that Node.js 12 can't read.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 19)) {
  module.exports = require(__filename.endsWith('.cts') ? './identify-preload.ts' : './identify-preload.js');
} else {
  module.exports = { identify() {} };
  if (require('worker_threads').isMainThread) {
    process.emitWarning(`evenkeel needs Node.js 22.19 or newer, and does nothing in ${process.version}`, {
      type: 'EvenkeelWarning',
      code: 'EVENKEEL_OLD_NODE',
    });
  }
}
