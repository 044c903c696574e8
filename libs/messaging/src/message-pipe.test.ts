import { RpcException } from '@nestjs/microservices';
import { LeaseCredentialRequestSchema } from '@switchyard/contracts';
import { messagePipe } from './message-pipe.js';

const pipe = messagePipe(LeaseCredentialRequestSchema);
const metadata = { type: 'custom' } as const;

it('parses ProtoJSON and leaves out what this version does not know', () => {
  expect(pipe.transform({ tenant: 'default', addedLater: 1 }, metadata)).toMatchObject({ tenant: 'default', upstream: '' });
});

it.each([
  ['a field of another type', { tenant: 7 }, /LeaseCredentialRequest: .*tenant/],
  ['no object', 'text', /LeaseCredentialRequest/],
  ['null', null, /LeaseCredentialRequest/],
])('refuses %s', (_, payload, message) => {
  expect(() => pipe.transform(payload, metadata)).toThrow(RpcException);
  expect(() => pipe.transform(payload, metadata)).toThrow(message);
});
