import { NODES, RUNNING } from '../support/versions.ts';
import { testReport } from './observing.ts';

for (const major of NODES) if (major !== RUNNING) testReport(major);
