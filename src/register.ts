// For `node --import evenkeel/register app.js`, or `--require`, or either of them in NODE_OPTIONS.
import { isDisabled } from './config/env.ts';
import { install } from './global/install.ts';

if (!isDisabled()) install();
