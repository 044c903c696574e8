import { scanMessage } from './gate.js';
import { CODES, errorResponse, notificationMessage, requestMessage, resultResponse } from './jsonrpc.js';

const text = (bytes: Buffer) => bytes.toString('utf8');

describe('JSON-RPC messages', () => {
  it.each([
    [
      'error',
      errorResponse('"a"', CODES.invalidParams, 'é"'),
      '{"jsonrpc":"2.0","id":"a","error":{"code":-32602,"message":"é\\""}}',
    ],
    [
      'error-data',
      errorResponse('1', -32022, 'm', { supported: [] }),
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"m","data":{"supported":[]}}}',
    ],
    ['error-no-id', errorResponse('', -32700, 'm'), '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}'],
    ['result', resultResponse('0', '{"a":1}'), '{"jsonrpc":"2.0","id":0,"result":{"a":1}}'],
    ['request', requestMessage('"r-1"', 'tools/list'), '{"jsonrpc":"2.0","id":"r-1","method":"tools/list"}'],
    [
      'request-params',
      requestMessage('1', 'tools/list', '{"cursor":""}'),
      '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}',
    ],
    ['notification', notificationMessage('notifications/initialized'), '{"jsonrpc":"2.0","method":"notifications/initialized"}'],
    ['notification-params', notificationMessage('x', '{}'), '{"jsonrpc":"2.0","method":"x","params":{}}'],
  ])('%s', (id, bytes, expected) => {
    expect(text(bytes)).toBe(expected);
    expect(scanMessage(bytes).ok).toBe(id !== 'error-no-id');
  });
});
