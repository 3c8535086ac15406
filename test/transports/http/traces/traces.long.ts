import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { certificateFor } from '../../../support/certificate.ts';
import { nextAddress } from '../../../support/pods.ts';
import { IS_SHORT, NODES, RUNNING, run, testOnNode } from '../../../support/versions.ts';
import { linesOf } from './differences.ts';
import { PLAYS } from './play.ts';
import type { Told } from './stage.ts';
import type { Setting } from './traces-process.ts';

const PROCESS = new URL('traces-process.ts', import.meta.url).pathname;
const certificate = certificateFor('DNS:traces.test');

/** Scenarios, and the lines of each. */
type Lines = Record<string, string[]>;

// They wait most of the time.
describe('in processes of their own', { concurrency: 2 }, () => {
  for (const major of NODES) {
    for (const [scheme, tls] of [
      ['http', undefined],
      ['https', certificate],
    ] as const) {
      for (const warm of [false, true]) {
        if (IS_SHORT && major !== RUNNING && !(warm && tls)) continue;
        const when = warm ? 'with a connection that idles' : 'with no connection yet';
        testOnNode(
          major,
          `Node ${major}, ${scheme}, ${when}: by hand and preloaded, all is told as by Node’s own agent`,
          async (_t, binary) => {
            const address = nextAddress();
            const told = async (way: Setting['way'], scenarios?: readonly string[]): Promise<Lines> => {
              const chosen = scenarios && { scenarios };
              const setting: Setting = { way, address, warm, certificate: tls, ...chosen };
              const { code, stdout, stderr } = await run(binary, [PROCESS, JSON.stringify(setting)]);
              assert.equal(code, 0, stderr);
              const all = Object.entries(JSON.parse(stdout) as Record<string, Told>);
              return Object.fromEntries(
                all.map(([scenario, each]) => [scenario, linesOf(scenario, each, way)]),
              );
            };
            const stock = [await told('stock')];
            for (const way of ['by hand', 'preloaded'] as const) {
              let ours = await told(way);
              for (let n = 1; n < PLAYS && differing(ours, stock).length > 0; n++) {
                const scenarios = differing(ours, stock);
                stock.push(await told('stock', scenarios));
                ours = await told(way, scenarios);
              }
              assertSame(way, ours, stock);
            }
          },
        );
      }
    }
  }
});

/** Scenarios in which we told what stock never did. */
function differing(ours: Lines, stock: readonly Lines[]): string[] {
  return Object.keys(ours).filter((scenario) =>
    stock.every((lines) => String(lines[scenario]) !== String(ours[scenario])),
  );
}

/** Names all scenarios that differ, with the first line of each that does. */
function assertSame(way: string, ours: Lines, stock: readonly Lines[]): void {
  const names = differing(ours, stock);
  const told = names.map((scenario) => {
    const [our, their] = [ours[scenario]!, stock[0]![scenario]!];
    const at = their.findIndex((line, index) => line !== our[index]);
    const index = at < 0 ? their.length : at;
    return `${scenario}:\n  stock: ${their[index]}\n  ours:  ${our[index]}`;
  });
  assert.equal(names.length, 0, `${way}, ${names.length} scenarios:\n${told.join('\n')}`);
}
