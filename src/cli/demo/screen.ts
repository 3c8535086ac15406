import { bars, brief, summary, WIDTH } from './picture.ts';
import type { Rates, Report } from './report.ts';

/** Where text goes: a terminal, or what takes its place. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows a demo to somebody. */
export interface Screen {
  begin(headline: string): void;
  moment(second: number, sides: readonly Rates[]): void;
  end(headline: string, reports: readonly Report[]): void;
}

export interface Layout {
  /** Pods that each side has in the end. */
  readonly pods: number;
  /** Pods that it had in the beginning. */
  readonly old: number;
}

/** Whether bars can be drawn over with others. */
export function isLive({ isTTY = false, columns = 0 }: Output): boolean {
  return isTTY && columns >= WIDTH;
}

/** Bars that move, in a terminal. */
export function liveScreen(output: Output, { pods, old }: Layout): Screen {
  let drawn = 0;
  const draw = (lines: readonly string[]) => {
    const back = drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`;
    output.write(`${back}${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  let title = '';
  return {
    begin(headline) {
      title = headline;
      draw([title]);
    },
    moment(second, sides) {
      draw([title, '', ...bars(sides, pods, old), '', `${second} s`]);
    },
    end(headline, reports) {
      draw([title, '', headline, '', ...bars(reports, pods, old), '', ...summary(reports)]);
    },
  };
}

/** A line for each moment, where nothing can be drawn over. */
export function plainScreen(output: Output, { pods, old }: Layout): Screen {
  const print = (lines: readonly string[]) => output.write(`${lines.join('\n')}\n`);
  return {
    begin: (headline) => print([headline]),
    moment: (second, sides) => print([`${String(second).padStart(3)} s  ${brief(sides)}`]),
    end: (headline, reports) =>
      print(['', headline, '', ...bars(reports, pods, old), '', ...summary(reports)]),
  };
}

/** Nothing but the result, for machines. */
export function jsonScreen(output: Output): Screen {
  return {
    begin() {},
    moment() {},
    end: (_headline, reports) => output.write(`${JSON.stringify(reports)}\n`),
  };
}
