import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EChartsOption } from 'echarts';
import { RESULTS, type Size, savePlot, TEXT, titled } from './plot.ts';
import type { Result } from './report.ts';

/** Old pods are blue, new ones orange. */
const OLD = ['#1b4f8a', '#3c78b4', '#7aa9d6'];
const NEW = ['#a63603', '#c9500c', '#e6660f', '#f58634', '#faa45f', '#fcbf8b', '#fdd8b5'];

/** Draws what the benchmarks have found; those that haven't run are left out. */
export function drawPlots(): void {
  draw('scale-out', { width: 1000, height: 560 }, scaleOut);
  draw('rotation', { width: 800, height: 320 }, (results) =>
    bars(results, 'p99', 'ms', 'p99 of requests, TLS, 200 a second'),
  );
  draw('memory', { width: 800, height: 320 }, (results) =>
    bars(results, 'heapUsed', 'MB', 'Heap of a process that calls 100 pods'),
  );
}

type Found = Result & { detail: Record<string, unknown> };

function draw(name: string, size: Size, picture: (results: Found[]) => EChartsOption): void {
  const file = join(RESULTS, `${name}.json`);
  if (existsSync(file)) savePlot(name, size, picture(read(file)));
}

function read(file: string): Found[] {
  return JSON.parse(readFileSync(file, 'utf8')) as Found[];
}

/** Requests of each pod, second by second, one small picture for each way. */
function scaleOut(results: Found[]): EChartsOption {
  const columns = 4;
  const width = 100 / columns;
  const rows = Math.ceil(results.length / columns);
  const place = (index: number) => ({
    left: `${(index % columns) * width + 3}%`,
    top: `${(Math.floor(index / columns) * 88) / rows + 16}%`,
    width: `${width - 4.5}%`,
    height: `${88 / rows - 14}%`,
  });
  return {
    title: [
      {
        text: 'Requests a second on each pod: 3 at first (blue), 7 more from 5 s on (orange)',
        left: 'center',
        top: 6,
        textStyle: { ...TEXT, fontSize: 16 },
      },
      ...results.map(({ case: name, value }, index) => ({
        text: name,
        subtext: `Jain’s fairness ${value.toFixed(2)}`,
        left: place(index).left,
        top: `${Number.parseFloat(place(index).top) - 9}%`,
        itemGap: 2,
        textStyle: {
          ...TEXT,
          fontSize: 11,
          fontWeight: name.startsWith('evenkeel') ? ('bold' as const) : ('normal' as const),
          width: 230,
          overflow: 'truncate' as const,
        },
        subtextStyle: { fontSize: 11 },
      })),
    ],
    grid: results.map((_, index) => place(index)),
    xAxis: results.map(({ detail }, index) => ({
      type: 'category' as const,
      gridIndex: index,
      boundaryGap: false,
      data: (detail.requestsPerPodAndSecond as number[][]).map((_, second) => second),
      axisLabel: { interval: 9, fontSize: 10 },
    })),
    yAxis: results.map((_, index) => ({
      type: 'value' as const,
      gridIndex: index,
      max: 100,
      axisLabel: { fontSize: 10 },
    })),
    series: results.flatMap(({ detail }, index) => {
      const table = detail.requestsPerPodAndSecond as number[][];
      return table[0]!.map((_, pod) => ({
        type: 'line' as const,
        stack: String(index),
        xAxisIndex: index,
        yAxisIndex: index,
        symbol: 'none',
        lineStyle: { width: 0 },
        color: pod < OLD.length ? OLD[pod]! : NEW[pod - OLD.length]!,
        areaStyle: { opacity: 1 },
        data: table.map((row) => row[pod]!),
      }));
    }),
  };
}

/** One figure of each way. */
function bars(results: Found[], figure: string, unit: string, title: string): EChartsOption {
  const shown = results.toReversed();
  return {
    title: titled(title),
    grid: { left: 300, right: 70, top: 50, bottom: 30 },
    xAxis: { type: 'value', name: unit },
    yAxis: {
      type: 'category',
      data: shown.map(({ case: name }) => name),
      axisLabel: { width: 280, overflow: 'truncate' },
    },
    series: [
      {
        type: 'bar',
        label: { show: true, position: 'right' },
        data: shown.map(({ case: name, detail }) => ({
          value: Math.round((detail[figure] as number) * 10) / 10,
          itemStyle: { color: name.startsWith('evenkeel') ? OLD[1]! : '#b0b0b0' },
        })),
      },
    ],
  };
}
