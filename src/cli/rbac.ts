import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
// A ServiceAccount's name may have dots.
const NAME = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** A service account, or with the name `*` all of its namespace. */
interface Account {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Writes, as YAML for `kubectl apply -f -`, the least rights that following Services takes: those to read the
 * Services and EndpointSlices of each `--namespace`, or with `--cluster` of all, for each `--service-account`. An account
 * of another namespace is `<namespace>:<name>`, and `<namespace>:*` stands for all accounts there.
 *
 * @throws UsageError
 */
export function rbac(
  args: readonly string[],
  output: { write(text: string): unknown } = process.stdout,
): void {
  const { namespaces, accounts, cluster } = parse(args);
  const places = cluster ? [undefined] : namespaces;
  const objects = places.flatMap((place) => [
    role(place),
    ...accounts.map((account) => binding(account, place)),
  ]);
  output.write(objects.join('---\n'));
}

/** The right to read a namespace's Services and EndpointSlices, or without one those of all. */
function role(namespace: string | undefined): string {
  return `${head('Role', 'evenkeel', namespace)}rules:
  - apiGroups: [discovery.k8s.io]
    resources: [endpointslices]
    verbs: [list, watch]
  - apiGroups: [""]
    resources: [services]
    verbs: [list, watch]
`;
}

/** Gives an account the right of {@link role}. */
function binding(account: Account, namespace: string | undefined): string {
  const isAll = account.name === '*';
  const name = isAll ? `evenkeel:${account.namespace}` : `evenkeel:${account.namespace}:${account.name}`;
  const subject = isAll
    ? `kind: Group
    apiGroup: rbac.authorization.k8s.io
    name: "system:serviceaccounts:${account.namespace}"`
    : `kind: ServiceAccount
    name: "${account.name}"
    namespace: "${account.namespace}"`;
  return `${head('RoleBinding', `"${name}"`, namespace)}roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ${kindOf('Role', namespace)}
  name: evenkeel
subjects:
  - ${subject}
`;
}

function head(kind: string, name: string, namespace: string | undefined): string {
  // Quoted: a name may read like a number or a boolean.
  const place = namespace === undefined ? '' : `\n  namespace: "${namespace}"`;
  return `apiVersion: rbac.authorization.k8s.io/v1
kind: ${kindOf(kind, namespace)}
metadata:
  name: ${name}${place}
`;
}

function kindOf(kind: string, namespace: string | undefined): string {
  return namespace === undefined ? `Cluster${kind}` : kind;
}

function parse(args: readonly string[]) {
  const { cluster, namespace, 'service-account': accounts } = valuesIn(args);
  const namespaces = [...new Set(namespace.map((name) => checked('--namespace', name, LABEL)))];
  return { namespaces, accounts: accounts.map((account) => accountOf(account, namespaces)), cluster };
}

function accountOf(text: string, namespaces: readonly string[]): Account {
  const parts = text.split(':');
  if (parts.length > 2) throw new UsageError(`--service-account is ${text}, not <namespace>:<name>`);
  const name = parts.at(-1)!;
  const namespace = parts.length > 1 ? parts[0]! : namespaces[0]!;
  if (parts.length === 1 && namespaces.length > 1)
    throw new UsageError(
      `--service-account is ${text}: with more than one --namespace, write <namespace>:${text}`,
    );
  return {
    namespace: checked('--service-account', namespace, LABEL),
    name: name === '*' ? name : checked('--service-account', name, NAME),
  };
}

function checked(option: string, value: string, form: RegExp): string {
  if (form.test(value)) return value;
  throw new UsageError(`${option} is ${JSON.stringify(value)}, which is no name in Kubernetes`);
}

function valuesIn(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        namespace: { type: 'string', short: 'n', multiple: true, default: ['default'] },
        'service-account': { type: 'string', multiple: true, default: ['default'] },
        cluster: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw UsageError.of(error);
  }
}
