// What is asked of dd-trace and of newrelic, which have their types nowhere where all can see them, and what they tell:
// without what differs each time, and without dials. Node's agent dials for a request, evenkeel for nobody in particular.

export interface Monitor {
  /** Makes a span of that name in the context that it is called in. */
  readonly mark: (name: string) => void;
  /** Calls `fn` within a span of that name, until its promise settles. */
  readonly within: (name: string, fn: () => Promise<void>) => Promise<void>;
  readonly told: () => unknown[];
}

type Load = (name: string) => unknown;

export const MONITORS: Readonly<Record<'dd-trace' | 'newrelic', (load: Load) => Monitor>> = {
  'dd-trace': startDatadog,
  newrelic: startNewRelic,
};

interface Datadog {
  init(options: object): Datadog;
  startSpan(name: string, options: object): { finish(): void };
  scope(): { active(): unknown };
  trace(name: string, fn: () => Promise<void>): Promise<void>;
}

interface DatadogSpan {
  readonly span_id: string;
  readonly parent_id: string;
  readonly name: string;
  readonly error: number;
  readonly resource: string;
  readonly meta?: Readonly<Record<string, string>>;
}

const DIAL = 'tcp.connect';

function startDatadog(load: Load): Monitor {
  // It writes its spans to where the process writes.
  process.env.DD_TRACE_EXPERIMENTAL_EXPORTER = 'log';
  process.env.DD_INSTRUMENTATION_TELEMETRY_ENABLED = 'false';
  process.env.DD_REMOTE_CONFIGURATION_ENABLED = 'false';
  const tracer = (load('dd-trace') as Datadog).init({ service: 'test', flushInterval: 0 });
  const written: string[] = [];
  const { stdout } = process;
  const { write } = stdout;
  stdout.write = ((text: string) => written.push(text) > 0) as typeof write;
  return {
    mark: (name) => tracer.startSpan(name, { childOf: tracer.scope().active() }).finish(),
    within: (name, fn) => tracer.trace(name, fn),
    told() {
      stdout.write = write;
      const spans = written.flatMap((line) =>
        (JSON.parse(line) as { traces: DatadogSpan[][] }).traces.flat(),
      );
      const byId = new Map(spans.map((span) => [span.span_id, span]));
      const parentOf = ({ parent_id }: DatadogSpan): DatadogSpan | undefined => {
        const parent = byId.get(parent_id);
        return parent?.name === DIAL ? parentOf(parent) : parent;
      };
      return spans
        .filter(({ name }) => name !== DIAL)
        .map((span) => {
          const { name, error, resource, meta = {} } = span;
          const told = Object.entries(meta).filter(([key]) => !/^_dd|runtime-id|stack/.test(key));
          return { name, error, resource, parent: parentOf(span)?.name, meta: Object.fromEntries(told) };
        });
    },
  };
}

interface NewRelic {
  startSegment(name: string, record: boolean, fn: () => void): void;
  startBackgroundTransaction(name: string, fn: () => Promise<void>): Promise<void>;
  readonly agent: {
    on(event: 'transactionFinished', heard: (transaction: NewRelicTransaction) => void): void;
  };
}

interface NewRelicTransaction {
  readonly name: string;
  readonly trace: { readonly segments: { readonly root: NewRelicNode } };
}

interface NewRelicNode {
  readonly segment: { readonly name: string; readonly attributes: { readonly attributes: object } };
  readonly children: readonly NewRelicNode[];
}

function startNewRelic(load: Load): Monitor {
  // So it asks nobody whether it may begin.
  process.env.NEW_RELIC_SERVERLESS_MODE_ENABLED = 'true';
  process.env.NEW_RELIC_APP_NAME = 'test';
  process.env.NEW_RELIC_NO_CONFIG_FILE = 'true';
  process.env.NEW_RELIC_LOG_ENABLED = 'false';
  const newrelic = load('newrelic') as NewRelic;
  const told: object[] = [];
  newrelic.agent.on('transactionFinished', ({ name, trace }) => {
    told.push({ name, root: tellNode(trace.segments.root) });
  });
  return {
    mark: (name) => newrelic.startSegment(name, false, () => {}),
    within: (name, fn) => newrelic.startBackgroundTransaction(name, fn),
    told: () => told,
  };
}

function tellNode({ segment, children }: NewRelicNode): object {
  return {
    name: segment.name,
    attributes: Object.keys(segment.attributes.attributes).sort(),
    children: children.filter((child) => child.segment.name !== 'http.Agent#createConnection').map(tellNode),
  };
}
