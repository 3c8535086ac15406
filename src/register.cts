// CommonJS, with nothing in it that Node.js 12 can't read, and it imports nothing before it has looked at the version:
// NODE_OPTIONS reaches every Node in a container, that of a package manager too.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 19)) {
  const file = __filename.endsWith('.cts') ? './preload.ts' : './preload.js';
  // By a flag of Node.js, a module can't be required: then it is there a moment later. Jest can't import one either.
  if (process.features.require_module) require(file);
  else import('./preload.ts').catch(() => require('./preload.cjs'));
} else if (require('worker_threads').isMainThread) {
  process.emitWarning(`evenkeel needs Node.js 22.19 or newer, and does nothing in ${process.version}`, {
    type: 'EvenkeelWarning',
    code: 'EVENKEEL_OLD_NODE',
  });
}
