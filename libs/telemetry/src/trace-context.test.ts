import { trace } from '@opentelemetry/api';
import { childOf, formatTraceparent, newTraceContext, parentContext, parseTraceparent } from './index.js';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

describe('traceparent', () => {
  const accepted: [id: string, header: string, sampled: boolean][] = [
    ['sampled', `00-${traceId}-${spanId}-01`, true],
    ['not-sampled', `00-${traceId}-${spanId}-00`, false],
    ['unknown-flags', `00-${traceId}-${spanId}-fe`, false],
    ['later-version', `01-${traceId}-${spanId}-01`, true],
    ['later-version-longer', `cc-${traceId}-${spanId}-01-what-the-future-brings`, true],
  ];
  it.each(accepted)('reads %s', (_id, header, sampled) => {
    expect(parseTraceparent(header)).toEqual({ traceId, spanId, sampled });
  });

  const refused: [id: string, header: string | string[] | undefined][] = [
    ['absent', undefined],
    ['repeated', [`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-01`]],
    ['empty', ''],
    ['version-ff', `ff-${traceId}-${spanId}-01`],
    ['upper-case', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['zero-trace', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['zero-span', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['short-trace', `00-${traceId.slice(1)}-${spanId}-01`],
    ['version-00-longer', `00-${traceId}-${spanId}-01-more`],
    ['later-version-no-dash', `01-${traceId}-${spanId}-01more`],
    ['too-long', `01-${traceId}-${spanId}-01-${'x'.repeat(500)}`],
    ['leading-space', ` 00-${traceId}-${spanId}-01`],
  ];
  it.each(refused)('ignores %s', (_id, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  it('round-trips what it makes', () => {
    const context = newTraceContext();
    expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
  });

  it('keeps the trace and changes the span for a child', () => {
    const parent = { traceId, spanId, sampled: false };
    const child = childOf(parent);
    expect(child).toEqual({ traceId, spanId: expect.stringMatching(/^[0-9a-f]{16}$/), sampled: false });
    expect(child.spanId).not.toBe(spanId);
  });

  it('makes a different id every time, past the end of its pool', () => {
    const ids = new Set(Array.from({ length: 2000 }, () => newTraceContext().traceId));
    expect(ids.size).toBe(2000);
  });

  it('becomes the remote parent of an OpenTelemetry span', () => {
    const context = parentContext({ traceId, spanId, sampled: true });
    expect(trace.getSpanContext(context)).toMatchObject({ traceId, spanId, traceFlags: 1, isRemote: true });
  });
});
