import { demo } from '../../src/cli/demo.ts';

/** What the demo prints in a terminal, or without one. */
export async function printed(
  args: readonly string[],
  terminal = { isTTY: false, columns: 0 },
): Promise<string> {
  let text = '';
  await demo(args, {
    ...terminal,
    write(more: string) {
      text += more;
    },
  });
  return text;
}
