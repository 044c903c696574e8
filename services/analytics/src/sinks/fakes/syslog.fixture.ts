import type { FakeProduct } from './fake-product.fixture.js';
import { startRsyslog } from './rsyslog.fixture.js';

/** Starts a real rsyslogd over TLS, as a product: what it has taken is what it has written down. */
export async function startSyslog(): Promise<FakeProduct> {
  const rsyslog = await startRsyslog();
  return {
    settings: rsyslog.settings,
    secrets: {},
    taken: () => rsyslog.lines().map(({ msg }) => (JSON.parse(msg) as { event_id: string }).event_id),
    fault: undefined,
    away: (isAway) => (isAway ? rsyslog.stop() : rsyslog.start()),
    [Symbol.asyncDispose]: () => rsyslog[Symbol.asyncDispose](),
  };
}
