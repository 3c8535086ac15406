// For `node --import evenkeel/register app.js`, or `--require`, or either of them in NODE_OPTIONS.
import { isDisabled, isObserving } from './config/env.ts';
import { install } from './global/install.ts';

/** Not waited for: what is loaded with `--require` can't be. */
function observe(): void {
  import('./observe/observe.ts')
    .then(({ observe }) => observe())
    .catch((error: Error) => {
      process.emitWarning(`nothing is observed: ${error.message}`, { type: 'EvenkeelWarning' });
    });
}

if (!isDisabled()) {
  if (isObserving()) observe();
  else install();
}
