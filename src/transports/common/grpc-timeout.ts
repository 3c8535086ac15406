/** Milliseconds in the units of gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const UNITS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** What `grpc-timeout` says of the time that a call has: in milliseconds. `undefined`: nothing that can be understood. */
export function grpcTimeoutOf(value: unknown): number | undefined {
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(`${value ?? ''}`) ?? [];
  return amount === undefined || unit === undefined ? undefined : Number(amount) * UNITS[unit]!;
}
