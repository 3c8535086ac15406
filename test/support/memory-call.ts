import { UnresponsiveError } from '../../src/core/base/errors.ts';
import { Call } from '../../src/core/calls/call.ts';
import type { Refusal, RetryReason } from '../../src/core/calls/settings.ts';
import type { Outcome } from '../../src/core/health/outcome.ts';
import type { Service } from '../../src/core/service.ts';
import type { MemoryWire } from './memory-transport.ts';

export interface MemoryCallOptions {
  repeatable?: boolean;
  lasting?: boolean;
  keyHash?: number;
}

/** A call that keeps a record of what becomes of it. */
export class MemoryCall extends Call {
  readonly upgrades = false;
  readonly lasting: boolean;
  readonly repeatable: boolean;
  /** The addresses it was sent to, in order. */
  readonly sentTo: string[] = [];
  /** Times it had to wait. */
  waits = 0;
  /** How it ended: once, unless something is wrong. */
  readonly ends: ('answered' | Error)[] = [];
  endedAt = -1;
  readonly #service: Service;

  constructor(
    service: Service,
    { repeatable = true, lasting = false, keyHash = -1 }: MemoryCallOptions = {},
  ) {
    super();
    this.#service = service;
    this.repeatable = repeatable;
    this.lasting = lasting;
    this.keyHash = keyHash;
  }

  get #calls() {
    return this.#service.calls;
  }

  /** What it failed with, if it did. */
  get error(): (Error & { code?: string }) | undefined {
    const [end] = this.ends;
    return end instanceof Error ? end : undefined;
  }

  get answered(): boolean {
    return this.ends[0] === 'answered';
  }

  get method(): string {
    return this.repeatable ? 'GET' : 'POST';
  }

  describe(): { method: string; path: string } {
    return { method: this.method, path: '/' };
  }

  check(): void {}
  begin(): void {}

  startWaiting(): void {
    this.waits++;
  }

  stopWaiting(): void {}

  fail(error: Error): void {
    this.#settle(error);
  }

  #settle(end: 'answered' | Error): void {
    this.ends.push(end);
    this.endedAt = this.#service.clock.now();
  }

  /** The caller ends it, or undici would in its place: `timeout` is a response that did not come in time. */
  cancel(reason: Error, outcome: Outcome = 'cancelled'): void {
    if (this.ends.length > 0) return;
    this.reason = reason;
    if (this.connection === undefined) {
      this.#calls.onAbandoned(this, reason);
      return;
    }
    (this.connection.wire as MemoryWire).drop(this);
    this.#end(reason, outcome);
  }

  #end(end: 'answered' | Error, outcome: Outcome): void {
    this.#settle(end);
    this.#calls.attempts.onEnded(this, outcome);
  }

  // What its wire tells

  onHead(statusCode: number, headers: Record<string, string>): void {
    const { attempts } = this.#calls;
    this.statusCode = statusCode;
    if (this.connection?.told === false) attempts.onFirstHead(this, headers, keepAliveOf(headers));
    attempts.onHead(this, headers, isGatewayError(statusCode));
    const streaming = headers['content-type'] === 'text/event-stream';
    if (streaming || this.seated) attempts.onStreaming(this, streaming);
  }

  onEnd(): void {
    this.#end('answered', isGatewayError(this.statusCode) ? 'rejected' : 'success');
  }

  /** The connection broke. */
  onBroken(error: Error): void {
    if (this.statusCode === 0 && this.#calls.onUnanswered(this, error, 'reset')) return;
    this.#end(error, 'failure');
  }

  /** The connection was ended from this side. */
  onCut(error: Error): void {
    const reason = reasonOf(error);
    const mayGoOn = reason !== undefined && this.statusCode === 0;
    if (mayGoOn && this.#calls.onUnanswered(this, error, reason)) return;
    this.#end(error, reason === undefined ? 'cancelled' : 'failure');
  }

  /** The peer has not looked at it. */
  onRefused(error: Error, how: Refusal): void {
    this.#calls.onRefused(this, error, how);
  }

  /** The connection had closed before it was written. */
  onUnsent(error: Error): void {
    this.#calls.onUnsent(this, error);
  }
}

/** Milliseconds for which an idle connection lasts, as its pod says. */
function keepAliveOf(headers: Record<string, string>): number {
  const [, seconds = 4] = /timeout=(\d+)/.exec(headers['keep-alive'] ?? '') ?? [];
  return Number(seconds) * 1_000;
}

/** Why a call may be sent again whose connection was ended with that error. */
function reasonOf(error: Error & { code?: string }): RetryReason | undefined {
  if (error instanceof UnresponsiveError) return 'unresponsive';
  return error.code === 'ECONNRESET' ? 'reset' : undefined;
}

function isGatewayError(status: number): boolean {
  return status >= 502 && status <= 504;
}
