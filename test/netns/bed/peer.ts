import type { ChildProcess } from 'node:child_process';

type Method = (...args: never[]) => unknown;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Another process, which `serve`s methods. */
export class Peer<Methods extends Record<keyof Methods, Method>> {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: Answer) => this.#onAnswer(answer));
    child.once('exit', (code, signal) => {
      for (const { reject } of this.#pending.values()) reject(new Error(`it ended: ${signal ?? code}`));
    });
  }

  call<Name extends keyof Methods & string>(
    name: Name,
    ...args: Parameters<Methods[Name]>
  ): Promise<Awaited<ReturnType<Methods[Name]>>> {
    const id = ++this.#calls;
    const answered = Promise.withResolvers<unknown>();
    this.#pending.set(id, answered);
    this.#child.send({ id, name, args } satisfies Call);
    return answered.promise as Promise<Awaited<ReturnType<Methods[Name]>>>;
  }

  #onAnswer({ id, value, error }: Answer): void {
    const { resolve, reject } = this.#pending.get(id)!;
    this.#pending.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(error));
  }
}

/** Lets the parent call these methods, as long as it lives. */
export function serve(methods: Record<string, Method>): void {
  process.on('message', async ({ id, name, args }: Call) => {
    const method = methods[name] as (...args: readonly unknown[]) => unknown;
    try {
      process.send!({ id, value: await method(...args) } satisfies Answer);
    } catch (error) {
      process.send!({ id, error: String(error) } satisfies Answer);
    }
  });
  process.once('disconnect', () => process.exit());
}
