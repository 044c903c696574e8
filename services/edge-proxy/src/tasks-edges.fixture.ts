import { startTestEdge, type TestEdge } from './edge.fixture.js';

/** An upstream with tasks, and the prefix of its tools where it is the first source. */
export interface TasksUpstream {
  readonly name: string;
  readonly url: string;
  readonly prefix: string;
}

/** Publishes two servers: `one` has the upstream twice, as two that are told apart by their prefixes; `two` has it once. */
export function publishTasks(to: TestEdge, { name, url, prefix }: TasksUpstream, access: object[] = [{ everyone: true }]) {
  const source = { upstream: name, tools: ['*'], prefix };
  return to.publish({
    upstreams: [name, 'other'].map((upstream) => ({
      ...{ name: upstream, transport: { case: 'http', value: { url } }, timeoutMs: 10_000 },
    })),
    servers: [
      { slug: 'one', sources: [source, { upstream: 'other', tools: ['*'], prefix: 'o_' }], access },
      { slug: 'two', sources: [source], access },
    ],
  });
}

/** Two edges of one gateway that serve them. */
export async function startTasksEdges(
  upstream: TasksUpstream,
): Promise<{ readonly edge: TestEdge; readonly beside: TestEdge } & AsyncDisposable> {
  const edge = await startTestEdge();
  const beside = await startTestEdge({ beside: edge });
  await publishTasks(beside, upstream);
  await publishTasks(edge, upstream);
  return {
    edge,
    beside,
    [Symbol.asyncDispose]: async () => {
      await beside[Symbol.asyncDispose]();
      await edge[Symbol.asyncDispose]();
    },
  };
}
