import { gatewayClient } from '../connect/connect-site.js';
import { clientAuthentication, clientMetadataDocument, clientWithoutRegistering } from './client-registration.js';

const server = (more: object) => ({ issuer: 'https://as.example', ...more });
const settings = { url: 'https://up.example/mcp', authorizeParameters: {} };

describe('the gateway as a client of authorization servers', () => {
  it('CR-1 describes itself at its own address, where strangers can fetch that', () => {
    const { metadataUrl = '', redirectUri } = gatewayClient({ publicUrl: 'https://mcp.example.com', loopback: false });
    const document = clientMetadataDocument({ metadataUrl, redirectUri });
    expect(document).toMatchObject({
      ...{
        client_id: 'https://mcp.example.com/connect/client.json',
        token_endpoint_auth_method: 'none',
        application_type: 'web',
      },
      redirect_uris: ['https://mcp.example.com/connect/callback'],
    });
    expect(gatewayClient({ publicUrl: 'http://localhost:8080', loopback: true })).toEqual({
      redirectUri: 'http://localhost:8080/connect/callback',
    });
  });

  const gateway = { metadataUrl: 'https://g.example/connect/client.json', redirectUri: 'https://g.example/connect/callback' };
  const configured = { ...settings, clientId: 'c', clientSecret: 's' };
  const ways: readonly [id: string, server: object, settings: typeof settings, gateway: object, expected: object | undefined][] =
    [
      [
        'CR-2 as configured first',
        { client_id_metadata_document_supported: true },
        configured,
        gateway,
        { how: 'configured', id: 'c' },
      ],
      [
        'CR-3 then by its document',
        { client_id_metadata_document_supported: true, registration_endpoint: 'https://as.example/r' },
        settings,
        gateway,
        { how: 'metadata-document', id: gateway.metadataUrl, authMethod: 'none' },
      ],
      ['CR-4 else it registers', {}, settings, gateway, undefined],
      [
        'CR-5 nobody could fetch it',
        { client_id_metadata_document_supported: true },
        settings,
        { redirectUri: 'http://localhost/' },
        undefined,
      ],
    ];
  it.each(ways)('%s', (_id, offered, how, who, expected) => {
    const client = clientWithoutRegistering(server(offered), how, who as typeof gateway);
    if (expected === undefined) expect(client).toBeUndefined();
    else expect(client).toMatchObject({ ...expected, issuer: 'https://as.example' });
  });

  it('CR-6 encodes id and secret as forms do (RFC 6749 §2.3.1), and no more than that', async () => {
    const client = {
      issuer: 'i',
      how: 'configured',
      id: 'a-b.c',
      secret: 'p:q é',
      authMethod: 'client_secret_basic',
      redirectUri: 'r',
    } as const;
    const headers = new Headers();
    await clientAuthentication(client)(server({}), { client_id: client.id }, new URLSearchParams(), headers);
    const sent = Buffer.from((headers.get('authorization') ?? '').replace('Basic ', ''), 'base64').toString('utf8');
    expect(sent).toBe('a-b.c:p%3Aq+%C3%A9');
  });
});
