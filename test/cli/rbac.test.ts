import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadAllYaml, type V1Role } from '@kubernetes/client-node';
import { rbac } from '../../src/cli/rbac.ts';

const RULES = [
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['services'], verbs: ['list', 'watch'] },
];

/** The objects in YAML, as plain ones. */
function parsed(yaml: string) {
  return JSON.parse(JSON.stringify(loadAllYaml(yaml)));
}

function printed(...args: string[]): string {
  let text = '';
  rbac(args, { write: (part: string) => (text += part) });
  return text;
}

test('a Role to read what is needed, and its binding, are printed as YAML', () => {
  assert.deepEqual(parsed(printed('--namespace', 'prod', '--service-account', 'web')), [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'evenkeel', namespace: 'prod' },
      rules: RULES,
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'evenkeel:prod:web', namespace: 'prod' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'evenkeel' },
      subjects: [{ kind: 'ServiceAccount', name: 'web', namespace: 'prod' }],
    },
  ]);
});

test('for all namespaces they are a ClusterRole and its binding', () => {
  const [role, binding] = parsed(printed('--cluster', '--service-account', 'web:frontend'));
  assert.deepEqual(role, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'evenkeel' },
    rules: RULES,
  });
  assert.deepEqual(binding, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'evenkeel:web:frontend' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'evenkeel' },
    subjects: [{ kind: 'ServiceAccount', name: 'frontend', namespace: 'web' }],
  });
});

test('the account may be of another namespace than the Services', () => {
  const [, binding] = parsed(printed('-n', 'prod', '--service-account', 'web:frontend'));
  assert.equal(binding.metadata.namespace, 'prod');
  assert.deepEqual(binding.subjects, [{ kind: 'ServiceAccount', name: 'frontend', namespace: 'web' }]);
});

test('bindings of two accounts never have the same name', () => {
  const nameOf = (account: string) =>
    parsed(printed('--cluster', '--service-account', account))[1].metadata.name;
  assert.notEqual(nameOf('a-b:c'), nameOf('a:b-c'));
});

test('without options it is about the default account of the default namespace', () => {
  const [role, binding] = parsed(printed());
  assert.equal(role.metadata.namespace, 'default');
  assert.deepEqual(binding.subjects, [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }]);
});

test('names that mean something else in YAML stay names', () => {
  for (const name of ['true', '123', 'null', '1e3']) {
    const [role, binding] = parsed(printed('--namespace', name, '--service-account', name));
    assert.equal(role.metadata.namespace, name);
    assert.deepEqual(binding.subjects, [{ kind: 'ServiceAccount', name, namespace: name }]);
  }
});

test('many namespaces and accounts have their rights at once', () => {
  const objects = parsed(
    printed('-n', 'prod', '-n', 'pay', '--service-account', 'web:frontend', '--service-account', 'shop:*'),
  );
  assert.deepEqual(
    objects.map(({ kind, metadata }: V1Role) => `${kind} ${metadata!.namespace} ${metadata!.name}`),
    ['prod', 'pay'].flatMap((namespace) => [
      `Role ${namespace} evenkeel`,
      `RoleBinding ${namespace} evenkeel:web:frontend`,
      `RoleBinding ${namespace} evenkeel:shop`,
    ]),
  );
  assert.deepEqual(objects[5].subjects, [
    { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:serviceaccounts:shop' },
  ]);
});

test('with more than one namespace, an account says which one it is of', () => {
  assert.throws(() => printed('-n', 'a', '-n', 'b', '--service-account', 'web'), {
    name: 'UsageError',
    message: '--service-account is web: with more than one --namespace, write <namespace>:web',
  });
  assert.throws(() => printed('-n', 'a', '-n', 'b'), { name: 'UsageError' });
});

test('what is no name is refused', () => {
  assert.throws(
    () => printed('--namespace', 'a\nkind: Secret'),
    /--namespace is "a\\nkind: Secret", which is no name/,
  );
  assert.throws(() => printed('--service-account', 'a:b:c'), /not <namespace>:<name>/);
  assert.throws(() => printed('--service-account', ''), /no name/);
  for (const name of ['a..b', 'a-.b', '.a', 'a'.repeat(254)]) {
    assert.throws(() => printed('--service-account', name), { name: 'UsageError', message: /no name/ });
  }
  assert.throws(() => printed('--nonsense'), { name: 'UsageError', message: /--nonsense/ });
});
