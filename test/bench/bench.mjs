// npm run bench [-- …]              run.mjs: what a small tools/call costs, and with --rows all more
// npm run bench -- identity [-- …]  identity.mjs: how fast a revocation is enforced
// npm run bench -- analytics [-- …] analytics.mjs: how fast events are stored and found
const PROGRAMS = { identity: './identity.mjs', analytics: './analytics.mjs' };
await import(PROGRAMS[process.argv[2]] ?? './run.mjs');
