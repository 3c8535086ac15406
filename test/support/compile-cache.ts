// Preloaded by `npm test`. Each test file is a process of its own, and most of what a short one does is to strip the types
// of evenkeel's sources: this has it done once.
import { enableCompileCache } from 'node:module';
import { COMPILE_CACHE } from './temporary.ts';

enableCompileCache(COMPILE_CACHE);
