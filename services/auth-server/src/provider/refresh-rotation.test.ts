import type { KoaContextWithOIDC, RefreshToken } from 'oidc-provider';
import { refreshTokenSeconds } from './refresh-rotation.js';

const lifetime = (entities: object) =>
  refreshTokenSeconds({ oidc: { entities } } as unknown as KoaContextWithOIDC, {} as RefreshToken);

describe('absolute age of a family of refresh tokens', () => {
  it.each([
    ['the first token lives for thirty days', {}, 30 * 86_400],
    ['a rotated one for what was left', { RotatedRefreshToken: { remainingTTL: 42 } }, 42],
    ['the last one not for nothing, which would be no lifetime at all', { RotatedRefreshToken: { remainingTTL: 0 } }, 1],
  ])('%s', (_id, entities, seconds) => {
    expect(lifetime(entities)).toBe(seconds);
  });
});
