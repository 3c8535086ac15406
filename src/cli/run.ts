import { nearest } from '../config/nearest.ts';
import { ownVersion } from '../config/version.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { rbac } from './rbac.ts';
import { top } from './top.ts';
import { USAGE, USAGES } from './usage.ts';
import { UsageError } from './usage-error.ts';

type Name = keyof typeof USAGES;
type Command = (args: readonly string[]) => unknown;

/** Each command gets the arguments after its name, throws an error to report, and may return an exit code. */
const COMMANDS: Record<Name, Command> = { demo, doctor, explain, rbac, top };

// The reader of stdout has gone. The exit code stays as it is.
process.stdout.on('error', () => setImmediate(() => process.exit()));

const [name = '--help', ...args] = process.argv.slice(2);
if (isCommand(name)) {
  if (args.includes('--help') || args.includes('-h')) process.stdout.write(USAGES[name]);
  else await run(name, COMMANDS[name]);
} else if (['--help', '-h', 'help'].includes(name)) {
  const [about = ''] = args;
  process.stdout.write(isCommand(about) ? USAGES[about] : USAGE);
} else if (['--version', '-v'].includes(name)) {
  process.stdout.write(`${ownVersion()}\n`);
} else {
  const meant = nearest(name, Object.keys(COMMANDS));
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  process.stderr.write(`evenkeel: there is no command ${name}${hint}\nTry: evenkeel --help\n`);
  process.exitCode = 2;
}

function isCommand(name: string): name is Name {
  return Object.hasOwn(COMMANDS, name);
}

async function run(name: Name, command: Command): Promise<void> {
  try {
    const code = await command(args);
    if (typeof code !== 'number') return;
    process.exitCode = code;
    // Otherwise, the process would wait for questions to name servers that are still open.
    process.stdout.write('', () => process.exit());
  } catch (error) {
    const isUsage = error instanceof UsageError;
    process.stderr.write(`evenkeel ${name}: ${(error as Error).message}\n`);
    if (isUsage) process.stderr.write(`Try: evenkeel ${name} --help\n`);
    process.exitCode = isUsage ? 2 : 1;
  }
}
