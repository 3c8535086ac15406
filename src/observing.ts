import type { Settings } from './config/settings.ts';
import { observe } from './observe/observe.ts';
import { managesConnect } from './transports/connect/manages-connect.ts';
import { managesGrpc } from './transports/grpc/manages-grpc.ts';
import { isLeftToNode, managesHttp } from './transports/http/global/left-to-node.ts';
import { manages } from './transports/undici/global/install.ts';

/**
 * Watches what the process sends, and knows what each transport would balance. Loaded only with
 * `EVENKEEL_MODE=observe`.
 */
export function observeAll(settings: Settings): void {
  observe(settings, {
    undici: manages,
    'node:http': managesHttp,
    grpc: managesGrpc,
    connect: managesConnect,
    isLeftToNode,
  });
}
