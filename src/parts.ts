import { outsideRequests } from './core/base/context.ts';
import { COPY, type LoadPart, type Part } from './core/base/part.ts';

/** Parts that were given from the start, because a bundler must see them. */
const given = new Map<string, Part>();

/** @param path of the part, relative to the folder of this file, without an extension */
function loader<Kind extends Part>(path: string, imported: () => Promise<Kind>): LoadPart<Kind> {
  return (use) => {
    const part = (given.get(path) as Kind | undefined) ?? outsideRequests(() => required<Kind>(path));
    if (part !== undefined) use(part);
    else outsideRequests(imported).then(use).catch(warnOfAbsence);
  };
}

/** Loads a part at once. `undefined` if modules can't be loaded this way, because of a flag of Node.js, or in a bundle. */
function required<Kind extends Part>(path: string): Kind | undefined {
  try {
    const part = requireHere()(fileOf(path)) as Kind;
    // Test runners load modules in their own way, beside Node's.
    return part.COPY === COPY ? part : undefined;
  } catch {
    return undefined;
  }
}

/** Made when needed, because `node:module` takes a while to load. */
function requireHere(): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(import.meta.url);
}

/** With the extension of this file: `.ts`, or `.js` in the package. */
function fileOf(path: string): string {
  const { url } = import.meta;
  return `./${path}${url.slice(url.lastIndexOf('.'))}`;
}

function warnOfAbsence(error: Error): void {
  process.emitWarning(
    `evenkeel can't load a part of itself, and what this part balances is left alone: ${error.message}`,
    {
      type: 'EvenkeelWarning',
      code: 'EVENKEEL_PART_MISSING',
    },
  );
}

type HttpPart = typeof import('./transports/http/global/part.ts');
type GrpcPart = typeof import('./transports/grpc/global/part.ts');

const HTTP = 'transports/http/global/part';
const GRPC = 'transports/grpc/global/part';

/** The part that balances the requests of `node:http`. */
export const loadHttp = loader<HttpPart>(HTTP, () => import('./transports/http/global/part.ts'));
/** The part that balances the calls of grpc-js. */
export const loadGrpc = loader<GrpcPart>(GRPC, () => import('./transports/grpc/global/part.ts'));

/**
 * The metrics that need a package. Not imported, because bundlers would follow the import, and ask everyone for the
 * package. In a bundle, call `instrument()` in code.
 */
export async function loadOpenTelemetry(): Promise<typeof import('./telemetry/opentelemetry.ts')> {
  return requireHere()(fileOf('telemetry/opentelemetry'));
}

/** Gives the parts, so that nothing is loaded later. */
export function giveParts(http: HttpPart, grpc: GrpcPart): void {
  given.set(HTTP, http);
  given.set(GRPC, grpc);
}
