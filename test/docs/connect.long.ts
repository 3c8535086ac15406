import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { callsOf } from '../support/answers.ts';
import { startConnectPods } from '../support/connect-pod.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { makeProject, type Project } from '../support/package.ts';
import { examples, page } from '../support/readme.ts';
import { assertSound, runExample } from './running.ts';

const TEXT = '.google.protobuf.StringValue';
const FILE = toBinary(
  FileDescriptorProtoSchema,
  create(FileDescriptorProtoSchema, {
    name: 'orders.proto',
    package: 'test',
    syntax: 'proto3',
    dependency: ['google/protobuf/wrappers.proto'],
    service: [{ name: 'Echo', method: [{ name: 'Find', inputType: TEXT, outputType: TEXT }] }],
  }),
);

/** What `protoc-gen-es` makes of a file with one service. */
const GENERATED = {
  'gen/orders_pb.js': `
import { fileDesc, serviceDesc } from '@bufbuild/protobuf/codegenv2';
import { file_google_protobuf_wrappers } from '@bufbuild/protobuf/wkt';

export const Orders = serviceDesc(
  fileDesc('${Buffer.from(FILE).toString('base64')}', [file_google_protobuf_wrappers]),
  0,
);
`,
  'gen/orders_pb.d.ts': `
import type { GenService } from '@bufbuild/protobuf/codegenv2';
import type { StringValueSchema } from '@bufbuild/protobuf/wkt';

export declare const Orders: GenService<{
  find: { methodKind: 'unary'; input: typeof StringValueSchema; output: typeof StringValueSchema };
}>;
`,
};

const programs = examples('ts', page('connect.md'));
let project: Project;

before(() => {
  project = makeProject([
    '@bufbuild/protobuf',
    '@connectrpc/connect',
    '@connectrpc/connect-node',
    '@connectrpc/connect-web',
  ]);
});

after(() => project.remove());

describe('docs/connect.md', () => {
  for (const { code, line } of programs) {
    test(`the program on line ${line} calls a pod`, async (t) => {
      const http1 = code.includes('connect-web');
      const [dns, pods] = await Promise.all([startDnsServer(t), startConnectPods(t, 1, { http1 })]);
      dns.set(
        'orders.prod',
        pods.map(({ address }) => address),
      );
      const adapted = code.replaceAll('50051', `${pods[0]!.port}`);
      const { stdout } = await runExample(project, adapted, { EVENKEEL_DNS_SERVERS: dns.address }, GENERATED);
      assert.equal(stdout, `${pods[0]!.address}\n`);
      assert.deepEqual(callsOf(pods), [1]);
    });
  }

  test('the programs are sound TypeScript', () => {
    assert.equal(programs.length, 3);
    assertSound(project, programs, GENERATED);
  });
});
