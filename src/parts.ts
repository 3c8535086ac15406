import { outsideRequests } from './core/base/context.ts';
import { COPY, type LoadPart, type Part } from './core/base/part.ts';

/** Those that are there from the start: a bundler must see what it is to take along. */
const given = new Map<string, Part>();

/** @param path where it is, below the folder of this file and without an extension */
function loader<Kind extends Part>(path: string, imported: () => Promise<Kind>): LoadPart<Kind> {
  return (use) => {
    const part = (given.get(path) as Kind | undefined) ?? outsideRequests(() => required<Kind>(path));
    if (part !== undefined) use(part);
    else outsideRequests(imported).then(use).catch(warnOfAbsence);
  };
}

/** A part, without waiting. `undefined` where modules can't be had so: by a flag of Node.js, or in a bundle. */
function required<Kind extends Part>(path: string): Kind | undefined {
  try {
    const part = requireHere()(fileOf(path)) as Kind;
    // Test runners load modules in ways of their own, beside Node's.
    return part.COPY === COPY ? part : undefined;
  } catch {
    return undefined;
  }
}

/** Made when it is needed: `node:module` itself takes its time to load. */
function requireHere(): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(import.meta.url);
}

/** With `.ts`, or `.js` in the package, as this file has it. */
function fileOf(path: string): string {
  const { url } = import.meta;
  return `./${path}${url.slice(url.lastIndexOf('.'))}`;
}

function warnOfAbsence(error: Error): void {
  process.emitWarning(
    `a part of evenkeel can't be loaded, and what it balances is left alone: ${error.message}`,
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

/** What balances the requests of `node:http`. */
export const loadHttp = loader<HttpPart>(HTTP, () => import('./transports/http/global/part.ts'));
/** What balances the calls of grpc-js. */
export const loadGrpc = loader<GrpcPart>(GRPC, () => import('./transports/grpc/global/part.ts'));

/**
 * Those metrics that need a package. Not imported: bundlers would follow, and want the package of everyone. In a bundle, metrics
 * are switched on by code.
 */
export async function loadOpenTelemetry(): Promise<typeof import('./telemetry/opentelemetry.ts')> {
  return requireHere()(fileOf('telemetry/opentelemetry'));
}

/** Has those parts be there, so that nothing is loaded late. */
export function giveParts(http: HttpPart, grpc: GrpcPart): void {
  given.set(HTTP, http);
  given.set(GRPC, grpc);
}
