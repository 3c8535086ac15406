/** Milliseconds between two looks at the clock. */
const STEP = 5;
/** What counts of the time between two looks, at most. */
const MOST = 2 * STEP;

/**
 * Measures how long something takes, without the time in which this process stood still: on a shared machine that may be
 * half a second at any moment. Time in which this process computes counts hardly either.
 *
 * @returns a function that says how many milliseconds it was so far
 */
export function startStopwatch(): () => number {
  let ran = 0;
  let lookedAt = performance.now();
  const look = () => {
    const now = performance.now();
    ran += Math.min(now - lookedAt, MOST);
    lookedAt = now;
  };
  setInterval(look, STEP).unref();
  return () => {
    look();
    return ran;
  };
}

/** Resolves when this process has run for so many milliseconds. It doesn't keep it alive. */
export function ranFor(milliseconds: number): Promise<void> {
  const watch = startStopwatch();
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (watch() < milliseconds) return;
      clearInterval(timer);
      resolve();
    }, STEP);
    timer.unref();
  });
}
