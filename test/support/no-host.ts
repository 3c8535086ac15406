// For `--import`: the system tells nothing of this host, as where there is no passwd, or seccomp refuses the calls.
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';

for (const question of ['homedir', 'hostname', 'networkInterfaces', 'userInfo', 'tmpdir'] as const) {
  os[question] = () => {
    throw Object.assign(new Error(`A system error occurred: ${question} returned EPERM`), {
      code: 'ERR_SYSTEM_ERROR',
    });
  };
}
syncBuiltinESMExports();
