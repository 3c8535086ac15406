// For servers: `node --import evenkeel/identify app.js`, or `--require`, or either of them in NODE_OPTIONS. All servers of the
// process name it, from their import on. In a Node.js that is too old, it warns as `register.ts` does.
import { createRequire } from 'node:module';
import type * as Servers from './servers/identify.ts';

const here = import.meta.url;

/** See `identify` of `evenkeel`: for one server. This import has done it for all. */
export const { identify } = createRequire(here)(`./identify.c${here.slice(-2)}`) as Pick<
  typeof Servers,
  'identify'
>;
