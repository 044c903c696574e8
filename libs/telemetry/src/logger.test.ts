import { Writable } from 'node:stream';
import { createLogger } from './index.js';
import { terminalLine } from './terminal-lines.js';

function capture() {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return {
    destination,
    records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    text: () => lines.join(''),
  };
}

const canary = 'canary-7f3a';

describe('logger', () => {
  it('writes one JSON object per record, with service, level, time and message', () => {
    const log = capture();
    createLogger({ service: 'edge-proxy', level: 'info', destination: log.destination }).info('ready', { count: 3 });
    expect(log.records()).toEqual([
      { level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), service: 'edge-proxy', message: 'ready', count: 3 },
    ]);
  });

  const dropped: [id: string, fields: Record<string, unknown>][] = [
    ['unknown-name', { token: canary }],
    ['unknown-object', { arguments: { text: canary } }],
    ['text-field-with-object', { upstream: { secret: canary } }],
    ['number-field-with-text', { bytes: canary }],
    ['url-query', { url: `https://example.com/path?token=${canary}` }],
    ['url-fragment', { url: `https://example.com/#${canary}` }],
    ['url-userinfo', { url: `https://user:${canary}@example.com/` }],
    ['url-relative', { url: `/path?token=${canary}` }],
    ['error-property', { error: Object.assign(new Error('failed'), { response: canary }) }],
    ['error-cause-property', { error: new Error('failed', { cause: Object.assign(new Error('inner'), { body: canary }) }) }],
    ['error-object', { error: { token: canary } }],
  ];
  it.each(dropped)('leaves out what the allow-list does not name: %s', (_id, fields) => {
    const log = capture();
    const logger = createLogger({ service: 's', level: 'debug', destination: log.destination });
    logger.error('failed', fields);
    logger.child(fields).warn('failed again');
    expect(log.records()).toHaveLength(2);
    expect(log.text()).not.toContain(canary);
  });

  it('keeps origin and path of a URL', () => {
    const log = capture();
    createLogger({ service: 's', level: 'info', destination: log.destination }).info('m', {
      url: 'https://example.com:8443/mcp?x=1',
    });
    expect(log.records()[0]).toMatchObject({ url: 'https://example.com:8443/mcp' });
  });

  it('keeps name, message, code, stack and causes of an error', () => {
    const log = capture();
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    createLogger({ service: 's', level: 'info', destination: log.destination }).warn('m', {
      error: new TypeError('failed', { cause }),
    });
    expect(log.records()[0]).toMatchObject({
      error: {
        name: 'TypeError',
        message: 'failed',
        stack: expect.stringContaining('logger.test'),
        cause: { name: 'Error', message: 'refused', code: 'ECONNREFUSED' },
      },
    });
  });

  it('lets a record override what a child bound, once', () => {
    const log = capture();
    const child = createLogger({ service: 's', level: 'info', destination: log.destination }).child({
      upstream: 'a',
      server: 'w',
    });
    child.info('m', { upstream: 'b' });
    expect(log.records()[0]).toMatchObject({ upstream: 'b', server: 'w' });
    expect(log.text().match(/"upstream"/g)).toHaveLength(1);
  });

  it.each(['debug', 'info', 'warn', 'error', 'silent'] as const)('writes nothing below level %s', (level) => {
    const log = capture();
    const logger = createLogger({ service: 's', level, destination: log.destination });
    const levels = ['debug', 'info', 'warn', 'error'] as const;
    levels.forEach((name) => logger[name]('m'));
    const from = level === 'silent' ? levels.length : levels.indexOf(level);
    expect(log.records().map((record) => record['level'])).toEqual(levels.slice(from));
  });
});

describe('a record for a terminal', () => {
  it('is one line without control characters from its fields', () => {
    const record = {
      level: 'warn',
      time: '2026-01-02T03:04:05.678Z',
      service: 'edge',
      message: 'upstream\u001b[2J is away',
      upstream: 'a\u001b]0;x',
    };
    expect(terminalLine(JSON.stringify(record))).toBe('03:04:05.678 warn  edge: upstream [2J is away upstream="a\\u001b]0;x"\n');
  });

  it('shows the stack of an error on lines of its own', () => {
    const record = {
      level: 'error',
      time: '2026-01-02T03:04:05.678Z',
      service: 'edge',
      message: 'm',
      error: { stack: 'Error: x\n    at y' },
    };
    expect(terminalLine(JSON.stringify(record))).toBe('03:04:05.678 error edge: m\n    Error: x\n        at y\n');
  });
});
