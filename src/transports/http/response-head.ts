import type { Call } from '../../core/calls/call.ts';
import type { Outcome } from '../../core/health/outcome.ts';
import { isEventStream } from '../common/event-stream.ts';
import { isGatewayError } from '../common/gateway-error.ts';
import { headerOf } from '../common/header-of.ts';
import type { HttpService } from './http-service.ts';
import type { HttpWire } from './http-wire.ts';
import { type NodeRequest, type NodeResponse, type NodeSocket, requestHeader } from './node-http.ts';
import type { Place } from './place.ts';

const NO_HEADERS = {};

/**
 * Tells the core what the head of a response says about its endpoint, about how long its connection may idle, and about
 * what follows.
 */
export function tellOfHead(call: Call, response: NodeResponse, service: HttpService, place: Place): void {
  const { attempts } = service.calls;
  const { connection } = call;
  const { rawHeaders } = response;
  const statusCode = response.statusCode!;
  call.statusCode = statusCode;
  const { idleTime } = connection!.wire as HttpWire;
  const hint = headerOf(rawHeaders, 'keep-alive');
  const limit = idleTime.hear(hint, service.shortestOf(place.timeout), place.buffer);
  if (!connection!.told) attempts.onFirstHead(call, response.headers, limit);
  const asks = statusCode === 429 || statusCode === 503;
  // Node makes the headers object when it is first asked for. Most callers never ask.
  attempts.onHead(call, asks ? response.headers : NO_HEADERS, isGatewayError(statusCode));
  const streaming = isEventStream(headerOf(rawHeaders, 'content-type'));
  if (streaming || call.seated) attempts.onStreaming(call, streaming);
}

/** Whether a server has switched protocols, and nobody has asked for that: each request to that pod may end so. */
export function isUnaskedUpgrade(request: NodeRequest): boolean {
  return request.res?.statusCode === 101 && requestHeader(request, 'upgrade') === undefined;
}

/** What a complete response says about its endpoint. */
export function outcomeOf(status: number, request: NodeRequest, socket: NodeSocket): Outcome {
  if (isGatewayError(status)) return 'rejected';
  return isOverlong(request, socket) ? 'failure' : 'success';
}

/**
 * Whether more came with a response than it says, so that Node has failed its request. A body where there must be none
 * doesn't count: all pods of an app send one, or none does.
 */
function isOverlong({ method, res }: NodeRequest, { _hadError, errored }: NodeSocket): boolean {
  // Node's parser has told the request of an error, and the socket of none.
  if (_hadError !== true || errored !== null) return false;
  const status = res?.statusCode;
  return method !== 'HEAD' && status !== 204 && status !== 304;
}
