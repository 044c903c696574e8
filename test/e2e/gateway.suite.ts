import { AdminApi } from './admin-api.js';
import { CallLedger } from './call-ledger.js';
import { auditSuite } from './suite/audit.suite.js';
import { clientsSuite } from './suite/clients.suite.js';
import type { GetContext, SuiteContext } from './suite/context.js';
import { documentsSuite } from './suite/documents.suite.js';
import { keysSuite } from './suite/keys.suite.js';
import { reloadSuite } from './suite/reload.suite.js';
import { restartSuite } from './suite/restart.suite.js';
import { sessionsSuite } from './suite/sessions.suite.js';
import { signInSuite } from './suite/sign-in.suite.js';
import { vaultSuite } from './suite/vault.suite.js';
import type { Target } from './targets/target.js';

/**
 * What a gateway does for its clients, its people and its administrators, whatever it runs on.
 * @param name of the target
 * @param more parts that only this target has
 */
export function describeGateway(
  name: string,
  start: () => Promise<Target>,
  more: readonly ((context: GetContext) => void)[] = [],
): void {
  describe(`the gateway: ${name}`, () => {
    let standing: SuiteContext | undefined;
    const context: GetContext = () => {
      if (standing === undefined) throw new Error('the target did not start');
      return standing;
    };
    beforeAll(async () => {
      const target = await start();
      standing = { target, admin: new AdminApi(target.publicUrl, target.adminKey), ledger: new CallLedger() };
    }, 300_000);
    afterAll(async () => {
      await standing?.target[Symbol.asyncDispose]();
    }, 300_000);

    for (const part of [
      documentsSuite,
      clientsSuite,
      signInSuite,
      keysSuite,
      sessionsSuite,
      vaultSuite,
      reloadSuite,
      restartSuite,
      ...more,
      auditSuite,
    ])
      part(context);

    it('Z-1 stops in an orderly way when it is told to', async () => {
      expect(new Set(await context().target.stop())).toEqual(new Set([0]));
    }, 300_000);
  });
}
