// Calls pods by connect-node, and ends without a word to its sessions, unless told to close them.
import { createGrpcTransport } from '@connectrpc/connect-node';
import { balancedSessions } from '../../src/connect.ts';
import { BASE_URL, EchoClient } from './connect-client.ts';

const [mode, addresses = ''] = process.argv.slice(2);
const endpoints = addresses.split(',').map((each) => {
  const [address = '', port] = each.split(':');
  return { address, port: Number(port) };
});

const sessions = balancedSessions(BASE_URL, {
  // One that goes on for as long as it is asked.
  discovery: async function* (_target, signal) {
    if (mode !== 'failing') yield { endpoints, source: 'test' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
});
const transport = createGrpcTransport({ baseUrl: BASE_URL, sessionManager: sessions });
const client = new EchoClient(transport);
if (mode !== 'unused') {
  try {
    await client.calls(6, 2, mode === 'failing' ? { timeoutMs: 200 } : {});
    console.log('answered');
  } catch (error) {
    console.log((error as Error).message);
  }
}
if (mode === 'closed') await sessions.close();
