import type { SinkConfig } from '@switchyard/gateway-config';
import { openDatadogSink } from './kinds/datadog.js';
import { openElasticSink } from './kinds/elastic.js';
import { openFileSink } from './kinds/file.js';
import { openOtlpSink } from './kinds/otlp.js';
import { openS3Sink } from './kinds/s3.js';
import { openSentinelSink } from './kinds/sentinel.js';
import { openSplunkHecSink } from './kinds/splunk-hec.js';
import { openSyslogSink } from './kinds/syslog.js';
import { openWebhookSink } from './kinds/webhook.js';
import type { OpenSink, Sink, SinkKinds, SinkParts } from './sink.js';

/** Every kind of sink: one row, one file in kinds/. Their settings are in libs/gateway-config/src/sinks. */
const KINDS: SinkKinds = {
  file: openFileSink,
  webhook: openWebhookSink,
  'splunk-hec': openSplunkHecSink,
  elastic: openElasticSink,
  datadog: openDatadogSink,
  sentinel: openSentinelSink,
  otlp: openOtlpSink,
  s3: openS3Sink,
  syslog: openSyslogSink,
};

/** Opens a sink. @throws Misconfigured */
export function openSink(settings: SinkConfig, parts: SinkParts): Promise<Sink> {
  const open = KINDS[settings.type] as OpenSink;
  return open(settings, parts);
}
