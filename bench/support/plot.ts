import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EChartsOption, init } from 'echarts';

export const RESULTS = join(import.meta.dirname, '..', 'results');
export const TEXT = { fontFamily: 'system-ui, sans-serif', color: '#333' };

export interface Size {
  width: number;
  height: number;
}

/** Writes a plot to bench/results as SVG that stands by itself, on white. */
export function savePlot(name: string, size: Size, option: EChartsOption): void {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  chart.setOption({ animation: false, textStyle: TEXT, backgroundColor: '#fff', ...option });
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.svg`), chart.renderToSVGString());
  chart.dispose();
}

export function titled(text: string): { text: string; left: 'center'; textStyle: object } {
  return { text, left: 'center', textStyle: { ...TEXT, fontSize: 16 } };
}
