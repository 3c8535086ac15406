/** Whether the endpoint, or a proxy in front of it, says that it can't serve. A 500 is about the app. */
export function isGatewayError(statusCode: number): boolean {
  return statusCode >= 502 && statusCode <= 504;
}
