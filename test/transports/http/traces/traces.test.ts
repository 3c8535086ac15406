import { testTraces } from './in-process.ts';

testTraces(true);
