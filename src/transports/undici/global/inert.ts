// Loads undici without changing the global slots. Import this before anything that imports undici: the order of these
// imports matters.
import './slots.ts';
import 'undici';
import { initial, slots } from './slots.ts';

// Loading undici 8 fills the second slot if it is empty, and the first one too. On Node 22, that would take the
// environment's proxy from built-in `fetch`, so the first slot is restored. The second one keeps undici's dispatcher if
// it was empty, because undici's own `request` and `fetch` fail without one.
if (slots.legacy !== initial.legacy) slots.legacy = initial.legacy;
