import { readFileSync } from 'node:fs';

/** Fields of /proc/stat's first line, in the order of proc(5). */
const [USER, NICE, SYSTEM, IDLE, IO_WAIT, STEAL] = [1, 2, 3, 4, 5, 8] as const;
/** Of /proc/self/stat, counted from what follows the name of the command: own time, and that of ended children. */
const OWN = [11, 12, 13, 14];

/** What this machine's CPUs have done so far, in ticks. */
interface Ticks {
  readonly all: number;
  readonly others: number;
}

/**
 * Starts to watch how busy others keep this machine; the function that it returns tells, as a share of all
 * CPU time since then. Children of this process that haven't ended count as others.
 */
export function watchOthers(): () => number {
  const before = ticks();
  return () => {
    const after = ticks();
    const all = after.all - before.all;
    return all > 0 ? Math.max(0, after.others - before.others) / all : 0;
  };
}

function ticks(): Ticks {
  const cpu = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.split(/\s+/).map(Number);
  // Interrupts are left out: most are of the packets that this process's own children send.
  const busy = cpu[USER]! + cpu[NICE]! + cpu[SYSTEM]! + cpu[STEAL]!;
  const self = readFileSync('/proc/self/stat', 'utf8');
  const fields = self
    .slice(self.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const own = OWN.reduce((sum, field) => sum + fields[field]!, 0);
  return { all: busy + cpu[IDLE]! + cpu[IO_WAIT]!, others: busy - own };
}
