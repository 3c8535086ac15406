import { subscribe } from 'node:diagnostics_channel';
import { debuglog } from 'node:util';
import { settingsInForce, shownValue } from '../config/in-force.ts';
import type { Mode } from '../config/switches.ts';
import { ownVersion } from '../config/version.ts';
import { channels } from '../core/base/channels.ts';
import { outsideRequests } from '../core/base/context.ts';
import { environment } from '../core/base/environment.ts';
import type { LiveAgent } from '../telemetry/live-agents.ts';
import { type Message, sentenceOf } from './sentences.ts';

const log = debuglog('evenkeel');
let started = false;

/** With `NODE_DEBUG=evenkeel`, writes the settings of an agent to stderr, and from the first agent on, what happens. */
export function logAgent({ name, settings, options }: LiveAgent): void {
  // An agent that balances nothing isn't logged.
  if (!log.enabled || settings.hosts?.join() === '!*') return;
  start();
  const { discovery } = settings;
  const set = settingsInForce(settings, options, environment())
    .filter(({ name, from }) => from !== 'default' && name !== 'discovery')
    .map(({ name, value, from, variable }) => {
      return `${name} = ${shownValue(value)} (${from === 'variable' ? variable : 'set in code'})`;
    });
  log(
    'an agent for %s: discovery %s; settings: %s',
    name,
    typeof discovery === 'string' ? discovery : 'by a function',
    set.length === 0 ? 'all by default' : set.join(', '),
  );
}

/** The same for the whole process. */
export function logInstalled(mode: Mode, hosts: readonly string[] | undefined): void {
  if (!log.enabled) return;
  start();
  const managed =
    hosts === undefined ? 'names in the cluster and private addresses' : `hosts ${hosts.join(', ')}`;
  log(
    '%s',
    {
      balance: `balances the whole process: ${managed}`,
      observe: `observes the whole process, and changes nothing: ${managed}`,
      off: 'is switched off, and changes nothing',
    }[mode],
  );
}

/** Writes the version, and begins to listen. */
function start(): void {
  if (started) return;
  started = true;
  log('evenkeel %s in Node.js %s', ownVersion(), process.version);
  for (const [kind, { name }] of Object.entries(channels)) {
    subscribe(String(name), (message) => {
      const { origin } = message as { origin: string };
      const sentence = sentenceOf(kind as keyof typeof channels, message as Message);
      // A slow terminal or pipe must not become part of the context of a request.
      outsideRequests(() => log('%s: %s', origin, sentence));
    });
  }
}
