// What `evenkeel/identify` does, in a Node.js that is new enough.
import { modeOfProcess } from './config/switches.ts';
import { identifyAll } from './servers/identify.ts';

export { identify } from './servers/identify.ts';

if (modeOfProcess() === 'balance') identifyAll();
