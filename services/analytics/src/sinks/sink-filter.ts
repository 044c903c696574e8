import type { SinkConfig } from '@switchyard/gateway-config';
import type { ToldEvent } from './mappings/told-event.js';

type Test = (event: ToldEvent) => boolean;

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
const matching = (patterns: readonly string[]) =>
  new RegExp(`^(?:${patterns.map((pattern) => pattern.split('*').map(escaped).join('.*')).join('|')})$`);

/** Whether a sink gets an event: it must pass every part of the filter that is there. */
export function compileFilter({ types, outcomes, servers, teams, upstreams }: SinkConfig['filter']): Test {
  const tests: Test[] = [];
  if (types !== undefined) {
    const expression = matching(types);
    tests.push(({ type = '' }) => expression.test(type));
  }
  const among = (values: readonly string[] | undefined, valueOf: (event: ToldEvent) => string | undefined) => {
    if (values === undefined) return;
    const set = new Set(values);
    tests.push((event) => set.has(valueOf(event) ?? ''));
  };
  among(outcomes, ({ outcome }) => outcome);
  among(servers, ({ server }) => server);
  among(upstreams, ({ upstream }) => upstream);
  if (teams !== undefined) {
    const set = new Set(teams);
    tests.push((event) => event.teams?.some((team) => set.has(team)) ?? false);
  }
  return (event) => tests.every((test) => test(event));
}
