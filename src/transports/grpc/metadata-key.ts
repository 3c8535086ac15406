/** Whether grpc-js lets metadata be called that: it throws at other names. */
export function isMetadataKey(name: string): boolean {
  return /^[\w.-]+$/.test(name);
}
