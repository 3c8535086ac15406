import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT_TABLE } from '../../src/config/client-options.ts';
import { variableFor } from '../../src/config/env.ts';
import { type Option, SWITCH, TABLE } from '../../src/config/table.ts';
import { VARIABLES } from '../../src/config/variables.ts';

interface Entries {
  readonly [name: string]: Option<unknown> | Entries;
  readonly [SWITCH]?: true;
}

test('the list of variables has those of all options, and no others', () => {
  const known = [...variablesOf(TABLE as unknown as Entries, []), ...variablesOf(CLIENT_TABLE, [])];
  assert.deepEqual(VARIABLES, known);
});

function variablesOf(entries: Entries, path: string[]): string[] {
  const own = entries[SWITCH] ? [variableFor(path)] : [];
  const nested = Object.entries(entries).flatMap(([name, entry]) => {
    if (typeof entry.parse !== 'function') return variablesOf(entry as Entries, [...path, name]);
    return entry.fromText === undefined ? [] : [variableFor([...path, name])];
  });
  return [...own, ...nested];
}
