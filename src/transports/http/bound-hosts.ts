/** Schemes by which a server may know its caller from now on by the connection (RFC 4559; NTLM). */
const SCHEME = /^(?:ntlm|negotiate)\b/i;
/** So many hosts of an agent are remembered. */
const MOST = 256;

/**
 * The hosts at which an agent of Node's has logged in with NTLM or Negotiate. Such a login takes two requests on one
 * connection, and may hold for what comes on that connection later. So the requests of the agent to that host go
 * through the agent's own connections, which no other agent shares.
 */
export class BoundHosts {
  #hosts: Set<string> | undefined = undefined;

  /** Whether a request goes to such a host. @param authorization its header, which may make it one */
  has(host: string, port: number | string, authorization: string | undefined): boolean {
    if (authorization !== undefined && SCHEME.test(authorization)) this.#add(`${host}:${port}`);
    return this.#hosts?.has(`${host}:${port}`) === true;
  }

  #add(name: string): void {
    this.#hosts ??= new Set();
    if (this.#hosts.size >= MOST) this.#hosts.clear();
    this.#hosts.add(name);
  }
}
