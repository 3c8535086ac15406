// Looks for one mistake: node mutant.ts NAME SECONDS. The text of the code is changed as it is loaded.
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { placeOf } from '../fuzz/mutants.ts';
import { MUTANTS } from './mutants.ts';

const [, , name, seconds] = process.argv;
const mutant = MUTANTS.find((one) => one.name === name);
if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
const place = placeOf(mutant, resolve(import.meta.dirname, '../../src'));
if (typeof place === 'string') throw new Error(place);
const mutated = pathToFileURL(place.path).href;
registerHooks({
  load(url, context, nextLoad) {
    if (url !== mutated) return nextLoad(url, context);
    return { format: 'module', source: stripTypeScriptTypes(place.code), shortCircuit: true };
  },
});

// Not before: they load the code.
const { campaign } = await import('./campaign.ts');
const { THEMES } = await import('./themes.ts');
const { theme } = mutant;
if (theme !== undefined && !(theme in THEMES)) throw new Error(`there is no theme ${theme}`);
const { seeds } = await campaign({
  seed: 1,
  seeds: Number.POSITIVE_INFINITY,
  calls: Number.POSITIVE_INFINITY,
  seconds: Number(seconds),
  theme,
  stopsAtFirst: true,
});
process.exit(seeds.length > 0 ? 1 : 0);
