import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Node.js keeps what it has compiled, from one process to the next: by its version, and by what a file holds. */
export const COMPILE_CACHE = join(tmpdir(), 'evenkeel-compile-cache');
