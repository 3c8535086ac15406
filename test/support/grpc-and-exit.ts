// Calls pods by gRPC, and ends without a word to its channels, unless told to close them.
import { installGrpc } from '../../src/grpc.ts';
import { EchoClient } from './grpc-client.ts';
import { grpc } from './grpc-pod.ts';

const [mode, addresses = ''] = process.argv.slice(2);
const endpoints = addresses.split(',').map((each) => {
  const [address = '', port] = each.split(':');
  return { address, port: Number(port) };
});

installGrpc(grpc, {
  // One that goes on for as long as it is asked.
  discovery: async function* (_target, signal) {
    yield { endpoints, source: 'test' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
});
const client = new EchoClient();
if (mode !== 'unused') {
  try {
    await client.calls(6, 2);
    console.log('answered');
  } catch (error) {
    console.log((error as Error).message);
  }
}
if (mode === 'closed') client.close();
