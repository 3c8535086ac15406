// Numbers and sentences, as the page shows them.

/** @param {number | null | undefined} milliseconds */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return '–';
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 10_000) return `${Math.round(milliseconds)} ms`;
  return milliseconds < 120_000
    ? `${Math.round(milliseconds / 1_000)} s`
    : `${Math.round(milliseconds / 60_000)} min`;
}

/** @param {number | undefined} value */
export function rate(value) {
  if (value === undefined) return '–';
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : count(Math.round(value));
}

const COUNT = new Intl.NumberFormat('en');

/** @param {number} value */
export function count(value) {
  return COUNT.format(value);
}

/**
 * @param {number} number
 * @param {string} noun
 */
export function many(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** @param {number | undefined} share */
export function percent(share) {
  return share === undefined ? '–' : `${(100 * share).toFixed(share > 0.995 || share < 0.1 ? 0 : 1)} %`;
}

const TIME = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** @param {number} at milliseconds since 1970 */
export function time(at) {
  return TIME.format(at);
}
