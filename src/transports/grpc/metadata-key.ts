/** Whether grpc-js accepts this name for metadata. It throws for others. */
export function isMetadataKey(name: string): boolean {
  return /^[\w.-]+$/.test(name);
}
