#!/usr/bin/env node
// Imports nothing before it has looked at the version: undici can't be loaded by a Node.js that is too old.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 19)) {
  void import('./run.ts');
} else {
  process.stderr.write(`evenkeel needs Node.js 22.19 or later, and this is ${process.version}\n`);
  process.exitCode = 1;
}

export {};
