// What bundlers take in the place of `index.ts`, by the condition `module` in package.json: they take along what they see
// imported, so that all parts are, and none is looked for beside the bundle.
import './transports/undici/global/inert.ts';
import { giveParts } from './parts.ts';
import * as grpc from './transports/grpc/global/part.ts';
import * as http from './transports/http/global/part.ts';

giveParts(http, grpc);

export * from './index.ts';
