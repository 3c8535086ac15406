/** The endpoint, or something before it, says that it can't serve; 500 is the app's own affair. */
export function isGatewayError(statusCode: number): boolean {
  return statusCode >= 502 && statusCode <= 504;
}
