// Node.js loads this file before the app. It starts OpenTelemetry's metrics, and gives evenkeel's numbers to them.
import { metrics } from '@opentelemetry/api';
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { instrument } from 'evenkeel/opentelemetry';

// In production, use an OTLPMetricExporter instead of this one, which prints.
const reader = new PeriodicExportingMetricReader({
  exporter: new ConsoleMetricExporter(),
  exportIntervalMillis: 10_000,
});
const provider = new MeterProvider({ readers: [reader] });
metrics.setGlobalMeterProvider(provider);
instrument({ byEndpoint: true });

process.once('beforeExit', () => provider.shutdown());
