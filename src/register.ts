// For `node --import evenkeel/register app.js`, or `--require`, or either of them in NODE_OPTIONS. A Node.js that is too
// old reads this as well, and warns with 'EVENKEEL_OLD_NODE'. Nothing is waited for: what is loaded with `--require` can't be.
import { createRequire } from 'node:module';

// `./register.cts`, or what it is built into: not imported, as Node.js 22 can't have that import a module in turn.
createRequire(import.meta.url)(`./register.c${import.meta.url.slice(-2)}`);
