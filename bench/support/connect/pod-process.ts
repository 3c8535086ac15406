// A server of connect-node's that stands for a pod.

import { ConnectPod } from '../../../test/support/connect-pod.ts';

process.once('message', async (address: string) => {
  const pod = new ConnectPod({ address });
  await pod.listen(0);
  process.send!(pod.endpoint);
});
process.on('disconnect', () => process.exit());
