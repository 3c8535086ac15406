// For servers: `node --import evenkeel/identify app.js`, or with `--require`, or either of them in NODE_OPTIONS. From
// then on, all servers of the process name it. In a Node.js that is too old, it warns as `register.ts` does.
import { createRequire } from 'node:module';
import type * as Servers from './servers/identify.ts';

const here = import.meta.url;

/** `identify` of `evenkeel`, for one server. This import has done it for all. */
export const { identify } = createRequire(here)(`./identify.c${here.slice(-2)}`) as Pick<
  typeof Servers,
  'identify'
>;
