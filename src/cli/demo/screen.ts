import { bars, brief, type Layout, NARROWEST, summary } from './picture.ts';
import type { Rates, Report } from './report.ts';

/** Where text goes: a terminal, or a pipe. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows a demo. */
export interface Screen {
  begin(headline: string): void;
  moment(second: number, sides: readonly Rates[]): void;
  end(headline: string, reports: readonly Report[]): void;
}

/** Whether lines can be drawn again over old ones. */
export function isLive({ isTTY = false, columns = 0 }: Output): boolean {
  return isTTY && columns >= NARROWEST;
}

/** Bars that move, in a terminal. */
export function liveScreen(output: Output, layout: Layout): Screen {
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
      draw([title, '', ...bars(sides, layout), '', `${second} s`]);
    },
    end(headline, reports) {
      draw([title, '', headline, '', ...bars(reports, layout), '', ...summary(reports, layout)]);
    },
  };
}

/** One line for each moment, if lines can't be drawn again. */
export function plainScreen(output: Output, layout: Layout): Screen {
  const print = (lines: readonly string[]) => output.write(`${lines.join('\n')}\n`);
  return {
    begin: (headline) => print([headline]),
    moment: (second, sides) => print([`${String(second).padStart(3)} s  ${brief(sides)}`]),
    end: (headline, reports) =>
      print(['', headline, '', ...bars(reports, layout), '', ...summary(reports, layout)]),
  };
}

/** Only the result, for programs. */
export function jsonScreen(output: Output): Screen {
  return {
    begin() {},
    moment() {},
    end: (_headline, reports) => output.write(`${JSON.stringify(reports)}\n`),
  };
}
