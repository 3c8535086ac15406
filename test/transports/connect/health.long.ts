import { testOutcomes } from './outcomes.ts';

testOutcomes('Connect');
