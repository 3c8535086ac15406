// Loaded before the app: starts OpenTelemetry's metrics, and has evenkeel report to them.
import { metrics } from '@opentelemetry/api';
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { instrument } from 'evenkeel/opentelemetry';

// In production, an OTLPMetricExporter takes the place of the one that prints.
const reader = new PeriodicExportingMetricReader({
  exporter: new ConsoleMetricExporter(),
  exportIntervalMillis: 10_000,
});
const provider = new MeterProvider({ readers: [reader] });
metrics.setGlobalMeterProvider(provider);
instrument({ byEndpoint: true });

process.once('beforeExit', () => provider.shutdown());
