// Loads undici without a trace in the global slots that were set: import this before anything that imports
// undici. The order of these imports is what matters.
import './slots.ts';
import 'undici';
import { initial, slots } from './slots.ts';

// Loading undici 8 fills the second slot if it is empty, and the first one along with it: on Node 22 that
// would take the environment's proxy from built-in `fetch`. The second keeps what it got if it had nothing,
// for without that undici's own `request` and `fetch` break.
if (slots.legacy !== initial.legacy) slots.legacy = initial.legacy;
