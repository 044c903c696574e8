export { AccessTokenVerifier, audienceOf, type TokenRefusal, type VerifiedToken } from './access-token-verifier.js';
export { bearerChallenge, dpopChallenge, type BearerChallenge } from './challenge.js';
export { CERTIFICATE_FIELD, certificateThumbprint, ShownCertificates, type ShownCertificate } from './shown-certificate.js';
export { DpopKey, generateDpopKey, type ProvenRequest } from './dpop-key.js';
export { DpopNonces } from './dpop-nonces.js';
export { DpopOrigins } from './dpop-origins.js';
export {
  claimedJti,
  claimedThumbprint,
  DPOP_ALGORITHMS,
  DPOP_WINDOW_SECONDS,
  DpopProofs,
  type ProofRefusal,
  type ProofWanted,
  type VerifiedProof,
} from './dpop-proof.js';
export { LOGOUT_TOKEN_MAX_AGE_MS, LogoutTokenVerifier, type LogoutOrder, type LogoutTokenRefusal } from './logout-token.js';
export { KeysUnavailable, type IssuerKeysOptions } from './issuer-keys.js';
export {
  apiMetadata,
  apiMetadataUrl,
  apiResourceUrl,
  protectedResourceMetadata,
  protectedResourceMetadataUrl,
  resourceUrl,
  type ProtectedResourceMetadata,
  type ResourceOptions,
} from './resource.js';
export { ACCOUNT_SCOPE, guardScope, KIND_SCOPES, MCP_SCOPE, MCP_SCOPES, settleScopes, type ScopedKind } from './scopes.js';
export { claimsKeyFrom, signClaims, type ClaimsKey } from './claims-key.js';
export {
  AssertionVerifier,
  claimedAudience,
  claimedIssuer,
  type AssertionKind,
  type AssertionRefusal,
  type VerifiedAssertion,
} from './provider-assertion.js';
export { signJwtAssertion } from './jwt-assertion.js';
export { generateSealingKey, openSealed, sealingKeyFrom, sealTo, type SealingKey } from './sealed-message.js';
export { describeRedirect, judgeRedirectUri, type RedirectKind } from './redirect-uri.js';
