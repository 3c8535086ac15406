import { channel } from 'node:diagnostics_channel';

/** The diagnostics channels of evenkeel. docs/observability.md describes the messages. */
export const channels = {
  discoveryUpdate: channel('evenkeel:discovery:update'),
  discoveryError: channel('evenkeel:discovery:error'),
  endpointAdd: channel('evenkeel:endpoint:add'),
  endpointRemove: channel('evenkeel:endpoint:remove'),
  endpointEject: channel('evenkeel:endpoint:eject'),
  endpointRestore: channel('evenkeel:endpoint:restore'),
  connectionOpen: channel('evenkeel:connection:open'),
  connectionRetire: channel('evenkeel:connection:retire'),
  connectionClose: channel('evenkeel:connection:close'),
  requestStart: channel('evenkeel:request:start'),
  requestRetry: channel('evenkeel:request:retry'),
  requestEnd: channel('evenkeel:request:end'),
};
