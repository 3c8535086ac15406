import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The names of the members of an interface, or of a type that is written like one, in a declaration file. */
export function membersOf(path: string, head: string): string[] {
  const text = readFileSync(fileURLToPath(import.meta.resolve(`../../node_modules/${path}`)), 'utf8');
  const start = text.indexOf(head);
  if (start === -1) throw new Error(`${path} has no ${head}`);
  const lines = text.slice(text.indexOf('{\n', start) + 2).split('\n');
  const indent = /^ */.exec(lines[0]!)![0].length;
  const end = lines.findIndex((line) => /^ *\}/.test(line) && /^ */.exec(line)![0].length < indent);
  return lines.slice(0, end).flatMap((line) => {
    const [, space, name] = /^( *)(\w+)\s*(?:\?\s*)?[(:?]/.exec(line) ?? [];
    return space?.length === indent ? [name!] : [];
  });
}

const NET = '@types/node/net.d.ts';
const TLS = '@types/node/tls.d.ts';

/** The options that undici's Agent takes. */
export const AGENT_OPTIONS = [
  ...membersOf('undici/types/client.d.ts', 'interface Options'),
  ...membersOf('undici/types/pool.d.ts', 'interface Options'),
  ...membersOf('undici/types/agent.d.ts', 'interface Options'),
];

export const H2_OPTIONS = membersOf('undici/types/client.d.ts', 'interface H2Options');
export const WEB_SOCKET_OPTIONS = membersOf('undici/types/client.d.ts', 'interface WebSocketOptions');
export const EVENT_SOURCE_OPTIONS = membersOf('undici/types/client.d.ts', 'interface EventSourceOptions');

/** Those that `tls.connect` takes, which undici's `tls` and `connect` are made of. */
export const TLS_OPTIONS = [
  ...membersOf(TLS, 'interface SecureContextOptions'),
  ...membersOf(TLS, 'interface CommonConnectionOptions'),
  ...membersOf(TLS, 'interface ConnectionOptions'),
];

/** Those of undici's `connect`, besides. */
export const CONNECT_OPTIONS = [
  ...membersOf('undici/types/connector.d.ts', 'type BuildOptions'),
  ...membersOf(NET, 'interface SocketConstructorOpts'),
  ...membersOf(NET, 'interface TcpSocketConnectOpts'),
  ...membersOf(NET, 'interface IpcSocketConnectOpts'),
  ...membersOf(NET, 'interface TcpNetConnectOpts'),
];
