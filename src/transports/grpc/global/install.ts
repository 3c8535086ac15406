import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { BalancingOptions } from '../../../config/options.ts';
import type { Settings } from '../../../config/settings.ts';
import type { LoadPart } from '../../../core/base/part.ts';
import type { GrpcBalancing } from '../grpc-balancing.ts';

/**
 * The channel on which Node.js publishes what was loaded with `require`, and so also with `import` of a CommonJS module
 * such as grpc-js.
 */
const LOADED = 'tracing:module.require:end';
/** The ids and paths of grpc-js. */
const GRPC_JS = /(^|[\\/])@grpc[\\/]grpc-js([\\/]build[\\/]src[\\/]index(\.js)?)?$/;

type GrpcPart = typeof import('./part.ts');

/** The balancing of all copies of grpc-js in this process: those that are loaded, and those that come. */
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
    // The cache of the whole process, wherever this file is. A CommonJS bundle doesn't know where it is.
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

  /**
   * Checks the name first: a module that is half loaded, in a circle, warns if one reads an export that it doesn't have
   * yet.
   */
  #take(id: unknown, exports: unknown): void {
    if (typeof id !== 'string' || !GRPC_JS.test(id)) return;
    this.#load((part) => {
      if (!this.#ended && part.isGrpcJs(exports)) this.#balance(part, exports as object);
    });
  }

  #balance({ GrpcBalancing, isBalanced }: GrpcPart, module: object): void {
    // This is published for each `require`. A copy that code has installed with `installGrpc` stays as it is.
    if (this.#seen.has(module)) return;
    this.#seen.add(module);
    if (isBalanced(module)) return;
    this.#balancing ??= new GrpcBalancing(this.#settings, this.#options);
    this.#balancing.take(module);
  }
}

let installed: Installation | undefined;

/** Balances new channels of grpc-js, of each copy that the process loads. */
export function installGrpcJs(settings: Settings, options: BalancingOptions, load: LoadPart<GrpcPart>): void {
  installed = new Installation(settings, options, load);
}

/** Leaves new channels to grpc-js. */
export function uninstallGrpcJs(): void {
  installed?.end();
  installed = undefined;
}
