// npm run bench [-- …]              run.mjs: what a small tools/call costs, and with --rows all more
// npm run bench -- identity [-- …]   identity.mjs: how fast a revocation is enforced
// npm run bench -- durability [-- …] durability.mjs: what the audit trail adds to a call, in standard and in strict durability
const PROGRAMS = { identity: './identity.mjs', durability: './durability.mjs' };
await import(PROGRAMS[process.argv[2]] ?? './run.mjs');
