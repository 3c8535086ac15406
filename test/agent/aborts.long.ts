import { testAborts } from './abort-storms.ts';

testAborts(10_000);
