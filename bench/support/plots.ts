import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EChartsOption } from 'echarts';
import { RESULTS, type Size, savePlot, TEXT, titled } from './plot.ts';
import type { Result } from './report.ts';

/** Old pods are blue, new ones orange. */
const OLD = ['#1b4f8a', '#3c78b4', '#7aa9d6'];
const NEW = ['#a63603', '#c9500c', '#e6660f', '#f58634', '#faa45f', '#fcbf8b', '#fdd8b5'];

/** Pods of a fleet that are there from the first. */
const FIRST_PODS = 10;

/** Draws what the benchmarks have found; those that haven't run are left out. */
export function drawPlots(): void {
  draw('scale-out', { width: 1000, height: 1040 }, scaleOut);
  draw('rotation', { width: 800, height: 320 }, (results) =>
    bars(results, 'p99', 'ms', 'p99 of requests, TLS, 200 a second'),
  );
  draw('memory', { width: 800, height: 320 }, (results) =>
    bars(results, 'heapUsed', 'MB', 'Heap of a process that calls 100 pods'),
  );
  draw('cost', { width: 800, height: 360 }, (results) =>
    bars(results, 'rate', '1/s', 'Requests a second as fast as they go, 50 at a time'),
  );
  draw('faults', { width: 900, height: 360 }, faults);
  draw('fleet', { width: 1000, height: 620 }, fleet);
}

interface FleetDetail {
  readonly p99: number;
  readonly failed: number;
  readonly evenAfter: number | null;
  readonly looks: readonly {
    readonly minute: number;
    readonly mean: number;
    readonly desired: number;
    readonly utilisations: readonly number[];
  }[];
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
  const columns = 3;
  const width = 100 / columns;
  const rows = Math.ceil(results.length / columns);
  const place = (index: number) => ({
    left: `${(index % columns) * width + 3}%`,
    top: `${(Math.floor(index / columns) * 94) / rows + 9}%`,
    width: `${width - 4.5}%`,
    height: `${94 / rows - 9}%`,
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
        top: `${Number.parseFloat(place(index).top) - 5}%`,
        itemGap: 2,
        textStyle: {
          ...TEXT,
          fontSize: 11,
          fontWeight: name.startsWith('evenkeel') ? ('bold' as const) : ('normal' as const),
          width: 300,
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

/** Requests that failed or were late, by fault and contender. */
function faults(results: Found[]): EChartsOption {
  const cells = results.flatMap(({ case: name, detail: { stuck } }) => {
    const [fault, contender] = name.split(', ');
    // What all of them lose is no matter of balance.
    return stuck === undefined || fault === 'all-503'
      ? []
      : [{ fault, contender, lost: sum(stuck as number[]) }];
  });
  const columns = [...new Set(cells.map(({ fault }) => fault!))];
  const rows = [...new Set(cells.map(({ contender }) => contender!))].reverse();
  return {
    title: titled('Requests that failed or took over a second, of 5,000 while one of five pods suffers'),
    grid: { left: 130, right: 20, top: 50, bottom: 30 },
    xAxis: { type: 'category', data: columns, axisTick: { show: false } },
    yAxis: { type: 'category', data: rows, axisTick: { show: false } },
    visualMap: {
      show: false,
      dimension: 3,
      min: 0,
      max: 3,
      inRange: { color: ['#edf3ea', '#fdd8b5', '#e6660f'] },
    },
    series: [
      {
        type: 'heatmap',
        label: { show: true, color: '#222', formatter: ({ value }) => String((value as number[])[2]) },
        itemStyle: { borderColor: '#fff', borderWidth: 2 },
        data: cells.map(({ fault, contender, lost }) => [
          columns.indexOf(fault!),
          rows.indexOf(contender!),
          lost,
          Math.log10(1 + lost),
        ]),
      },
    ],
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** Three digits, or all before the point. */
function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** One figure of each way that has it. */
function bars(results: Found[], figure: string, unit: string, title: string): EChartsOption {
  const shown = results.filter(({ detail }) => detail?.[figure] !== undefined).toReversed();
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
          value: rounded(detail[figure] as number),
          itemStyle: { color: name.startsWith('evenkeel') ? OLD[1]! : '#b0b0b0' },
        })),
      },
    ],
  };
}

/** How busy each pod is, minute by minute, one small picture for each way. */
function fleet(results: Found[]): EChartsOption {
  const columns = 3;
  const rows = Math.ceil(results.length / columns);
  const place = (index: number) => ({
    left: `${((index % columns) * 100) / columns + 4}%`,
    top: `${(Math.floor(index / columns) * 90) / rows + 20}%`,
    width: `${100 / columns - 6}%`,
    height: `${90 / rows - 18}%`,
  });
  const details = results.map(({ detail }) => detail as unknown as FleetDetail);
  return {
    title: [
      {
        text: 'How busy each pod is, in %: 10 at first (blue), more by the autoscaler (orange), which sees the mean (black)',
        left: 'center',
        top: 6,
        textStyle: { ...TEXT, fontSize: 15 },
      },
      ...results.map(({ case: name }, index) => ({
        text: name,
        subtext: inWords(details[index]!),
        left: place(index).left,
        top: `${Number.parseFloat(place(index).top) - 11}%`,
        itemGap: 2,
        textStyle: {
          ...TEXT,
          fontSize: 12,
          fontWeight: name.startsWith('evenkeel') ? ('bold' as const) : ('normal' as const),
        },
        subtextStyle: { fontSize: 11 },
      })),
    ],
    grid: results.map((_, index) => place(index)),
    xAxis: results.map((_, index) => ({
      type: 'value' as const,
      gridIndex: index,
      max: 60,
      splitLine: { show: false },
      axisLabel: { fontSize: 10, formatter: '{value} min' },
    })),
    yAxis: results.map((_, index) => ({
      type: 'value' as const,
      gridIndex: index,
      max: 100,
      axisLabel: { fontSize: 10 },
    })),
    series: details.flatMap(({ looks }, index) => {
      const lines = looks.at(-1)!.utilisations.map((_, pod) => ({
        type: 'line' as const,
        xAxisIndex: index,
        yAxisIndex: index,
        symbol: 'none',
        data: looks.flatMap(({ minute, utilisations }) => {
          const value = utilisations[pod];
          return value === undefined ? [] : [[minute, value]];
        }),
        lineStyle: { width: 1, opacity: 0.6 },
        color: pod < FIRST_PODS ? OLD[1]! : NEW[3]!,
      }));
      const mean = {
        type: 'line' as const,
        xAxisIndex: index,
        yAxisIndex: index,
        symbol: 'none',
        data: looks.map(({ minute, mean }) => [minute, mean]),
        lineStyle: { width: 2.5 },
        color: '#000',
      };
      return [...lines, mean];
    }),
  };
}

function inWords({ p99, evenAfter, looks }: FleetDetail): string {
  const even = evenAfter === null ? 'never even' : `even ${evenAfter} s after the last pods`;
  return `${looks.at(-1)!.utilisations.length} pods, ${even}, p99 ${p99} ms`;
}
