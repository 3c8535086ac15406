#!/usr/bin/env node
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { rbac } from './rbac.ts';
import { UsageError } from './usage-error.ts';

type Command = (args: readonly string[]) => unknown;

/** Each takes the arguments that follow its name, throws what there is to say about them, and may return an exit code. */
const COMMANDS: Record<string, Command> = { demo, doctor, rbac };

const USAGE = `Usage: evenkeel <command>

  demo [--seconds N] [--json]   shows a scale-out on this machine, with evenkeel and without
  doctor URL [--json] [--settings] [--no-request] [--option NAME=VALUE]...
                                says what an app would make of the URL here, what is wrong, and what to do about it;
                                ends with 0 when all is well, 1 when there are problems, 2 when called wrongly
  rbac [--namespace NS] [--service-account NAME] [--cluster]
                                prints the rights that reading EndpointSlices takes, for kubectl apply -f -
`;

const [name = '--help', ...args] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command !== undefined) {
  try {
    const code = await command(args);
    if (typeof code === 'number') process.exitCode = code;
  } catch (error) {
    process.stderr.write(`evenkeel ${name}: ${(error as Error).message}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
} else if (['--help', '-h', 'help'].includes(name)) {
  process.stdout.write(USAGE);
} else {
  process.stderr.write(`evenkeel: there is no command ${name}\n\n${USAGE}`);
  process.exitCode = 1;
}
