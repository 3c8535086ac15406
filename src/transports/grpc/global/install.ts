import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import type { BalancingOptions } from '../../../config/options.ts';
import type { Settings } from '../../../config/settings.ts';
import { GrpcBalancing, isBalanced } from '../grpc-balancing.ts';
import { isGrpcJs } from '../grpc-js.ts';

/** Where Node.js says what has been loaded by `require`, and so by `import` of what is CommonJS, as grpc-js is. */
const LOADED = 'tracing:module.require:end';
/** What grpc-js is asked for by, or found at. */
const GRPC_JS = /(^|[\\/])@grpc[\\/]grpc-js([\\/]build[\\/]src[\\/]index(\.js)?)?$/;

const require = createRequire(import.meta.url);

/** The balancing of all copies of grpc-js in this process: those that there are, and those that come. */
class Installation {
  readonly #balancing: GrpcBalancing;
  readonly #seen = new WeakSet<object>();

  constructor(settings: Settings, options: BalancingOptions) {
    this.#balancing = new GrpcBalancing(settings, options);
    for (const [id, module] of Object.entries(require.cache)) this.#take(id, module?.exports);
    subscribe(LOADED, this.#onLoaded);
  }

  end(): void {
    unsubscribe(LOADED, this.#onLoaded);
    this.#balancing.uninstall();
  }

  readonly #onLoaded = (message: unknown): void => {
    const { id, result } = message as { id?: unknown; result?: unknown };
    this.#take(id, result);
  };

  /** By its name first: a module that is half loaded, in a circle, warns of whoever asks for what it doesn't have yet. */
  #take(id: unknown, exports: unknown): void {
    if (typeof id !== 'string' || !GRPC_JS.test(id) || !isGrpcJs(exports)) return;
    const module = exports as object;
    // Told of whenever somebody asks for it; one that code has installed by hand stays as that wants it.
    if (this.#seen.has(module)) return;
    this.#seen.add(module);
    if (!isBalanced(module)) this.#balancing.take(module);
  }
}

let installed: Installation | undefined;

/** Balances the channels of grpc-js that are made from now on, of each copy that the process loads. */
export function installGrpcJs(settings: Settings, options: BalancingOptions): void {
  installed = new Installation(settings, options);
}

/** Leaves the channels that are made from now on to grpc-js. */
export function uninstallGrpcJs(): void {
  installed?.end();
  installed = undefined;
}
