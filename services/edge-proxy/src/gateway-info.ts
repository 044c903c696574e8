/** How the gateway names itself, to clients and to upstreams (`Implementation` of the MCP schema). */
export const GATEWAY_INFO = { name: 'switchyard', title: 'Switchyard', version: '0.1.0' } as const;
