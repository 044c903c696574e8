import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { workspaceRoot } from './import-graph.js';

const vault = 'proto/switchyard/vault/v1/vault.proto';
const generated = 'libs/contracts/src/gen';

async function copyOfContracts(): Promise<{ root: string; [Symbol.asyncDispose](): Promise<void> }> {
  const root = await mkdtemp(path.join(tmpdir(), 'switchyard-contracts-'));
  await Promise.all(
    ['proto', generated].map((dir) => cp(path.join(workspaceRoot, dir), path.join(root, dir), { recursive: true })),
  );
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

async function edit(root: string, file: string, from: string, to: string): Promise<void> {
  const before = await readFile(path.join(root, file), 'utf8');
  expect(before).toContain(from);
  await writeFile(path.join(root, file), before.replace(from, to));
}

function proto(root: string, ...args: string[]): { passed: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['tools/proto.mjs', '--root', root, ...args], {
    cwd: workspaceRoot,
  });
  return { passed: status === 0, output: `${stdout.toString()}${stderr.toString()}` };
}

const addedField = ['string request_id = 7;', 'string request_id = 7;\n  // Added.\n  string added = 80;'] as const;

const breaking: readonly (readonly [id: string, from: string, to: string])[] = [
  ['field-renumbered', 'string request_id = 7;', 'string request_id = 90;'],
  ['field-removed', '  // X-Request-Id of the call.\n  string request_id = 7;\n', ''],
  ['field-renamed', 'string request_id = 7;', 'string call_id = 7;'],
  ['type-changed', 'string request_id = 7;', 'bytes request_id = 7;'],
  ['message-renamed', 'message CredentialProblem {', 'message Problem {'],
  [
    'rpc-removed',
    "  // Leases the credential that a call to one upstream needs, sealed to the edge's key.\n  rpc LeaseCredential(LeaseCredentialRequest) returns (LeaseCredentialResponse);\n",
    '',
  ],
  ['package-moved', 'package switchyard.vault.v1;', 'package switchyard.vault.v2;'],
];

describe('npm run proto', () => {
  it('finds the committed contracts in order', () => {
    expect(proto(workspaceRoot, '--check')).toMatchObject({ passed: true });
  });

  it.each(breaking)('refuses a breaking change: %s', async (_id, from, to) => {
    await using contracts = await copyOfContracts();
    await edit(contracts.root, vault, from, to);
    const { passed, output } = proto(contracts.root, '--check');
    expect(passed).toBe(false);
    expect(output).toContain('proto: breaking:');
  });

  it('does not generate over a breaking change', async () => {
    await using contracts = await copyOfContracts();
    await edit(contracts.root, vault, 'string request_id = 7;', 'string request_id = 90;');
    const { passed, output } = proto(contracts.root);
    expect(passed).toBe(false);
    expect(output).toContain('proto: breaking:');
    const baseline = (root: string) => readFile(path.join(root, 'proto/baseline.binpb'));
    expect(await baseline(contracts.root)).toEqual(await baseline(workspaceRoot));
  });

  it('lets a breaking change through on demand, and then checks against it', async () => {
    await using contracts = await copyOfContracts();
    await edit(contracts.root, vault, 'string request_id = 7;', 'string request_id = 90;');
    expect(proto(contracts.root, '--accept-breaking')).toMatchObject({ passed: true });
    expect(proto(contracts.root, '--check')).toMatchObject({ passed: true });
  });

  it('protects an added field from the moment it was generated', async () => {
    await using contracts = await copyOfContracts();
    await edit(contracts.root, vault, ...addedField);
    expect(proto(contracts.root)).toMatchObject({ passed: true });
    await edit(contracts.root, vault, 'string added = 80;', 'bytes added = 80;');
    expect(proto(contracts.root, '--check').output).toContain('proto: breaking:');
  });

  it('finds generated code that is stale', async () => {
    await using contracts = await copyOfContracts();
    await edit(contracts.root, vault, ...addedField);
    const { passed, output } = proto(contracts.root, '--check');
    expect(passed).toBe(false);
    expect(output).toContain('proto: stale: libs/contracts/src/gen differs from proto/ in switchyard/vault/v1/vault_pb.ts');
    expect(output).not.toContain('proto: breaking:');
  });

  it('refuses a field without a comment', async () => {
    await using contracts = await copyOfContracts();
    await edit(contracts.root, vault, '  // X-Request-Id of the call.\n', '');
    expect(proto(contracts.root, '--check').output).toContain('proto: lint:');
  });
});
