import type { BalancingOptions } from '../../../config/options.ts';
import type { Settings } from '../../../config/settings.ts';
import type { LoadPart } from '../../../core/base/part.ts';
import type { GrpcBalancing } from '../grpc-balancing.ts';

/** The path of grpc-js. */
const GRPC_JS = /[\\/]@grpc[\\/]grpc-js[\\/]build[\\/]src[\\/]index\.js$/;

type GrpcPart = typeof import('./part.ts');
type Loader = NodeJS.RequireExtensions['.js'];

/**
 * The balancing of all copies of grpc-js in this process: those that are loaded, and those that come. To see these, it
 * wraps the function with which Node.js loads CommonJS files, for `require` and for `import`. The diagnostics channel of
 * `require` tells the same. But while somebody listens there, Node doesn't see any more that code of a package requires
 * `punycode`, and prints a deprecation warning that is meant for code outside of packages.
 */
class Installation {
  readonly #settings: Settings;
  readonly #options: BalancingOptions;
  readonly #load: LoadPart<GrpcPart>;
  readonly #seen = new WeakSet<object>();
  readonly #extensions: NodeJS.RequireExtensions;
  readonly #before: Loader;
  readonly #loader: Loader;
  #balancing: GrpcBalancing | undefined;
  #ended = false;

  constructor(settings: Settings, options: BalancingOptions, load: LoadPart<GrpcPart>) {
    this.#settings = settings;
    this.#options = options;
    this.#load = load;
    // Those of the whole process, wherever this file is. A CommonJS bundle doesn't know where it is.
    const { cache, extensions } = process.getBuiltinModule('node:module').createRequire(process.execPath);
    for (const [path, module] of Object.entries(cache)) this.#take(path, module?.exports);
    this.#extensions = extensions;
    const before = extensions['.js'];
    const take = (path: string, exports: unknown) => this.#take(path, exports);
    this.#before = before;
    this.#loader = function (this: unknown, module, path) {
      before.call(this, module, path);
      take(path, module.exports);
    };
    extensions['.js'] = this.#loader;
  }

  end(): void {
    this.#ended = true;
    // Others may have wrapped it since.
    if (this.#extensions['.js'] === this.#loader) this.#extensions['.js'] = this.#before;
    this.#balancing?.uninstall();
  }

  #take(path: string, exports: unknown): void {
    if (this.#ended || !GRPC_JS.test(path)) return;
    this.#load((part) => {
      if (!this.#ended && part.isGrpcJs(exports)) this.#balance(part, exports as object);
    });
  }

  #balance({ GrpcBalancing, isBalanced }: GrpcPart, module: object): void {
    // A file may be loaded more than once. A copy that code has installed with `installGrpc` stays as it is.
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
