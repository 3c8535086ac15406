// Sends requests that OpenTelemetry traces, and prints the spans.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { context, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { prepare, type Way } from '../prepare.ts';
import { send } from './send.ts';

export interface Setting {
  readonly way: Way;
  readonly first: 'tracer' | 'evenkeel';
  readonly origin: string;
}

const { way, first, origin }: Setting = JSON.parse(process.argv[2]!);
const load = createRequire(import.meta.url);
const exporter = new InMemorySpanExporter();

if (first === 'tracer') startTracing();
const makeAgent = await prepare(way, load, { retry: false });
if (first === 'evenkeel') startTracing();
const http: typeof import('node:http') = load('node:http');
const tracer = trace.getTracer('test');

for (const [path, times] of [
  ['/', 2],
  ['/404', 1],
  ['/reset', 1],
  ['/hang', 1],
] as const) {
  for (let n = 0; n < times; n++) {
    for (const agent of [undefined, makeAgent()]) {
      if (agent === undefined && way === 'by hand') continue;
      await tracer.startActiveSpan('parent', async (parent) => {
        await send(http, origin, path, agent, (what) => tracer.startSpan(what).end());
        parent.end();
      });
    }
  }
}
await delay(0);
process.stdout.write(JSON.stringify(told()), () => process.exit());

function startTracing(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  trace.setGlobalTracerProvider(provider);
  const instrumentation = new HttpInstrumentation();
  instrumentation.setTracerProvider(provider);
  instrumentation.enable();
}

/** The spans in their order, each with the name of its parent, without what differs each time. */
function told(): object[] {
  const spans = exporter.getFinishedSpans();
  const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  return spans.map(({ name, kind, parentSpanContext, attributes, status, events }) => ({
    name,
    kind: SpanKind[kind],
    parent: names.get(parentSpanContext?.spanId ?? ''),
    attributes,
    status,
    events: events.map(({ name, attributes }) => [name, attributes?.['exception.message']]),
  }));
}
