/** The units of gRPC in milliseconds: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const UNITS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** The time of a call, from the header `grpc-timeout`, in milliseconds; `undefined` if it can't be parsed. */
export function grpcTimeoutOf(value: unknown): number | undefined {
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(`${value ?? ''}`) ?? [];
  return amount === undefined || unit === undefined ? undefined : Number(amount) * UNITS[unit]!;
}
