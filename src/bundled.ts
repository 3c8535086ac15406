// Bundlers use this file instead of `index.ts`, because of the condition `module` in package.json. A bundler includes
// what it sees imported. So all parts are imported here, and none is looked for at run time.
import './transports/undici/global/inert.ts';
// What is imported at run time elsewhere: a bundler that makes a single file may put it behind the app, and an app may await
// its first requests at top level.
import './admin/admin-server.ts';
import './core/discovery/cluster.ts';
import './core/discovery/dns/dns-client.ts';
import './core/discovery/names.ts';
import './core/health/health-checks.ts';
import './observing.ts';
import './transports/kubernetes-api/in-cluster.ts';
import './transports/kubernetes-api/kubeconfig.ts';
import './transports/kubernetes-api/transport.ts';
import { giveParts } from './parts.ts';
import * as grpc from './transports/grpc/global/part.ts';
import * as http from './transports/http/global/part.ts';

giveParts(http, grpc);

export * from './index.ts';
