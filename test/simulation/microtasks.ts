// The one place that leans on something of Node's that its documentation does not have.

const { _tickCallback: tick } = process as unknown as { _tickCallback?: () => void };

/**
 * Lets all microtasks run that there are, and those that they bring about, as Node does after each callback of its event
 * loop. Within a microtask it does nothing: whoever plays begins in a callback of the loop, see `inMacrotask`.
 */
export const runMicrotasks: () => void = tick?.bind(process) ?? missing;

function missing(): never {
  throw new Error(`Node ${process.version} has no process._tickCallback: how are its microtasks run?`);
}

/** Calls `fn` where `runMicrotasks` has an effect, and says what it returns. */
export function inMacrotask<T>(fn: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      let ran = false;
      queueMicrotask(() => {
        ran = true;
      });
      runMicrotasks();
      if (!ran) reject(new Error(`Node ${process.version} does not run microtasks when it is told to`));
      try {
        resolve(fn());
      } catch (error) {
        reject(error);
      }
    });
  });
}
