// Looks for one mistake: node mutant.ts NAME SECONDS. The text of the code is changed as it is loaded. With `keep` behind that,
// the smallest scenario that shows it joins the regressions.
import { writeFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { placeOf } from '../fuzz/mutants.ts';
import { MUTANTS } from './mutants.ts';

/** Seconds for which a scenario is made smaller. */
const SHRINKS_FOR = 15;

const [, , name, seconds, keeps] = process.argv;
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
const { inMacrotask } = await import('./microtasks.ts');
const { regressionFile } = await import('./regressions.ts');
const { Shrinker } = await import('./shrink.ts');
const { scenarioOf, THEMES } = await import('./themes.ts');
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
const [found] = seeds;
if (found !== undefined && keeps === 'keep') {
  const scenario = scenarioOf(found.seed, found.theme);
  const small = await inMacrotask(() => new Shrinker(scenario, found.violation, SHRINKS_FOR).shrink());
  writeFileSync(regressionFile(mutant.name), `${JSON.stringify(small, null, 2)}\n`);
}
process.exit(seeds.length > 0 ? 1 : 0);
