import { read, warn } from '../config/env.ts';
import { systemClock } from '../core/base/clock.ts';
import { environment } from '../core/base/environment.ts';

const VARIABLE = 'EVENKEEL_METRICS';
/** Milliseconds from one look for a meter provider to the next: short at first, because most SDKs start with the app. */
const SOON = 250;
const LATEST = 10_000;

let begun = false;

/** With `EVENKEEL_METRICS=otel`, gives the metrics to OpenTelemetry once its SDK has registered a meter provider. */
export function instrumentIfWanted(load: () => Promise<typeof import('./opentelemetry.ts')>): void {
  const wanted = read(environment(), VARIABLE);
  if (wanted === undefined || begun) return;
  if (wanted !== 'otel') {
    warn(`${VARIABLE} must be 'otel', got '${wanted}'`);
    return;
  }
  begun = true;
  load().then(
    ({ instrument, isReady }) => {
      const look = (delay: number): void => {
        if (isReady()) instrument();
        else systemClock.schedule(() => look(Math.min(2 * delay, LATEST)), delay);
      };
      look(SOON);
    },
    (error: Error) => warn(`${VARIABLE}=otel needs the package @opentelemetry/api (${error.message})`),
  );
}
