import { hostServed, originAllowed } from './origin.js';

const PUBLIC = 'https://mcp.example.com';
const LOCAL = 'http://localhost:8080';

describe('Origin', () => {
  it.each([
    ['O-1 the gateway’s own', 'https://mcp.example.com', PUBLIC, true],
    ['O-2 another scheme', 'http://mcp.example.com', PUBLIC, false],
    ['O-3 another port', 'https://mcp.example.com:8443', PUBLIC, false],
    ['O-4 a subdomain', 'https://evil.mcp.example.com', PUBLIC, false],
    ['O-5 a name that begins alike', 'https://mcp.example.com.evil.example', PUBLIC, false],
    ['O-6 opaque', 'null', PUBLIC, false],
    ['O-7 empty', '', PUBLIC, false],
    ['O-8 loopback, from a public gateway', 'http://localhost:8080', PUBLIC, false],
    ['O-9 loopback, from a gateway on loopback', 'http://127.0.0.1:5173', LOCAL, true],
    ['O-10 loopback by IPv6', 'http://[::1]:5173', LOCAL, true],
    ['O-11 a name that only looks like loopback', 'http://127.0.0.1.evil.example', LOCAL, false],
    ['O-12 a name that begins with localhost', 'http://localhost.evil.example', LOCAL, false],
    ['O-13 loopback in a form that only URL parsers know', 'http://2130706433', LOCAL, false],
    ['O-14 userinfo', 'http://localhost@evil.example', LOCAL, false],
    ['O-15 userinfo before loopback', 'http://evil.example@localhost', LOCAL, false],
    ['O-16 several values', 'http://localhost:8080, http://evil.example', LOCAL, false],
    ['O-17 a rebound name', 'http://rebound.example:8080', LOCAL, false],
  ])('%s', (_id, origin, publicUrl, allowed) => {
    expect(originAllowed(origin, publicUrl)).toBe(allowed);
  });
});

describe('Host', () => {
  it.each([
    ['H-1 the public host', 'mcp.example.com', PUBLIC, true],
    ['H-2 in capitals', 'MCP.Example.COM', PUBLIC, true],
    ['H-3 with the default port', 'mcp.example.com:443', PUBLIC, true],
    ['H-4 with another port', 'mcp.example.com:8443', PUBLIC, false],
    ['H-5 with the other scheme’s default port', 'mcp.example.com:80', PUBLIC, false],
    ['H-6 missing', undefined, PUBLIC, false],
    ['H-7 empty', '', PUBLIC, false],
    ['H-8 another name', 'evil.example', PUBLIC, false],
    ['H-9 a name that ends alike', 'evil-mcp.example.com', PUBLIC, false],
    ['H-10 a name that begins alike', 'mcp.example.com.evil.example', PUBLIC, false],
    ['H-11 loopback, at a public gateway', 'localhost', PUBLIC, false],
    ['H-12 userinfo', 'mcp.example.com@evil.example', PUBLIC, false],
    ['H-13 userinfo before the host', 'evil@mcp.example.com', PUBLIC, false],
    ['H-14 a path', 'mcp.example.com/evil', PUBLIC, false],
    ['H-15 a query', 'mcp.example.com?evil', PUBLIC, false],
    ['H-16 a fragment', 'mcp.example.com#evil', PUBLIC, false],
    ['H-17 a back slash', 'mcp.example.com\\evil', PUBLIC, false],
    ['H-18 another name of loopback, same port', '127.0.0.1:8080', LOCAL, true],
    ['H-19 IPv6 loopback, same port', '[::1]:8080', LOCAL, true],
    ['H-20 loopback, another port', '127.0.0.1:9080', LOCAL, false],
    ['H-21 loopback without the port', 'localhost', LOCAL, false],
    ['H-22 a rebound name', 'rebound.example:8080', LOCAL, false],
    ['H-23 a name that begins with loopback', '127.0.0.1.evil.example:8080', LOCAL, false],
    ['H-24 two values', 'localhost:8080, evil.example', LOCAL, false],
  ])('%s', (_id, host, publicUrl, served) => {
    expect(hostServed(host, publicUrl)).toBe(served);
  });
});

describe('where clients are asked for certificates', () => {
  it.each([
    ['H-C1 its own host', 'mtls.example.com', true],
    ['H-C2 the public one', 'mcp.example.com', true],
    ['H-C3 another port of it', 'mtls.example.com:8443', false],
    ['H-C4 another host', 'evil.example.com', false],
  ])('%s', (_id, host, served) => {
    expect(hostServed(host, PUBLIC, 'https://mtls.example.com')).toBe(served);
  });
});
