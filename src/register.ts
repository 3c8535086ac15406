// For `node --import evenkeel/register app.js`, or with `--require`, or either of them in NODE_OPTIONS. A Node.js that
// is too old reads this file as well, and warns with 'EVENKEEL_OLD_NODE'. Nothing is awaited, because `--require` can't
// wait.
import { createRequire } from 'node:module';

// `./register.cts`, or the file that is built from it. Not imported, because Node.js 22 can't let an imported file
// import a module in turn.
createRequire(import.meta.url)(`./register.c${import.meta.url.slice(-2)}`);
