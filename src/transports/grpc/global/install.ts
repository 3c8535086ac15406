import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { BalancingOptions } from '../../../config/options.ts';
import type { Settings } from '../../../config/settings.ts';
import type { LoadPart } from '../../../core/base/part.ts';
import type { GrpcBalancing } from '../grpc-balancing.ts';

/** Where Node.js says what has been loaded by `require`, and so by `import` of what is CommonJS, as grpc-js is. */
const LOADED = 'tracing:module.require:end';
/** What grpc-js is asked for by, or found at. */
const GRPC_JS = /(^|[\\/])@grpc[\\/]grpc-js([\\/]build[\\/]src[\\/]index(\.js)?)?$/;

type GrpcPart = typeof import('./part.ts');

/** The balancing of all copies of grpc-js in this process: those that there are, and those that come. */
class Installation {
  readonly #settings: Settings;
  readonly #options: BalancingOptions;
  readonly #load: LoadPart<GrpcPart>;
  readonly #seen = new WeakSet<object>();
  #balancing: GrpcBalancing | undefined;
  #ended = false;

  constructor(settings: Settings, options: BalancingOptions, load: LoadPart<GrpcPart>) {
    this.#settings = settings;
    this.#options = options;
    this.#load = load;
    // Of the whole process, wherever this is; a bundle that is CommonJS doesn't know where.
    const { cache } = process.getBuiltinModule('node:module').createRequire(process.execPath);
    for (const [id, module] of Object.entries(cache)) this.#take(id, module?.exports);
    subscribe(LOADED, this.#onLoaded);
  }

  end(): void {
    this.#ended = true;
    unsubscribe(LOADED, this.#onLoaded);
    this.#balancing?.uninstall();
  }

  readonly #onLoaded = (message: unknown): void => {
    const { id, result } = message as { id?: unknown; result?: unknown };
    this.#take(id, result);
  };

  /** By its name first: a module that is half loaded, in a circle, warns of whoever asks for what it doesn't have yet. */
  #take(id: unknown, exports: unknown): void {
    if (typeof id !== 'string' || !GRPC_JS.test(id)) return;
    this.#load((part) => {
      if (!this.#ended && part.isGrpcJs(exports)) this.#balance(part, exports as object);
    });
  }

  #balance({ GrpcBalancing, isBalanced }: GrpcPart, module: object): void {
    // Told of whenever somebody asks for it; one that code has installed by hand stays as that wants it.
    if (this.#seen.has(module)) return;
    this.#seen.add(module);
    if (isBalanced(module)) return;
    this.#balancing ??= new GrpcBalancing(this.#settings, this.#options);
    this.#balancing.take(module);
  }
}

let installed: Installation | undefined;

/** Balances the channels of grpc-js that are made from now on, of each copy that the process loads. */
export function installGrpcJs(settings: Settings, options: BalancingOptions, load: LoadPart<GrpcPart>): void {
  installed = new Installation(settings, options, load);
}

/** Leaves the channels that are made from now on to grpc-js. */
export function uninstallGrpcJs(): void {
  installed?.end();
  installed = undefined;
}
