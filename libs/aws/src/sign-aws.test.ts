import { signAws } from './sign-aws.js';

// Published by AWS as the Signature Version 4 test suite; key and time are the same in all of them.
const VECTORS: readonly (readonly [id: string, method: 'GET' | 'POST', signature: string])[] = [
  ['get-vanilla', 'GET', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['post-vanilla', 'POST', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
];

it.each(VECTORS)('Signature Version 4 is what AWS published: %s', async (_id, method, signature) => {
  const { headers } = await signAws({
    method,
    url: 'https://example.amazonaws.com/',
    headers: {},
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
    service: 'service',
    region: 'us-east-1',
    atMs: Date.UTC(2015, 7, 30, 12, 36),
  });
  expect(headers['authorization']).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
      `SignedHeaders=host;x-amz-date, Signature=${signature}`,
  );
});
