#!/usr/bin/env node
import { demo } from './demo.ts';
import { rbac } from './rbac.ts';

/** Each takes the arguments that follow its name, and throws what there is to say about them. */
const COMMANDS: Record<string, (args: readonly string[]) => Promise<void> | void> = { demo, rbac };

const USAGE = `Usage: evenkeel <command>

  demo [--seconds N] [--json]   shows a scale-out on this machine, with evenkeel and without
  rbac [--namespace NS] [--service-account NAME] [--cluster]
                                prints the rights that reading EndpointSlices takes, for kubectl apply -f -
`;

const [name = '--help', ...args] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command !== undefined) {
  try {
    await command(args);
  } catch (error) {
    process.stderr.write(`evenkeel ${name}: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
} else if (['--help', '-h', 'help'].includes(name)) {
  process.stdout.write(USAGE);
} else {
  process.stderr.write(`evenkeel: there is no command ${name}\n\n${USAGE}`);
  process.exitCode = 1;
}
