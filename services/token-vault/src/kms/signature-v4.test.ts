import { expectedSignature } from './aws.fixture.js';

// Published by AWS as the Signature Version 4 test suite; key and time are the same in all of them.
const VECTORS: readonly (readonly [id: string, method: 'GET' | 'POST', signature: string])[] = [
  ['get-vanilla', 'GET', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['post-vanilla', 'POST', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
];
const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const date = '20150830T123600Z';

it.each(VECTORS)('Signature Version 4, as the stand-in expects it, is what AWS published: %s', (_id, method, signature) => {
  const request = { method, path: '/', headers: { host: 'example.amazonaws.com', 'x-amz-date': date }, body: '' };
  const scope = '20150830/us-east-1/service/aws4_request';
  expect(expectedSignature(request, { secret, scope, signedHeaders: 'host;x-amz-date' })).toBe(signature);
});
