import { testTraces } from './in-process.ts';

testTraces(false);
