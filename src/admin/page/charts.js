// Drawings on canvases: lines over the last minutes, and a bar for each pod.
/** @typedef {import('./history.js').Series} Series */

const COLOURS = ['text', 'muted', 'line', 'accent', 'second', 'good', 'idle', 'warn', 'bad'];
/** @type {Record<string, string>} */
const colours = {};

/** Reads the colours of the page anew: it is light, or has become dark. */
export function readColours() {
  // Custom properties have `light-dark(…)` unresolved; a property that takes a colour has it resolved.
  const probe = document.createElement('i');
  document.body.append(probe);
  for (const name of COLOURS) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
}

/** @type {WeakMap<HTMLCanvasElement, { width: number, height: number }>} */
const sizes = new WeakMap();
const observer = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    sizes.set(/** @type {HTMLCanvasElement} */ (target), contentRect);
  }
});

/** @param {Record<string, string>} attributes */
export function makeCanvas(attributes = {}) {
  const canvas = document.createElement('canvas');
  for (const [name, value] of Object.entries(attributes)) canvas.setAttribute(name, value);
  observer.observe(canvas);
  return canvas;
}

/**
 * A clean canvas of its present size, which is not asked for here: that would have the page laid out.
 *
 * @param {HTMLCanvasElement} canvas
 */
function begin(canvas) {
  const size = sizes.get(canvas);
  if (size === undefined || size.width === 0) return undefined;
  const { width, height } = size;
  const scale = window.devicePixelRatio;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const pixels = Math.round(width * scale);
  if (canvas.width !== pixels) {
    canvas.width = pixels;
    canvas.height = Math.round(height * scale);
  }
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {readonly { series: Series, colour: string, dashed?: boolean }[]} lines
 * @param {((top: number) => string) | undefined} label of the top of the scale; none: a small chart
 */
export function drawLines(canvas, lines, label) {
  const sheet = begin(canvas);
  if (sheet === undefined) return;
  const { pen, width, height } = sheet;
  const moments = minutesOf(lines) * 60;
  let top = 0;
  for (const { series } of lines) {
    for (let back = 0; back < moments; back++) {
      const value = series.at(back);
      if (value > top) top = value;
    }
  }
  top = label === undefined ? top || 1 : roundUp(top);
  const above = label === undefined ? 1 : 14;
  if (label !== undefined) {
    rule(pen, above, width);
    rule(pen, height - 0.5, width);
    write(pen, label(top), 0, above - 4);
    write(pen, `${moments / 60} min`, width - 32, above - 4);
  }
  for (const { series, colour, dashed = false } of lines) {
    pen.beginPath();
    let isDown = false;
    for (let back = moments - 1; back >= 0; back--) {
      const value = series.at(back);
      if (Number.isNaN(value)) {
        isDown = false;
        continue;
      }
      const x = width - 1 - (back * (width - 2)) / (moments - 1);
      const y = height - 1 - (value / top) * (height - 2 - above);
      if (isDown) pen.lineTo(x, y);
      else pen.moveTo(x, y);
      isDown = true;
    }
    pen.setLineDash(dashed ? [4, 3] : []);
    pen.strokeStyle = colours[colour] ?? '';
    pen.lineWidth = 1.5;
    pen.stroke();
  }
  pen.setLineDash([]);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {readonly { value: number, colour: string }[]} bars
 * @param {(top: number) => string} label of the top of the scale
 */
export function drawBars(canvas, bars, label) {
  const sheet = begin(canvas);
  if (sheet === undefined || bars.length === 0) return;
  const { pen, width, height } = sheet;
  const above = 14;
  const top = roundUp(bars.reduce((most, { value }) => Math.max(most, value), 0));
  const step = width / bars.length;
  const gap = step > 6 ? 2 : step > 2 ? 0.5 : 0;
  rule(pen, above, width);
  for (const [index, { value, colour }] of bars.entries()) {
    // One that has nothing is there all the same.
    const tall = Math.max(2, (value / top) * (height - above));
    pen.fillStyle = colours[colour] ?? '';
    pen.fillRect(index * step, height - tall, Math.min(60, step - gap), tall);
  }
  write(pen, label(top), 0, above - 4);
}

/**
 * As many as there is something of.
 *
 * @param {readonly { series: Series }[]} lines
 */
function minutesOf(lines) {
  const longest = lines.reduce((most, { series }) => Math.max(most, series.length), 1);
  return Math.ceil(longest / 60);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} y
 * @param {number} width
 */
function rule(pen, y, width) {
  pen.fillStyle = colours.line ?? '';
  pen.fillRect(0, y, width, 1);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} x
 * @param {number} y
 */
function write(pen, text, x, y) {
  pen.font = '11px system-ui, sans-serif';
  pen.fillStyle = colours.muted ?? '';
  pen.fillText(text, x, y);
}

/**
 * The least round number that is not below.
 *
 * @param {number} value
 */
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}
