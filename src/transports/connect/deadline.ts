import type { OutgoingHttpHeaders } from 'node:http2';

/** Milliseconds in the units of gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const UNITS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Milliseconds that the caller of a call gives it, as its headers tell the server; `undefined`: as long as it takes. */
export function timeoutOf(headers: OutgoingHttpHeaders): number | undefined {
  const connect = headers['connect-timeout-ms'];
  if (connect !== undefined) return /^\d{1,10}$/.test(`${connect}`) ? Number(connect) : undefined;
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(`${headers['grpc-timeout'] ?? ''}`) ?? [];
  return amount === undefined || unit === undefined ? undefined : Number(amount) * UNITS[unit]!;
}
