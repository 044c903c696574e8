// npm run bench [-- …]            run.mjs: what a small tools/call costs, and with --rows all more
// npm run bench -- identity [-- …] identity.mjs: how fast a revocation is enforced
await import(process.argv[2] === 'identity' ? './identity.mjs' : './run.mjs');
