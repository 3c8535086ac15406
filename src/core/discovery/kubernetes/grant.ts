import type { ServiceName } from './match.ts';

/**
 * The command that grants the right to read the Services of a namespace. If the account isn't known, it has a
 * placeholder.
 */
export function grantCommand(namespace: string, account: ServiceName | undefined): string {
  const who = account === undefined ? '<namespace>:<name>' : `${account.namespace}:${account.name}`;
  return `npx --no-install evenkeel rbac --namespace ${namespace} --service-account ${who} | kubectl apply -f -`;
}
