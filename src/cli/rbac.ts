import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
// A ServiceAccount's name may have dots.
const NAME = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/**
 * Writes, as YAML for `kubectl apply -f -`, the least rights that following Services takes: those to read the
 * Services and EndpointSlices of `--namespace`, or with `--cluster` of all, for `--service-account`, which may
 * be in another namespace: `<namespace>:<name>`.
 *
 * @throws UsageError
 */
export function rbac(
  args: readonly string[],
  output: { write(text: string): unknown } = process.stdout,
): void {
  const { namespace, account, cluster } = parse(args);
  const scope = cluster ? 'Cluster' : '';
  // Quoted: a name may read like a number or a boolean.
  const place = cluster ? '' : `\n  namespace: "${namespace}"`;
  output.write(`apiVersion: rbac.authorization.k8s.io/v1
kind: ${scope}Role
metadata:
  name: evenkeel${place}
rules:
  - apiGroups: [discovery.k8s.io]
    resources: [endpointslices]
    verbs: [list, watch]
  - apiGroups: [""]
    resources: [services]
    verbs: [list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ${scope}RoleBinding
metadata:
  name: "evenkeel:${account.namespace}:${account.name}"${place}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ${scope}Role
  name: evenkeel
subjects:
  - kind: ServiceAccount
    name: "${account.name}"
    namespace: "${account.namespace}"
`);
}

function parse(args: readonly string[]) {
  const values = valuesIn(args);
  const namespace = checked('--namespace', values.namespace, LABEL);
  const [name = '', owner = namespace, ...rest] = values['service-account'].split(':').reverse();
  if (rest.length > 0)
    throw new UsageError(`--service-account is ${values['service-account']}, not <namespace>:<name>`);
  return {
    namespace,
    account: {
      namespace: checked('--service-account', owner, LABEL),
      name: checked('--service-account', name, NAME),
    },
    cluster: values.cluster,
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
        namespace: { type: 'string', short: 'n', default: 'default' },
        'service-account': { type: 'string', default: 'default' },
        cluster: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw UsageError.of(error);
  }
}
