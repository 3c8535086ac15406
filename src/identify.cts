// As `register.cts`: CommonJS, with nothing in it that Node.js 12 can't read.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 19)) {
  const file = __filename.endsWith('.cts') ? './identify-preload.ts' : './identify-preload.js';
  // By a flag of Node.js, a module can't be required: it is there a moment later, and identifies all servers. Jest can't
  // import one either.
  if (process.features.require_module) {
    module.exports = require(file);
  } else {
    module.exports = { identify() {} };
    import('./identify-preload.ts').catch(() => require('./identify-preload.cjs'));
  }
} else {
  module.exports = { identify() {} };
  if (require('worker_threads').isMainThread) {
    process.emitWarning(`evenkeel needs Node.js 22.19 or newer, and does nothing in ${process.version}`, {
      type: 'EvenkeelWarning',
      code: 'EVENKEEL_OLD_NODE',
    });
  }
}
