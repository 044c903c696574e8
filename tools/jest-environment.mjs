// Tests run in the context of their worker, not in one of their own: so packages of npm are loaded once for all suites of a worker
// (jest-runtime.mjs), and what these throw and return are Errors and Arrays to tests too. What a suite changes there is changed back.
import { LegacyFakeTimers, ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';
import { createRequire } from 'node:module';

/** What jest keeps in the global object for one suite. */
const OF_ONE_SUITE = [
  'EVENT_HANDLERS',
  'TEST_TIMEOUT_SYMBOL',
  'RETRY_TIMES',
  'RETRY_TIMES_SETTER',
  'RETRY_IMMEDIATELY',
  'WAIT_BEFORE_RETRY',
  'LOG_ERRORS_BEFORE_RETRY',
].map((name) => Symbol.for(name));

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGHUP'];
const listeners = () => new Map(SIGNALS.map((signal) => [signal, new Set(process.listeners(signal))]));

// What is drawn is the same in every run, unless another seed is asked for.
const seed = Number(process.env.SWITCHYARD_TEST_SEED ?? 20_251_121);
createRequire(import.meta.url)('fast-check').configureGlobal({ seed });

// Every suite has some that end what is left of it with the worker.
process.setMaxListeners(0);

export default class OneContext {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  #globals = { console: globalThis.console };
  #process = { exit: process.exit, getBuiltinModule: process.getBuiltinModule };
  #env = { ...process.env };
  #listeners = listeners();

  constructor({ projectConfig: config }) {
    const { global, moduleMocker } = this;
    const timerConfig = { idToRef: (id) => id, refToId: (timer) => timer };
    this.fakeTimers = new LegacyFakeTimers({ config, global, moduleMocker, timerConfig });
    this.fakeTimersModern = new ModernFakeTimers({ config, global });
  }

  async setup() {}

  async teardown() {
    this.fakeTimers.dispose();
    this.fakeTimersModern.dispose();
    Object.assign(globalThis, this.#globals);
    Object.assign(process, this.#process);
    for (const symbol of OF_ONE_SUITE) delete globalThis[symbol];
    for (const name of Object.keys(process.env)) if (!(name in this.#env)) delete process.env[name];
    Object.assign(process.env, this.#env);
    for (const [signal, now] of listeners())
      for (const one of now) if (!this.#listeners.get(signal).has(one)) process.off(signal, one);
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  getVmContext() {
    return globalThis;
  }
}
